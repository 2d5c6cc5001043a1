package search

// The data of a sweep, and its constants. sweep.go explains the words.

// A poly is the cost a + b*d + c*d² at a step, d being that step less sweep.first.
type poly struct{ a, b, c float64 }

func (p *poly) add(q *poly) { p.a, p.b, p.c = p.a+q.a, p.b+q.b, p.c+q.c }

// least returns the d between low and high at which p is least.
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

// at returns the value of p at d.
func (p *poly) at(d float64) float64 { return p.a + float64(d*(p.b+float64(d*p.c))) }

// An event is a change of the cost: the step 1/u at which it happens, and the polynomial by
// which the cost grows from there on.
type event struct {
	u float64
	poly
}

// A moving value x has the error e as the mark k, and becomes the marks after it up to last.
type moving struct{ x, e, k, last float64 }

// A spot is a step and the lowest mark, counted in steps, with their cost.
type spot struct{ step, low, cost float64 }

// insert inserts a spot at the index i into spots, of which there are at most the given number: beyond
// it the last one is dropped.
func insert(spots []spot, at spot, i, most int) []spot {
	if i == most {
		return spots
	}
	if len(spots) < most {
		spots = append(spots, spot{})
	}
	copy(spots[i+1:], spots[i:])
	spots[i] = at
	return spots
}

// An interval is the steps from 1/u up to 1/(u-h). Its bound is a lower bound on their cost.
type interval struct{ u, h, bound float64 }

// A tail is the values next to one end that may be clipped, outermost first. If values farther
// in were clipped too, the clipped values alone would cost more than the best range so far.
type tail struct {
	t     []float64 // the distance of each value from the outermost one
	sums  []twoSums // sums[i] is the sums over the first i values
	n     int       // the number of values
	reach float64   // the largest distance of the end of the marks from the outermost value
	sure  int       // the number of outermost values that are clipped in all of a pass

	// For one piece, and the values that come after the sure ones:
	y      []float64 // the values, in steps
	out    []poly    // out[i] is the cost of the first i values, for marks without ends
	beyond int       // the number of values that the last call of clip found to be clipped
}

// A twoSums holds the sums of distances and of their squares.
type twoSums struct{ t, sq float64 }

// nearer returns the number of values of t whose distance from the outermost value is below d.
func (t *tail) nearer(d float64) int {
	a, b := 0, t.n
	for a < b {
		if m := int(uint(a+b) / 2); t.t[m] < d {
			a = m + 1
		} else {
			b = m
		}
	}
	return a
}

// clear removes what extend computed for the last piece.
func (t *tail) clear() {
	t.y, t.out, t.beyond = t.y[:0], append(t.out[:0], poly{}), 0
}

// A sweep is the state of a sweep, and memory that the next one uses again.
type sweep struct {
	grid      *Grid
	squares   bool      // the cost is the sum of e², else of |e|
	symmetric bool      // the mapping of the grid is symmetric
	steps     float64   // the number of steps from the lowest mark to the highest
	low       float64   // the lowest mark of the symmetric mapping, in steps
	r         Range     // the range of the values
	lo, hi    float64   // the ends of r, widened to hold 0 if ranges must hold it
	lowest    float64   // the least lowest mark, in steps: -Inf, or -steps if marks must hold 0
	most      float64   // the largest magnitude of the values
	total     float64   // the sum of the values' magnitudes
	v         []float64 // the values, in ascending order
	mags      []float64 // memory for some

	// For the steps that are wider than w.first: see sweep_wide.go.
	some        []float64 // the values whose distances from the marks are computed
	share       float64   // the largest share of these values in the cost of all values
	someTotal   float64   // the sum of the magnitudes of these values
	someSquares float64   // the sum of their squares
	someRoot    float64   // the square root of their number
	phases      []Phases  // the phases of these values
	sums        PhaseSums // the sums that Low sets
	bounds      StepBounds
	kernels     Kernels
	left        []interval // the intervals that are still to be divided
	under       float64    // an upper bound on the cost of the best step known
	slack       float64    // see setSlack
	spared      float64    // intervals with a bound of this or more are left out

	keys  [2][]uint32 // memory for sort
	few   fewKeys
	lower tail // the smallest values
	upper tail // the largest values

	unsorted [networkSize]float32 // the argument of SortFew

	begun    float64    // no smaller 1/step is looked at
	first    float64    // the step at which the d of polynomials is 0
	from     float64    // 1/first
	mid      float64    // 1/step in the middle of a piece
	p        poly       // the cost in the piece, without the values that are clipped for certain
	moving   []moving   // memory for loadSquares
	events   []event    // the events of a pass, if they are taken one by one
	ordered  []event    // memory for order
	starts   [257]int32 // memory for order
	buckets  []poly     // the sums of the events in each bucket
	width    float64    // the width of a bucket in 1/step; 0 if events are taken one by one
	perWidth float64    // 1/width
	limit    float64    // spots are kept only if they cost less
	wanted   int        // the largest number of spots that are kept

	// Bounds on the ends of the marks for the steps of a pass, in the unit of the values: the
	// lowest mark is at most l2, the highest mark is at least h1, and all marks lie between
	// bottom and top. reach is the largest magnitude of values that may be between the ends.
	l2, h1, bottom, top, reach float64

	perUnit      float64 // the number of buckets per step by which the largest magnitude moves
	leastBuckets float64 // the least number of buckets of a pass
	mostEvents   float64 // the largest expected number of events that are taken one by one

	// usual is the cost expected without clipping, divided by the step or, for e², by its
	// square. It is 0 if nothing is expected. Steps are left out if their expected cost is above
	// the best by more than the fraction margin.
	usual, margin float64

	places []spot  // the best spots by the sums of buckets
	near   float64 // spots at a distance of at most this, in 1/step, count as one
	exact  []spot  // the best spots by events that were taken one by one
}

// floor returns the smallest scale that the grid gives to a range of these values.
func (w *sweep) floor() float64 {
	return max(w.grid.LeastScale, w.most*w.grid.LeastRatio)
}

// rounding returns about the cost of n values whose errors are rounding errors of float32.
func (w *sweep) rounding(n int) float64 {
	e := w.most * 0x1p-20
	if w.squares {
		e *= e
	}
	return float64(n) * e
}

const (
	sweepMost    = 1 << 13 // the largest number of values of a sweep
	sweepExact   = 64      // up to this number of values, all events are taken one by one
	sweepFew     = 256     // up to this number of values, no step is left out by expected costs
	sweepMany    = 1024    // above this number of values, sweeps are coarser
	sweepUnits   = 64      // by how many steps the largest magnitude moves in a pass at most
	sweepWidest  = 1.5     // the largest ratio of the first step of a pass to its last
	sweepEvents  = 2048    // the largest number of events around a spot, about
	sweepBuckets = 4096    // the largest number of buckets of a pass
	sweepWindows = 64      // the number of passes where a sweep of all steps would take very long
	sweepLong    = 1e5     // the largest number of values in tails, times steps, of a long sweep
	sweepSpots   = 16      // the number of spots compared if the least cost is about that of rounding
	sweepWork    = 1 << 26 // the largest number of events of a sweep of all steps
)
