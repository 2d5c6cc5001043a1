package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// The passes of a sweep: they find the events, the polynomial of each piece, and the best spots.

// pass goes through the steps from 1/u down to 1/end, and keeps the best spots.
func (w *sweep) pass(u, end float64) {
	oneByOne := float64(w.total*(end-u)) <= w.mostEvents
	w.width = 0
	if !oneByOne {
		n := int(min(max(w.reach*(end-u)*w.perUnit, w.leastBuckets), sweepBuckets))
		w.width = (end - u) / float64(n)
		w.perWidth = float64(n) / (end - u)
		w.buckets = resize(w.buckets, n+1)
		clear(w.buckets)
		w.near = 3 * w.width
	}
	first, last := 0, len(w.v)
	low, high := w.low, w.low+w.steps
	if !w.symmetric {
		low, high = -0x1p50, 0x1p50
		w.lower.sure, w.upper.sure = 0, 0
		for first < w.lower.n && w.v[first] < w.bottom {
			first++
		}
		w.lower.sure = first
		for w.upper.sure < w.upper.n && w.v[last-1] > w.top {
			w.upper.sure++
			last--
		}
	}
	w.load(w.v[first:last], u, end, low, high)
	if oneByOne {
		w.order(u, end)
		at := 1 / u
		from := u
		for i := range w.events {
			e := &w.events[i]
			if e.u > from {
				to := 1 / e.u
				w.piece(from, e.u, at, to)
				from, at = e.u, to
			}
			w.p.add(&e.poly)
		}
		if end > from {
			w.piece(from, end, at, 1/end)
		}
		return
	}
	at := 1 / u
	for i := range w.buckets[:len(w.buckets)-1] {
		from := u + float64(float64(i)*w.width)
		to := u + float64(float64(i+1)*w.width)
		next := 1 / to
		w.piece(from, to, at, next)
		at = next
		w.p.add(&w.buckets[i])
	}
}

// load sets w.p to the cost of the values v at the step 1/u, for the marks from low to high. It
// also sets the events, or the sums of the buckets, for the steps from 1/u down to 1/end.
func (w *sweep) load(v []float64, u, end, low, high float64) {
	w.p, w.first, w.from = poly{}, 1/u, u
	w.events = w.events[:0]
	neg := 0
	for m := len(v); neg < m; {
		if i := int(uint(neg+m) / 2); v[i] < 0 {
			neg = i + 1
		} else {
			m = i
		}
	}
	pos := neg
	for ; pos < len(v) && v[pos] == 0; pos++ {
		if low > 0 || high < 0 {
			w.add0(upper(low, -high))
		}
	}
	if w.squares {
		w.loadSquares(v[:neg], -1, u, end, -high, -low)
		w.loadSquares(v[pos:], 1, u, end, low, high)
	} else {
		w.loadAbsolute(v[:neg], -1, u, end, -high, -low)
		w.loadAbsolute(v[pos:], 1, u, end, low, high)
	}
}

// add0 adds the cost of a value 0 that becomes the mark k or -k.
func (w *sweep) add0(k float64) {
	e := float64(k * w.first)
	if w.squares {
		w.p.add(&poly{float64(e * e), float64(2 * e * k), float64(k * k)})
	} else {
		w.p.add(&poly{e, k, 0})
	}
}

// loadSquares does what load does, for e² and values of one sign. It multiplies the values by
// sign. low and high are the ends of the marks for the products.
func (w *sweep) loadSquares(v []float64, sign, u, end, low, high float64) {
	s := w.first
	var a, b, c float64
	w.moving = resize(w.moving, len(v))
	n := 0 // of values that become other marks
	for _, x := range v {
		x *= sign
		k, last := exact.Nearest(float64(x*u)), exact.Nearest(float64(x*end))
		if k < low {
			k = low
		}
		if last > high {
			last = high
		}
		if k > high {
			k = high
		}
		e := x - float64(k*s)
		a += float64(e * e)
		b += float64(e * k)
		c += float64(k * k)
		w.moving[n] = moving{x, e, k, last}
		if k < last { // without a branch
			n++
		}
	}
	w.p.a += a
	w.p.b -= 2 * b
	w.p.c += c
	for i := range w.moving[:n] {
		m := &w.moving[i]
		e, k, last, per := m.e, m.k, m.last, 1/m.x
		for ; k < last; k++ {
			f := e - s
			w.event(float64((k+0.5)*per), float64(s*(f+e)), f-float64(s*k), k+k+1)
			e = f
		}
	}
}

