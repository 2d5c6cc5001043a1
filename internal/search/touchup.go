package search

import "math"

// The last steps of a search. They try ranges of narrower codes, and ranges that differ from the
// best in the last bits, by their measured costs.

// tryRanges tries the ranges under which the grid has the marks of codes with fewer bits. It
// returns the best of them and of best. If w is not nil, it holds the values without weights, and
// ranges that w shows to be worse are not tried.
func (s *Search) tryRanges(w *sweep, r Range, best candidate, cost Cost) candidate {
	s.d.r, s.center = r, 0
	s.others = s.ranges(s.others[:0])
	for _, c := range s.others {
		scale, _ := s.task.Params(c.Range)
		if w != nil && w.worse(float64(scale), best.cost) {
			continue
		}
		if c.cost = cost(c.Range, best.cost); c.cost < best.cost {
			best = c
		}
	}
	return best
}

// bestOf measures the costs of some spots, and returns the best of them and of best. It leaves out
// spots that cannot be better.
func (s *Search) bestOf(places []spot, best candidate, cost Cost) candidate {
	for _, c := range places {
		if s.sweep.dearer(c.cost, best.cost) {
			continue
		}
		t := candidate{Range: s.sweep.rangeOf(c), cost: math.Inf(1)}
		t.cost = cost(t.Range, best.cost)
		if t.cost < best.cost {
			best = t
		}
	}
	return best
}

// mostTouches is the number of neighbouring float32 that touchUp tries on either side.
const mostTouches = 8

// touchUp tries ranges that differ from best in the last bits of one end. Their errors are
// rounded in other ways.
func (s *Search) touchUp(best candidate, cost Cost) candidate {
	r := best.Range
	for i := -mostTouches; i <= mostTouches; i++ {
		t := candidate{Range: r}
		if math.Abs(float64(r.Min)) > math.Abs(float64(r.Max)) {
			t.Min = away(r.Min, i)
		} else {
			t.Max = away(r.Max, i)
		}
		if i == 0 || !t.valid() {
			continue
		}
		if t.cost = cost(t.Range, best.cost); t.cost < best.cost {
			best = t
		}
	}
	return best
}

// away returns the float32 that is i values farther from 0 than v. For negative i it is nearer.
func away(v float32, i int) float32 {
	return math.Float32frombits(math.Float32bits(v) + uint32(i))
}
