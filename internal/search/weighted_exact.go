package search

import (
	"cmp"
	"math"
	"slices"

	"github.com/a01592f9/quant/internal/exact"
)

// The exact search for the least weighted error of few values. Its words are those of sweep.go.
//
// Let u be 1/step. Between two events the cost is a polynomial of the step, of degree 2. The
// search goes through u in intervals, and leaves out intervals whose cost is above the best
// everywhere. To bound the cost in an interval, it takes the distance d of each value from the
// nearest mark, in steps, in the middle of the interval. If the value moves by m steps from
// there to an end of the interval, its distance is at least d - m in all of it. The intervals
// that remain are divided into pieces. The least cost of a piece is computed from all values
// again, and not from the polynomial.
//
// The marks of the asymmetric mapping may begin at any multiple of the step. If they can hold
// all values, the cost does not depend on where they begin. Else the search tries each lowest
// mark with which the clipped values alone cost less than the best.

const (
	// weightedExact is the largest number of values whose least weighted error is found
	// exactly.
	weightedExact = 64

	// weightedWork is the largest number of events of an exact search: changes of a value's
	// code.
	weightedWork = 1 << 24

	// weightedSpots is the number of best spots whose errors are measured. Scales and errors
	// are rounded to float32, so the first spot may not be the best.
	weightedSpots = 3
)

// A weighted is the state of an exact search, and memory that the next one uses again.
type weighted struct {
	grid      *Grid
	r         Range   // the range of the values
	symmetric bool    // the mapping of the grid is symmetric
	steps     float64 // the number of steps from the lowest mark to the highest
	low, high float64 // the ends of the marks, in steps; beyond all values if asymmetric
	must      bool    // the marks must hold 0
	lo, hi    float64 // the ends of r, widened to hold 0 if must is set
	most      float64 // the largest magnitude of the values
	mean      float64 // the mean magnitude of the values
	first     float64 // the step for the range r
	floor     float64 // the least step

	v, w   []float64       // the values in ascending order, and their weights
	hv, hw []float64       // the same in descending order of the weights
	order  []weightedValue // memory for sort

	limit float64    // spots are kept only if they cost less
	spots []spot     // the best spots so far
	k     []float64  // the mark of each value in a piece
	ends  [2]float64 // the bounds on the lowest mark in an interval, in the unit of the values

	// The cost in a piece is sum - 2*a*step + b*step², for marks without ends or of the
	// symmetric mapping.
	sum, a, b float64
	events    []change
}

// A change is an event: a value becomes the next mark at the step 1/u, and the a and b of
// weighted grow by the a and b here.
type change struct{ u, a, b float64 }

// begin prepares w for the values of x, whose range is r. It returns false if errors may
// overflow.
func (w *weighted) begin(t *Task, x *Weighted, r Range) bool {
	scale, zero := t.Params(r)
	w.grid, w.r, w.symmetric = &t.Grid, r, t.Symmetric
	w.steps = float64(t.Highest - t.Lowest)
	w.low, w.high, w.must = -0x1p50, 0x1p50, false
	w.lo, w.hi = float64(r.Min), float64(r.Max)
	w.most = max(-w.lo, w.hi)
	w.first = float64(scale)
	w.floor = max(t.LeastScale, float64(w.most*t.LeastRatio))
	switch {
	case w.symmetric:
		w.low = float64(t.Lowest - zero)
		w.high = w.low + w.steps
	case t.ZeroInRange:
		w.lo, w.hi, w.must = min(w.lo, 0), max(w.hi, 0), true
	}
	w.sort(x)
	return w.most > 0 && max(w.most+w.first, w.hi-w.lo) < math.MaxFloat32
}

// able reports whether an exact search of n values is fast enough.
func (w *weighted) able(n int) bool {
	work := float64(n) * w.steps // about the number of events
	if !w.symmetric {
		work *= w.most / (w.hi - w.lo)
	}
	switch {
	case n <= 8 || n <= weightedExact && w.symmetric:
		return true
	case n <= weightedExact:
		return work <= weightedWork
	case w.symmetric:
		return n <= 8*weightedExact && work <= weightedWork/16
	}
	return n <= 2*weightedExact && work <= weightedWork/16
}

// sort stores the values of x in both orders, their mean magnitude, and their weighted sum of
// squares.
func (w *weighted) sort(x *Weighted) {
	n := len(x.Values)
	w.v, w.w = resize(w.v, n), resize(w.w, n)
	w.hv, w.hw = resize(w.hv, n), resize(w.hw, n)
	w.order, w.k = resize(w.order, n), resize(w.k, n)
	sum := 0.0
	w.sum = 0
	for i, value := range x.Values {
		p := weightedValue{float64(value), x.Weights[i]}
		sum += math.Abs(p.v)
		w.sum += float64(p.w * float64(p.v*p.v))
		w.order[i] = p
	}
	w.mean = sum / float64(n)
	slices.SortFunc(w.order, func(a, b weightedValue) int {
		return cmp.Or(cmp.Compare(a.v, b.v), cmp.Compare(a.w, b.w))
	})
	for i, p := range w.order {
		w.v[i], w.w[i] = p.v, p.w
	}
	slices.SortStableFunc(w.order, func(a, b weightedValue) int { return cmp.Compare(b.w, a.w) })
	for i, p := range w.order {
		w.hv[i], w.hw[i] = p.v, p.w
	}
}

