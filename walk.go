package quant

import (
	"math"
	"sync"

	"github.com/a01592f9/quant/internal/work"
)

// A walk passes the elements of a tensor to kernels, to compute ranges and sums of squares, the
// errors of any number of schemes, or both. Compare and Calibrate use it.
//
// A pass over the tensor is divided into parts, and each goroutine takes the next part. A part is
// one or several segments of some channels, or of some columns, that are together in memory. Its
// elements are taken in blocks, in the order that order states. The blocks are the same for
// tensors in memory and for tensors that are read.
type walk struct {
	feed
	order
	ranges rangeSink
	errors errorSink

	toRanges, toErrors bool // the pass computes ranges, errors
	quiet              bool // the error for a value that is not finite need not name the value

	first    int // the segment with slot 0
	width    int // number of columns that a kernel takes at a time
	partSize int // number of channels, or of columns, of a part
	perSlot  int // number of parts of a segment

	// For a Comparison.
	layouts            []layout  // of each result
	chosenLo, chosenHi []float32 // ranges that the method of a scheme chooses
	chosen             []bool    // of each result: calibrated together with an earlier one
	with               []int     // results that are calibrated together
}

const (
	// leastRead is the least number of elements of a read, unless there would be fewer than
	// leastParts parts.
	leastRead  = 1 << 12
	leastParts = 4

	// mostBlocks is the largest number of blocks of columns that are side by side in a part.
	// More blocks make longer reads, but need more memory for the sums of their columns.
	mostBlocks = 8

	// orderRows is the number of rows of one or several blocks that are read together if they are
	// not copied. The ranges of the columns are then loaded and stored once for these rows.
	orderRows = 8
)

// A scratch has the memory of one goroutine.
type scratch struct {
	x, y   []float32 // buffers for elements
	ranges rangeWork
	errors errorWork

	// For blocks of columns that are side by side.
	rangesOf []rangeWork  // of each block
	errorsOf []columnWork // of each block, for each scheme
}

// walkArgs are the arguments of a pass, for its goroutines.
type walkArgs struct {
	walk *walk
	x, y []float32
}

var (
	walks     = sync.Pool{New: func() any { return new(walk) }}
	scratches = sync.Pool{New: func() any { return new(scratch) }}
	walkers   = work.New(func(a *walkArgs, i int) { a.walk.guarded(a.x, a.y, i) })
)

// begin prepares g for passes over a tensor whose channels have the layout l. The elements are in
// memory, or are read from src if that is not nil; those of a second tensor are read from second.
// A pass for ranges computes the ranges of the channels, and their sums of squares if squares is
// true. schemes is the number of schemes.
func (g *walk) begin(l layout, squares bool, schemes int, src, second Source) {
	g.feed.begin(src, second)
	g.copies = l.n() > copyLen && l.cols > 0
	g.order.cut(&l, src != nil, schemes)
	g.ranges.begin(&g.order, squares)
	g.errors.schemes = g.errors.schemes[:0]
}

// squaresBesideErrors moves the sums of squares to the pass for errors. The kernels of runs compute
// both, and the pass for ranges then needs no copies of columns. The pass for errors must have
// schemes.
func (g *walk) squaresBesideErrors() { g.ranges.later = true }

// rangesOf returns the minimum and the maximum of each parameter of l, in slices that belong to
// g. The elements are x, or are read from src if that is not nil.
func (g *walk) rangesOf(x []float32, src Source, l layout, by Granularity) (lo, hi []float32, err error) {
	if l.group > 0 {
		g.begin(layout{outer: 1, axis: 1, inner: l.n(), params: 1}, false, 0, src, nil)
		g.ranges.addOther(l, src == nil)
		g.ranges.channels = false
	} else {
		g.begin(l, false, 0, src, nil)
	}
	g.copies = false // a pass that computes only ranges reads large tensors in memory order
	err = g.pass(x, nil, true, false, by)
	g.end()
	switch {
	case err != nil:
		return nil, nil, err
	case l.group > 0:
		o := &g.ranges.others[0]
		return o.lo, o.hi, nil
	}
	return g.ranges.lo[:l.axis], g.ranges.hi[:l.axis], nil
}

