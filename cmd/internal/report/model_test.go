package report

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// plainModel is some weights of one shape, each with an outlier of its own.
func plainModel(n int) fake {
	var src fake
	for i := range n {
		data := wave(96)
		data[i%96] = float32(2 + i)
		src = append(src, fakeTensor{name: fmt.Sprintf("layers.%d.weight", i), shape: []int{12, 8}, data: data, axis: tensorfile.NoAxis})
	}
	return src
}

func TestAxis(t *testing.T) {
	last := -1
	for name, test := range map[string]struct {
		use    string
		told   int
		asked  *int
		axis   int
		from   string
		about  string
		column string
	}{
		"default":     {"", tensorfile.NoAxis, nil, 0, AxisDefault, "3 channels on axis 0", "0"},
		"file":        {"MatMul", 1, nil, 1, AxisFile, "4 channels on axis 1 (MatMul)", "MatMul 1"},
		"asked":       {"MatMul", 1, new(int), 0, AxisAsked, "3 channels on axis 0 (asked for; MatMul)", "MatMul 0"},
		"from behind": {"", tensorfile.NoAxis, &last, 2, AxisAsked, "5 channels on axis 2 (asked for)", "2"},
		"not there":   {"Conv", 7, nil, 0, AxisDefault, "3 channels on axis 0 (Conv)", "Conv 0"},
		"use alone":   {"Add", tensorfile.NoAxis, nil, 0, AxisDefault, "3 channels on axis 0 (Add)", "Add 0"},
	} {
		t.Run(name, func(t *testing.T) {
			o := DefaultOptions()
			o.Axis = test.asked
			r := build(t, fake{{name: "w", shape: []int{3, 4, 5}, data: wave(60), use: test.use, axis: test.told}}, o)
			x := &r.Tensors[0]
			if *x.Axis != test.axis || x.AxisFrom != test.from || x.Use != test.use {
				t.Errorf("axis %d from %s, use %q", *x.Axis, x.AxisFrom, x.Use)
			}
			if about := x.About(); about != "3×4×5 F32, "+test.about {
				t.Errorf("about %q", about)
			}
			if x.UseText() != test.column {
				t.Errorf("column %q", x.UseText())
			}
		})
	}
}

// A slow source tells how many are read at once, and ends a context after some.
type slow struct {
	fake
	reads  atomic.Int64
	cancel context.CancelFunc
	after  int64
}

func (s *slow) Source(i int) (quant.Source, error) {
	src, err := s.fake.Source(i)
	return slowValues{src, s}, err
}

type slowValues struct {
	quant.Source
	s *slow
}

func (v slowValues) ReadFloats(dst []float32, off int) error {
	if v.s.reads.Add(1) == v.s.after {
		v.s.cancel()
	}
	return v.Source.ReadFloats(dst, off)
}

// TestCanceled ends a comparison in the middle of a model.
func TestCanceled(t *testing.T) {
	for name, work := range map[string]func(ctx context.Context, src Source) error{
		"Build": func(ctx context.Context, src Source) error {
			_, err := Build(ctx, "x", src, DefaultOptions(), nil)
			return err
		},
		"Inspect": func(ctx context.Context, src Source) error { _, err := Inspect(ctx, "x", "k", src, nil); return err },
		"Sweep": func(ctx context.Context, src Source) error {
			_, err := BuildSweep(ctx, "x", src, SweepOptions{Bits: []int{4}}, nil)
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		src := &slow{fake: plainModel(500), cancel: cancel, after: 20}
		if err := work(ctx, src); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v", name, err)
		}
		if n := src.reads.Load(); n > 100 {
			t.Errorf("%s: %d reads", name, n)
		}
	}
}

// TestSameReport builds a report several times, on as many goroutines.
func TestSameReport(t *testing.T) {
	var first []byte
	for range 5 {
		words, err := json.Marshal(build(t, plainModel(60), DefaultOptions()))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = words
		} else if !bytes.Equal(first, words) {
			t.Fatal("the reports differ")
		}
	}
}

func TestTotals(t *testing.T) {
	loud := wave(96)
	for i := range loud {
		loud[i] *= 100
	}
	r := build(t, fake{
		{name: "a", shape: []int{12, 8}, data: wave(96)}, {name: "b", shape: []int{12, 8}, data: loud},
		{name: "exact", shape: []int{2, 2}, data: make([]float32, 4)}, {name: "v", shape: []int{7}, data: wave(7)},
	}, DefaultOptions())
	s := r.Summary
	if s.SourceBytes != 4*196 || s.OtherBytes != 28 || s.Float32Bytes != 4*196 {
		t.Errorf("bytes %d, %d, %d", s.SourceBytes, s.OtherBytes, s.Float32Bytes)
	}
	for k, total := range s.Totals {
		signal, noise, mean := 0.0, 0.0, 0.0
		for _, x := range r.Tensors[:2] {
			res := x.Results[k]
			e := float64(x.Elements) * float64(res.RMSE) * float64(res.RMSE)
			noise += e
			signal += e * math.Pow(10, float64(res.SQNR)/10)
			mean += float64(res.SQNR) / 2
		}
		if want := 10 * math.Log10(signal/noise); math.Abs(float64(total.SQNR)-want) > 1e-5 {
			t.Errorf("SQNR %v, want %v", total.SQNR, want)
		}
		if math.Abs(float64(total.MeanSQNR)-mean) > 1e-5 {
			t.Errorf("mean SQNR %v, want %v", total.MeanSQNR, mean)
		}
		if want := 8 * float64(total.Memory.Total) / 196; float64(total.BitsPerWeight) != want {
			t.Errorf("%v bits, want %v", total.BitsPerWeight, want)
		}
	}
}

