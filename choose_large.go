package quant

import (
	"math"
	"sync"
)

// Choosing ranges for parameters that have too many values to be brought
// together. All goes by passes over the tensor, which may be in memory or be
// read: one fills the histograms. Then percentiles count the lower bits of the
// values in their bins, and the searches for the least error have all ranges
// tried in one pass that they need to know of, for all parameters and schemes.

const (
	// mostAbreast is how many channels at most are done at a time, if they have
	// to be read together: each has a histogram.
	mostAbreast = 256

	// mostTogether is how many schemes of one layout are done at a time.
	mostTogether = 4

	// foresight is how many trials a pass should have, for all schemes, if there
	// are any that a search may ask for next. Each is as much work as the pass.
	foresight = 12

	// fewDigits is up to how many percentiles have the lower bits of their values
	// found in one pass, which takes memory; more are found in two.
	fewDigits = 4
)

// A selection is the job of choosing ranges of the parameters of a tensor, for
// several schemes of the same layout.
type selection struct {
	all     layout
	schemes []Scheme
	lo, hi  []float32 // of all values of each parameter
	ranges  [][]Range // that each scheme chooses

	// Of the part of the tensor whose parameters are being chosen, which are
	// channels of their own.
	part     layout
	first    int // parameter
	params   []observed
	digits   [][]digits  // two for each parameter of those schemes that want any
	descents [][]descent // the same
	trials   []Params    // of a pass
	walk     walk
	columns  columnsSource
}

var selections = sync.Pool{New: func() any { return new(selection) }}

// begin readies s for the parameters of l, all of whose values are in these ranges.
func (s *selection) begin(l layout, lo, hi []float32) {
	s.all, s.schemes, s.ranges = l, s.schemes[:0], s.ranges[:0]
	s.lo, s.hi = append(s.lo[:0], lo...), append(s.hi[:0], hi...)
}

// add adds a scheme, and reports whether there is room for more.
func (s *selection) add(scheme Scheme) bool {
	s.schemes = append(s.schemes, scheme)
	s.ranges = extended(s.ranges)
	r := &s.ranges[len(s.ranges)-1]
	*r = resize(*r, len(s.lo))
	for i := range *r {
		(*r)[i] = Range{s.lo[i], s.hi[i]}
	}
	return len(s.schemes) < mostTogether
}

// chosen stores in lo and hi what scheme k has chosen.
func (s *selection) chosen(k int, lo, hi []float32) {
	for i, r := range s.ranges[k] {
		lo[i], hi[i] = r.Min, r.Max
	}
}

// chooseLarge is choose for parameters of many values, which are x or, if src
// is not nil, come from there.
func (s Scheme) chooseLarge(x []float32, src Source, l layout, lo, hi []float32) error {
	f := selections.Get().(*selection)
	f.begin(l, lo, hi)
	f.add(s)
	err := f.run(x, src)
	if err == nil {
		f.chosen(0, lo, hi)
	}
	selections.Put(f)
	return err
}

// run chooses all ranges. Sums over a channel do not depend on which others are
// done with it, so what is in memory may be cut otherwise than what is read.
func (s *selection) run(x []float32, src Source) error {
	l := &s.all
	switch {
	case l.group > 0:
		for i := range l.outer * l.groups {
			s.first = i * l.inner
			rows := min(l.group, l.axis-i%l.groups*l.group)
			at := (i/l.groups*l.axis + i%l.groups*l.group) * l.inner
			var err error
			if l.inner == 1 {
				err = s.row(x, src, at, rows)
			} else {
				err = s.abreast(from(x, at), src, at, rows, l.inner, 1)
			}
			if err != nil {
				return err
			}
		}
		return nil
	case l.outer == 1:
		for s.first = range l.axis {
			if err := s.row(x, src, s.first*l.inner, l.inner); err != nil {
				return err
			}
		}
		return nil
	case l.scattered() || src == nil:
		s.first = 0
		return s.abreast(x, src, 0, l.outer, l.axis, l.inner)
	}
	for s.first = range l.axis {
		s.part = layout{outer: l.outer, axis: 1, inner: l.inner, params: 1}
		s.columns = columnsSource{src, s.first * l.inner, l.inner, l.axis * l.inner}
		if err := s.choose(nil, &s.columns); err != nil {
			return err
		}
	}
	return nil
}

// row chooses the range of a parameter whose n values, from element at on, lie
// together.
func (s *selection) row(x []float32, src Source, at, n int) error {
	s.part = channelsOf(1, 1, n)
	if src == nil {
		return s.choose(x[at:at+n], nil)
	}
	s.columns = columnsSource{src, at, n, n}
	return s.choose(nil, &s.columns)
}

