package quant

import (
	"sync"

	"github.com/a01592f9/quant/internal/histogram"
	"github.com/a01592f9/quant/internal/search"
	"github.com/a01592f9/quant/internal/work"
)

// Choosing ranges for parameters that have too many values to be brought
// together. All goes by passes over the tensor, which may be in memory or be
// read: one fills the histograms. Then percentiles count the lower bits of the
// values in their bins, and a pass tries all ranges whose errors the searches for
// the least error ask for, for all parameters and schemes.

const (
	// mostColumns is how many channels at most are done at a time, if they have
	// to be read together: each has a histogram.
	mostColumns = 256

	// mostTogether is how many schemes of one layout are done at a time.
	mostTogether = 4

	// passTrials is how many trials a pass should have, for all schemes, if there
	// are any that a search may ask for next. Each is as much work as the pass.
	passTrials = 12

	// mostWidePasses is up to how many percentiles have the lower 16 bits of their
	// values counted in one pass, which takes memory; more are counted in two.
	mostWidePasses = 4
)

// A selection is the job of choosing ranges of the parameters of a tensor, for
// several schemes of the same layout.
type selection struct {
	all     layout
	schemes []scaler
	tasks   []search.Task // of the schemes
	lo, hi  []float32     // of all values of each parameter
	ranges  [][]Range     // that each scheme chooses

	// Of the part of the tensor whose parameters are being chosen, which are
	// channels of their own.
	part     layout
	first    int // parameter
	params   []observed
	digits   [][]search.KthValue // two lists, by parameter, for each scheme that asks for percentiles
	descents [][]search.Descent  // a list for each scheme, empty if it asks for something else
	trials   []Params            // of a pass
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
	s.schemes = append(s.schemes, scheme.scaler(scheme.tensorScale(s.lo, s.hi)))
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
	s.tasks = s.tasks[:0]
	for k := range s.schemes {
		s.tasks = append(s.tasks, s.schemes[k].task())
	}
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
				err = s.chooseColumns(from(x, at), src, at, rows, l.inner, 1)
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
		return s.chooseColumns(x, src, 0, l.outer, l.axis, l.inner)
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

// chooseColumns chooses the ranges of the channels of a tensor, from element at on.
// What is read is done some channels at a time, which does not change the walk.
func (s *selection) chooseColumns(x []float32, src Source, at, outer, axis, inner int) error {
	if src == nil {
		s.part = channelsOf(outer, axis, inner)
		return s.choose(x[:s.part.n()], nil)
	}
	most := max(1, min(mostColumns, bufferLen/inner))
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
		s.params[i].hist.Reset(lanesOf(len(s.params)))
	}
	if err := s.collect(x, src, nil); err != nil {
		return err
	}
	s.digits, s.descents = s.digits[:0], s.descents[:0]
	n := len(s.params)
	for k := range s.tasks {
		goal := s.tasks[k].Goal
		for range 2 {
			if goal.ByRank() {
				s.digits = extended(s.digits)
				d := &s.digits[len(s.digits)-1]
				*d = resize(*d, n)
			}
		}
		s.descents = extended(s.descents)
		d := &s.descents[len(s.descents)-1]
		if *d = (*d)[:0]; goal.ByErrors() {
			*d = resize(*d, n)
		}
	}
	if work.Several(n) {
		histogramReaders.Do(&s, n)
	} else {
		for i := range n {
			s.fromHistogram(i)
		}
	}
	if err := s.findPercentiles(x, src); err != nil {
		return err
	}
	return s.descend(x, src)
}

// collect fills the histograms or, if there are any, brings the values to digits.
func (s *selection) collect(x []float32, src Source, d [][]search.KthValue) error {
	w := histogramWalks.Get().(*histogramWalk)
	w.sift, w.counts = false, true
	err := w.run(x, src, s.part, s.params, d)
	histogramWalks.Put(w)
	return err
}

var histogramReaders = work.New(func(s **selection, i int) { (*s).fromHistogram(i) })

