package search

import (
	"math"

	"github.com/a01592f9/quant/internal/histogram"
)

// The description of a search: its grid, its goal, and the function that measures costs.

// A Range is the smallest and the largest of some values.
type Range = histogram.Range

// A Scaler computes the parameters of a range.
type Scaler interface {
	// Params returns the scale and the zero point for a range. The code q then stands for the
	// value (q - zero) * scale.
	Params(r Range) (scale float32, zero int32)
}

// A Grid describes a format and a mapping: which values are represented exactly under each
// range. These values are called marks. A new format, or a new rule for scales, needs only
// another Grid, and no change of this package:
//
//   - Another divisor or rounding of the scale needs another Scaler. Set Proportional to false
//     if the scale is no longer proportional to the range, as with scales that are powers of
//     two. Set Rounded to true if the rounding may make a scale larger.
//   - A codebook, whose codes stand for values at unequal distances, needs Levels. Set
//     Proportional to false. The Scaler returns the factor of the levels, and 0.
//
// A Grid decides which ranges a search tries, and which cost is estimated for a range from a
// histogram alone. Where the values are known, the caller's Cost decides between the ranges. A
// search assumes that the lowest and the highest mark are outside the range by at most the
// largest distance between two adjacent marks. Divergence ignores Levels: it assumes that all
// marks are equally far apart.
type Grid struct {
	Scaler

	// Lowest and Highest are the first and the last code.
	Lowest, Highest int32

	// Levels are the values of the codes of a codebook at the scale 1, in ascending order:
	// Highest-Lowest+1 of them. Levels is nil if the codes are integers.
	Levels []float64

	// Symmetric is set if the scale depends only on the largest magnitude of the range. Both
	// ends are then moved together. Otherwise each end is moved separately.
	Symmetric bool

	// ZeroInRange is set if the mapping widens every range so that it holds 0.
	ZeroInRange bool

	// Proportional is set if the scale, before it is rounded to float32, is proportional to
	// the range: the largest magnitude divided by Divisor for a symmetric grid, and otherwise
	// the width divided by Highest-Lowest. The scale is at least LeastScale, and at least
	// LeastRatio times the largest magnitude of the values. The exact search for few values
	// requires a proportional grid.
	//
	// EachEnd is set for a symmetric grid that divides each end of the range by the code of
	// that end, and takes the larger scale.
	//
	// Rounded is set if scales are rounded to numbers that can be stored. The marks may then
	// extend to twice the range.
	Proportional, EachEnd  bool
	Rounded                bool
	Divisor                float64
	LeastScale, LeastRatio float64
}

// codes returns the number of codes.
func (g *Grid) codes() int { return int(g.Highest-g.Lowest) + 1 }

// A Goal says by what a range is chosen.
type Goal uint8

const (
	// NoGoal is the goal of methods that need no search.
	NoGoal Goal = iota

	// Tails leaves out the given fraction of the values, half of it at either end.
	Tails

	// Magnitudes leaves out the given fraction of the values: those with the largest
	// magnitudes.
	Magnitudes

	// Squares minimizes the sum of squared errors.
	Squares

	// Absolute minimizes the sum of the magnitudes of the errors.
	Absolute

	// Divergence minimizes the Kullback-Leibler divergence of the distribution of the
	// quantized values from the distribution of the values.
	Divergence
)

// ByErrors reports whether g minimizes a sum of errors, which a Descent does.
func (g Goal) ByErrors() bool { return g == Squares || g == Absolute }

// ByRank reports whether g needs the value of a given rank, which a KthValue finds.
func (g Goal) ByRank() bool { return g == Tails || g == Magnitudes }

// A Task is a grid and a goal.
type Task struct {
	Grid
	Goal       Goal
	Percentile float64 // for Tails and Magnitudes: 100 minus the percentage of values left out

	// LowPhases is a kernel for the function LowPhases, or nil.
	LowPhases func(sums *PhaseSums, all []Phases, steps int, limit, down uint32, squares bool) uint64
}

// A Cost returns the sum of e² or of |e| over all values that are quantized under the range r.
// e is the reconstructed value minus the original one. If the sum is more than limit, a Cost
// may return infinity.
type Cost func(r Range, limit float64) float64

// inf is positive infinity.
var inf = math.Inf(1)

// resize returns a slice of n elements, in the memory of s if its capacity is large enough.
// The elements are not cleared.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
