package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/bench"
	"github.com/a01592f9/quant/cmd/internal/documented"
	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A fake is a Source in memory. A tensor without data cannot be loaded.
type fake []fakeTensor

type fakeTensor struct {
	name  string
	shape []int
	data  []float32
	use   string
	axis  int
}

func (f fake) Tensors() []tensorfile.Info {
	var infos []tensorfile.Info
	for _, t := range f {
		infos = append(infos, tensorfile.Info{
			Name: t.name, DType: "F32", Shape: t.shape, Bytes: 4 * elements(t.shape), Floating: true, Use: t.use, Axis: t.axis,
		})
	}
	return infos
}

func (f fake) Source(i int) (quant.Source, error) {
	if f[i].data == nil {
		return nil, fmt.Errorf("fake: tensor %q: cut off", f[i].name)
	}
	return Values(f[i].data), nil
}

func (f fake) Load(i int) ([]float32, error) {
	if f[i].data == nil {
		return nil, fmt.Errorf("fake: tensor %q: cut off", f[i].name)
	}
	return f[i].data, nil
}

func wave(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)))
	}
	return x
}

func build(t *testing.T, src Source, o Options) *Report {
	t.Helper()
	r, err := Build(t.Context(), "test", src, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBuildProgress(t *testing.T) {
	src := fake{
		{name: "a", shape: []int{2, 3}, data: wave(6)}, {name: "v", shape: []int{7}, data: wave(7)}, {name: "cut", shape: []int{5, 1}, data: nil}, {name: "b", shape: []int{4, 1}, data: wave(4)},
	}
	var steps []int64
	r, err := Build(t.Context(), "test", src, DefaultOptions(), func(done, total int64) {
		if total != 60 {
			t.Errorf("total %d", total)
		}
		steps = append(steps, done)
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(steps) || steps[0] != 0 || steps[len(steps)-1] != 60 {
		t.Errorf("progress %v in bytes", steps)
	}
	if err := r.Err(); err == nil || err.Error() != `test: tensor "cut": cut off` {
		t.Errorf("error %v", err)
	}
	var bad *TensorError
	if err := r.Err(); !errors.As(err, &bad) || bad.Tensor != "cut" {
		t.Errorf("error %#v", err)
	}
}

func TestBuildErrors(t *testing.T) {
	if _, err := Build(t.Context(), "test", fake{}, DefaultOptions(), nil); err == nil {
		t.Error("no error for a source without tensors")
	}
	if _, err := Build(t.Context(), "test", fake{}, Options{}, nil); err == nil {
		t.Error("no error for 0 bits")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Build(ctx, "test", fake{{name: "a", shape: []int{1, 1}, data: wave(1)}}, DefaultOptions(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// TestParams checks which parameters a channel is said to have, by its values:
// each is its own index, so that the scale of a group of one tells which it is.
func TestParams(t *testing.T) {
	shape := []int{3, 4, 5}
	data := make([]float32, 60)
	for i := range data {
		data[i] = float32(i + 1)
	}
	for axis := range shape {
		for group := range shape {
			o := DefaultOptions()
			o.Mapping, o.Axis, o.GroupSize, o.GroupAxis = "symmetric", &axis, 1, &group
			r := build(t, fake{{name: "w", shape: shape, data: data}}, o)
			x := &r.Tensors[0]
			for c := range x.Channels {
				var want []float32
				inner := int(elements(shape[axis+1:]))
				for i, v := range data {
					if i/inner%shape[axis] == c {
						want = append(want, v/128)
					}
				}
				if got, _ := x.params(&x.Results[2], c); !slices.Equal(got, want) {
					t.Errorf("axis %d, groups on %d, channel %d: %v, want %v", axis, group, c, got, want)
				}
				if got, _ := x.params(&x.Results[1], c); len(got) != 1 || got[0] != x.Results[1].Scale[c] {
					t.Errorf("axis %d, channel %d: %v", axis, c, got)
				}
			}
		}
	}
	// Two channels in one group share its parameters.
	two := 0
	o := DefaultOptions()
	o.GroupSize, o.GroupAxis = 2, &two
	x := &build(t, fake{{name: "w", shape: shape, data: data}}, o).Tensors[0]
	a, _ := x.params(&x.Results[2], 0)
	b, _ := x.params(&x.Results[2], 1)
	c, _ := x.params(&x.Results[2], 2)
	if !slices.Equal(a, b) || slices.Equal(a, c) || len(c) != 20 {
		t.Errorf("groups of channels: %v, %v, %v", a, b, c)
	}
}

func TestColor(t *testing.T) {
	r := build(t, fake{{name: "a", shape: []int{2, 3}, data: wave(6)}, {name: "b", shape: []int{2, 3}, data: wave(6)}}, DefaultOptions())
	var plain, color bytes.Buffer
	if err := errors.Join(WriteText(&plain, r, TextOptions{}), WriteText(&color, r, TextOptions{Color: true})); err != nil {
		t.Fatal(err)
	}
	stripped := color.String()
	for _, s := range []table.Style{table.Bold, table.Dim, table.Red, table.Green, "0"} {
		stripped = strings.ReplaceAll(stripped, "\x1b["+string(s)+"m", "")
	}
	if stripped != plain.String() || color.Len() == plain.Len() {
		t.Errorf("colour changes the text:\n%q\n%q", &color, &plain)
	}
}

func TestWriteErrors(t *testing.T) {
	r := build(t, fake{{name: "a", shape: []int{2, 3}, data: wave(6)}}, DefaultOptions())
	v, err := Inspect(t.Context(), "test", "fake", fake{{name: "a", shape: []int{2}, data: wave(2)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := failing{}
	for i, err := range []error{
		WriteText(w, r, TextOptions{}), text.WriteJSON(w, r), WriteCSV(w, r, true), WriteMarkdown(w, r, true, Origin{}), v.WriteText(w, false, 0),
	} {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%d: error %v", i, err)
		}
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

// TestJSONDocumented: docs/json.md explains every key that a report can have.
func TestJSONDocumented(t *testing.T) {
	doc := documented.Text(t, "../../..", "json.md")
	for _, x := range []any{
		Report{}, Difference{}, Sweep{}, Plan{}, Codes{}, Inventory{}, Conversion{}, Observation{}, Sensitivity{}, bench.Report{},
	} {
		documented.Keys(t, doc, x)
	}
}

// TestDifferenceOptions: options that have their defaults are left out as in other reports.
func TestDifferenceOptions(t *testing.T) {
	src := fake{{name: "a", shape: []int{2, 3}, data: wave(6)}}
	o := DefaultOptions()
	o.Divisor, o.Scales = "far", "float32" // as the flags of quant compare have them
	d, err := BuildDifference(t.Context(), "a", "b", src, src, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	words, err := json.Marshal(d.Options)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"divisor", "scales"} {
		if bytes.Contains(words, []byte(`"`+key+`"`)) {
			t.Errorf("the options have %q: %s", key, words)
		}
	}
}