// fromHistogram makes of the histogram of a parameter what schemes need of it.
func (s *selection) fromHistogram(i int) {
	c := choosers.Get().(*chooser)
	h, n := &s.params[i].hist, uint64(s.part.n()/s.part.params)
	loaded, percentiles := false, 0
	for k := range s.schemes {
		r, task := &s.ranges[k][s.first+i], &s.tasks[k]
		if task.Goal.ByRank() {
			lo, hi := &s.digits[percentiles][i], &s.digits[percentiles+1][i]
			percentiles += 2
			lo.Stop()
			hi.Stop()
			width := 8
			if len(s.digits)*len(s.params) <= mostWidePasses {
				width = 16
			}
			if task.Goal == search.Magnitudes {
				if t := histogram.Outside(task.Percentile, n); t > 0 && r.Min < r.Max {
					hi.BeginMagnitude(h, n-1-t, width)
				}
			} else if t := histogram.Tails(task.Percentile, n); t > 0 && r.Min < r.Max {
				lo.Begin(h, t, width)
				hi.Begin(h, n-1-t, width)
			}
			continue
		}
		if r.Min < r.Max && !loaded {
			c.search.Load(h, n, search.Range(*r))
			loaded = true
		}
		switch {
		case task.Goal.ByErrors():
			d := &s.descents[k][i]
			d.Stop()
			if r.Min < r.Max {
				c.search.StartDescent(d, task)
			}
		case r.Min < r.Max:
			*r = Range(c.search.OfLoaded(task))
		}
	}
	choosers.Put(c)
}

// findPercentiles makes passes until all percentiles are found.
func (s *selection) findPercentiles(x []float32, src Source) error {
	for {
		open := false
		for k := range s.digits {
			for i := range s.digits[k] {
				open = open || s.digits[k][i].Open()
			}
		}
		if !open {
			return nil
		}
		if err := s.collect(x, src, s.digits); err != nil {
			return err
		}
		percentiles := 0
		for k := range s.schemes {
			if !s.tasks[k].Goal.ByRank() {
				continue
			}
			for i := range s.params {
				lo, hi := &s.digits[percentiles][i], &s.digits[percentiles+1][i]
				if !hi.Open() {
					continue
				}
				if s.tasks[k].Goal == search.Magnitudes {
					if r := &s.ranges[k][s.first+i]; hi.Next() {
						*r = Range(search.Cut(search.Range(*r), hi.Value()))
					}
					continue
				}
				if done := lo.Next(); hi.Next() && done {
					s.ranges[k][s.first+i] = Range{lo.Value(), hi.Value()}
				}
			}
			percentiles += 2
		}
	}
}

// descend makes passes until no descent asks for more.
func (s *selection) descend(x []float32, src Source) error {
	for {
		n := 0
		for k := range s.descents {
			for i := range s.descents[k] {
				d := &s.descents[k][i]
				d.Next(&s.tasks[k].Grid, passTrials/len(s.schemes))
				n += len(d.Wants)
				if r, ok := d.Result(); ok {
					s.ranges[k][s.first+i] = Range(r)
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

// pass finds the costs that descents ask for.
func (s *selection) pass(x []float32, src Source) error {
	s.trials = s.trials[:0]
	for k, scheme := range s.schemes {
		n := 0
		for i := range s.descents[k] {
			n = max(n, len(s.descents[k][i].Wants))
		}
		for j := range n {
			s.trials = extended(s.trials)
			p := &s.trials[len(s.trials)-1]
			p.set(scheme.Scheme, len(s.params))
			for i := range s.params {
				p.Scale[i], p.ZeroPoint[i] = 1, 0
				if w := s.descents[k][i].Wants; j < len(w) {
					p.Scale[i], p.ZeroPoint[i] = w[j].Scale, w[j].Zero
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
	for k := range s.schemes {
		n := 0
		for i := range s.descents[k] {
			wants := s.descents[k][i].Wants
			for j := range wants {
				t := &g.errors.schemes[subject+j].tally[i]
				if wants[j].Cost = t.abs; s.tasks[k].Goal == search.Squares {
					wants[j].Cost = t.sq
				}
			}
			n = max(n, len(wants))
		}
		subject += n
	}
	return nil
}
