package report

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/sample"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

func detail(t *testing.T, src Source, r *Report, o DetailOptions) *Detail {
	t.Helper()
	d, err := r.Detail(t.Context(), src, 0, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// check compares a detail with the report and with the values themselves.
func check(t *testing.T, r *Report, d *Detail, data []float32) {
	t.Helper()
	x := &r.Tensors[d.Tensor]
	e := &d.Elements
	for k, i := range e.Index {
		if e.Original[k] != data[i] {
			t.Fatalf("element %d is %v, not %v", i, e.Original[k], data[i])
		}
		for s, res := range x.Results {
			if back := e.Reconstructed[s][k]; back != res.Reconstructed[i] || e.Error[s][k] != back-data[i] {
				t.Fatalf("element %d comes back as %v with error %v, not as %v", i, back, e.Error[s][k], res.Reconstructed[i])
			}
		}
	}
	// The extremes are there, whatever was left out.
	if !slices.Contains(e.Original, slices.Min(data)) || !slices.Contains(e.Original, slices.Max(data)) {
		t.Error("the extremes of the original are not shown")
	}
	for s, res := range x.Results {
		most := 0.0
		for _, v := range e.Error[s] {
			most = max(most, math.Abs(float64(v)))
		}
		if math.Abs(most-float64(res.MaxError)) > 1e-6*float64(res.MaxError) {
			t.Errorf("the largest error shown is %v, the tensor's %v", most, res.MaxError)
		}
	}
	if !slices.IsSorted(e.Position) || !slices.IsSorted(d.Channels.Index) {
		t.Error("the order is wrong")
	}
	for k, c := range d.Channels.Index {
		for s, res := range x.Results {
			if d.Channels.RMSE[s][k] != res.Channels[c].RMSE || d.Channels.MaxError[s][k] != res.Channels[c].MaxError {
				t.Fatalf("channel %d differs from the report", c)
			}
		}
	}
	if len(d.Sweep) != 15 {
		t.Fatalf("%d widths", len(d.Sweep))
	}
	for _, p := range d.Sweep {
		for s, res := range x.Results {
			if p.Bits == r.Options.Bits && (p.Results[s].RMSE != res.RMSE || p.Results[s].TotalBytes != res.Memory.Total) {
				t.Errorf("%d bits in the sweep are not as in the report", p.Bits)
			}
		}
	}
	for k := range d.Errors.Counts {
		n := int64(0)
		for _, c := range d.Errors.Counts[k] {
			n += c
		}
		if n != x.Elements {
			t.Errorf("%d errors counted of %d values", n, x.Elements)
		}
	}
	if none := d.Errors.Most == 0 || math.IsInf(float64(d.Errors.Most), 0); none != (len(d.Errors.Counts) == 0) {
		t.Errorf("errors to %v, and %d counts", d.Errors.Most, len(d.Errors.Counts))
	}
	sum := func(h *Histogram) (n int64) {
		for _, c := range h.Counts {
			n += c
		}
		return n
	}
	if sum(&d.Histogram) != x.Elements {
		t.Errorf("%d values in the histogram", sum(&d.Histogram))
	}
	for i := range d.Histograms {
		h := &d.Histograms[i]
		if sum(h) != x.Elements/int64(x.Channels) {
			t.Errorf("%d values in the histogram of channel %d", sum(h), *h.Channel)
		}
		for _, g := range h.Grids {
			if g.Codes > 0 && g.Codes <= maxGrid && len(g.Values) != g.Codes {
				t.Errorf("%d values of %d codes", len(g.Values), g.Codes)
			}
		}
	}
	if _, err := json.Marshal(d); err != nil {
		t.Error(err)
	}
}

func TestDetailOfSample(t *testing.T) {
	src, err := tensorfile.Read("", strings.NewReader(sample.Text), 0)
	if err != nil {
		t.Fatal(err)
	}
	o := DefaultOptions()
	o.Codes = true
	r := build(t, src, o)
	d := detail(t, src, r, DetailOptions{})
	data, err := src.Load(0)
	if err != nil {
		t.Fatal(err)
	}
	check(t, r, d, data)
	if d.Focus != 3 || len(d.Histograms) != 4 || d.Elements.Note != "All 20 elements are shown." {
		t.Errorf("focus %d, %d histograms, %s", d.Focus, len(d.Histograms), d.Elements.Note)
	}
	// The tiny channel has all codes to itself, or a few of the tensor's.
	if g := d.Histograms[3].Grids; g[0].Codes >= 20 || g[1].Codes != 256 {
		t.Errorf("%d and %d codes", g[0].Codes, g[1].Codes)
	}
}

func TestDetailThinned(t *testing.T) {
	const n = 64 * 30 * 9
	data := wave(n)
	data[7777], data[12345] = -5, 7 // must be seen
	for _, axis := range []int{0, 1, -1} {
		src := fake{{name: "w", shape: []int{64, 30, 9}, data: data}}
		o := DefaultOptions()
		o.Codes, o.Axis, o.GroupSize = true, &axis, 4
		r := build(t, src, o)
		d := detail(t, src, r, DetailOptions{Points: 1000, Histograms: 5})
		check(t, r, d, data)
		if len(d.Elements.Index) > 1000 || len(d.Elements.Index) < 500 {
			t.Errorf("%d elements", len(d.Elements.Index))
		}
		if len(d.Histograms) != 5 {
			t.Errorf("%d histograms", len(d.Histograms))
		}
		// Positions run channel by channel.
		for k, p := range d.Elements.Position {
			i, shape := d.Elements.Index[k], r.Tensors[0].Shape
			a := *r.Tensors[0].Axis
			if c := i / int(elements(shape[a+1:])) % shape[a]; p/d.Elements.PerChannel != c {
				t.Fatalf("axis %d: element %d is at %d, not in channel %d", axis, i, p, c)
			}
		}
	}
}

func TestDetailShapes(t *testing.T) {
	for name, x := range map[string]fakeTensor{
		"vector":   {name: "v", shape: []int{9}, data: wave(9)},
		"one":      {name: "one", shape: []int{1, 1}, data: []float32{0.5}},
		"constant": {name: "same", shape: []int{2, 3}, data: make([]float32, 6)},
		"extreme":  {name: "big", shape: []int{2, 2}, data: []float32{-math.MaxFloat32, math.MaxFloat32, 1, 2}},
		"many":     {name: "many", shape: []int{9000, 2}, data: wave(18000)},
	} {
		t.Run(name, func(t *testing.T) {
			o := DefaultOptions()
			o.Codes, o.Unsigned, o.GroupSize = true, true, 2
			src := fake{x}
			r := build(t, src, o)
			check(t, r, detail(t, src, r, DetailOptions{}), x.data)
		})
	}
}

func TestDetailChanged(t *testing.T) {
	src := fake{{name: "w", shape: []int{2, 3}, data: wave(6)}}
	r := build(t, src, DefaultOptions())
	src[0].data = wave(5)
	if _, err := r.Detail(t.Context(), src, 0, DetailOptions{}); err == nil {
		t.Error("a tensor that shrank was not noticed")
	}
}

func TestDetailsPickTheBest(t *testing.T) {
	uneven := wave(20)
	for i := range uneven[:10] {
		uneven[i] /= 1000
	}
	src := fake{{name: "even", shape: []int{2, 10}, data: wave(20)}, {name: "uneven", shape: []int{2, 10}, data: uneven}}
	r := build(t, src, DefaultOptions())
	d, err := r.Details(t.Context(), src, 1, DetailOptions{}, nil)
	if err != nil || len(d) != 1 || d[0].Tensor != 1 {
		t.Errorf("%v, %v", d, err)
	}
}
