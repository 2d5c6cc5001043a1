package search

import (
	"math"
	"slices"

	"github.com/a01592f9/quant/internal/exact"
)

// Values on a lattice: all of them are multiples of one step, except for rounding. Values that
// were quantized and dequantized before are such values. Among many values the other searches
// can miss that step, since the steps near it have much larger errors.
//
// The outermost value is a multiple of the step too. Each integer K therefore gives one candidate:
// the magnitude of the outermost value, divided by K. The least K whose step fits all values gives
// the largest step. Few K have to be tried for values on no lattice, since the step is not larger
// than the distance between any two values.

const (
	// latticeFloat32 is more than the relative error of values that were rounded to float32, and
	// of a step computed from one of them.
	latticeFloat32 = 0x1p-21

	// latticeHalf is that of values that were rounded to float16 or bfloat16. It is used for the K up
	// to latticeMost. From half of that on, a value says nothing.
	latticeHalf = 0x1p-7
	latticeMost = 128

	// latticeWider is how many times as many steps as the codes have a lattice may have. Then the
	// multiples of its step are tried whose marks hold all values.
	latticeWider = 8

	// latticeLargest is the largest K. Beyond it the errors of float32 come near half a step.
	latticeLargest = 1 << 17

	// latticeChance is the largest probability at which random values could be taken for values
	// on a lattice.
	latticeChance = 0x1p-24

	latticeMarks  = 32 // how many lowest marks are tried, for an exact scale
	latticeNudges = 4  // by how many float32 the ends of a range are moved, for an exact scale
)

// onLattice returns the range for the step of the lattice on which the values of s.sweep are, if they
// are on one and that range costs less than best. Else it returns best.
func (s *Search) onLattice(best candidate, cost Cost) candidate {
	w := &s.sweep
	step, ok := w.lattice()
	if !ok {
		return best
	}
	best, near, low := s.onStep(step, best, cost)
	if !near {
		return best
	}
	first := w.first
	w.ready(best.cost)
	w.limit, w.wanted, w.near, w.begun = best.cost, 3, math.Inf(1), 0.5/step
	w.zoom(spot{step, low, 0})
	w.first = first
	return s.bestOf(w.exact, best, cost)
}

// onLongLattice is onLattice for the values x, which have not been sorted. s.sweep has begun.
func (s *Search) onLongLattice(x []float32, best candidate, cost Cost) candidate {
	w := &s.sweep
	step, ok := w.longLattice(x)
	if !ok {
		return best
	}
	best, near, _ := s.onStep(step, best, cost)
	if near {
		if low, last, ok := s.task.lowestMarks(w.r, step, w.low); ok {
			c := candidate{Range: s.task.rangeWith(w.r, float32(step), low, last)}
			if c.cost = cost(c.Range, inf); c.cost < math.MaxFloat64 {
				s.d.r = w.r
				if c = s.fit(x, c, cost); c.cost < best.cost {
					best = c
				}
			}
		}
	}
	return best
}

// onStep is onLattice for the step of a lattice, whose magnitudes are w.mags. near says that no
// step gives exactly these values: the best step is near that of the lattice. low is then its
// lowest mark.
func (s *Search) onStep(step float64, from candidate, cost Cost) (best candidate, near bool, low float64) {
	w := &s.sweep
	best = from
	try := func(step float64) bool {
		low, last, ok := s.task.lowestMarks(w.r, step, w.low)
		if !ok {
			return false
		}
		c := candidate{Range: s.task.rangeWith(w.r, float32(step), low, last)}
		if c.cost = cost(c.Range, best.cost); c.cost < best.cost {
			best = c
		}
		return true
	}
	low, _, ok := s.task.lowestMarks(w.r, step, w.low)
	if !ok {
		for m, tried := 2.0, 0; m <= latticeWider && tried < 3; m++ {
			if try(float64(m * step)) {
				tried++
			}
		}
		// The step itself, for which values at one end are clipped.
		x, y := exact.Nearest(float64(w.r.Min)/step), exact.Nearest(float64(w.r.Max)/step)-w.steps
		if w.symmetric {
			x, y = w.low, w.low
		}
		for _, l := range [...]float64{x, y} {
			if !w.symmetric && !math.IsInf(w.lowest, 0) {
				l = lower(upper(l, w.lowest), 0)
			}
			c := candidate{Range: s.task.rangeWith(w.r, float32(step), l, l)}
			if c.valid() {
				if c.cost = cost(c.Range, best.cost); c.cost < best.cost {
					best = c
				}
			}
		}
		return best, false, low
	}
	lo, hi := w.stepsWithin(step)
	for i := float32(lo); float64(i) <= hi && best.cost > 0; i = away(i, 1) {
		try(float64(i))
	}
	return best, lo > hi, low
}

