package quant

// The second pass of a survey: the errors of every scheme, stretch by stretch,
// so that the tensor is read once for all of them.

// addSubject asks the second pass for the errors under p, whose layout is l.
func (g *survey) addSubject(l layout, p *Params) {
	n := len(g.schemes)
	if n < cap(g.schemes) {
		g.schemes = g.schemes[:n+1] // with the memory of an earlier use
	} else {
		g.schemes = append(g.schemes, subject{})
	}
	s := &g.schemes[n]
	s.layout = l
	s.own = l == g.ch
	s.scale, s.zero = p.Scale, p.ZeroPoint
	s.grid = p.Scheme.grid()
	s.tally = resize(s.tally, g.ch.axis*g.slots)
	clear(s.tally)
}

// secondPass leaves in each subject's tally one element for each channel.
func (g *survey) secondPass(src, restored []float32) {
	g.run(src, restored, true)
	g.foldErrors()
	if g.later {
		g.foldSquares()
	}
}

// squaresLater leaves the sums of squares of runs to the second pass, which
// must follow, with schemes: they can then be made on the way.
func (g *survey) squaresLater() { g.later = g.squares && g.ch.cols == 0 }

func (g *survey) foldSquares() {
	for c := range g.ch.axis {
		sq := g.sq[c*g.slots]
		for _, v := range g.sq[c*g.slots+1 : (c+1)*g.slots] {
			sq += v
		}
		g.sq[c] = sq
	}
}

func (g *survey) foldErrors() {
	for i := range g.schemes {
		t := g.schemes[i].tally
		for c := range g.ch.axis {
			sum := t[c*g.slots]
			for j := c*g.slots + 1; j < (c+1)*g.slots; j++ {
				sum.addAll(&t[j])
			}
			t[c] = sum
		}
	}
}

// Below, x are original values and y, if it is not nil, the same elements of
// another tensor: then what is summed are the differences between the two, cut
// as the errors of a scheme are.

func (g *survey) errorsOfRuns(x, y []float32, t *stretch, s *scratch) {
	k := (t.n + t.run - 1) / t.run
	acc := s.acc[:k]
	at := t.channel*g.slots + t.slot
	var sq []float64 // to be made yet
	if g.later {
		sq = s.squares[:k]
	}
	for i := range g.schemes {
		u := &g.schemes[i]
		if !u.own && u.params > 1 {
			for j := range k {
				b, end := j*t.run, min((j+1)*t.run, t.n)
				u.errors(&u.tally[at+j*g.slots], x[b:end], from(y, b), t.e+b, s)
			}
			continue
		}
		u.errorsOfRuns(acc, sq, x, y, t.run, t.channel, s)
		for j := range acc {
			u.tally[at+j*g.slots].add(&acc[j])
		}
		g.addSquares(sq, at)
		sq = nil
	}
	if sq != nil {
		squaresRuns(sq, x, t.run)
		g.addSquares(sq, at)
	}
}

// errorsOfRuns sets acc to the errors of runs, whose parameters are those from
// p on, if there are several, and sq, if it is not nil, to their sums of squares.
func (u *subject) errorsOfRuns(acc []sums, sq []float64, x, y []float32, run, p int, s *scratch) {
	k := len(acc)
	switch {
	case y != nil:
		differencesRuns(acc, x, y, run)
	case u.params == 1:
		fill(s.scale[:k], u.scale[0])
		fill(s.zero[:k], u.zero[0])
		u.grid.errorsRuns(acc, sq, x, run, s.scale[:k], s.zero[:k])
	default:
		u.grid.errorsRuns(acc, sq, x, run, u.scale[p:], u.zero[p:])
	}
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}

// errors adds the errors of elements x, the first of which is e, to t, span by span.
func (u *subject) errors(t *tally, x, y []float32, e int, s *scratch) {
	for len(x) > 0 {
		p := u.span(e, e+len(x))
		if p.columns {
			rows := p.cut()
			u.lay(s, 0, p)
			c := s.columns(p.run)
			u.errorsOfColumns(c, x, y, rows, p.run, s.scale[:p.run], s.zero[:p.run])
			for j := range p.run {
				t.add(&sums{c.abs[j], c.sq[j], c.max[j], c.clipped[j]})
			}
		} else {
			p.n = min(p.n, tileRuns*p.run)
			acc := s.acc[:(p.n+p.run-1)/p.run]
			u.errorsOfRuns(acc, nil, x[:p.n], y, p.run, p.p, s)
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
	u.grid.errorsColumns(c, x, rows, pitch, scale, zero)
}

// lay stores the parameters of the first row, or of all runs, of a span in s,
// one for each element from column at on.
func (u *subject) lay(s *scratch, at int, p span) {
	switch {
	case u.scale == nil:
	case !p.columns:
		for j := range p.n {
			s.scale[at+j], s.zero[at+j] = u.scale[p.p+j/p.run], u.zero[p.p+j/p.run]
		}
	case u.cols > 0:
		for j := range p.run {
			c := u.channel(p.p + j)
			s.scale[at+j], s.zero[at+j] = u.scale[c], u.zero[c]
		}
	default:
		copy(s.scale[at:at+p.run], u.scale[p.p:])
		copy(s.zero[at:at+p.run], u.zero[p.p:])
	}
}

// layColumns begins the sums of a tile's columns under a scheme, and stores the
// parameters in w if every row has the same.
func (g *survey) layColumns(u *subject, t *stretch, w *columnWork) {
	w.columns(t.n)
	switch {
	case u.scale == nil:
	case u.own:
		for j, l := 0, g.lanes(t); j < t.n; j++ {
			ch := l.next()
			w.scale[j], w.zero[j] = u.scale[ch], u.zero[ch]
		}
	case u.params == 1:
		fill(w.scale[:t.n], u.scale[0])
		fill(w.zero[:t.n], u.zero[0])
	}
}

// collectErrors adds the errors of some rows of a tile to the sums of its columns.
func (g *survey) collectErrors(u *subject, x, y []float32, t *stretch, w *columnWork, s *scratch) {
	c := w.sums(t.n)
	if y == nil && !u.own && u.params > 1 {
		u.errorsOfRows(c, x, t, s)
		return
	}
	u.errorsOfColumns(c, x, y, t.rows, t.pitch, w.scale[:t.n], w.zero[:t.n])
}

// addErrors adds the sums of a tile's columns to their channels.
func (g *survey) addErrors(u *subject, t *stretch, w *columnWork) {
	c := w.sums(t.n)
	for j, l := 0, g.lanes(t); j < t.n; j++ {
		u.tally[l.next()*g.slots+t.slot].add(&sums{c.abs[j], c.sq[j], c.max[j], c.clipped[j]})
	}
}

// errorsOfRows adds the errors of each column of t to c where the parameters
// change from row to row. Rows that have the same go to the kernel together.
func (u *subject) errorsOfRows(c columnSums, x []float32, t *stretch, s *scratch) {
	for r := 0; r < t.rows; {
		e := t.e + r*t.stride
		first := u.span(e, e+t.n)
		for at := 0; at < t.n; {
			p := u.span(e+at, e+t.n)
			if p.columns {
				p.n = min(p.n, p.run)
			}
			u.lay(s, at, p)
			at += p.n
		}
		k := 1
		for first.n == t.n && r+k < t.rows && u.span(e+k*t.stride, e+k*t.stride+t.n) == first {
			k++
		}
		u.grid.errorsColumns(c, x[r*t.pitch:], k, t.pitch, s.scale[:t.n], s.zero[:t.n])
		r += k
	}
}
