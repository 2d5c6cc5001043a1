package search

import "math"

// The search for the range with the least error by a sweep.

// mostSwept returns the largest number of values for which a sweep for t is about as fast as
// the search by a histogram. For symmetric grids a scan is faster.
func mostSwept(t *Task) int {
	switch {
	case !t.Proportional:
		return 0
	case !t.Symmetric:
		return sweepMost
	}
	return sweepMany
}

// swept does what OfValues does, for few values and by a sweep. It returns false if it has no
// final answer: if errors may overflow, or if the search by a histogram is much faster. best is then
// the best range so far, if any.
func (s *Search) swept(x []float32, r Range, cost Cost) (best candidate, ok bool) {
	w := &s.sweep
	if !w.begin(s.task, r) {
		return candidate{cost: inf}, false
	}
	far := w.far(len(x))
	if far && len(x) <= sweepMany {
		return candidate{cost: inf}, false // polished looks for a lattice
	}
	best = candidate{Range: r, cost: cost(r, math.Inf(1))}
	if best.cost == 0 {
		return best, true
	}
	w.sort(x)
	if len(x) > sweepExact {
		if best = s.onLattice(best, cost); best.cost == 0 {
			return best, true
		}
	}
	if far {
		return best, false
	}
	if !s.squares || len(x) > sweepFew {
		best = s.drawIn(x, best, cost)
	}
	w.build(&w.lower, best.cost, false)
	w.build(&w.upper, best.cost, true)
	if len(x) > sweepMany && float64(w.lower.n+w.upper.n)*w.steps > sweepLong {
		return best, false
	}
	first := w.first
	if first > w.floor() {
		best = s.bestOf(w.run(best.cost), best, cost)
	}
	if (w.whole(len(x)) || len(x) > sweepExact) && best.cost > 0 {
		best = s.bestOf(w.widen(first, best.cost), best, cost)
	}
	if len(x) > sweepExact {
		best = s.tryRanges(w, r, best, cost)
	}
	if len(x) > sweepExact || w.most > 16*(w.hi-w.lo) || best.cost < w.rounding(len(x)) {
		best = s.touchUp(best, cost)
	}
	return best, true
}

// drawIn moves the ends of the range of all values inward while that lowers the cost, and
// returns the best range. The lower its cost is, the fewer steps a sweep has to look at.
func (s *Search) drawIn(x []float32, best candidate, cost Cost) candidate {
	w := &s.sweep
	center := w.v[len(x)/2]
	if s.task.ZeroInRange || w.symmetric {
		center = lower(upper(0, w.v[0]), w.v[len(x)-1])
	}
	// The distances of the ends from the center, or for symmetric grids their magnitude.
	lo, hi := center-w.v[0], w.v[len(x)-1]-center
	if w.symmetric {
		lo, hi = w.most, w.most
	}
	const f = 15.0 / 16
	for range 24 {
		found := false
		b := best
		for _, d := range [...][2]float64{{f, f}, {f, 1}, {1, f}} {
			r := Range{Min: float32(center - float64(lo*d[0])), Max: float32(center + float64(hi*d[1]))}
			if w.symmetric {
				r = Cut(w.r, float32(lo*f))
			}
			t := candidate{Range: r}
			t.cost = cost(r, b.cost)
			if t.cost < b.cost {
				b, found = t, true
			}
			if w.symmetric || len(x) <= sweepExact {
				break
			}
		}
		if !found {
			break
		}
		best = b
		lo, hi = center-float64(b.Min), float64(b.Max)-center
		if w.symmetric {
			lo = max(-float64(b.Min), float64(b.Max))
		}
	}
	return best
}
