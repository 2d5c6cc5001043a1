package plan

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// A Front is the Pareto front of a problem: the plans for which no other plan is better in
// bytes and not worse in error, or the reverse.
type Front struct {
	Points []Point // in ascending order of bytes, and descending order of error

	// Bound limits how far the front is from exact: for any number of bytes, the least error is
	// at most Bound below the error of the front. It is 0 for an exact front.
	Bound float64

	problem *Problem
	choice  func(i int) []int // returns the choice of a point
}

// A Point has the bytes and the error of a plan.
type Point struct {
	Bytes int64
	Error float64
}

// Plan returns the plan of point i.
func (f *Front) Plan(i int) Plan { return f.problem.plan(f.choice(i), 0) }

const (
	// frontPairs is the largest number of combinations that are tried for an exact front. A
	// combination is a point of the front of some items together with an option of the next
	// item.
	frontPairs = 1 << 23

	// frontStates is the largest number of points of an exact front.
	frontStates = 1 << 16

	// frontSolved is the number of plans between those of the convex hull in a front that is
	// not exact.
	frontSolved = 64
)

// Front returns the best plan for every number of bytes. The front is exact if dynamic
// programming over the states that no other state dominates has few enough states. Otherwise
// the front has all plans of the convex hull, which are exact points, and more best plans where
// the points of the hull are farthest apart. Bound says how far it is from exact.
//
// Errors: ErrProblem, also if MaxKinds is set, which Front does not support, and the error of Context.
func (p *Problem) Front() (*Front, error) {
	items, err := p.items()
	if err != nil {
		return nil, err
	}
	if p.MaxKinds > 0 {
		return nil, fmt.Errorf("%w: a front has any number of kinds", ErrProblem)
	}
	for i, it := range items {
		if len(pairs(items[i:i+1], false, math.Inf(1))[0]) == 0 {
			return nil, fmt.Errorf("%w: every candidate of weight %q has an infinite error", ErrProblem, p.Weights[it.weights[0]].Name)
		}
	}
	if p.Objective == Worst {
		return p.frontOfWorst(items)
	}
	if f, err := p.wholeFront(items); f != nil || err != nil {
		return f, err
	}
	return p.hullFront(items)
}

// At returns the index of the best point with at most the given bytes, or -1.
func (f *Front) At(bytes int64) int { return at(f.Points, bytes) }

func at(points []Point, bytes int64) int {
	i, found := slices.BinarySearchFunc(points, bytes, func(q Point, b int64) int { return cmp.Compare(q.Bytes, b) })
	if !found {
		i--
	}
	return i
}

// newFront returns the front of the plans with the given points. choice returns the choice of each
// plan.
func (p *Problem) newFront(points []Point, choice func(i int) []int) *Front {
	type numbered struct {
		Point
		i int
	}
	all := make([]numbered, len(points))
	for i := range all {
		all[i] = numbered{points[i], i}
	}
	slices.SortStableFunc(all, func(a, b numbered) int {
		return cmp.Or(cmp.Compare(a.Bytes, b.Bytes), cmp.Compare(a.Error, b.Error))
	})
	f := &Front{problem: p}
	var from []int
	for _, q := range all {
		if k := len(f.Points); k == 0 || q.Error < f.Points[k-1].Error {
			f.Points, from = append(f.Points, q.Point), append(from, q.i)
		}
	}
	f.choice = func(i int) []int { return choice(from[i]) }
	return f
}

// frontOfWorst returns the front for the objective Worst. For each error that an item can have,
// it contains the smallest plan that keeps it.
func (p *Problem) frontOfWorst(items []item) (*Front, error) {
	type offer struct { // an option, whose item may have it from some error on
		err   float64
		item  int
		bytes float64
	}
	var offers []offer
	for i, it := range items {
		for _, o := range it.options {
			if !math.IsInf(o.err, 1) {
				offers = append(offers, offer{o.err, i, o.bytes})
			}
		}
	}
	slices.SortStableFunc(offers, func(a, b offer) int { return cmp.Compare(a.err, b.err) })
	least := make([]float64, len(items)) // bytes of each item; +Inf if it has no option yet
	for i := range least {
		least[i] = math.Inf(1)
	}
	missing, total := len(items), 0.0
	f := &Front{problem: p}
	for at, o := range offers {
		if before := least[o.item]; o.bytes < before {
			least[o.item] = o.bytes
			total += o.bytes
			if math.IsInf(before, 1) {
				missing--
			} else {
				total -= before
			}
		}
		if missing > 0 || at+1 < len(offers) && offers[at+1].err == o.err {
			continue
		}
		// The largest error is o.err: without an option of this error the plan would not be smaller.
		if q := (Point{int64(total), o.err}); len(f.Points) == 0 || q.Bytes < f.Points[len(f.Points)-1].Bytes {
			f.Points = append(f.Points, q)
		}
	}
	slices.Reverse(f.Points)
	f.choice = func(i int) []int {
		q, err := p.eachSmallest(items, f.Points[i].Error)
		if err != nil {
			panic(err) // each item has an option of at most this error
		}
		return q.Choice
	}
	return f, nil
}

