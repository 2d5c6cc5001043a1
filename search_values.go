package quant

import (
	"math"
	"slices"
)

// The search for the least error on the values themselves, where they are at
// hand and too few for a histogram to be worth its while. Several runs of the
// same length are searched together: each candidate of all of them goes through
// the kernel in one call. What one run finds does not depend on the others.
//
// First come all ranges of a coarse grid of clips, but for those that must cost
// more than the best: what lies beyond an end costs at least its distance from
// it. The best are looked around with ever smaller steps.

const (
	valuesMost     = blockLen // values of a run, at most
	valuesTogether = 2048     // values that are searched together
	runsTogether   = 64       // runs that are, at most

	valuesStep   = clipUnit / 16 // of the coarse grid of symmetric ranges
	valuesStep2  = clipUnit / 2  // the same for two ends
	valuesBest   = 2             // of the coarse grid, which are looked around; of ranges with two ends one
	valuesRounds = 3             // of looking around with the same step

	tailBins = 16 * 4 // of a tail: by magnitude, four to an octave
)

// A contender is a run that is searched.
type contender struct {
	frame
	best   candidate
	starts [valuesBest]candidate // the best of the coarse grid, by cost
	n      int                   // of them
	around candidate             // what is looked around, and what is better
	next   candidate
	trial  candidate
	active bool
	moving bool

	// cut[i] are ends that are drawn in by so many steps, the lower end first:
	// parts of values.ends.
	cut [2]struct{ first, n int }
	gap float64 // between the center and 0, if that must be in the range
}

// An end is one end of a range.
type end struct {
	at     float64 // distance from the center
	cost   float64 // what it costs at least
	n, sum float64 // of some distances beyond it
}

// beyond returns what e costs at least if the grid goes on for slack: since
// costs are convex, no less than if all distances were the same.
func (e *end) beyond(slack float64, squares bool) float64 {
	d := e.sum - float64((e.at+slack)*e.n)
	if d <= 0 {
		return e.cost
	}
	if squares {
		return max(e.cost, float64(d*d)/e.n)
	}
	return max(e.cost, d)
}

// A tail is some values by their distance from the center.
type tail struct{ n, sum, squares [tailBins]float64 }

// values is what a search on values needs beside.
type values struct {
	runs   [runsTogether]contender
	ends   []end
	tails  [2]tail
	params Params
	lo, hi [runsTogether]float32
	acc    [runsTogether]sums
	sorted []float32
}

// onValues narrows the ranges of runs of n values, one after the other in x, as
// exactly does.
func (s *search) onValues(scheme Scheme, x []float32, n int, lo, hi []float32) {
	s.scheme, s.squares = scheme, scheme.Range.kind == leastSquares
	for k := min(max(valuesTogether/n, 1), runsTogether); len(lo) > 0; {
		k = min(k, len(lo))
		s.together(x[:k*n], n, lo[:k], hi[:k])
		x, lo, hi = x[k*n:], lo[k:], hi[k:]
	}
}

func (s *search) together(x []float32, n int, lo, hi []float32) {
	v := &s.values
	runs := v.runs[:len(lo)]
	v.params.set(s.scheme, len(runs))
	v.ends = v.ends[:0]
	some := false
	for i := range runs {
		c := &runs[i]
		c.frame = frame{r: Range{lo[i], hi[i]}, symmetric: s.scheme.Mapping == Symmetric}
		c.n = 0
		c.trial.clip = clip{}
		c.active = lo[i] < hi[i]
		some = some || c.active
		v.lo[i], v.hi[i] = lo[i], hi[i]
	}
	if !some {
		return
	}
	s.tryAll(x, n, runs)
	for i := range runs {
		c := &runs[i]
		c.best = c.trial
		if c.active {
			c.prepare(s, x[i*n:(i+1)*n], float64(v.params.Scale[i]))
			c.keep()
		}
		c.moving = c.active
	}
	if s.scheme.Mapping == Symmetric {
		s.grid1(x, n, runs)
	} else {
		s.grid2(x, n, runs)
	}
	s.lookAround(x, n, runs, 0)
	if s.scheme.Mapping == Symmetric {
		s.lookAround(x, n, runs, 1)
	}
	for i := range runs {
		if r := runs[i].best.Range; runs[i].moving {
			lo[i], hi[i] = r.Min, r.Max
		}
	}
}

