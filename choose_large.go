package quant

import (
	"sync"

	"github.com/a01592f9/quant/internal/histogram"
	"github.com/a01592f9/quant/internal/search"
	"github.com/a01592f9/quant/internal/work"
)

// Choosing ranges for parameters with too many values to be collected in memory. The search
// makes several passes over the tensor, which is in memory or read from a Source. The first
// pass fills a histogram for each parameter. For percentiles, further passes count the lower
// bits of the values in one bin. For the least error, each further pass computes the errors of
// several ranges, for all parameters and schemes.

const (
	// mostColumns is the largest number of channels for which ranges are chosen at a time,
	// where channels must be read together. Each of them has a histogram.
	mostColumns = 256

	// mostTogether is the largest number of schemes for which ranges are chosen at a time.
	mostTogether = 4

	// passTrials is the number of ranges for which a pass should compute errors, for all
	// schemes together. Descents ask for ranges in advance to reach it. Each range takes as
	// much work as the pass itself.
	passTrials = 12

	// mostWidePasses is the largest number of percentiles for which one pass counts the lower
	// 16 bits of the values. Since that takes memory, more percentiles take two passes of 8
	// bits.
	mostWidePasses = 4
)

// A selection is the job of choosing the ranges of all parameters of a tensor, for several
// schemes with the same layout.
type selection struct {
	all     layout
	schemes []scaler      // a scheme with a signed scale is there twice if the search looks at both sides
	added   []int         // index in schemes of each scheme that was added
	tasks   []search.Task // one for each of schemes
	lo, hi  []float32     // range of all values of each parameter
	ranges  [][]Range     // the chosen ranges, for each of schemes
	costs   [][]float64   // their errors, for each of schemes that has a side

	// The part of the tensor for which ranges are being chosen. Its parameters are its
	// channels.
	part     layout
	first    int // index of the first parameter of the part
	params   []observed
	digits   [][]search.KthValue // two lists by parameter, for each scheme with percentiles
	descents [][]search.Descent  // a list by parameter for each scheme; empty for schemes without a descent
	trials   []Params            // the parameters of one pass
	walk     walk
	columns  columnsSource
	copied   []float32 // the values of a block of two axes
}

var selections = sync.Pool{New: func() any { return new(selection) }}

// begin prepares s for the parameters of l. lo and hi are the ranges of their values.
func (s *selection) begin(l layout, lo, hi []float32) {
	s.all, s.schemes, s.added, s.ranges, s.costs = l, s.schemes[:0], s.added[:0], s.ranges[:0], s.costs[:0]
	s.lo, s.hi = append(s.lo[:0], lo...), append(s.hi[:0], hi...)
}

// add adds a scheme, and reports whether another can be added.
func (s *selection) add(scheme Scheme) bool {
	s.added = append(s.added, len(s.schemes))
	by := scheme.scaler(scheme.tensorScale(s.lo, s.hi))
	if scheme.bySide() {
		by.side = positiveSide
		s.addScaler(by)
		by.side = negativeSide
	}
	s.addScaler(by)
	return len(s.schemes) < mostTogether
}

// addScaler adds a scheme for one side, or for both.
func (s *selection) addScaler(by scaler) {
	s.schemes = append(s.schemes, by)
	s.costs = extended(s.costs)
	if c := &s.costs[len(s.costs)-1]; by.side != bothSides {
		*c = resize(*c, len(s.lo))
	}
	s.ranges = extended(s.ranges)
	r := &s.ranges[len(s.ranges)-1]
	*r = resize(*r, len(s.lo))
	for i := range *r {
		(*r)[i] = Range{s.lo[i], s.hi[i]}
	}
}

// chosen stores the ranges that the k-th scheme that was added has chosen in lo and hi.
func (s *selection) chosen(k int, lo, hi []float32) {
	k = s.added[k]
	for i, r := range s.ranges[k] {
		whole := Range{s.lo[i], s.hi[i]}
		if s.schemes[k].side == bothSides {
			r = s.schemes[k].decided(r, whole)
		} else {
			r = cheaper(r, s.ranges[k+1][i], [2]float64{s.costs[k][i], s.costs[k+1][i]}, whole)
		}
		lo[i], hi[i] = r.Min, r.Max
	}
}

// tensor returns the scale of the tensor for the k-th scheme that was added.
func (s *selection) tensor(k int) float32 { return s.schemes[s.added[k]].rule.tensor }

// chooseLarge is choose for parameters of many values. The tensor is x or, if src is not nil,
// is read from src.
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

// run chooses all ranges. The sums over a channel do not depend on the other channels of a
// part. So a tensor in memory and one that is read may be divided into different parts.
func (s *selection) run(x []float32, src Source) error {
	l := &s.all
	s.tasks = s.tasks[:0]
	for k := range s.schemes {
		s.tasks = append(s.tasks, s.schemes[k].task())
	}
	switch {
	case l.tall > 0:
		for s.first = range l.params {
			if err := s.block(x, src, l.values(s.first, 1)); err != nil {
				return err
			}
		}
		return nil
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

// row chooses the range of one parameter, whose n values are contiguous from element at.
func (s *selection) row(x []float32, src Source, at, n int) error {
	s.part = channelsOf(1, 1, n)
	if src == nil {
		return s.choose(x[at:at+n], nil)
	}
	s.columns = columnsSource{src, at, n, n}
	return s.choose(nil, &s.columns)
}

// block chooses the range of one parameter, whose values are the rows of b. Rows in memory are
// copied, so that the values are contiguous, as they are if they are read.
func (s *selection) block(x []float32, src Source, b block) error {
	s.part = channelsOf(1, 1, b.rows*b.n)
	if src == nil {
		s.copied = resize(s.copied, b.rows*b.n)
		b.compact(s.copied, x[b.e:])
		return s.choose(s.copied, nil)
	}
	s.columns = columnsSource{src, b.e, b.n, b.stride}
	return s.choose(nil, &s.columns)
}

// chooseColumns chooses the ranges of the channels of a tensor of the shape [outer, axis,
// inner] that begins at element at. If it is read, at most mostColumns channels are read at a
// time. That does not change the results.
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
			s.columns.width *= outer // the rows are contiguous
		}
		if err := s.choose(nil, &s.columns); err != nil {
			return err
		}
	}
	return nil
}

// choose chooses the ranges of the parameters of a part. The part is x, or is read from src.
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

// collect passes over the part. It counts the values in d or, if d is nil, in the histograms.
func (s *selection) collect(x []float32, src Source, d [][]search.KthValue) error {
	w := histogramWalks.Get().(*histogramWalk)
	w.sift, w.counts = false, true
	err := w.run(x, src, s.part, s.params, d)
	histogramWalks.Put(w)
	return err
}

var histogramReaders = work.New(func(s **selection, i int) { (*s).fromHistogram(i) })

// fromHistogram begins the search for the range of parameter i, for all schemes. It finds
// ranges that need no further pass.
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

// findPercentiles makes passes over the part until all percentiles are found.
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

// descend makes passes over the part until no descent needs another error.
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
					if s.schemes[k].side != bothSides {
						s.costs[k][s.first+i] = d.Cost()
					}
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

// pass computes the errors that the descents need next.
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
		g.errors.addSubject(&g.order, &s.part, &s.trials[i])
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
