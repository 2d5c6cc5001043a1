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

// valid reports whether the ends of c are in order and finite.
func (c *candidate) valid() bool {
	return c.Min <= c.Max && c.Min >= -math.MaxFloat32 && c.Max <= math.MaxFloat32
}

// moved returns how far both ends together are moved, in units of 1/clipUnit octave.
func (c clip) moved() int { return max(c.lo, -c.lo) + max(c.hi, -c.hi) }

// estimate is the margin for costs that are estimated from a histogram. It is larger than
// their rounding errors.
const estimate = 0x1p-32

// clearly is the fraction of the cost that a range of narrower codes has to save if costs are
// estimated from a histogram.
const clearly = 0x1p-6

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
