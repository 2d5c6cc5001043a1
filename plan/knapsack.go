package plan

import (
	"cmp"
	"math"
	"slices"
)

// A pair is an option for the solver: the use counts against the limit, and the cost is
// minimized. For the least error the use is bytes and the cost is the error. For the fewest
// bytes it is the reverse.
type pair struct {
	use, cost float64
	option    int // index in the item's options
}

// A step leads from one point of the lower convex hull of an item's pairs to the next point.
type step struct {
	item, to int // the item, and the pair at the end of the step
	use      float64
	saving   float64 // decrease of the cost
}

func (s *step) slope() float64 { return s.saving / s.use }

// A knapsack is the problem of choosing one pair for each item so that the cost is least and
// the use is at most the limit.
type knapsack struct {
	pairs [][]pair // of each item, in ascending order of use and descending order of cost
	limit float64

	steps  []step // of all items, in descending order of slope
	choice []int  // the pair of each item in the best choice found
	best   float64
	gap    float64 // upper limit of how much less than best the least cost may be

	effort
}

// margin is the relative error that rounding can cause in a bound.
const margin = 1e-12

// An effort limits the number of states of the dynamic programming.
type effort struct {
	mostStates int // after a round
	mostKept   int // after all rounds; a choice is traced back through them
}

var (
	thorough = effort{1 << 15, 1 << 22}
	quick    = effort{1 << 10, 1 << 15} // for one of the many plans of a front
)

// newKnapsack sorts the pairs of each item and removes dominated ones. Each item must have a
// pair.
func newKnapsack(items [][]pair, limit float64, e effort) *knapsack {
	k := &knapsack{limit: limit, pairs: make([][]pair, len(items)), effort: e}
	for i, all := range items {
		k.pairs[i] = front(slices.Clone(all))
		k.steps = appendHull(k.steps, k.pairs[i], i)
	}
	slices.SortStableFunc(k.steps, func(a, b step) int {
		// Comparing products avoids a division, which could overflow or underflow. Equal slopes
		// are sorted by item. The steps of an item keep their order, since the sort is stable.
		return cmp.Compare(b.saving*a.use, a.saving*b.use)
	})
	return k
}

// front sorts pairs by use, and keeps those that cost less than all pairs that use no more.
func front(p []pair) []pair {
	slices.SortStableFunc(p, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.use, b.use), cmp.Compare(a.cost, b.cost))
	})
	kept := p[:0]
	for _, q := range p {
		if len(kept) == 0 || q.cost < kept[len(kept)-1].cost {
			kept = append(kept, q)
		}
	}
	return kept
}

// appendHull appends the steps of the lower convex hull of pairs.
func appendHull(steps []step, p []pair, item int) []step {
	hull := []int{0}
	for i := 1; i < len(p); i++ {
		for len(hull) > 1 {
			a, b := p[hull[len(hull)-2]], p[hull[len(hull)-1]]
			if (a.cost-b.cost)*(p[i].use-b.use) > (b.cost-p[i].cost)*(b.use-a.use) {
				break
			}
			hull = hull[:len(hull)-1]
		}
		hull = append(hull, i)
	}
	for i := 1; i < len(hull); i++ {
		a, b := p[hull[i-1]], p[hull[i]]
		steps = append(steps, step{item, hull[i], b.use - a.use, a.cost - b.cost})
	}
	return steps
}

// leastUse returns the use of the smallest choice.
func (k *knapsack) leastUse() float64 {
	use := 0.0
	for _, p := range k.pairs {
		use += p[0].use
	}
	return use
}

// solve finds the best choice. It returns false if no choice keeps the limit.
func (k *knapsack) solve() bool {
	k.choice = make([]int, len(k.pairs))
	use, cost := k.leastUse(), 0.0
	if use > k.limit {
		return false
	}
	for _, p := range k.pairs {
		cost += p[0].cost
	}
	relaxed, lambda, done := k.relax(use, cost)
	if !done {
		k.search(relaxed, lambda)
	}
	return true
}

// relax takes the steps of all items, in descending order of slope, until a step does not fit.
// This solves the linear relaxation: the slope of that step is the Lagrange multiplier lambda
// of the limit, and relaxed is the best choice for lambda. Later steps that fit give a first
// choice of k.
func (k *knapsack) relax(use, cost float64) (relaxed []int, lambda float64, done bool) {
	stopped := make([]bool, len(k.pairs))
	done = true
	for i := range k.steps {
		s := &k.steps[i]
		if stopped[s.item] {
			continue
		}
		if use+s.use > k.limit {
			if done {
				relaxed, lambda, done = slices.Clone(k.choice), s.slope(), false
			}
			stopped[s.item] = true
			continue
		}
		use, cost = use+s.use, cost-s.saving
		k.choice[s.item] = s.to
	}
	k.best = k.cost(k.choice)
	return relaxed, lambda, done
}

