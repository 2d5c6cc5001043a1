package quant

import (
	"sync"

	"github.com/a01592f9/quant/internal/work"
)

// Choosing ranges for parameters whose values are few enough to be collected in memory.

// A choice is the job of choosing the ranges of all parameters of a tensor, each with few
// values.
type choice struct {
	valueWalk
	scheme scaler
}

// choiceArgs are the arguments of a choice for goroutines.
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

// choose replaces the ranges in lo and hi by the ranges that s.Method chooses. The tensor is x,
// or is read from src. Only a Source causes an error. tensor is the scale of the tensor (see
// tensorScale).
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

// chooseOne is choose for a tensor in memory with one parameter. It takes the range by value,
// since slices that are passed to choose escape to the heap.
func (s Scheme) chooseOne(x []float32, l layout, r Range, tensor float32) Range {
	lo, hi := []float32{r.Min}, []float32{r.Max}
	s.choose(x, nil, l, lo, hi, tensor) // there is no Source, so no error
	return Range{lo[0], hi[0]}
}

// guarded is choosePart for a goroutine other than the caller's. It records a panic, which is
// raised again in the caller's goroutine.
func (c *choice) guarded(x, lo, hi []float32, i int) {
	done := false
	defer c.guard(&done)
	c.choosePart(x, lo, hi, i)
	done = true
}

// choosePart chooses the ranges of the parameters of part i.
func (c *choice) choosePart(x, lo, hi []float32, i int) {
	v, s := valueBuffers.Get().(*valueBuffer), choosers.Get().(*chooser)
	s.use(c.scheme)
	p, end, b := c.parameters(i)
	x, _, pitch := c.elements(x, nil, &b, &v.read, nil)
	since := 0 // values since the Source was asked whether the call has ended
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
			if c.ended(&since, t.rows*t.run) {
				end = p // the results are not needed
				break
			}
		}
		p += t.n / t.run
	}
	choosers.Put(s)
	valueBuffers.Put(v)
}