// tryAll finds what the trials of the active runs cost.
func (s *search) tryAll(x []float32, n int, runs []contender) {
	v := &s.values
	for i := range runs {
		if c := &runs[i]; c.active {
			c.trial.Range = c.at(c.trial.clip)
			v.lo[i], v.hi[i] = c.trial.Min, c.trial.Max
		}
	}
	k := len(runs)
	s.scheme.paramsOf(&v.params, v.lo[:k], v.hi[:k])
	qmin, qmax := s.scheme.Grid()
	errorsRuns(v.acc[:k], x, n, v.params.Scale, v.params.ZeroPoint, int32(qmin), int32(qmax))
	for i := range runs {
		if c := &runs[i]; s.squares {
			c.trial.cost = v.acc[i].sq
		} else {
			c.trial.cost = v.acc[i].abs
		}
	}
}

// keep takes the trial into account for the best, and for the starts.
func (c *contender) keep() {
	if c.trial.better(&c.best, 0) {
		c.best = c.trial
	}
	i := c.n
	for i > 0 && c.trial.better(&c.starts[i-1], 0) {
		i--
	}
	if i == valuesBest {
		return
	}
	c.n = min(c.n+1, valuesBest)
	copy(c.starts[i+1:c.n], c.starts[i:])
	c.starts[i] = c.trial
}

// prepare finds the center of a run, and the bounds of its ends; scale is that
// of the widest range, which is the best so far.
func (c *contender) prepare(s *search, x []float32, scale float64) {
	v := &s.values
	c.center, c.gap = 0, 0
	switch {
	case c.symmetric:
	case s.scheme.ZeroInRange:
		c.center = float64(clampTo(0, c.r))
		c.gap = math.Abs(c.center)
	default:
		v.sorted = append(v.sorted[:0], x...)
		c.center = float64(nth(v.sorted, (len(x)-1)/2))
	}
	most := [2]float32{float32(c.center - float64(c.r.Min)), float32(float64(c.r.Max) - c.center)}
	step, extra := valuesStep2, scale/2
	if c.symmetric {
		most = [2]float32{0, max(-c.r.Min, c.r.Max)}
		step, extra = valuesStep, 0
	}
	used := v.gather(x, float32(c.center), most, c.symmetric)
	extra += float64(max(-c.r.Min, c.r.Max)) * 0x1p-20
	for i := range c.cut {
		c.cut[i].first = len(v.ends)
		v.ends = append(v.ends, end{at: float64(most[i])})
		if most[i] > 0 && !math.IsInf(float64(most[i]), 0) {
			v.cut(&v.tails[i], most[i], extra, step, used[i], c.best.cost, s.squares)
		}
		c.cut[i].n = len(v.ends) - c.cut[i].first
		clear(v.tails[i].n[:used[i]])
		clear(v.tails[i].sum[:used[i]])
		clear(v.tails[i].squares[:used[i]])
	}
}

// gather puts the values of x into tails by their distance from the center,
// the larger ones first, and returns how many bins it used. Those of a bin are
// not less than tailEdge.
func (v *values) gather(x []float32, center float32, most [2]float32, symmetric bool) (used [2]int) {
	top := [2]uint32{math.Float32bits(most[0]), math.Float32bits(most[1])}
	for _, e := range x {
		side, d := 1, e-center
		if d < 0 {
			d = -d
			if !symmetric {
				side = 0
			}
		}
		i := (top[side] - math.Float32bits(d)) >> 21
		if i >= tailBins {
			continue // too near, or rounded to beyond the end
		}
		t := &v.tails[side]
		f := float64(d)
		t.n[i]++
		t.sum[i] += f
		t.squares[i] += float64(f * f)
		used[side] = max(used[side], int(i)+1)
	}
	return used
}

// tailEdge returns the least distance in bin i, most being the greatest of all.
func tailEdge(most float32, i int) float64 {
	b := math.Float32bits(most)
	if down := uint32(i+1) << 21; down < b {
		return float64(math.Float32frombits(b - down))
	}
	return 0
}

// cut appends to bounds what ends cost at least that are drawn in by one step,
// two, and so on, as long as that is not more than limit.
func (v *values) cut(t *tail, most float32, extra float64, step, used int, limit float64, squares bool) {
	var n, sum, sq float64
	i := 0
	for k := step; k <= clipDeep; k += step {
		at := drawnIn(float64(most), k)
		h := at + extra
		for ; i < used && tailEdge(most, i) >= h; i++ {
			n, sum, sq = n+t.n[i], sum+t.sum[i], sq+t.squares[i]
		}
		b := sum - float64(h*n)
		if squares {
			b = sq - float64(2*h*sum) + float64(h*h*n)
		}
		if b > limit {
			return
		}
		e := end{at, b, n, sum}
		for j := i; j < used && tailEdge(most, j) >= at; j++ {
			e.n, e.sum = e.n+t.n[j], e.sum+t.sum[j]
		}
		v.ends = append(v.ends, e)
	}
}

