package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
	"github.com/a01592f9/quant/internal/histogram"
)

// A distribution is a histogram in a form from which the quantization error is estimated. The
// values of a bin are assumed to be spread evenly over the bin. The distance from a value to the
// nearest mark changes by at most as much as the value. So the estimate of the RMSE is within
// 2^-7 of the root mean square of the values, and that of the MAE within 2^-7 of their mean
// magnitude.
type distribution struct {
	pos, neg side    // the positive and the negative values, by magnitude
	zeros    float64 // number of values with magnitudes below 2^-133, zeros included
	r        Range
	center   float64 // the median
	near     Range   // the middle sixteenth of the values
}

// A side holds the bins with values of one sign, in ascending order of magnitude. The four
// slices a, b, n and density have an element for each bin.
type side struct {
	a, b    []float64 // the least and the largest magnitude in the bin
	n       []float64 // number of values
	density []float64 // n/(b-a), or n if a and b are equal
	octaves []octave
}

// An octave has the sums over all bins of a side up to the largest magnitude of an octave.
type octave struct {
	top     float64 // the largest magnitude
	end     int     // index of the first bin above it
	sq, abs float64 // sums of x² and |x|
}

// load sets d from the histogram h of n values whose range is r.
func (d *distribution) load(h *histogram.Histogram, n uint64, r Range) {
	d.r = r
	d.pos.load(h, 0, float64(r.Min), float64(r.Max))
	d.neg.load(h, histogram.Negative, -float64(r.Max), -float64(r.Min))
	d.zeros = float64(h.Count(0) + h.Count(histogram.Negative))
	d.center = float64(h.Rank((n-1)/2, n, r))
	d.near = h.Percentile(n/32*15, n, r)
}

// load sets s from the bins of h with one sign. first is the first of these bins: 0 or
// histogram.Negative. The bins are limited to the magnitudes from lo to hi, which are those of
// the values. The bin of 0 is left out.
func (s *side) load(h *histogram.Histogram, first int, lo, hi float64) {
	s.a, s.b, s.n, s.density, s.octaves = s.a[:0], s.b[:0], s.n[:0], s.density[:0], s.octaves[:0]
	var sq, abs float64
	last := -1
	for b := h.Next(first + 1); b < first+histogram.Negative; b = h.Next(b + 1) {
		from := float64(math.Float32frombits(uint32(b-first) << 16))
		to := 0x1p128
		if b-first < histogram.Negative-histogram.PerOctave-1 {
			to = float64(math.Float32frombits(uint32(b-first+1) << 16))
		}
		from, to = max(from, lo), min(to, hi)
		n := float64(h.Count(b))
		density := n
		if to > from {
			density /= to - from
		}
		s.a, s.b, s.n, s.density = append(s.a, from), append(s.b, to), append(s.n, n), append(s.density, density)

		m := (from + to) / 2
		sq += float64(n*(float64(from*from)+float64(from*to)+float64(to*to))) / 3
		abs += float64(n * m)
		if o := b / histogram.PerOctave; o != last {
			last = o
			s.octaves = append(s.octaves, octave{})
		}
		s.octaves[len(s.octaves)-1] = octave{to, len(s.a), sq, abs}
	}
}

// marks are the values that a grid represents exactly under given parameters: the multiples of
// step from lo*step to hi*step, or, for a codebook, its levels times step.
type marks struct {
	step, lo, hi float64
	levels       []float64
}

// marks returns the marks of g for a scale and a zero point.
func (g *Grid) marks(scale float32, zero int32) marks {
	m := marks{step: float64(scale), lo: float64(g.Lowest - zero), hi: float64(g.Highest - zero), levels: g.Levels}
	if m.levels != nil {
		m.lo, m.hi = m.levels[0], m.levels[len(m.levels)-1]
	}
	return m
}

// marksOf returns the marks of g for a range.
func (g *Grid) marksOf(r Range) marks { return g.marks(g.Params(r)) }

