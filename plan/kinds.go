package plan

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// mostSubsets is the largest number of subsets of kinds that are tried. If there are more, a
// subset grows by the kind that helps most, and Plan.Gap says how far from the best the plan
// may be.
const mostSubsets = 20000

// fewKinds solves the problem with at most p.MaxKinds different names. It looks for the fewest
// bytes if fewest is set, and for the least error otherwise.
func (p *Problem) fewKinds(items []item, limit float64, fewest bool) (Plan, error) {
	names := p.kinds()
	if p.MaxKinds >= len(names) {
		return p.solveFor(items, limit, fewest)
	}
	if binomial(len(names), p.MaxKinds) > mostSubsets {
		return p.growKinds(items, names, limit, fewest)
	}
	best, found := Plan{}, false
	lowest := math.Inf(1) // no plan of any subset has less
	for subset := range subsets(len(names), p.MaxKinds) {
		q, err := p.withKinds(items, names, subset, limit, fewest)
		if err != nil {
			if !errors.Is(err, ErrLimit) && !errors.Is(err, errKinds) {
				return Plan{}, err
			}
			continue
		}
		lowest = min(lowest, q.minimized(fewest)-q.Gap)
		if !found || p.better(&q, &best, fewest) {
			best, found = q, true
		}
	}
	if !found {
		return Plan{}, fmt.Errorf("%w: no plan of at most %d kinds keeps it", ErrLimit, p.MaxKinds)
	}
	best.Gap = max(0, best.minimized(fewest)-lowest)
	return best, nil
}

// minimized returns the number that was minimized: the bytes if fewest is set, the error otherwise.
func (q *Plan) minimized(fewest bool) float64 {
	if fewest {
		return float64(q.Bytes)
	}
	return q.Error
}

// kinds returns the names of all candidates, in the order of their first use.
func (p *Problem) kinds() []string {
	var names []string
	seen := make(map[string]bool)
	for i := range p.Weights {
		for _, c := range p.Weights[i].Candidates {
			if !seen[c.Name] {
				seen[c.Name] = true
				names = append(names, c.Name)
			}
		}
	}
	return names
}

func (p *Problem) solveFor(items []item, limit float64, fewest bool) (Plan, error) {
	if fewest {
		return p.leastBytes(items, limit)
	}
	return p.leastError(items, limit, thorough)
}

// errKinds is the error for a weight that has no candidate of some kinds.
var errKinds = errors.New("plan: a weight has none of the kinds")

// withKinds solves the problem with a subset of the names.
func (p *Problem) withKinds(items []item, names []string, subset []int, limit float64, fewest bool) (Plan, error) {
	if err := p.ended(); err != nil {
		return Plan{}, err
	}
	some := make([]item, len(items))
	for i, it := range items {
		some[i].weights = it.weights
		for _, o := range it.options {
			if slices.ContainsFunc(subset, func(k int) bool { return names[k] == o.name }) {
				some[i].options = append(some[i].options, o)
			}
		}
		if !slices.ContainsFunc(some[i].options, func(o option) bool { return !math.IsInf(o.sum, 1) }) {
			return Plan{}, errKinds
		}
	}
	return p.solveFor(some, limit, fewest)
}

// better reports whether a is better than b. It compares the bytes first if fewest is set, and
// the errors first otherwise.
func (p *Problem) better(a, b *Plan, fewest bool) bool {
	bytes, err := cmp.Compare(a.Bytes, b.Bytes), cmp.Compare(a.Error, b.Error)
	if fewest {
		return cmp.Or(bytes, err) < 0
	}
	return cmp.Or(err, bytes) < 0
}

// growKinds begins with the best single kind, or with the smallest kind if none keeps the
// limit. Then it adds the kind that helps most, until there are p.MaxKinds.
func (p *Problem) growKinds(items []item, names []string, limit float64, fewest bool) (Plan, error) {
	free, err := p.solveFor(items, limit, fewest)
	if err != nil {
		return Plan{}, err
	}
	var set []int
	best, found := Plan{}, false
	for len(set) < p.MaxKinds {
		add, addPlan, addFound := -1, Plan{}, false
		for k := range names {
			if slices.Contains(set, k) {
				continue
			}
			q, err := p.withKinds(items, names, append(slices.Clone(set), k), limit, fewest)
			if err != nil {
				if !errors.Is(err, ErrLimit) && !errors.Is(err, errKinds) {
					return Plan{}, err
				}
				continue
			}
			if !addFound || p.better(&q, &addPlan, fewest) {
				add, addPlan, addFound = k, q, true
			}
		}
		if !addFound {
			add = p.smallestKind(names, set)
		} else if !found || p.better(&addPlan, &best, fewest) {
			best, found = addPlan, true
		}
		set = append(set, add)
	}
	if !found {
		return Plan{}, fmt.Errorf("%w: no plan of at most %d kinds was found that keeps it", ErrLimit, p.MaxKinds)
	}
	best.Gap = best.minimized(fewest) - free.minimized(fewest) + free.Gap
	return best, nil
}

// smallestKind returns the kind outside of set with the fewest bytes per weight, over the
// weights that have it.
func (p *Problem) smallestKind(names []string, set []int) int {
	best, least := -1, math.Inf(1)
	for k, name := range names {
		if slices.Contains(set, k) {
			continue
		}
		bytes, n := 0.0, 0.0
		for i := range p.Weights {
			if at := p.Weights[i].find(name); at >= 0 {
				bytes += float64(p.Weights[i].Candidates[at].Bytes)
				n++
			}
		}
		if bytes /= n; best < 0 || bytes < least {
			best, least = k, bytes
		}
	}
	return best
}

// binomial returns the number of subsets with k of n elements, or a number above mostSubsets.
func binomial(n, k int) int {
	c := 1
	for i := 1; i <= k; i++ {
		if c = c * (n - k + i) / i; c > mostSubsets {
			return c
		}
	}
	return c
}

// subsets yields the subsets of k of the numbers below n, in lexicographic order.
func subsets(n, k int) func(yield func([]int) bool) {
	return func(yield func([]int) bool) {
		s := make([]int, k)
		for i := range s {
			s[i] = i
		}
		for {
			if !yield(s) {
				return
			}
			i := k - 1
			for i >= 0 && s[i] == n-k+i {
				i--
			}
			if i < 0 {
				return
			}
			s[i]++
			for j := i + 1; j < k; j++ {
				s[j] = s[j-1] + 1
			}
		}
	}
}