// pass makes a pass for ranges, for errors or for both. Afterwards each channel has one range and
// one sum of squares, and one tally for each scheme. The elements are x, and y for a second
// tensor, unless they are read. g must be on the heap. In an error for a value that is not
// finite, the channel is that of the granularity by.
func (g *walk) pass(x, y []float32, ranges, errors bool, by Granularity) error {
	g.toRanges, g.toErrors = ranges, errors
	g.cutParts()
	totals := g.segments > 1
	if totals {
		g.beginTotals()
	}
	for g.first = 0; g.first < g.segments; g.first += g.slots {
		g.parts(x, y, min(g.slots, g.segments-g.first)*g.perSlot)
		if err := g.outcome(); err != nil {
			return err
		}
		if totals {
			g.fold()
		}
	}
	if i := g.bad.Load(); i != math.MaxInt64 {
		if g.quiet {
			return ErrNotFinite
		}
		return newNotFinite(int(i), g.badValue, &g.ch, by)
	}
	if totals {
		g.results()
	}
	return nil
}

// cutParts sets the size of a part: about bufferLen elements that are together in memory, or
// fewer if a tensor that is read would have too few parts.
func (g *walk) cutParts() {
	l := &g.ch
	all := l.axis
	switch {
	case l.cols > 0:
		all = l.cols
		g.width = l.cols
		if width := l.axis * l.inner; l.cols == width { // rows are not merged
			g.width = min(width, blockCols/l.inner*l.inner)
		}
		g.partSize = g.width
		for k := mostBlocks; k > 1 && (g.copies || g.src != nil || g.inOrder()); k /= 2 {
			n := min(k*g.width, l.cols)
			parts := g.segments * ((l.cols + n - 1) / n)
			if k*len(g.errors.schemes) <= 2*mostBlocks && (parts >= leastParts || k == 2 && n == l.cols) {
				g.partSize = n
				break
			}
		}
	case l.n() <= leastRead:
		g.partSize = all
	case g.blocks == l.outer: // short runs
		n := max(bufferLen/min(segBlocks, l.outer), leastRead)
		for ; n > leastRead && g.src != nil && g.segments*(l.axis*l.inner/n) < leastParts; n /= 2 {
		}
		g.partSize = min(max(1, n/l.inner), l.axis)
	case g.segments > 1:
		g.partSize = 1
	default:
		g.partSize = max(1, bufferLen/(l.outer*l.inner))
	}
	g.perSlot = 1
	if g.partSize < all {
		g.perSlot = (all-1)/g.partSize + 1
	}
}

// inOrder reports whether the pass computes only the ranges of the columns of a large tensor in
// memory. Each element is then read once, orderRows rows of several blocks at a time.
func (g *walk) inOrder() bool {
	return g.ch.cols > 0 && !g.copies && g.src == nil && !g.toErrors && !g.toSquares() && g.ch.n() > copyLen
}

// notFinite records that b has an element that is not finite. x has the elements of b, in rows
// that begin pitch elements apart.
func (g *walk) notFinite(x []float32, pitch int, b *block) {
	if g.quiet {
		g.bad.Store(-1)
		return
	}
	g.findBad(x, pitch, b)
}

// parts handles n parts: those of all segments that have a slot.
func (g *walk) parts(x, y []float32, n int) {
	if work.Several(n) && work.OnHeap(x) && work.OnHeap(y) {
		a := walkArgs{g, x, y}
		walkers.Do(work.Hide(&a), n)
		return
	}
	for i := range n {
		g.part(x, y, i)
	}
}

// guarded is part for any goroutine. It records a panic for the caller's goroutine.
func (g *walk) guarded(x, y []float32, i int) {
	done := false
	defer g.guard(&done)
	g.part(x, y, i)
	done = true
}

// part handles the i-th of the parts of the segments that have a slot.
func (g *walk) part(x, y []float32, i int) {
	if g.failed.Load() {
		return
	}
	s := scratches.Get().(*scratch)
	slot, part := 0, i
	if i >= g.perSlot {
		slot, part = i/g.perSlot, i%g.perSlot
	}
	switch {
	case g.ch.cols > 0:
		g.columns(x, y, slot, part, s)
	case g.blocks == g.ch.outer:
		g.shortRuns(x, y, slot, part, s)
	default:
		if n := min(g.slots, g.segments-g.first); g.ch.outer == 1 {
			slot, part = i%n, i/n // consecutive parts are then adjacent in memory
		}
		g.longRuns(x, y, slot, part, s)
	}
	scratches.Put(s)
}

