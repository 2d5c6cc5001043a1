package search

import (
	"cmp"
	"math"
	"math/bits"
	"slices"

	"github.com/a01592f9/quant/internal/exact"
)

// The search among steps wider than the one at which the marks just hold all values. Wider
// marks can hold all values too, so the cost of such a step is that of the values' distances
// from the nearest multiples of the step. Clipping sets no bound on these steps: all values may
// be multiples of a step that is many times as wide.
//
// The search leaves out intervals of steps whose cost is too high. Let u be 1/step, and f(u) the
// sum of the squared distances of the values from the nearest multiple, in steps. The square for
// one value x is the least of several parabolas in u, whose second derivative is 2*x². Let X be
// the sum of the squares of all values. Then f(u) - X*u² is concave, which bounds f between two
// points u at a distance of h, where f is f1 and f2: at the fraction t of the way from the first
// to the second, f is at least (1-t)*f1 + t*f2 - X*h²*t*(1-t). The cost of a step is f(u)/u². In
// the interval it is therefore at least the minimum of that bound divided by the larger u².
//
// For |e|, f is the sum of the distances, and the cost is f(u)/u. A distance changes by at most
// |x|*h in the interval. f is therefore at least (f1+f2-A*h)/2, A being the sum of the values'
// magnitudes.
//
// The search computes f at many equally spaced u at a time. It divides the intervals that may
// have a step better than the best so far, those with the lowest bounds first, and sweeps the
// parts that may still have one.

const (
	// wideFirst is the width of the first intervals. The unit is the width up to which
	// intervals can be left out if the distances of the values are those of random values.
	wideFirst = 0.5

	// wideLeast and wideMost bound that width. Their unit is the width in which values move by
	// one step on average (for e², in the root mean square).
	wideLeast = 0.15
	wideMost  = 0.5

	wideWork = 1 << 12 // if f is needed at more steps than about this, some values stand for very many
	wideKept = 512     // when more intervals than this are left, they are divided

	// If the best cost is below wideRounded times the rounding errors of float32, sweepSpots
	// spots are compared.
	wideRounded = 1 << 10
)

// widen sweeps the steps that are at least first. It returns the best spots that cost less than
// best.
func (w *sweep) widen(first, best float64) []spot {
	w.ready(best)
	end := 1 / first
	w.begun = min(0.5/w.most, end) // below this, all values become 0
	switch {
	case best < wideRounded*w.rounding(len(w.v)):
		w.wanted = sweepSpots
	case len(w.v) > sweepExact:
		w.wanted = 2
	}
	w.limit = best
	w.spread(end)
	w.wide(w.begun, end, best)
	return w.closely(best)
}

// spread sets w.some to the values whose distances are computed. These are all values, or if they are
// very many and their codes wide, sweepExact of them at equal distances in ascending order.
func (w *sweep) spread(end float64) {
	n := len(w.v)
	w.some, w.share = w.v, 1
	if n > sweepMany && float64(w.total*end) > wideWork*wideLeast*float64(n) {
		w.mags = w.mags[:0]
		for i := range sweepExact {
			w.mags = append(w.mags, w.v[i*(n-1)/(sweepExact-1)])
		}
		w.some, w.share = w.mags, 2*float64(sweepExact)/float64(n) // they may cost up to twice their part
	}
	w.someRoot = math.Sqrt(float64(len(w.some)))
	w.someTotal, w.someSquares = 0, 0
	for _, x := range w.some {
		w.someTotal += math.Abs(x)
		w.someSquares += float64(x * x)
	}
}

// wide sweeps the steps between 1/begun and 1/end, except intervals that are left out. It begins
// at 1/end, the smallest step.
func (w *sweep) wide(begun, end, best float64) {
	w.left = w.left[:0]
	w.setSlack()
	w.setUnder(best)
	for u := end; u > begun; {
		h := w.apart(u)
		n := PhasesMost - 1
		if m := (u - begun) / h; m <= PhasesMost-1 {
			n = max(int(math.Ceil(m)), 1)
			h = (u - begun) / float64(n)
		}
		w.look(u, h, n)
		if n < PhasesMost-1 {
			break
		}
		u -= float64(float64(n) * h)
		if len(w.left) > wideKept {
			w.divide(best)
		}
	}
	w.divide(best)
}

// divide divides the intervals in w.left, sweeps the parts that may have a step better than the
// best, and clears w.left.
func (w *sweep) divide(best float64) {
	w.sortLeft()
	all := len(w.left)
	for i := range all {
		if w.left[i].bound >= w.spared {
			break
		}
		w.look(w.left[i].u, w.left[i].h/(PhasesMost-1), PhasesMost-1)
		parts := w.left[all:]
		for j := 0; j < len(parts); {
			p := parts[j]
			if j++; p.bound >= w.spared {
				continue
			}
			from := p.u - p.h
			for ; j < len(parts) && parts[j].bound < w.spared && parts[j].u < from+p.h/2; j++ {
				from = parts[j].u - parts[j].h
			}
			w.sweepBetween(from, p.u, best)
			w.setUnder(min(w.under, w.best(best)))
		}
		w.left = w.left[:all]
	}
	w.left = w.left[:0]
}