// loadAbsolute is loadSquares for |e|. It numbers events by an integer j: at j = 2k the value
// passes the mark k, and at j = 2k+1 it becomes the mark k+1.
func (w *sweep) loadAbsolute(v []float64, sign, u, end, low, high float64) {
	s := w.first
	least, most := 2*low-1, 2*high
	var a, b float64
	for _, x := range v {
		x *= sign
		j, last := exact.Nearest(float64(x*u)*2-0.5), exact.Nearest(float64(x*end)*2-0.5)
		if j < least {
			j = least
		}
		if j > most {
			j = most
		}
		if last > most {
			last = most
		}
		k := exact.Nearest((j + 0.5) / 2) // the mark that x becomes
		e := x - float64(k*s)
		above := k*2 == j // x is above the mark
		if above {
			a += e
			b -= k
		} else {
			a -= e
			b += k
		}
		if j >= last {
			continue
		}
		per := 0.5 / x
		for ; j < last; j++ {
			if above {
				w.event(float64((j+1)*per), s-2*e, 2*k+1, 0) // x becomes the next mark
				e -= s
				k++
			} else {
				w.event(float64((j+1)*per), 2*e, -2*k, 0)
			}
			above = !above
		}
	}
	w.p.a += a
	w.p.b += b
}

// event adds an event at the step 1/u. The coefficients of the cost change there by a, b and c;
// for e² they change by -a, -2*b and c.
func (w *sweep) event(u, a, b, c float64) {
	if w.squares {
		a, b = -a, -2*b
	}
	if w.width == 0 {
		w.events = append(w.events, event{u, poly{a, b, c}})
		return
	}
	i := int((u - w.from) * w.perWidth)
	if i < 0 {
		i = 0
	} else if i >= len(w.buckets) {
		i = len(w.buckets) - 1
	}
	p := &w.buckets[i]
	p.a += a
	p.b += b
	p.c += c
}

// order sorts w.events, which lie between u and end, by u. Events with the same u keep their order.
func (w *sweep) order(u, end float64) {
	n := len(w.events)
	if n <= fewEvents {
		w.orderFew()
		return
	}
	per := 256 / (end - u)
	clear(w.starts[:])
	for i := range w.events {
		w.starts[min(max(int(float64((w.events[i].u-u)*per)), 0), 255)+1]++
	}
	for i := 1; i < 256; i++ {
		w.starts[i] += w.starts[i-1]
	}
	w.ordered = resize(w.ordered, n)
	for i := range w.events {
		b := &w.starts[min(max(int(float64((w.events[i].u-u)*per)), 0), 255)]
		w.ordered[*b] = w.events[i]
		*b++
	}
	w.events, w.ordered = w.ordered, w.events
	for i := 1; i < n; i++ {
		if w.events[i].u >= w.events[i-1].u {
			continue
		}
		e := w.events[i]
		j := i
		for j > 0 && w.events[j-1].u > e.u {
			w.events[j] = w.events[j-1]
			j--
		}
		w.events[j] = e
	}
}

// fewEvents is the largest number of events that orderFew sorts.
const fewEvents = 24

// orderFew is order for at most fewEvents events. It compares each event with all before it, without
// a branch that depends on the events. Every u is positive, so the bits of a larger u are a larger
// integer.
func (w *sweep) orderFew() {
	var keys, ranks [fewEvents]int64
	w.ordered = resize(w.ordered, len(w.events))
	for i := range w.events {
		key, rank := int64(math.Float64bits(w.events[i].u)), int64(i)
		for j, k := range keys[:i] {
			before := (key - k) >> 63 // -1 if event i comes before event j
			rank += before
			ranks[j] -= before
		}
		keys[i], ranks[i] = key, rank
	}
	for i, r := range ranks[:len(w.events)] {
		w.ordered[r] = w.events[i]
	}
	w.events, w.ordered = w.ordered, w.events
}

