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
