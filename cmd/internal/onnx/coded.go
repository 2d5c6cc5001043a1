package onnx

import (
	"fmt"
	"slices"
)

// A Dequantizer is a weight that a model has as codes, in constants, with all
// nodes that take the codes: what the codes stand for can take their place.
type Dequantizer struct {
	Name   string // of the tensor of values, as Tensor.Name is
	Use    string // of that tensor
	Op     string // the operator that takes the codes
	Codes  *Tensor
	Scales *Tensor // F32, F16 or BF16: the values are rounded to that type
	Zeros  *Tensor // one for each scale or one for all; nil if they are all Zero
	Zero   int
	Axis   int   // of the scales and zero points, in Shape; NoAxis for one scale
	Block  int   // elements in a block; 0 for a scale of each index
	Shape  []int // of the values
	Packed *Packed

	node    *node // a DequantizeLinear, of which the values take the place; nil for other operators
	changes []nodeChange
}

// Packed says how codes lie that are not one by one in the type of their tensor.
type Packed struct {
	Bits int // of a code

	// Rows of so many codes each, which are columns of the values; 0 if the codes
	// have the shape of the values.
	Row int

	// Blocks is how many scales a row has: of MatMulNBits each row of zero points
	// begins with a byte of its own.
	Blocks int
	Groups *Tensor // the block of each code of a row; nil for one after the other

	// Table has the values of codes, of which the first of two is the high half of a
	// byte; nil for integers, of which the first is the low half.
	Table []float32
}

// replaceable returns an error if a constant of q cannot be taken away.
func (q *Dequantizer) replaceable() error {
	all := []*Tensor{q.Codes, q.Scales, q.Zeros}
	if q.Packed != nil {
		all = append(all, q.Packed.Groups)
	}
	for _, t := range all {
		if t == nil {
			continue
		}
		if err := t.Replaceable(); err != nil {
			return fmt.Errorf("%s: %w", quote(t.value), err)
		}
	}
	return nil
}

// take finds the scales and zero points of q among the inputs of n.
func (q *Dequantizer) take(n *node, scales, zeros int) error {
	if q.Scales = n.constant(scales); q.Scales == nil {
		name := ""
		if n.has(scales) {
			name = n.inputs[scales]
		}
		return fmt.Errorf("%s of its %s is not constant", quote(name), n.op)
	}
	switch q.Scales.DType {
	case "F32", "F16", "BF16":
	default:
		return fmt.Errorf("its scales are %s, none of F32, F16 and BF16", q.Scales.DType)
	}
	if !n.has(zeros) {
		return nil
	}
	if q.Zeros = n.constant(zeros); q.Zeros == nil {
		return fmt.Errorf("%s of its %s is not constant", quote(n.inputs[zeros]), n.op)
	}
	if q.Zeros.DType != q.Codes.DType {
		return fmt.Errorf("%d zero points of type %s for %d scales and codes of type %s", q.Zeros.n, q.Zeros.DType, q.Scales.n, q.Codes.DType)
	}
	return nil
}

// channels sets the axis of scales and zero points: one for all, or one for each
// index of an axis of the codes.
func (q *Dequantizer) channels(axis int) error {
	if axis < 0 {
		axis += len(q.Codes.Shape)
	}
	switch q.Codes.DType {
	case "I8", "U8":
	default:
		return fmt.Errorf("codes of type %s are not dequantized", q.Codes.DType)
	}
	if axis < 0 || axis >= len(q.Codes.Shape) {
		return fmt.Errorf("codes of shape %v have no axis of channels", q.Codes.Shape)
	}
	for _, t := range []*Tensor{q.Scales, q.Zeros} {
		switch {
		case t == nil || t.n == 1:
		case t.n == q.Codes.Shape[axis] && slices.Max(t.Shape) == t.n:
			q.Axis = axis
		default:
			return fmt.Errorf("scales or zero points of shape %v do not go with codes of shape %v", t.Shape, q.Codes.Shape)
		}
	}
	return nil
}

// A codeReader fills in what q's codes stand for, and returns what n becomes.
type codeReader func(m *Model, n *node, q *Dequantizer) (*replacement, error)

// A nodeChange is what becomes of a node that takes the codes of a weight.
type nodeChange struct {
	node *node
	*replacement
}

// A replacement is the floating-point operator that computes what a node computed
// with the codes of a weight.
type replacement struct {
	at         *node    // the node whose place it takes, and the name of whose output
	op         string   // of ONNX's own
	inputs     []string // names, or one of the three words below
	attributes bool     // those of the node are kept
	extra      [][]byte // further AttributeProtos
	removed    []*node  // which go as well

	codes       *string // what a DequantizeLinear makes dequantizedInput of; nil if that is floating-point
	scale, zero string  // of the codes
	source      string  // what dequantizedInput is without codes

	bias []float32 // of a Conv
	add  string    // what is added to the result; "" for nothing

	outScale, outZero string // the result is quantized with these, unless they are ""
}

// Words in place of the names of inputs.
const (
	weightInput      = "\x00weight"
	dequantizedInput = "\x00input"
	biasInput        = "\x00bias"
)

// plus lets input i of n be added to the result.
func (r *replacement) plus(n *node, i int) *replacement {
	if n.has(i) {
		r.add = n.inputs[i]
	}
	return r
}

// operand says what the weight is multiplied with: what n rounds to codes while
// the model runs, or what codes with that scale and zero point stand for.
func (r *replacement) operand(n *node, scale, zero string) error {
	_, d := n.graph.lookup(n.inputs[0])
	from := d.node
	if from != nil && from.is("DynamicQuantizeLinear") && len(from.inputs) == 1 && len(from.outputs) == 3 &&
		from.outputs[0] == n.inputs[0] && from.outputs[1] == scale && from.outputs[2] == zero {
		r.source = from.inputs[0]
		return nil
	}
	for _, name := range []string{scale, zero} {
		if _, d := n.graph.lookup(name); d.tensor != nil && d.tensor.n != 1 {
			return fmt.Errorf("what comes into its %s has several scales or zero points", n.op)
		}
	}
	r.codes, r.scale, r.zero = &n.inputs[0], scale, zero
	return nil
}

// still are the names that the replacement uses.
func (r *replacement) still() []string {
	all := append(slices.Clone(r.inputs), r.source, r.scale, r.zero, r.add, r.outScale, r.outZero)
	if r.codes != nil {
		all = append(all, *r.codes)
	}
	return all
}
