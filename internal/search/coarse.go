package search

import "github.com/a01592f9/quant/internal/exact"

// The search for the range of the least error in a histogram. Costs are estimates here.

// try returns the range of a clip with its cost, as estimated from the histogram.
func (s *Search) try(c clip) candidate {
	r := s.task.drawn(s.d.r, s.center, c)
	return candidate{c, r, s.expected(r)}
}

// expected returns the cost of a range, as estimated from the histogram.
func (s *Search) expected(r Range) float64 {
	return s.d.cost(s.task.marksOf(r), s.squares)
}

// least returns the range of the least cost for the histogram given to Load. A coarse search is
// followed by a Descent from each of its clipBest best ranges. least also sets s.others.
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

// leastExpected returns the best range for the histogram. A range of narrower codes is taken
// only if its cost is clearly less: a histogram cannot distinguish integers from other values.
func (s *Search) leastExpected() candidate {
	best := s.least()
	for _, c := range s.others {
		if c.cost = s.expected(c.Range); c.cost < best.cost*(1-clearly) {
			best = c
		}
	}
	return best
}

// StartDescent starts the descent d for the histogram given to Load. d begins at the best range
// for the histogram, or at the range of all values if that costs less. The caller supplies the
// costs: see Descent.
func (s *Search) StartDescent(d *Descent, t *Task) {
	s.begin(t)
	best := s.least()
	s.others = s.lattices(s.others)
	d.begin(s.d.r, s.center, best, firstStep)
	d.widest = s.widest
	d.others = append(d.others[:0], s.others...)
}

// refine searches around a candidate by costs estimated from the histogram. step is the first
// distance of the descent.
func (s *Search) refine(c candidate, step int) candidate {
	d := &s.descent
	d.begin(s.d.r, s.center, c, step)
	d.compared, d.margin, d.least = true, estimate, 0
	return d.run(&s.task.Grid, func(r Range, _ float64) float64 { return s.expected(r) })
}

// coarse tries narrower and narrower symmetric ranges. It stops when the cost of the clipped
// values alone exceeds the least cost so far. It keeps the best of those ranges that cost less
// than their neighbours.
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

// keep inserts c into s.starts, in order of cost, if it is one of the clipBest best.
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

// coarse2 is coarse for asymmetric ranges: it tries pairs of a lower and an upper end.
func (s *Search) coarse2() {
	m := s.task.marksOf(s.d.r)
	extra := m.widestStep() // a rounded zero point may move an end of the marks out by a step
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

// distances appends a lower bound of the cost for each position of one end of the range. Element
// i is for the clip i*clipStep2. It starts at the distance most from the center, where the bound
// is 0, and goes down to the distance least. It stops early when the bound exceeds the cost of
// the widest range. cost returns the bound for a distance.
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

// below returns the least cost of the values below v if no mark is below v.
func (s *Search) below(v float64) float64 {
	if v > 0 {
		return s.d.neg.beyond(0, s.squares) + s.d.pos.below(v, s.squares)
	}
	return s.d.neg.beyond(-v, s.squares)
}

// above returns the least cost of the values above v if no mark is above v.
func (s *Search) above(v float64) float64 {
	if v < 0 {
		return s.d.pos.beyond(0, s.squares) + s.d.neg.below(-v, s.squares)
	}
	return s.d.pos.beyond(v, s.squares)
}