// widestStep returns the largest distance between two adjacent marks.
func (g *marks) widestStep() float64 {
	if g.levels == nil {
		return g.step
	}
	widest := 0.0
	for i, v := range g.levels[1:] {
		widest = max(widest, v-g.levels[i])
	}
	return float64(widest * g.step)
}

// cost returns an estimate of the sum of e², or of |e|, if each value is replaced by the nearest
// mark of g. It is infinite if a reconstructed value would overflow float32.
func (d *distribution) cost(g marks, squares bool) float64 {
	if g.levels != nil {
		return d.costOfLevels(&g, squares)
	}
	m := marks{step: g.step, lo: -g.hi, hi: -g.lo} // for the magnitudes of negative values
	if g.overflows(float64(d.r.Max)) || m.overflows(-float64(d.r.Min)) {
		return math.Inf(1)
	}
	z := float64(max(g.lo, m.lo, 0) * g.step)
	if squares {
		return d.pos.squares(g) + d.neg.squares(m) + float64(d.zeros*float64(z*z))
	}
	return d.pos.absolute(g) + d.neg.absolute(m) + float64(d.zeros*z)
}

// overflows reports whether the highest mark is the nearest to most and overflows float32.
func (g *marks) overflows(most float64) bool {
	return float64(g.hi*g.step) >= 0x1.ffffffp127 && most > float64((g.hi-0.5)*g.step)
}

// near returns the last octave whose values are at most half a step from 0. These values become
// 0, so their errors are their magnitudes. The result is zero if there is no such octave or no
// mark at 0.
func (s *side) near(g marks) octave {
	var o octave
	if g.lo > 0 || g.hi < 0 {
		return o
	}
	for i := range s.octaves {
		if s.octaves[i].top*2 > g.step {
			break
		}
		o = s.octaves[i]
	}
	return o
}

// nearest returns the mark nearest to v. Both are divided by the step.
func (g *marks) nearest(v float64) float64 {
	if v < g.lo {
		return g.lo
	}
	if v > g.hi {
		return g.hi
	}
	return exact.Nearest(v)
}

// squares returns the estimated sum of e² over the values of s. The integral of e² from 0 to x
// is k*step³/12 + r³/3: k*step is the mark nearest to x, and r is x - k*step.
func (s *side) squares(g marks) float64 {
	o := s.near(g)
	sum, per := o.sq, 1/g.step
	cell := float64(float64(g.step*g.step)*g.step) / 12
	last, k, r := -1.0, 0.0, 0.0
	for i := o.end; i < len(s.a); i++ {
		a, b := s.a[i], s.b[i]
		if a != last {
			k = g.nearest(a * per)
			r = a - float64(k*g.step)
		}
		if a == b {
			sum += float64(s.density[i] * float64(r*r))
			last = a
			continue
		}
		kb := g.nearest(b * per)
		rb := b - float64(kb*g.step)
		cubes := float64(float64(rb*rb)*rb) - float64(float64(r*r)*r)
		sum += float64(s.density[i] * (cubes/3 + float64((kb-k)*cell)))
		last, k, r = b, kb, rb
	}
	return sum
}

// absolute returns the estimated sum of |e| over the values of s. The integral of |e| from 0 to
// x is k*step²/4 + r*|r|/2, with the k and r of squares.
func (s *side) absolute(g marks) float64 {
	o := s.near(g)
	sum, per := o.abs, 1/g.step
	cell := float64(g.step*g.step) / 4
	last, k, r := -1.0, 0.0, 0.0
	for i := o.end; i < len(s.a); i++ {
		a, b := s.a[i], s.b[i]
		if a != last {
			k = g.nearest(a * per)
			r = a - float64(k*g.step)
		}
		if a == b {
			sum += float64(s.density[i] * math.Abs(r))
			last = a
			continue
		}
		kb := g.nearest(b * per)
		rb := b - float64(kb*g.step)
		squares := float64(rb*math.Abs(rb)) - float64(r*math.Abs(r))
		sum += float64(s.density[i] * (squares/2 + float64((kb-k)*cell)))
		last, k, r = b, kb, rb
	}
	return sum
}