// A weightedValue is a value with its weight.
type weightedValue struct{ v, w float64 }

// rounding returns about the cost of the values if their errors are rounding errors of float32.
func (w *weighted) rounding() float64 {
	e := w.most * 0x1p-20
	return float64(len(w.v)) * float64(e*e)
}

// run searches all steps. It returns the best spots, which cost less than best.
func (w *weighted) run(best float64) []spot {
	w.spots, w.limit = w.spots[:0], best
	begin := float64(1/w.first) * (1 - 1.0/16)
	w.scan(begin, 1/w.floor)
	w.scan(0.5/w.most, begin) // below 0.5/w.most, all values become 0
	return w.spots
}

// around does what run does for the steps within about 1/32 of the step for the range r.
func (w *weighted) around(r Range, best float64) []spot {
	w.spots, w.limit = w.spots[:0], best
	scale, _ := w.grid.Params(r)
	u := 1 / float64(scale)
	w.scan(float64(u*(1-1.0/32)), min(float64(u*(1+1.0/32)), 1/w.floor))
	return w.spots
}

// scan searches the steps from 1/from down to 1/to.
func (w *weighted) scan(from, to float64) {
	least := 0.1 / w.mean // half the width of the shortest interval
	h := least
	for u := from; u < to; {
		end := min(u+2*h, to)
		switch {
		case !(end > u) || w.clippedAt(u) >= w.limit: // smaller steps clip at least as much
			return
		case w.leftOut(u, end):
			u = end
			h *= 1.5
		case h > least:
			h /= 1.5 * 1.5
		default:
			w.interval(u, end)
			u = end
		}
	}
}

// leftOut reports whether it is certain that all steps from 1/u to 1/end cost more than the
// limit.
func (w *weighted) leftOut(u, end float64) bool {
	mid, h := (u+end)/2, (end-u)/2
	most := float64(4*w.limit) * float64(end*end) * (1 + 0x1p-20)
	low, high := w.low, w.high
	sum := 0.0
	for i, v := range w.hv {
		y := float64(v * mid)
		d := math.Abs(y-exact.Nearest(lower(upper(y, low), high))) - float64(math.Abs(v)*h)
		d += math.Abs(d)
		if sum += float64(w.hw[i] * float64(d*d)); sum > most {
			return true
		}
	}
	return false
}

// clippedAt returns a lower bound on the cost of the clipped values at the step 1/u and at all
// smaller steps.
func (w *weighted) clippedAt(u float64) float64 {
	width := w.steps / u
	switch {
	case w.symmetric:
		return w.clipped(w.low/u, width)
	case width >= w.hi-w.lo:
		return 0
	}
	return w.clipped(w.leastClipped(width), width)
}

// clipped returns the cost of clipping the values to the range from low to low + width. It is a
// lower bound on the cost with marks there.
func (w *weighted) clipped(low, width float64) float64 {
	sum := 0.0
	for i, v := range w.v {
		e := low - v
		if e <= 0 {
			break
		}
		sum += float64(w.w[i] * float64(e*e))
	}
	high := low + width
	for i := len(w.v) - 1; i >= 0; i-- {
		e := w.v[i] - high
		if e <= 0 {
			break
		}
		sum += float64(w.w[i] * float64(e*e))
	}
	return sum
}

// bounds returns the least and the greatest lowest mark that may be best if the highest mark is
// width above it.
func (w *weighted) bounds(width float64) (least, most float64) {
	least, most = min(w.lo, w.hi-width), max(w.lo, w.hi-width)
	if w.must {
		least, most = max(least, -width), min(most, 0)
	}
	return least, most
}

// leastClipped returns the lowest mark with which the clipped values cost least if the highest
// mark is width above it.
func (w *weighted) leastClipped(width float64) float64 {
	a, b := w.bounds(width)
	for range 40 {
		m := (a + b) / 2
		slope := 0.0
		for i := 0; i < len(w.v) && w.v[i] < m; i++ {
			slope += float64(w.w[i] * (m - w.v[i]))
		}
		for i := len(w.v) - 1; i >= 0 && w.v[i] > m+width; i-- {
			slope -= float64(w.w[i] * (w.v[i] - m - width))
		}
		if slope < 0 {
			a = m
		} else {
			b = m
		}
	}
	if w.clipped(b, width) < w.clipped(a, width) {
		return b
	}
	return a
}

// interval searches all pieces between the steps 1/u and 1/end.
func (w *weighted) interval(u, end float64) {
	if !w.symmetric {
		width := w.steps / u
		w.ends[0], w.ends[1] = w.bounds(width)
		if width < w.hi-w.lo {
			least := w.leastClipped(width)
			w.ends[0], w.ends[1] = w.edge(least, w.ends[0], width), w.edge(least, w.ends[1], width)
		}
	}
	w.load(u, end)
	slices.SortFunc(w.events, func(a, b change) int { return cmp.Compare(a.u, b.u) })
	from := u
	for _, e := range w.events {
		if e.u > from {
			w.piece(from, e.u)
			from = e.u
		}
		w.a += e.a
		w.b += e.b
	}
	w.piece(from, end)
}

