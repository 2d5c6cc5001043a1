package plan

import (
	"fmt"
	"math"
	"slices"
)

func (p *Problem) leastError(items []item, bytes float64, e effort) (Plan, error) {
	if p.Objective == Worst {
		return p.leastWorst(items, bytes)
	}
	return p.leastErrorOf(items, newKnapsack(pairs(items, false, math.Inf(1)), bytes, e))
}

// leastErrorOf is leastError for the objective Sum. k has the options of the items and the limit.
func (p *Problem) leastErrorOf(items []item, k *knapsack) (Plan, error) {
	if err := p.run(k, items, "%.0f bytes are too few: the smallest plan takes %.0f"); err != nil {
		return Plan{}, err
	}
	return p.plan(p.choiceOf(items, k), k.gap), nil
}

func (p *Problem) leastBytes(items []item, most float64) (Plan, error) {
	if p.Objective == Worst {
		return p.eachSmallest(items, most)
	}
	// Sums of errors are rounded differently in different orders, so a margin is added.
	k := newKnapsack(pairs(items, true, math.Inf(1)), most*(1+margin), thorough)
	if err := p.run(k, items, "an error of %v is too little: the best plan has %v"); err != nil {
		return Plan{}, err
	}
	fewest := p.plan(p.choiceOf(items, k), k.gap)
	// Several plans may take the same number of bytes. This is the one with the least error.
	best, err := p.leastError(items, float64(fewest.Bytes), thorough)
	if err != nil || best.Error > fewest.Error || best.Bytes > fewest.Bytes {
		return fewest, nil
	}
	best.Gap = fewest.Gap
	return best, nil
}

// pairs returns the options as the solver needs them. Only options with finite errors of at
// most most are included.
func pairs(items []item, swap bool, most float64) [][]pair {
	all := make([][]pair, len(items))
	for i, it := range items {
		for j, o := range it.options {
			if math.IsInf(o.sum, 1) || o.err > most {
				continue
			}
			q := pair{o.bytes, o.sum, j}
			if swap {
				q = pair{o.sum, o.bytes, j}
			}
			all[i] = append(all[i], q)
		}
	}
	return all
}

// run solves k. If no choice keeps the limit, the error is ErrLimit, with the least use in the
// given format.
func (p *Problem) run(k *knapsack, items []item, format string) error {
	for i, q := range k.pairs {
		if len(q) == 0 {
			return fmt.Errorf("%w: every candidate of weight %q has an infinite error", ErrProblem, p.Weights[items[i].weights[0]].Name)
		}
	}
	if !k.solve() {
		return fmt.Errorf("%w: "+format, ErrLimit, k.limit, k.leastUse())
	}
	return nil
}

// choiceOf returns the candidates of all weights in the solution of k.
func (p *Problem) choiceOf(items []item, k *knapsack) []int {
	return p.choice(items, func(i int) int { return k.pairs[i][k.choice[i]].option })
}

// leastWorst finds the least error that every item can keep with the given bytes. Of the plans
// that keep it, it returns the one with the least sum of errors.
func (p *Problem) leastWorst(items []item, bytes float64) (Plan, error) {
	levels := levelsOf(items)
	smallest := func(most float64) float64 {
		use := 0.0
		for _, it := range items {
			least := math.Inf(1)
			for _, o := range it.options {
				if o.err <= most {
					least = math.Min(least, o.bytes)
				}
			}
			use += least
		}
		return use
	}
	at, _ := slices.BinarySearchFunc(levels, bytes, func(level, bytes float64) int {
		if smallest(level) > bytes {
			return -1
		}
		return 1
	})
	if at == len(levels) {
		if len(levels) == 0 {
			return Plan{}, fmt.Errorf("%w: every candidate of some weight has an infinite error", ErrProblem)
		}
		return Plan{}, fmt.Errorf("%w: %.0f bytes are too few: the smallest plan takes %.0f", ErrLimit, bytes, smallest(levels[len(levels)-1]))
	}
	k := newKnapsack(pairs(items, false, levels[at]), bytes, thorough)
	if err := p.run(k, items, "%.0f bytes are too few: the smallest plan takes %.0f"); err != nil {
		return Plan{}, err
	}
	return p.plan(p.choiceOf(items, k), 0), nil // the gap of the sum does not apply to the largest error
}

// levelsOf returns the different finite errors of all options, in ascending order.
func levelsOf(items []item) []float64 {
	var levels []float64
	for _, it := range items {
		for _, o := range it.options {
			if !math.IsInf(o.err, 1) {
				levels = append(levels, o.err)
			}
		}
	}
	slices.Sort(levels)
	return slices.Compact(levels)
}

// eachSmallest chooses for each item the smallest option with an error of at most most.
func (p *Problem) eachSmallest(items []item, most float64) (Plan, error) {
	chosen := make([]int, len(items))
	for i, it := range items {
		best, least := -1, math.Inf(1)
		for j, o := range it.options {
			least = math.Min(least, o.err)
			if o.err > most {
				continue
			}
			if best < 0 || o.bytes < it.options[best].bytes || o.bytes == it.options[best].bytes && o.sum < it.options[best].sum {
				best = j
			}
		}
		if best < 0 {
			return Plan{}, fmt.Errorf("%w: an error of %v is too little: weight %q has %v at best", ErrLimit, most, p.Weights[it.weights[0]].Name, least)
		}
		chosen[i] = best
	}
	return p.plan(p.choice(items, func(i int) int { return chosen[i] }), 0), nil
}