func (k *knapsack) cost(choice []int) float64 {
	c := 0.0
	for i, j := range choice {
		c += k.pairs[i][j].cost
	}
	return c
}

// A state has the use and the cost of a choice in which some items are decided, and all other
// items have the relaxed choice.
type state struct {
	use, cost float64
	from      int32 // index of the state in the round before
	pair      int32 // pair of this round's item
}

// An undecided is an item that may have another pair than the relaxed one.
type undecided struct {
	item  int
	pairs []int // the relaxed pair is the first
	worse float64
}

// search looks for a choice that costs less than the best one found. A bound gives the least
// cost of any choice. Since few choices are close to the bound, the search first considers only
// choices within a small slack of the bound, and then increases the slack.
func (k *knapsack) search(relaxed []int, lambda float64) {
	start := state{}
	for i, j := range relaxed {
		start.use += k.pairs[i][j].use
		start.cost += k.pairs[i][j].cost
	}
	r := rounds{knapsack: k, relaxed: relaxed, lambda: lambda, start: start}
	r.rounding = margin * (start.cost + lambda*start.use)
	lowest := r.bound(&start) // a lower bound for the cost of all choices
	if math.IsInf(lambda, 0) || math.IsInf(r.rounding, 0) || math.IsInf(lowest, 0) {
		k.gap = k.best // costs are so different that their bounds overflow; no cost is negative
		return
	}
	for slack := max((k.best-lowest)/firstSlack, math.SmallestNonzeroFloat64); ; slack *= slackGrowth {
		r.most, r.cut = math.Min(r.bound(&start)+slack, k.best), math.Inf(1)
		complete := r.most
		if r.run() || complete >= k.best || r.cut < math.Inf(1) {
			lowest = math.Max(lowest, math.Min(complete, r.cut))
			break
		}
		lowest = complete
	}
	if r.cut < math.Inf(1) {
		k.gap = math.Max(0, k.best-lowest)
	}
}

// The first slack is the gap of the first choice divided by firstSlack. The number of states
// grows exponentially with the slack, so the slack grows slowly.
const (
	firstSlack  = 1024
	slackGrowth = 1.6
)

// rounds is the dynamic programming of one search.
type rounds struct {
	*knapsack
	relaxed  []int
	lambda   float64
	start    state   // the state in which all items have the relaxed choice
	rounding float64 // error of a bound by rounding
	most     float64 // largest cost of a choice that is looked for
	cut      float64 // the lowest bound of a state that was dropped to save memory

	traces [][]trace // the states after each round

	// Memory for the states before and after a round, and for merges.
	states, next, spare []state
}

// A trace is what the way back from a state needs of it.
type trace struct {
	from, pair int32
}

// bound returns a lower bound for the cost of the choices that a state can lead to.
func (r *rounds) bound(s *state) float64 { return s.bound(r.lambda, r.limit) }

func (s *state) bound(lambda, limit float64) float64 { return s.cost + lambda*(s.use-limit) }

// run decides one item in each round. The first items are those whose second best pair under
// lambda is closest to the best. run reports whether it found a better choice than that of k,
// with a cost of at most r.most; then it is the best of all.
func (r *rounds) run() bool {
	k := r.knapsack
	open := k.open(r.relaxed, r.lambda, r.most-r.bound(&r.start)+r.rounding)
	r.states = append(r.states[:0], r.start)
	kept := 0
	bestRound, bestState, best := -1, 0, r.most+r.rounding
	if r.most >= k.best {
		best = k.best
	}
	for n, u := range open {
		r.decide(u)
		next := r.next
		for at, s := range next {
			if s.use <= k.limit && s.cost < best {
				best, bestRound, bestState = s.cost, n, at
				r.most = math.Min(r.most, best)
			}
		}
		if most := min(k.mostStates, k.mostKept-kept); len(next) > most {
			next = r.thin(next, max(1, most))
			if bestRound == n {
				bestState = slices.IndexFunc(next, func(s state) bool { return s.use <= k.limit && s.cost == best })
			}
		}
		kept += len(next)
		if n == len(r.traces) {
			r.traces = append(r.traces, nil)
		}
		r.traces[n] = slices.Grow(r.traces[n][:0], len(next))
		for _, s := range next {
			r.traces[n] = append(r.traces[n], trace{s.from, s.pair})
		}
		r.states, r.next = next, r.states
	}
	if bestRound < 0 || best >= k.best {
		return false
	}
	k.best = best
	copy(k.choice, r.relaxed)
	for n, at := bestRound, bestState; n >= 0; n-- {
		t := r.traces[n][at]
		k.choice[open[n].item] = int(t.pair)
		at = int(t.from)
	}
	return true
}