// shortRuns handles some channels of a segment. Each run is at most a block.
func (g *walk) shortRuns(x, y []float32, slot, part int, s *scratch) {
	l := &g.ch
	c0 := part * g.partSize
	c1 := min(c0+g.partSize, l.axis)
	o, end := (g.first+slot)*segBlocks, min((g.first+slot+1)*segBlocks, l.outer)
	width := (c1 - c0) * l.inner
	length := blockLen
	if once := !g.toErrors && g.ranges.unordered() || !g.toRanges && len(g.errors.schemes) <= 2; once {
		length = bufferLen // a kernel reads the elements only once, so they need not stay in a cache
	}
	k := min(blockRuns, max(1, length/l.inner)) // number of runs at a time
	step := end - o
	if step*width > bufferLen {
		step = bufferLen / width
	}
	for ; o < end; o += step {
		b := block{e: (o*l.axis + c0) * l.inner, n: width, rows: min(step, end-o), stride: l.axis * l.inner}
		x, y, pitch := g.elements(x, y, &b, &s.x, &s.y)
		if x == nil {
			return
		}
		ok := true
		for row := range b.rows {
			for c := c0; c < c1; c += k {
				at := (c - c0) * l.inner
				t := block{e: b.e + row*b.stride + at, n: min(k, c1-c) * l.inner, rows: 1, run: l.inner, p: c, slot: slot}
				at += row * pitch
				ok = g.runs(x[at:at+t.n], from(y, at), &t, s) && ok
			}
		}
		if !ok {
			g.notFinite(x, pitch, &b)
		}
	}
}

// longRuns handles a segment of one or several channels. Each run is several blocks.
func (g *walk) longRuns(x, y []float32, slot, part int, s *scratch) {
	l := &g.ch
	perRun := g.blocks / l.outer
	begin, end := (g.first+slot)*segBlocks, min((g.first+slot+1)*segBlocks, g.blocks)
	step := blockLen
	if !g.toErrors && g.ranges.unordered() {
		step = bufferLen
	}
	for c := part * g.partSize; c < min((part+1)*g.partSize, l.axis); c++ {
		for k := begin; k < end; {
			o, at := k/perRun, k%perRun
			m := min(bufferLen/blockLen, perRun-at, end-k)
			n := min(m*blockLen, l.inner-at*blockLen)
			b := block{e: (o*l.axis+c)*l.inner + at*blockLen, n: n, rows: 1, stride: n}
			x, y, pitch := g.elements(x, y, &b, &s.x, &s.y)
			if x == nil {
				return
			}
			ok := true
			for i := 0; i < n; i += step {
				n := min(step, n-i)
				t := block{e: b.e + i, n: n, rows: 1, run: n, p: c, slot: slot}
				ok = g.runs(x[i:i+n], from(y, i), &t, s) && ok
			}
			if !ok {
				g.notFinite(x, pitch, &b)
			}
			k += m
		}
	}
}

// runs handles a block of runs. It returns false if it has found an element that is not finite.
func (g *walk) runs(x, y []float32, b *block, s *scratch) bool {
	ok := true
	if g.toRanges {
		ok = g.ranges.runs(&g.order, x, b, &s.ranges)
	}
	if g.toErrors {
		var sq []float64
		if g.ranges.later {
			sq = s.errors.squares[:(b.n+b.run-1)/b.run]
		}
		g.errors.runs(&g.order, sq, x, y, b, &s.errors)
		g.ranges.addSquares(&g.order, sq, b)
	}
	return ok
}

// columns handles a segment of some columns. Narrow rows are merged. The last merged row may be
// shorter.
func (g *walk) columns(x, y []float32, slot, part int, s *scratch) {
	l := &g.ch
	col := part * g.partSize
	row := (g.first + slot) * blockRows
	full := l.n() / l.cols
	b := block{e: row*l.cols + col, n: min(g.partSize, l.cols-col), rows: min(blockRows, full-row), stride: l.cols, p: col / l.inner, slot: slot}
	if b.rows > 0 {
		g.sideBySide(x, y, &b, s)
	}
	if rest := l.n() % l.cols; rest > 0 && full-row < blockRows {
		g.sideBySide(x, y, &block{e: full * l.cols, n: rest, rows: 1, stride: rest, slot: slot}, s)
	}
}

// column returns the i-th of the blocks of columns that are side by side in b.
func (g *walk) column(b *block, i int) block {
	at := i * g.width
	t := *b
	t.e, t.n, t.p = b.e+at, min(g.width, b.n-at), b.p+at/g.ch.inner
	return t
}

