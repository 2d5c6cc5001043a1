package quant

import "math"

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

// A poly is a + b*d + c*d², d being the step less that at the beginning.
type poly struct{ a, b, c float64 }

func (p *poly) add(q *poly) { p.a, p.b, p.c = p.a+q.a, p.b+q.b, p.c+q.c }
func (p *poly) sub(q *poly) { p.a, p.b, p.c = p.a-q.a, p.b-q.b, p.c-q.c }

// least returns where between low and high p is the least.
func (p *poly) least(low, high float64) float64 {
	if p.c > 0 {
		if d := -p.b / (2 * p.c); d < low {
			return low
		} else if d > high {
			return high
		} else {
			return d
		}
	}
	if p.b > 0 {
		return low
	}
	return high
}

func (p *poly) at(d float64) float64 { return p.a + float64(d*(p.b+float64(d*p.c))) }

// An event is where a value changes its polynomial: u is 1/step.
type event struct {
	u float64
	poly
}

// A spot is a step and the lowest mark, in steps from 0, with its cost.
type spot struct{ step, low, cost float64 }

// A tail is the values next to an end, outermost first, that may lie beyond
// the marks: those within reach, since to clip more costs more than the best.
type tail struct {
	t     []float64 // distance from the outermost
	sums  []twoSums // of the first i
	n     int
	reach float64
	sure  int // that lie beyond for certain

	// Of the others, for one piece.
	y      []float64 // values in steps
	out    []poly    // of the first i, as they were if there were more marks
	beyond int
}

type twoSums struct{ t, sq float64 }

const (
	sweepMost    = 1 << 13 // values, at most
	sweepExact   = 64      // values, at most, all of whose events are taken one by one
	sweepFew     = 256     // values, at most, whose errors need not be as expected
	sweepMany    = 1024    // values from which on less is looked at more closely
	sweepUnits   = 64      // of a pass: by how many steps the largest magnitude comes to differ
	sweepWidest  = 1.5     // of a pass: the last step to the first
	sweepEvents  = 2048    // that are taken one by one, at most
	sweepBuckets = 4096    // of events that are not
	sweepWindows = 64      // passes, where there would be very many
	sweepLong    = 1e5     // values that may be clipped, times steps, for which it would take long
	sweepTouches = 8       // ulps
)

// A sweep's work.
type sweep struct {
	scheme    Scheme
	squares   bool
	symmetric bool
	steps     float64 // from the lowest mark to the highest
	low       float64 // the lowest mark of the symmetric mapping
	r         Range
	lo, hi    float64 // what a range may hold: r, with 0 if it must
	lowest    float64 // of marks: -Inf, or if they must hold 0, -steps
	most      float64 // magnitude
	total     float64 // of magnitudes
	v         []float64
	keys      [2][]uint32
	lower     tail
	upper     tail

	first    float64 // step of the polynomial
	from     float64 // 1/first
	mid      float64 // of a piece, like from
	p        poly
	events   []event
	ordered  []event
	starts   [257]int32
	buckets  []poly
	width    float64 // of a bucket
	perWidth float64
	limit    float64 // what an offer must be below
	wanted   int     // offers

	// Where the marks may be, for the steps of a pass: the lowest not above l2,
	// the highest not below h1, all between bottom and top. reach is the
	// largest magnitude of values that may not be clipped.
	l2, h1, bottom, top, reach float64

	perUnit       float64 // buckets
	leastBuckets  float64
	few           float64 // events, at most, that are taken one by one
	usual, margin float64

	places []spot
	near   float64 // places nearer to each other than that are one
	exact  []spot
}

