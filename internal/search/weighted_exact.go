package search

import (
	"cmp"
	"math"
	"slices"

	"github.com/a01592f9/quant/internal/exact"
)

// The exact search for the least weighted error of few values.
//
// Let u be 1/step. Where no value changes the multiple of the step next to it, the cost is a
// polynomial of the step, of degree 2. The search goes through u in intervals. It leaves an
// interval out if the cost is above the best anywhere in it: a value whose distance from the
// next mark is d steps in the middle of the interval, and that moves by m steps to an end of
// it, has a distance of at least d - m steps. What is left is cut at each u where a value
// changes its multiple, and the least of each polynomial is computed from the values anew.
//
// The marks of the asymmetric mapping may begin at any multiple of the step. Where they can
// hold all values, it does not matter where they begin. Else each place is tried at which
// what the marks do not hold costs less than the best.

// A weighted is the work of an exact search.
type weighted struct {
	grid      *Grid
	r         Range
	symmetric bool
	steps     float64 // from the lowest mark to the highest
	low, high float64 // the lowest and the highest mark that a value may get
	must      bool    // whether the marks must hold 0
	lo, hi    float64 // what the marks of the first step hold
	most      float64 // magnitude
	mean      float64 // of magnitudes
	first     float64 // step of the smallest and the largest value
	floor     float64 // the least step

	v, w   []float64 // the values in ascending order, and their weights
	hv, hw []float64 // the same in descending order of the weights
	order  []weightedValue

	limit float64   // what a place must be below
	spots []spot    // the best so far
	k     []float64 // multiples of the values in a piece
	ends  [2]float64

	// The cost of a piece is sum - 2*a*step + b*step², if the marks have no ends or are
	// symmetric.
	sum, a, b float64
	events    []change
}

// A change is where a value comes to the next multiple: by how much a and b grow at u.
type change struct{ u, a, b float64 }

// begin takes the values of x, whose range is r. It reports whether they can be searched: not
// where errors may overflow.
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

// able reports whether an exact search of n values does not take too long.
func (w *weighted) able(n int) bool {
	work := float64(n) * w.steps // places at which a value changes its code, about
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

// sort takes the values in both orders.
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

// rounding returns about what the values cost if their errors are those of float32.
func (w *weighted) rounding() float64 {
	e := w.most * 0x1p-20
	return float64(len(w.v)) * float64(e*e)
}

// run returns the best places, which cost less than best.
func (w *weighted) run(best float64) []spot {
	w.spots, w.limit = w.spots[:0], best
	begin := float64(1/w.first) * (1 - 1.0/16)
	w.scan(begin, 1/w.floor)
	w.scan(0.5/w.most, begin) // with less, all values have the mark 0
	return w.spots
}

// around is run for the steps around that of a range.
func (w *weighted) around(r Range, best float64) []spot {
	w.spots, w.limit = w.spots[:0], best
	scale, _ := w.grid.Params(r)
	u := 1 / float64(scale)
	w.scan(float64(u*(1-1.0/32)), min(float64(u*(1+1.0/32)), 1/w.floor))
	return w.spots
}

// scan goes through the steps from 1/from on to 1/to.
func (w *weighted) scan(from, to float64) {
	least := 0.1 / w.mean // half of the shortest interval
	h := least
	for u := from; u < to; {
		end := min(u+2*h, to)
		switch {
		case !(end > u) || w.clippedAt(u) >= w.limit: // nor does a smaller step cost less
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

// leftOut reports whether all steps from 1/u to 1/end cost more than the limit.
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

// clippedAt returns the least that steps of 1/u and less cost by what the marks do not hold.
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

// clipped returns what the values cost at least if the marks are from low to low + width.
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

// bounds returns between what the lowest of marks that are width wide may be.
func (w *weighted) bounds(width float64) (least, most float64) {
	least, most = min(w.lo, w.hi-width), max(w.lo, w.hi-width)
	if w.must {
		least, most = max(least, -width), min(most, 0)
	}
	return least, most
}

// leastClipped returns the lowest of marks that are width wide and clip least.
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

// interval looks at all steps from 1/u to 1/end.
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

// load makes the polynomial at 1/u, and the changes of it from there to 1/end.
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

// edge returns about where between in and out the lowest mark begins to cost more than the
// limit, by what the marks do not hold, but not nearer to in.
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

// piece looks at the steps from 1/u to 1/end, between which no value changes its multiple.
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
	first, last := top-w.steps, bottom // of lowest marks that hold all
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

// least returns the best step from 1/u to 1/end with the marks from low to high, and what it
// costs. It leaves the multiples of the values in w.k.
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
	// A range ends at the outermost marks, which float32 has to hold.
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

// offer takes a place, if it is among the best.
func (w *weighted) offer(c spot) {
	i := len(w.spots)
	for i > 0 && c.cost < w.spots[i-1].cost {
		i--
	}
	if i == weightedSpots {
		return
	}
	if len(w.spots) < weightedSpots {
		w.spots = append(w.spots, spot{})
	}
	copy(w.spots[i+1:], w.spots[i:])
	w.spots[i] = c
	w.limit = lower(w.limit, w.spots[0].cost*(1+0x1p-16))
}

// weightedSpots is how many of the best places are tried with real errors: scales and errors
// are rounded to float32, so that the best place may not be the first.
const weightedSpots = 3

// rangeOf returns a range whose parameters are those of a place, but for rounding.
func (w *weighted) rangeOf(c spot) Range {
	if w.symmetric {
		return w.grid.rangeOf(w.r, c.step, w.low)
	}
	return rangeFrom(float64(c.low*c.step), float64((c.low+w.steps)*c.step))
}