// lattice returns the largest step of which all values of w.v are multiples, except for rounding.
func (w *sweep) lattice() (step float64, ok bool) {
	same := float64(w.most * latticeFloat32)
	widest, last := w.most, 0.0 // no step is wider than the distance of two values, or of one from 0
	for i, x := range w.v {
		if a := math.Abs(x); a > same {
			widest = lower(widest, a)
		}
		if d := x - last; i > 0 && d > same {
			widest = lower(widest, d)
		}
		last = x
	}
	first, end := math.Ceil(w.most/widest*(1-2*latticeHalf)), w.latticeEnd()
	if first > end {
		return 0, false
	}
	w.mags = w.mags[:0]
	for _, x := range w.v {
		w.mags = append(w.mags, math.Abs(x))
	}
	slices.Sort(w.mags)
	w.mags = slices.Compact(w.mags)
	for k := upper(first, 1); k <= end; k++ {
		e := latticeHalf
		if k > latticeMost {
			e = latticeFloat32
		}
		if multiples(w.mags, w.most, k, e) {
			return w.fitted(w.fitted(w.most / k)), true
		}
	}
	return 0, false
}

// latticeEnd returns the largest number of steps of a lattice from 0 to w.most.
func (w *sweep) latticeEnd() float64 {
	end := w.most * w.steps / (w.hi - w.lo)
	if w.symmetric {
		end = upper(-w.low, w.low+w.steps)
	}
	if w.steps < 1<<8 {
		end *= latticeWider
	}
	return lower(end+1, latticeLargest)
}

// longLattice is lattice for the many values x, which have not been sorted. The distances of its values
// are not known, but a step of which so many values are multiples is hardly a chance.
func (w *sweep) longLattice(x []float32) (step float64, ok bool) {
	w.mags = w.mags[:0]
	for _, v := range x {
		w.mags = append(w.mags, math.Abs(float64(v)))
	}
	end := w.latticeEnd()
	for k := 1.0; k <= end; k++ {
		if multiples(w.mags, w.most, k, latticeFloat32) {
			return w.fitted(w.fitted(w.most / k)), true
		}
	}
	for k := 1.0; k <= lower(end, latticeMost); k++ {
		if multiples(w.mags, w.most, k, latticeHalf) && w.evident(w.most/k) {
			return w.fitted(w.fitted(w.most / k)), true
		}
	}
	return 0, false
}

// evident reports whether many of w.mags are so few steps from 0 that they show whether a value that
// was rounded to 16 bits is a multiple.
func (w *sweep) evident(step float64) bool {
	n := 0
	for _, x := range w.mags {
		if x > step/2 && x < 16*step {
			n++
		}
	}
	return n >= 8+len(w.mags)/64
}

// multiples reports whether the magnitudes v are multiples of most/n, except for rounding, whose
// relative error is at most e.
func multiples(v []float64, most, n, e float64) bool {
	u := n / most
	for _, x := range v {
		y := float64(x * u)
		if math.Abs(y-exact.Nearest(y)) > float64(y*e)+float64(n*latticeFloat32) {
			return false
		}
	}
	return true
}

// fitted returns the step near step with the least sum of squared errors of w.mags.
func (w *sweep) fitted(step float64) float64 {
	kx, kk := 0.0, 0.0
	for _, x := range w.mags {
		k := exact.Nearest(x / step)
		kx += float64(k * x)
		kk += float64(k * k)
	}
	return kx / kk
}

