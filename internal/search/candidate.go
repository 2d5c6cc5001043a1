package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// The ranges that a search for the least error tries. A clip says how far the ends of such a
// range are moved from the range of all values.

// A clip moves the ends of a range towards its center: the distance of an end from the center
// is divided by 2^(lo/clipUnit) for the lower end, and by 2^(hi/clipUnit) for the upper end. A
// negative number moves an end outwards. For a symmetric grid lo is 0, and hi is for both ends.
type clip struct{ lo, hi int }

const (
	clipUnit  = exact.OctaveSteps
	clipMost  = 280 * clipUnit // the largest clip of an end; float32 has 278 octaves
	clipStep  = clipUnit / 16  // the step of the coarse search of symmetric ranges
	clipStep2 = clipUnit / 2   // the step of the coarse search that moves two ends
	clipBest  = 3              // how many of the best ranges of a coarse search are refined
	clipDeep  = 24 * clipUnit  // the largest clip of the coarse search that moves two ends
	clipWide  = -clipUnit      // the least clip of an end
)

// A candidate is a range and its cost.
type candidate struct {
	clip
	Range
	cost float64
}

// better reports whether c is preferred to b. c is preferred if it costs less by more than
// margin, a fraction of the cost of b. If the costs differ by at most that, the range nearer to
// the range of all values is preferred.
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

// moved returns how far both ends together are moved, in units of 1/clipUnit octave.
func (c clip) moved() int { return max(c.lo, -c.lo) + max(c.hi, -c.hi) }

// estimate is the margin for costs that are estimated from a histogram. It is larger than
// their rounding errors.
const estimate = 0x1p-32

// clearly is the fraction of the cost that a range of narrower codes has to save if costs are
// estimated from a histogram.
const clearly = 0x1p-6

// drawn returns r with its ends moved towards the center, or outwards, as c says.
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

// rangeFrom returns the range from lo to hi, limited to finite float32 values.
func rangeFrom(lo, hi float64) Range {
	return Range{
		Min: exact.PlusZero(float32(upper(lo, -math.MaxFloat32))),
		Max: exact.PlusZero(float32(lower(hi, math.MaxFloat32))),
	}
}

// reaching returns a range whose largest magnitude is t: the part of r in [-t, t], or, if t is
// larger than all of r, r with its end of the larger magnitude moved out to t.
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

// rangeOf returns the range from which a symmetric grid computes the scale step. low is the
// lowest mark divided by the scale, and r is the range of all values.
func (g *Grid) rangeOf(r Range, step, low float64) Range {
	if g.EachEnd {
		return rangeFrom(float64(low*step), float64((low+float64(g.Highest-g.Lowest))*step))
	}
	return reaching(r, float64(step*g.Divisor))
}

// Cut returns the part of r in [-t, t]. If r does not meet [-t, t], both ends of the result are
// t or both are -t, the one that is nearer to r.
func Cut(r Range, t float32) Range {
	switch {
	case r.Min > t:
		return Range{Min: t, Max: t}
	case r.Max < -t:
		return Range{Min: -t, Max: -t}
	}
	return Range{Min: exact.PlusZero(max(r.Min, -t)), Max: exact.PlusZero(min(r.Max, t))}
}

// beside returns the clip that is step times to away from c. ok is false if an end of it is
// below least or above clipMost.
func (c clip) beside(to clip, step, least int) (n clip, ok bool) {
	n = clip{c.lo + to.lo*step, c.hi + to.hi*step}
	return n, n.lo >= least && n.hi >= least && n.lo <= clipMost && n.hi <= clipMost
}

// allDirections are the directions from a clip to its neighbours. A symmetric grid has the
// first two.
var allDirections = [...]clip{
	{0, -1}, {0, 1},
	{-1, 0}, {1, 0}, {-1, -1}, {1, 1}, {-1, 1}, {1, -1},
}

// directions returns the directions in which a search looks for a better clip.
func (g *Grid) directions() []clip {
	if g.Symmetric {
		return allDirections[:2]
	}
	return allDirections[:]
}
