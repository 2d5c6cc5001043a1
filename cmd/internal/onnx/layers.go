package onnx

import (
	"fmt"
	"slices"
)

// This file finds the layers of a model: weights that operators multiply by, and the values that
// are multiplied.

// A Layer is a use of a weight by an operator that computes linear functions of its input: for
// each row of inputs a row of outputs.
type Layer struct {
	Weight *Tensor
	Op     string
	Node   string // name of the node, or its operator and index if it has no name

	// Inputs are the axes of the weight that count inputs, in the order in which the rows of the
	// operator's input count them. All other axes count outputs.
	Inputs []int

	Input   string // the value that is multiplied; "" if Hidden is not
	Hidden  string // why Input is no value of the main graph, which could be an output of the model
	Initial string // for RoleState: the first state; "" if it is 0

	Role LayerRole
	Conv *ConvWindow // for RoleWindow
}

// A LayerRole says which rows of inputs an operator multiplies by the weight.
type LayerRole int

// The roles.
const (
	RoleRows   LayerRole = iota // the rows of Input along its last axis
	RoleWindow                  // the windows of a convolution over Input
	RoleState                   // the states of a recurrent operator: Initial, and Input except for the last step
)

// A ConvWindow has the attributes of a convolution, one number for each spatial axis. Pads has the
// padding at the beginnings of all axes, then that at the ends.
type ConvWindow struct {
	Kernel, Strides, Dilations, Pads []int
	Auto                             string // "SAME_UPPER" or "SAME_LOWER", which say Pads; "" otherwise
}

// A NotLayer is a use of a weight that is no Layer.
type NotLayer struct {
	Weight *Tensor
	Reason string
}

// Layers returns the uses of weights as layers, in the order of the tensors, and weights that have
// another use. A weight may have several layers, whose rows of inputs belong together.
func (m *Model) Layers() ([]Layer, []NotLayer) {
	t := &tracer{m: m, left: maxSteps}
	var all []Layer
	var others []NotLayer
	for _, tensor := range m.Tensors {
		if !tensor.Weight || !tensor.Floating || len(tensor.Shape) == 0 {
			continue
		}
		var layers []Layer
		why := ""
		t.one, t.found, t.seen, t.calls, t.scales = maxTensorSteps, nil, map[place]bool{}, nil, false
		t.visit = func(n *node, index int, v *view) {
			l, reason := m.layer(tensor, n, index, v)
			if reason != "" {
				why = reason
				return
			}
			layers = append(layers, l)
		}
		t.follow(tensor.graph, tensor.value, viewOf(tensor.Shape), maxDepth)
		for _, l := range layers {
			if !slices.Equal(l.Inputs, layers[0].Inputs) {
				why = "operators multiply by it along different axes"
			}
		}
		if t.scales {
			why = "a Mul or Div scales it first"
		}
		switch {
		case why == "" && len(layers) == 0:
			why = "no operator multiplies by it"
			fallthrough
		case why != "":
			others = append(others, NotLayer{tensor, why})
		default:
			all = append(all, layers...)
		}
	}
	return all, others
}

// layer returns the layer of a weight that node n takes as input index with the view v, or why
// there is none.
func (m *Model) layer(t *Tensor, n *node, index int, v *view) (Layer, string) {
	l := Layer{Weight: t, Op: printable(n.op), Node: n.label()}
	op := printable(n.qualified())
	switch {
	case n.domain != "":
		return l, "the inputs of " + op + " are not observed"
	case v == nil:
		return l, "its axes are not known in " + op
	}
	// axes sets the inputs of the layer to axes of the view.
	axes := func(of ...int) {
		for _, a := range of {
			if v.axis(a) != NoAxis {
				l.Inputs = append(l.Inputs, v.axis(a))
			}
		}
	}
	rank := v.rank()
	switch n.op {
	case "MatMul", "Gemm":
		if why := l.product(n, index, rank, axes); why != "" {
			return l, why
		}
	case "Conv":
		if why := l.conv(n, index, v); why != "" {
			return l, why
		}
		for a := 1; a < rank; a++ {
			axes(a)
		}
	case "LSTM", "GRU", "RNN":
		if why := l.recurrent(n, index, rank, v); why != "" {
			return l, why
		}
		axes(2)
	default:
		return l, "the inputs of " + op + " are not observed"
	}
	if why := whole(t, v, l.Inputs); why != "" {
		return l, why + op
	}
	if n.graph != m.main {
		l.Input, l.Initial = "", ""
		l.Hidden = "its operator is in a subgraph or a function, whose values are no outputs of the model"
	}
	return l, ""
}

