package onnx

import (
	"fmt"
	"maps"
	"slices"
)

// This file finds the nodes of a model that dynamic quantization quantizes: nodes with a constant
// weight whose other operand is quantized while the model runs.

// A DynamicNode is a product or a lookup, and how dynamic quantization quantizes it.
type DynamicNode struct {
	Name    string // of the node after the path of its graph; its operator and index if it has no name
	Op      string
	Integer string // the operator that takes the codes; "" if the node stays in floating point
	Reason  string // why it stays in floating point

	Weights []DynamicWeight // one, or two of an LSTM; none if the node stays

	node *node
}

// A DynamicWeight is a weight of a DynamicNode.
type DynamicWeight struct {
	Tensor *Tensor
	Shape  []int // shape to quantize in: of an LSTM, the directions are joined with the channels
	Axis   int   // axis of the output channels in Shape; NoAxis if the operator takes one scale only

	// Transposed says that the operator takes the last two axes in the other order.
	Transposed bool

	// SameZero says that the operator takes one zero point for all channels.
	SameZero bool

	op string
}

// key returns what determines the codes of w, for maps.
func (w *DynamicWeight) key() dynamicKey { return dynamicKey{w.Tensor, w.op, w.Transposed} }

// A dynamicKey identifies the codes of a weight. Two operators may need the codes of one weight in
// different layouts.
type dynamicKey struct {
	tensor     *Tensor
	op         string
	transposed bool
}

// Same reports whether the codes of w and v are the same.
func (w *DynamicWeight) Same(v *DynamicWeight) bool { return w.key() == v.key() }

// dynamicOps are the operators that dynamic quantization quantizes by default, with the operators
// that take the codes.
var dynamicOps = map[string]string{
	"Conv": "ConvInteger", "MatMul": "MatMulInteger", "Gemm": "MatMulInteger", "LSTM": "DynamicQuantizeLSTM", "Gather": "Gather",
}

// DynamicOperators returns the operators that dynamic quantization quantizes by default, sorted.
func DynamicOperators() []string { return slices.Sorted(maps.Keys(dynamicOps)) }

// DynamicNodes returns the products and lookups of the model, outer graphs before inner ones, and
// how dynamic quantization quantizes each. Only Operators and Skip of c matter.
func (m *Model) DynamicNodes(c ActivationChoice) []DynamicNode {
	if c.Operators == nil {
		c.Operators = DynamicOperators()
	}
	var all []DynamicNode
	for _, g := range m.graphs {
		if !g.root().live() {
			continue
		}
		for _, n := range g.nodes {
			op := n.qualified()
			_, product := weights[op]
			if t := n.constant(0); op == "Gather" && (t == nil || !t.Floating) || !product || m.function(n) != nil {
				continue
			}
			x := DynamicNode{Name: n.label(), Op: printable(op), node: n}
			if path := g.path(); path != "" {
				x.Name = path + "/" + x.Name
			}
			if x.Reason = x.look(c); x.Reason == "" {
				x.Integer = dynamicOps[op]
			} else {
				x.Weights = nil
			}
			all = append(all, x)
		}
	}
	return all
}

// look finds the weights of x, or returns why x stays in floating point.
func (x *DynamicNode) look(c ActivationChoice) string {
	n := x.node
	_, known := dynamicOps[n.qualified()]
	switch {
	case !known:
		return "there is no operator with codes for " + x.Op
	case !slices.Contains(c.Operators, n.op):
		return "the operator is not chosen"
	case c.Skip != nil && c.Skip(x.Name, n.op):
		return ReasonSkipped
	case n.graph.root().fn != nil:
		return "it is in a function of the model"
	case len(n.outputs) == 0 || !slices.ContainsFunc(n.outputs, func(s string) bool { return s != "" }):
		return "it has no output"
	case !n.has(0):
		return "it has no input"
	case n.op != "Gather" && n.constant(0) != nil:
		return "its first operand is a constant"
	}
	switch n.op {
	case "LSTM":
		return x.lstm()
	case "Gather":
		return x.weight(0, 2)
	case "Gemm":
		return x.gemm()
	}
	return x.weight(1, 2)
}

// weight adds the weight in input i. It returns an error text if that is no constant of float32
// with at least rank axes.
func (x *DynamicNode) weight(i, rank int) string {
	t := x.node.constant(i)
	switch {
	case t == nil:
		return "its weight is not constant"
	case t.DType != "F32" || !t.Floating:
		return "its weight is " + t.DType + ", not float32"
	case len(t.Shape) < rank:
		return fmt.Sprintf("its weight has %d axes, and needs %d", len(t.Shape), rank)
	case t.n == 0:
		return "its weight is empty"
	}
	if err := t.Replaceable(); err != nil {
		return "its weight: " + err.Error()
	}
	w := DynamicWeight{Tensor: t, Shape: t.Shape, Axis: NoAxis, op: x.node.op}
	switch op := x.node.op; {
	case op == "Conv":
		w.Axis, w.SameZero = 0, true
	case op == "MatMul" && len(t.Shape) == 2:
		w.Axis = 1
	}
	x.Weights = append(x.Weights, w)
	return ""
}

// gemm adds the weight of a Gemm, which becomes a MatMulInteger and an Add.
func (x *DynamicNode) gemm() string {
	n := x.node
	for _, name := range []string{"alpha", "beta"} {
		if a := n.attr(name); a != nil && (a.f != 1 || a.ref) {
			return fmt.Sprintf("its %s is %v, not 1", name, a.f)
		}
	}
	if n.int("transA", 0) != 0 {
		return "its transA is not 0"
	}
	if why := x.weight(1, 2); why != "" {
		return why
	}
	w := &x.Weights[0]
	w.op, w.Axis = "MatMul", 1
	if n.int("transB", 0) != 0 {
		w.Transposed, w.Axis = true, 0
	}
	return ""
}

// lstm adds the two weights of an LSTM.
func (x *DynamicNode) lstm() string {
	n := x.node
	if n.int("layout", 0) != 0 {
		return "its layout is not 0, which DynamicQuantizeLSTM does not have"
	}
	for i := 1; i <= 2; i++ {
		if why := x.weight(i, 3); why != "" {
			return why
		}
		w := &x.Weights[i-1]
		s := w.Tensor.Shape
		if len(s) != 3 {
			return fmt.Sprintf("its weight has %d axes, and needs 3", len(s))
		}
		w.Shape, w.Axis, w.Transposed = []int{s[0] * s[1], s[2]}, 0, true
	}
	return ""
}

// CodesShape returns the shape of the codes.
func (w *DynamicWeight) CodesShape() []int {
	s := slices.Clone(w.Tensor.Shape)
	if w.Transposed {
		k := len(s)
		s[k-1], s[k-2] = s[k-2], s[k-1]
	}
	return s
}

// ParamShapes returns the shapes of the scales and of the zero points. channels says whether each
// channel has a scale.
func (w *DynamicWeight) ParamShapes(channels bool) (scales, zeros []int) {
	s := w.Tensor.Shape
	switch {
	case w.op == "LSTM" && channels:
		return s[:2], s[:2]
	case w.op == "LSTM":
		return s[:1], s[:1]
	case !channels:
		return nil, nil
	case w.SameZero: // the scales multiply sums with axes of space behind the channels
		scales = []int{s[0]}
		for range s[2:] {
			scales = append(scales, 1)
		}
		return scales, nil
	}
	return []int{w.Shape[w.Axis]}, []int{w.Shape[w.Axis]}
}
