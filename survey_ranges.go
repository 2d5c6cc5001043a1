package quant

import "sync"

// The first pass of a survey: ranges, and sums of squares if they are wanted.

// ranges returns the minimum and maximum of each parameter of l, in slices
// that belong to g.
func (g *survey) ranges(src []float32, l layout, by Granularity) (lo, hi []float32, err error) {
	if l.group > 0 {
		g.reset(layout{outer: 1, axis: 1, inner: len(src), params: 1}, false)
		g.addOther(l)
		g.channels = false
	} else {
		g.reset(l, false)
	}
	if err := g.firstPass(src, by); err != nil {
		return nil, nil, err
	}
	if l.group > 0 {
		return g.others[0].lo, g.others[0].hi, nil
	}
	return g.lo[:l.axis], g.hi[:l.axis], nil
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

// firstPass fills g.lo, g.hi and g.sq for each channel and segment, then folds
// the segments: afterwards they hold one element for each channel.
func (g *survey) firstPass(src []float32, by Granularity) error {
	g.run(src, false)
	if g.bad.Load() {
		if g.quiet {
			return ErrNotFinite
		}
		return notFinite(src, &g.ch, by)
	}
	if g.segments == 1 {
		return nil
	}
	for c := range g.ch.axis {
		lo, hi, sq := g.lo[c*g.segments], g.hi[c*g.segments], g.sq[c*g.segments]
		for i := c*g.segments + 1; i < (c+1)*g.segments; i++ {
			lo, hi = min(lo, g.lo[i]), max(hi, g.hi[i])
			sq += g.sq[i]
		}
		g.lo[c], g.hi[c], g.sq[c] = lo, hi, sq
	}
	return nil
}

// notFinite returns the error for the first element that is NaN or infinite.
func notFinite(src []float32, l *layout, by Granularity) error {
	for i, x := range src {
		if !finite(x) {
			e := &NotFiniteError{Index: i, Channel: -1, Value: x}
			if by.unit == perChannel {
				e.Channel = l.channel(i)
			}
			return e
		}
	}
	panic("quant: a kernel found a value that is not finite where there is none")
}

func (g *survey) rangesOfRuns(src []float32, t *stretch, s *scratch) {
	x := src[t.e : t.e+t.n]
	k := (t.n + t.run - 1) / t.run
	ok := true
	if g.blocks == 1 {
		// A run is a channel, and has no other runs.
		end := t.channel + k
		if g.channels {
			ok = rangeRuns(g.lo[t.channel:end], g.hi[t.channel:end], x, t.run)
		}
		if g.squares {
			squaresRuns(g.sq[t.channel:end], x, t.run)
		}
	} else {
		ok = g.foldRuns(x, t, k, s)
	}
	for i := range g.others {
		ok = g.others[i].add(src, t.e, t.e+t.n, s) && ok
	}
	if !ok {
		g.bad.Store(true)
	}
}

// foldRuns collects k runs and adds them to their channels.
func (g *survey) foldRuns(x []float32, t *stretch, k int, s *scratch) bool {
	at := t.channel*g.segments + t.segment
	ok := true
	if g.channels {
		lo, hi := s.lo[:k], s.hi[:k]
		ok = rangeRuns(lo, hi, x, t.run)
		widen(g.lo[at:], g.hi[at:], lo, hi, g.segments)
	}
	if g.squares {
		sq := s.sq[:k]
		squaresRuns(sq, x, t.run)
		for i, v := range sq {
			g.sq[at+i*g.segments] += v
		}
	}
	return ok
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

func (g *survey) rangesOfColumns(src []float32, t *stretch, s *scratch) {
	x := src[t.e:]
	if n := t.channel + t.n; g.segments == 1 && g.ch.cols == g.ch.axis {
		// A column is a channel, and has no other columns.
		if !rangeColumns(g.lo[t.channel:n], g.hi[t.channel:n], x, t.rows, t.stride) {
			g.bad.Store(true)
		}
		if g.squares {
			squaresColumns(g.sq[t.channel:n], x, t.rows, t.stride)
		}
	} else {
		g.foldColumns(x, t, s)
	}
	for i := range g.others {
		for r := range t.rows {
			e := t.e + r*t.stride
			g.others[i].add(src, e, e+t.n, s)
		}
	}
}

// foldColumns collects the columns of a stretch, and adds them to their channels.
func (g *survey) foldColumns(x []float32, t *stretch, s *scratch) {
	lo, hi := s.lo[:t.n], s.hi[:t.n]
	resetRanges(lo, hi)
	if !rangeColumns(lo, hi, x, t.rows, t.stride) {
		g.bad.Store(true)
	}
	sq := s.sq[:t.n]
	if g.squares {
		clear(sq)
		squaresColumns(sq, x, t.rows, t.stride)
	}
	for j, l := 0, g.lanes(t); j < t.n; j++ {
		at := l.next()*g.segments + t.segment
		g.lo[at], g.hi[at] = min(g.lo[at], lo[j]), max(g.hi[at], hi[j])
		if g.squares {
			g.sq[at] += sq[j]
		}
	}
}

// add widens the ranges by elements e up to end, and reports whether they are finite.
func (o *otherRanges) add(src []float32, e, end int, s *scratch) bool {
	ok := true
	for e < end {
		p := o.span(e, end)
		if p.columns {
			rows := p.cut()
			lo, hi := s.lo[:p.run], s.hi[:p.run]
			resetRanges(lo, hi)
			ok = rangeColumns(lo, hi, src[e:], rows, p.run) && ok
			o.merge(p.p, lo, hi)
		} else if o.whole(p, e) {
			// These groups belong to this part alone.
			end := p.p + (p.n+p.run-1)/p.run
			ok = rangeRuns(o.lo[p.p:end], o.hi[p.p:end], src[e:e+p.n], p.run) && ok
		} else {
			p.n = min(p.n, tileRuns*p.run)
			k := (p.n + p.run - 1) / p.run
			ok = rangeRuns(s.lo[:k], s.hi[:k], src[e:e+p.n], p.run) && ok
			o.merge(p.p, s.lo[:k], s.hi[:k])
		}
		e += p.n
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
