package plan

import (
	"fmt"
	"math"
	"slices"
)

// An item is what is chosen for as one: a weight, or all weights of a group.
type item struct {
	weights []int
	options []option
}

// An option is a candidate of an item.
type option struct {
	name  string
	at    []int   // index of the candidate in each of the item's weights
	bytes float64 // an integer, at most 2^53
	err   float64 // of the item by the problem's objective
	sum   float64 // of the errors of the item's weights, which decides between equal err
}

// items returns what there is to choose for, in the order of the weights.
func (p *Problem) items() ([]item, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	var items []item
	groups := make(map[string]int)
	for i := range p.Weights {
		group := p.Weights[i].Alike
		if at, ok := groups[group]; ok && group != "" {
			items[at].weights = append(items[at].weights, i)
			continue
		}
		if group != "" {
			groups[group] = len(items)
		}
		items = append(items, item{weights: []int{i}})
	}
	for i := range items {
		if err := p.addOptions(&items[i]); err != nil {
			return nil, err
		}
	}
	return items, nil
}

// addOptions finds the options of an item: the candidates whose names all of its weights have.
func (p *Problem) addOptions(it *item) error {
	first := &p.Weights[it.weights[0]]
next:
	for _, c := range first.Candidates {
		o := option{name: c.Name}
		for _, i := range it.weights {
			w := &p.Weights[i]
			at := w.find(c.Name)
			if at < 0 || w.Fixed != "" && w.Fixed != c.Name {
				continue next
			}
			d := &w.Candidates[at]
			o.at = append(o.at, at)
			o.bytes += float64(d.Bytes)
			o.sum += d.Error
			if p.Objective == Worst {
				o.err = math.Max(o.err, d.Error)
			} else {
				o.err += d.Error
			}
		}
		it.options = append(it.options, o)
	}
	if len(it.options) == 0 {
		return fmt.Errorf("%w: the weights alike as %q have no candidate that all of them may have", ErrProblem, first.Alike)
	}
	return nil
}

// find returns the index of the candidate with a name, or -1.
func (w *Weight) find(name string) int {
	return slices.IndexFunc(w.Candidates, func(c Candidate) bool { return c.Name == name })
}

// choice returns the candidates of all weights, where item i has the given option.
func (p *Problem) choice(items []item, option func(i int) int) []int {
	c := make([]int, len(p.Weights))
	for i := range items {
		o := &items[i].options[option(i)]
		for k, w := range items[i].weights {
			c[w] = o.at[k]
		}
	}
	return c
}

// plan returns the plan of a choice.
func (p *Problem) plan(choice []int, gap float64) Plan {
	bytes, err := p.Total(choice)
	return Plan{Choice: choice, Bytes: bytes, Error: err, Gap: gap}
}