// abreast chooses the ranges of the channels of a tensor, from element at on.
// What is read is done some channels at a time, which does not change the walk.
func (s *selection) abreast(x []float32, src Source, at, outer, axis, inner int) error {
	if src == nil {
		s.part = channelsOf(outer, axis, inner)
		return s.choose(x[:s.part.n()], nil)
	}
	most := max(1, min(mostAbreast, bufferLen/inner))
	first, parts := s.first, (axis+most-1)/most
	for i := range parts {
		c, end := axis*i/parts, axis*(i+1)/parts
		s.first = first + c
		s.part = channelsOf(outer, end-c, inner)
		s.columns = columnsSource{src, at + c*inner, (end - c) * inner, axis * inner}
		if parts == 1 {
			s.columns.width *= outer // rows follow each other
		}
		if err := s.choose(nil, &s.columns); err != nil {
			return err
		}
	}
	return nil
}

// choose chooses the ranges of the parameters of a part, which is x or src.
func (s *selection) choose(x []float32, src Source) error {
	s.params = resize(s.params, s.part.params)
	for i := range s.params {
		s.params[i].hist.reset(lanesOf(len(s.params)))
	}
	if err := s.collect(x, src, nil); err != nil {
		return err
	}
	s.digits, s.descents = s.digits[:0], s.descents[:0]
	for _, scheme := range s.schemes {
		n := len(s.params)
		switch scheme.Method.kind {
		case percentile:
			for range 2 {
				s.digits = extended(s.digits)
				d := &s.digits[len(s.digits)-1]
				*d = resize(*d, n)
			}
			n = 0
		case entropy:
			n = 0
		}
		s.descents = extended(s.descents)
		d := &s.descents[len(s.descents)-1]
		*d = resize(*d, n)
	}
	if several(len(s.params)) {
		deducers.do(&s, len(s.params))
	} else {
		for i := range s.params {
			s.deduce(i)
		}
	}
	if err := s.settle(x, src); err != nil {
		return err
	}
	return s.descend(x, src)
}

// collect fills the histograms or, if there are any, brings the values to digits.
func (s *selection) collect(x []float32, src Source, d [][]digits) error {
	w := histogramWalks.Get().(*histogramWalk)
	w.sift, w.counts = false, true
	err := w.run(x, src, s.part, s.params, d)
	histogramWalks.Put(w)
	return err
}

var deducers = newTeams(func(s **selection, i int) { (*s).deduce(i) })

// deduce makes of the histogram of a parameter what schemes need of it.
func (s *selection) deduce(i int) {
	q := searches.Get().(*search)
	h, n := &s.params[i].hist, uint64(s.part.n()/s.part.params)
	loaded, percentiles := false, 0
	for k, scheme := range s.schemes {
		r := &s.ranges[k][s.first+i]
		if scheme.Method.kind == percentile {
			lo, hi := &s.digits[percentiles][i], &s.digits[percentiles+1][i]
			percentiles += 2
			lo.left, hi.left = 0, 0
			if t := tails(scheme.Method.fraction, n); t > 0 && r.Min < r.Max {
				width := 8
				if len(s.digits)*len(s.params) <= fewDigits {
					width = 16
				}
				lo.look(h, t, width)
				hi.look(h, n-1-t, width)
			}
			continue
		}
		if r.Min < r.Max && !loaded {
			q.d.load(h, n, *r)
			loaded = true
		}
		switch {
		case scheme.Method.kind != entropy:
			d := &s.descents[k][i]
			d.step, d.compared, d.known, d.wants = 0, false, d.known[:0], d.wants[:0]
			if r.Min < r.Max {
				d.begin(q, q.run(scheme))
			}
		case r.Min < r.Max:
			*r = q.entropy(scheme)
		}
	}
	searches.Put(q)
}

// settle finds the percentiles that are looked for.
func (s *selection) settle(x []float32, src Source) error {
	for {
		open := false
		for k := range s.digits {
			for i := range s.digits[k] {
				open = open || s.digits[k][i].left > 0
			}
		}
		if !open {
			return nil
		}
		if err := s.collect(x, src, s.digits); err != nil {
			return err
		}
		percentiles := 0
		for k, scheme := range s.schemes {
			if scheme.Method.kind != percentile {
				continue
			}
			for i := range s.params {
				lo, hi := &s.digits[percentiles][i], &s.digits[percentiles+1][i]
				if lo.left == 0 {
					continue
				}
				if done := lo.settle(); hi.settle() && done {
					s.ranges[k][s.first+i] = Range{lo.value(), hi.value()}
				}
			}
			percentiles += 2
		}
	}
}

// descend makes passes until no search wants to know more.
func (s *selection) descend(x []float32, src Source) error {
	for {
		n := 0
		for k := range s.descents {
			for i := range s.descents[k] {
				d := &s.descents[k][i]
				d.next(s.schemes[k], foresight/len(s.schemes))
				n += len(d.wants)
				if d.step == 0 && d.compared {
					s.ranges[k][s.first+i] = d.best.Range
				}
			}
		}
		if n == 0 {
			return nil
		}
		if err := s.pass(x, src); err != nil {
			return err
		}
	}
}

