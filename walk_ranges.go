package quant

import "sync"

// What a walk does to a block for ranges, and for sums of squares.

// A rangeSink collects ranges and sums of squares, those of channels at
// channel*slots + slot until they are folded.
type rangeSink struct {
	rangeSums
	total rangeSums // of the segments folded so far, where a channel has several

	channels bool          // whether ranges of channels are wanted
	squares  bool          // whether sums of x² are wanted
	later    bool          // whether those of runs are made beside the errors
	others   []otherRanges // ranges that are not a channel's
}

// otherRanges are ranges of a granularity whose parameters are not the
// channels of a walk. Groups may reach over the borders of blocks.
type otherRanges struct {
	layout
	lo, hi []float32
	far    bool // the elements are in no cache
	mu     *sync.Mutex
}

// A rangeWork is ranges and sums of squares of some columns or short runs.
type rangeWork struct {
	lo, hi  [blockCols]float32
	squares [blockCols]float64
}

// reset makes n ranges of nothing, and as many sums.
func (w *rangeWork) reset(n int) {
	resetRanges(w.lo[:n], w.hi[:n])
	clear(w.squares[:n])
}

// begin asks for the ranges of channels, and for sums of squares perhaps.
func (r *rangeSink) begin(o *order, squares bool) {
	r.channels, r.squares, r.later, r.others = true, squares, false, r.others[:0]
	n := o.sums()
	if squares {
		r.reset(n)
		return
	}
	// Sums that are not used need not be zero.
	r.lo, r.hi, r.sq = resize(r.lo, n), resize(r.hi, n), resize(r.sq, n)
	resetRanges(r.lo, r.hi)
}

// addOther asks for the ranges of l too. The elements are in memory, or a Source stores them in
// a buffer.
func (r *rangeSink) addOther(l layout, inMemory bool) {
	r.others = extended(r.others)
	o := &r.others[len(r.others)-1]
	o.layout, o.far = l, inMemory && 4*l.n() >= streamBytes
	o.lo, o.hi = resize(o.lo, l.params), resize(o.hi, l.params)
	if o.mu == nil {
		o.mu = new(sync.Mutex)
	}
	resetRanges(o.lo, o.hi)
}

// unordered reports whether only ranges are wanted: their blocks may be of any length.
func (r *rangeSink) unordered() bool {
	return (!r.squares || r.later) && len(r.others) == 0
}

// runs takes a row of runs, and reports whether all elements are finite.
func (r *rangeSink) runs(o *order, x []float32, b *block, w *rangeWork) bool {
	k := (b.n + b.run - 1) / b.run
	ok := true
	if o.blocks == 1 {
		// A run is a channel, and has no other runs.
		end := b.p + k
		if r.channels {
			ok = rangeRuns(r.lo[b.p:end], r.hi[b.p:end], x, b.run)
		}
		if r.squares && !r.later {
			squaresRuns(r.sq[b.p:end], x, b.run)
		}
	} else {
		at := b.p*o.slots + b.slot
		if r.channels {
			lo, hi := w.lo[:k], w.hi[:k]
			ok = rangeRuns(lo, hi, x, b.run)
			widen(r.lo[at:], r.hi[at:], lo, hi, o.slots)
		}
		if r.squares && !r.later {
			sq := w.squares[:k]
			squaresRuns(sq, x, b.run)
			r.addSquares(o, sq, b)
		}
	}
	for i := range r.others {
		ok = r.others[i].add(x, b.e, w) && ok
	}
	return ok
}

// addSquares adds sums of squares of runs to those of their channels.
func (r *rangeSink) addSquares(o *order, sq []float64, b *block) {
	at := b.p*o.slots + b.slot
	for i, v := range sq {
		r.sq[at+i*o.slots] += v
	}
}

// widen lowers every step-th element of lo to those of lo2, and raises those of
// hi. None is NaN, or the result means nothing.
func widen(lo, hi, lo2, hi2 []float32, step int) {
	for i, v := range lo2 {
		if p := &lo[i*step]; v < *p {
			*p = v
		}
	}
	for i, v := range hi2 {
		if p := &hi[i*step]; v > *p {
			*p = v
		}
	}
}

