package search

import "math"

// The sweep: an exact search for the range under which few values have the least error.
//
// The files sweep*.go use these words:
//
//   - The cost of a range is the sum of e² or |e| over all values, e being the error of a
//     value.
//   - The step is the distance between neighbouring values of the grid: the scale. Steps are
//     often given by their reciprocal, u = 1/step.
//   - A mark is a value that the grid represents: k*step for an integer k. The mark k is the
//     mark with that integer. A value becomes the mark nearest to it. The marks of a grid end
//     at the lowest and the highest mark, which are w.steps steps apart. Values beyond the
//     ends are clipped.
//   - A tail is the outermost values at one end, those that may be clipped.
//   - A value x is x*u steps from 0. It moves by one step while x*u changes by 1.
//   - An event is where a value's error changes its form as steps shrink: the value passes the
//     middle between two marks and becomes the mark farther from 0. For |e| there are also
//     events where a value passes a mark and its error changes its sign.
//   - A piece is the steps between two successive events. Where events are counted in buckets,
//     it is the steps of a bucket.
//   - A spot is a step and a lowest mark, with their cost.
//   - A pass goes through the events of one interval of steps.
//
// The error of a value x that becomes the mark k is x - k*step. Within a piece, the cost is
// therefore a polynomial of the step: of degree 2 for e², and of degree 1 for |e|. A sweep goes
// through the events in the order of shrinking steps, and computes the least cost of each
// piece.
//
// Marks are multiples of the step whatever the zero point is. The zero point says only where
// the marks end. One sweep therefore serves all zero points. It computes the cost for marks
// without ends, and adds what clipping costs for the few values of the tails.
//
// A sweep ends at the step at which the clipped values alone cost more than the best range so
// far. They cost no less at smaller steps.
//
// For up to sweepExact values, all events are taken one by one, and the result is the least cost
// up to rounding: a sweep computes in float64, while scales and the measured errors are
// float32. For more values, the changes of events are added up in buckets, and events are taken
// one by one only around the best spots. For more than sweepFew values, a sweep also leaves out
// steps whose expected cost is well above the best.

// begin prepares w for the values of a task that lie in r. It returns false if errors may
// overflow.
func (w *sweep) begin(t *Task, r Range) bool {
	scale, zero := t.Params(r)
	w.grid, w.r, w.kernels = &t.Grid, r, t.Kernels
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

// far reports whether n values are so far from 0, compared with their range, that the search by
// a histogram is much faster. Such values pass many marks while the step changes little.
func (w *sweep) far(n int) bool {
	most := math.Inf(1)
	switch {
	case n <= 8:
	case n <= sweepExact:
		most = max(1024/float64(n), sweepWork/(float64(n)*w.steps))
	case !w.squares:
		most = 1 + 1.0/16 // above the ratio of values from 0 on, which is 1
	case n <= sweepFew:
		most = 2.5
	default:
		most = 1.25
	}
	return !w.symmetric && w.most > most*(w.hi-w.lo)
}

// whole reports whether a sweep of n values looks at all steps. That depends on the number of
// events.
func (w *sweep) whole(n int) bool {
	events := float64(n) * w.steps
	if !w.symmetric {
		events *= w.most / (w.hi - w.lo)
	}
	return n <= sweepExact && events <= sweepWork
}

// sort sets w.v to the values of x in ascending order, and w.total to the sum of their
// magnitudes.
func (w *sweep) sort(x []float32) {
	n := len(x)
	w.v = resize(w.v, n)
	w.total = 0
	for _, v := range x {
		w.total += math.Abs(float64(v))
	}
	if n > 16 && n <= networkSize {
		if w.kernels.SortFew != nil {
			// x would escape if it were passed to a func value.
			w.kernels.SortFew(w.v, w.unsorted[:copy(w.unsorted[:], x)])
		} else {
			w.few.sort(w.v, x)
		}
		return
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
		a[i] = ascending(v)
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
		w.v[i] = float64(ofAscending(k))
	}
}

// run sweeps the steps from w.first down. It returns the best spots, which cost less than best,
// the cost of the best range so far. The tails must have been built for that cost.
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

// ready prepares w for passes that look for spots which cost less than best.
func (w *sweep) ready(best float64) {
	w.places, w.exact, w.near = w.places[:0], w.exact[:0], 0
	w.mostEvents, w.leastBuckets, w.perUnit = inf, 64, 12
	w.limit, w.wanted = best, 3
	if n := float64(len(w.v)); n > sweepExact {
		// Costs are computed where buckets begin. The least cost in a bucket may be lower.
		w.limit, w.wanted, w.mostEvents = best*(1+0.25/math.Sqrt(n)), 6, sweepEvents/16
	}
	if len(w.v) > sweepMany {
		w.perUnit = 8
	}
}

// closely takes the events around the spots in w.places one by one. It then returns the best
// spots, which cost less than best.
func (w *sweep) closely(best float64) []spot {
	w.wanted = max(w.wanted, 3)
	if w.wanted < sweepSpots {
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

// best returns the least cost among the spots so far, or b if that is less.
func (w *sweep) best(b float64) float64 {
	if len(w.exact) > 0 {
		b = min(b, w.exact[0].cost)
	}
	if len(w.places) > 0 {
		b = min(b, w.places[0].cost)
	}
	return b
}

// rangeOf returns a range whose scale and zero point are those of the spot c, up to rounding.
func (w *sweep) rangeOf(c spot) Range {
	if w.symmetric {
		return w.grid.rangeOf(w.r, c.step, w.low)
	}
	return rangeFrom(float64(c.low*c.step), float64((c.low+w.steps)*c.step))
}
