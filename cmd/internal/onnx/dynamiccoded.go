package onnx

import (
	"fmt"
	"slices"
)

// This file reads the operators of dynamic quantization other than products: lookups of codes, and
// the LSTM whose weights are codes.

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

// lstm looks at a DynamicQuantizeLSTM, which takes codes of two weights.
func (f *finder) lstm(n *node) {
	var both [2]*Dequantizer
	for i := range both {
		codes := n.constant(1 + i)
		if codes == nil {
			return // the model computes the codes
		}
		q := &Dequantizer{Name: plainName(codes.Name), Use: n.op, Op: n.op, Codes: codes, Axis: NoAxis, Transposed: true}
		err := q.take(n, 8+2*i, 9+2*i)
		if err == nil {
			err = q.gates()
		}
		if err == nil {
			err = q.replaceable()
		}
		if err == nil && len(codes.graph.uses[codes.value]) > 1 {
			err = fmt.Errorf("several nodes take codes that its %s takes", n.op)
		}
		if err != nil {
			f.others[codes.Name] = err.Error()
			if i == 1 {
				f.others[both[0].Codes.Name] = fmt.Sprintf("its %s takes codes of %s, which stay", n.op, quote(codes.Name))
			}
			return
		}
		both[i] = q
	}
	inputs := slices.Clone(n.inputs[:8])
	inputs[1], inputs[2] = weightInput, secondInput
	for inputs[len(inputs)-1] == "" {
		inputs = inputs[:len(inputs)-1]
	}
	r := &replacement{at: n, op: "LSTM", inputs: inputs, attributes: true, second: both[1]}
	if err := f.take(n, r); err != nil {
		f.others[both[0].Codes.Name] = err.Error()
		return
	}
	both[0].With, both[1].With = both[1], both[0]
	both[0].changes = []nodeChange{{n, r}}
	f.found = append(f.found, both[0], both[1])
}

// gates checks the codes of an LSTM, and sets the shape of the values.
func (q *Dequantizer) gates() error {
	s, scales := q.Codes.Shape, q.Scales.Shape
	if len(s) != 3 || q.Codes.DType != "I8" && q.Codes.DType != "U8" {
		return fmt.Errorf("codes of shape %v and type %s are not dequantized", s, q.Codes.DType)
	}
	q.Shape = []int{s[0], s[2], s[1]}
	if !slices.Equal(scales, q.Shape[:2]) && !slices.Equal(scales, q.Shape[:1]) || q.Zeros != nil && q.Zeros.n != q.Scales.n {
		return fmt.Errorf("scales or zero points of shape %v do not go with codes of shape %v", scales, s)
	}
	q.Axis = 1
	return nil
}
