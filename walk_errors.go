package quant

// The errors of a block under every scheme of a walk. The tensor is read once for all schemes.

// An errorSink sums the errors of schemes, or the differences between two tensors.
type errorSink struct{ schemes []subject }

// A subject is a scheme whose errors a walk measures.
type subject struct {
	layout
	coding         // has no scales if two tensors are compared
	own    bool    // the parameters are those of the channels of the walk
	inside bool    // no element is clipped
	tally  []tally // the sums of segments, at channel*slots + slot
	total  []tally // the sums of the segments folded so far, if a channel has several segments

	// Memory for the parameters of a scheme with a signed scale.
	mirror struct {
		scale []float32
		zero  []int32
	}
}

// An errorWork has the memory that the errors of a block need: for its columns, or for its runs.
type errorWork struct {
	columnWork
	acc     [blockRuns]sums
	squares [blockRuns]float64

	// For a second scheme that is measured together with the first.
	second struct {
		acc   [blockRuns]sums
		scale [blockRuns]float32
		zero  [blockRuns]int32
	}
}

// A columnWork has the parameters and the sums of the columns of a block under one scheme.
type columnWork struct {
	scale   [blockCols]float32
	zero    [blockCols]int32
	sq, abs [blockCols]float64
	max     [blockCols]float32
	clipped [blockCols]uint32
}

// sums returns the sums of n columns.
func (w *columnWork) sums(n int) columnSums {
	return columnSums{w.abs[:], w.sq[:], w.max[:], w.clipped[:]}.sub(n)
}

// columns returns the sums of n columns, set to 0.
func (w *columnWork) columns(n int) columnSums {
	c := w.sums(n)
	clear(c.abs)
	clear(c.sq)
	clear(c.max)
	clear(c.clipped)
	return c
}

// addSubject adds the parameters p, whose layout is l, to the schemes of g.
func (g *errorSink) addSubject(o *order, l *layout, p *Params) {
	g.schemes = extended(g.schemes)
	s := &g.schemes[len(g.schemes)-1]
	s.layout, s.coding = *l, p.coding()
	if p.Scheme.SignedScale {
		s.mirrorScales(&p.Scheme)
	}
	s.own, s.inside = *l == o.ch, false
	s.tally = resize(s.tally, o.sums())
	clear(s.tally)
}

// mirrorScales replaces the parameters of u, which are those of a scheme with a signed scale, by
// positive scales that have the same errors.
func (u *subject) mirrorScales(s *Scheme) {
	u.mirror.scale = append(u.mirror.scale[:0], u.scale...)
	u.mirror.zero = append(u.mirror.zero[:0], u.zero...)
	u.scale, u.zero = u.mirror.scale, u.mirror.zero
	for i, v := range u.scale {
		if v < 0 {
			u.scale[i], u.zero[i] = -v, s.mirror(u.zero[i])
		}
	}
}

// fold adds the sums of the segments that have a slot to the totals, and sets them to 0 for the
// next segments.
func (u *subject) fold(o *order) {
	for i := range u.tally {
		u.total[i/o.slots].addAll(&u.tally[i])
	}
	clear(u.tally)
}

// In the methods below, x has the original values. If y is not nil, it has the same elements of
// another tensor. The differences between x and y are then summed instead of errors.

// runs adds the errors of a row of runs. If sq is not nil, it stores the sums of squares of the
// runs in sq.
func (g *errorSink) runs(o *order, sq []float64, x, y []float32, b *block, w *errorWork) {
	k := (b.n + b.run - 1) / b.run
	acc := w.acc[:k]
	at := b.p*o.slots + b.slot
	for i := 0; i < len(g.schemes); i++ {
		u := &g.schemes[i]
		if u.pairs() && i+1 < len(g.schemes) && g.schemes[i+1].pairs() {
			u.bothOfRuns(&g.schemes[i+1], k, sq, x, b, w)
			for j := range acc {
				u.tally[at+j*o.slots].add(&acc[j])
				g.schemes[i+1].tally[at+j*o.slots].add(&w.second.acc[j])
			}
			sq = nil
			i++
			continue
		}
		if !u.own && u.params > 1 {
			for j := range k {
				n, end := j*b.run, min((j+1)*b.run, b.n)
				u.errors(&u.tally[at+j*o.slots], x[n:end], from(y, n), b.e+n, w)
			}
			continue
		}
		u.errorsOfRuns(acc, sq, x, y, b.run, b.p, &w.columnWork)
		for j := range acc {
			u.tally[at+j*o.slots].add(&acc[j])
		}
		sq = nil
	}
	if sq != nil {
		squaresRuns(sq, x, b.run)
	}
}

