package calibfile

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
)

// TestFile writes the calibration of a tensor and reads its JSON back.
func TestFile(t *testing.T) {
	s := quant.Scheme{Bits: 8, Granularity: quant.PerChannel(-1)}
	x := seen(t, "a", []int{2, 2}, 3, 4, -5, 6)
	f, err := New(map[string]*Seen{"act": x}, s)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	var back File
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	p, err := x.Observer.Params(s)
	if err != nil {
		t.Fatal(err)
	}
	got := back.Tensors[0]
	if len(back.Tensors) != 1 || got.Name != "act" || got.Scheme.Granularity != "per_channel" || got.Counts.Finite != 4 {
		t.Errorf("%+v", got)
	}
	for i, scale := range p.Scale {
		if got.Scale[i] != scale || got.ZeroPoint[i] != p.ZeroPoint[i] {
			t.Errorf("channel %d: %v and %d, want %v and %d", i, got.Scale[i], got.ZeroPoint[i], scale, p.ZeroPoint[i])
		}
	}
	if state, err := State(map[string]*Seen{"act": x}); err != nil || !bytes.HasPrefix(state, []byte("QCST\x01\x01\x03act")) {
		t.Errorf("state %.20q, %v", state, err)
	}
}

func TestDescribeRefuses(t *testing.T) {
	s := quant.Scheme{Bits: 8, Granularity: quant.PerChannel(-1)}
	x := seen(t, "a", []int{2, 2}, 3, 4, -5, 6)
	for name, test := range map[string]struct {
		name string
		s    quant.Scheme
		text string
	}{
		"name":        {"\xff", s, "its name is not UTF-8"},
		"format":      {"act", quant.Scheme{Format: quant.NF4, Granularity: s.Granularity}, "no place for the format nf4"},
		"divisor":     {"act", quant.Scheme{Bits: 8, Mapping: quant.Symmetric, Divisor: quant.HalfWidth, Granularity: s.Granularity}, "no place for the divisor half"},
		"scales":      {"act", quant.Scheme{Bits: 8, Scales: quant.Float16Scale, Granularity: s.Granularity}, "no place for scales in float16"},
		"granularity": {"act", quant.Scheme{Bits: 8}, "granularity"},
		"block":       {"act", quant.Scheme{Bits: 8, Granularity: quant.PerBlock(0, 2, 1, 2)}, "no place for parameters per block of 2x2"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Describe(test.name, x, test.s); err == nil || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v, want %q in it", err, test.text)
			}
		})
	}
}
