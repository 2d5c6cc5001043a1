package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// Bounds on the steps of a sweep and on the ends of the marks. They follow from the cost of the
// clipped values alone, which must not be above that of the best range so far.

// build sets t to the values at one end that may be clipped: those whose clipping costs no more
// than most. up says that it is the upper end.
func (w *sweep) build(t *tail, most float64, up bool) {
	n := len(w.v)
	t.t, t.sums = t.t[:0], append(t.sums[:0], twoSums{})
	for i := range n {
		d := 0.0
		if up {
			d = w.v[n-1] - w.v[n-1-i]
		} else {
			d = w.v[i] - w.v[0]
		}
		s := t.sums[i]
		if w.beyond(float64(i), d, s) > most {
			break
		}
		t.t = append(t.t, d)
		t.sums = append(t.sums, twoSums{s.t + d, s.sq + float64(d*d)})
	}
	t.n = len(t.t)
	t.reach = w.solve(t, most)
}

// beyond returns the cost of the n outermost values at an end, all of them clipped, if the
// marks end at the distance d from the outermost value. s is the sums of the n values.
func (w *sweep) beyond(n, d float64, s twoSums) float64 {
	if w.squares {
		return float64(d*(float64(n*d)-float64(2*s.t))) + s.sq
	}
	return float64(n*d) - s.t
}

// solve returns the distance of the end of the marks from the outermost value at which the
// values of t, all of them clipped, cost exactly most.
func (w *sweep) solve(t *tail, most float64) float64 {
	n, s := float64(t.n), t.sums[t.n]
	if !w.squares {
		return (most + s.t) / n
	}
	return (s.t + math.Sqrt(max(0, float64(s.t*s.t)-float64(n*(s.sq-most))))) / n
}

// shrink does what build does, for a tail that was built for a larger cost.
func (w *sweep) shrink(t *tail, most float64) {
	for t.n > 1 && w.beyond(float64(t.n-1), t.t[t.n-1], t.sums[t.n-1]) > most {
		t.n--
	}
	t.reach = w.solve(t, most)
}

// least returns a lower bound on the steps that can cost no more than most.
func (w *sweep) least(most float64) float64 {
	first, last := w.v[0]+w.lower.reach, w.v[len(w.v)-1]-w.upper.reach
	if w.symmetric {
		s := w.floor()
		if h := w.low + w.steps; h > 0 {
			s = max(s, last/h)
		}
		return max(s, first/w.low)
	}
	if w.lowest < 0 && !math.IsInf(w.lowest, 0) {
		return max(w.floor(), (max(last, 0)-min(first, 0))/w.steps)
	}
	d := most
	if w.squares {
		d = math.Sqrt(2 * most)
	}
	return max(w.floor(), (w.hi-w.lo-d)/w.steps, (last-first)/w.steps)
}

// windows chooses the parts that are swept if a sweep of all steps from 1/u down would take
// very long. It returns the width of a part and the distance between the beginnings of two
// parts, both in 1/step, or 0 and 0 if all steps are to be swept. A sweep takes very long where
// values are many steps from 0 and the step may become much smaller.
func (w *sweep) windows(u, best float64) (window, skip float64) {
	away, far := w.reach, u*max(1, 0x1p15/w.steps)
	if !w.symmetric {
		away = max(math.Abs(w.l2), math.Abs(w.h1)) // the least magnitude of the outermost mark
		far = min(far, max(256, 0x1p14/float64(len(w.v)))/away)
	}
	end := 1 / max(w.least(best), w.first/256)
	if end-u <= far || w.clippedAt(u+far) > best {
		return 0, 0
	}
	for a := u + far; end-a > end/16; {
		if m := (a + end) / 2; w.clippedAt(m) > best {
			end = m
		} else {
			a = m
		}
	}
	return 4 / away, (end - u) / sweepWindows
}

// alike reports whether the number of distinct values is below half the number of values.
func (w *sweep) alike() bool {
	different := 1
	for i, x := range w.v[1:] {
		if x != w.v[i] {
			different++
		}
	}
	return different < len(w.v)/2
}

// expect sets w.usual and w.margin from the errors at the step 1/u, for marks without ends. It
// reports whether it could: the middle three quarters of the values must spread over at least 4
// steps.
func (w *sweep) expect(u float64) bool {
	n := len(w.v)
	spread := float64(u * (w.v[n-1-n/8] - w.v[n/8]))
	if spread < 4 {
		return false
	}
	w.width = 0
	w.load(w.v, u, u, -0x1p50, 0x1p50)
	w.usual = w.p.a * u
	if w.squares {
		w.usual *= u
	}
	w.margin = 4/math.Sqrt(float64(n)) + 0.5/spread
	return w.usual > 0
}

