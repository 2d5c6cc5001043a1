package quant

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/a01592f9/quant/internal/exact"
)

// importantSchemes are schemes of LeastSquares of all kinds.
func importantSchemes() []Scheme {
	var all []Scheme
	for _, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(1), PerChannel(-1), PerGroup(-1, 8), PerGroup(0, 3), PerGroup(1, 4), PerBlock(0, 2, -1, 5)} {
		for _, s := range []Scheme{
			{Bits: 4, Mapping: Symmetric}, {Bits: 3}, {Bits: 4, Unsigned: true, ZeroInRange: true},
			{Bits: 8, Mapping: Symmetric, NarrowRange: true}, {Bits: 5, Mapping: Symmetric, Divisor: EachEnd},
			{Bits: 4, Mapping: Symmetric, Scales: Float16Scale}, {Format: NF4},
		} {
			s.Granularity, s.Method = g, LeastSquares
			all = append(all, s)
		}
	}
	return all
}

// importantTensor returns a tensor of about normal values with some outliers.
func importantTensor(seed uint64, shape ...int) Tensor {
	rng := rand.New(rand.NewPCG(21, seed))
	n := 1
	for _, d := range shape {
		n *= d
	}
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.Float64() + rng.Float64() + rng.Float64() + rng.Float64() - 2)
		if rng.IntN(40) == 0 {
			x[i] *= 4
		}
	}
	return Tensor{x, shape}
}

// importantValues returns n importances of very different sizes, some of which are 0.
func importantValues(seed uint64, n int) []float64 {
	rng := rand.New(rand.NewPCG(22, seed))
	v := make([]float64, n)
	for i := range v {
		if rng.IntN(5) > 0 {
			v[i] = math.Ldexp(rng.Float64(), rng.IntN(12))
		}
	}
	v[0] = 1
	return v
}

func sameParams(a, b Params) bool {
	if len(a.Scale) != len(b.Scale) || a.TensorScale != b.TensorScale {
		return false
	}
	for i := range a.Scale {
		if a.Scale[i] != b.Scale[i] || a.ZeroPoint[i] != b.ZeroPoint[i] {
			return false
		}
	}
	return true
}

// TestEqualImportance: importances that are all the same change nothing, not even the last bit.
func TestEqualImportance(t *testing.T) {
	x := importantTensor(1, 6, 12, 5)
	for _, value := range []float64{0, 1, 3.7, 0x1p-1070, math.MaxFloat64} {
		i := Importance{1, make([]float64, 12)}
		for k := range i.Values {
			i.Values[k] = value
		}
		for _, s := range importantSchemes() {
			want, err := Calibrate(x, s)
			if err != nil {
				t.Fatal(err)
			}
			got, err := CalibrateWeighted(x, s, i)
			if err != nil || !sameParams(got, want) {
				t.Fatalf("%v, all %v: %v and %v, want %v", s, value, got.Scale, err, want.Scale)
			}
			c, err := CompareWeighted(x, i, s)
			if err != nil {
				t.Fatal(err)
			}
			r, w := &c.Comparison.Results[0], &c.Weighted[0]
			if w.RMSE != r.RMSE || w.SQNR != r.SQNR {
				t.Errorf("%v, all %v: RMSE %v, SQNR %v, want %v and %v", s, value, w.RMSE, w.SQNR, r.RMSE, r.SQNR)
			}
			for k, m := range r.ChannelMetrics {
				if w.Channels[k] != (WeightedMetrics{m.RMSE, m.SQNR}) {
					t.Errorf("%v, channel %d: %v, want %v", s, k, w.Channels[k], m)
				}
			}
		}
	}
}

// TestEqualInAChannel: a channel whose elements have the same importance gets the parameters
// of Calibrate, whatever the others have.
func TestEqualInAChannel(t *testing.T) {
	x := importantTensor(2, 5, 64)
	s := Scheme{Bits: 4, Mapping: Symmetric, Granularity: PerChannel(0), Method: LeastSquares}
	want, _ := Calibrate(x, s)
	got, err := CalibrateWeighted(x, s, Importance{0, []float64{1, 2, 0, 1e30, 5}})
	if err != nil || !sameParams(got, want) {
		t.Errorf("%v and %v, want %v", got.Scale, err, want.Scale)
	}
	if got, _ = CalibrateWeighted(x, s, Importance{1, importantValues(2, 64)}); sameParams(got, want) {
		t.Error("importances along the other axis change no scale")
	}
}

