package search

import (
	"math"

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

// atLeast returns a lower bound of the sum of e², or of |e|, under the marks g, for every set of
// values with the histogram of d. It stops as soon as the sum is above most.
func (d *distribution) atLeast(g marks, squares bool, most float64) float64 {
	sum := 0.0
	for _, part := range [...]struct {
		*side
		lo, hi float64
	}{{&d.pos, g.lo, g.hi}, {&d.neg, -g.hi, -g.lo}} {
		for i, a := range part.a {
			k := lower(upper(math.Ceil(a/g.step), part.lo), part.hi) // the first mark that is not below a
			mark := float64(k * g.step)
			e := upper(upper(mark-part.b[i], a-mark), 0)
			if k > part.lo {
				e = lower(e, upper(a-(mark-g.step), 0))
			}
			if squares {
				e = float64(e * e)
			}
			if sum += float64(part.n[i] * e); sum > most {
				return sum
			}
		}
	}
	return sum
}
