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
	qmin, qmax := p.Scheme.Grid()
	s.qmin, s.qmax = int32(qmin), int32(qmax)
	s.tally = resize(s.tally, g.ch.axis*g.segments)
	clear(s.tally)
}

// secondPass leaves in each subject's tally one element for each channel.
func (g *survey) secondPass(src []float32) {
	g.run(src, true)
	for i := range g.schemes {
		t := g.schemes[i].tally
		for c := range g.ch.axis {
			sum := t[c*g.segments]
			for j := c*g.segments + 1; j < (c+1)*g.segments; j++ {
				sum.addAll(&t[j])
			}
			t[c] = sum
		}
	}
}

func (g *survey) errorsOfRuns(src []float32, t *stretch, s *scratch) {
	x := src[t.e : t.e+t.n]
	k := (t.n + t.run - 1) / t.run
	acc := s.acc[:k]
	at := t.channel*g.segments + t.segment
	for i := range g.schemes {
		u := &g.schemes[i]
		switch {
		case u.own:
			errorsRuns(acc, x, t.run, u.scale[t.channel:], u.zero[t.channel:], u.qmin, u.qmax)
		case u.params == 1:
			fill(s.scale[:k], u.scale[0])
			fill(s.zero[:k], u.zero[0])
			errorsRuns(acc, x, t.run, s.scale[:k], s.zero[:k], u.qmin, u.qmax)
		default:
			for j := range k {
				e := t.e + j*t.run
				u.errors(&u.tally[at+j*g.segments], src, e, min(e+t.run, t.e+t.n), s)
			}
			continue
		}
		for j := range acc {
			u.tally[at+j*g.segments].add(&acc[j])
		}
	}
}

func fill[T any](s []T, v T) {
	for i := range s {
		s[i] = v
	}
}

// errors adds the errors of elements e up to end to t, span by span.
func (u *subject) errors(t *tally, src []float32, e, end int, s *scratch) {
	for e < end {
		p := u.span(e, end)
		if p.columns {
			rows := p.cut()
			u.lay(s, 0, p)
			c := s.columns(p.run)
			errorsColumns(c, src[e:], rows, p.run, s.scale[:p.run], s.zero[:p.run], u.qmin, u.qmax)
			for j := range p.run {
				t.add(&sums{c.abs[j], c.sq[j], c.max[j], c.clipped[j]})
			}
		} else {
			p.n = min(p.n, tileRuns*p.run)
			acc := s.acc[:(p.n+p.run-1)/p.run]
			errorsRuns(acc, src[e:e+p.n], p.run, u.scale[p.p:], u.zero[p.p:], u.qmin, u.qmax)
			for j := range acc {
				t.add(&acc[j])
			}
		}
		e += p.n
	}
}

// lay stores the parameters of the first row, or of all runs, of a span in s,
// one for each element from column at on.
func (u *subject) lay(s *scratch, at int, p span) {
	switch {
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

func (g *survey) errorsOfColumns(src []float32, t *stretch, s *scratch) {
	for i := range g.schemes {
		u := &g.schemes[i]
		c := s.columns(t.n)
		scale, zero := s.scale[:t.n], s.zero[:t.n]
		switch {
		case u.own:
			for j, l := 0, g.lanes(t); j < t.n; j++ {
				ch := l.next()
				scale[j], zero[j] = u.scale[ch], u.zero[ch]
			}
			errorsColumns(c, src[t.e:], t.rows, t.stride, scale, zero, u.qmin, u.qmax)
		case u.params == 1:
			fill(scale, u.scale[0])
			fill(zero, u.zero[0])
			errorsColumns(c, src[t.e:], t.rows, t.stride, scale, zero, u.qmin, u.qmax)
		default:
			u.errorsOfRows(c, src, t, s)
		}
		for j, l := 0, g.lanes(t); j < t.n; j++ {
			u.tally[l.next()*g.segments+t.segment].add(&sums{c.abs[j], c.sq[j], c.max[j], c.clipped[j]})
		}
	}
}

// errorsOfRows adds the errors of each column of t to c where the parameters
// change from row to row. Rows that have the same go to the kernel together.
func (u *subject) errorsOfRows(c columnSums, src []float32, t *stretch, s *scratch) {
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
		errorsColumns(c, src[e:], k, t.stride, s.scale[:t.n], s.zero[:t.n], u.qmin, u.qmax)
		r += k
	}
}
