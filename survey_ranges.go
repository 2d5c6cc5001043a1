package quant

import (
	"math"
	"sync"
)

// The first pass of a survey: ranges, and sums of squares if they are wanted.

// ranges returns the minimum and maximum of each parameter of l, in slices
// that belong to g.
func (g *survey) ranges(src []float32, l layout, by Granularity) (lo, hi []float32, err error) {
	g.askRanges(l, math.MaxInt)
	if err := g.firstPass(src, by); err != nil {
		return nil, nil, err
	}
	lo, hi = g.rangesOf(&l)
	return lo, hi, nil
}

// askRanges asks the first pass for the ranges of l.
func (g *survey) askRanges(l layout, slots int) {
	if l.group > 0 {
		g.reset(layout{outer: 1, axis: 1, inner: l.n(), params: 1}, false, slots)
		g.addOther(l)
		g.channels = false
	} else {
		g.reset(l, false, slots)
	}
}

// rangesOf returns what askRanges asked for.
func (g *survey) rangesOf(l *layout) (lo, hi []float32) {
	if l.group > 0 {
		return g.others[0].lo, g.others[0].hi
	}
	return g.lo[:l.axis], g.hi[:l.axis]
}

// addOther asks the first pass for the ranges of l too.
func (g *survey) addOther(l layout) {
	n := len(g.others)
	if n < cap(g.others) {
		g.others = g.others[:n+1] // with the memory of an earlier use
	} else {
		g.others = append(g.others, otherRanges{})
	}
	o := &g.others[n]
	o.layout = l
	o.lo, o.hi = resize(o.lo, l.params), resize(o.hi, l.params)
	if o.mu == nil {
		o.mu = new(sync.Mutex)
	}
	resetRanges(o.lo, o.hi)
}

// firstPass fills g.lo, g.hi and g.sq for each channel.
func (g *survey) firstPass(src []float32, by Granularity) error {
	g.run(src, nil, false)
	if g.bad.Load() {
		if g.quiet {
			return ErrNotFinite
		}
		return notFinite(src, &g.ch, by)
	}
	g.foldRanges()
	return nil
}

// foldRanges folds the segments of each channel: afterwards g.lo, g.hi and g.sq
// hold one element for each.
func (g *survey) foldRanges() {
	if g.slots == 1 {
		return
	}
	for c := range g.ch.axis {
		lo, hi, sq := g.lo[c*g.slots], g.hi[c*g.slots], g.sq[c*g.slots]
		for i := c*g.slots + 1; i < (c+1)*g.slots; i++ {
			lo, hi = min(lo, g.lo[i]), max(hi, g.hi[i])
			sq += g.sq[i]
		}
		g.lo[c], g.hi[c], g.sq[c] = lo, hi, sq
	}
}

// notFinite returns the error for the first element that is NaN or infinite.
func notFinite(src []float32, l *layout, by Granularity) error {
	for i, x := range src {
		if !finite(x) {
			return newNotFinite(i, x, l, by)
		}
	}
	panic("quant: a kernel found a value that is not finite where there is none")
}

func newNotFinite(i int, x float32, l *layout, by Granularity) error {
	e := &NotFiniteError{Index: i, Channel: -1, Value: x}
	if by.unit == perChannel {
		e.Channel = l.channel(i)
	}
	return e
}

func (g *survey) rangesOfRuns(x []float32, t *stretch, s *scratch) {
	k := (t.n + t.run - 1) / t.run
	ok := true
	if g.blocks == 1 {
		// A run is a channel, and has no other runs.
		end := t.channel + k
		if g.channels {
			ok = rangeRuns(g.lo[t.channel:end], g.hi[t.channel:end], x, t.run)
		}
		if g.squares && !g.later {
			squaresRuns(g.sq[t.channel:end], x, t.run)
		}
	} else {
		ok = g.foldRuns(x, t, k, s)
	}
	for i := range g.others {
		ok = g.others[i].add(x, t.e, s) && ok
	}
	if !ok {
		g.bad.Store(true)
	}
}