// TestImportanceOfEachParameter: each channel or group gets the parameters that it gets as a
// tensor of its own, in memory and read from a Source.
func TestImportanceOfEachParameter(t *testing.T) {
	for _, c := range []struct {
		shape []int
		axis  int
		n     int // importances
	}{
		{[]int{6, 40, 3}, 1, 40}, {[]int{6, 40, 3}, 1, 120}, {[]int{6, 40, 3}, -1, 3}, {[]int{6, 40, 3}, 0, 6}, {[]int{6, 8, 3}, 0, 144},
		{[]int{3, 4, 50}, -1, 50}, {[]int{300, 9, 1}, 0, 300}, {[]int{2, 2, 700}, 2, 700},
		{[]int{4, 10, 6}, 2, 24}, {[]int{4, 10, 6}, 1, 40},
	} {
		x := importantTensor(3, c.shape...)
		i := Importance{c.axis, importantValues(3, c.n)}
		w, err := i.weights(len(x.Data), c.shape)
		if err != nil {
			t.Fatal(err)
		}
		for k, s := range importantSchemes() {
			if k%7 > 1 { // the other schemes have the same granularities
				continue
			}
			got, err := CalibrateWeighted(x, s, i)
			if err != nil {
				t.Fatal(err)
			}
			read, err := Stream{slowSource(x.Data), c.shape}.CalibrateWeighted(s, i)
			if err != nil || !sameParams(got, read) {
				t.Errorf("%v of %v, read: %v and %v, want %v", s, c.shape, read.Scale, err, got.Scale)
			}
			l, _ := newLayout(len(x.Data), c.shape, s.Granularity)
			values, weights := make([][]float32, l.params), make([][]float64, l.params)
			for e, v := range x.Data {
				p, _ := l.paramsOf(e, e+1)
				if l.group > 0 {
					p += e % l.inner
				}
				values[p], weights[p] = append(values[p], v), append(weights[p], w.of(e))
			}
			s.Granularity = PerTensor
			for p := range values {
				own, err := CalibrateWeighted(Tensor{Data: values[p]}, s, Importance{0, weights[p]})
				if err != nil {
					t.Fatal(err)
				}
				if own.Scale[0] != got.Scale[p] || own.ZeroPoint[0] != got.ZeroPoint[p] {
					t.Fatalf("%v of %v, parameter %d: %v and %d, want %v and %d", got.Scheme, c.shape, p, got.Scale[p], got.ZeroPoint[p], own.Scale[0], own.ZeroPoint[0])
				}
			}
		}
	}
}

// slowSource reads from memory.
type slowSource []float32

func (s slowSource) ReadFloats(dst []float32, off int) error {
	copy(dst, s[off:])
	return nil
}

// TestPlaceOfImportance: which value belongs to which element.
func TestPlaceOfImportance(t *testing.T) {
	for _, c := range []struct {
		name  string
		shape []int
		i     Importance
		want  []float64
	}{
		{"last axis", []int{2, 3}, Importance{-1, []float64{1, 2, 3}}, []float64{1, 2, 3, 1, 2, 3}},
		{"first axis", []int{2, 3}, Importance{0, []float64{1, 2}}, []float64{1, 1, 1, 2, 2, 2}},
		{"all elements", []int{2, 3}, Importance{0, []float64{1, 2, 3, 4, 5, 6}}, []float64{1, 2, 3, 4, 5, 6}},
		{"inputs", []int{2, 2, 2}, Importance{1, []float64{1, 2}}, []float64{1, 1, 2, 2, 1, 1, 2, 2}},
		{"patches", []int{2, 2, 3}, Importance{1, []float64{1, 2, 3, 4, 5, 6}}, []float64{1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6}},
		{"experts", []int{2, 3, 2}, Importance{2, []float64{1, 2, 3, 4}}, []float64{1, 2, 1, 2, 1, 2, 3, 4, 3, 4, 3, 4}},
		{"transposed experts", []int{2, 2, 3}, Importance{-2, []float64{1, 2, 3, 4}}, []float64{1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, err := c.i.weights(len(c.want), c.shape)
			if err != nil {
				t.Fatal(err)
			}
			for e, want := range c.want {
				if got := w.of(e) / w.of(0); got != want {
					t.Errorf("element %d: %v, want %v", e, got, want)
				}
			}
		})
	}
}

