package onnx

import (
	"fmt"
	"math"
	"slices"
)

// dequantizer reads a DequantizeLinear of constant codes.
func (m *Model) dequantizer(n *node, codes *Tensor) (*Dequantizer, error) {
	q := &Dequantizer{Name: n.outputs[0], Use: codes.Use, Op: n.op, Codes: codes, Axis: NoAxis, Shape: codes.Shape, node: n}
	switch codes.DType {
	case "I4", "U4", "I8", "U8", "I16", "U16", "I32", "F8_E4M3", "F8_E4M3FNUZ", "F8_E5M2", "F8_E5M2FNUZ", "F4":
	default:
		return nil, fmt.Errorf("codes of type %s are not dequantized", codes.DType)
	}
	if err := q.take(n, 1, 2); err != nil {
		return nil, err
	}
	if q.Zeros != nil && q.Zeros.n != q.Scales.n {
		return nil, fmt.Errorf("%d zero points of type %s for %d scales and codes of type %s", q.Zeros.n, q.Zeros.DType, q.Scales.n, codes.DType)
	}
	if to := n.int("output_dtype", 0); to != 0 && to != int64(q.Scales.elem) {
		return nil, fmt.Errorf("its %s makes another type than that of its scales", n.op)
	}
	if err := q.replaceable(); err != nil {
		return nil, err
	}
	return q, q.layout()
}

// layout finds the axis and the block size of the scales.
func (q *Dequantizer) layout() error {
	shape, scales := q.Codes.Shape, q.Scales.Shape
	axis := q.node.int("axis", 1)
	if axis < 0 {
		axis += int64(len(shape))
	}
	block := q.node.int("block_size", 0)
	inside := axis >= 0 && axis < int64(len(shape))
	switch {
	case block == 0 && q.Scales.n == 1 && len(scales) <= 1:
		return nil
	case block == 0 && len(scales) == 1 && inside && shape[axis] == scales[0]:
		q.Axis = int(axis)
		return nil
	case block > 0 && inside && len(scales) == len(shape):
		want := slices.Clone(shape)
		want[axis] = int((int64(want[axis])-1)/block + 1)
		if slices.Equal(want, scales) {
			q.Axis, q.Block = int(axis), int(min(block, math.MaxInt))
			return nil
		}
	}
	return fmt.Errorf("scales of shape %v do not go with codes of shape %v", scales, shape)
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
