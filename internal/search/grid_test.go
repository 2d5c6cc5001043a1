package search

import (
	"fmt"
	"math"
	"slices"

	"github.com/a01592f9/quant/internal/exact"
	"github.com/a01592f9/quant/internal/histogram"
)

// integers are grids as the library makes them of its schemes, written plainly.
type integers struct {
	bits                                     int
	symmetric, unsigned, narrow, zeroInRange bool
}

// testGrids are grids of all kinds.
var testGrids = []integers{
	{bits: 8}, {bits: 8, symmetric: true}, {bits: 8, symmetric: true, narrow: true},
	{bits: 8, unsigned: true, zeroInRange: true},
	{bits: 4}, {bits: 4, symmetric: true}, {bits: 3, zeroInRange: true}, {bits: 2, symmetric: true, unsigned: true},
}

func (g integers) String() string {
	s := fmt.Sprintf("%d bits", g.bits)
	for _, option := range []struct {
		name string
		is   bool
	}{{"symmetric", g.symmetric}, {"unsigned", g.unsigned}, {"narrow", g.narrow}, {"zero in range", g.zeroInRange}} {
		if option.is {
			s += ", " + option.name
		}
	}
	return s
}

func (g integers) codes() (lowest, highest int32) {
	lowest, highest = -1<<(g.bits-1), 1<<(g.bits-1)-1
	if g.unsigned {
		lowest, highest = 0, 1<<g.bits-1
	}
	if g.narrow {
		lowest++
	}
	return lowest, highest
}

func (g integers) divisor() float32 {
	if g.narrow {
		return float32(int32(1)<<(g.bits-1) - 1)
	}
	return float32(int32(1) << (g.bits - 1))
}

func (g integers) Params(r Range) (scale float32, zero int32) {
	lowest, highest := g.codes()
	lo, hi := r.Min, r.Max
	if g.zeroInRange {
		lo, hi = min(lo, 0), max(hi, 0)
	}
	switch {
	case g.symmetric && g.unsigned:
		zero = 1 << (g.bits - 1)
		fallthrough
	case g.symmetric:
		if lo == 0 && hi == 0 {
			return 1, zero
		}
		return max(max(hi, -lo)/g.divisor(), 0x1p-126), zero
	case lo == 0 && hi == 0:
		return 1, 0
	}
	steps := float32(highest - lowest)
	scale = (hi - lo) / steps
	if math.IsInf(float64(scale), 1) {
		scale = hi/steps - lo/steps
	}
	scale = max(scale, max(hi, -lo)*0x1p-22, 0x1p-126)
	zero = exact.Round(float32(lowest) - lo/scale)
	if g.zeroInRange {
		zero = min(max(zero, lowest), highest)
	}
	return scale, zero
}

func (g integers) task(goal Goal) *Task {
	lowest, highest := g.codes()
	t := &Task{Goal: goal, Grid: Grid{
		Scaler: g, Lowest: lowest, Highest: highest, Symmetric: g.symmetric, ZeroInRange: g.zeroInRange,
		Proportional: true, Divisor: float64(g.divisor()), LeastScale: 0x1p-126, LeastRatio: 0x1p-22,
	}}
	if g.symmetric {
		t.LeastRatio = 0
	}
	return t
}

// costOf returns what a range costs, value by value.
func costOf(t *Task, x []float32) Cost {
	return func(r Range, _ float64) float64 {
		scale, zero := t.Params(r)
		sum := 0.0
		for _, v := range x {
			q := math.RoundToEven(float64(v / scale))
			q = min(max(q, float64(t.Lowest-zero)), float64(t.Highest-zero))
			e := float64(float32(q)*scale - v)
			if t.Goal == Squares {
				e = float64(e * e)
			}
			sum += math.Abs(e)
		}
		return sum
	}
}

// count returns the function that adds x to a histogram.
func count(x []float32) func(*histogram.Histogram) {
	return func(h *histogram.Histogram) {
		for _, v := range x {
			h.AddCount(histogram.BinOf(v), 1)
		}
	}
}

// ofValues is what a caller that has values in memory asks for.
func ofValues(s *Search, t *Task, x []float32) Range {
	return s.OfValues(t, x, rangeOfAll(x), costOf(t, x), count(x))
}

func histogramOf(x []float32) *histogram.Histogram {
	h := new(histogram.Histogram)
	h.Reset(1)
	count(x)(h)
	return h
}

func rangeOfAll(x []float32) Range {
	return Range{Min: exact.PlusZero(slices.Min(x)), Max: exact.PlusZero(slices.Max(x))}
}