// load sets w.a and w.b for the step 1/u, and w.events to the events from there down to 1/end,
// in no order.
func (w *weighted) load(u, end float64) {
	w.events, w.a, w.b = w.events[:0], 0, 0
	for i, v := range w.v {
		most := w.high
		if v < 0 {
			v, most = -v, -w.low
		}
		k, last := exact.Nearest(lower(float64(v*u), most)), exact.Nearest(lower(float64(v*end), most))
		h := w.w[i]
		a := float64(h * v)
		w.a += float64(k * a)
		w.b += float64(k * float64(k*h))
		for ; k < last; k++ {
			w.events = append(w.events, change{(k + 0.5) / v, a, float64(h * (k + k + 1))})
		}
	}
}

// edge returns about where the lowest mark is, between in and out, when the cost of the clipped
// values begins to exceed the limit. The highest mark is width above it. The result errs only
// toward out, so that no good mark is left out.
func (w *weighted) edge(in, out, width float64) float64 {
	if w.clipped(out, width) <= w.limit {
		return out
	}
	for range 12 {
		if m := (in + out) / 2; w.clipped(m, width) <= w.limit {
			in = m
		} else {
			out = m
		}
	}
	return out
}

// piece searches the piece of the steps from 1/u down to 1/end, and offers the best spots.
func (w *weighted) piece(u, end float64) {
	// The cost is sum - 2*a*step + b*step², up to rounding.
	step := 1 / u
	if w.b > 0 {
		step = upper(lower(w.a/w.b, 1/u), 1/end)
	}
	if w.sum-float64(step*(2*w.a-float64(step*w.b))) > w.limit+float64(w.sum*0x1p-40) {
		return
	}
	step, cost := w.least(u, end, w.low, w.high)
	if cost >= w.limit {
		return
	}
	if w.symmetric {
		w.offer(spot{step, w.low, cost})
		return
	}
	bottom, top := w.k[0], w.k[len(w.k)-1]
	first, last := top-w.steps, bottom // the lowest marks that clip no value
	if w.must {
		first, last = max(first, -w.steps), min(last, 0)
	}
	if first <= last {
		l := first
		if math.Abs(w.v[0]) <= math.Abs(w.v[len(w.v)-1]) {
			l = last
		}
		w.offer(spot{step, l, cost})
		return
	}
	first, last = min(bottom, top-w.steps), max(bottom, top-w.steps)
	if w.must {
		first, last = min(max(first, -w.steps), 0), min(max(last, -w.steps), 0)
	}
	first = max(first, math.Floor(min(w.ends[0]*u, w.ends[0]*end)))
	last = min(last, math.Ceil(max(w.ends[1]*u, w.ends[1]*end)))
	for l := first; l <= last; l++ {
		if step, cost := w.least(u, end, l, l+w.steps); cost < w.limit {
			w.offer(spot{step, l, cost})
		}
	}
}

// least returns the best step of the piece from 1/u to 1/end for the marks from low to high, in
// steps, and its cost. It sets w.k to the marks of the values.
func (w *weighted) least(u, end, low, high float64) (step, cost float64) {
	mid := (u + end) / 2
	a, b := 0.0, 0.0
	for i, v := range w.v {
		k := exact.Nearest(lower(upper(float64(v*mid), low), high))
		w.k[i] = k
		wk := float64(w.w[i] * k)
		a += float64(wk * v)
		b += float64(wk * k)
	}
	step = 1 / u
	if b > 0 {
		step = upper(lower(a/b, 1/u), 1/end)
	}
	// The outermost marks are the ends of the range, so they must fit into float32.
	if !w.symmetric {
		if most := max(math.Abs(low), math.Abs(high)); low > -0x1p50 && float64(most*step) > math.MaxFloat32 {
			step = math.MaxFloat32 / most
		}
	}
	for i, v := range w.v {
		e := v - float64(w.k[i]*step)
		cost += float64(w.w[i] * float64(e*e))
	}
	return step, cost
}

// offer keeps the spot c if it is among the best.
func (w *weighted) offer(c spot) {
	i := len(w.spots)
	for i > 0 && c.cost < w.spots[i-1].cost {
		i--
	}
	if i == weightedSpots {
		return
	}
	w.spots = insert(w.spots, c, i, weightedSpots)
	w.limit = lower(w.limit, w.spots[0].cost*(1+0x1p-16))
}

// rangeOf returns a range whose scale and zero point are those of the spot c, up to rounding.
func (w *weighted) rangeOf(c spot) Range {
	if w.symmetric {
		return w.grid.rangeOf(w.r, c.step, w.low)
	}
	return rangeFrom(float64(c.low*c.step), float64((c.low+w.steps)*c.step))
}