// expected returns about the cost of the step 1/u.
func (w *sweep) expected(u float64) float64 {
	c := w.usual / u
	if w.squares {
		c /= u
	}
	return c + w.clippedAt(u)
}

// worse reports whether the step costs clearly more than cost even for marks without ends. It
// looks at every eighth value first, and stops as soon as the sum is large enough.
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

// dearer reports whether a spot whose cost is cost measures more than best for certain. The measured
// error of a value differs from that at the spot since float32 rounds the scale, by up to 2 units
// in the last place for each end of the range, and the reconstructed value.
func (w *sweep) dearer(cost, best float64) bool {
	n := float64(len(w.v))
	e := float64(w.most+w.steps/w.from) * 0x1p-21 * (1 + w.most/(w.hi-w.lo))
	if w.symmetric {
		e = w.most * 0x1p-20
	}
	if w.squares {
		return math.Sqrt(cost)*(1-0x1p-20) > math.Sqrt(best)+float64(math.Sqrt(n)*e)
	}
	return cost*(1-0x1p-20) > best+float64(n*e)
}

// clippedAt returns a lower bound on the cost of the clipped values at the step 1/u and at all
// smaller steps.
func (w *sweep) clippedAt(u float64) float64 {
	width := w.steps / u
	if w.symmetric {
		return w.clipped(w.low/u, width)
	}
	low := w.v[len(w.v)-1] - w.upper.reach - width
	high := w.v[0] + w.lower.reach
	if low > high {
		return math.Inf(1)
	}
	return w.clipped(w.leastClipped(low, high, width), width)
}

// leastClipped returns the lowest mark between low and high for which the clipped values cost
// least. The highest mark is width above it.
func (w *sweep) leastClipped(low, high, width float64) float64 {
	for range 20 {
		if m := (low + high) / 2; w.slope(m, width) < 0 {
			low = m
		} else {
			high = m
		}
	}
	if w.clipped(high, width) < w.clipped(low, width) {
		return high
	}
	return low
}

// bound sets the bounds on the ends of the marks for the step 1/u and smaller ones. It returns
// false if the clipped values cost more than best wherever the marks end. With close, the bounds
// use the cost of clipping at both ends together; else they use each end alone.
func (w *sweep) bound(u, best float64, close bool) bool {
	n := len(w.v)
	width := w.steps / u
	if w.symmetric {
		low := float64(w.low / u)
		w.reach = min(w.most, max(-low, low+width)+1/u)
		return !close || w.clipped(low, width) <= best
	}
	low, high := w.v[n-1]-w.upper.reach-width, w.v[0]+w.lower.reach
	if !math.IsInf(w.lowest, 0) {
		low, high = max(low, -width), min(high, 0)
	}
	if low > high {
		return false
	}
	if close {
		least := w.leastClipped(low, high, width)
		if w.clipped(least, width) > best {
			return false
		}
		low, high = w.edge(least, low, width, best), w.edge(least, high, width, best)
	}
	w.l2, w.h1 = high, low+width
	w.bottom, w.top = low-1/u, high+width+1/u
	w.reach = min(w.most, max(math.Abs(w.bottom), math.Abs(w.top)))
	return true
}

// edge returns about where the lowest mark is, between in and out, when the cost of the clipped
// values begins to exceed best. The highest mark is width above it. At in the cost must be at
// most best. The result errs only toward out, so that no good mark is left out.
func (w *sweep) edge(in, out, width, best float64) float64 {
	if w.clipped(out, width) <= best {
		return out
	}
	for range 12 {
		if m := (in + out) / 2; w.clipped(m, width) <= best {
			in = m
		} else {
			out = m
		}
	}
	return out
}

// clipped returns a lower bound on the cost of the values that are clipped if the lowest mark
// is low and the highest is width above it.
func (w *sweep) clipped(low, width float64) float64 {
	down, up := low-w.v[0], w.v[len(w.v)-1]-low-width
	n, m := w.lower.nearer(down), w.upper.nearer(up)
	return w.beyond(float64(n), down, w.lower.sums[n]) + w.beyond(float64(m), up, w.upper.sums[m])
}

// slope returns the derivative of clipped by low, or half of it for e².
func (w *sweep) slope(low, width float64) float64 {
	down, up := low-w.v[0], w.v[len(w.v)-1]-low-width
	n, m := w.lower.nearer(down), w.upper.nearer(up)
	if !w.squares {
		return float64(n - m)
	}
	return float64(float64(n)*down) - w.lower.sums[n].t - (float64(float64(m)*up) - w.upper.sums[m].t)
}