// sideBySide handles blocks of columns that are side by side. It takes as many rows at a time as
// stay in a second-level cache while they are used: once for the ranges and the squares, and once
// for each scheme. Rows that are read, or copied from a large tensor, are in a buffer without
// gaps, so they do not evict one another from the cache. That is several times as fast.
func (g *walk) sideBySide(x, y []float32, all *block, s *scratch) {
	o, schemes := &g.order, g.errors.schemes
	if !g.toErrors {
		schemes = nil
	}
	// If each channel is a single column, its sums need no copy.
	direct := g.segments == 1 && g.ch.cols == g.ch.axis
	count := (all.n + g.width - 1) / g.width
	copied := (g.toRanges || g.toSquares()) && !direct
	if copied {
		s.rangesOf = resize(s.rangesOf, count)
	}
	s.errorsOf = resize(s.errorsOf, count*len(schemes))
	for i := range count {
		t := g.column(all, i)
		if copied {
			s.rangesOf[i].reset(t.n)
		}
		for j := range schemes {
			schemes[j].beginColumns(o, &t, &s.errorsOf[i*len(schemes)+j])
		}
	}
	step := bufferLen / all.n
	switch {
	case g.inOrder() && (count > 1 || all.n >= blockCols):
		step = orderRows
	case !g.copies && g.src == nil && !g.toErrors && !g.toSquares():
		step = all.rows // each row is used only once
	}
	for row := 0; row < all.rows; row += step {
		b := *all
		b.e, b.rows = all.e+row*all.stride, min(step, all.rows-row)
		x, y, pitch := g.elements(x, y, &b, &s.x, &s.y)
		if x == nil {
			return
		}
		if !g.blocksOf(x, y, &b, pitch, schemes, direct, s) {
			g.notFinite(x, pitch, &b)
		}
	}
	for i := range count {
		t := g.column(all, i)
		if copied {
			g.ranges.addColumns(o, &t, &s.rangesOf[i], g.toRanges, g.toSquares())
		}
		for j := range schemes {
			schemes[j].addColumns(o, &t, &s.errorsOf[i*len(schemes)+j])
		}
	}
}

// blocksOf handles some rows of blocks that are side by side. It returns false if it has found an
// element that is not finite.
func (g *walk) blocksOf(x, y []float32, b *block, pitch int, schemes []subject, direct bool, s *scratch) bool {
	ok := true
	for i := 0; i*g.width < b.n; i++ {
		t := g.column(b, i)
		at := i * g.width
		x, y := x[at:], from(y, at)
		lo, hi, sq := g.ranges.lo, g.ranges.hi, g.ranges.sq
		if direct {
			end := t.p + t.n
			lo, hi, sq = lo[t.p:end], hi[t.p:end], sq[t.p:end]
		} else if g.toRanges || g.toSquares() {
			w := &s.rangesOf[i]
			lo, hi, sq = w.lo[:t.n], w.hi[:t.n], w.squares[:t.n]
		}
		if g.toRanges {
			ok = rangeColumns(lo, hi, x, t.rows, pitch) && ok
		}
		if !g.toSquares() {
			sq = nil
		}
		works := s.errorsOf[i*len(schemes) : (i+1)*len(schemes)]
		for j := 0; j < len(schemes); j++ {
			u := &schemes[j]
			if y == nil && u.pairs() && j+1 < len(schemes) && schemes[j+1].pairs() {
				u.bothOfColumns(&schemes[j+1], sq, x, &t, pitch, &works[j], &works[j+1])
				sq = nil
				j++
				continue
			}
			u.columns(x, y, &t, pitch, &works[j], &s.errors.columnWork)
		}
		if sq != nil {
			squaresColumns(sq, x, t.rows, pitch)
		}
	}
	if g.toRanges {
		ok = g.ranges.addOthers(x, *b, pitch, &s.ranges) && ok
	}
	return ok
}

// toSquares reports whether the pass computes sums of squares.
func (g *walk) toSquares() bool {
	if g.ranges.later {
		return g.toErrors
	}
	return g.ranges.squares && g.toRanges
}

// beginTotals, fold and results add the sums of the segments of a channel in order, as many
// segments at a time as have a slot.

// beginTotals sets all totals to 0.
func (g *walk) beginTotals() {
	g.ranges.beginTotal(&g.order)
	if g.toErrors {
		for i := range g.errors.schemes {
			u := &g.errors.schemes[i]
			u.total = resize(u.total, g.ch.axis)
			clear(u.total)
		}
	}
}

// fold adds the sums of the segments that have a slot to the totals.
func (g *walk) fold() {
	g.ranges.fold(&g.order, g.toRanges, g.toSquares())
	if g.toErrors {
		for i := range g.errors.schemes {
			g.errors.schemes[i].fold(&g.order)
		}
	}
}

// results copies the totals to the results of the pass.
func (g *walk) results() {
	g.ranges.result(g.toRanges, g.toSquares())
	if g.toErrors {
		for i := range g.errors.schemes {
			u := &g.errors.schemes[i]
			copy(u.tally, u.total)
		}
	}
}
