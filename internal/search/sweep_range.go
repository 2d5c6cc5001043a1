package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// The range with the least error, from the places that a sweep finds.

// mostSwept returns up to how many values a sweep is not slower than the search
// by a histogram. That has one end to look for if the grid is symmetric.
func (t *Task) mostSwept() int {
	switch {
	case !t.Proportional:
		return 0
	case !t.Symmetric:
		return sweepMost
	case t.Goal == Squares:
		return sweepMany
	}
	return sweepFew
}

// swept is OfValues for few values. It reports whether it has an answer: not where
// scales cannot be as small as they need be, errors may overflow, or it would take
// long.
func (s *Search) swept(x []float32, r Range, cost Cost) (Range, bool) {
	w := &s.sweep
	if !w.begin(s.task, r) || w.far(len(x)) {
		return r, false
	}
	best := candidate{Range: r, cost: cost(r, math.Inf(1))}
	if best.cost == 0 {
		return r, true
	}
	w.sort(x)
	if !s.squares || len(x) > sweepFew {
		best = s.drawIn(x, best, cost)
	}
	w.build(&w.lower, best.cost, false)
	w.build(&w.upper, best.cost, true)
	if len(x) > sweepMany && float64(w.lower.n+w.upper.n)*w.steps > sweepLong {
		return r, false
	}
	first := w.first
	if first > w.floor() {
		best = s.bestOf(w.run(best.cost), best, cost)
	}
	if (w.whole(len(x)) || len(x) > sweepExact) && best.cost > 0 {
		best = s.bestOf(w.widen(first, best.cost), best, cost)
	}
	if len(x) > sweepExact {
		best = s.tryRanges(r, best, cost)
	}
	if len(x) > sweepExact || w.most > 16*(w.hi-w.lo) || best.cost < w.rounding(len(x)) {
		best = s.touchUp(best, cost)
	}
	return best.Range, true
}

// bestOf returns the best of some places and of what was the best before.
func (s *Search) bestOf(places []spot, best candidate, cost Cost) candidate {
	for _, c := range places {
		t := candidate{Range: s.sweep.rangeOf(c), cost: math.Inf(1)}
		t.cost = cost(t.Range, best.cost)
		if t.cost < best.cost {
			best = t
		}
	}
	return best
}

// tryRanges tries the ranges of narrower codes.
func (s *Search) tryRanges(r Range, best candidate, cost Cost) candidate {
	s.d.r, s.center = r, 0
	s.others = s.ranges(s.others[:0])
	for _, c := range s.others {
		scale, _ := s.task.Params(c.Range)
		if s.sweep.worse(float64(scale), best.cost) {
			continue
		}
		if c.cost = cost(c.Range, best.cost); c.cost < best.cost {
			best = c
		}
	}
	return best
}

// worse reports whether the distances of the values from the multiples of a step cost clearly
// more than that. It looks at every eighth value first.
func (w *sweep) worse(step, cost float64) bool {
	u := 1 / step
	limit := (cost*(1+0x1p-10) + w.rounding(len(w.v))) * u
	if w.squares {
		limit *= u
	}
	sum := 0.0
	for first := range min(8, len(w.v)) {
		for i := first; i < len(w.v); i += 8 {
			y := float64(w.v[i] * u)
			d := math.Abs(y - exact.Nearest(y))
			if w.squares {
				d = float64(d * d)
			}
			sum += d
		}
		if sum > limit {
			return true
		}
	}
	return false
}

// rounding returns about what n values cost whose errors are those of float32.
func (w *sweep) rounding(n int) float64 {
	e := w.most * 0x1p-20
	if w.squares {
		e *= e
	}
	return float64(n) * e
}

// touchUp tries ranges that differ in the last bits, and in how errors are
// rounded.
func (s *Search) touchUp(best candidate, cost Cost) candidate {
	r := best.Range
	for i := -sweepTouches; i <= sweepTouches; i++ {
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

// away returns the i-th float32 from v on, away from 0.
func away(v float32, i int) float32 {
	return math.Float32frombits(math.Float32bits(v) + uint32(i))
}

// drawIn draws the ends of a range in while that makes it better: the better it
// is, the less a sweep has to look at.
func (s *Search) drawIn(x []float32, best candidate, cost Cost) candidate {
	w := &s.sweep
	center := w.v[len(x)/2]
	if s.task.ZeroInRange || w.symmetric {
		center = lower(upper(0, w.v[0]), w.v[len(x)-1])
	}
	// Distances of the ends, or magnitudes.
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