// sortLeft sorts w.left by the bounds.
func (w *sweep) sortLeft() {
	v := w.left
	if len(v) > 12 {
		slices.SortFunc(v, func(a, b interval) int { return cmp.Compare(a.bound, b.bound) })
		return
	}
	for i := 1; i < len(v); i++ {
		for j := i; j > 0 && v[j].bound < v[j-1].bound; j-- {
			v[j], v[j-1] = v[j-1], v[j]
		}
	}
}

// apart returns the width of the intervals from u down, in 1/step.
func (w *sweep) apart(u float64) float64 {
	n := float64(len(w.some))
	best := w.under * w.share
	if w.squares {
		q := upper(n/12-float64(best*float64(u*u)), 0)
		moves := lower(upper(2*wideFirst*math.Sqrt(q/n), wideLeast), wideMost)
		return moves * math.Sqrt(n/w.someSquares)
	}
	q := upper(n/4-float64(best*u), 0)
	return lower(upper(2*wideFirst*q/n, wideLeast), wideMost) * n / w.someTotal
}

// look computes f at the n+1 steps 1/u, 1/(u-h) and so on to 1/(u-n*h). It appends to w.left the
// intervals between them that may have a step better than w.under. It lowers w.under first if
// one of the steps is better.
func (w *sweep) look(u, h float64, n int) {
	low, least := w.lowSteps(u, h, n)
	if low == 0 {
		return
	}
	e := w.phaseError(u, n) // for all values: the error of f, or for e² of its square root
	if w.squares {
		e *= w.someRoot
	} else {
		e *= float64(len(w.some))
	}
	if w.lowerBound(u-float64(float64(least)*h), w.distanceAtMost(least, e)) {
		low = w.lowSums(low, u, h, n)
	}
	between := (low | low>>1) & (1<<n - 1) // the intervals on both sides of low sums
	for l := w.boundsBelow(between, u, h, e); l != 0; l &= l - 1 {
		j := bits.TrailingZeros64(l) & (PhasesMost - 1)
		w.left = append(w.left, interval{u - float64(float64(j)*h), h, w.bounds[j]})
	}
}

// boundsBelow sets w.bounds for the intervals whose bits are set in between, and returns which of
// them are below w.spared.
func (w *sweep) boundsBelow(between uint64, u, h, e float64) (below uint64) {
	if w.squares {
		b := Bounding{u, h, e, float64(w.someSquares * float64(h*h)), w.share, w.spared}
		if w.kernels.Bounds != nil {
			return w.kernels.Bounds(&w.bounds, &w.sums, between, b)
		}
		return Bounds(&w.bounds, &w.sums, between, b)
	}
	for l := between; l != 0; l &= l - 1 {
		j := bits.TrailingZeros64(l) & (PhasesMost - 1)
		f1, f2 := w.distance(j, e), w.distance(j+1, e)
		f := lower(lower(f1, f2), (f1+f2-float64(w.someTotal*h))/2)
		w.bounds[j] = upper(f, 0) / ((u - float64(float64(j)*h)) * w.share)
		if w.bounds[j] < w.spared {
			below |= 1 << j
		}
	}
	return below
}

// lowSums returns which of the sums whose bits are set in low are at most their limits for the
// present w.under, as bits.
func (w *sweep) lowSums(low uint64, u, h float64, n int) uint64 {
	limit, down := w.limits(u, h, n)
	if w.kernels.AtMost != nil {
		return w.kernels.AtMost(&w.sums, low, limit, down)
	}
	return AtMost(&w.sums, low, limit, down)
}

// distance returns a lower bound on f at the step with index j, for |e|. The phases make f wrong by at
// most e.
func (w *sweep) distance(j int, e float64) float64 {
	return upper(float64(w.sums[j])/phaseOne-e, 0)
}

// distanceAtMost returns an upper bound on f at the step with index j. The phases make f, or for e² its
// square root, wrong by at most e. distanceAtMost allows for the terms of the sum, which were rounded down.
func (w *sweep) distanceAtMost(j int, e float64) float64 {
	if w.squares {
		d := math.Sqrt((float64(w.sums[j])+float64((len(w.some)+1)/2))/phaseSquare) + e
		return float64(d * d)
	}
	return (float64(w.sums[j])+float64(len(w.some)))/phaseOne + e
}

