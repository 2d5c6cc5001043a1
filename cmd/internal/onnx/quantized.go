package onnx

import (
	"fmt"
	"slices"

	"github.com/a01592f9/quant/internal/exact"
)

// A Quantized is a tensor as codes, with the scales and zero points of the whole tensor, of each
// index of an axis, or of each block along an axis.
type Quantized struct {
	Tensor *Tensor
	DType  string // a key of codeTypes, such as I4 or F8_E4M3
	Axis   int    // axis of the scales; NoAxis for one scale
	Block  int    // elements in a block; 0 if each index has a scale

	Codes, Scales Payload
	Zeros         Payload // of the type of the codes; its size is 0 if all are 0
}

// Version returns the version of the operators that q needs.
func (q *Quantized) Version() int64 {
	v := codeTypes[q.DType].version
	if q.Tensor.DType == "BF16" {
		v = max(v, versionBrain)
	}
	switch {
	case q.Block > 0:
		v = max(v, versionBlocks)
	case q.Axis != NoAxis:
		v = max(v, versionAxis)
	}
	return v
}

// shape returns the shape of the codes. For a list that is only reshaped it is the shape after
// Reshape, and the Reshape then changes nothing.
func (q *Quantized) shape() []int {
	if q.Tensor.Seen != nil {
		return q.Tensor.Seen
	}
	return q.Tensor.Shape
}

// paramShape returns the shape of scales and zero points.
func (q *Quantized) paramShape() []int {
	switch {
	case q.Axis == NoAxis:
		return nil
	case q.Block == 0:
		return []int{q.shape()[q.Axis]}
	}
	shape := slices.Clone(q.shape())
	shape[q.Axis] = exact.Parts(shape[q.Axis], q.Block)
	return shape
}

// Quantize plans to replace the tensor of q by codes and a DequantizeLinear node, followed by a
// Cast if the tensor is not F32. The result keeps the name of the tensor, so its users do not
// change.
func (r *Rewriter) Quantize(q Quantized) error {
	t := q.Tensor
	kind, ok := codeTypes[q.DType]
	if !ok {
		return fmt.Errorf("tensor %s: no codes of type %s", quote(t.Name), q.DType)
	}
	if !t.Floating {
		return fmt.Errorf("tensor %s: %s is not floating-point", quote(t.Name), t.DType)
	}
	if err := t.Replaceable(); err != nil {
		return fmt.Errorf("tensor %s: %w", quote(t.Name), err)
	}
	g := t.graph
	shape := q.paramShape()
	codes := r.store(g, r.fresh(t.value+"_quantized"), kind.elem, q.shape(), q.Codes, t.isExternal)
	scales := r.store(g, r.fresh(t.value+"_scale"), elemFloat, shape, q.Scales, t.isExternal)
	inputs := []string{codes.name, scales.name}
	stores := []part{codes, scales}
	if q.Zeros.Size > 0 {
		zeros := r.store(g, r.fresh(t.value+"_zero_point"), kind.elem, shape, q.Zeros, t.isExternal)
		inputs, stores = append(inputs, zeros.name), append(stores, zeros)
	}
	var attributes [][]byte
	if q.Axis != NoAxis {
		attributes = append(attributes, intAttribute("axis", int64(q.Axis)))
	}
	if q.Block > 0 {
		attributes = append(attributes, intAttribute("block_size", int64(q.Block)))
	}
	number, name, made := g.nodeField(), r.fresh(t.value+"_DequantizeLinear"), t.value
	if t.DType != "F32" { // with a float32 scale DequantizeLinear returns F32
		made = r.fresh(t.value + "_dequantized")
	}
	nodes := []part{newNode(number, "DequantizeLinear", name, inputs, made, attributes...)}
	if made != t.value {
		nodes = append(nodes, newNode(number, "Cast", r.fresh(t.value+"_Cast"), []string{made}, t.value, intAttribute("to", int64(t.elem))))
	}

	at := t.frames[0]
	switch {
	case t.node == nil:
		r.e.replace(at.parent, at.start, at.end, stores...)
		r.e.insert(g.before(t.value), nodes...)
	case g.fn != nil:
		r.e.replace(t.node.frame.parent, t.node.frame.start, t.node.frame.end, append(stores, nodes...)...)
	default:
		r.e.replace(t.node.frame.parent, t.node.frame.start, t.node.frame.end, nodes...)
		r.e.insert(g.position(), stores...)
	}
	r.removeInput(g, t.value)
	r.gone[t] = true
	r.version = max(r.version, q.Version())
	if g.fn == nil {
		r.ir = max(r.ir, irInitializers)
	}
	r.ir = max(r.ir, kind.ir)
	return nil
}