// stepsWithin returns the smallest and the largest of the steps, near step, whose multiples are
// rounded to w.mags in float32. They are float32 themselves. If there are none, lo is above hi.
func (w *sweep) stepsWithin(step float64) (lo, hi float64) {
	lo, hi = 0, math.Inf(1)
	for _, x := range w.mags {
		k := exact.Nearest(x / step)
		if k == 0 {
			continue
		}
		v := float32(x)
		half := (float64(away(v, 1)) - x) * (0.5 + 0x1p-20) // products often lie in the middle of two float32
		lo, hi = upper(lo, (x-half)/k), lower(hi, (x+half)/k)
	}
	a := float32(lo)
	if float64(a) < lo {
		a = away(a, 1)
	}
	return float64(a), hi
}

// fit improves best, a range for values on a lattice that were rounded to 16 bits, by the steps with
// the least squared errors for the codes of the values x. It returns the best range.
func (s *Search) fit(x []float32, best candidate, cost Cost) candidate {
	g := &s.task.Grid
	for range 4 {
		scale, zero := g.Params(best.Range)
		m := g.marks(scale, zero)
		kx, kk := 0.0, 0.0
		for _, v := range x {
			k := m.nearest(float64(v) / m.step)
			kx += float64(k * float64(v))
			kk += float64(k * k)
		}
		if !(kx > 0) {
			break
		}
		c := best
		c.Range = g.rangeWith(s.d.r, float32(kx/kk), m.lo, m.lo)
		if c.cost = cost(c.Range, best.cost); !(c.cost < best.cost) {
			break
		}
		best = c
	}
	return best
}

// lowestMarks returns the lowest marks, in steps, with which a grid of the given step holds the values
// in r: those from first to last, or to first if last is less. first is the one for which the end of
// the marks that is nearer to 0 is the mark that the outermost value there becomes. low is that of a
// symmetric grid. ok is false if there are none.
func (g *Grid) lowestMarks(r Range, step, low float64) (first, last float64, ok bool) {
	x, y := exact.Nearest(float64(r.Min)/step), exact.Nearest(float64(r.Max)/step)
	steps := float64(g.Highest - g.Lowest)
	if g.Symmetric {
		return low, low, x >= low && y <= low+steps
	}
	if g.ZeroInRange {
		x, y = lower(x, 0), upper(y, 0)
	}
	switch first, last = x, y-steps; {
	case first < last || upper(math.Abs(first), math.Abs(last)) > 1<<22:
		return 0, 0, false
	case math.Abs(x) > math.Abs(y):
		first, last = last, first
	}
	return first, last, true
}

// rangeWith returns a range with the given step and one of the lowest marks that lowestMarks has
// returned. If there are ranges with exactly that scale, whose ends are at most a few float32 away, it
// returns one of them. r is the range of all values.
func (g *Grid) rangeWith(r Range, step float32, first, last float64) Range {
	to := 1.0
	if last < first {
		to = -1
	}
	base, end := Range{}, lower(math.Abs(last-first), latticeMarks)
	for i := 0.0; i <= end; i++ {
		low := first + float64(i*to)
		near, ok := g.exactly(r, step, low)
		if ok {
			return near
		}
		if i == 0 {
			base = near
		}
	}
	return base
}

// exactly is rangeWith for one lowest mark. It also reports whether the scale is exactly step.
func (g *Grid) exactly(r Range, step float32, low float64) (near Range, ok bool) {
	if g.Symmetric {
		near = g.rangeOf(r, float64(step), low)
	} else {
		near = rangeFrom(float64(low*float64(step)), float64((low+float64(g.Highest-g.Lowest))*float64(step)))
	}
	zero := g.Lowest - int32(low)
	for n := range latticeNudges + 1 {
		for i := -n; i <= n; i++ {
			for j := -n; j <= n; j++ {
				if max(i, -i, j, -j) < n {
					continue
				}
				c := candidate{Range: Range{Min: nudged(near.Min, i), Max: nudged(near.Max, j)}}
				if !c.valid() {
					continue
				}
				if s, z := g.Params(c.Range); s == step && z == zero {
					return c.Range, true
				}
			}
		}
	}
	return near, false
}