// columns takes rows of some columns, and reports whether all elements are finite.
func (r *rangeSink) columns(x []float32, b *block, pitch int, lo, hi []float32, squares []float64) bool {
	ok := rangeColumns(lo, hi, x, b.rows, pitch)
	if r.squares {
		squaresColumns(squares, x, b.rows, pitch)
	}
	return ok
}

// addColumns adds the ranges and sums of columns to those of their channels.
func (r *rangeSink) addColumns(o *order, b *block, w *rangeWork) {
	lo, hi, sq := w.lo[:b.n], w.hi[:b.n], w.squares[:b.n]
	for j, l := 0, o.lanes(b); j < b.n; j++ {
		at := l.next()*o.slots + b.slot
		r.lo[at], r.hi[at] = min(r.lo[at], lo[j]), max(r.hi[at], hi[j])
		if r.squares {
			r.sq[at] += sq[j]
		}
	}
}

// addOthers widens the ranges that are not a channel's by elements of b, and
// reports whether they are finite.
func (r *rangeSink) addOthers(x []float32, b block, pitch int, w *rangeWork) bool {
	if len(r.others) == 0 {
		return true
	}
	if b.n == b.stride {
		b.n, b.rows = b.n*b.rows, 1
	}
	ok := true
	for i := range r.others {
		for k := range b.rows {
			ok = r.others[i].add(x[k*pitch:][:b.n], b.e+k*b.stride, w) && ok
		}
	}
	return ok
}

// add widens the ranges by elements x, the first of which is e, and reports
// whether they are finite.
func (o *otherRanges) add(x []float32, e int, w *rangeWork) bool {
	ok := true
	for len(x) > 0 {
		p := o.span(e, e+len(x))
		if p.columns {
			rows := p.cut()
			lo, hi := w.lo[:p.run], w.hi[:p.run]
			resetRanges(lo, hi)
			ok = rangeColumns(lo, hi, x, rows, p.run) && ok
			o.merge(p.p, lo, hi)
		} else if o.whole(p, e) {
			// These groups belong to this block alone.
			end := p.p + (p.n+p.run-1)/p.run
			ok = rangeRunsOf(o.far, o.lo[p.p:end], o.hi[p.p:end], x[:p.n], p.run) && ok
		} else {
			p.n = min(p.n, blockRuns*p.run)
			k := (p.n + p.run - 1) / p.run
			ok = rangeRunsOf(o.far, w.lo[:k], w.hi[:k], x[:p.n], p.run) && ok
			o.merge(p.p, w.lo[:k], w.hi[:k])
		}
		e += p.n
		x = x[p.n:]
	}
	return ok
}

// rangeRunsOf is rangeRuns, or rangeRunsFar if the elements are in no cache.
func rangeRunsOf(far bool, lo, hi, x []float32, run int) bool {
	if far {
		return rangeRunsFar(lo, hi, x, run)
	}
	return rangeRuns(lo, hi, x, run)
}

// merge widens the ranges from parameter p on. Spread columns are mapped back.
func (o *otherRanges) merge(p int, lo, hi []float32) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.cols == 0 {
		widen(o.lo[p:], o.hi[p:], lo, hi, 1)
		return
	}
	for j := range lo {
		i := o.channel(p + j)
		o.lo[i], o.hi[i] = min(o.lo[i], lo[j]), max(o.hi[i], hi[j])
	}
}

// beginTotal readies the totals of channels that have several segments.
func (r *rangeSink) beginTotal(o *order) { r.total.reset(o.ch.axis) }

// fold adds the segments that there are sums of to the total, and readies the
// sums for the next: of ranges, squares or both, as the pass is for them.
func (r *rangeSink) fold(o *order, ranges, squares bool) {
	t := &r.total
	if ranges {
		for i := range r.lo {
			c := i / o.slots
			t.lo[c], t.hi[c] = min(t.lo[c], r.lo[i]), max(t.hi[c], r.hi[i])
		}
		resetRanges(r.lo, r.hi)
	}
	if squares {
		for i, v := range r.sq {
			t.sq[i/o.slots] += v
		}
		clear(r.sq)
	}
}

// result leaves one range and one sum for each channel.
func (r *rangeSink) result(ranges, squares bool) {
	if ranges {
		copy(r.lo, r.total.lo)
		copy(r.hi, r.total.hi)
	}
	if squares {
		copy(r.sq, r.total.sq)
	}
}
