package feedback

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/a01592f9/quant"
)

// heavy returns weights of which few are much larger than most.
func heavy(r *rand.Rand, n int) []float32 {
	x := normal(r, n)
	for i := range x {
		if r.IntN(20) == 0 {
			x[i] *= 4
		}
		x[i] = 0.02*x[i] + 0.005
	}
	return x
}

// plainHalfQuadratic is the search in plain float64: math.Pow, and the codes of package
// quant itself. It also returns what the sum of |error|^(3/4) was after each step.
func plainHalfQuadratic(t *testing.T, x []float32, s quant.Scheme) (p quant.Params, costs []float64) {
	t.Helper()
	s.Granularity = quant.PerTensor
	tensor := quant.Tensor{Data: x}
	p, err := quant.Calibrate(tensor, s)
	if err != nil {
		t.Fatal(err)
	}
	codesOf := func(p quant.Params) (codes []float64, cost float64) {
		q, err := quant.Quantize(tensor, p)
		if err != nil {
			t.Fatal(err)
		}
		restored, err := quant.Dequantize(q)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range x {
			codes = append(codes, float64(q.At(i)))
			cost += math.Pow(math.Abs(float64(v)-float64(restored.Data[i])), 0.75)
		}
		return codes, cost
	}
	codes, cost := codesOf(p)
	costs = []float64{cost}
	for i := range 20 {
		beta := 10 * math.Pow(1.01, float64(i))
		for _, step := range []string{"zero", "scale"} {
			var errorsOf, up, down float64
			for i, v := range x {
				scale, zero := float64(p.Scale[0]), float64(p.ZeroPoint[0])
				e := float64(v)/scale - (codes[i] - zero)
				sparse := 0.0
				if e != 0 {
					sparse = math.Copysign(max(0, math.Abs(e)-math.Pow(math.Abs(e), -0.25)/beta), e)
				}
				goal := float64(v)/scale - sparse
				errorsOf += codes[i] - goal // without the zero point
				up += goal * (codes[i] - zero)
				down += (codes[i] - zero) * (codes[i] - zero)
			}
			next := quant.Params{Scheme: p.Scheme, Scale: []float32{p.Scale[0]}, ZeroPoint: []int32{p.ZeroPoint[0]}}
			if step == "zero" && s.Mapping == quant.Asymmetric {
				zero := math.RoundToEven(errorsOf / float64(len(x)))
				if s.ZeroInRange {
					qmin, qmax := s.Grid()
					zero = max(float64(qmin), min(float64(qmax), zero))
				}
				next.ZeroPoint[0] = int32(zero)
			}
			if step == "scale" && down > 0 {
				next.Scale[0] = float32(float64(p.Scale[0]) * up / down)
			}
			if c, now := codesOf(next); now < cost*(1-1e-12) {
				p, codes, cost = next, c, now
			}
			costs = append(costs, cost)
		}
	}
	return p, costs
}

