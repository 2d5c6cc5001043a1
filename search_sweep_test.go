package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/a01592f9/quant/internal/exact"
)

// The least error of few values against that of very many ranges, and against
// what the search for many values finds.

func costOf(f *search, s Scheme, x []float32, r Range) float64 {
	f.scheme, f.squares = s, s.Method == LeastSquares
	return f.measure(x, r, math.Inf(1))
}

func rangeOfAll(x []float32) Range {
	return Range{exact.PlusZero(slices.Min(x)), exact.PlusZero(slices.Max(x))}
}

// leastOfMany returns the least error of a dense lattice of ranges, and of many
// near the given one.
func leastOfMany(f *search, s Scheme, x []float32, whole, near Range, rng *rand.Rand) (float64, Range) {
	least, at := math.Inf(1), whole
	try := func(r Range) {
		r = Range{exact.PlusZero(clampTo(r.Min, whole)), exact.PlusZero(clampTo(r.Max, whole))}
		if r.Min > r.Max {
			return
		}
		if c := costOf(f, s, x, r); c < least {
			least, at = c, r
		}
	}
	lo, hi := float64(whole.Min), float64(whole.Max)
	if s.Mapping == Symmetric {
		most := max(-lo, hi)
		for i := range 3000 {
			try(whole.within(float32(most * float64(3000-i) / 3000)))
		}
		t := max(-float64(near.Min), float64(near.Max))
		for range 500 {
			try(whole.within(float32(t * (1 + 0.02*rng.NormFloat64()*rng.Float64()))))
		}
		return least, at
	}
	const steps = 48
	for i := range steps {
		for j := i + 1; j <= steps; j++ {
			try(Range{float32(lo + (hi-lo)*float64(i)/steps), float32(lo + (hi-lo)*float64(j)/steps)})
		}
	}
	for range 1500 {
		width := (float64(near.Max) - float64(near.Min)) * 0.1 * rng.Float64() * rng.Float64()
		try(Range{float32(float64(near.Min) + width*rng.NormFloat64()), float32(float64(near.Max) + width*rng.NormFloat64())})
	}
	return least, at
}

// TestSweepOfGroups has values few enough for all events to be taken one by
// one: no range is better than the one chosen.
func TestSweepOfGroups(t *testing.T) {
	var f, g search
	for _, n := range []int{1, 2, 3, 5, 8, 16, 31, 32, 33, 47, 48, 49, 64} {
		for i, d := range distributions {
			if testing.Short() && (i+n)%5 != 0 {
				continue
			}
			rng := rand.New(rand.NewPCG(1, uint64(n)))
			x := valuesOf(uint64(100*n), n, d.of)
			whole := rangeOfAll(x)
			for _, s := range append(searchSchemes, Scheme{Bits: 2}, Scheme{Bits: 5, ZeroInRange: true}, Scheme{Bits: 12}) {
				for _, m := range []Method{LeastSquares, LeastAbsolute} {
					s.Method = m
					r := f.exactly(s, x, whole)
					if r.Min < whole.Min || r.Max > whole.Max || r.Min > r.Max {
						t.Fatalf("%s, %d values, %+v: chose %v, all are in %v", d.name, n, s, r, whole)
					}
					got := costOf(&g, s, x, r)
					if widest := costOf(&g, s, x, whole); got > widest {
						t.Errorf("%s, %d values, %+v: chose %v with %v, the widest has %v", d.name, n, s, r, got, widest)
					}
					least, at := leastOfMany(&g, s, x, whole, r, rng)
					// Errors are rounded, and so are the ends of ranges: far from 0 that
					// moves all marks.
					most := float64(absMax(whole.Min, whole.Max))
					slack := most * 0x1p-24 * (1 + most/(float64(whole.Max)-float64(whole.Min)))
					if m == LeastSquares {
						slack = 2*math.Sqrt(least*float64(n))*slack + float64(n)*slack*slack
					} else {
						slack *= float64(n)
					}
					if d.name != "huge" && got > least*(1+1e-6)+slack {
						t.Errorf("%s, %d values, %+v: chose %v with %v, but %v has %v (%.3g)", d.name, n, s, r, got, at, least, got/least-1)
					}
				}
			}
		}
	}
}

// TestSweepOfRows: the choice among more values is never worse than that of the
// search for many.
func TestSweepOfRows(t *testing.T) {
	var f, g search
	worst, mean, count := 0.0, 0.0, 0
	for k, n := range []int{65, 100, 128, 255, 256, 257, 500, 1000, 1023, 1024, 1025, 2000, 4096, 5000} {
		for i, d := range distributions {
			if testing.Short() && (i+k)%4 != 0 {
				continue
			}
			x := valuesOf(uint64(n), n, d.of)
			whole := rangeOfAll(x)
			for _, s := range searchSchemes {
				for _, m := range []Method{LeastSquares, LeastAbsolute} {
					s.Method = m
					got := costOf(&g, s, x, f.exactly(s, x, whole))
					want := costOf(&g, s, x, f.many(s, x, whole))
					if got > want*(1+0x1p-20) { // that much may be how errors are rounded
						t.Errorf("%s, %d values, %+v: %v, but %v by the search for many: %.2g", d.name, n, s, got, want, got/want-1)
					}
					if want > 0 && !math.IsInf(want, 0) {
						worst, mean, count = max(worst, 1-got/want), mean+1-got/want, count+1
					}
				}
			}
		}
	}
	t.Logf("better by %.2f %%, at most %.0f %%", 100*mean/float64(count), 100*worst)
}
