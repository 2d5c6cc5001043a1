package search

import (
	"math"

	"github.com/a01592f9/quant/internal/histogram"
)

// The entry points of the package.

// OfHistogram returns the range that t asks for, as estimated from the histogram h of n values.
// r is the range of the values.
func (s *Search) OfHistogram(t *Task, h *histogram.Histogram, n uint64, r Range) Range {
	if r.Min == r.Max {
		return r
	}
	if t.Goal == Tails {
		return h.Percentile(histogram.Tails(t.Percentile, n), n, r)
	}
	if t.Goal == Magnitudes {
		k := histogram.Outside(t.Percentile, n)
		return Cut(r, h.Magnitude(n-1-k, n, r))
	}
	s.Load(h, n, r)
	return s.OfLoaded(t)
}

// OfLoaded is OfHistogram for the histogram given to Load. The goal must not be Tails or
// Magnitudes.
func (s *Search) OfLoaded(t *Task) Range {
	s.begin(t)
	if t.Goal == Divergence {
		return s.entropy()
	}
	return s.leastExpected().Range
}

// OfValues returns the range that t asks for, of the values x. r is the range of the values.
// Percentiles are exact. For few values the range of the least error is exact too; how many are
// few does not depend on the machine. cost returns the cost of a range, and count adds all
// values to a histogram. Neither is kept after the call.
func (s *Search) OfValues(t *Task, x []float32, r Range, cost Cost, count func(*histogram.Histogram)) Range {
	if r.Min == r.Max {
		return r
	}
	s.begin(t)
	switch {
	case t.Goal == Tails && len(x) <= mostSorted:
		return s.sortedTails(x, histogram.Tails(t.Percentile, uint64(len(x))), r)
	case t.Goal == Magnitudes && len(x) <= mostSorted:
		return s.sortedMagnitudes(x, histogram.Outside(t.Percentile, uint64(len(x))), r)
	case t.Goal.ByErrors() && t.Proportional && t.Symmetric && len(x) > sweepMany && len(x) <= scanMost:
		if r, ok := s.scanned(x, r, cost); ok {
			return r
		}
	case t.Goal.ByErrors() && len(x) <= mostSwept(t):
		best, ok := s.swept(x, r, cost)
		if ok {
			return best.Range
		}
		other := s.counted(x, r, cost, count)
		if len(x) <= sweepMany {
			other = s.polished(x, other, r, cost)
		}
		if math.IsInf(best.cost, 1) || cost(other, best.cost) <= best.cost {
			return other
		}
		return best.Range
	}
	return s.counted(x, r, cost, count)
}

// counted is OfValues for many values. For the least error it takes the best range for the
// histogram, and searches around it by the exact costs.
func (s *Search) counted(x []float32, r Range, cost Cost, count func(*histogram.Histogram)) Range {
	h, n := &s.hist, uint64(len(x))
	h.Reset(1)
	count(h)
	switch s.task.Goal {
	case Tails:
		k := histogram.Tails(s.task.Percentile, n)
		return Range{Min: s.kth(x, k), Max: s.kth(x, n-1-k)}
	case Magnitudes:
		s.exact.BeginMagnitude(h, n-1-histogram.Outside(s.task.Percentile, n), 16)
		s.exact.Add(x)
		s.exact.Next()
		return Cut(r, s.exact.Value())
	case Divergence:
		s.Load(h, n, r)
		return s.entropy()
	}
	s.Load(h, n, r)
	s.StartDescent(&s.descent, s.task)
	best := s.descent.run(&s.task.Grid, cost)
	if s.halves {
		best = s.fit(x, best, cost)
	}
	if s.task.Proportional && len(x) > sweepMany && len(x) <= scanMost {
		if len(x) > sweepMost && s.sweep.begin(s.task, r) {
			best = s.onLongLattice(x, best, cost)
		}
		best = s.closer(x, r, best, cost)
	}
	return best.Range
}

// Estimate returns estimates of the sums of e² and of |e| for the grid g with the given scale
// and zero point. h is the histogram of n values, and r is their range.
func (s *Search) Estimate(g *Grid, scale float32, zero int32, h *histogram.Histogram, n uint64, r Range) (squares, absolute float64) {
	s.Load(h, n, r)
	m := g.marks(scale, zero)
	return s.d.cost(m, true), s.d.cost(m, false)
}
