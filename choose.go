package quant

import (
	"math"
	"sync"

	"github.com/a01592f9/quant/internal/histogram"
	"github.com/a01592f9/quant/internal/search"
	"github.com/a01592f9/quant/internal/work"
)

// Choosing ranges: here a method becomes a search (see internal/search), and real
// errors, by which it goes, come from kernels.

// A scaler is a scheme as a search sees it.
type scaler Scheme

// Params returns the scale and the zero point of a range.
func (s *scaler) Params(r search.Range) (scale float32, zero int32) {
	return (*Scheme)(s).params(Range(r))
}

// task returns what s.Method asks a search for. The search keeps a pointer to s.
func (s *Scheme) task() search.Task {
	qmin, qmax := s.Grid()
	_, divisor := s.symmetricGrid()
	ratio := float64(leastRatio)
	if s.Mapping == Symmetric {
		ratio = 0
	}
	return search.Task{
		Grid: search.Grid{
			Scaler: (*scaler)(s), Lowest: int32(qmin), Highest: int32(qmax),
			Symmetric: s.Mapping == Symmetric, ZeroInRange: s.ZeroInRange,
			Proportional: true, Divisor: float64(divisor), LeastScale: minScale, LeastRatio: ratio,
		},
		Goal: s.Method.goal(), Percentile: s.Method.fraction,
	}
}

// A chooser is memory for choosing ranges.
type chooser struct {
	search search.Search
	scheme Scheme
	task   search.Task

	// For the kernel of errors, of one run.
	scale [1]float32
	zero  [1]int32
	acc   [1]sums
}

var choosers = sync.Pool{New: func() any { return new(chooser) }}

// use makes c choose ranges for s.
func (c *chooser) use(s Scheme) {
	c.scheme = s
	c.task = c.scheme.task()
}

// ofHistogram returns the range that c's scheme chooses for n values in r, of
// which there is a histogram.
func (c *chooser) ofHistogram(h *histogram.Histogram, n uint64, r Range) Range {
	return Range(c.search.OfHistogram(&c.task, h, n, search.Range(r)))
}

// ofValues is ofHistogram for values that are at hand.
func (c *chooser) ofValues(x []float32, r Range) Range {
	return Range(c.search.OfValues(&c.task, x, search.Range(r),
		func(r search.Range, limit float64) float64 { return c.cost(x, Range(r), limit) },
		func(h *histogram.Histogram) { countValues(h, x) }))
}

// cost returns the sum of e² or |e| over x, or infinity if it is more than limit.
func (c *chooser) cost(x []float32, r Range, limit float64) float64 {
	qmin, qmax := c.task.Lowest, c.task.Highest
	c.scale[0], c.zero[0] = c.scheme.params(r)
	total := 0.0
	for len(x) > 0 {
		n := min(len(x), blockLen)
		errorsRuns(c.acc[:], x[:n], n, c.scale[:], c.zero[:], qmin, qmax)
		if c.task.Goal == search.Squares {
			total += c.acc[0].sq
		} else {
			total += c.acc[0].abs
		}
		if x = x[n:]; total > limit {
			return math.Inf(1)
		}
	}
	return total
}

// A choice is the job of choosing the range of every parameter of a tensor.
type choice struct {
	layout
	scheme Scheme
	src    []float32
	lo, hi []float32 // those of all values, which become the chosen ones
}

var choices = work.New(func(c *choice, i int) { c.part(c.src, i) })

// choose narrows the ranges of a tensor's parameters as s.Method says.
func (s Scheme) choose(src []float32, l layout, lo, hi []float32) {
	if s.Method.ranged() {
		return
	}
	if l.large() {
		s.chooseLarge(src, nil, l, lo, hi) // no error without a Source
		return
	}
	c := choice{layout: l, scheme: s, lo: lo, hi: hi}
	n := (l.params + l.perItem() - 1) / l.perItem()
	if work.Several(n) && work.OnHeap(src) && work.OnHeap(lo) && work.OnHeap(hi) {
		c.src = *work.Hide(&src)
		choices.Do(work.Hide(&c), n)
		return
	}
	for i := range n {
		c.part(src, i)
	}
}

// chooseOne is choose for a tensor of one parameter. Elsewhere than here the
// range may stay on the stack, where slices given to choose may not.
func (s Scheme) chooseOne(src []float32, l layout, r Range) Range {
	lo, hi := []float32{r.Min}, []float32{r.Max}
	s.choose(src, l, lo, hi)
	return Range{lo[0], hi[0]}
}

// part chooses the ranges of the parameters that are the i-th part of the job.
func (c *choice) part(src []float32, i int) {
	g, q := gathers.Get().(*gather), choosers.Get().(*chooser)
	q.use(c.scheme)
	end := min((i+1)*c.perItem(), c.params)
	for p := i * c.perItem(); p < end; {
		t := c.rectangle(p, end-p)
		g.collect(src, &t)
		for j := range t.params {
			r := q.ofValues(g.whole(src, &t, j), Range{c.lo[p+j], c.hi[p+j]})
			c.lo[p+j], c.hi[p+j] = r.Min, r.Max
		}
		p += t.params
	}
	choosers.Put(q)
	gathers.Put(g)
}
