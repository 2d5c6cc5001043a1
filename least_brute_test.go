package quant

import (
	"fmt"
	"math"
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

// TestLeastOfMany: above 64 values the error that is found is at most 0.1 % above that of brute
// force. LeastAbsolute with the asymmetric mapping is within 6 % where values are far from 0.
func TestLeastOfMany(t *testing.T) {
	sizes := []int{65, 130, 500}
	for i, d := range distributions {
		if d.name == "constant" || d.name == "zeros" || d.name == "subnormal" || d.name == "huge" {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			for k, n := range sizes {
				if !*exhaustive && (i+k)%len(sizes) > 0 {
					continue
				}
				x := valuesOf(uint64(3*n), n, d.of)
				for _, s := range []Scheme{{Bits: 4, Mapping: Symmetric}, {Bits: 8, Mapping: Symmetric}, {Bits: 4}, {Bits: 8}} {
					t.Run(fmt.Sprintf("values=%d/bits=%d/mapping=%v", n, s.Bits, s.Mapping), func(t *testing.T) {
						for _, s.Method = range []Method{LeastSquares, LeastAbsolute} {
							testLeastOfMany(t, x, s, 1.001)
						}
					})
				}
			}
		})
	}
}

// TestLeastOfLong is TestLeastOfMany for LeastSquares and rows of thousands of values, whose search
// begins in a histogram. Its errors are further above those of brute force. The test takes minutes,
// and so runs with -exhaustive alone.
func TestLeastOfLong(t *testing.T) {
	if !*exhaustive {
		t.Skip("it takes long: see -exhaustive")
	}
	worst := 0.0
	for _, d := range distributions {
		if d.name == "constant" || d.name == "zeros" || d.name == "subnormal" || d.name == "huge" {
			continue
		}
		above := 1.006
		switch d.name {
		case "sparse":
			above = 1.05
		case "edges":
			above = 1.07
		}
		for _, n := range []int{1500, 5000, 20_000} {
			x := valuesOf(uint64(5*n), n, d.of)
			for _, s := range []Scheme{{Bits: 4, Mapping: Symmetric}, {Bits: 8, Mapping: Symmetric}, {Bits: 4}, {Bits: 8}} {
				t.Run(fmt.Sprintf("%s/values=%d/bits=%d/mapping=%v", d.name, n, s.Bits, s.Mapping), func(t *testing.T) {
					s.Method = LeastSquares
					worst = max(worst, testLeastOfMany(t, x, s, above))
				})
			}
		}
	}
	t.Logf("the RMSE is at most %.2f %% above that of brute force", 100*worst)
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
	got, want := c.Results[0].RMSE, math.Sqrt(bruteLeast(x, s, true)/n)
	if s.Method == LeastAbsolute {
		got, want = c.Results[0].MAE, bruteLeast(x, s, false)/n
	}
	if width := float64(c.Range.Max) - float64(c.Range.Min); s.Method == LeastAbsolute && s.Mapping == Asymmetric && float64(c.Range.Min) > width {
		above = 1.062 // values far from 0, next to their distances: only ranges around that of a histogram are tried
	}
	most := float64(max(c.Range.Max, -c.Range.Min)) // float32 rounds reconstructed values
	if slack := most * 0x1p-22; got > want*above+slack {
		t.Errorf("%v: the error is %v, but brute force has %v, %.2f %% less", s.Method, got, want, 100*(1-want/got))
	}
	if want > 0 {
		share = got/want - 1
	}
	return share
}