// grid1 tries the coarse grid of symmetric ranges.
func (s *search) grid1(x []float32, n int, runs []contender) {
	v := &s.values
	for i := 1; ; i++ {
		some := false
		for j := range runs {
			c := &runs[j]
			c.active = c.moving && i < c.cut[1].n && v.ends[c.cut[1].first+i].cost <= c.best.cost
			c.trial.clip = clip{hi: i * valuesStep}
			some = some || c.active
		}
		if !some {
			return
		}
		s.tryAll(x, n, runs)
		for j := range runs {
			if c := &runs[j]; c.active {
				c.keep()
			}
		}
	}
}

// grid2 tries the coarse grid of ranges with two ends.
func (s *search) grid2(x []float32, n int, runs []contender) {
	v := &s.values
	for lo, rows := 0, true; rows; lo++ {
		rows = false
		for hi := 0; ; hi++ {
			if lo+hi == 0 {
				rows = true
				continue
			}
			some := false
			for j := range runs {
				c := &runs[j]
				c.active = c.moving && lo < c.cut[0].n && hi < c.cut[1].n && s.promising(c, &v.ends[c.cut[0].first+lo], &v.ends[c.cut[1].first+hi])
				c.trial.clip = clip{lo * valuesStep2, hi * valuesStep2}
				some = some || c.active
			}
			if !some {
				break
			}
			rows = true
			s.tryAll(x, n, runs)
			for j := range runs {
				if c := &runs[j]; c.active {
					c.keep()
				}
			}
		}
	}
}

// promising reports whether two ends need not cost more than the best range.
func (s *search) promising(c *contender, lo, hi *end) bool {
	if lo.cost+hi.cost > c.best.cost {
		return false
	}
	qmin, qmax := s.scheme.Grid()
	slack := (lo.at+hi.at+c.gap)/float64(2*(qmax-qmin)) + float64(max(-c.r.Min, c.r.Max))*0x1p-20
	return lo.beyond(slack, s.squares)+hi.beyond(slack, s.squares) <= c.best.cost
}

// lookAround refines the i-th start of each run.
func (s *search) lookAround(x []float32, n int, runs []contender, i int) {
	some := false
	for j := range runs {
		c := &runs[j]
		if c.active = c.moving && i < c.n; c.active {
			c.around, some = c.starts[i], true
		}
	}
	if !some {
		return
	}
	step := valuesStep2
	if s.scheme.Mapping == Symmetric {
		step = valuesStep
	}
	for step /= 2; step > 0; step /= 2 {
		s.lookAt(x, n, runs, i, step)
	}
	for j := range runs {
		if c := &runs[j]; c.moving && i < c.n && c.around.better(&c.best, 0) {
			c.best = c.around
		}
	}
}

// lookAt moves each run to the best of its neighbours at a distance of step,
// until there is none, or some times.
func (s *search) lookAt(x []float32, n int, runs []contender, i, step int) {
	for j := range runs {
		c := &runs[j]
		c.active = c.moving && i < c.n
		c.next = c.around
	}
	var going [runsTogether]bool
	for j := range runs {
		going[j] = runs[j].active
	}
	for range valuesRounds {
		for _, d := range directions(s.scheme.Mapping) {
			some := false
			for j := range runs {
				c := &runs[j]
				t := clip{c.around.lo + d.lo*step, c.around.hi + d.hi*step}
				c.active = going[j] && t.lo >= 0 && t.hi >= 0 && t.lo <= clipMost && t.hi <= clipMost
				c.trial.clip = t
				some = some || c.active
			}
			if !some {
				continue
			}
			s.tryAll(x, n, runs)
			for j := range runs {
				if c := &runs[j]; c.active && c.trial.better(&c.next, 0) {
					c.next = c.trial
				}
			}
		}
		some := false
		for j := range runs {
			c := &runs[j]
			going[j] = going[j] && c.next.clip != c.around.clip
			c.around = c.next
			some = some || going[j]
		}
		if !some {
			return
		}
	}
}

// nth returns the value of x that k others are not above. It changes the order
// of x.
func nth(x []float32, k int) float32 {
	for rounds := 0; len(x) > 16; rounds++ {
		if rounds == 32 { // an unlucky order
			break
		}
		a, b, c := x[0], x[len(x)/2], x[len(x)-1]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := 0, len(x)-1
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case k <= j:
			x = x[:j+1]
		case k >= i:
			x, k = x[i:], k-i
		default:
			return x[k]
		}
	}
	slices.Sort(x)
	return x[k]
}
