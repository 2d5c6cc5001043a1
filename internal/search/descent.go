package search

import (
	"math"
	"slices"
)

// A Descent searches for the range of the least cost around a good range. It moves to the best
// of all neighbours at a distance until no neighbour is better, and then halves the distance.
// This is a pattern search (R. Hooke and T. Jeeves, "Direct Search" Solution of Numerical and
// Statistical Problems, 1961).
//
// A Descent does not compute costs. It lists the trials whose costs it needs in Wants, and the
// caller sets their costs before it calls Next again. For a tensor in memory the caller computes
// the costs at once. For a tensor that is read in passes, one pass computes the costs for many
// descents. The result is the same.
//
//	for d.Next(g, about); len(d.Wants) > 0; d.Next(g, about) {
//		for i := range d.Wants {
//			d.Wants[i].Cost = … // of d.Wants[i].Scale and d.Wants[i].Zero
//		}
//	}
type Descent struct {
	// Wants are the trials whose costs Next needs to continue. More trials, which may be
	// needed later, follow if Next was asked for them.
	Wants []Trial

	r            Range // of all values
	center       float64
	widest, best candidate
	compared     bool        // widest and best have been compared
	others       []candidate // to be compared with best; their costs are lower bounds
	margin       float64     // see candidate.better
	least        int         // the least clip of an end
	step         int         // distance of the neighbours; 0 at the end of the search
	moves        int         // number of moves at that distance
	last         clip        // the last move
	known        []Trial     // all trials whose costs are known
}

// A Trial is a range with its scale, its zero point and its cost. Ranges with the same scale
// and zero point are tried only once.
type Trial struct {
	Range
	Scale float32
	Zero  int32
	Cost  float64
}

const (
	// firstStep is the first distance of a descent whose costs are measured, not estimated.
	firstStep = clipUnit / 16

	// mostMoves is the largest number of moves at the same distance.
	mostMoves = 8
)

// begin starts a descent from the candidate best. r is the range of all values, and center is
// the point towards which clips move its ends. step is the first distance of the neighbours.
func (d *Descent) begin(r Range, center float64, best candidate, step int) {
	d.r, d.center, d.best = r, center, best
	d.compared, d.margin, d.least, d.step, d.moves = false, 0, clipWide, step, 0
	d.last, d.others = clip{}, d.others[:0]
	d.known, d.Wants = d.known[:0], d.Wants[:0]
}

// Stop ends the search without a result. Wants is then empty.
func (d *Descent) Stop() {
	d.step, d.compared, d.others, d.Wants = 0, false, d.others[:0], d.Wants[:0]
}

// Result returns the range that the search has found. ok is false before the end of the search
// and after Stop.
func (d *Descent) Result() (r Range, ok bool) { return d.best.Range, d.step == 0 && d.compared }

// Cost returns the cost of the range that the search has found.
func (d *Descent) Cost() float64 { return d.best.cost }

// Next continues the search with the costs that the caller has set in d.Wants, and then lists in
// d.Wants the trials that it needs next. If these are fewer than about, Next adds trials that it
// may need later, until there are about as many. d.Wants is empty at the end of the search.
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

// compareOthers sets d.best to the best of d.best and d.others, and empties d.others. It returns
// false if a cost is not known; d.best is then unchanged.
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

// run runs the whole search with the costs that cost returns.
func (d *Descent) run(g *Grid, cost Cost) candidate {
	for d.Next(g, 0); len(d.Wants) > 0; d.Next(g, 0) {
		limit := inf // a range that costs more than limit is not chosen
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

// around returns the best of d.best and its neighbours. known is false if a cost is not known.
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

// beside returns the candidate whose clip is step times to away from from. Its cost is infinite
// until look sets it. The result is false if a clip of an end would be out of bounds.
func (d *Descent) beside(g *Grid, from, to clip, step int) (candidate, bool) {
	n, ok := from.beside(to, step, d.least)
	if !ok {
		return candidate{}, false
	}
	return candidate{n, g.drawn(d.r, d.center, n), math.Inf(1)}, true
}

// look sets the cost of c and returns true, if the cost is known.
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

// ask fills d.Wants. The trials beyond those that are needed are a guess: neighbours of the next
// ranges in the direction of the last move, then neighbours at smaller distances.
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

// wantAround adds all neighbours of a clip at the distance step to d.Wants.
func (d *Descent) wantAround(g *Grid, from clip, step int) {
	for _, to := range g.directions() {
		if c, ok := d.beside(g, from, to, step); ok {
			d.want(g, &c)
		}
	}
}

// want adds c to d.Wants, unless its cost is known or its parameters are there already.
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
