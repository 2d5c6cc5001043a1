package search

import (
	"math"
	"slices"

	"github.com/a01592f9/quant/internal/exact"
)

// The scan: a search among steps that are close together, by measured costs. It is for values that
// are too many for a sweep, and not so many that measuring a cost takes long. The files sweep*.go
// explain the words.
//
// The cost as a function of the step is a smooth curve with noise. The noise is due to the places of
// the values between two marks, which are about random. It changes while the outermost mark moves by
// about half a step. The smooth curve is nearly flat around its minimum, so the noise decides which
// step is best there. A scan measures the steps whose cost the noise may make the least, at distances
// by which the outermost mark moves by a quarter of a step. It then goes down from the best of them.

// scanned does what OfValues does, for a symmetric grid and more than sweepMany values. It returns
// false if errors may overflow.
func (s *Search) scanned(x []float32, r Range, cost Cost) (Range, bool) {
	w, c := &s.sweep, &s.scan
	if !w.begin(s.task, r) {
		return r, false
	}
	c.best = candidate{Range: r, cost: cost(r, inf)}
	if c.best.cost == 0 {
		return r, true
	}
	if c.choose(w, x) {
		if b, ok := s.swept(c.large, r, cost); ok {
			return b.Range, true
		}
	}
	if c.best = s.onLongLattice(x, c.best, cost); c.best.cost == 0 {
		return c.best.Range, true
	}
	for _, start := range s.coarseSteps(len(x), cost) {
		s.around(x, start, cost)
	}
	c.best = s.tryRanges(nil, r, c.best, cost)
	if c.best.cost < wideRounded*w.rounding(len(x)) {
		c.best = s.touchUp(c.best, cost)
	}
	return c.best.Range, true
}

// polished refines r, a range that the search by a histogram found for x, and returns the best range.
// whole is the range of x.
func (s *Search) polished(x []float32, r, whole Range, cost Cost) Range {
	w := &s.sweep
	best := candidate{Range: r, cost: cost(r, math.Inf(1))}
	if !w.begin(s.task, whole) || best.cost == 0 {
		return r
	}
	w.sort(x)
	if best = s.onLattice(best, cost); best.cost == 0 {
		return best.Range
	}
	best = s.zoomed(best, cost)
	if c := s.closer(x, whole, best, cost); c.cost < best.cost {
		best = s.zoomed(c, cost)
	}
	return best.Range
}

// zoomed tries the steps around that of best, with the lowest mark of best and with the two next to
// it, and returns the best range. The values are in s.sweep.
func (s *Search) zoomed(best candidate, cost Cost) candidate {
	w := &s.sweep
	scale, zero := s.task.Params(best.Range)
	low := float64(s.task.Lowest - zero)
	w.ready(best.cost)
	w.limit, w.wanted, w.near, w.begun = best.cost, 3, math.Inf(1), 0.5/float64(scale)
	for l := low - 1; l <= low+1; l++ {
		if l == low || !w.symmetric && l >= w.lowest && (math.IsInf(w.lowest, 0) || l <= 0) {
			w.zoom(spot{float64(scale), l, 0})
		}
	}
	return s.bestOf(w.exact, best, cost)
}

// closer improves best, the range that the search by a histogram found for x: it scans the steps around
// that of best, if the noise is large there. It returns the best range. r is the range of x.
func (s *Search) closer(x []float32, r Range, best candidate, cost Cost) candidate {
	w, c := &s.sweep, &s.scan
	if !w.begin(s.task, r) || best.cost == 0 {
		return best
	}
	scale, zero := s.task.Params(best.Range)
	low := float64(s.task.Lowest - zero)
	c.best = best
	far := w.most > scanFar*(w.hi-w.lo)
	if len(x) > sweepMost && !far {
		if c.setMargin(x, w.most, w.squares); c.down == scanDown {
			return best
		}
	}
	for _, part := range [...]float64{0.5, 0, 1} {
		c.part, c.anchor = part, (low+float64(part*w.steps))*float64(scale)
		s.around(x, spot{float64(scale), low, best.cost}, cost)
		if len(x) > sweepMany && !far {
			break
		}
	}
	return c.best
}

