package search

import (
	"math"

	"github.com/a01592f9/quant/internal/histogram"
)

// What is searched for, and on which grid.

// A Range is the smallest and the largest of some values.
type Range = histogram.Range

// A Scaler says which parameters a range gets.
type Scaler interface {
	// Params returns the scale and the zero point for a range: the code q stands
	// for (q - zero) * scale.
	Params(r Range) (scale float32, zero int32)
}

// A Grid is what a search knows of a format and of a mapping: which values can be
// represented exactly when a range has been chosen. A new format, or another way
// to make a scale of a range, is another Grid, and nothing in this package changes:
//
//   - Other divisors and roundings of the scale are another Scaler. Where the scale
//     is no longer proportional to the range (scales that are powers of two, say),
//     Proportional is false. Where that may make a scale larger, Rounded is true.
//   - A codebook, whose codes stand for values at unequal distances, has Levels,
//     and Proportional is false. Scaler returns what the levels are multiplied by,
//     and 0.
//
// Costs by which a range is chosen in the end are those of the caller's Cost; a
// Grid decides where to look for it, and what an Observer, which has only a
// histogram, expects a range to cost. A search relies on this: what the lowest and
// the highest code stand for is not beyond the range by more than the widest
// distance between two neighbours. Divergence takes all codes to be equally far
// from each other, whatever Levels says.
type Grid struct {
	Scaler

	// Lowest and Highest are the first and the last code.
	Lowest, Highest int32

	// Levels are, if the codes are not integers, what they stand for at a scale
	// of 1, ascending: Highest-Lowest+1 of them.
	Levels []float64

	// Symmetric is for mappings to which only the largest magnitude of a range
	// matters: both ends are moved together. Else each is moved by itself.
	Symmetric bool

	// ZeroInRange is for mappings that widen a range so that it holds 0.
	ZeroInRange bool

	// Proportional is for grids whose scale is, but for rounding to float32, the
	// largest magnitude of the range divided by Divisor (symmetric) or its width
	// divided by Highest-Lowest. The scale is at least LeastScale, and at least
	// LeastRatio times the largest magnitude. The exact search among few values
	// is for such grids only.
	// EachEnd is for symmetric grids that divide each end of a range by its own code, and
	// take the larger scale.
	Proportional, EachEnd  bool
	Rounded                bool // scales are rounded to numbers that can be stored: marks may reach twice as far as the range
	Divisor                float64
	LeastScale, LeastRatio float64
}

// codes returns how many codes there are.
func (g *Grid) codes() int { return int(g.Highest-g.Lowest) + 1 }

// A Goal is what a range is chosen for.
type Goal uint8

const (
	// NoGoal is for methods that need no search.
	NoGoal Goal = iota

	// Tails leaves out a given fraction of the values at either end.
	Tails

	// Magnitudes leaves out a given fraction of the values, those of the largest
	// magnitudes.
	Magnitudes

	// Squares is the least sum of squared errors.
	Squares

	// Absolute is the least sum of the errors' magnitudes.
	Absolute

	// Divergence is the least Kullback-Leibler divergence of the codes'
	// distribution from that of the values.
	Divergence
)

// ByErrors reports whether g is a least sum of errors, which a Descent looks for.
func (g Goal) ByErrors() bool { return g == Squares || g == Absolute }

// ByRank reports whether g is a value of a rank, which a KthValue finds.
func (g Goal) ByRank() bool { return g == Tails || g == Magnitudes }

// A Task is a grid and a goal.
type Task struct {
	Grid
	Goal       Goal
	Percentile float64 // of Tails and Magnitudes: 100 minus the percentage of values left out

	// LowPhases is a kernel for the function of that name, if there is one.
	LowPhases func(sums *PhaseSums, all []Phases, steps int, limit, down uint32, squares bool) uint64
}

// A Cost is a function that returns the sum of e² or |e| over all values under
// a range, e being reconstruction minus original. Where that is more than limit
// it may return infinity.
type Cost func(r Range, limit float64) float64

// inf is positive infinity.
var inf = math.Inf(1)

// resize returns a slice of n elements, s itself if it is large enough.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
