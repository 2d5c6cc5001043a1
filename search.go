package quant

import (
	"math"
	"sync"

	"github.com/a01592f9/quant/internal/exact"
)

// The searches for the range with the least error. A range is tried by what
// its parameters do; it is given by how far its ends are drawn in.

// A clip says by how many octaves, in units of 1/clipUnit, the ends of a range
// are nearer to the center than the smallest and the largest value. The
// symmetric mapping has one of them, hi.
type clip struct{ lo, hi int }

const (
	clipUnit  = exact.OctaveSteps
	clipMost  = 280 * clipUnit // float32 has 278 octaves
	clipStep  = clipUnit / 16  // of the first, coarse search of symmetric ranges
	clipStep2 = clipUnit / 2   // the same for two ends
	clipBest  = 3              // of the coarse search, from which finer ones begin
	clipDeep  = 24 * clipUnit  // at most of each of two ends
)

// A candidate is a range and what it costs.
type candidate struct {
	clip
	Range
	cost float64
}

// better reports whether c is to be preferred to b: it must cost less, by more
// than rounding errors if costs are estimates, or else be wider.
func (c *candidate) better(b *candidate, margin float64) bool {
	if math.IsInf(b.cost, 1) {
		margin = 0
	} else {
		margin *= b.cost
	}
	if c.cost < b.cost-margin {
		return true
	}
	return c.cost <= b.cost+margin && c.lo+c.hi < b.lo+b.hi
}

// estimate is the margin of costs that are estimates.
const estimate = 0x1p-32

// A search looks for the range of the least cost.
type search struct {
	scheme  Scheme
	squares bool // e², else |e|
	d       distribution
	center  float64
	widest  candidate // the smallest and the largest value

	starts []candidate // the best of the coarse search
	found  []candidate // while it lasts
	beyond [2][]float64

	spectrum spectrum // for entropy
	sweep    sweep    // for few values

	// Of a tensor at hand.
	hist  histogram
	lower []uint64 // of the lower 16 bits of values in one bin
	scale [1]float32
	zero  [1]int32
	acc   [1]sums
}

// at returns the range of a clip.
func (s *search) at(c clip) Range { return s.scheme.drawn(s.d.r, s.center, c) }

// drawn returns r with its ends drawn in, nearer to the center.
func (s Scheme) drawn(r Range, center float64, c clip) Range {
	if c.lo == 0 && c.hi == 0 {
		return r
	}
	lo, hi := float64(r.Min), float64(r.Max)
	if s.Mapping == Symmetric {
		t := float32(exact.Shrink(max(-lo, hi), c.hi))
		return r.within(t)
	}
	if c.lo > 0 {
		lo = center - exact.Shrink(center-lo, c.lo)
	}
	if c.hi > 0 {
		hi = center + exact.Shrink(hi-center, c.hi)
	}
	return Range{exact.PlusZero(float32(lo)), exact.PlusZero(float32(hi))}
}

// within returns r without what lies beyond ±t, or if that is all of it, the
// end that is nearer to it.
func (r Range) within(t float32) Range {
	switch {
	case r.Min > t:
		return Range{t, t}
	case r.Max < -t:
		return Range{-t, -t}
	}
	return Range{exact.PlusZero(max(r.Min, -t)), exact.PlusZero(min(r.Max, t))}
}

// try returns what a clip costs by the histogram.
func (s *search) try(c clip) candidate {
	r := s.at(c)
	return candidate{c, r, s.d.cost(s.scheme.ruler(r), s.squares)}
}

// run finds the best range on the histogram that was loaded into s.d.
func (s *search) run(scheme Scheme) candidate {
	s.scheme, s.squares = scheme, scheme.Method.kind == leastSquares
	s.center = s.d.center
	if scheme.ZeroInRange {
		s.center = 0
	}
	s.center = min(max(s.center, float64(s.d.r.Min)), float64(s.d.r.Max))
	s.starts, s.found = s.starts[:0], s.found[:0]
	s.widest = s.try(clip{})
	best := s.widest
	step := clipStep2
	if scheme.Mapping == Symmetric {
		s.coarse()
		step = clipStep
	} else {
		s.coarse2()
	}
	for _, c := range s.starts {
		if c := s.refine(c, step/2, nil); c.better(&best, estimate) {
			best = c
		}
	}
	return best
}

// limit returns a bound that no end of a grid exceeds by less than: the widest
// step, since zero points are rounded.
func (s *search) limit() float64 { return s.scheme.ruler(s.d.r).step }

