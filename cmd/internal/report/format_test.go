package report

import (
	"bytes"
	"encoding/csv"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
)

// TestFormats: a report, its codes, its graphs and its rows of every format.
func TestFormats(t *testing.T) {
	infos, err := Formats()
	if err != nil || len(infos) != len(quant.Formats()) || len(infos) < 8 {
		t.Fatalf("%d formats, %v", len(infos), err)
	}
	data := wave(4 * 30)
	for _, info := range infos {
		t.Run(info.Name, func(t *testing.T) {
			src := fake{{name: "w", shape: []int{4, 30}, data: data}}
			o := DefaultOptions()
			o.Format, o.Codes, o.GroupSize = info.Name, true, 8
			r := build(t, src, o)
			if r.Options.Bits != info.Bits || r.Options.Mapping != "symmetric" || !strings.Contains(r.Options.About(), info.Name) {
				t.Errorf("options: %+v, %s", r.Options, r.Options.About())
			}
			x := &r.Tensors[0]
			first := &x.Results[0]
			if first.Scheme.Format != info.Name || first.Scheme.Bits != info.Bits {
				t.Errorf("scheme: %+v", first.Scheme)
			}
			for i, c := range first.Codes {
				if want := float32(info.Values[c]) * first.Scale[0]; first.Reconstructed[i] != want {
					t.Fatalf("code %d of element %d stands for %v, not %v", c, i, first.Reconstructed[i], want)
				}
			}
			d := detail(t, src, r, DetailOptions{})
			for k, res := range x.Results {
				for j, i := range d.Elements.Index {
					if d.Elements.Reconstructed[k][j] != res.Reconstructed[i] {
						t.Fatalf("the graph has %v at %d, not %v", d.Elements.Reconstructed[k][j], i, res.Reconstructed[i])
					}
				}
			}
			checkFormatGrids(t, d, first)
			if len(d.Sweep) != 15 || d.Sweep[0].Results[0].RMSE == d.Sweep[14].Results[0].RMSE {
				t.Errorf("the sweep is of %d widths", len(d.Sweep))
			}
			for _, m := range d.Methods.Ranges {
				if m.Method == "entropy" || !(m.From < 0 && m.To > 0) {
					t.Errorf("method %s from %v to %v", m.Method, m.From, m.To)
				}
			}
			var b bytes.Buffer
			if err := WriteCSV(&b, r, true); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(&b).ReadAll()
			if err != nil || rows[0][len(rows[0])-1] != "format" || rows[1][len(rows[1])-1] != info.Name {
				t.Errorf("CSV: %v %q", err, rows[0])
			}
		})
	}
}

// checkFormatGrids: the grid drawn for all values holds the reconstructed ones.
func checkFormatGrids(t *testing.T, d *Detail, r *Result) {
	t.Helper()
	g := d.Histogram.Grids[0]
	if g.Codes != len(g.Values) || !slices.IsSorted(g.Values) {
		t.Errorf("grid of %d codes: %v", g.Codes, g.Values)
	}
	for _, v := range r.Reconstructed {
		if _, there := slices.BinarySearch(g.Values, v); !there {
			t.Fatalf("%v is not on the grid", v)
		}
	}
}

func TestFormatErrors(t *testing.T) {
	for _, test := range []struct {
		field, want string
		change      func(*Options)
	}{
		{"format", "there is no format", func(o *Options) { o.Format = "fp3" }},
		{"format", "are for integers, not for nf4", func(o *Options) { o.Format, o.Unsigned = "nf4", true }},
		{"format", "are for integers, not for nf4", func(o *Options) { o.Format, o.ZeroInRange = "nf4", true }},
		{"method", "is for integers, not for nf4", func(o *Options) { o.Format, o.Method = "nf4", "entropy" }},
	} {
		t.Run(test.want, func(t *testing.T) {
			o := DefaultOptions()
			test.change(&o)
			err := o.Validate()
			e, ok := err.(*OptionError)
			if !ok || e.Field != test.field || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v", err)
			}
		})
	}
	o := DefaultOptions()
	o.Format = "integers"
	if err := o.Validate(); err != nil || o.normal().Format != "" {
		t.Errorf("integers: %v", err)
	}
}

// TestStretch: a stretch has all of its values, or the extremes of its bins.
func TestStretch(t *testing.T) {
	const n = 64 * 30 * 90
	data := wave(n)
	data[77_777] = 9
	for _, axis := range []int{0, 1} {
		o := DefaultOptions()
		o.Axis, o.Codes = &axis, true
		src := fake{{name: "w", shape: []int{64, 30, 90}, data: data}}
		r := build(t, src, o)
		x := &r.Tensors[0]
		whole, err := r.Stretch(t.Context(), src, 0, 0, n, 1000)
		if err != nil || whole.Bins == 0 || len(whole.Position) > 1000 {
			t.Fatalf("all: %v, %d points", err, len(whole.Position))
		}
		if !slices.Contains(whole.Original, 9) {
			t.Error("the peak is not shown")
		}
		e, err := r.Stretch(t.Context(), src, 0, 70_000, 70_500, 1000)
		if err != nil || e.Bins != 0 || len(e.Position) != 500 || e.Position[0] != 70_000 || e.From != 70_000 || e.To != 70_500 {
			t.Fatalf("a part: %v, %d points", err, len(e.Position))
		}
		for k, i := range e.Index {
			if pos, _ := newWalk(x).position(i); pos != e.Position[k] || e.Original[k] != data[i] {
				t.Fatalf("element %d at %d is %v", i, e.Position[k], e.Original[k])
			}
			for s, res := range x.Results {
				if e.Reconstructed[s][k] != res.Reconstructed[i] || math.Abs(float64(e.Error[s][k])) > float64(res.MaxError)*(1+1e-6) {
					t.Fatalf("element %d comes back as %v", i, e.Reconstructed[s][k])
				}
			}
		}
		if _, err := r.Stretch(t.Context(), src, 0, 5, n+1, 0); err == nil {
			t.Error("a stretch beyond the end is no error")
		}
	}
}