func TestWorst(t *testing.T) {
	src := plainModel(9)
	r := build(t, src, DefaultOptions())
	all := r.WorstTensors(3, 2)
	if len(all) != 3 || len(all[0].Channels) != 2 {
		t.Fatalf("%+v", all)
	}
	listed := map[int]bool{}
	for k, x := range all {
		listed[x.Tensor] = true
		own := r.Tensors[x.Tensor].Results[1]
		if k > 0 && own.SQNR < r.Tensors[all[k-1].Tensor].Results[1].SQNR {
			t.Errorf("weight %d is worse than the one before", x.Tensor)
		}
		for c, ch := range own.Channels {
			if !slices.Contains(x.Channels, c) && (ch.SQNR < own.Channels[x.Channels[1]].SQNR || ch.SQNR < own.Channels[x.Channels[0]].SQNR) {
				t.Errorf("weight %d: channel %d is worse than those listed", x.Tensor, c)
			}
		}
	}
	for i, x := range r.Tensors {
		if !listed[i] && x.Results[1].SQNR < r.Tensors[all[2].Tensor].Results[1].SQNR {
			t.Errorf("weight %d is worse than those listed", i)
		}
	}
}

// TestFew keeps the worst of very many channels.
func TestFew(t *testing.T) {
	data := wave(2 * (mostKept + 1))
	o := DefaultOptions()
	o.Few, o.GroupSize = true, 2
	src := fake{{name: "w", shape: []int{mostKept + 1, 2}, data: data}, {name: "few", shape: []int{3, 2}, data: wave(6)}}
	r := build(t, src, o)
	x := &r.Tensors[0]
	if x.listed() != keptWorst || x.Channels != mostKept+1 || r.Tensors[1].listed() != 3 {
		t.Errorf("%d of %d channels", x.listed(), x.Channels)
	}
	o.Few = false
	full := &build(t, src, o).Tensors[0]
	worst := 0
	for c, ch := range full.Results[0].Channels {
		if ch.RMSE > full.Results[0].Channels[worst].RMSE {
			worst = c
		}
	}
	if x.place(worst) < 0 {
		t.Errorf("channel %d is not kept", worst)
	}
	for place, c := range x.kept {
		for k := range x.Results {
			if x.Results[k].Channels[place] != full.Results[k].Channels[c] {
				t.Errorf("channel %d differs", c)
			}
			if k == 1 && x.Results[k].Scale[place] != full.Results[k].Scale[c] {
				t.Errorf("scale of channel %d differs", c)
			}
			if x.Results[k].scales != full.Results[k].scales {
				t.Error("the range of scales differs")
			}
		}
	}
	var b bytes.Buffer
	if err := errors.Join(WriteText(&b, r, TextOptions{}), WriteMarkdown(&b, r, false, Origin{}), WriteCSV(&b, r, false)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), fmt.Sprint(worst)) {
		t.Error("the worst channel is not listed")
	}
	r.SummaryTable(true)
	x.ChannelTable(true)
	d := detail(t, src, r, DetailOptions{})
	if len(d.Channels.Index) != keptWorst || !slices.Contains(d.Channels.Index, worst) {
		t.Errorf("%d channels in graphs", len(d.Channels.Index))
	}
	if d.FocusHistogram() == nil {
		t.Error("no histogram of the channel to show")
	}
}

