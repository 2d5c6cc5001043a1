package plan

import (
	"cmp"
	"slices"
)

// totals computes Total for a sequence of choices in which few weights change from one choice to
// the next, for the objective Sum. Errors are added in the order of the weights, as Total does, so
// the sums have the same bits. Such a sum waits for each addition before the next; totals adds for
// several choices at a time.
type totals struct {
	p      *Problem
	choice []int     // of the last choice that is not waiting
	errors []float64 // of the weights under choice
	bytes  int64     // of the last choice

	changes []change
	lane    int // number of choices that are waiting for their sums

	allBytes  []int64   // of each choice, those that are waiting too
	allErrors []float64 // of each choice that is not waiting
}

// lanes is the number of choices whose errors are added at a time.
const lanes = 8

// A change gives a weight another candidate from some waiting choice on.
type change struct{ weight, lane, candidate int }

// newTotals returns a totals that begins with the given choice, which it keeps and changes.
func newTotals(p *Problem, choice []int) *totals {
	t := &totals{p: p, choice: choice, errors: make([]float64, len(choice))}
	for w, c := range choice {
		q := &p.Weights[w].Candidates[c]
		t.errors[w] = q.Error
		t.bytes += q.Bytes
	}
	return t
}

// change gives a weight another candidate, for the next choice and those after it.
func (t *totals) change(weight, candidate int) {
	before := t.choice[weight]
	for i := len(t.changes) - 1; i >= 0; i-- {
		if t.changes[i].weight == weight {
			before = t.changes[i].candidate
			break
		}
	}
	w := &t.p.Weights[weight]
	t.bytes += w.Candidates[candidate].Bytes - w.Candidates[before].Bytes
	t.changes = append(t.changes, change{weight, t.lane, candidate})
}

// next ends a choice.
func (t *totals) next() {
	t.allBytes = append(t.allBytes, t.bytes)
	if t.lane++; t.lane == lanes {
		t.add()
	}
}

// add computes the errors of the waiting choices.
func (t *totals) add() {
	slices.SortStableFunc(t.changes, func(a, b change) int { return cmp.Compare(a.weight, b.weight) })
	var sums [lanes]float64
	from := 0
	for rest := t.changes; len(rest) > 0; {
		w := rest[0].weight
		addToAll(&sums, t.errors[from:w])
		e := t.errors[w]
		for l := range sums {
			for len(rest) > 0 && rest[0].weight == w && rest[0].lane <= l {
				e = t.p.Weights[w].Candidates[rest[0].candidate].Error
				t.choice[w] = rest[0].candidate
				rest = rest[1:]
			}
			sums[l] += e
		}
		t.errors[w] = e
		from = w + 1
	}
	addToAll(&sums, t.errors[from:])
	t.allErrors = append(t.allErrors, sums[:t.lane]...)
	t.changes, t.lane = t.changes[:0], 0
}

// addToAll adds each element of x to all sums, in order.
func addToAll(sums *[lanes]float64, x []float64) {
	a, b, c, d, e, f, g, h := sums[0], sums[1], sums[2], sums[3], sums[4], sums[5], sums[6], sums[7]
	for _, v := range x {
		a += v
		b += v
		c += v
		d += v
		e += v
		f += v
		g += v
		h += v
	}
	*sums = [lanes]float64{a, b, c, d, e, f, g, h}
}

// all returns the bytes and the errors of all choices.
func (t *totals) all() (bytes []int64, errors []float64) {
	if t.lane > 0 {
		t.add()
	}
	return t.allBytes, t.allErrors
}
