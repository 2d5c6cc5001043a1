package onnx

import "fmt"

// This file reads lookups of codes, an operator of dynamic quantization.

// looksUpCodes reports whether n is a Gather of constant 8-bit codes, and a DequantizeLinear is the
// only node that takes its result.
func (n *node) looksUpCodes() bool {
	if !n.is("Gather") || len(n.outputs) != 1 {
		return false
	}
	if t := n.constant(0); t == nil || t.DType != "I8" && t.DType != "U8" {
		return false
	}
	uses := n.graph.uses[n.outputs[0]]
	return len(uses) == 1 && uses[0].node != nil && uses[0].node.graph == n.graph && uses[0].index == 0 &&
		uses[0].node.op == "DequantizeLinear" && uses[0].node.isQDQ() && len(uses[0].node.outputs) == 1
}

// gatherCodes reads a Gather of codes, and the DequantizeLinear behind it. All codes have one
// scale.
func gatherCodes(_ *Model, n *node, q *Dequantizer) (*replacement, error) {
	last := n.graph.uses[n.outputs[0]][0].node
	if err := q.take(last, 1, 2); err != nil {
		return nil, err
	}
	if q.Scales.n != 1 || q.Zeros != nil && q.Zeros.n != 1 {
		return nil, fmt.Errorf("%d scales of codes that its Gather looks up", q.Scales.n)
	}
	inputs := append([]string{weightInput}, n.inputs[1:]...)
	return &replacement{at: last, op: "Gather", inputs: inputs, extra: [][]byte{intAttribute("axis", n.int("axis", 0))}, removed: []*node{n}}, nil
}