// pairs reports whether u can be measured together with another such scheme.
func (u *subject) pairs() bool { return u.inside && (u.own || u.params == 1) }

// bothOfRuns sets the sums in w to the errors of k runs under u and v. If sq is not nil, it stores
// the sums of squares of the runs in sq.
func (u *subject) bothOfRuns(v *subject, k int, sq []float64, x []float32, b *block, w *errorWork) {
	s := &w.second
	first := insideRuns{&u.codeGrid, w.acc[:k], w.scale[:k], w.zero[:k]}
	second := insideRuns{&v.codeGrid, s.acc[:k], s.scale[:k], s.zero[:k]}
	u.runParams(&first, b.p)
	v.runParams(&second, b.p)
	errorsInsideBoth(first, second, sq, x, b.run)
}

// runParams sets the parameters of r to those of the runs from parameter p on.
func (u *subject) runParams(r *insideRuns, p int) {
	if u.params == 1 {
		fill(r.scale, u.scale[0])
		fill(r.zero, u.zero[0])
		return
	}
	r.scale, r.zero = u.scale[p:], u.zero[p:]
}

// errorsOfRuns sets acc to the sums of the errors of runs. The first run has the parameter p if
// there are several parameters. If sq is not nil, errorsOfRuns stores the sums of squares of the
// runs in sq.
func (u *subject) errorsOfRuns(acc []sums, sq []float64, x, y []float32, run, p int, w *columnWork) {
	scale, zero := w.scale[:len(acc)], w.zero[:len(acc)]
	switch {
	case y != nil:
		differencesRuns(acc, x, y, run)
		return
	case u.params == 1:
		fill(scale, u.scale[0])
		fill(zero, u.zero[0])
	default:
		scale, zero = u.scale[p:], u.zero[p:]
	}
	if u.inside {
		u.codeGrid.errorsInside(acc, sq, x, run, scale, zero)
		return
	}
	u.codeGrid.errorsRuns(acc, sq, x, run, scale, zero)
}

// errors adds the errors of x to t. It is for parameters that change within a channel. e is the
// index of the first element of x.
func (u *subject) errors(t *tally, x, y []float32, e int, w *errorWork) {
	for len(x) > 0 {
		p := u.span(e, e+len(x))
		if p.columns {
			rows := p.cut()
			u.spreadParams(&w.columnWork, 0, p)
			c := w.columns(p.run)
			u.errorsOfColumns(c, x, y, rows, p.run, w.scale[:p.run], w.zero[:p.run])
			for j := range p.run {
				t.add(&sums{c.abs[j], c.sq[j], c.max[j], c.clipped[j]})
			}
		} else {
			p.n = min(p.n, blockRuns*p.run)
			acc := w.acc[:(p.n+p.run-1)/p.run]
			u.errorsOfRuns(acc, nil, x[:p.n], y, p.run, p.p, &w.columnWork)
			for j := range acc {
				t.add(&acc[j])
			}
		}
		e += p.n
		x, y = x[p.n:], from(y, p.n)
	}
}

// errorsOfColumns adds the errors of columns to c.
func (u *subject) errorsOfColumns(c columnSums, x, y []float32, rows, pitch int, scale []float32, zero []int32) {
	if y != nil {
		differencesColumns(c, x, y, rows, pitch)
		return
	}
	if u.inside {
		u.codeGrid.errorsInsideColumns(c, x, rows, pitch, scale, zero)
		return
	}
	u.codeGrid.errorsColumns(c, x, rows, pitch, scale, zero)
}