// coarseSteps measures steps from the widest on, at equal ratios, until the clipped ones of the n values
// alone cost more than the best range. It returns the steps that cost less than those next to them, and
// about as little as the best.
func (s *Search) coarseSteps(n int, cost Cost) []spot {
	w, c := &s.sweep, &s.scan
	c.starts = c.starts[:0]
	// Where all values have about the same magnitude, the cost has its minima where that is a multiple
	// of the step. They are as narrow as the values are close together.
	c.coarse = 1 + lower(upper(scanApart*(w.hi-w.lo)/w.most, scanFine), scanCoarse)
	high, low := w.low+w.steps, -w.low
	wide := upper(high, low) / upper(lower(high, low), 1) // the end that has fewer marks may need wider steps
	for step := w.first * wide * c.coarse; step >= w.floor(); step /= c.coarse {
		most := step / 2 // the largest error of a value that is not clipped
		if w.squares {
			most *= most
		}
		limit := c.best.cost + float64(most*float64(n))
		at := spot{step, w.low, s.measure(step, w.low, limit, cost)}
		c.starts = append(c.starts, at)
		if at.cost > limit {
			break
		}
	}
	all, kept := c.starts, 0
	before := inf
	for i, at := range all {
		after := inf
		if i+1 < len(all) {
			after = all[i+1].cost
		}
		if at.cost < before && at.cost <= after && at.cost <= c.best.cost*scanNear {
			c.starts[kept] = at
			kept++
		}
		before = at.cost
	}
	return c.starts[:kept]
}

// measure returns the cost of a step and a lowest mark, or infinity if it is above limit or if there
// is no such range. It keeps the range if it is the best.
func (s *Search) measure(step, low, limit float64, cost Cost) float64 {
	w, c := &s.sweep, &s.scan
	if step < w.floor() || !w.symmetric && (low < w.lowest || !math.IsInf(w.lowest, 0) && low > 0) {
		return inf
	}
	t := candidate{Range: w.rangeOf(spot{step, low, 0})}
	if !t.valid() {
		return inf
	}
	if t.cost = cost(t.Range, limit); t.cost < c.best.cost {
		c.best = t
	}
	return t.cost
}

// around scans the steps around that of start, to either side until they cost clearly more than the best.
func (s *Search) around(x []float32, start spot, cost Cost) {
	w, c := &s.sweep, &s.scan
	c.spots = c.spots[:0]
	u := 1 / start.step
	// reach is the outermost mark that values may become.
	reach := lower(upper(math.Abs(start.low), math.Abs(start.low+w.steps)), w.most*u)
	c.setMargin(x, reach/u, w.squares)
	apart, best := scanApart/reach, scanBest
	if c.down == scanDownFew {
		apart, best = apart/2, scanBestFew
	}
	side := scanSide
	if len(x) <= sweepFew {
		side *= 4
	}
	apart = upper(apart, c.margin/float64(side))
	if !w.symmetric {
		c.margin *= 1.5 // the marks are not quite where they should be for each step
	} else {
		apart = lower(apart, c.coarse-1)
		start = s.down(start, (c.coarse-1)*u, 3, cost)
		u = 1 / start.step
	}
	c.keep(start, 0, best)
	for _, to := range [...]float64{1 + apart, 1 / (1 + apart)} {
		sum, at := 0.0, u
		var last [8]float64
		for i := range side {
			at *= to
			limit := c.best.cost * (1 + float64(3*c.margin))
			v := lower(s.measure(1/at, s.lowAt(at), limit, cost), limit)
			c.keep(spot{1 / at, s.lowAt(at), v}, apart, best)
			sum += v - last[i%len(last)]
			last[i%len(last)] = v
			if i < len(last)-1 || sum <= float64(len(last))*c.best.cost*(1+c.margin) {
				continue
			}
			if slices.Min(last[:]) > c.best.cost*(1+c.margin/2) {
				break
			}
		}
	}
	for i := range c.spots {
		if at := c.spots[i]; at.cost <= c.best.cost*(1+float64(c.margin*c.down)) {
			s.down(at, apart*u, scanHalves, cost)
		}
	}
}

// lowAt returns the lowest mark of the step 1/u for which the marks stay where s.scan.anchor says.
func (s *Search) lowAt(u float64) float64 {
	w := &s.sweep
	if w.symmetric {
		return w.low
	}
	low := exact.Nearest(float64(s.scan.anchor*u) - float64(s.scan.part*w.steps))
	if !math.IsInf(w.lowest, 0) {
		low = lower(upper(low, w.lowest), 0)
	}
	return low
}

// down goes from a step to a better one at the distance h, in 1/step, which it halves the given number
// of times, and more often while that lowers the cost. It tries the lowest marks next to that of the step
// too.
func (s *Search) down(at spot, h float64, halves int, cost Cost) spot {
	if w := &s.sweep; !w.symmetric {
		for _, low := range [...]float64{at.low - 1, at.low + 1} {
			if m := s.measure(at.step, low, at.cost, cost); m < at.cost {
				at.low, at.cost = low, m
			}
		}
	}
	last, before := inf, inf // the costs at the last distance and at the one before
	for i := 0; i < halves || i < scanLast && at.cost < before*(1-scanGain); i++ {
		last, before = at.cost, last
		h /= 2
		u := 1 / at.step
		for _, v := range [...]float64{u - h, u + h} {
			if m := s.measure(1/v, at.low, at.cost, cost); m < at.cost {
				at.step, at.cost = 1/v, m
			}
		}
	}
	return at
}
