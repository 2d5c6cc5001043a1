package quant

import (
	"math"
	"sync"
)

// Choosing ranges: from a histogram alone, for an Observer, or for a tensor at
// hand, where the histogram only shows where to look.

// fromHistogram returns the range that s.Range chooses for n values in r. It is
// for methods that need a histogram.
func (s *search) fromHistogram(scheme Scheme, h *histogram, n uint64, r Range) Range {
	if r.Min == r.Max {
		return r
	}
	if m := scheme.Method; m.kind == percentile {
		return h.percentile(tails(m.fraction, n), n, r)
	}
	s.d.load(h, n, r)
	if scheme.Method.kind == entropy {
		return s.entropy(scheme)
	}
	return s.run(scheme).Range
}

// exactly is fromHistogram for values that are in memory. Percentiles are exact,
// and so is the least error of few values. What is few does not depend on the
// machine.
func (s *search) exactly(scheme Scheme, x []float32, r Range) Range {
	if r.Min == r.Max {
		return r
	}
	switch scheme.Method.kind {
	case percentile:
		if len(x) <= percentileMost {
			return s.percentileOfFew(x, tails(scheme.Method.fraction, uint64(len(x))), r)
		}
	case leastSquares, leastAbsolute:
		if len(x) <= scheme.fewValues() {
			if r, ok := s.few(scheme, x, r); ok {
				return r
			}
		}
	}
	return s.many(scheme, x, r)
}

// many is exactly for many values. The least error is looked for around the
// range that the histogram shows, and both that and the widest are compared by
// their real errors.
func (s *search) many(scheme Scheme, x []float32, r Range) Range {
	h := &s.hist
	h.reset(1)
	h.add(x)
	n := uint64(len(x))
	switch m := scheme.Method; m.kind {
	case percentile:
		k := tails(m.fraction, n)
		return Range{s.rank(x, k, r), s.rank(x, n-1-k, r)}
	case entropy:
		s.d.load(h, n, r)
		return s.entropy(scheme)
	}
	s.d.load(h, n, r)
	best := s.run(scheme)
	w := s.widest
	w.cost = s.measure(x, w.Range, math.Inf(1))
	if best.clip != w.clip { // else its cost is the estimate
		best.cost = s.measure(x, best.Range, w.cost)
	}
	if best.clip == w.clip || !best.better(&w, 0) {
		best = w
	}
	return s.refine(best, exactStep, x).Range
}

// fewValues returns up to how many values a sweep is not slower than the search
// for many. That has one end to look for if the mapping is symmetric.
func (s Scheme) fewValues() int {
	switch {
	case s.Mapping == Asymmetric:
		return sweepMost
	case s.Method.kind == leastSquares:
		return sweepMany
	}
	return sweepFew
}

// percentileMost is how many values are sorted for their percentiles.
const percentileMost = 1 << 11

// percentileOfFew returns the range that leaves out k of the values at either end.
func (s *search) percentileOfFew(x []float32, k uint64, r Range) Range {
	if k == 0 {
		return r
	}
	w := &s.sweep
	w.sort(x)
	return Range{plusZero(float32(w.v[k])), plusZero(float32(w.v[uint64(len(x))-1-k]))}
}

// exactStep is that of the search by real errors.
const exactStep = clipUnit / 16

// measure returns the sum of e² or |e| over x, or infinity if it is more than
// limit.
func (s *search) measure(x []float32, r Range, limit float64) float64 {
	scale, zero := s.scheme.params(r)
	qmin, qmax := s.scheme.Grid()
	s.scale[0], s.zero[0] = scale, zero
	total := 0.0
	for len(x) > 0 {
		n := min(len(x), blockLen)
		errorsRuns(s.acc[:], x[:n], n, s.scale[:], s.zero[:], int32(qmin), int32(qmax))
		if s.squares {
			total += s.acc[0].sq
		} else {
			total += s.acc[0].abs
		}
		if x = x[n:]; total > limit {
			return math.Inf(1)
		}
	}
	return total
}

// rank returns the value of x that k others are not above, exactly: among those
// of its bin, which s.hist shows, the lower 16 bits decide.
func (s *search) rank(x []float32, k uint64, r Range) float32 {
	bin, k := s.hist.locate(k)
	s.lower = resize(s.lower, 1<<16)
	clear(s.lower)
	for _, v := range x {
		if binOf(v) == bin {
			s.lower[math.Float32bits(v)&0xffff]++
		}
	}
	for i, c := range s.lower {
		if k < c {
			return plusZero(math.Float32frombits(uint32(bin)<<16 | uint32(i)))
		}
		k -= c
	}
	return r.Max
}

// A choice is the job of choosing the range of every parameter of a tensor, none
// of which has many values.
type choice struct {
	valueWalk
	scheme Scheme
}

// choiceArgs are what goroutines need of it.
type choiceArgs struct {
	choice *choice
	x      []float32
	lo, hi []float32
}

var (
	choices      = sync.Pool{New: func() any { return new(choice) }}
	choosers     = newTeams(func(a *choiceArgs, i int) { a.choice.guarded(a.x, a.lo, a.hi, i) })
	valueBuffers = sync.Pool{New: func() any { return new(valueBuffer) }}
)

// choose narrows the ranges of a tensor's parameters as s.Method says. The
// elements are x or come from src; without a Source there is no error.
func (s Scheme) choose(x []float32, src Source, l layout, lo, hi []float32) error {
	if s.Method.ranged() {
		return nil
	}
	if l.large() {
		return s.chooseLarge(x, src, l, lo, hi)
	}
	c := choices.Get().(*choice)
	c.scheme = s
	n := c.begin(l, src)
	if several(n) && onHeap(x) && onHeap(lo) && onHeap(hi) {
		a := choiceArgs{c, x, lo, hi}
		choosers.do(hide(&a), n)
	} else {
		for i := range n {
			c.choosePart(x, lo, hi, i)
		}
	}
	err := c.outcome()
	c.end()
	choices.Put(c)
	return err
}

// chooseOne is choose for a tensor in memory of one parameter. Elsewhere than here
// the range may stay on the stack, where slices given to choose may not.
func (s Scheme) chooseOne(x []float32, l layout, r Range) Range {
	lo, hi := []float32{r.Min}, []float32{r.Max}
	s.choose(x, nil, l, lo, hi) // no error without a Source
	return Range{lo[0], hi[0]}
}

// guarded is choosePart in any goroutine.
func (c *choice) guarded(x, lo, hi []float32, i int) {
	done := false
	defer c.guard(&done)
	c.choosePart(x, lo, hi, i)
	done = true
}

// choosePart narrows the ranges of the i-th part's parameters.
func (c *choice) choosePart(x, lo, hi []float32, i int) {
	v, s := valueBuffers.Get().(*valueBuffer), searches.Get().(*search)
	p, end, b := c.parameters(i)
	x, _, pitch := c.elements(x, nil, &b, &v.read, nil)
	for x != nil && p < end {
		t := c.values(p, end-p)
		t.e -= b.e
		if b.rows > 1 {
			t.stride = pitch
		}
		v.together(x, &t)
		for j := range t.n / t.run {
			r := s.exactly(c.scheme, v.of(x, &t, j), Range{lo[p+j], hi[p+j]})
			lo[p+j], hi[p+j] = r.Min, r.Max
		}
		p += t.n / t.run
	}
	searches.Put(s)
	valueBuffers.Put(v)
}
