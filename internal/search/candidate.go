package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// The ranges that a search for the least error tries. Each is given by how far
// its ends are drawn in from those of all values.

// A clip says by how many octaves, in units of 1/clipUnit, the ends of a range
// are nearer to the center than the smallest and the largest value. A symmetric
// grid has one of them, hi.
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

// drawn returns r with its ends drawn in, nearer to the center.
func (g *Grid) drawn(r Range, center float64, c clip) Range {
	if c.lo == 0 && c.hi == 0 {
		return r
	}
	lo, hi := float64(r.Min), float64(r.Max)
	if g.Symmetric {
		return cut(r, float32(exact.Shrink(max(-lo, hi), c.hi)))
	}
	if c.lo > 0 {
		lo = center - exact.Shrink(center-lo, c.lo)
	}
	if c.hi > 0 {
		hi = center + exact.Shrink(hi-center, c.hi)
	}
	return Range{Min: exact.PlusZero(float32(lo)), Max: exact.PlusZero(float32(hi))}
}

// cut returns r without what lies beyond ±t, or if that is all of it, the end
// that is nearer to it.
func cut(r Range, t float32) Range {
	switch {
	case r.Min > t:
		return Range{Min: t, Max: t}
	case r.Max < -t:
		return Range{Min: -t, Max: -t}
	}
	return Range{Min: exact.PlusZero(max(r.Min, -t)), Max: exact.PlusZero(min(r.Max, t))}
}

// beside returns the clip that is so many steps away, if there is one.
func (c clip) beside(to clip, step int) (n clip, ok bool) {
	n = clip{c.lo + to.lo*step, c.hi + to.hi*step}
	return n, n.lo >= 0 && n.hi >= 0 && n.lo <= clipMost && n.hi <= clipMost
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