// setUnder sets w.under to cost, and w.spared to a cost that is larger by w.slack. Spots whose costs
// differ by less than the errors of float32 are all kept, and the one that is best in float32 is
// chosen among them.
func (w *sweep) setUnder(cost float64) {
	w.under = cost
	w.spared = w.slack + cost
	if w.squares {
		w.spared = w.slack + math.Sqrt(cost)
		w.spared *= w.spared
	}
}

// setSlack sets w.slack from the errors of float32. For more than sweepExact values it is twice the
// largest difference of the cost, or for e² of its square root, between a spot and a measurement. The
// ends of the range, the scale and the reconstructed values are rounded: an error of a value changes
// by at most 2^-24 of it for each of these.
func (w *sweep) setSlack() {
	n := len(w.v)
	switch {
	case n <= sweepExact || w.share < 1:
		w.slack = w.rounding(n)
		if w.squares {
			w.slack = math.Sqrt(w.slack)
		}
		return
	case w.squares:
		w.slack = math.Sqrt(w.someSquares) * 0x1p-21
	default:
		w.slack = w.someTotal * 0x1p-21
	}
	if far := w.most / (w.hi - w.lo); !w.symmetric && far > 0.5 {
		w.slack *= (2*far + 3) / 4 // the difference of rounded ends is less exact
	}
}

// lowerBound lowers w.under to the cost of the step 1/u, if that is less and there are marks
// that clip no value. f is that at the step. lowerBound reports whether it lowered w.under.
func (w *sweep) lowerBound(u, f float64) bool {
	if w.squares {
		f /= u
	}
	if f /= u; !(f < w.under) || w.share < 1 || !w.holds(u) {
		return false
	}
	w.setUnder(f)
	return true
}

// holds reports whether there are marks at multiples of the step 1/u that clip no value.
func (w *sweep) holds(u float64) bool {
	low := w.low
	if !w.symmetric {
		w.width = 0
		l, ok := w.unclipped(u, u)
		if !ok {
			return false
		}
		low = l
	}
	x, y := exact.Nearest(float64(w.v[0]*u)), exact.Nearest(float64(w.v[len(w.v)-1]*u))
	return x >= low && y <= low+w.steps && upper(math.Abs(low), math.Abs(low+w.steps)) <= float64(math.MaxFloat32*u)
}

// lowSteps sets w.sums for the steps 1/u, 1/(u-h) and so on to 1/(u-n*h). It returns, as bits,
// at which of them f is so low that a step nearby may be better than w.under, and the index of the
// least of these sums.
func (w *sweep) lowSteps(u, h float64, n int) (low uint64, least int) {
	s := Steps{(u - float64(float64(n/2)*h)) * phaseOne, -phaseOne * h, n}
	limit, down := w.limits(u, h, n)
	if w.kernels.Low != nil {
		return w.kernels.Low(&w.sums, w.some, s, limit, down, w.squares)
	}
	w.phases = resize(w.phases, (len(w.some)+1)/2)
	return Low(&w.sums, w.phases, w.some, s, limit, down, w.squares)
}

// phaseError returns the largest error of a phase at one of the n+1 steps 1/u and after, in
// steps.
func (w *sweep) phaseError(u float64, n int) float64 {
	return 0x1p-17 + float64(n+1)*0x1p-18 + float64(w.most*u)*0x1p-50
}

// limits returns the limit for the sum of the first step, and by how much the limit falls with
// each step after it. The exact limits are a convex function of u: between the first and the
// last step they are not above the straight line that is returned.
func (w *sweep) limits(u, h float64, n int) (limit, down uint32) {
	first, last := w.lowLimit(u, h, n), w.lowLimit(u-float64(float64(n)*h), h, n)
	limit = uint32(first) + 1
	return limit, min(uint32((first-last)/float64(n)), limit/PhasesMost)
}

// lowLimit returns the limit for the sum at u, for n intervals of width h. If the sums at both
// ends of an interval are above their limits, no step in it costs less than w.spared.
func (w *sweep) lowLimit(u, h float64, n int) float64 {
	values := float64(len(w.some))
	best := w.spared * w.share * (1 + 0x1p-20)
	e := w.phaseError(u, n)
	if w.squares {
		l := math.Sqrt(float64(best*float64(u*u))+float64(w.someSquares*float64(h*h)/4)) + float64(w.someRoot*e)
		return lower(float64(l*l)*phaseSquare, phaseLimit-1)
	}
	l := float64(best*u) + float64((w.someTotal+best)*h/2) + float64(values*e)
	return lower(l*phaseOne, phaseLimit-1)
}

// sweepBetween sweeps the steps from 1/u down to 1/end.
func (w *sweep) sweepBetween(u, end, best float64) {
	for u < end {
		next := min(u+sweepUnits/w.most, u*sweepWidest, end)
		if !(next > u) || !w.bound(u, best, false) {
			return
		}
		w.pass(u, next)
		u = next
	}
}
