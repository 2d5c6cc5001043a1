package quant

import (
	"runtime"

	"github.com/a01592f9/quant/internal/histogram"
	"github.com/a01592f9/quant/internal/work"
)

// A large batch of a single tensor is shared out among goroutines. Each counts
// its share in a histogram of its own, block by block with the range, so that
// the batch is read once, and nothing has to be taken back if some value turns
// out not to be finite.

const (
	shareLen   = 1 << 20 // elements of a share, at least: adding a histogram takes a tenth of counting so many
	shareBlock = 1 << 15 // elements whose range is found before they are counted: enough for the kernel's own tables
)

// A share is what a goroutine makes of its part of a batch.
type share struct {
	hist   histogram.Histogram
	lo, hi float32
	finite bool
}

type sharing struct {
	src    []float32
	shares []share
}

var sharers = work.New(func(s *sharing, i int) { s.take(s.src, i) })

// share observes a batch of a single tensor, and reports whether it has: it has
// not if a value is not finite, or if the batch is too small.
func (o *Observer) share(src []float32) bool {
	n := min(len(src)/shareLen, runtime.GOMAXPROCS(0))
	if n == 0 {
		return false
	}
	if len(o.shares) < n {
		o.shares = append(o.shares, make([]share, n-len(o.shares))...)
	}
	s := sharing{shares: o.shares[:n]}
	if n > 1 && work.OnHeap(src) {
		s.src = *work.Hide(&src)
		sharers.Do(&s, n)
	} else {
		for i := range n {
			s.take(src, i)
		}
	}
	for i := range s.shares {
		if !s.shares[i].finite {
			return false
		}
	}
	o.grow(1)
	p := &o.params[0]
	lo, hi := s.shares[0].lo, s.shares[0].hi
	for i := range s.shares {
		part := &s.shares[i]
		lo, hi = min(lo, part.lo), max(hi, part.hi)
		p.hist.Merge(&part.hist)
	}
	o.widen(p, uint64(len(src)), lo, hi)
	o.counter.Finite += uint64(len(src))
	return true
}

// take does the i-th share.
func (s *sharing) take(src []float32, i int) {
	n := len(s.shares)
	x := src[len(src)/n*i:]
	if i < n-1 {
		x = x[:len(src)/n]
	}
	p := &s.shares[i]
	p.hist.Reset(histogram.Lanes)
	p.finite = false
	for first := true; len(x) > 0; first = false {
		block := x[:min(shareBlock, len(x))]
		var lo, hi [1]float32
		if !rangeRuns(lo[:], hi[:], block, len(block)) {
			return
		}
		if first {
			p.lo, p.hi = lo[0], hi[0]
		}
		p.lo, p.hi = min(p.lo, lo[0]), max(p.hi, hi[0])
		countValues(&p.hist, block)
		x = x[len(block):]
	}
	p.finite = true
}
