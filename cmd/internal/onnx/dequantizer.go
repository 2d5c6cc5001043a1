package onnx

import (
	"fmt"
	"math"
	"slices"
)

// A Dequantizer is a DequantizeLinear node all inputs of which are constants:
// what it makes is a constant too.
type Dequantizer struct {
	Name   string // of the tensor that it makes, as Tensor.Name is
	Use    string // of that tensor
	Codes  *Tensor
	Scales *Tensor // F32, or F16: the values are rounded to that type then
	Zeros  *Tensor // in the type of the codes; nil if they are all 0
	Axis   int     // NoAxis for one scale
	Block  int     // elements in a block; 0 for a scale of each index

	node *node
}

// Dequantizers returns those of the model, and for other DequantizeLinear nodes
// with constant codes why they are not among them, by the name of the codes.
func (m *Model) Dequantizers() (found []*Dequantizer, others map[string]string) {
	others = map[string]string{}
	seen := map[string]int{}
	for _, g := range m.graphs {
		for _, n := range g.nodes {
			if n.op != "DequantizeLinear" || !n.isQDQ() || len(n.inputs) < 2 || len(n.outputs) != 1 {
				continue
			}
			_, d := g.lookup(n.inputs[0])
			if d.tensor == nil {
				continue // made of what the model computes
			}
			q, err := m.dequantizer(n, d.tensor)
			if err != nil {
				others[d.tensor.Name] = err.Error()
				continue
			}
			found = append(found, q)
			seen[q.Name]++
		}
	}
	for _, q := range found {
		if path := q.node.graph.path(); seen[q.Name] > 1 && path != "" {
			q.Name = path + "/" + q.Name
		}
	}
	return found, others
}

func (m *Model) dequantizer(n *node, codes *Tensor) (*Dequantizer, error) {
	q := &Dequantizer{Name: n.outputs[0], Use: codes.Use, Codes: codes, Axis: NoAxis, node: n}
	switch codes.DType {
	case "I4", "U4", "I8", "U8", "I16", "U16", "I32":
	default:
		return nil, fmt.Errorf("codes of type %s are not dequantized", codes.DType)
	}
	constant := func(name string) (*Tensor, error) {
		_, d := n.graph.lookup(name)
		if d.tensor == nil {
			return nil, fmt.Errorf("%s of its DequantizeLinear is not constant", quote(name))
		}
		return d.tensor, nil
	}
	var err error
	if q.Scales, err = constant(n.inputs[1]); err != nil {
		return nil, err
	}
	if q.Scales.DType != "F32" && q.Scales.DType != "F16" {
		return nil, fmt.Errorf("its scales are %s, neither F32 nor F16", q.Scales.DType)
	}
	if len(n.inputs) > 2 && n.inputs[2] != "" {
		if q.Zeros, err = constant(n.inputs[2]); err != nil {
			return nil, err
		}
		if q.Zeros.DType != codes.DType || q.Zeros.n != q.Scales.n {
			return nil, fmt.Errorf("%d zero points of type %s for %d scales and codes of type %s", q.Zeros.n, q.Zeros.DType, q.Scales.n, codes.DType)
		}
	}
	for _, t := range []*Tensor{codes, q.Scales, q.Zeros} {
		if t == nil {
			continue
		}
		if err := t.Replaceable(); err != nil {
			return nil, fmt.Errorf("%s: %w", quote(t.value), err)
		}
	}
	return q, q.layout()
}

// layout finds out what the scales are for.
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
