// Package search chooses ranges: it looks, for values or for a histogram of them,
// for the range under which quantizing them loses least.
//
// What it knows of a format of codes and of how a range becomes a scale and a
// zero point is a Grid. What a range really costs comes from a function of the
// caller's, which may read the values in any way.
package search

import (
	"math"

	"github.com/a01592f9/quant/internal/histogram"
)

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
//     Proportional is false.
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
	Proportional           bool
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

// A Task is a grid and a goal.
type Task struct {
	Grid
	Goal       Goal
	Percentile float64 // of Tails: 100 minus the percentage of values left out
}

// A Cost is a function that returns the sum of e² or |e| over all values under
// a range, e being reconstruction minus original. Where that is more than limit
// it may return infinity.
type Cost func(r Range, limit float64) float64

// A Search is memory for searches. Its zero value is ready. It is for one
// goroutine at a time.
type Search struct {
	task    *Task
	squares bool // e², else |e|
	d       distribution
	center  float64
	widest  candidate // the smallest and the largest value

	starts []candidate // the best of the coarse search
	found  []candidate // while it lasts
	beyond [2][]float64

	descent  Descent
	spectrum spectrum // for Divergence
	sweep    sweep    // for few values

	// Of values at hand.
	hist  histogram.Histogram
	exact KthValue
}

// begin takes a task.
func (s *Search) begin(t *Task) { s.task, s.squares = t, t.Goal == Squares }

// Load takes the values of h, n in number and within r, for OfLoaded and
// StartDescent.
func (s *Search) Load(h *histogram.Histogram, n uint64, r Range) { s.d.load(h, n, r) }

// OfHistogram returns the range that t asks for, of n values in r. The values are
// known by their histogram alone.
func (s *Search) OfHistogram(t *Task, h *histogram.Histogram, n uint64, r Range) Range {
	if r.Min == r.Max {
		return r
	}
	if t.Goal == Tails {
		return h.Percentile(histogram.Tails(t.Percentile, n), n, r)
	}
	s.Load(h, n, r)
	return s.OfLoaded(t)
}

// OfLoaded is OfHistogram for the histogram that Load took, but not for Tails.
func (s *Search) OfLoaded(t *Task) Range {
	s.begin(t)
	if t.Goal == Divergence {
		return s.entropy()
	}
	return s.least().Range
}

// OfValues is OfHistogram for values that are at hand. Percentiles are exact, and
// so is the least error of few values. What is few does not depend on the
// machine. cost returns what ranges cost, and count adds all values to a
// histogram; neither is kept.
func (s *Search) OfValues(t *Task, x []float32, r Range, cost Cost, count func(*histogram.Histogram)) Range {
	if r.Min == r.Max {
		return r
	}
	s.begin(t)
	switch {
	case t.Goal == Tails && len(x) <= mostSorted:
		return s.sortedTails(x, histogram.Tails(t.Percentile, uint64(len(x))), r)
	case t.Goal.ByErrors() && len(x) <= t.mostSwept():
		if r, ok := s.swept(x, r, cost); ok {
			return r
		}
	}
	return s.counted(x, r, cost, count)
}

// counted is OfValues for many values. The least error is looked for around the
// range that the histogram shows.
func (s *Search) counted(x []float32, r Range, cost Cost, count func(*histogram.Histogram)) Range {
	h, n := &s.hist, uint64(len(x))
	h.Reset(1)
	count(h)
	switch s.task.Goal {
	case Tails:
		k := histogram.Tails(s.task.Percentile, n)
		return Range{Min: s.kth(x, k), Max: s.kth(x, n-1-k)}
	case Divergence:
		s.Load(h, n, r)
		return s.entropy()
	}
	s.Load(h, n, r)
	s.StartDescent(&s.descent, s.task)
	return s.descent.run(&s.task.Grid, cost).Range
}

// Estimate returns what n values in r, known by their histogram, are expected to
// cost on a grid with these parameters: the sums of e² and of |e|.
func (s *Search) Estimate(g *Grid, scale float32, zero int32, h *histogram.Histogram, n uint64, r Range) (squares, absolute float64) {
	s.Load(h, n, r)
	m := g.marks(scale, zero)
	return s.d.cost(m, true), s.d.cost(m, false)
}

// inf is positive infinity.
var inf = math.Inf(1)

// resize returns a slice of n elements, s itself if it is large enough.
func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
