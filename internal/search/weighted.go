package search

import (
	"github.com/a01592f9/quant/internal/exact"
	"github.com/a01592f9/quant/internal/histogram"
)

// The search for the least weighted error: the least sum of w·e² over values, w being the weight
// of a value and e its error.
//
// The search is exact for few values: see weighted_exact.go. For more values, and for grids
// whose scales are not proportional to their ranges, it makes a histogram in which each value
// counts in proportion to its weight. A Descent by measured costs begins at the best range by
// that histogram. For the symmetric mapping, the steps around the best are then searched exactly.

const (
	// weightedAround is the largest number of values for which the steps around the best are
	// searched exactly.
	weightedAround = 1 << 13

	// weightedCounts is the count of a value with the weight 1 in the histogram.
	weightedCounts = 1 << 24
)

// OfWeighted returns the best range found by a search for the least weighted sum of squared
// errors of x. cost measures that sum for a range. The result costs no more than x.Start and
// x.Whole, and, if the search is not exact, no more than any range of codes with fewer bits.
func (s *Search) OfWeighted(t *Task, x *Weighted, cost Cost) Range {
	if x.Whole.Min == x.Whole.Max || len(x.Values) == 0 {
		return x.Start
	}
	s.begin(t)
	best := candidate{Range: x.Start, cost: cost(x.Start, inf)}
	r := Range{Min: x.Values[0], Max: x.Values[0]}
	for _, v := range x.Values {
		r.Min, r.Max = min(r.Min, v), max(r.Max, v)
	}
	r = Range{Min: exact.PlusZero(r.Min), Max: exact.PlusZero(r.Max)}
	best = s.bestRange(best, x.Whole, cost)
	best = s.bestRange(best, r, cost)
	if best.cost == 0 {
		return best.Range
	}
	w := &s.weighted
	touch := t.Proportional
	switch {
	case !t.Proportional || !w.begin(t, x, r):
		best = s.weightedCounted(x, r, best, cost)
	case w.able(len(x.Values)):
		best = s.weightedPlaces(w.run(best.cost), best, cost)
		touch = w.most > 16*(w.hi-w.lo) || best.cost < w.rounding()
	default:
		best = s.weightedCounted(x, r, best, cost)
		if t.Symmetric && len(x.Values) <= weightedAround {
			best = s.weightedPlaces(w.around(best.Range, best.cost), best, cost)
		}
	}
	if touch {
		best = s.touchUp(best, cost)
	}
	return best.Range
}

// bestRange returns the better of b and the range r.
func (s *Search) bestRange(b candidate, r Range, cost Cost) candidate {
	if c := (candidate{Range: r, cost: cost(r, b.cost)}); c.cost < b.cost {
		return c
	}
	return b
}

// weightedPlaces measures the costs of some spots, and returns the best of them and of best.
func (s *Search) weightedPlaces(places []spot, best candidate, cost Cost) candidate {
	for _, c := range places {
		best = s.bestRange(best, s.weighted.rangeOf(c), cost)
	}
	return best
}

// weightedCounted searches with a histogram and a Descent, and returns the best range of these
// and of best. r is the range of x.Values.
func (s *Search) weightedCounted(x *Weighted, r Range, best candidate, cost Cost) candidate {
	if r.Min < r.Max {
		h, n := &s.hist, uint64(0)
		h.Reset(1)
		for i, v := range x.Values {
			k := uint64(exact.Nearest(float64(x.Weights[i] * weightedCounts)))
			h.AddCount(histogram.BinOf(v), k)
			n += k
		}
		s.Load(h, n, r)
		s.StartDescent(&s.descent, s.task)
		if c := s.descent.run(&s.task.Grid, cost); c.cost < best.cost {
			best = c
		}
	}
	best = s.tryRanges(nil, x.Whole, best, cost)
	if r != x.Whole {
		best = s.tryRanges(nil, r, best, cost)
	}
	return best
}