// nudged is away, except that it leaves 0.
func nudged(v float32, i int) float32 {
	if v == 0 {
		return v
	}
	return away(v, i)
}

// lattices appends candidates for steps of which all values may be multiples, as the histogram
// given to Load shows them: each bin that is not empty holds a multiple of the step, and the ends
// of the range are multiples of it.
func (s *Search) lattices(dst []candidate) []candidate {
	g, r := &s.task.Grid, s.d.r
	s.halves = false
	if g.Levels != nil || g.Divisor == 0 {
		return dst
	}
	_, zero := g.Params(r)
	low, steps := float64(g.Lowest-zero), float64(g.Highest-g.Lowest)
	far, near := -float64(r.Min), math.Abs(float64(r.Max))
	if far < float64(r.Max) {
		far, near = float64(r.Max), math.Abs(float64(r.Min))
	}
	// The least and the largest number of steps from 0 to the outermost value.
	first, end := 1.0, far*steps/(float64(r.Max)-float64(r.Min))
	if g.Symmetric {
		end = upper(-low, low+steps)
	}
	for _, side := range [...]*side{&s.d.pos, &s.d.neg} {
		if len(side.b) > 0 {
			first = upper(first, math.Ceil(far/side.b[0]*(1-latticeFloat32)))
		}
	}
	for k := first; k <= lower(end, latticeLargest); k++ {
		step := far / k
		exactly := s.chance(step, near, latticeFloat32)*k <= latticeChance
		if !exactly && (k > latticeMost || s.chance(step, near, latticeHalf)*k > latticeChance) {
			continue
		}
		l, last, ok := g.lowestMarks(r, step, low)
		if !ok {
			continue
		}
		add := func(step float32) { dst = append(dst, s.placed(g.rangeWith(r, step, l, last))) }
		if s.halves = !exactly; s.halves {
			add(float32(s.between(step)))
		}
		found := len(dst)
		n := float32(exact.Nearest(near / step))
		for i := -2; i <= 2; i++ {
			if t := away(float32(step), i); float32(k)*t == float32(far) && n*t == float32(near) {
				add(t)
			}
		}
		if len(dst) == found {
			add(float32(step))
		}
		break
	}
	return dst
}

// chance returns about the probability that all bins hold multiples of step, and that near, the
// magnitude of the end nearer to 0, is a multiple, if values are random. It returns 1 if they do
// not. e is the relative error of values and of the step.
func (s *Search) chance(step, near, e float64) float64 {
	p := 1.0
	if y := near / step; y > 0 {
		p = lower(2*float64((y+1)*e), 1)
		if math.Abs(y-exact.Nearest(y)) > p/2 {
			return 1
		}
	}
	for _, side := range [...]*side{&s.d.pos, &s.d.neg} {
		for i, b := range side.b {
			a, b := float64(side.a[i]*(1-e))/step, float64(b*(1+e))/step
			if b-a >= 1 {
				break // as do all bins after it
			}
			if math.Ceil(a) > b {
				return 1
			}
			if i+1 < len(side.b) {
				p *= b - a
			}
		}
	}
	return p
}

// between returns the middle of the steps near step of which all bins hold multiples.
func (s *Search) between(step float64) float64 {
	lo, hi := step*(1-latticeHalf), step*(1+latticeHalf)
	for _, side := range [...]*side{&s.d.pos, &s.d.neg} {
		for i, b := range side.b {
			a := side.a[i]
			k := exact.Nearest((a + b) / 2 / step)
			if (b-a)/step >= 0.5 || k == 0 {
				break
			}
			lo, hi = upper(lo, a*(1-latticeHalf/2)/k), lower(hi, b*(1+latticeHalf/2)/k)
		}
	}
	return (lo + hi) / 2
}