// pass finds out what searches want to know.
func (s *selection) pass(x []float32, src Source) error {
	s.trials = s.trials[:0]
	for k, scheme := range s.schemes {
		n := 0
		for i := range s.descents[k] {
			n = max(n, len(s.descents[k][i].wants))
		}
		for j := range n {
			s.trials = extended(s.trials)
			p := &s.trials[len(s.trials)-1]
			p.set(scheme, len(s.params))
			for i := range s.params {
				p.Scale[i], p.ZeroPoint[i] = 1, 0
				if w := s.descents[k][i].wants; j < len(w) {
					p.Scale[i], p.ZeroPoint[i] = w[j].scale, w[j].zero
				}
			}
		}
	}
	g := &s.walk
	g.begin(s.part, false, len(s.trials), src, nil)
	for i := range s.trials {
		g.errors.addSubject(&g.order, s.part, &s.trials[i])
	}
	err := g.pass(x, nil, false, true, PerTensor)
	g.end()
	if err != nil {
		return err
	}
	subject := 0
	for k, scheme := range s.schemes {
		n := 0
		for i := range s.descents[k] {
			d := &s.descents[k][i]
			for j, w := range d.wants {
				t := &g.errors.schemes[subject+j].tally[i]
				if w.cost = t.abs; scheme.Method.kind == leastSquares {
					w.cost = t.sq
				}
				d.known = append(d.known, w)
			}
			n = max(n, len(d.wants))
			d.wants = d.wants[:0]
		}
		subject += n
	}
	return nil
}

// A descent is a search for the least error of one parameter, as by exactly,
// that goes as far as what it knows of errors.
type descent struct {
	r            Range
	center       float64
	widest, best candidate
	compared     bool // these two
	step, moves  int
	last         clip // move
	known, wants []trial
}

// A trial is parameters and what they cost. Clips that have the same ones need
// to be tried but once.
type trial struct {
	scale float32
	zero  int32
	cost  float64
}

// begin has the search begin with what is best by the histogram of q.
func (d *descent) begin(q *search, best candidate) {
	d.r, d.center, d.widest, d.best = q.d.r, q.center, q.widest, best
	d.compared, d.step, d.moves = false, exactStep, 0
}

// next goes on with the search, and leaves in d.wants what it needs to know
// then, and if that is less, about as much as it may need next.
func (d *descent) next(s Scheme, about int) {
	if d.step > 0 && !d.compared {
		if !d.look(s, &d.widest) || !d.look(s, &d.best) {
			d.foresee(s, about)
			return
		}
		if d.compared = true; !d.best.better(&d.widest, 0) {
			d.best = d.widest
		}
	}
	for d.step > 0 {
		b, known := d.around(s)
		if !known {
			d.foresee(s, about)
			return
		}
		still := b.clip == d.best.clip
		d.last = clip{b.lo - d.best.lo, b.hi - d.best.hi}
		d.best = b
		if d.moves++; still || d.moves == mostMoves {
			d.step, d.moves = d.step/2, 0
		}
	}
}

// around is that of a search, if all costs are known.
func (d *descent) around(s Scheme) (best candidate, known bool) {
	best = d.best
	for _, to := range directions(s.Mapping) {
		c, ok := d.beside(s, d.best.clip, to, d.step)
		if !ok {
			continue
		}
		if !d.look(s, &c) {
			return best, false
		}
		if c.better(&best, 0) {
			best = c
		}
	}
	return best, true
}

// beside returns the candidate so many steps away from a clip, if there is one.
func (d *descent) beside(s Scheme, from, to clip, step int) (candidate, bool) {
	n, ok := from.beside(to, step)
	if !ok {
		return candidate{}, false
	}
	return candidate{n, s.drawn(d.r, d.center, n), math.Inf(1)}, true
}

// look sets what c costs, if that is known.
func (d *descent) look(s Scheme, c *candidate) bool {
	scale, zero := s.params(c.Range)
	for i := range d.known {
		if t := &d.known[i]; t.scale == scale && t.zero == zero {
			c.cost = t.cost
			return true
		}
	}
	return false
}

// foresee fills d.wants: after a move the search may go on in that direction as
// far as it has come, or else goes on with smaller steps.
func (d *descent) foresee(s Scheme, about int) {
	if !d.compared {
		d.want(s, &d.widest)
		d.want(s, &d.best)
	}
	d.wantAround(s, d.best.clip, d.step)
	for i, ahead := 0, d.best.clip; i < d.moves && len(d.wants) < about; i++ {
		ahead = clip{ahead.lo + d.last.lo, ahead.hi + d.last.hi}
		d.wantAround(s, ahead, d.step)
	}
	for step := d.step / 2; step > 0 && len(d.wants) < about; step /= 2 {
		d.wantAround(s, d.best.clip, step)
	}
}

func (d *descent) wantAround(s Scheme, from clip, step int) {
	for _, to := range directions(s.Mapping) {
		if c, ok := d.beside(s, from, to, step); ok {
			d.want(s, &c)
		}
	}
}

// want asks for what c costs, if that is not known.
func (d *descent) want(s Scheme, c *candidate) {
	if d.look(s, c) {
		return
	}
	scale, zero := s.params(c.Range)
	for _, t := range d.wants {
		if t.scale == scale && t.zero == zero {
			return
		}
	}
	d.wants = append(d.wants, trial{scale: scale, zero: zero})
}