// wholeFront returns the exact front, or nil if it has too many points. The error is that of the
// context.
func (p *Problem) wholeFront(items []item) (*Front, error) {
	all := pairs(items, false, math.Inf(1))
	states := []state{{}}
	rounds := make([][]state, len(all))
	tried := 0
	for i := range all {
		options := front(slices.Clone(all[i]))
		if tried += len(states) * len(options); tried > frontPairs {
			return nil, nil
		}
		if states = combine(states, options); len(states) > frontStates {
			return nil, nil
		}
		rounds[i] = states
	}
	choice := func(s int) []int {
		options := make([]int, len(items))
		for i := len(items) - 1; i >= 0; i-- {
			options[i] = int(rounds[i][s].pair)
			s = int(rounds[i][s].from)
		}
		return p.choice(items, func(i int) int { return options[i] })
	}
	points := make([]Point, len(states))
	for s := range points {
		if err := p.ended(); err != nil {
			return nil, err
		}
		points[s].Bytes, points[s].Error = p.Total(choice(s))
	}
	return p.newFront(points, choice), nil
}

// combine returns the states for giving each option of the next item to each of the states.
func combine(states []state, options []pair) []state {
	lists := make([][]state, len(options))
	for j, o := range options {
		lists[j] = make([]state, len(states))
		for at, s := range states {
			lists[j][at] = state{s.use + o.use, s.cost + o.cost, int32(at), int32(o.option)}
		}
	}
	for len(lists) > 1 { // merging pairs of lists compares each state only log(n) times
		half := lists[:0]
		for i := 0; i < len(lists); i += 2 {
			if i+1 < len(lists) {
				half = append(half, merge(lists[i], lists[i+1]))
			} else {
				half = append(half, lists[i])
			}
		}
		lists = half
	}
	return lists[0]
}

// merge merges two lists of states, each in ascending order of use and descending order of
// cost, and removes dominated states.
func merge(a, b []state) []state {
	if len(a) == 0 {
		return b
	}
	out := make([]state, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		var s state
		if len(b) == 0 || len(a) > 0 && (a[0].use < b[0].use || a[0].use == b[0].use && a[0].cost <= b[0].cost) {
			s, a = a[0], a[1:]
		} else {
			s, b = b[0], b[1:]
		}
		if n := len(out); n == 0 || s.cost < out[n-1].cost {
			out = append(out, s)
		}
	}
	return out
}

// A solved is a point of a front that is not exact. No plan with at most until bytes is better.
type solved struct {
	Point
	until  int64
	choice []int // nil for a corner of the convex hull
	corner int   // number of steps along the hull
}

// hullFront returns the front with the plans of the convex hull, and the best plans at some
// places where these are far apart.
func (p *Problem) hullFront(items []item) (*Front, error) {
	k := newKnapsack(pairs(items, false, math.Inf(1)), math.Inf(1), quick)
	all, hull, err := p.corners(items, k)
	if err != nil {
		return nil, err
	}
	unproved := 0.0 // an upper limit of how far a plan between the corners is from the best
	for range frontSolved {
		if err := p.ended(); err != nil {
			return nil, err
		}
		i, width := widest(all, hull)
		if width <= 0 {
			break
		}
		middle := all[i].until + (all[i+1].Bytes-all[i].until)/2
		q, err := p.leastErrorOf(items, &knapsack{pairs: k.pairs, steps: k.steps, limit: float64(middle), effort: quick})
		if err != nil {
			return nil, err
		}
		unproved = math.Max(unproved, q.Gap)
		if q.Error >= all[i].Error {
			all[i].until = middle
			continue
		}
		all = slices.Insert(all, i+1, solved{Point{q.Bytes, q.Error}, middle, q.Choice, 0})
	}
	_, width := widest(all, hull)
	points := make([]Point, len(all))
	for i := range points {
		points[i] = all[i].Point
	}
	f := p.newFront(points, func(i int) []int {
		if all[i].choice != nil {
			return all[i].choice
		}
		k := &knapsack{pairs: k.pairs, choice: make([]int, len(k.pairs)), steps: k.steps}
		for _, s := range k.steps[:all[i].corner] {
			k.choice[s.item] = s.to
		}
		return p.choiceOf(items, k)
	})
	f.Bound = math.Max(width, unproved)
	return f, nil
}

// corners returns the corners of the convex hull, as solved points and as points. The error is that
// of the context.
func (p *Problem) corners(items []item, k *knapsack) (all []solved, hull []Point, err error) {
	k.choice = make([]int, len(k.pairs))
	t := newTotals(p, p.choiceOf(items, k))
	for i := 0; i <= len(k.steps); i++ {
		if err := p.ended(); err != nil {
			return nil, nil, err
		}
		if i > 0 {
			s := k.steps[i-1]
			it := &items[s.item]
			o := &it.options[k.pairs[s.item][s.to].option]
			for j, w := range it.weights {
				t.change(w, o.at[j])
			}
		}
		if i > 0 && i < len(k.steps) && k.steps[i-1].saving*k.steps[i].use == k.steps[i].saving*k.steps[i-1].use {
			continue // it is on an edge of the hull, and may not be on the front
		}
		t.next()
		all = append(all, solved{corner: i})
	}
	bytes, errors := t.all()
	for i := range all {
		q := Point{bytes[i], errors[i]}
		all[i].Point, all[i].until = q, q.Bytes
		hull = append(hull, q)
	}
	return all, hull, nil
}

// widest returns the point after which the hull allows the largest further decrease of the
// error, and that decrease.
func widest(all []solved, hull []Point) (i int, most float64) {
	h := 0
	for j := 0; j+1 < len(all); j++ {
		last := all[j+1].Bytes - 1
		if last <= all[j].until {
			continue
		}
		for h+1 < len(hull)-1 && hull[h+1].Bytes <= last {
			h++
		}
		a, b := hull[h], hull[h+1]
		lowest := a.Error + (b.Error-a.Error)*float64(last-a.Bytes)/float64(b.Bytes-a.Bytes)
		if d := all[j].Error - lowest; d > most {
			i, most = j, d
		}
	}
	return i, most
}