// piece offers the best spots of one piece: the steps from high = 1/u down to low = 1/end.
func (w *sweep) piece(u, end, high, low float64) {
	// The cost for marks without ends is a lower bound on the cost for marks with ends.
	least := w.p.at(w.lowestPoint(&w.p, low, high))
	if least >= w.limit {
		return
	}
	if w.symmetric {
		w.offer(&w.p, low, high, w.low)
		return
	}
	if l, ok := w.unclipped(u, end); ok {
		w.offer(&w.p, low, high, l)
		return
	}
	spare := w.limit - least
	// The first and the last lowest mark whose cost may be below the limit.
	first := math.Ceil(upper(lower(float64(w.h1*u), float64(w.h1*end))-w.steps, w.lowest))
	last := math.Floor(upper(float64(w.l2*u), float64(w.l2*end)))
	if w.lowest == -w.steps && last > 0 {
		last = 0
	}
	if first > last {
		return
	}
	w.mid = (u + end) / 2
	w.upper.clear()
	w.lower.clear()
	from := math.Floor((first + last) / 2)
	for l := from; l >= first; l-- {
		if w.lowestMark(l, low, high, spare) > 0 {
			break
		}
	}
	for l := from + 1; l <= last; l++ {
		if w.lowestMark(l, low, high, spare) < 0 {
			break
		}
	}
}

// unclipped returns the lowest mark of a grid that clips no value at the steps from 1/u to
// 1/end. ok is false if there is none. If there are several, the end of the marks that is nearer
// to 0 is the mark that the outermost value there becomes.
func (w *sweep) unclipped(u, end float64) (l float64, ok bool) {
	x, y := w.v[0], w.v[len(w.v)-1]
	mid := (u + end) / 2
	bottom, top := exact.Nearest(float64(x*mid)), exact.Nearest(float64(y*mid))
	if w.width > 0 { // the values may become other marks within a bucket
		bottom = lower(exact.Nearest(float64(x*u)), exact.Nearest(float64(x*end)))
		top = upper(exact.Nearest(float64(y*u)), exact.Nearest(float64(y*end)))
	}
	first, last := upper(top-w.steps, w.lowest), bottom
	if w.lowest == -w.steps {
		last = lower(last, 0)
	}
	if first > last {
		return 0, false
	}
	if math.Abs(x) <= math.Abs(y) {
		return last, true
	}
	return first, true
}

// lowestMark offers the best spot between the steps high and low whose lowest mark is l. If
// clipping adds a cost of spare or more at the upper end alone, it returns 1 and offers nothing.
// If it does so at the lower end alone, it returns -1 and offers nothing. Else it returns 0.
func (w *sweep) lowestMark(l, low, high, spare float64) int {
	var p poly
	if w.clip(&p, &w.upper, w.v[len(w.v)-1], l+w.steps) && lower(p.at(low-w.first), p.at(high-w.first)) >= spare {
		return 1
	}
	var q poly
	if w.clip(&q, &w.lower, -w.v[0], -l) && lower(q.at(low-w.first), q.at(high-w.first)) >= spare {
		return -1
	}
	p.a += w.p.a + q.a
	p.b += w.p.b + q.b
	p.c += w.p.c + q.c
	w.offer(&p, low, high, l)
	return 0
}

// clip sets p to the cost to be added to w.p if the marks end at the mark h. It reports
// whether any value of the tail t is clipped; if none is, p stays as it was. x is the outermost
// value of the tail. For the lower tail, the caller changes the signs of x and h.
func (w *sweep) clip(p *poly, t *tail, x, h float64) bool {
	n := t.beyond
	edge := h + 0.5
	for n > 0 && t.y[n-1] <= edge {
		n--
	}
	for n < len(t.y) && t.y[n] > edge {
		n++
	}
	if n == len(t.y) {
		n = w.extend(t, x, edge)
	}
	t.beyond = n
	q := &t.out[n]
	n += t.sure
	if n == 0 {
		return false
	}
	f, s := float64(n), &t.sums[n]
	d := x - float64(h*w.first)
	a := float64(f*d) - s.t
	if w.squares {
		p.a = float64(d*(a-s.t)) + s.sq - q.a
		p.b = -float64(2*h*a) - q.b
		p.c = float64(f*float64(h*h)) - q.c
	} else {
		p.a = a - q.a
		p.b = -float64(f*h) - q.b
	}
	return true
}

