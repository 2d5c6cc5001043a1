package search

import (
	"math"
	"slices"
	"testing"

	"github.com/a01592f9/quant/internal/samples"
)

// codebook is a grid of levels, the outermost of which is at ±1: a range gets
// its largest magnitude as the scale.
type codebook []float64

func (codebook) Params(r Range) (scale float32, zero int32) {
	return max(r.Max, -r.Min, 0x1p-126), 0
}

func (c codebook) task(goal Goal) *Task {
	return &Task{Goal: goal, Grid: Grid{Scaler: c, Highest: int32(len(c) - 1), Levels: c, Symmetric: true}}
}

// cost returns what a range costs, value by value and level by level.
func (c codebook) cost(goal Goal, x []float32) Cost {
	return func(r Range, _ float64) float64 {
		scale, _ := c.Params(r)
		sum := 0.0
		for _, v := range x {
			e := math.Inf(1)
			for _, l := range c {
				e = min(e, math.Abs(float64(v)-l*float64(scale)))
			}
			if goal == Squares {
				e *= e
			}
			sum += e
		}
		return sum
	}
}

// testCodebooks have levels as NF4 has (of a normal distribution's quantiles,
// rounded), powers of two with either sign, and levels of one sign only.
var testCodebooks = map[string]codebook{
	"quantiles":     {-1, -0.7, -0.53, -0.39, -0.28, -0.18, -0.09, 0, 0.08, 0.16, 0.25, 0.34, 0.44, 0.56, 0.72, 1},
	"powers of two": {-1, -0.5, -0.25, -0.125, 0, 0.125, 0.25, 0.5, 1},
	"one sign":      {0.1, 0.4, 1},
}

// TestLevelsAsIntegers: levels at equal distances are expected to cost what
// integers do.
func TestLevelsAsIntegers(t *testing.T) {
	for _, d := range samples.Distributions {
		t.Run(d.Name, func(t *testing.T) {
			x := samples.Values(7, 2000, d.Of)
			whole := rangeOfAll(x)
			h := histogramOf(x)
			for _, g := range testGrids {
				plain := g.task(Squares).Grid
				for _, r := range []Range{whole, {Min: whole.Min / 2, Max: whole.Max / 3}} {
					scale, zero := plain.Params(r)
					levels := plain
					for q := plain.Lowest; q <= plain.Highest; q++ {
						levels.Levels = append(levels.Levels, float64(q-zero))
					}
					var s Search
					wantSq, wantAbs := s.Estimate(&plain, scale, zero, h, uint64(len(x)), whole)
					sq, abs := s.Estimate(&levels, scale, zero, h, uint64(len(x)), whole)
					near := func(got, want, bound float64) bool {
						return got == want || math.Abs(got-want) <= 1e-6*want+bound
					}
					// The other estimate is a difference of integrals from 0 on.
					most := max(float64(whole.Max), -float64(whole.Min))
					if !near(sq, wantSq, 1e-12*most*most*2000) || !near(abs, wantAbs, 1e-12*most*2000) {
						t.Errorf("%v, range %v: %v and %v, want %v and %v", g, r, sq, abs, wantSq, wantAbs)
					}
					mL, mP := levels.marks(scale, zero), plain.marks(scale, zero)
					if mL.widestStep() != mP.widestStep() || mL.lo != mP.lo || mL.hi != mP.hi {
						t.Errorf("%v: marks from %v to %v, want from %v to %v", g, mL.lo, mL.hi, mP.lo, mP.hi)
					}
				}
			}
		})
	}
}

// TestLevels: the range for a codebook, by a histogram and by the values, is about
// as good as the best of many.
func TestLevels(t *testing.T) {
	for name, c := range testCodebooks {
		t.Run(name, func(t *testing.T) {
			for _, distribution := range []string{"normal", "heavy", "laplace", "one-sided", "outliers", "steps", "tiny"} {
				x := samples.Values(8, 400, samples.Named(distribution))
				whole := rangeOfAll(x)
				magnitudes := slices.Clone(x)
				for i, v := range magnitudes {
					magnitudes[i] = max(v, -v)
				}
				most := slices.Max(magnitudes)
				for _, goal := range []Goal{Squares, Absolute} {
					cost := c.cost(goal, x)
					widest, least := cost(whole, inf), inf
					for i := range 500 {
						least = min(least, cost(Cut(whole, most*float32(500-i)/500), inf))
					}
					var s Search
					task := c.task(goal)
					exact := cost(s.OfValues(task, x, whole, cost, count(x)), inf)
					streamed := cost(s.OfHistogram(task, histogramOf(x), uint64(len(x)), whole), inf)
					if exact > widest || exact > least*1.02 {
						t.Errorf("%s, goal %d: by the values %v, want at most %v or %v", distribution, goal, exact, least, widest)
					}
					sum := 0.0 // of what an estimate may be off by: the root mean square or mean magnitude times 2^-7
					for _, v := range x {
						if goal == Squares {
							sum += float64(v) * float64(v)
						} else {
							sum += math.Abs(float64(v))
						}
					}
					bound := least + sum*0x1p-6
					if goal == Squares {
						bound = math.Pow(math.Sqrt(least)+math.Sqrt(sum)*0x1p-6, 2)
					}
					if streamed > bound {
						t.Errorf("%s, goal %d: by the histogram %v, want at most %v", distribution, goal, streamed, bound)
					}
				}
			}
		})
	}
}
