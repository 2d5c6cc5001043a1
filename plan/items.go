package plan

import (
	"fmt"
	"math"
	"slices"
)

// An item is a weight, or all weights of a group, that get a candidate together.
type item struct {
	weights []int
	options []option
}

// An option is a candidate for an item.
type option struct {
	name  string
	at    []int   // the candidate's index in each weight of the item
	bytes float64 // an integer, at most 2^53
	err   float64 // error of the item under the problem's objective
	sum   float64 // sum of the errors of the item's weights, which decides between options with equal err
}

// items returns the items of p, in the order of the weights.
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

// addOptions adds the options of an item: the candidates that all of its weights have.
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

// find returns the index of the candidate with the given name, or -1.
func (w *Weight) find(name string) int {
	return slices.IndexFunc(w.Candidates, func(c Candidate) bool { return c.Name == name })
}

// choice returns the candidates of all weights if item i has the given option.
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

// plan returns the plan with the given choice.
func (p *Problem) plan(choice []int, gap float64) Plan {
	bytes, err := p.Total(choice)
	return Plan{Choice: choice, Bytes: bytes, Error: err, Gap: gap}
}