// decide sets r.next to the states for giving each pair of an item to each of r.states. It leaves
// out states that cannot lead to a choice that is looked for.
func (r *rounds) decide(u undecided) {
	next, spare := r.next[:0], r.spare
	old := r.pairs[u.item][u.pairs[0]]
	for i, j := range u.pairs {
		p := r.pairs[u.item][j]
		m := move{use: p.use - old.use, cost: p.cost - old.cost, pair: int32(j), lambda: r.lambda, limit: r.limit, most: r.most + r.rounding}
		if i == 0 {
			next = m.append(next, r.states)
		} else {
			next, spare = m.merge(spare[:0], next, r.states), next
		}
	}
	r.next, r.spare = next, spare
}

// thin keeps the given number of states with the lowest bounds, in their order, and the state
// with the least cost within the limit.
func (r *rounds) thin(states []state, most int) []state {
	bounds := make([]float64, len(states))
	best := -1
	for i := range states {
		bounds[i] = r.bound(&states[i])
		if states[i].use <= r.limit && (best < 0 || states[i].cost < states[best].cost) {
			best = i
		}
	}
	slices.Sort(bounds)
	highest := bounds[most-1]
	r.cut = math.Min(r.cut, highest)
	out := states[:0]
	for i, s := range states {
		if i == best || len(out) < most && r.bound(&s) <= highest {
			out = append(out, s)
		}
	}
	return out
}

// open returns the items that have pairs with a reduced cost of at most slack besides the
// relaxed pair, with these pairs.
func (k *knapsack) open(relaxed []int, lambda, slack float64) []undecided {
	var all []undecided
	for i, p := range k.pairs {
		base := p[relaxed[i]].cost + lambda*p[relaxed[i]].use
		u := undecided{item: i, pairs: []int{relaxed[i]}, worse: math.Inf(1)}
		for j, q := range p {
			if r := q.cost + lambda*q.use - base; j != relaxed[i] && r <= slack {
				u.pairs, u.worse = append(u.pairs, j), math.Min(u.worse, r)
			}
		}
		if len(u.pairs) > 1 {
			all = append(all, u)
		}
	}
	slices.SortStableFunc(all, func(a, b undecided) int { return cmp.Compare(a.worse, b.worse) })
	return all
}

// A move gives a pair to each state of a list, in ascending order of use and descending order of
// cost. It leaves out states whose bound is above most.
type move struct {
	use, cost           float64 // what the pair takes more than the relaxed one
	pair                int32
	lambda, limit, most float64 // those of rounds
}

// to returns s with the pair, and whether its bound is at most m.most. at is the index of s.
func (m *move) to(s *state, at int) (state, bool) {
	t := state{s.use + m.use, s.cost + m.cost, int32(at), m.pair}
	return t, t.bound(m.lambda, m.limit) <= m.most
}

// append appends the moved states to out.
func (m *move) append(out, states []state) []state {
	for at := range states {
		if t, ok := m.to(&states[at], at); ok {
			out = append(out, t)
		}
	}
	return out
}

// merge appends to out the states a, which are in the same order, and the moved ones. It leaves
// out dominated states.
func (m *move) merge(out, a, states []state) []state {
	if len(a) == 0 {
		return m.append(out, states)
	}
	out = slices.Grow(out, len(a)+len(states))
	least := math.Inf(1) // the cost of the last state of out
	add := func(s state) {
		if s.cost < least {
			out, least = append(out, s), s.cost
		}
	}
	for at := range states {
		t, ok := m.to(&states[at], at)
		if !ok {
			continue
		}
		for len(a) > 0 && (a[0].use < t.use || a[0].use == t.use && a[0].cost <= t.cost) {
			add(a[0])
			a = a[1:]
		}
		add(t)
	}
	for i := range a {
		add(a[i])
	}
	return out
}