// beyond returns a lower bound of the cost of the magnitudes above h if no mark is above h.
func (s *side) beyond(h float64, squares bool) float64 {
	sum := 0.0
	for i := len(s.a) - 1; i >= 0 && s.a[i] > h; i-- {
		e := s.a[i] - h
		if squares {
			e = float64(e * e)
		}
		sum += float64(s.n[i] * e)
	}
	return sum
}

// below returns a lower bound of the cost of the magnitudes below h if no mark is below h.
func (s *side) below(h float64, squares bool) float64 {
	sum := 0.0
	for i := 0; i < len(s.a) && s.b[i] < h; i++ {
		e := h - s.b[i]
		if squares {
			e = float64(e * e)
		}
		sum += float64(s.n[i] * e)
	}
	return sum
}

// least returns the least magnitude, or infinity if s has no values.
func (s *side) least() float64 {
	if len(s.a) == 0 {
		return math.Inf(1)
	}
	return s.a[0]
}

// costOfLevels is cost for a codebook.
func (d *distribution) costOfLevels(g *marks, squares bool) float64 {
	if g.overflow(d.r) {
		return math.Inf(1)
	}
	sum := float64(d.zeros * g.errorOf(g.nearestLevel(0), 0, squares))
	for _, part := range [...]struct {
		*side
		sign float64
	}{{&d.pos, 1}, {&d.neg, -1}} {
		for i := range part.a {
			lo, hi := part.sign*part.a[i], part.sign*part.b[i]
			if part.sign < 0 {
				lo, hi = hi, lo
			}
			if lo == hi {
				sum += float64(part.density[i] * g.errorOf(g.nearestLevel(lo), lo, squares))
			} else {
				sum += float64(part.density[i] * g.integral(lo, hi, squares))
			}
		}
	}
	return sum
}

// overflow reports whether the mark nearest to an end of r overflows float32.
func (g *marks) overflow(r Range) bool {
	for _, v := range [...]float64{float64(r.Min), float64(r.Max)} {
		if l := float64(g.levels[g.nearestLevel(v)] * g.step); math.Abs(l) >= 0x1.ffffffp127 {
			return true
		}
	}
	return false
}

// boundary returns the value midway between the marks of level i and the next level, or infinity
// for the last level.
func (g *marks) boundary(i int) float64 {
	if i == len(g.levels)-1 {
		return math.Inf(1)
	}
	return float64((g.levels[i]+g.levels[i+1])/2) * g.step
}

// nearestLevel returns the index of the level whose mark is nearest to v. Of two equally near
// ones it returns the lower.
func (g *marks) nearestLevel(v float64) int {
	a, b := 0, len(g.levels)-1
	for a < b {
		if m := (a + b) / 2; g.boundary(m) < v {
			a = m + 1
		} else {
			b = m
		}
	}
	return a
}

// errorOf returns e² or |e| if v is replaced by the mark of level i.
func (g *marks) errorOf(i int, v float64, squares bool) float64 {
	e := v - float64(g.levels[i]*g.step)
	if squares {
		return float64(e * e)
	}
	return math.Abs(e)
}

// integral returns the integral of e², or of |e|, over the values from lo to hi. Between two
// boundaries these have the antiderivatives e³/3 and e*|e|/2.
func (g *marks) integral(lo, hi float64, squares bool) float64 {
	sum := 0.0
	for i := g.nearestLevel(lo); lo < hi; i++ {
		end := min(hi, g.boundary(i))
		l := float64(g.levels[i] * g.step)
		a, b := lo-l, end-l
		if squares {
			sum += (float64(float64(b*b)*b) - float64(float64(a*a)*a)) / 3
		} else {
			sum += (float64(b*math.Abs(b)) - float64(a*math.Abs(a))) / 2
		}
		lo = end
	}
	return sum
}