// coarse tries symmetric ranges until what they clip alone costs more than the
// best, and keeps the best of those that are better than their neighbours.
func (s *search) coarse() {
	most := max(-float64(s.d.r.Min), float64(s.d.r.Max))
	best := s.widest.cost
	s.found = append(s.found, s.widest)
	least := min(s.d.pos.least(), s.d.neg.least())
	for k := clipStep; k < clipMost && exact.Shrink(most, k) >= least; k += clipStep {
		c := s.try(clip{hi: k})
		s.found = append(s.found, c)
		best = min(best, c.cost)
		if t := exact.Shrink(most, k); s.d.pos.beyond(t, s.squares)+s.d.neg.beyond(t, s.squares) > best {
			break
		}
	}
	for i, c := range s.found {
		if (i == 0 || c.cost < s.found[i-1].cost) && (i+1 == len(s.found) || c.cost <= s.found[i+1].cost) {
			s.keep(c)
		}
	}
}

// keep makes c one of the starts, if it is good enough.
func (s *search) keep(c candidate) {
	i := len(s.starts)
	for i > 0 && c.cost < s.starts[i-1].cost {
		i--
	}
	if i == clipBest {
		return
	}
	if len(s.starts) < clipBest {
		s.starts = append(s.starts, c)
	}
	copy(s.starts[i+1:], s.starts[i:])
	s.starts[i] = c
}

// coarse2 tries ranges with two ends.
func (s *search) coarse2() {
	extra := s.limit()
	lo, hi := float64(s.d.r.Min), float64(s.d.r.Max)
	s.beyond[0] = s.cut(s.beyond[0][:0], s.center-lo, s.center-float64(s.d.near.Min), func(t float64) float64 { return s.below(s.center - t - extra) })
	s.beyond[1] = s.cut(s.beyond[1][:0], hi-s.center, float64(s.d.near.Max)-s.center, func(t float64) float64 { return s.above(s.center + t + extra) })
	best := s.widest.cost
	for i, below := range s.beyond[0] {
		for j, above := range s.beyond[1] {
			if below+above > best {
				break
			}
			c := s.widest
			if i+j > 0 {
				c = s.try(clip{i * clipStep2, j * clipStep2})
			}
			best = min(best, c.cost)
			s.keep(c)
		}
	}
}

// cut appends what ends at all distances cost at least, from most down to
// least, as far as they may be better than the widest range. Where there is
// nothing to cut, that is one.
func (s *search) cut(dst []float64, most, least float64, cost func(float64) float64) []float64 {
	dst = append(dst, 0)
	if most <= 0 {
		return dst
	}
	for k := clipStep2; k <= clipDeep && exact.Shrink(most, k) > least; k += clipStep2 {
		c := cost(exact.Shrink(most, k))
		if c > s.widest.cost {
			break
		}
		dst = append(dst, c)
	}
	return dst
}

// below and above return the least that a ruler costs which ends at v.

func (s *search) below(v float64) float64 {
	if v > 0 {
		return s.d.neg.beyond(0, s.squares) + s.d.pos.below(v, s.squares)
	}
	return s.d.neg.beyond(-v, s.squares)
}

func (s *search) above(v float64) float64 {
	if v < 0 {
		return s.d.pos.beyond(0, s.squares) + s.d.neg.below(-v, s.squares)
	}
	return s.d.pos.beyond(v, s.squares)
}

// mostMoves is how often a search goes on with steps of the same size.
const mostMoves = 8

// beside returns the clip that is so many steps away, if there is one.
func (c clip) beside(to clip, step int) (n clip, ok bool) {
	n = clip{c.lo + to.lo*step, c.hi + to.hi*step}
	return n, n.lo >= 0 && n.hi >= 0 && n.lo <= clipMost && n.hi <= clipMost
}

// refine looks around c with ever smaller steps. The errors of x count, or if
// it is nil, the histogram's.
func (s *search) refine(c candidate, step int, x []float32) candidate {
	for ; step > 0; step /= 2 {
		for range mostMoves {
			b := s.around(c, step, x)
			if b.clip == c.clip {
				break
			}
			c = b
		}
	}
	return c
}

// around returns the best of c and its neighbours at a distance of step.
func (s *search) around(c candidate, step int, x []float32) candidate {
	best, margin := c, estimate
	if x != nil {
		margin = 0
	}
	for _, d := range directions(s.scheme.Mapping) {
		n, ok := c.beside(d, step)
		if !ok {
			continue
		}
		var t candidate
		if x == nil {
			t = s.try(n)
		} else {
			t = candidate{n, s.at(n), math.Inf(1)}
			t.cost = s.measure(x, t.Range, best.cost)
		}
		if t.better(&best, margin) {
			best = t
		}
	}
	return best
}

var allDirections = [...]clip{
	{0, -1}, {0, 1},
	{-1, 0}, {1, 0}, {-1, -1}, {1, 1}, {-1, 1}, {1, -1},
}

func directions(m Mapping) []clip {
	if m == Symmetric {
		return allDirections[:2]
	}
	return allDirections[:]
}

var searches = sync.Pool{New: func() any { return new(search) }}
