package quant

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// LeastSquares and LeastAbsolute of more than 64 values against brute force: many scales, and
// for the asymmetric mapping many zero points at each, without any of the code of a search.

// bruteErrors returns the sum of the squared, or of the absolute, errors of x with marks at
// low*step to (low+steps)*step, and the step that is best if no value changes its mark.
func bruteErrors(x []float32, step, low, steps float64, squares bool) (sum, better float64) {
	kv, kk := 0.0, 0.0
	for _, v := range x {
		k := min(max(math.RoundToEven(float64(v)/step), low), low+steps)
		e := math.Abs(float64(v) - float64(k*step))
		if squares {
			e *= e
		}
		sum += e
		kv += float64(k * float64(v))
		kk += float64(k * k)
	}
	return sum, kv / kk
}

// bruteLeast returns the least sum of errors of x over scales, and zero points, for s.
func bruteLeast(x []float32, s Scheme, squares bool) float64 {
	qmin, qmax := s.Grid()
	steps := float64(qmax - qmin)
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range x {
		lo, hi = min(lo, float64(v)), max(hi, float64(v))
	}
	least := math.Inf(1)
	try := func(step, low float64) {
		for range 3 {
			sum, better := bruteErrors(x, step, low, steps, squares)
			least = min(least, sum)
			if !squares || !(better > 0) || better == step {
				return
			}
			step = better
		}
	}
	if s.Mapping == Symmetric {
		first := max(-lo, hi) / -float64(qmin)
		for step := 4 * first; step > first/(1<<12); step *= 0.996 {
			try(step, float64(qmin))
		}
		return least
	}
	first := (hi - lo) / steps
	for step := 2 * first; step > first/16; step *= 0.985 {
		begin, end := math.Floor(lo/step)-1, math.Ceil(hi/step)-steps+1
		begin, end = min(begin, end), max(begin, end)
		for low := begin; low <= end; low += max(1, math.Floor((end-begin)/32)) {
			try(step, low)
		}
	}
	return least
}

// bruteDistributions are the distributions of other tests, and some whose values are far from 0, compared
// with their distances, or are multiples of a step.
var bruteDistributions = append([]struct {
	name string
	of   func(rng *rand.Rand) float32
}{
	{"far", func(rng *rand.Rand) float32 { return float32(30 + rng.NormFloat64()/3) }},
	{"far exponential", func(rng *rand.Rand) float32 { return float32(-10 - rng.ExpFloat64()) }},
	{"far uniform", func(rng *rand.Rand) float32 { return float32(300 + rng.Float64()) }},
	{"far steps", func(rng *rand.Rand) float32 { return float32(20.3 + 0.07*float64(rng.IntN(40))) }},
	{"bfloat16", func(rng *rand.Rand) float32 {
		return math.Float32frombits(math.Float32bits(float32(rng.NormFloat64())) &^ 0xffff)
	}},
	{"integers", func(rng *rand.Rand) float32 { return float32(math.Round(rng.NormFloat64()*30)) * 0.013 }},
	{"behind a ReLU", func(rng *rand.Rand) float32 { return max(0, float32(rng.NormFloat64()-1)) }},
}, distributions...)

// TestLeastOfMany: from 65 to 20,000 values the error that is found is at most 0.1 % above that of
// brute force. Brute force takes minutes for thousands of values, so all of them need -exhaustive.
func TestLeastOfMany(t *testing.T) {
	sizes, schemes := []int{65, 130, 500, 1500, 5000, 9000, 20_000}, []Scheme{{Bits: 4, Mapping: Symmetric}, {Bits: 8, Mapping: Symmetric}, {Bits: 4}, {Bits: 8}}
	worst, i := 0.0, 0
	for _, d := range bruteDistributions {
		if d.name == "constant" || d.name == "zeros" || d.name == "subnormal" || d.name == "huge" {
			continue
		}
		for _, n := range sizes {
			x := valuesOf(uint64(5*n), n, d.of)
			for _, s := range schemes {
				for _, s.Method = range []Method{LeastSquares, LeastAbsolute} {
					i++
					work := n
					if s.Mapping == Asymmetric {
						work *= 16
					}
					stride := 1 + work/500
					if testing.Short() {
						stride *= 3
					}
					if !*exhaustive && i%stride > 0 {
						continue
					}
					t.Run(fmt.Sprintf("%s/values=%d/bits=%d/mapping=%v/%v", d.name, n, s.Bits, s.Mapping, s.Method), func(t *testing.T) {
						worst = max(worst, testLeastOfMany(t, x, s, 1.001))
					})
				}
			}
		}
	}
	t.Logf("the error is at most %.3f %% above that of brute force", 100*worst)
}

// testLeastOfMany fails if the error is more than above times that of brute force. It returns by which
// share the error is above that.
func testLeastOfMany(t *testing.T, x []float32, s Scheme, above float64) (share float64) {
	t.Helper()
	p, err := Calibrate(Tensor{Data: x}, s)
	if err != nil {
		t.Fatal(err)
	}
	c, err := CompareParams(Tensor{Data: x}, p)
	if err != nil {
		t.Fatal(err)
	}
	n := float64(len(x))
	squares := s.Method == LeastSquares
	got, want := c.Results[0].MAE, bruteLeast(x, s, squares)/n
	if squares {
		got, want = c.Results[0].RMSE, math.Sqrt(want)
	}
	most := float64(max(c.Range.Max, -c.Range.Min)) // float32 rounds reconstructed values
	slack := most * 0x1p-22
	if got > want*above+slack {
		t.Errorf("%v: the error is %v, but brute force has %v, %.2f %% less", s.Method, got, want, 100*(1-want/got))
	}
	if want > slack {
		share = (got-slack)/want - 1
	}
	return share
}
