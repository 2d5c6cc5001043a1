package convert

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// ObserveOptions say which nodes of a model will compute with codes.
type ObserveOptions struct {
	Nodes   []string // patterns of names or operators of nodes, for option.Match; none for all
	Exclude []string // patterns of nodes that stay in floating point, even if in Nodes

	// Layers asks for the inputs of layers that have weights, for second moments, instead of the
	// values that static quantization needs. Nodes and Exclude must be empty.
	Layers bool

	Unfolded bool // leave BatchNormalization nodes, as for Static
}

// An Observed value is a tensor whose range static quantization needs.
type Observed struct {
	Name string
	Made string   // the operator that computes it; "" for an input of the model
	Uses []string // the operators that take its codes, sorted
	As   string   // ObservedInput, ObservedOutput or ObservedAdded
}

// How a caller gets a value from the model that Observe writes.
const (
	ObservedInput  = "input"  // an input, which the caller has
	ObservedOutput = "output" // an output of the original model
	ObservedAdded  = "added"  // an output that Observe added
)

// A Sharing value has the codes of another value, Of: an operator moves or picks them. It needs
// no range.
type Sharing struct{ Name, Of string }

// An Observation lists the values of a model that became outputs.
type Observation struct {
	Values []Observed
	Shared []Sharing
	Left   []FloatNode
	Read   int64 // bytes of the model's files

	Normalizations int         // number of BatchNormalization nodes that were folded
	Unfolded       []FloatNode // those that could be folded but for values that are not finite
}

// Observe writes the ONNX model in to out with more outputs: the values whose ranges static
// quantization needs, or the inputs of layers. For static quantization it folds BatchNormalization
// nodes as that does, unless o.Unfolded is set. It changes nothing else. It returns an error that
// says why if there is no such value.
func Observe(ctx context.Context, in string, out *atomicfile.Set, o ObserveOptions, p Progress) (*Observation, error) {
	out.Bind(ctx)
	c, err := newONNXCopy(ctx, in, out, Options{}, p)
	if err != nil {
		return nil, err
	}
	defer c.model.Close()
	if !o.Unfolded && !o.Layers {
		done, err := c.fold()
		defer done()
		if err != nil {
			return nil, err
		}
	}
	if by := c.model.QuantizedBy(); by != nil {
		return nil, fmt.Errorf("it is quantized already: node %q is %s; observe the model that it was made of", text.Clean(by.Name), by.Op)
	}
	var r *Observation
	if o.Layers {
		r = layerInputs(c.model)
	} else {
		choice, err := o.choice(c.model)
		if err != nil {
			return nil, err
		}
		r = observation(c.model.Activations(choice))
	}
	if len(r.Values) == 0 {
		return nil, r.nothing()
	}
	var added []string
	for _, v := range r.Values {
		if v.As == ObservedAdded {
			added = append(added, v.Name)
		}
	}
	if err := c.rewriter.AddOutputs(added); err != nil {
		return nil, err
	}
	r.Read, r.Normalizations, r.Unfolded = c.result.Read, c.result.Normalizations, c.result.Unfolded
	return r, c.write()
}

// unmatchedNode returns the error for a pattern that matches neither the name nor the operator of a
// node.
func unmatchedNode(pattern string, names, operators []string) error {
	slices.Sort(operators)
	return option.Unmatched("node or operator", []string{pattern}, append(names, slices.Compact(operators)...))
}

// choice returns the selection of o as an ActivationChoice. It returns an error, with names of
// nodes, if a pattern matches no node.
func (o *ObserveOptions) choice(m *onnx.Model) (onnx.ActivationChoice, error) {
	match := func(patterns []string, name, op string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return option.Match(p, name) || option.Match(p, op) })
	}
	nodes := m.Activations(onnx.ActivationChoice{}).Nodes
	for _, p := range slices.Concat(o.Nodes, o.Exclude) {
		if slices.ContainsFunc(nodes, func(n onnx.ActivationNode) bool { return match([]string{p}, n.Name, n.Op) }) {
			continue
		}
		var names, operators []string
		for _, n := range nodes {
			if n.Integer != "" {
				names, operators = append(names, n.Name), append(operators, n.Op)
			}
		}
		return onnx.ActivationChoice{}, unmatchedNode(p, names, operators)
	}
	return onnx.ActivationChoice{Skip: func(name, op string) bool {
		return match(o.Exclude, name, op) || len(o.Nodes) > 0 && !match(o.Nodes, name, op)
	}}, nil
}

// observation lists the values that need ranges, those that share codes, and the nodes in
// floating point.
func observation(a *onnx.Activations) *Observation {
	r := new(Observation)
	for i := range a.Values {
		v := &a.Values[i]
		as := ObservedAdded
		switch {
		case v.Of != v.Name:
			r.Shared = append(r.Shared, Sharing{v.Name, v.Of})
			continue
		case v.Made == "":
			as = ObservedInput
		case v.Output:
			as = ObservedOutput
		}
		r.Values = append(r.Values, Observed{v.Name, v.Made, v.Uses, as})
	}
	for _, n := range a.Nodes {
		if n.Integer == "" {
			r.Left = append(r.Left, FloatNode{n.Name, n.Op, n.Reason})
		}
	}
	return r
}

// layerInputs lists the inputs of layers, and the weights whose inputs are not observed.
func layerInputs(m *onnx.Model) *Observation {
	r := new(Observation)
	at := make(map[string]int)
	add := func(value, op string) {
		i, there := at[value]
		if !there {
			made, output := m.Place(value)
			v := Observed{Name: value, Made: made, As: ObservedAdded}
			switch {
			case made == "":
				v.As = ObservedInput
			case output:
				v.As = ObservedOutput
			}
			i = len(r.Values)
			at[value], r.Values = i, append(r.Values, v)
		}
		if v := &r.Values[i]; !slices.Contains(v.Uses, op) {
			v.Uses = append(v.Uses, op)
			slices.Sort(v.Uses)
		}
	}
	layers, others := m.Layers()
	for _, l := range layers {
		if l.Hidden != "" {
			r.Left = append(r.Left, FloatNode{l.Weight.Name, l.Op, l.Hidden})
			continue
		}
		add(l.Input, l.Op)
		if l.Initial != "" {
			add(l.Initial, l.Op)
		}
	}
	for _, x := range others {
		r.Left = append(r.Left, FloatNode{x.Weight.Name, x.Weight.Use, x.Reason})
	}
	return r
}

// nothing returns the error for a model without values to observe.
func (r *Observation) nothing() error {
	if len(r.Left) == 0 {
		return errors.New("no tensor needs a range: the model has no operator that runtimes compute with codes")
	}
	seen := map[string]int{}
	most := r.Left[0].Reason
	for _, n := range r.Left {
		if seen[n.Reason]++; seen[n.Reason] > seen[most] {
			most = n.Reason
		}
	}
	return fmt.Errorf("no tensor needs a range: %s in floating point, of which %s: %s", stay(len(r.Left)), text.Count(seen[most]), most)
}

// stay says how many nodes stay in floating point.
func stay(n int) string {
	if n == 1 {
		return "1 node stays"
	}
	return text.Count(n) + " nodes stay"
}