// extend extends t.y and t.out up to the first value that is not beyond h, which is in steps.
// It returns the number of values beyond h, without the sure ones. x is that of clip.
func (w *sweep) extend(t *tail, x, h float64) int {
	s := w.first
	for i := t.sure + len(t.y); i < t.n; i++ {
		x := x - t.t[i]
		y := float64(x * w.mid)
		k := exact.Nearest(y)
		e := x - float64(k*s)
		p := t.out[len(t.y)]
		switch {
		case w.squares:
			p.a += float64(e * e)
			p.b -= float64(2 * e * k)
			p.c += float64(k * k)
		case y >= k:
			p.a += e
			p.b -= k
		default:
			p.a -= e
			p.b += k
		}
		t.y, t.out = append(t.y, y), append(t.out, p)
		if y <= h {
			return len(t.y) - 1
		}
	}
	return len(t.y)
}

// offer keeps the spot where the cost p is least between the steps low and high, if it is among
// the best. The lowest mark is l.
func (w *sweep) offer(p *poly, low, high, l float64) {
	places := &w.exact
	if w.width > 0 {
		places = &w.places
	}
	if p.c > 0 && float64(4*p.a*p.c)-float64(p.b*p.b) >= float64(4*p.c*w.limit) {
		return
	}
	// The outermost marks are the ends of the range, so they must fit into float32.
	if end := upper(math.Abs(l), math.Abs(l+w.steps)); float64(end*high) > math.MaxFloat32 {
		if high = math.MaxFloat32 / end; high < low {
			return
		}
	}
	d := w.lowestPoint(p, low, high)
	if c := p.at(d); c < w.limit {
		w.keep(places, spot{w.first + d, l, c})
	}
}

// lowestPoint returns the d at which p is least between the steps low and high. In a bucket, the
// sum of |e| is right only where the bucket begins, at the step high: the polynomial has the
// signs of the errors there.
func (w *sweep) lowestPoint(p *poly, low, high float64) float64 {
	if w.width > 0 && !w.squares {
		return high - w.first
	}
	return p.least(low-w.first, high-w.first)
}

// keep inserts c among the best spots. Of spots with the same lowest mark and almost the same
// step, only the best is kept. When the list is full, its last cost is the new limit.
func (w *sweep) keep(places *[]spot, c spot) {
	p := *places
	i := len(p)
	for i > 0 && c.cost < p[i-1].cost {
		i--
	}
	near := 1e-9 * c.step
	if w.width > 0 {
		near = float64(w.near * float64(c.step*c.step))
	}
	for j, q := range p {
		if q.low == c.low && math.Abs(q.step-c.step) <= near {
			if j < i {
				return
			}
			copy(p[i+1:j+1], p[i:j])
			p[i] = c
			if len(p) == w.wanted {
				w.limit = lower(w.limit, p[len(p)-1].cost)
			}
			return
		}
	}
	if len(p) < w.wanted {
		p = append(p, spot{})
	}
	copy(p[i+1:], p[i:])
	p[i] = c
	if len(p) == w.wanted {
		w.limit = lower(w.limit, p[len(p)-1].cost)
	}
	*places = p
}

// zoom takes the events around the step of c one by one, for the lowest mark of c, and keeps the
// best spots in w.exact.
func (w *sweep) zoom(c spot) {
	u := 1 / c.step
	d := min(w.near*2/3, sweepEvents/(2*w.total))
	from := max(u-d, w.begun)
	end := u + d
	w.width = 0
	w.load(w.v, from, end, c.low, c.low+w.steps)
	w.order(from, end)
	at, p := from, 1/from
	for i := range w.events {
		e := &w.events[i]
		if e.u > at {
			to := 1 / e.u
			w.offer(&w.p, to, p, c.low)
			at, p = e.u, to
		}
		w.p.add(&e.poly)
	}
	w.offer(&w.p, 1/end, p, c.low)
}