// spreadParams stores a parameter for each element of the first row, or of all runs, of p in w.
// The parameter of the first element is stored at index at.
func (u *subject) spreadParams(w *columnWork, at int, p span) {
	switch {
	case u.scale == nil:
	case !p.columns:
		for j := range p.n {
			w.scale[at+j], w.zero[at+j] = u.scale[p.p+j/p.run], u.zero[p.p+j/p.run]
		}
	case u.cols > 0:
		for j := range p.run {
			c := u.channel(p.p + j)
			w.scale[at+j], w.zero[at+j] = u.scale[c], u.zero[c]
		}
	default:
		copy(w.scale[at:at+p.run], u.scale[p.p:])
		copy(w.zero[at:at+p.run], u.zero[p.p:])
	}
}

// beginColumns sets the sums of the columns of b in w to 0. If all rows have the same parameters,
// it stores these in w.
func (u *subject) beginColumns(o *order, b *block, w *columnWork) {
	w.columns(b.n)
	switch {
	case u.scale == nil:
	case u.own && o.inTurn(b):
		copy(w.scale[:b.n], u.scale[b.p:])
		copy(w.zero[:b.n], u.zero[b.p:])
	case u.own:
		for j, l := 0, o.lanes(b); j < b.n; j++ {
			c := l.next()
			w.scale[j], w.zero[j] = u.scale[c], u.zero[c]
		}
	case u.params == 1:
		fill(w.scale[:b.n], u.scale[0])
		fill(w.zero[:b.n], u.zero[0])
	}
}

// columns adds the errors of some rows to the sums of their columns.
func (u *subject) columns(x, y []float32, b *block, pitch int, w, rows *columnWork) {
	c := w.sums(b.n)
	if y == nil && !u.own && u.params > 1 {
		u.errorsOfRows(c, x, b, pitch, rows)
		return
	}
	u.errorsOfColumns(c, x, y, b.rows, pitch, w.scale[:b.n], w.zero[:b.n])
}

// bothOfColumns adds the errors of some rows under u and v to the sums of their columns. If sq is not
// nil, it adds the squares of the elements to sq.
func (u *subject) bothOfColumns(v *subject, sq []float64, x []float32, b *block, pitch int, w, second *columnWork) {
	errorsInsideColumnsBoth(
		insideColumns{&u.codeGrid, w.sums(b.n), w.scale[:b.n], w.zero[:b.n]},
		insideColumns{&v.codeGrid, second.sums(b.n), second.scale[:b.n], second.zero[:b.n]},
		sq, x, b.rows, pitch)
}

// addColumns adds the sums of columns to their channels.
func (u *subject) addColumns(o *order, b *block, w *columnWork) {
	c := w.sums(b.n)
	if o.inTurn(b) {
		t := u.tally[b.p*o.slots+b.slot:]
		for j, abs := range c.abs {
			t[j*o.slots].add(&sums{abs, c.sq[j], c.max[j], c.clipped[j]})
		}
		return
	}
	for j, l := 0, o.lanes(b); j < b.n; j++ {
		u.tally[l.next()*o.slots+b.slot].add(&sums{c.abs[j], c.sq[j], c.max[j], c.clipped[j]})
	}
}

// errorsOfRows adds the errors of each column of b to c. It is for parameters that change from
// row to row. Rows with the same parameters are passed to the kernel together.
func (u *subject) errorsOfRows(c columnSums, x []float32, b *block, pitch int, w *columnWork) {
	for r := 0; r < b.rows; {
		e := b.e + r*b.stride
		first := u.span(e, e+b.n)
		for at := 0; at < b.n; {
			p := u.span(e+at, e+b.n)
			if p.columns {
				p.n = min(p.n, p.run)
			}
			u.spreadParams(w, at, p)
			at += p.n
		}
		k := 1
		for first.n == b.n && r+k < b.rows && u.span(e+k*b.stride, e+k*b.stride+b.n) == first {
			k++
		}
		u.codeGrid.errorsColumns(c, x[r*pitch:], k, pitch, w.scale[:b.n], w.zero[:b.n])
		r += k
	}
}