func TestInspect(t *testing.T) {
	n := 3*blockLen + 17
	data := make([]float32, n)
	for i := range data {
		data[i] = float32(i%7) - 3 // a seventh is zero
	}
	data[5], data[n-1], data[blockLen] = 1000, -1000, float32(math.NaN())
	data[7], data[8] = float32(math.Inf(1)), float32(math.Inf(-1))
	src := fake{
		{name: "w", shape: []int{n}, data: data, use: "Conv", axis: 0}, {name: "same", shape: []int{3}, data: []float32{0.1, 0.1, 0.1}},
		{name: "none", shape: []int{2}, data: []float32{float32(math.NaN()), float32(math.Inf(1))}}, {name: "cut", shape: []int{4}},
	}
	var last int64
	v, err := Inspect(t.Context(), "test", "fake", src, func(done, total int64) { last = total - done })
	if err != nil {
		t.Fatal(err)
	}
	if last != 0 {
		t.Errorf("the progress ends %d bytes early", last)
	}
	zeros := int64(0)
	sum, squares, finite := 0.0, 0.0, 0.0
	for _, x := range data {
		if x == 0 {
			zeros++
		}
		if x-x == 0 {
			sum, squares, finite = sum+float64(x), squares+float64(x)*float64(x), finite+1
		}
	}
	mean := sum / finite
	dev := math.Sqrt(squares/finite - mean*mean)
	x := v.Tensors[0]
	if *x.Zeros != zeros || *x.NaN != 1 || *x.Inf != 2 || *x.Outliers != 2 || *x.Min != -1000 || *x.Max != 1000 || *x.Axis != 0 || x.Use != "Conv" {
		t.Errorf("%d zeros, %d NaN, %d Inf, %d outliers, %v to %v", *x.Zeros, *x.NaN, *x.Inf, *x.Outliers, *x.Min, *x.Max)
	}
	if math.Abs(float64(*x.Mean)-mean) > 1e-9 || math.Abs(float64(*x.StdDev)-dev) > 1e-9*dev {
		t.Errorf("mean %v, deviation %v; want %v, %v", *x.Mean, *x.StdDev, mean, dev)
	}
	if same := v.Tensors[1]; *same.StdDev != 0 || *same.Outliers != 0 || math.Abs(float64(*same.Mean)-0.1) > 1e-8 {
		t.Errorf("a constant has deviation %v, %d outliers, mean %v", *same.StdDev, *same.Outliers, *same.Mean)
	}
	if none := v.Tensors[2]; none.Min != nil || none.Mean != nil || *none.NaN != 1 || *none.Inf != 1 {
		t.Errorf("%+v", none)
	}
	if err := v.Err(); err == nil || !strings.Contains(err.Error(), `tensor "cut"`) {
		t.Errorf("error %v", err)
	}
	if len(v.DTypes) != 1 || v.DTypes[0].Tensors != 4 || v.Elements != int64(n+9) {
		t.Errorf("%+v, %d", v.DTypes, v.Elements)
	}
}

func TestSweepPicks(t *testing.T) {
	target := 30.0
	o := SweepOptions{Bits: []int{8, 2, 4, 4}, GroupSizes: []int{4, 8}, Target: &target}
	src := append(plainModel(5), fakeTensor{name: "zero", shape: []int{2, 2}, data: make([]float32, 4)}, fakeTensor{name: "cut", shape: []int{2, 2}})
	s, err := BuildSweep(t.Context(), "test", src, o, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Schemes) != 4*3 || !slices.Equal(s.Options.Bits, []int{2, 4, 8}) || !slices.Equal(s.Options.GroupSizes, []int{8, 4}) {
		t.Fatalf("%d schemes of %v bits, groups of %v", len(s.Schemes), s.Options.Bits, s.Options.GroupSizes)
	}
	if err := s.Err(); err == nil || !strings.Contains(err.Error(), "cut") {
		t.Errorf("error %v", err)
	}
	for k, x := range s.Schemes {
		beaten := false
		for i, y := range s.Schemes {
			beaten = beaten || i != k && y.Memory.Total <= x.Memory.Total && y.SQNR >= x.SQNR && (y.Memory.Total < x.Memory.Total || y.SQNR > x.SQNR)
		}
		if x.Pareto && beaten {
			t.Errorf("%s is marked, but beaten", x.Label())
		}
		if s.Weights[x.Worst].Results[k].SQNR != x.MinSQNR {
			t.Errorf("%s: the worst is not the worst", x.Label())
		}
	}
	c := s.Schemes[*s.Summary.Chosen]
	for _, x := range s.Schemes {
		if float64(x.SQNR) >= target && x.Memory.Total < c.Memory.Total {
			t.Errorf("%s is smaller than %s", x.Label(), c.Label())
		}
	}
	var mixed int64
	for _, w := range s.Weights {
		mixed += w.Results[*w.Choice].Bytes
		if float64(w.Results[*w.Choice].SQNR) < target {
			t.Errorf("%s falls short", w.Name)
		}
	}
	if mixed != s.Summary.MixedBytes || s.Summary.Short != 0 {
		t.Errorf("%d bytes, not %d; %d fall short", s.Summary.MixedBytes, mixed, s.Summary.Short)
	}
	var b bytes.Buffer
	if err := s.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(rows) != 1+12*7 {
		t.Errorf("%d rows, %v", len(rows), err)
	}

	target = 200
	if s, err = BuildSweep(t.Context(), "test", plainModel(2), o, nil); err != nil {
		t.Fatal(err)
	}
	if s.Summary.Chosen != nil || s.Summary.Short != 2 || !strings.HasPrefix(s.Verdict(), "No scheme reaches 200.0 dB. The best is 8 bits in groups of 4") {
		t.Errorf("%+v, %s", s.Summary, s.Verdict())
	}
}
