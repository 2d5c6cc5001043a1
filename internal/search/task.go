package search

import "math"

// The description of a search: its goal, the function that measures costs, and values with
// weights.

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

	Kernels
}

// Kernels are kernels for the functions of the same names. Each may be nil.
type Kernels struct {
	Low     func(sums *PhaseSums, values []float64, s Steps, limit, down uint32, squares bool) (low uint64, least int)
	AtMost  func(sums *PhaseSums, low uint64, limit, down uint32) uint64
	Bounds  func(bounds *StepBounds, sums *PhaseSums, between uint64, b Bounding) (below uint64)
	SortFew func(dst []float64, x []float32)
}

// A Cost returns the sum of e² or of |e| over all values that are quantized under the range r.
// e is the reconstructed value minus the original one. If the sum is more than limit, a Cost
// may return infinity.
type Cost func(r Range, limit float64) float64

// Weighted is values with a weight each, for OfWeighted.
type Weighted struct {
	Values  []float32 // the values whose weight is not 0
	Weights []float64 // their weights: above 0, and at most 1; the largest is at least 1/2
	Whole   Range     // the range of Values and of the values whose weight is 0
	Start   Range     // a range that is known to be good
}

// inf is positive infinity.
var inf = math.Inf(1)
