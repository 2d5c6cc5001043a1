package onnx

// This file finds the activations of a model: values that nodes compute or take as inputs, and
// that codes can replace.

import "strings"

// QuantizedBy returns the first node that takes or makes codes, or nil if there is none. A model
// that has such a node is quantized already.
func (m *Model) QuantizedBy() *ActivationNode {
	for _, g := range m.graphs {
		for _, n := range g.nodes {
			if makesCodes(n) && g.root().live() {
				return &ActivationNode{Name: n.label(), Op: printable(n.op)}
			}
		}
	}
	return nil
}

func makesCodes(n *node) bool {
	_, takes := codeInputs[n.qualified()]
	return takes || n.isQDQ() || n.is("DynamicQuantizeLinear") || n.domain == microsoft && strings.HasPrefix(n.op, "QLinear")
}

// Activations returns the values and nodes that static quantization quantizes, for the
// kernels of ONNX Runtime:
//
//   - Products (Conv, MatMul, Gemm) become codes if the weight is a constant, or the
//     other operand of a MatMul is an activation too.
//   - Other operators with kernels for codes stay in floating point unless a node before
//     them makes codes and a node after them takes codes. Otherwise values would only be
//     quantized and dequantized again.
//   - Results of MatMul and Gemm stay in floating point if no node takes their codes.
//
// Nodes in subgraphs and functions stay in floating point.
func (m *Model) Activations(c ActivationChoice) *Activations {
	a := &Activations{byName: map[string]int{}}
	w := &activationWalk{m: m, c: c, types: m.valueTypes(m.main), at: map[*node]int{}}
	if w.c.Operators == nil {
		w.c.Operators = ActivationOperators()
	}
	for _, n := range m.main.nodes {
		if x, ok := w.look(n); ok {
			w.at[n] = len(w.nodes)
			w.nodes = append(w.nodes, x)
		}
	}
	w.prune()
	for _, g := range m.graphs {
		if g != m.main && g.root().live() {
			w.inside(g)
		}
	}
	a.Nodes = w.nodes
	w.list(a)
	return a
}