// whole returns why a view of a tensor has not all its inputs, or not only its own: the beginning
// of a sentence that ends with the operator. Outputs may be in another order, or be left out.
func whole(t *Tensor, v *view, inputs []int) string {
	if len(inputs) == 0 {
		return "its axes are those of no matrix in "
	}
	for a, d := range t.Shape {
		k := slices.Index(v.axes, a)
		switch {
		case k < 0 && d != 1:
			return "its axes are those of no matrix in "
		case k >= 0 && slices.Contains(inputs, a) && v.shape[k] != d:
			return "its inputs are cut or joined before "
		}
	}
	return ""
}

func (l *Layer) product(n *node, index, rank int, axes func(...int)) string {
	switch {
	case index != 1:
		return "it is the first operand of " + n.op
	case rank != 2:
		return fmt.Sprintf("%s takes it with %d axes", n.op, rank)
	case n.op == "Gemm" && n.int("transA", 0) != 0:
		return "the transA of Gemm is not 0"
	case n.constant(0) != nil:
		return "the other operand is a constant"
	}
	l.Input = n.inputs[0]
	if n.op == "Gemm" && n.int("transB", 0) != 0 {
		axes(1)
	} else {
		axes(0)
	}
	return ""
}

func (l *Layer) conv(n *node, index int, v *view) string {
	group := n.int("group", 1)
	spatial := v.rank() - 2
	switch {
	case index != 1 || spatial < 1:
		return "it is no weight of a Conv with spatial axes"
	case group != 1:
		return fmt.Sprintf("a convolution in %d groups: its outputs have different inputs", group)
	}
	w := &ConvWindow{Kernel: slices.Clone(v.shape[2:])}
	for _, x := range []struct {
		name  string
		n     int
		other int
		to    *[]int
	}{{"strides", spatial, 1, &w.Strides}, {"dilations", spatial, 1, &w.Dilations}, {"pads", 2 * spatial, 0, &w.Pads}} {
		*x.to = slices.Repeat([]int{x.other}, x.n)
		a := n.attr(x.name)
		if a == nil || len(a.ints) == 0 {
			continue
		}
		if len(a.ints) != x.n {
			return fmt.Sprintf("Conv has %d %s for %d axes", len(a.ints), x.name, spatial)
		}
		for i, d := range a.ints {
			least := int64(x.other)
			if d < least || d > 1<<20 {
				return fmt.Sprintf("Conv has the %s %v", x.name, a.ints)
			}
			(*x.to)[i] = int(d)
		}
	}
	if a := n.attr("auto_pad"); a != nil {
		switch a.s {
		case "SAME_UPPER", "SAME_LOWER":
			w.Auto = a.s
		case "VALID":
			clear(w.Pads)
		}
	}
	l.Role, l.Conv, l.Input = RoleWindow, w, n.inputs[0]
	return ""
}

func (l *Layer) recurrent(n *node, index, rank int, v *view) string {
	switch {
	case index != 1 && index != 2 || rank != 3:
		return "it is no weight of " + n.op
	case index == 1:
		l.Input = n.inputs[0]
		return ""
	case n.int("layout", 0) != 0:
		return "the states of " + n.op + " with layout 1 are not observed"
	case v.shape[0] != 1:
		return "the states of several directions of " + n.op + " are not observed"
	case n.has(4):
		return n.op + " has lengths of sequences, after which its states mean nothing"
	case n.op == "GRU" && n.int("linear_before_reset", 0) == 0:
		return "GRU multiplies its states by the reset gate first"
	case len(n.outputs) == 0 || n.outputs[0] == "":
		return "the states of " + n.op + " are no output of it"
	}
	if a := n.attr("direction"); a != nil && a.s != "forward" {
		return "the states of " + n.op + " in the direction " + printable(a.s) + " are not observed"
	}
	l.Role, l.Input = RoleState, n.outputs[0]
	if n.has(5) {
		l.Initial = n.inputs[5]
	}
	return ""
}

// Place says what a value of the main graph is: the operator that computes it, or "" for an input
// of the model, and whether it is an output of the model.
func (m *Model) Place(value string) (made string, output bool) {
	if d := m.main.defs[value]; d.node != nil {
		made = printable(d.node.qualified())
	}
	return made, m.main.isOutput(value)
}