// few is exactly for few values. It reports whether it has an answer: not where
// scales cannot be as small as they need be, errors may overflow, or it would take
// long.
func (s *search) few(scheme Scheme, x []float32, r Range) (Range, bool) {
	w := &s.sweep
	s.scheme, s.squares = scheme, scheme.Range.kind == leastSquares
	if !w.begin(scheme, r) || w.far(len(x)) {
		return r, false
	}
	best := candidate{Range: r, cost: s.measure(x, r, math.Inf(1))}
	if best.cost == 0 {
		return r, true
	}
	w.sort(x)
	if !s.squares || len(x) > sweepFew {
		best = s.drawIn(x, best)
	}
	w.build(&w.lower, best.cost, false)
	w.build(&w.upper, best.cost, true)
	if len(x) > sweepMany && float64(w.lower.n+w.upper.n)*w.steps > sweepLong {
		return r, false
	}
	for _, c := range w.run(best.cost) {
		t := candidate{Range: w.rangeOf(c), cost: math.Inf(1)}
		t.cost = s.measure(x, t.Range, best.cost)
		if t.cost < best.cost {
			best = t
		}
	}
	if len(x) > sweepExact || w.most > 16*(w.hi-w.lo) {
		best = s.touchUp(x, best)
	}
	return best.Range, true
}

