package quant

import "github.com/a01592f9/quant/internal/work"

// Choosing ranges for a tensor that is in memory, none of whose parameters has too
// many values to be brought together.

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
