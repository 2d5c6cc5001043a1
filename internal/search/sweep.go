package search

import (
	"math"
)

// The search for the least error of few values, exactly. Where x lies between
// two marks of a grid, its error is x - k*step: so the cost of all values is a
// polynomial of the step, of degree 2 or, for |e|, 1, until one of them comes
// midway between two marks and changes its k, or for |e| comes to a mark and
// changes its sign. A sweep goes through these events in the order of shrinking
// steps, and knows the least of each polynomial.
//
// Marks are at the multiples of the step whatever the zero point, which says
// only where they end. So one sweep serves all zero points: of values beyond an
// end, which are few, the cost is made up for.
//
// How far steps must shrink is known: what lies beyond the ends costs, by itself,
// no more than the best range so far.
//
// Of up to sweepExact values all events are taken one by one, in their order, and
// what is found is the least that there is, but for rounding: costs here are in
// float64, but scales, and errors as they are measured in the end, in float32. Of
// more values events are counted in buckets, as sums, and taken one by one only
// around the best places. Of more than sweepFew, steps are left out at which what
// errors usually come to, with what is clipped, is well above the best so far.

// begin prepares for a task and values in r.
func (w *sweep) begin(t *Task, r Range) bool {
	scale, zero := t.Params(r)
	w.grid, w.r, w.lowPhases = &t.Grid, r, t.LowPhases
	w.squares, w.symmetric = t.Goal == Squares, t.Symmetric
	w.steps, w.low = float64(t.Highest-t.Lowest), float64(t.Lowest-zero)
	w.lo, w.hi = float64(r.Min), float64(r.Max)
	w.most = max(-w.lo, w.hi)
	w.first = float64(scale)
	w.lowest = math.Inf(-1)
	if t.ZeroInRange && !w.symmetric {
		w.lo, w.hi = min(w.lo, 0), max(w.hi, 0)
		w.lowest = -w.steps
	}
	return max(w.most+w.first, w.hi-w.lo) < math.MaxFloat32
}

// far reports whether values are so far from 0, next to how far they are from
// each other, that the search by a histogram is much faster: then each comes past many
// marks while the step changes little.
func (w *sweep) far(n int) bool {
	most := math.Inf(1)
	switch {
	case n <= 8:
	case n <= sweepExact:
		most = max(1024/float64(n), sweepWork/(float64(n)*w.steps))
	case !w.squares:
		most = 1 + 1.0/16 // which values from 0 on have
	case n <= sweepFew:
		most = 2.5
	default:
		most = 1.25
	}
	return !w.symmetric && w.most > most*(w.hi-w.lo)
}

// whole reports whether a sweep of n values leaves no step out.
func (w *sweep) whole(n int) bool {
	events := float64(n) * w.steps
	if !w.symmetric {
		events *= w.most / (w.hi - w.lo)
	}
	return n <= sweepExact && events <= sweepWork
}

// sort takes the values, in ascending order.
func (w *sweep) sort(x []float32) {
	n := len(x)
	w.v = resize(w.v, n)
	w.total = 0
	for _, v := range x {
		w.total += math.Abs(float64(v))
	}
	if n <= 48 {
		for i, v := range x {
			f := float64(v)
			for i > 0 && w.v[i-1] > f {
				w.v[i] = w.v[i-1]
				i--
			}
			w.v[i] = f
		}
		return
	}
	digit := uint(8)
	if n > 1024 {
		digit = 11
	}
	a, b := resize(w.keys[0], n), resize(w.keys[1], n)
	w.keys[0], w.keys[1] = a, b
	for i, v := range x {
		k := math.Float32bits(v)
		a[i] = k ^ (uint32(int32(k)>>31) | 1<<31)
	}
	var counts [1 << 11]uint32
	for shift := uint(0); shift < 32; shift += digit {
		c := counts[:1<<digit]
		clear(c)
		for _, k := range a {
			c[k>>shift&(1<<digit-1)]++
		}
		at := uint32(0)
		for i, k := range c {
			c[i] = at
			at += k
		}
		for _, k := range a {
			i := k >> shift & (1<<digit - 1)
			b[c[i]] = k
			c[i]++
		}
		a, b = b, a
	}
	for i, k := range a {
		k ^= uint32(int32(^k)>>31) | 1<<31
		w.v[i] = float64(math.Float32frombits(k))
	}
}

// run returns the best places, which cost less than the best range so far. The
// tails were built for that.
func (w *sweep) run(best float64) []spot {
	u := 1 / w.first
	w.begun = u
	if !w.bound(u, best, true) {
		return nil
	}
	window, skip := 0.0, 0.0
	if !w.whole(len(w.v)) {
		window, skip = w.windows(u, best)
	}
	longest := sweepWidest
	w.ready(best)
	w.usual = 0
	alike := len(w.v) <= sweepFew || w.steps < 14 || w.alike()
	first := best
	for i := 0; ; i++ {
		end := 1 / w.least(best)
		if !(u < end) || !w.bound(u, best, i > 0 || len(w.v) > sweepFew) {
			break
		}
		if w.usual == 0 && !alike && w.expect(u) {
			longest, w.leastBuckets, w.mostEvents = 1+1.0/16, 16, 32
		}
		next := min(u+sweepUnits/w.reach, u*longest, end)
		if skip > 0 {
			next = min(u+window, u*longest, end)
		}
		if !(next > u) {
			break
		}
		if w.usual > 0 {
			if most := best + float64(best*w.margin); w.expected(u) > most && w.expected(next) > most {
				u = next
				continue
			}
		}
		w.pass(u, next)
		best = w.best(best)
		w.shrink(&w.lower, best)
		w.shrink(&w.upper, best)
		u = max(next, u+skip)
	}
	return w.closely(first)
}

// ready prepares for passes that look for places which cost less than the best range.
func (w *sweep) ready(best float64) {
	w.places, w.exact, w.near = w.places[:0], w.exact[:0], 0
	w.mostEvents, w.leastBuckets, w.perUnit = inf, 64, 12
	w.limit, w.wanted = best, 3
	if n := float64(len(w.v)); n > sweepExact {
		// What a bucket costs at its beginning is not the least that it does.
		w.limit, w.wanted, w.mostEvents = best*(1+0.25/math.Sqrt(n)), 6, sweepEvents/16
	}
	if len(w.v) > sweepMany {
		w.perUnit = 8
	}
}

// closely returns the best places, having looked closely at those that are known by sums
// only. They cost less than the best range before.
func (w *sweep) closely(best float64) []spot {
	w.wanted = max(w.wanted, 3)
	if w.wanted < wideMany {
		w.wanted = 3
	}
	w.exact = w.exact[:min(len(w.exact), w.wanted)]
	w.limit = best
	if len(w.exact) > 0 {
		w.limit = w.exact[0].cost
	}
	if len(w.v) > sweepMany {
		w.places = w.places[:min(len(w.places), 2)]
	}
	for _, c := range w.places {
		w.zoom(c)
	}
	return w.exact
}

func (w *sweep) best(b float64) float64 {
	if len(w.exact) > 0 {
		b = min(b, w.exact[0].cost)
	}
	if len(w.places) > 0 {
		b = min(b, w.places[0].cost)
	}
	return b
}

// rangeOf returns a range whose parameters are those of a place, but for rounding.
func (w *sweep) rangeOf(c spot) Range {
	if w.symmetric {
		return w.grid.rangeOf(w.r, c.step, w.low)
	}
	return rangeFrom(float64(c.low*c.step), float64((c.low+w.steps)*c.step))
}
