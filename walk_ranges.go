package quant

import "sync"

// The ranges and the sums of squares of a block.

// A rangeSink collects the ranges and the sums of squares of a walk.
type rangeSink struct {
	rangeSums           // of segments, at channel*slots + slot
	total     rangeSums // of the segments folded so far, if a channel has several segments

	channels bool          // compute the ranges of channels
	squares  bool          // compute sums of x²
	later    bool          // the sums of x² are computed in the pass for errors
	others   []otherRanges // ranges of parameters that are not those of channels
}

// otherRanges are the ranges of a granularity whose parameters are not the channels of a walk. A
// group may have elements in several blocks.
type otherRanges struct {
	layout
	lo, hi []float32
	far    bool // the elements are not in a cache
	mu     *sync.Mutex
}

// A rangeWork has the ranges and the sums of squares of some columns or short runs.
type rangeWork struct {
	lo, hi  [blockCols]float32
	squares [blockCols]float64
}

// reset sets the first n ranges to the empty range, and their sums of squares to 0.
func (w *rangeWork) reset(n int) {
	resetRanges(w.lo[:n], w.hi[:n])
	clear(w.squares[:n])
}

// begin prepares r for the ranges of channels, and for their sums of squares if squares is true.
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

// addOther adds the ranges of the layout l. inMemory is false if a Source stores the elements in
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

// unordered reports whether r needs no sums of squares in the pass for ranges, and no other
// ranges. Blocks may then have any length.
func (r *rangeSink) unordered() bool {
	return (!r.squares || r.later) && len(r.others) == 0
}

// runs adds a row of runs. It reports whether all elements are finite.
func (r *rangeSink) runs(o *order, x []float32, b *block, w *rangeWork) bool {
	k := (b.n + b.run - 1) / b.run
	ok := true
	if o.blocks == 1 {
		// Each channel is one run.
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

// addSquares adds the sums of squares of runs to those of their channels.
func (r *rangeSink) addSquares(o *order, sq []float64, b *block) {
	at := b.p*o.slots + b.slot
	for i, v := range sq {
		r.sq[at+i*o.slots] += v
	}
}

// widen lowers element i*step of lo to element i of lo2 if that is less, and raises element
// i*step of hi to element i of hi2 if that is more. If an element is NaN, the result is
// meaningless.
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

// addColumns adds the ranges, the sums of squares or both of columns to those of their channels.
func (r *rangeSink) addColumns(o *order, b *block, w *rangeWork, ranges, squares bool) {
	lo, hi, sq := w.lo[:b.n], w.hi[:b.n], w.squares[:b.n]
	for j, l := 0, o.lanes(b); j < b.n; j++ {
		at := l.next()*o.slots + b.slot
		if ranges {
			r.lo[at], r.hi[at] = min(r.lo[at], lo[j]), max(r.hi[at], hi[j])
		}
		if squares {
			r.sq[at] += sq[j]
		}
	}
}

// addOthers widens the other ranges by the elements of b. It reports whether the elements are
// finite.
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

// add widens the ranges by the elements of x. e is the index of the first one. It reports whether
// the elements are finite.
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
			// No other block has elements of these groups.
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

// rangeRunsOf is rangeRuns, or rangeRunsFar if far is true.
func rangeRunsOf(far bool, lo, hi, x []float32, run int) bool {
	if far {
		return rangeRunsFar(lo, hi, x, run)
	}
	return rangeRuns(lo, hi, x, run)
}

// merge widens the ranges from index p on by lo and hi. In a columns walk without groups p counts
// columns; otherwise it counts parameters.
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

// beginTotal resets the totals of channels that have several segments.
func (r *rangeSink) beginTotal(o *order) { r.total.reset(o.ch.axis) }

// fold adds the segments that have a slot to the totals, and resets them for the next segments. It
// does so for the ranges, the sums of squares or both.
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

// result copies the totals of the channels to r: the ranges, the sums of squares or both.
func (r *rangeSink) result(ranges, squares bool) {
	if ranges {
		copy(r.lo, r.total.lo)
		copy(r.hi, r.total.hi)
	}
	if squares {
		copy(r.sq, r.total.sq)
	}
}
