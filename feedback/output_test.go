package feedback

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/a01592f9/quant"
)

func TestOutputError(t *testing.T) {
	const out, in, rows = 3, 5, 40
	r := rand.New(rand.NewPCG(18, 19))
	w, restored := normal(r, out*in), normal(r, out*in)
	x := correlated(r, rows, in, 0.7, true)
	m := newMoments(t, in, Full, quant.RefuseNotFinite)
	observe(t, m, x)
	var want, diagonal Output
	for row := range rows {
		for o := range out {
			var y, d float64
			for i := range in {
				v, e := float64(w[o*in+i]), float64(w[o*in+i])-float64(restored[o*in+i])
				xi := float64(x[row*in+i])
				y, d = y+v*xi, d+e*xi
				diagonal.Signal += v * v * xi * xi / rows
				diagonal.Error += e * e * xi * xi / rows
			}
			want.Signal += y * y / rows
			want.Error += d * d / rows
		}
	}
	a, b := quant.Tensor{Data: w, Shape: []int{out, in}}, quant.Tensor{Data: restored, Shape: []int{out, in}}
	for _, c := range []struct {
		m    *Moments
		want Output
	}{{m, want}, {m.Diagonal(), diagonal}} {
		got, err := OutputError(a, b, c.m)
		if err != nil || !near(got.Error, c.want.Error) || !near(got.Signal, c.want.Signal) {
			t.Errorf("%v: %v, %v; want %v", c.m.Extent(), got, err, c.want)
		}
		if db := 10 * math.Log10(c.want.Signal/c.want.Error); math.Abs(got.SQNR()-db) > 1e-6 {
			t.Errorf("%v dB, want %v", got.SQNR(), db)
		}
	}
	if o, err := OutputError(a, a, m); err != nil || o.Error != 0 || !math.IsInf(o.SQNR(), 1) {
		t.Errorf("of the weights themselves: %v, %v", o, err)
	}
	bad := quant.Tensor{Data: slices.Clone(restored), Shape: []int{out, in}}
	bad.Data[7] = float32(math.Inf(1))
	for _, c := range []struct {
		name string
		a, b quant.Tensor
		m    *Moments
		want error
	}{
		{"shapes", a, quant.Tensor{Data: restored, Shape: []int{in, out}}, m, quant.ErrShape},
		{"one axis", quant.Tensor{Data: w}, b, m, quant.ErrShape},
		{"inputs", a, b, newMoments(t, 4, Full, 0), ErrMoments},
		{"no rows", a, b, newMoments(t, 5, Full, 0), ErrMoments},
		{"restored is infinite", a, bad, m, quant.ErrNotFinite},
		{"weight is infinite", bad, a, m, quant.ErrNotFinite},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := OutputError(c.a, c.b, c.m); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-7*math.Abs(b) }

// TestMeanSquaresAsImportance: the scales with the least weighted error have the least error of
// the outputs under the diagonal, and the weighted error is that error.
func TestMeanSquaresAsImportance(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 1))
	const in, out, rows = 48, 6, 40
	x := make([]float32, rows*in)
	for i := range x {
		x[i] = float32(rng.NormFloat64() * math.Exp(float64(i%in)/8))
	}
	m, err := NewMoments(in, Diagonal, quant.RefuseNotFinite)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Observe(quant.Tensor{Data: x, Shape: []int{rows, in}}); err != nil {
		t.Fatal(err)
	}
	squares := m.MeanSquares()
	for i, v := range squares {
		if v != m.At(i, i) {
			t.Fatalf("input %d: %v, want %v", i, v, m.At(i, i))
		}
	}
	w := quant.Tensor{Data: make([]float32, out*in), Shape: []int{out, in}}
	for i := range w.Data {
		w.Data[i] = float32(rng.NormFloat64())
	}
	s := quant.Scheme{Bits: 3, Mapping: quant.Symmetric, Granularity: quant.PerChannel(0), Method: quant.LeastSquares}
	importance := quant.Importance{Axis: -1, Values: squares}
	weighted, err := quant.CalibrateWeighted(w, s, importance)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := quant.Calibrate(w, s)
	if err != nil {
		t.Fatal(err)
	}
	c, err := quant.CompareParamsWeighted(w, importance, weighted, plain)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, v := range squares {
		sum += v
	}
	var got [2]float64
	for i, p := range []quant.Params{weighted, plain} {
		q, err := quant.Quantize(w, p)
		if err != nil {
			t.Fatal(err)
		}
		restored, err := quant.Dequantize(q)
		if err != nil {
			t.Fatal(err)
		}
		o, err := OutputError(w, restored, m)
		if err != nil {
			t.Fatal(err)
		}
		got[i] = o.Error
		if want := c.Weighted[i].RMSE * c.Weighted[i].RMSE * sum * out; math.Abs(got[i]-want) > 1e-5*want {
			t.Errorf("error of the outputs %v, want %v", got[i], want)
		}
	}
	if got[0] > got[1]*0.95 {
		t.Errorf("error of the outputs %v, without importance %v", got[0], got[1])
	}
}
