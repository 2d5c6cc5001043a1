package quant

import (
	"math"
	"sync"

	"github.com/a01592f9/quant/internal/histogram"
	"github.com/a01592f9/quant/internal/search"
)

// Choosing ranges: the method of a scheme becomes a task for package internal/search. The
// search compares ranges by their errors, which kernels compute.

// Params is of, for package search.
func (s *scaler) Params(r search.Range) (scale float32, zero int32) { return s.of(Range(r)) }

// task returns the task of a search for s. It keeps a pointer to s.
func (s *scaler) task() search.Task {
	rounded := s.Scales != Float32Scale
	if s.Format.number != 0 {
		g := s.Format.book().searched(s)
		g.Rounded = rounded
		return search.Task{Grid: g, Goal: s.Method.goal(), Percentile: s.Method.fraction}
	}
	qmin, qmax := s.Grid()
	_, divisor := s.symmetricGrid()
	ratio := float64(leastRatio)
	if s.Mapping == Symmetric {
		ratio = 0
	}
	return search.Task{
		Grid: search.Grid{
			Scaler: s, Lowest: int32(qmin), Highest: int32(qmax),
			Symmetric: s.Mapping == Symmetric, ZeroInRange: s.ZeroInRange,
			Proportional: !rounded, Rounded: rounded, Divisor: float64(divisor), EachEnd: s.Divisor == EachEnd, LeastScale: minScale, LeastRatio: ratio,
		},
		Goal: s.Method.goal(), Percentile: s.Method.fraction, Kernels: searchKernels(),
	}
}

// A chooser holds the memory of a search for ranges.
type chooser struct {
	search search.Search
	scheme scaler
	grid   codeGrid
	task   search.Task

	// Arguments of the kernel of errors, for one run.
	scale [1]float32
	zero  [1]int32
	acc   [1]sums
}

var choosers = sync.Pool{New: func() any { return new(chooser) }}

// use makes c choose ranges for s.
func (c *chooser) use(s scaler) {
	c.scheme, c.grid = s, s.grid()
	c.task = c.scheme.task()
}

// ofHistogram returns the range that c's scheme chooses for n values in the range r, counted in
// h.
func (c *chooser) ofHistogram(h *histogram.Histogram, n uint64, r Range) Range {
	if !c.scheme.bySide() {
		return Range(c.search.OfHistogram(&c.task, h, n, search.Range(r)))
	}
	var best [2]Range
	var costs [2]float64
	for i := range best {
		c.scheme.side = positiveSide + side(i)
		best[i] = Range(c.search.OfHistogram(&c.task, h, n, search.Range(r)))
		scale, zero := c.scheme.of(best[i])
		squares, absolute := c.search.Estimate(&c.task.Grid, scale, zero, h, n, search.Range(r))
		if costs[i] = absolute; c.task.Goal == search.Squares {
			costs[i] = squares
		}
	}
	c.scheme.side = bothSides
	return cheaper(best[0], best[1], costs, r)
}

// ofValues is ofHistogram for the values x.
func (c *chooser) ofValues(x []float32, r Range) Range {
	if !c.scheme.bySide() {
		return c.scheme.decided(c.ofSide(x, r), r)
	}
	var best [2]Range
	var costs [2]float64
	limit := math.Inf(1)
	for i := range best {
		c.scheme.side = positiveSide + side(i)
		best[i] = c.ofSide(x, r)
		costs[i] = c.cost(x, best[i], limit)
		limit = costs[i]
	}
	c.scheme.side = bothSides
	return cheaper(best[0], best[1], costs, r)
}

// ofSide is ofValues for the side of c's scheme.
func (c *chooser) ofSide(x []float32, r Range) Range {
	return Range(c.search.OfValues(&c.task, x, search.Range(r),
		func(r search.Range, limit float64) float64 { return c.cost(x, Range(r), limit) },
		func(h *histogram.Histogram) { countValues(h, x) }))
}

// cost returns the sum of e² or |e| over x with the range r, or infinity if the sum is above
// limit.
func (c *chooser) cost(x []float32, r Range, limit float64) float64 {
	g := &c.grid
	c.scale[0], c.zero[0] = c.scheme.of(r)
	if g.book == nil {
		if abs, sq, ok := errorsFew(x, c.scale[0], c.zero[0], g.qmin, g.qmax); ok {
			if c.task.Goal == search.Squares {
				return sq
			}
			return abs
		}
	}
	total := 0.0
	for len(x) > 0 {
		n := min(len(x), blockLen)
		g.errorsRuns(c.acc[:], nil, x[:n], n, c.scale[:], c.zero[:])
		if c.task.Goal == search.Squares {
			total += c.acc[0].sq
		} else {
			total += c.acc[0].abs
		}
		if x = x[n:]; total > limit {
			return math.Inf(1)
		}
	}
	return total
}
