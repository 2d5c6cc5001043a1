package onnx

import (
	"fmt"
	"slices"
)

// A Dequantizer is a weight that a model stores as constant codes, with all nodes that take the
// codes. The reconstructed values can replace the codes.
type Dequantizer struct {
	Name   string // of the reconstructed tensor, like Tensor.Name
	Use    string // of that tensor, like Tensor.Use
	Op     string // the operator that takes the codes
	Codes  *Tensor
	Scales *Tensor // F32, F16 or BF16: the type that values are rounded to
	Zeros  *Tensor // one for each scale, or one for all; nil if each is Zero
	Zero   int
	Axis   int   // axis in Shape of the scales and zero points; NoAxis for one scale
	Block  int   // elements in a block; 0 if each index has a scale
	Shape  []int // shape of the values
	Packed *Packed

	// Transposed says that the last two axes of the codes are those of the values in the other
	// order. The values then have three axes. There are scales for the first axis, or for the
	// first two.
	Transposed bool
	With       *Dequantizer // a weight of the same node; both are dequantized or neither

	node    *node // the DequantizeLinear that the values replace; nil for other operators
	changes []nodeChange
}

// Packed describes codes that are packed into bytes.
type Packed struct {
	Bits int // bit width of a code

	// Row is the number of codes in a row, which is a column of the values. It is 0 if the codes
	// have the shape of the values.
	Row int

	// Blocks is the number of scales of a row. In MatMulNBits each row of zero points begins at a
	// byte.
	Blocks int
	Groups *Tensor // the block of each code in a row; nil if blocks are consecutive

	// Table maps codes to values; the first of two codes is the high half of a byte. It is nil
	// for integers, where the first code is the low half.
	Table []float32
}

// replaceable returns an error if a constant of q cannot be removed.
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

// channels checks the scales and zero points: one for all codes, or one for each index of axis.
// In the latter case it sets q.Axis.
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

// A codeReader fills in q from the node n, and returns the replacement of n.
type codeReader func(m *Model, n *node, q *Dequantizer) (*replacement, error)

// A nodeChange replaces a node that takes the codes of a weight.
type nodeChange struct {
	node *node
	*replacement
}

// A replacement is a floating-point operator that computes what a node computed with the codes of
// a weight.
type replacement struct {
	at         *node        // the node that it replaces; it keeps the name of the output
	op         string       // an operator of ONNX itself
	inputs     []string     // names, or the placeholders below
	attributes bool         // keep the attributes of the node
	extra      [][]byte     // additional AttributeProtos
	removed    []*node      // nodes to remove as well
	second     *Dequantizer // the weight for secondInput

	codes       *string // a DequantizeLinear computes dequantizedInput from these codes; nil if the input is floating-point
	scale, zero string  // scale and zero point of the codes
	source      string  // the name of dequantizedInput if there are no codes

	bias []float32 // the bias of a Conv
	add  string    // the name of a value to add to the result; "" for none

	outScale, outZero string // the result is quantized with these; "" if it is not quantized
}

// Placeholders for the names of inputs.
const (
	weightInput      = "\x00weight"
	secondInput      = "\x00second"
	dequantizedInput = "\x00input"
	biasInput        = "\x00bias"
)

// plus adds input i of n, if it has one, to the result.
func (r *replacement) plus(n *node, i int) *replacement {
	if n.has(i) {
		r.add = n.inputs[i]
	}
	return r
}

// operand sets the other operand of the product. It is the floating-point input of a
// DynamicQuantizeLinear, or else the codes in input 0 of n, dequantized with scale and zero.
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

// still returns the names that the replacement uses.
func (r *replacement) still() []string {
	all := append(slices.Clone(r.inputs), r.source, r.scale, r.zero, r.add, r.outScale, r.outZero)
	if r.codes != nil {
		all = append(all, *r.codes)
	}
	return all
}