// touchUp tries ranges that differ in the last bits, and in how errors are
// rounded.
func (s *search) touchUp(x []float32, best candidate) candidate {
	r := best.Range
	for i := -sweepTouches; i <= sweepTouches; i++ {
		t := candidate{Range: r}
		if math.Abs(float64(r.Min)) > math.Abs(float64(r.Max)) {
			t.Min = away(r.Min, i)
		} else {
			t.Max = away(r.Max, i)
		}
		if i == 0 || t.Min < s.sweep.r.Min || t.Max > s.sweep.r.Max {
			continue
		}
		if t.cost = s.measure(x, t.Range, best.cost); t.cost < best.cost {
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
func (s *search) drawIn(x []float32, best candidate) candidate {
	w := &s.sweep
	center := w.v[len(x)/2]
	if s.scheme.ZeroInRange || w.symmetric {
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
			r := Range{float32(center - float64(lo*d[0])), float32(center + float64(hi*d[1]))}
			if w.symmetric {
				r = w.r.within(float32(lo * f))
			}
			t := candidate{Range: r}
			t.cost = s.measure(x, r, b.cost)
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

// begin prepares for a scheme and values in r.
func (w *sweep) begin(scheme Scheme, r Range) bool {
	scale, zero := scheme.params(r)
	qmin, qmax := scheme.Grid()
	w.scheme, w.r = scheme, r
	w.squares, w.symmetric = scheme.Range.kind == leastSquares, scheme.Mapping == Symmetric
	w.steps, w.low = float64(qmax-qmin), float64(int32(qmin)-zero)
	w.lo, w.hi = float64(r.Min), float64(r.Max)
	w.most = max(-w.lo, w.hi)
	w.first = float64(scale)
	w.lowest = math.Inf(-1)
	if scheme.ZeroInRange && !w.symmetric {
		w.lo, w.hi = min(w.lo, 0), max(w.hi, 0)
		w.lowest = -w.steps
	}
	return w.first > w.floor() && w.most+w.first < math.MaxFloat32
}

// far reports whether values are so far from 0, next to how far they are from
// each other, that the search for many is much faster: then each comes past many
// marks while the step changes little.
func (w *sweep) far(n int) bool {
	most := math.Inf(1)
	switch {
	case n <= 8:
	case n <= sweepExact:
		most = 1024 / float64(n)
	case !w.squares:
		most = 1 + 1.0/16 // which values from 0 on have
	case n <= sweepFew:
		most = 2.5
	default:
		most = 1.25
	}
	return !w.symmetric && w.most > most*(w.hi-w.lo)
}

// floor is a bound of the steps: see asymmetric.
func (w *sweep) floor() float64 {
	if w.symmetric {
		return minScale
	}
	return max(minScale, w.most*0x1p-22)
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

// build takes the values of an end that may lie beyond the marks: together they
// cost at most that.
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

// beyond returns what n values cost, whose sums are s, if the marks end at a
// distance of d from the outermost.
func (w *sweep) beyond(n, d float64, s twoSums) float64 {
	if w.squares {
		return float64(d*(float64(n*d)-float64(2*s.t))) + s.sq
	}
	return float64(n*d) - s.t
}

// solve returns where what lies beyond the marks costs just so much.
func (w *sweep) solve(t *tail, most float64) float64 {
	n, s := float64(t.n), t.sums[t.n]
	if !w.squares {
		return (most + s.t) / n
	}
	return (s.t + math.Sqrt(max(0, float64(s.t*s.t)-float64(n*(s.sq-most))))) / n
}

// shrink is build for less.
func (w *sweep) shrink(t *tail, most float64) {
	for t.n > 1 && w.beyond(float64(t.n-1), t.t[t.n-1], t.sums[t.n-1]) > most {
		t.n--
	}
	t.reach = w.solve(t, most)
}

// least returns a step than which none is smaller that may cost at most that.
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

// run returns the best places, which cost less than the best range so far. The
// tails were built for that.
func (w *sweep) run(best float64) []spot {
	w.places, w.exact, w.near = w.places[:0], w.exact[:0], 0
	n := float64(len(w.v))
	u := 1 / w.first
	if !w.bound(u, best, true) {
		return nil
	}
	window, skip := w.windows(u, best)
	longest := sweepWidest
	w.few, w.leastBuckets, w.perUnit = sweepEvents/2, 64, 12
	w.limit, w.wanted = best, 3
	if len(w.v) > sweepExact {
		// What a bucket costs at its beginning is not the least that it does.
		w.limit, w.wanted, w.few = best*(1+0.25/math.Sqrt(n)), 6, sweepEvents/16
	}
	if len(w.v) > sweepMany {
		w.perUnit = 8
	}
	w.usual = 0
	alike := len(w.v) <= sweepFew || w.steps < 14 || w.alike()
	first := best
	for i := 0; ; i++ {
		end := 1 / w.least(best)
		if !(u < end) || !w.bound(u, best, i > 0 || len(w.v) > sweepFew) {
			break
		}
		if w.usual == 0 && !alike && w.expect(u) {
			longest, w.leastBuckets, w.few = 1+1.0/16, 16, 32
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
	w.wanted = 3
	w.exact = w.exact[:min(len(w.exact), w.wanted)]
	w.limit = first
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

// windows returns 0 and 0, or if a sweep would take very long, how much of it
// to do and after how much to go on. That is where values are many steps from 0
// and the step may become much smaller.
func (w *sweep) windows(u, best float64) (window, skip float64) {
	away, far := w.reach, u*max(1, 0x1p15/w.steps)
	if !w.symmetric {
		away = max(math.Abs(w.l2), math.Abs(w.h1)) // than which marks do not come nearer to 0
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

func (w *sweep) best(b float64) float64 {
	if len(w.exact) > 0 {
		b = min(b, w.exact[0].cost)
	}
	if len(w.places) > 0 {
		b = min(b, w.places[0].cost)
	}
	return b
}

// alike reports whether the values are few different ones.
func (w *sweep) alike() bool {
	different := 1
	for i, x := range w.v[1:] {
		if x != w.v[i] {
			different++
		}
	}
	return different < len(w.v)/2
}

// expect finds what errors of many different values usually are, in relation to
// the step, if most of the values spread over some steps.
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

// expected returns about what the step 1/u costs.
func (w *sweep) expected(u float64) float64 {
	c := w.usual / u
	if w.squares {
		c /= u
	}
	return c + w.clippedAt(u)
}

// clippedAt returns the least that steps of 1/u and less cost by what they clip.
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

// leastClipped returns where between low and high marks that are width wide
// clip least.
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

// bound sets where the ends of the marks may be, for steps of 1/u and less. It
// reports whether that is anywhere. What both ends together cost is looked at
// only if it is to be close.
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

// edge returns about where between in and out marks that are width wide begin
// to cost more than the best, by what they clip, but not nearer to in.
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

// clipped returns what lies beyond marks from low on costs at least, and slope
// how that changes with low.
func (w *sweep) clipped(low, width float64) float64 {
	down, up := low-w.v[0], w.v[len(w.v)-1]-low-width
	n, m := w.lower.within(down), w.upper.within(up)
	return w.beyond(float64(n), down, w.lower.sums[n]) + w.beyond(float64(m), up, w.upper.sums[m])
}

func (w *sweep) slope(low, width float64) float64 {
	down, up := low-w.v[0], w.v[len(w.v)-1]-low-width
	n, m := w.lower.within(down), w.upper.within(up)
	if !w.squares {
		return float64(n - m)
	}
	return float64(float64(n)*down) - w.lower.sums[n].t - (float64(float64(m)*up) - w.upper.sums[m].t)
}

// within returns how many values of a tail are nearer to the outermost than d.
func (t *tail) within(d float64) int {
	a, b := 0, t.n
	for a < b {
		if m := int(uint(a+b) / 2); t.t[m] < d {
			a = m + 1
		} else {
			b = m
		}
	}
	return a
}

// pass goes through the steps from 1/u on to 1/end.
func (w *sweep) pass(u, end float64) {
	few := float64(w.total*(end-u)) <= w.few
	w.width = 0
	if !few {
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
	if few {
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

// load makes the polynomial at 1/u of values between marks from low to high,
// and the events from there on to end.
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

// add0 takes the value 0, next to which the mark is k, or -k.
func (w *sweep) add0(k float64) {
	e := float64(k * w.first)
	if w.squares {
		w.p.add(&poly{float64(e * e), float64(2 * e * k), float64(k * k)})
	} else {
		w.p.add(&poly{e, k, 0})
	}
}

// nearest rounds to an integer.
func nearest(v float64) float64 { return float64(v) + 0x1.8p52 - 0x1.8p52 }

// lower and upper are min and max for values that are not NaN.

func lower(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

func upper(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

// loadSquares takes values of one sign, by which they are multiplied.
func (w *sweep) loadSquares(v []float64, sign, u, end, low, high float64) {
	s := w.first
	var a, b, c float64
	for _, x := range v {
		x *= sign
		k, last := nearest(float64(x*u)), nearest(float64(x*end))
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
		if k >= last {
			continue
		}
		per := 1 / x
		for ; k < last; k++ {
			f := e - s
			w.event(float64((k+0.5)*per), float64(s*(f+e)), f-float64(s*k), k+k+1)
			e = f
		}
	}
	w.p.a += a
	w.p.b -= 2 * b
	w.p.c += c
}

// loadAbsolute counts in halves: at j = 2k the value comes to the mark k, and
// at 2k+1 it leaves it for the next.
func (w *sweep) loadAbsolute(v []float64, sign, u, end, low, high float64) {
	s := w.first
	least, most := 2*low-1, 2*high
	var a, b float64
	for _, x := range v {
		x *= sign
		j, last := nearest(float64(x*u)*2-0.5), nearest(float64(x*end)*2-0.5)
		if j < least {
			j = least
		}
		if j > most {
			j = most
		}
		if last > most {
			last = most
		}
		k := nearest((j + 0.5) / 2) // that is next to x
		e := x - float64(k*s)
		above := k*2 == j // x is
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
				w.event(float64((j+1)*per), s-2*e, 2*k+1, 0) // to the next mark
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

// event counts what changes at u: -a, -2*b and c for squares.
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

// order sorts the events between u and end.
func (w *sweep) order(u, end float64) {
	n := len(w.events)
	if n > 24 {
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
	}
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

// piece looks for the least cost between 1/u and 1/end, which are steps from
// high to low.
func (w *sweep) piece(u, end, high, low float64) {
	// Without ends all values cost least, and to move an end inward lowers no cost.
	least := w.p.at(w.lowestPoint(&w.p, low, high))
	if least >= w.limit {
		return
	}
	if w.symmetric {
		w.offer(&w.p, low, high, w.low)
		return
	}
	spare := w.limit - least
	// The lowest marks that a range can have, and that may be better.
	first := math.Ceil(upper(upper(lower(float64(w.lo*u), float64(w.lo*end))-0.5, lower(float64(w.h1*u), float64(w.h1*end))-w.steps), w.lowest))
	last := math.Floor(lower(upper(float64(w.hi*u), float64(w.hi*end))-w.steps+0.5, upper(float64(w.l2*u), float64(w.l2*end))))
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

// lowestMark makes an offer of a lowest mark. It returns 1 if what it clips
// above costs too much, and -1 if what it clips below does.
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

// clip sets p to what it costs more to end the marks at h, and reports whether
// that is anything. x is the outermost value; of values and marks of the lower
// tail the sign is changed.
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

// extend sums up what values beyond h cost without that end, and returns how
// many there are, but for those that are sure.
func (w *sweep) extend(t *tail, x, h float64) int {
	s := w.first
	for i := t.sure + len(t.y); i < t.n; i++ {
		x := x - t.t[i]
		y := float64(x * w.mid)
		k := nearest(y)
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

// clear forgets what extend summed up for another piece.
func (t *tail) clear() {
	t.y, t.out, t.beyond = t.y[:0], append(t.out[:0], poly{}), 0
}

// offer takes the least of p between two steps, if it is among the best. The
// lowest mark is l.
func (w *sweep) offer(p *poly, low, high, l float64) {
	places := &w.exact
	if w.width > 0 {
		places = &w.places
	}
	if p.c > 0 && float64(4*p.a*p.c)-float64(p.b*p.b) >= float64(4*p.c*w.limit) {
		return
	}
	if !w.symmetric {
		// An end of the range may be half a step from its mark.
		if a := l + 0.5; float64(a*high) < w.lo {
			if float64(a*low) < w.lo {
				return
			}
			high = w.lo / a
		} else if float64(a*low) < w.lo {
			low = w.lo / a
		}
		if b := l + w.steps - 0.5; float64(b*high) > w.hi {
			if float64(b*low) > w.hi {
				return
			}
			high = min(high, w.hi/b)
		} else if float64(b*low) > w.hi {
			low = max(low, w.hi/b)
		}
	}
	d := w.lowestPoint(p, low, high)
	if c := p.at(d); c < w.limit {
		w.keep(places, spot{w.first + d, l, c})
	}
}

// lowestPoint returns where between two steps p is the least. In a bucket, where
// signs are those at its beginning, |e| is right only there.
func (w *sweep) lowestPoint(p *poly, low, high float64) float64 {
	if w.width > 0 && !w.squares {
		return high - w.first
	}
	return p.least(low-w.first, high-w.first)
}

// keep puts c among the best places, but for one that is next to it.
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

// zoom takes the events around a place one by one.
func (w *sweep) zoom(c spot) {
	u := 1 / c.step
	d := min(w.near*2/3, sweepEvents/(2*w.total))
	from := max(u-d, 1/w.firstStep())
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

func (w *sweep) firstStep() float64 {
	scale, _ := w.scheme.params(w.r)
	return float64(scale)
}

// rangeOf returns a range whose parameters are those of a place, but for rounding.
func (w *sweep) rangeOf(c spot) Range {
	if w.symmetric {
		_, steps := w.scheme.symmetricGrid()
		return w.r.within(float32(c.step * float64(steps)))
	}
	l, h := c.low, c.low+w.steps
	least, most := max(-0.5, w.lo/c.step-l), min(0.5, w.hi/c.step-h)
	if !math.IsInf(w.lowest, 0) {
		if l == 0 {
			most = min(most, 0)
		}
		if h == 0 {
			least = max(least, 0)
		}
	}
	d := min(max(0, least), most)
	return Range{
		plusZero(clampTo(float32(float64((l+d)*c.step)), w.r)),
		plusZero(clampTo(float32(float64((h+d)*c.step)), w.r)),
	}
}