// TestWeightedMetrics compares the metrics with their definition, to the last bit.
func TestWeightedMetrics(t *testing.T) {
	x := importantTensor(4, 7, 30, 2)
	i := Importance{1, importantValues(4, 30)}
	w, _ := i.weights(len(x.Data), x.Shape)
	for _, s := range importantSchemes() {
		c, err := CompareWeighted(x, i, s)
		if err != nil {
			t.Fatal(err)
		}
		q, _ := Quantize(x, c.Comparison.Results[0].Params)
		y, _ := Dequantize(q)
		var sq, squares, weight [31]float64
		l, _ := newLayout(len(x.Data), x.Shape, c.Comparison.ChannelGranularity())
		for e, v := range x.Data {
			d, k, h := float64(y.Data[e]-v), l.channel(e), w.of(e)
			sq[k] += float64(h * float64(d*d))
			squares[k] += float64(h * float64(float64(v)*float64(v)))
			weight[k] += h
		}
		all := [3]float64{}
		for k, m := range c.Weighted[0].Channels {
			want := WeightedMetrics{math.Sqrt(sq[k] / weight[k]), exact.Decibels(squares[k] / sq[k])}
			if c.Comparison.Axis != 1 && m != want { // along axis 1 all of a channel are equal
				t.Errorf("%v, channel %d: %v, want %v", s, k, m, want)
			}
			all[0], all[1], all[2] = all[0]+sq[k], all[1]+squares[k], all[2]+weight[k]
		}
		want := WeightedMetrics{math.Sqrt(all[0] / all[2]), exact.Decibels(all[1] / all[0])}
		if got := c.Weighted[0].WeightedMetrics; got != want {
			t.Errorf("%v: %v, want %v", s, got, want)
		}
		between, err := DifferenceWeighted(x, y, i)
		if err != nil || math.Abs(between.RMSE-want.RMSE) > 1e-14*want.RMSE || math.Abs(between.SQNR-want.SQNR) > 1e-9 {
			t.Errorf("%v: between the tensors %v and %v, want %v", s, between, err, want)
		}
		plain, _ := CompareParams(x, c.Comparison.Results[0].Params)
		if plain.Results[0].Metrics != c.Comparison.Results[0].Metrics {
			t.Errorf("%v: the metrics without weights are not those of CompareParams", s)
		}
		read, err := Stream{slowSource(x.Data), x.Shape}.CompareWeighted(i, s)
		if err != nil || read.Weighted[0].WeightedMetrics != want {
			t.Errorf("%v, read: %v and %v, want %v", s, read.Weighted[0].WeightedMetrics, err, want)
		}
	}
}

// TestLessWeightedError: the weighted error is not above that of the parameters without
// importances, nor that of the smallest and the largest value.
func TestLessWeightedError(t *testing.T) {
	x := importantTensor(5, 4, 160)
	i := Importance{-1, importantValues(5, 160)}
	less := 0
	for _, s := range importantSchemes() {
		if s.Granularity.axis == 1 && s.Granularity.unit == perChannel || s.Granularity == PerChannel(-1) {
			continue
		}
		plain, _ := Calibrate(x, s)
		weighted, err := CalibrateWeighted(x, s, i)
		if err != nil {
			t.Fatal(err)
		}
		s.Method = MinMax
		widest, _ := Calibrate(x, s)
		c, err := CompareParamsWeighted(x, i, weighted, plain, widest)
		if err != nil {
			t.Fatal(err)
		}
		if w := c.Weighted; w[0].RMSE > w[1].RMSE || w[0].RMSE > w[2].RMSE {
			t.Errorf("%v: %v, without importances %v, of the smallest and the largest value %v", s, w[0].RMSE, w[1].RMSE, w[2].RMSE)
		} else if w[0].RMSE < w[1].RMSE*0.99 {
			less++
		}
	}
	if less < 10 {
		t.Errorf("only %d schemes gain 1 %%", less)
	}
}

// TestImportanceOfZero: an element whose importance is 0 does not count.
func TestImportanceOfZero(t *testing.T) {
	for _, c := range []struct {
		name   string
		scheme Scheme
		scale  float32
		zero   int32
	}{
		{"symmetric", Scheme{Bits: 4, Mapping: Symmetric}, 1, 0},
		{"asymmetric", Scheme{Bits: 4, Unsigned: true}, 1, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.scheme
			s.Method = LeastSquares
			x := Tensor{Data: []float32{7, -3, 2, 1, 100, 4, -2, 6, 5, 3}}
			got, err := CompareWeighted(x, Importance{Values: []float64{3, 1, 1, 1, 0, 2, 1, 1, 1, 1}}, s)
			if err != nil {
				t.Fatal(err)
			}
			r := got.Comparison.Results[0]
			if r.Scale[0] != c.scale || r.ZeroPoint[0] != c.zero || got.Weighted[0].RMSE != 0 || !math.IsInf(got.Weighted[0].SQNR, 1) || r.RMSE == 0 {
				t.Errorf("scale %v, zero point %d, weighted RMSE %v, RMSE %v", r.Scale[0], r.ZeroPoint[0], got.Weighted[0].RMSE, r.RMSE)
			}
		})
	}
}

