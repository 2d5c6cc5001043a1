package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// The ranges that a search for the least error tries. Each is given by how far
// its ends are drawn in from those of all values, or drawn out.

// A clip says by how many octaves, in units of 1/clipUnit, the ends of a range
// are nearer to the center than the smallest and the largest value. Negative
// numbers are for ends that are further out. A symmetric grid has one end, hi.
type clip struct{ lo, hi int }

const (
	clipUnit  = exact.OctaveSteps
	clipMost  = 280 * clipUnit // float32 has 278 octaves
	clipStep  = clipUnit / 16  // of the first, coarse search of symmetric ranges
	clipStep2 = clipUnit / 2   // the same for two ends
	clipBest  = 3              // of the coarse search, from which finer ones begin
	clipDeep  = 24 * clipUnit  // at most of each of two ends
	clipWide  = -clipUnit      // at least
)

// A candidate is a range and what it costs.
type candidate struct {
	clip
	Range
	cost float64
}

// better reports whether c is to be preferred to b: it must cost less, by more
// than rounding errors if costs are estimates, or else be nearer to that of all values.
func (c *candidate) better(b *candidate, margin float64) bool {
	if math.IsInf(b.cost, 1) {
		margin = 0
	} else {
		margin *= b.cost
	}
	if c.cost < b.cost-margin {
		return true
	}
	return c.cost <= b.cost+margin && c.moved() < b.moved()
}

// moved returns by how much the ends are away from those of all values.
func (c clip) moved() int { return max(c.lo, -c.lo) + max(c.hi, -c.hi) }

// estimate is the margin of costs that are estimates.
const estimate = 0x1p-32

// clearly is the margin of a range wider than all values, if costs are estimates.
const clearly = 0x1p-6

// drawn returns r with its ends drawn in, nearer to the center, or out.
func (g *Grid) drawn(r Range, center float64, c clip) Range {
	if c.lo == 0 && c.hi == 0 {
		return r
	}
	lo, hi := float64(r.Min), float64(r.Max)
	if g.Symmetric {
		return reaching(r, exact.Shrink(max(-lo, hi), c.hi))
	}
	if c.lo != 0 {
		lo = center - exact.Shrink(center-lo, c.lo)
	}
	if c.hi != 0 {
		hi = center + exact.Shrink(hi-center, c.hi)
	}
	return rangeFrom(lo, hi)
}

// rangeFrom returns the range from lo to hi, as far as float32 goes.
func rangeFrom(lo, hi float64) Range {
	return Range{
		Min: exact.PlusZero(float32(upper(lo, -math.MaxFloat32))),
		Max: exact.PlusZero(float32(lower(hi, math.MaxFloat32))),
	}
}

// reaching returns a range whose largest magnitude is t. It is r without what lies
// beyond ±t, or r with the end moved out that is further from 0.
func reaching(r Range, t float64) Range {
	m := float32(lower(t, math.MaxFloat32))
	switch {
	case m <= max(-r.Min, r.Max):
		return Cut(r, m)
	case -r.Min > r.Max:
		return Range{Min: -m, Max: r.Max}
	}
	return Range{Min: r.Min, Max: m}
}

// rangeOf returns a range of values in r that gets a step on a symmetric grid, whose lowest
// mark is low steps from 0.
func (g *Grid) rangeOf(r Range, step, low float64) Range {
	if g.EachEnd {
		return rangeFrom(float64(low*step), float64((low+float64(g.Highest-g.Lowest))*step))
	}
	return reaching(r, float64(step*g.Divisor))
}

// Cut returns r without what lies beyond ±t, or if that is all of it, the end
// that is nearer to it.
func Cut(r Range, t float32) Range {
	switch {
	case r.Min > t:
		return Range{Min: t, Max: t}
	case r.Max < -t:
		return Range{Min: -t, Max: -t}
	}
	return Range{Min: exact.PlusZero(max(r.Min, -t)), Max: exact.PlusZero(min(r.Max, t))}
}

// beside returns the clip that is so many steps away, if there is one from least on.
func (c clip) beside(to clip, step, least int) (n clip, ok bool) {
	n = clip{c.lo + to.lo*step, c.hi + to.hi*step}
	return n, n.lo >= least && n.hi >= least && n.lo <= clipMost && n.hi <= clipMost
}

var allDirections = [...]clip{
	{0, -1}, {0, 1},
	{-1, 0}, {1, 0}, {-1, -1}, {1, 1}, {-1, 1}, {1, -1},
}

// directions returns where from a clip to look for a better one.
func (g *Grid) directions() []clip {
	if g.Symmetric {
		return allDirections[:2]
	}
	return allDirections[:]
}
