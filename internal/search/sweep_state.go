package search

// What a sweep holds: see sweep.go.

// A poly is a + b*d + c*d², d being the step less that at the beginning.
type poly struct{ a, b, c float64 }

func (p *poly) add(q *poly) { p.a, p.b, p.c = p.a+q.a, p.b+q.b, p.c+q.c }

// least returns where between low and high p is the least.
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

func (p *poly) at(d float64) float64 { return p.a + float64(d*(p.b+float64(d*p.c))) }

// An event is where a value changes its polynomial: u is 1/step.
type event struct {
	u float64
	poly
}

// A spot is a step and the lowest mark, in steps from 0, with its cost.
type spot struct{ step, low, cost float64 }

// A tail is the values next to an end, outermost first, that may lie beyond
// the marks: those within reach, since to clip more costs more than the best.
type tail struct {
	t     []float64 // distance from the outermost
	sums  []twoSums // of the first i
	n     int
	reach float64
	sure  int // that lie beyond for certain

	// Of the others, for one piece.
	y      []float64 // values in steps
	out    []poly    // of the first i, as they were if there were more marks
	beyond int
}

type twoSums struct{ t, sq float64 }

// A sweep's work.
type sweep struct {
	grid      *Grid
	squares   bool
	symmetric bool
	steps     float64 // from the lowest mark to the highest
	low       float64 // the lowest mark of the symmetric mapping
	r         Range
	lo, hi    float64 // what a range may hold: r, with 0 if it must
	lowest    float64 // of marks: -Inf, or if they must hold 0, -steps
	most      float64 // magnitude
	total     float64 // of magnitudes
	v         []float64
	mags      []float64 // some values of very many

	// For the steps that are wider than those of the smallest and the largest value.
	some        []float64 // values of which distances are computed
	share       float64   // that these have in what all values cost
	someTotal   float64   // of their magnitudes
	someSquares float64
	phases      []Phases
	sums        PhaseSums
	lowPhases   func(sums *PhaseSums, all []Phases, steps int, limit, down uint32, squares bool) uint64
	left        []interval
	under       float64 // what the best step is known to cost, at most
	spared      float64 // intervals whose bound is not below that are left out

	keys  [2][]uint32
	lower tail
	upper tail

	begun    float64 // 1/step at which the sweep begins
	first    float64 // step of the polynomial
	from     float64 // 1/first
	mid      float64 // of a piece, like from
	p        poly
	events   []event
	ordered  []event
	starts   [257]int32
	buckets  []poly
	width    float64 // of a bucket
	perWidth float64
	limit    float64 // what an offer must be below
	wanted   int     // offers

	// Where the marks may be, for the steps of a pass: the lowest not above l2,
	// the highest not below h1, all between bottom and top. reach is the
	// largest magnitude of values that may not be clipped.
	l2, h1, bottom, top, reach float64

	perUnit       float64 // buckets
	leastBuckets  float64
	mostEvents    float64 // that are taken one by one
	usual, margin float64

	places []spot
	near   float64 // places nearer to each other than that are one
	exact  []spot
}

// floor returns the least step that a range gets.
func (w *sweep) floor() float64 {
	return max(w.grid.LeastScale, w.most*w.grid.LeastRatio)
}

func lower(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

func upper(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

// clear forgets what extend summed up for another piece.
func (t *tail) clear() {
	t.y, t.out, t.beyond = t.y[:0], append(t.out[:0], poly{}), 0
}

const (
	sweepMost    = 1 << 13 // values, at most
	sweepExact   = 64      // values, at most, all of whose events are taken one by one
	sweepFew     = 256     // values, at most, whose errors need not be as expected
	sweepMany    = 1024    // values from which on less is looked at more closely
	sweepUnits   = 64      // of a pass: by how many steps the largest magnitude comes to differ
	sweepWidest  = 1.5     // of a pass: the last step to the first
	sweepEvents  = 2048    // that are taken one by one, at most
	sweepBuckets = 4096    // of events that are not
	sweepWindows = 64      // passes, where there would be very many
	sweepLong    = 1e5     // values that may be clipped, times steps, for which it would take long
	sweepTouches = 8       // ulps
	sweepWork    = 1 << 26 // events, at most, all of which are looked at
)
