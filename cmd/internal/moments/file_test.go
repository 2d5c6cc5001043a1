package moments

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/feedback"
)

// observed returns the moments of rows of n inputs.
func observed(t testing.TB, e feedback.Extent, x []float32, n int) *feedback.Moments {
	t.Helper()
	m, err := feedback.NewMoments(n, e, quant.RefuseNotFinite)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Observe(quant.Tensor{Data: x, Shape: []int{len(x) / n, n}}); err != nil {
		t.Fatal(err)
	}
	return m
}

func marshal(t testing.TB, s State) []byte {
	t.Helper()
	b, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestMerge merges parts of rows in several orders: the bytes must be those of all rows.
func TestMerge(t *testing.T) {
	x := random(rand.New(rand.NewPCG(7, 8)), 60)
	all := marshal(t, State{"a": observed(t, feedback.Full, x, 3), "b": observed(t, feedback.Diagonal, x[:30], 5)})
	part := func(k int) State {
		switch k {
		case 0:
			return State{"a": observed(t, feedback.Full, x[:30], 3)}
		case 1:
			return State{"a": observed(t, feedback.Full, x[30:42], 3), "b": observed(t, feedback.Full, x[:10], 5)}
		}
		return State{"a": observed(t, feedback.Full, x[42:], 3), "b": observed(t, feedback.Diagonal, x[10:30], 5)}
	}
	for _, order := range [][]int{{0, 1, 2}, {2, 1, 0}, {1, 0, 2}} {
		s := State{}
		for _, k := range order {
			read, err := Parse(marshal(t, part(k)))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Merge(read); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(marshal(t, s), all) {
			t.Errorf("order %v: the state is not that of all rows", order)
		}
	}
	s := part(0)
	if err := s.Merge(State{"a": observed(t, feedback.Full, x, 5)}); err == nil || !strings.Contains(err.Error(), `tensor "a"`) {
		t.Errorf("error %v for moments of another number of inputs", err)
	}
}

func TestParseErrors(t *testing.T) {
	good := marshal(t, State{"a": observed(t, feedback.Full, []float32{1, 2, 3, 4}, 2)})
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "not a file of second moments"},
		{"another file", []byte("QCST\x01 and more"), "not a file of second moments"},
		{"version", append([]byte("QCMO\x02"), good[5:]...), "version 2"},
		{"damaged", append(bytes.Clone(good[:20]), append([]byte{1}, good[21:]...)...), "checksum"},
		{"cut", good[:len(good)-1], "checksum"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Parse(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

func TestFind(t *testing.T) {
	m := observed(t, feedback.Full, []float32{1}, 1)
	s := State{"layer": m, "w": m}
	for name, want := range map[string]*feedback.Moments{"w": m, "layer.weight": m, "layer": m, "w.bias": nil, "x": nil} {
		if got := s.Find(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(marshal(f, State{"a": observed(f, feedback.Full, []float32{1, 2, 3, 4}, 2), "b": observed(f, feedback.Diagonal, []float32{1}, 1)}))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error of several lines: %q", err)
			}
			return
		}
		if !bytes.Equal(marshal(t, s), data) {
			t.Error("the bytes are others")
		}
	})
}
