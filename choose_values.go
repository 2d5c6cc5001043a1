package quant

import (
	"sync"

	"github.com/a01592f9/quant/internal/work"
)

// Choosing ranges for parameters none of which has too many values to be brought
// together.

// A choice is the job of choosing the range of every parameter of a tensor, none
// of which has many values.
type choice struct {
	valueWalk
	scheme scaler
}

// choiceArgs are what goroutines need of it.
type choiceArgs struct {
	choice *choice
	x      []float32
	lo, hi []float32
}

var (
	choices      = sync.Pool{New: func() any { return new(choice) }}
	choiceParts  = work.New(func(a *choiceArgs, i int) { a.choice.guarded(a.x, a.lo, a.hi, i) })
	valueBuffers = sync.Pool{New: func() any { return new(valueBuffer) }}
)

// choose narrows the ranges of a tensor's parameters as s.Method says. The
// elements are x or come from src; without a Source there is no error. tensor is the
// scale of the tensor (see tensorScale).
func (s Scheme) choose(x []float32, src Source, l layout, lo, hi []float32, tensor float32) error {
	if s.Method.ranged() {
		return nil
	}
	if l.large() {
		return s.chooseLarge(x, src, l, lo, hi)
	}
	c := choices.Get().(*choice)
	c.scheme = s.scaler(tensor)
	n := c.begin(l, src)
	if work.Several(n) && work.OnHeap(x) && work.OnHeap(lo) && work.OnHeap(hi) {
		a := choiceArgs{c, x, lo, hi}
		choiceParts.Do(work.Hide(&a), n)
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
func (s Scheme) chooseOne(x []float32, l layout, r Range, tensor float32) Range {
	lo, hi := []float32{r.Min}, []float32{r.Max}
	s.choose(x, nil, l, lo, hi, tensor) // no error without a Source
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
	v, s := valueBuffers.Get().(*valueBuffer), choosers.Get().(*chooser)
	s.use(c.scheme)
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
			r := s.ofValues(v.of(x, &t, j), Range{lo[p+j], hi[p+j]})
			lo[p+j], hi[p+j] = r.Min, r.Max
		}
		p += t.n / t.run
	}
	choosers.Put(s)
	valueBuffers.Put(v)
}