// foldRuns collects k runs and adds them to their channels.
func (g *survey) foldRuns(x []float32, t *stretch, k int, s *scratch) bool {
	at := t.channel*g.slots + t.slot
	ok := true
	if g.channels {
		lo, hi := s.lo[:k], s.hi[:k]
		ok = rangeRuns(lo, hi, x, t.run)
		widen(g.lo[at:], g.hi[at:], lo, hi, g.slots)
	}
	if g.squares && !g.later {
		sq := s.squares[:k]
		squaresRuns(sq, x, t.run)
		g.addSquares(sq, at)
	}
	return ok
}

// addSquares adds sums of squares to those of a slot of consecutive channels.
func (g *survey) addSquares(sq []float64, at int) {
	for i, v := range sq {
		g.sq[at+i*g.slots] += v
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

// rangesOfOthers widens the ranges that are not a channel's by elements of b,
// whose rows are pitch elements apart in x.
func (g *survey) rangesOfOthers(x []float32, b box, pitch int, s *scratch) {
	if b.n == b.stride {
		b.n, b.rows = b.n*b.rows, 1
	}
	for i := range g.others {
		for r := range b.rows {
			g.others[i].add(x[r*pitch:][:b.n], b.e+r*b.stride, s)
		}
	}
}

// collectColumns widens the ranges of the columns of a stretch, and adds to
// their sums of squares.
func (g *survey) collectColumns(x []float32, t *stretch, w *rangeWork) {
	g.rangesOfColumns(x, t, w.lo[:t.n], w.hi[:t.n], w.squares[:t.n])
}

func (g *survey) rangesOfColumns(x []float32, t *stretch, lo, hi []float32, squares []float64) {
	if !rangeColumns(lo, hi, x, t.rows, t.pitch) {
		g.bad.Store(true)
	}
	if g.squares {
		squaresColumns(squares, x, t.rows, t.pitch)
	}
}

// addColumns adds what columns came to to their channels.
func (g *survey) addColumns(t *stretch, w *rangeWork) {
	lo, hi, sq := w.lo[:t.n], w.hi[:t.n], w.squares[:t.n]
	for j, l := 0, g.lanes(t); j < t.n; j++ {
		at := l.next()*g.slots + t.slot
		g.lo[at], g.hi[at] = min(g.lo[at], lo[j]), max(g.hi[at], hi[j])
		if g.squares {
			g.sq[at] += sq[j]
		}
	}
}

// add widens the ranges by elements x, the first of which is e, and reports
// whether they are finite.
func (o *otherRanges) add(x []float32, e int, s *scratch) bool {
	ok := true
	for len(x) > 0 {
		p := o.span(e, e+len(x))
		if p.columns {
			rows := p.cut()
			lo, hi := s.lo[:p.run], s.hi[:p.run]
			resetRanges(lo, hi)
			ok = rangeColumns(lo, hi, x, rows, p.run) && ok
			o.merge(p.p, lo, hi)
		} else if o.whole(p, e) {
			// These groups belong to this part alone.
			end := p.p + (p.n+p.run-1)/p.run
			ok = rangeRuns(o.lo[p.p:end], o.hi[p.p:end], x[:p.n], p.run) && ok
		} else {
			p.n = min(p.n, tileRuns*p.run)
			k := (p.n + p.run - 1) / p.run
			ok = rangeRuns(s.lo[:k], s.hi[:k], x[:p.n], p.run) && ok
			o.merge(p.p, s.lo[:k], s.hi[:k])
		}
		e += p.n
		x = x[p.n:]
	}
	return ok
}

// cut shortens a span of columns to what fits a tile, and returns its rows.
func (p *span) cut() (rows int) {
	if p.run > tileCols {
		p.run, p.n = tileCols, tileCols
	}
	return p.n / p.run
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
