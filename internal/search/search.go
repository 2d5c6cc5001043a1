// Package search chooses ranges: it looks, for values or for a histogram of them,
// for the range under which quantizing them loses least.
//
// What it knows of a format of codes and of how a range becomes a scale and a
// zero point is a Grid. What a range really costs comes from a function of the
// caller's, which may read the values in any way.
package search

import (
	"github.com/a01592f9/quant/internal/histogram"
)

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
	others []candidate // ranges of narrower codes
	beyond [2][]float64

	descent  Descent
	spectrum spectrum // for Divergence
	sweep    sweep    // for few values
	weighted weighted // for few values with weights

	// Of values at hand.
	hist  histogram.Histogram
	exact KthValue
}

// begin takes a task.
func (s *Search) begin(t *Task) { s.task, s.squares = t, t.Goal == Squares }

// Load takes the values of h, n in number and within r, for OfLoaded and
// StartDescent.
func (s *Search) Load(h *histogram.Histogram, n uint64, r Range) { s.d.load(h, n, r) }
