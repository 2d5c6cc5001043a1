package search

import "github.com/a01592f9/quant/internal/exact"

// The search for the range of the least error by a histogram alone.

// try returns what a clip costs by the histogram.
func (s *Search) try(c clip) candidate {
	r := s.task.drawn(s.d.r, s.center, c)
	return candidate{c, r, s.expected(r)}
}

// expected returns what a range costs by the histogram.
func (s *Search) expected(r Range) float64 {
	return s.d.cost(s.task.marksOf(r), s.squares)
}

// least finds the best range by the histogram that Load took: coarsely, and then
// by a Descent from each of the best few.
func (s *Search) least() candidate {
	s.center = s.d.center
	if s.task.ZeroInRange {
		s.center = 0
	}
	s.center = min(max(s.center, float64(s.d.r.Min)), float64(s.d.r.Max))
	s.starts, s.found = s.starts[:0], s.found[:0]
	s.widest = s.try(clip{})
	best := s.widest
	step := clipStep2
	if s.task.Symmetric {
		s.coarse()
		step = clipStep
	} else {
		s.coarse2()
	}
	for _, c := range s.starts {
		if c := s.refine(c, step/2); c.better(&best, estimate) {
			best = c
		}
	}
	s.others = s.subsets(s.others[:0], best.cost)
	return best
}

// leastExpected returns the best range by the histogram, those of narrower codes included
// where they are clearly better: a histogram does not tell integers from other values.
func (s *Search) leastExpected() candidate {
	best := s.least()
	for _, c := range s.others {
		if c.cost = s.expected(c.Range); c.better(&best, clearly) {
			best = c
		}
	}
	return best
}

// refine looks around a candidate, by the histogram.
func (s *Search) refine(c candidate, step int) candidate {
	d := &s.descent
	d.begin(s, c, step)
	d.compared, d.margin, d.least = true, estimate, 0
	return d.run(&s.task.Grid, func(r Range, _ float64) float64 { return s.expected(r) })
}

// coarse tries symmetric ranges until what they clip alone costs more than the
// best, and keeps the best of those that are better than their neighbours.
func (s *Search) coarse() {
	most := max(-float64(s.d.r.Min), float64(s.d.r.Max))
	best := s.widest.cost
	s.found = append(s.found, s.widest)
	least := min(s.d.pos.least(), s.d.neg.least())
	for k := clipStep; k < clipMost && exact.Shrink(most, k) >= least; k += clipStep {
		c := s.try(clip{hi: k})
		s.found = append(s.found, c)
		best = min(best, c.cost)
		t := exact.Shrink(most, k)
		if s.task.Rounded {
			t *= 2
		}
		if s.d.pos.beyond(t, s.squares)+s.d.neg.beyond(t, s.squares) > best {
			break
		}
	}
	for i, c := range s.found {
		if (i == 0 || c.cost < s.found[i-1].cost) && (i+1 == len(s.found) || c.cost <= s.found[i+1].cost) {
			s.keep(c)
		}
	}
}

// keep makes c one of the starts, if it is good enough.
func (s *Search) keep(c candidate) {
	i := len(s.starts)
	for i > 0 && c.cost < s.starts[i-1].cost {
		i--
	}
	if i == clipBest {
		return
	}
	if len(s.starts) < clipBest {
		s.starts = append(s.starts, c)
	}
	copy(s.starts[i+1:], s.starts[i:])
	s.starts[i] = c
}

// coarse2 tries ranges with two ends.
func (s *Search) coarse2() {
	m := s.task.marksOf(s.d.r)
	extra := m.widestStep() // zero points are rounded: an end of the marks may be so much further out
	lo, hi := float64(s.d.r.Min), float64(s.d.r.Max)
	if s.task.Rounded {
		extra += hi - lo
	}
	s.beyond[0] = s.distances(s.beyond[0][:0], s.center-lo, s.center-float64(s.d.near.Min), func(t float64) float64 { return s.below(s.center - t - extra) })
	s.beyond[1] = s.distances(s.beyond[1][:0], hi-s.center, float64(s.d.near.Max)-s.center, func(t float64) float64 { return s.above(s.center + t + extra) })
	best := s.widest.cost
	for i, below := range s.beyond[0] {
		for j, above := range s.beyond[1] {
			if below+above > best {
				break
			}
			c := s.widest
			if i+j > 0 {
				c = s.try(clip{i * clipStep2, j * clipStep2})
			}
			best = min(best, c.cost)
			s.keep(c)
		}
	}
}

// distances appends what ends at all distances cost at least, from most down to
// least, as far as they may be better than the widest range. Where there is
// nothing to cut, that is one.
func (s *Search) distances(dst []float64, most, least float64, cost func(float64) float64) []float64 {
	dst = append(dst, 0)
	if most <= 0 {
		return dst
	}
	for k := clipStep2; k <= clipDeep && exact.Shrink(most, k) > least; k += clipStep2 {
		c := cost(exact.Shrink(most, k))
		if c > s.widest.cost {
			break
		}
		dst = append(dst, c)
	}
	return dst
}

// below and above return the least that marks cost which end at v.

func (s *Search) below(v float64) float64 {
	if v > 0 {
		return s.d.neg.beyond(0, s.squares) + s.d.pos.below(v, s.squares)
	}
	return s.d.neg.beyond(-v, s.squares)
}

func (s *Search) above(v float64) float64 {
	if v < 0 {
		return s.d.pos.beyond(0, s.squares) + s.d.neg.below(-v, s.squares)
	}
	return s.d.pos.beyond(v, s.squares)
}

// begin makes d begin with a candidate.
func (d *Descent) begin(s *Search, best candidate, step int) {
	d.r, d.center, d.best = s.d.r, s.center, best
	d.compared, d.margin, d.least, d.step, d.moves = false, 0, clipWide, step, 0
	d.last, d.others = clip{}, d.others[:0]
	d.known, d.Wants = d.known[:0], d.Wants[:0]
}