// TestDifferenceWeighted: equal importances give the metrics of Difference, an element of importance
// 0 does not count, and the errors are those of Difference and of the importance.
func TestDifferenceWeighted(t *testing.T) {
	x := Tensor{Data: []float32{1, 2, -3, 4}, Shape: []int{2, 2}}
	y := Tensor{Data: []float32{1, 2.5, -3, 3}, Shape: []int{2, 2}}
	plain, err := Difference(x, y, PerTensor, PerTensor)
	if err != nil {
		t.Fatal(err)
	}
	equal, err := DifferenceWeighted(x, y, Importance{1, []float64{3, 3}})
	if err != nil || equal != (WeightedMetrics{plain.RMSE, plain.SQNR}) {
		t.Errorf("%v and %v, want %v", equal, err, plain)
	}
	if first, err := DifferenceWeighted(x, y, Importance{1, []float64{1, 0}}); err != nil || first.RMSE != 0 || !math.IsInf(first.SQNR, 1) {
		t.Errorf("%v and %v", first, err)
	}
	// sum w·e² = 2·0.25 + 2·1, sum w = 6, sum w·x² = 1·10 + 2·20
	if got, err := DifferenceWeighted(x, y, Importance{1, []float64{1, 2}}); err != nil || got != (WeightedMetrics{math.Sqrt(2.5 / 6), exact.Decibels(50 / 2.5)}) {
		t.Errorf("%v and %v", got, err)
	}
	if _, err := DifferenceWeighted(x, Tensor{Data: y.Data[:2]}, Importance{1, []float64{1, 2}}); !errors.Is(err, ErrShape) {
		t.Errorf("other shapes: %v", err)
	}
	if _, err := DifferenceWeighted(x, y, Importance{1, []float64{1, 2, 3}}); !errors.Is(err, ErrImportance) {
		t.Errorf("too many: %v", err)
	}
}

func TestInvalidImportance(t *testing.T) {
	x := importantTensor(6, 3, 4)
	for _, c := range []struct {
		name string
		i    Importance
		err  error
		text string
	}{
		{"too few", Importance{1, []float64{1, 2, 3}}, ErrImportance, "3 values, but axis 1 of [3 4] has 4 indices"},
		{"none", Importance{}, ErrImportance, "0 values, but axis 0 of [3 4] has 3 indices, of 4 elements each"},
		{"negative", Importance{1, []float64{1, 2, -3, 4}}, ErrImportance, "-3 at index 2"},
		{"NaN", Importance{1, []float64{1, 2, 3, math.NaN()}}, ErrImportance, "NaN at index 3"},
		{"infinite", Importance{-1, []float64{math.Inf(1), 2, 3, 4}}, ErrImportance, "+Inf at index 0"},
		{"axis", Importance{2, []float64{1, 2, 3, 4}}, ErrAxis, "axis 2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := Scheme{Bits: 4}
			_, err := CalibrateWeighted(x, s, c.i)
			_, err2 := CompareWeighted(x, c.i, s)
			for _, err := range []error{err, err2, c.i.Validate(x.Shape)} {
				if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
					t.Errorf("%v", err)
				}
			}
		})
	}
}

// TestOtherMethodsIgnoreImportance: only LeastSquares has another result.
func TestOtherMethodsIgnoreImportance(t *testing.T) {
	x := importantTensor(7, 4, 100)
	for _, m := range []Method{MinMax, Percentile(95), PercentileMagnitude(95), LeastAbsolute, Entropy} {
		s := Scheme{Bits: 4, Granularity: PerChannel(0), Method: m}
		want, _ := Calibrate(x, s)
		if got, err := CalibrateWeighted(x, s, Importance{1, importantValues(7, 100)}); err != nil || !sameParams(got, want) {
			t.Errorf("%v: %v and %v, want %v", m, got.Scale, err, want.Scale)
		}
	}
}

// TestGoldenImportance: the results are the same bits on every machine.
func TestGoldenImportance(t *testing.T) {
	const want = "3da39bfb689f8f0c"
	h := fnv.New64a()
	x := importantTensor(8, 6, 96, 3)
	i := Importance{1, importantValues(8, 96)}
	for _, s := range importantSchemes() {
		c, err := CompareWeighted(x, i, s)
		if err != nil {
			t.Fatal(err)
		}
		r := c.Comparison.Results[0]
		for k, scale := range r.Scale {
			fmt.Fprintf(h, "%x %d ", scale, r.ZeroPoint[k])
		}
		fmt.Fprintf(h, "%x %x\n", c.Weighted[0].RMSE, c.Weighted[0].SQNR)
	}
	if got := fmt.Sprintf("%016x", h.Sum64()); got != want {
		t.Errorf("hash %s, want %s", got, want)
	}
}
