// Package search chooses the range from which a scale and a zero point are computed. From
// values, or from a histogram of values, it finds the range with the least quantization error,
// the least divergence, or a given percentile.
//
// A Grid describes the format of the codes, and how a range becomes a scale and a zero point.
// The caller passes a Cost, a function that returns the exact error under a range. The Cost may
// read the values in any way.
package search

import "github.com/a01592f9/quant/internal/histogram"

// A Search holds the memory that searches reuse. The zero value is ready for use. Only one
// goroutine at a time may use a Search.
type Search struct {
	task    *Task
	squares bool // e², else |e|
	d       distribution
	center  float64
	widest  candidate // the range of all values

	starts []candidate  // the best ranges of the coarse search, by ascending cost
	found  []candidate  // all ranges that the coarse search has tried
	others []candidate  // ranges that have the marks of narrower codes
	halves bool         // lattices has found a lattice of values that were rounded to 16 bits
	beyond [2][]float64 // see distances, for the lower and the upper end

	descent  Descent
	spectrum spectrum // for Divergence
	sweep    sweep    // for few values
	scan     scan     // for more values
	weighted weighted // for few values with weights

	// For OfValues and OfWeighted.
	hist  histogram.Histogram
	exact KthValue
}

// begin sets the task of s.
func (s *Search) begin(t *Task) { s.task, s.squares = t, t.Goal == Squares }

// Load prepares s for OfLoaded and StartDescent. h is the histogram of n values, and r is
// their range.
func (s *Search) Load(h *histogram.Histogram, n uint64, r Range) { s.d.load(h, n, r) }