func TestHalfQuadratic(t *testing.T) {
	for _, s := range []quant.Scheme{
		{Bits: 4, Granularity: quant.PerGroup(1, 64)},
		{Bits: 3, Granularity: quant.PerGroup(-1, 50), Unsigned: true},
		{Bits: 2, Granularity: quant.PerGroup(1, 64), ZeroInRange: true},
		{Bits: 4, Granularity: quant.PerGroup(1, 64), Mapping: quant.Symmetric},
		{Bits: 3, Granularity: quant.PerChannel(0), Method: quant.LeastSquares},
		{Bits: 8, Granularity: quant.PerChannel(0), Mapping: quant.Symmetric, NarrowRange: true},
		{Bits: 4},
	} {
		t.Run(s.String(), func(t *testing.T) {
			const out, in = 9, 192
			r := rand.New(rand.NewPCG(20, 21))
			w := quant.Tensor{Data: heavy(r, out*in), Shape: []int{out, in}}
			p, err := HalfQuadratic(w, s, HalfQuadraticOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := quant.Quantize(w, p); err != nil {
				t.Fatal(err)
			}
			size, row := len(w.Data), in
			if _, groups := s.Granularity.GroupSize(); groups || s.Granularity != quant.PerTensor {
				size, _ = groupOf(s, in)
			} else {
				row = len(w.Data)
			}
			i := 0
			var first, last float64
			for at := 0; at < len(w.Data); at += row {
				for g := at; g < at+row; g += size {
					want, costs := plainHalfQuadratic(t, w.Data[g:min(at+row, g+size)], s)
					got := newFit(w.Data[g:min(at+row, g+size)], s, p.Scale[i], p.ZeroPoint[i]).cost
					if least := costs[len(costs)-1]; p.ZeroPoint[i] != want.ZeroPoint[0] || math.Abs(float64(p.Scale[i]/want.Scale[0])-1) > 1e-6 || math.Abs(got/least-1) > 1e-6 {
						t.Errorf("group %d: scale %v, zero point %d, cost %v; want %v, %d, %v", i, p.Scale[i], p.ZeroPoint[i], got, want.Scale[0], want.ZeroPoint[0], least)
					}
					first, last = first+costs[0], last+got
					i++
				}
			}
			if i != len(p.Scale) {
				t.Errorf("%d groups, %d scales", i, len(p.Scale))
			}
			t.Logf("the sum of |error|^(3/4) falls to %.1f %%", 100*last/first)
			if last > 0.999*first {
				t.Errorf("the sum of |error|^(3/4) was %v and is %v", first, last)
			}
		})
	}
}

// TestHalfQuadraticFalls follows the cost from iteration to iteration, with values of all
// kinds.
func TestHalfQuadraticFalls(t *testing.T) {
	r := rand.New(rand.NewPCG(22, 23))
	for _, kind := range rowKinds {
		for _, s := range []quant.Scheme{{Bits: 4}, {Bits: 2, Unsigned: true, ZeroInRange: true}, {Bits: 3, Mapping: quant.Symmetric}} {
			t.Run(fmt.Sprintf("%s, %v", kind.name, s), func(t *testing.T) {
				for range 20 {
					x := make([]float32, 1+r.IntN(40))
					kind.row(r, x)
					tensor := quant.Tensor{Data: x, Shape: []int{1, len(x)}}
					cost := math.Inf(1)
					for iterations := range 8 {
						p, err := quant.Calibrate(tensor, s)
						if iterations > 0 {
							p, err = HalfQuadratic(tensor, s, HalfQuadraticOptions{Iterations: iterations})
						}
						if err != nil {
							t.Fatal(err)
						}
						q, err := quant.Quantize(tensor, p)
						if err != nil {
							t.Fatal(err)
						}
						restored, err := quant.Dequantize(q)
						if err != nil {
							t.Fatal(err)
						}
						now := 0.0
						for i, v := range x {
							now += math.Pow(math.Abs(float64(v)-float64(restored.Data[i])), 0.75)
						}
						if now > cost*(1+1e-9) {
							t.Fatalf("after %d iterations the cost rises from %v to %v", iterations, cost, now)
						}
						cost = now
					}
				}
			})
		}
	}
}

func TestHalfQuadraticErrors(t *testing.T) {
	w := quant.Tensor{Data: []float32{1, 2, 3, 4}, Shape: []int{2, 2}}
	s := quant.Scheme{Bits: 4}
	type options = HalfQuadraticOptions
	for _, c := range []struct {
		name string
		w    quant.Tensor
		s    quant.Scheme
		o    options
		want error
	}{
		{"fine", w, s, options{}, nil},
		{"one axis", quant.Tensor{Data: w.Data}, s, options{}, quant.ErrShape},
		{"not finite", quant.Tensor{Data: []float32{1, float32(math.Inf(1))}, Shape: []int{1, 2}}, s, options{}, quant.ErrNotFinite},
		{"groups of outputs", w, quant.Scheme{Bits: 4, Granularity: quant.PerGroup(0, 2)}, options{}, quant.ErrScheme},
		{"codebook", w, quant.Scheme{Format: quant.NF4}, options{}, quant.ErrScheme},
		{"scales", w, quant.Scheme{Bits: 4, Scales: quant.Float16Scale}, options{}, quant.ErrScheme},
		{"bits", w, quant.Scheme{Bits: 17}, options{}, quant.ErrBits},
		{"iterations", w, s, options{Iterations: -1}, quant.ErrScheme},
		{"beta", w, s, options{Beta: -1}, quant.ErrScheme},
		{"beta is NaN", w, s, options{Beta: math.NaN()}, quant.ErrScheme},
		{"kappa", w, s, options{Kappa: 0.5}, quant.ErrScheme},
		{"kappa is infinite", w, s, options{Kappa: math.Inf(1)}, quant.ErrScheme},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := HalfQuadratic(c.w, c.s, c.o); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}
