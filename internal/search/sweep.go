package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
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

// A poly is a + b*d + c*d², d being the step less that at the beginning.
type poly struct{ a, b, c float64 }

func (p *poly) add(q *poly) { p.a, p.b, p.c = p.a+q.a, p.b+q.b, p.c+q.c }

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
	grid      *Grid
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
	mostEvents    float64 // that are taken one by one
	usual, margin float64

	places []spot
	near   float64 // places nearer to each other than that are one
	exact  []spot
}

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
	for _, c := range w.run(best.cost) {
		t := candidate{Range: w.rangeOf(c), cost: math.Inf(1)}
		t.cost = cost(t.Range, best.cost)
		if t.cost < best.cost {
			best = t
		}
	}
	if len(x) > sweepExact || w.most > 16*(w.hi-w.lo) {
		best = s.touchUp(best, cost)
	}
	return best.Range, true
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
		if i == 0 || t.Min < s.sweep.r.Min || t.Max > s.sweep.r.Max {
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
				r = cut(w.r, float32(lo*f))
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

// begin prepares for a task and values in r.
func (w *sweep) begin(t *Task, r Range) bool {
	scale, zero := t.Params(r)
	w.grid, w.r = &t.Grid, r
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
	return w.first > w.floor() && w.most+w.first < math.MaxFloat32
}

// far reports whether values are so far from 0, next to how far they are from
// each other, that the search by a histogram is much faster: then each comes past many
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

// floor returns the least step that a range gets.
func (w *sweep) floor() float64 {
	return max(w.grid.LeastScale, w.most*w.grid.LeastRatio)
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
	w.places, w.exact, w.near = w.places[:0], w.exact[:0], 0
	n := float64(len(w.v))
	u := 1 / w.first
	if !w.bound(u, best, true) {
		return nil
	}
	window, skip := w.windows(u, best)
	longest := sweepWidest
	w.mostEvents, w.leastBuckets, w.perUnit = sweepEvents/2, 64, 12
	w.limit, w.wanted = best, 3
	if len(w.v) > sweepExact {
		// What a bucket costs at its beginning is not the least that it does.
		w.limit, w.wanted, w.mostEvents = best*(1+0.25/math.Sqrt(n)), 6, sweepEvents/16
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

func (w *sweep) best(b float64) float64 {
	if len(w.exact) > 0 {
		b = min(b, w.exact[0].cost)
	}
	if len(w.places) > 0 {
		b = min(b, w.places[0].cost)
	}
	return b
}

func (w *sweep) firstStep() float64 {
	scale, _ := w.grid.Params(w.r)
	return float64(scale)
}

// rangeOf returns a range whose parameters are those of a place, but for rounding.
func (w *sweep) rangeOf(c spot) Range {
	if w.symmetric {
		return cut(w.r, float32(c.step*w.grid.Divisor))
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
		Min: exact.PlusZero(w.r.Clamp(float32(float64((l + d) * c.step)))),
		Max: exact.PlusZero(w.r.Clamp(float32(float64((h + d) * c.step)))),
	}
}
