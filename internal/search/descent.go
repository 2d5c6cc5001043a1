package search

import (
	"math"
	"slices"
)

// A Descent looks for the range of the least cost around a range that is good
// already: of all neighbours at a distance it goes to the best, until none is
// better, and then goes on with half the distance (a pattern search, after
// R. Hooke and T. Jeeves, "Direct Search" Solution of Numerical and Statistical
// Problems, 1961).
//
// It asks for costs and waits for them, so that whoever knows them decides when
// to work: for a tensor in memory at once, and for one that is read in passes, in
// each of which costs are found for many descents. The result is the same.
//
//	for d.Next(g, about); len(d.Wants) > 0; d.Next(g, about) {
//		for i := range d.Wants {
//			d.Wants[i].Cost = … // of d.Wants[i].Scale and d.Wants[i].Zero
//		}
//	}
type Descent struct {
	// Wants are the trials whose costs Next needs before it can go on, and if
	// asked for some that it may need soon.
	Wants []Trial

	r            Range // of all values
	center       float64
	widest, best candidate
	compared     bool        // these two
	others       []candidate // to be compared after them; their costs are the least there may be
	margin       float64
	least        int  // clip
	step         int  // distance of the neighbours; 0 at the end
	moves        int  // at that distance
	last         clip // move
	known        []Trial
}

// A Trial is parameters and what they cost. Ranges that have the same parameters
// need to be tried but once.
type Trial struct {
	Range
	Scale float32
	Zero  int32
	Cost  float64
}

const (
	// firstStep is the first distance of a descent by real errors.
	firstStep = clipUnit / 16

	// mostMoves is how often a descent goes on at the same distance.
	mostMoves = 8
)

// Stop makes d want nothing.
func (d *Descent) Stop() {
	d.step, d.compared, d.others, d.Wants = 0, false, d.others[:0], d.Wants[:0]
}

// Result returns the range that was found, if there is one: not before the end,
// nor after Stop.
func (d *Descent) Result() (r Range, ok bool) { return d.best.Range, d.step == 0 && d.compared }

// Next takes the costs that were found for d.Wants, goes on, and leaves there what
// it needs to know then. If that is less than about, it adds as much as it may need
// next. The last time it leaves nothing.
func (d *Descent) Next(g *Grid, about int) {
	d.known = append(d.known, d.Wants...)
	d.Wants = d.Wants[:0]
	if d.step > 0 && !d.compared {
		if !d.look(g, &d.widest) || !d.look(g, &d.best) {
			d.ask(g, about)
			return
		}
		if d.compared = true; !d.best.better(&d.widest, 0) {
			d.best = d.widest
		}
		d.others = slices.DeleteFunc(d.others, func(c candidate) bool { return c.cost > d.best.cost })
	}
	if !d.compareOthers(g) {
		d.ask(g, about)
		return
	}
	for d.step > 0 {
		b, known := d.around(g)
		if !known {
			d.ask(g, about)
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

// compareOthers compares the best range with the others, if all costs are known.
func (d *Descent) compareOthers(g *Grid) bool {
	best := d.best
	for i := range d.others {
		if !d.look(g, &d.others[i]) {
			return false
		}
		if c := &d.others[i]; c.better(&best, 0) {
			best = *c
		}
	}
	d.best, d.others = best, d.others[:0]
	return true
}

// run goes on to the end, with costs that are found at once.
func (d *Descent) run(g *Grid, cost Cost) candidate {
	for d.Next(g, 0); len(d.Wants) > 0; d.Next(g, 0) {
		limit := inf // what costs more is of no use
		if d.compared {
			limit = d.best.cost
		}
		for i := range d.Wants {
			w := &d.Wants[i]
			w.Cost = cost(w.Range, limit)
			limit = min(limit, w.Cost)
		}
	}
	return d.best
}

// around returns the best of d.best and its neighbours, if all costs are known.
func (d *Descent) around(g *Grid) (best candidate, known bool) {
	best = d.best
	for _, to := range g.directions() {
		c, ok := d.beside(g, d.best.clip, to, d.step)
		if !ok {
			continue
		}
		if !d.look(g, &c) {
			return best, false
		}
		if c.better(&best, d.margin) {
			best = c
		}
	}
	return best, true
}

// beside returns the candidate so many steps away from a clip, if there is one.
func (d *Descent) beside(g *Grid, from, to clip, step int) (candidate, bool) {
	n, ok := from.beside(to, step, d.least)
	if !ok {
		return candidate{}, false
	}
	return candidate{n, g.drawn(d.r, d.center, n), math.Inf(1)}, true
}

// look sets what c costs, if that is known.
func (d *Descent) look(g *Grid, c *candidate) bool {
	scale, zero := g.Params(c.Range)
	for i := len(d.known) - 1; i >= 0; i-- {
		if t := &d.known[i]; t.Scale == scale && t.Zero == zero {
			c.cost = t.Cost
			return true
		}
	}
	return false
}

// ask fills d.Wants. After a move the search may go on in that direction as far
// as it has come, or else goes on with smaller steps.
func (d *Descent) ask(g *Grid, about int) {
	if !d.compared {
		d.want(g, &d.widest)
		d.want(g, &d.best)
		if about == 0 {
			return
		}
	}
	for i := range d.others {
		d.want(g, &d.others[i])
	}
	if len(d.others) > 0 && about == 0 {
		return
	}
	d.wantAround(g, d.best.clip, d.step)
	for i, ahead := 0, d.best.clip; i < d.moves && len(d.Wants) < about; i++ {
		ahead = clip{ahead.lo + d.last.lo, ahead.hi + d.last.hi}
		d.wantAround(g, ahead, d.step)
	}
	for step := d.step / 2; step > 0 && len(d.Wants) < about; step /= 2 {
		d.wantAround(g, d.best.clip, step)
	}
}

// wantAround asks for the costs of all neighbours of a clip.
func (d *Descent) wantAround(g *Grid, from clip, step int) {
	for _, to := range g.directions() {
		if c, ok := d.beside(g, from, to, step); ok {
			d.want(g, &c)
		}
	}
}

// want asks for what c costs, if that is not known.
func (d *Descent) want(g *Grid, c *candidate) {
	if d.look(g, c) {
		return
	}
	scale, zero := g.Params(c.Range)
	for _, t := range d.Wants {
		if t.Scale == scale && t.Zero == zero {
			return
		}
	}
	d.Wants = append(d.Wants, Trial{Range: c.Range, Scale: scale, Zero: zero})
}
