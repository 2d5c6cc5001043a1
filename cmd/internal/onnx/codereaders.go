package onnx

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// This file reads the operators that compute with the codes of a weight. It finds the scales and
// the layout of the codes, and the floating-point operators that replace the node.

// codeReaders has the readers of operators other than DequantizeLinear.
var codeReaders map[string]codeReader

func init() {
	codeReaders = map[string]codeReader{
		"MatMulInteger": integerChain, "ConvInteger": integerChain,
		"QLinearConv": qlinear, "QLinearMatMul": qlinear, "Gather": gatherCodes,
		microsoft + ".MatMulNBits":           matMulNBits,
		microsoft + ".MatMulBnb4":            matMulBnb4,
		microsoft + ".MatMulIntegerToFloat":  integerToFloat,
		microsoft + ".DynamicQuantizeMatMul": dynamicMatMul,
		microsoft + ".GatherBlockQuantized":  gatherBlocks,
	}
}

// rows checks the attributes K and N of a MatMulNBits or MatMulBnb4, and sets the shape.
func (q *Dequantizer) rows(n *node) (rows, row, block int64, err error) {
	row, rows, block = n.int("K", 0), n.int("N", 0), n.int("block_size", 0)
	const most = math.MaxInt32
	if row <= 0 || rows <= 0 || block <= 0 || row > most || rows > most || block > most {
		return 0, 0, 0, fmt.Errorf("its %s has K %d, N %d and block_size %d", n.op, row, rows, block)
	}
	q.Shape = []int{int(row), int(rows)}
	if _, err := elements(q.Shape); err != nil {
		return 0, 0, 0, err
	}
	return rows, row, block, nil
}

// matMulNBits reads a MatMulNBits. Its weight is a matrix of N rows of K codes, in blocks that
// have one scale each.
func matMulNBits(_ *Model, n *node, q *Dequantizer) (*replacement, error) {
	rows, row, block, err := q.rows(n)
	if err != nil {
		return nil, err
	}
	bits := n.int("bits", 4)
	blocks := (row-1)/block + 1
	switch {
	case bits < 2 || bits > 8 || block*bits%8 != 0:
		return nil, fmt.Errorf("its %s has blocks of %d codes of %d bits", n.op, block, bits)
	case n.int("weight_prepacked", 0) != 0:
		return nil, errors.New("its codes are in an order for one kind of machine (weight_prepacked)")
	case q.Codes.Bytes != rows*blocks*(block*bits/8):
		return nil, fmt.Errorf("%d bytes of codes, but %d×%d in blocks of %d take %d", q.Codes.Bytes, rows, row, block, rows*blocks*(block*bits/8))
	}
	if q.Scales = n.constant(2); q.Scales == nil || !q.Scales.Floating || q.Scales.DType == "F64" {
		return nil, fmt.Errorf("its %s has no constant floating-point scales", n.op)
	}
	if int64(q.Scales.n) != rows*blocks {
		return nil, fmt.Errorf("%d scales for %d×%d codes in blocks of %d", q.Scales.n, rows, row, block)
	}
	q.Zero = 1 << (bits - 1)
	if n.has(3) {
		if q.Zeros = n.constant(3); q.Zeros == nil {
			return nil, fmt.Errorf("%s of its %s is not constant", quote(n.inputs[3]), n.op)
		}
		packed := q.Zeros.DType == "U8" && q.Zeros.Bytes == rows*((blocks*bits+7)/8)
		floating := q.Zeros.DType == q.Scales.DType && int64(q.Zeros.n) == rows*blocks
		if !packed && !floating {
			return nil, fmt.Errorf("zero points of shape %v and type %s for %d×%d codes in blocks of %d", q.Zeros.Shape, q.Zeros.DType, rows, row, block)
		}
	}
	q.Axis, q.Block = 0, int(block)
	q.Packed = &Packed{Bits: int(bits), Row: int(row), Blocks: int(blocks)}
	if n.has(4) {
		g := n.constant(4)
		if g == nil || g.elem != elemI32 || int64(g.n) != row && int64(g.n) != blocks*block {
			return nil, fmt.Errorf("%s of its %s is no constant list of a block for each of %d codes", quote(n.inputs[4]), n.op, row)
		}
		q.Packed.Groups = g
	}
	r := &replacement{at: n, op: "MatMul", inputs: []string{n.inputs[0], weightInput}}
	return r.plus(n, 5), nil
}

// Values of the codes of MatMulBnb4, before they are multiplied by the absolute maximum of the
// block.
var (
	bnbNF4 = []float32{-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
		0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1}
	bnbFP4 = []float32{0, 0.005208333333, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25,
		0, -0.005208333333, -0.66666667, -1, -0.33333333, -0.5, -0.16666667, -0.25}
)

// matMulBnb4 reads a MatMulBnb4. Its weight is a matrix of N rows of K codes, in blocks that may
// span rows.
func matMulBnb4(_ *Model, n *node, q *Dequantizer) (*replacement, error) {
	rows, row, block, err := q.rows(n)
	if err != nil {
		return nil, err
	}
	q.Packed = &Packed{Bits: 4, Row: int(row), Table: bnbFP4}
	switch kind := n.int("quant_type", 1); {
	case kind == 1:
		q.Packed.Table = bnbNF4
	case kind != 0:
		return nil, fmt.Errorf("its %s has quant_type %d", n.op, kind)
	}
	if n.int("transB", 1) != 1 {
		return nil, fmt.Errorf("its %s has transB %d", n.op, n.int("transB", 1))
	}
	if want := (rows*row + 1) / 2; q.Codes.Bytes != want {
		return nil, fmt.Errorf("%d bytes of codes, but %d×%d take %d", q.Codes.Bytes, rows, row, want)
	}
	if err := q.take(n, 2, len(n.inputs)); err != nil {
		return nil, err
	}
	if want := (rows*row-1)/block + 1; int64(q.Scales.n) != want {
		return nil, fmt.Errorf("%d absolute maxima for %d×%d codes in blocks of %d", q.Scales.n, rows, row, block)
	}
	q.Axis, q.Block = 0, int(block)
	return &replacement{at: n, op: "MatMul", inputs: []string{n.inputs[0], weightInput}}, nil
}

// qlinear reads a QLinearConv or QLinearMatMul. The input and the output of the node remain
// codes.
func qlinear(m *Model, n *node, q *Dequantizer) (*replacement, error) {
	if len(n.inputs) < 8 {
		return nil, fmt.Errorf("its %s has %d inputs", n.op, len(n.inputs))
	}
	if err := q.take(n, 4, 5); err != nil {
		return nil, err
	}
	r := &replacement{at: n, op: "MatMul", codes: &n.inputs[0], scale: n.inputs[1], zero: n.inputs[2],
		inputs: []string{dequantizedInput, weightInput}, outScale: n.inputs[6], outZero: n.inputs[7]}
	if n.op == "QLinearMatMul" {
		if scale := n.constant(1); scale == nil || scale.n != 1 {
			return nil, fmt.Errorf("its %s has several scales of what is multiplied with it, or none that is constant", n.op)
		}
		return r, q.channels(-1)
	}
	r.op, r.attributes = "Conv", true
	if n.has(8) {
		bias, err := m.bias(n, q)
		if err != nil {
			return nil, err
		}
		r.bias, r.inputs = bias, append(r.inputs, biasInput)
	}
	return r, q.channels(0)
}

// bias returns the values of the bias of a QLinearConv. Their scale is that of the input times
// that of the weight.
func (m *Model) bias(n *node, q *Dequantizer) ([]float32, error) {
	b, scale := n.constant(8), n.constant(1)
	if b == nil || b.elem != elemI32 || len(b.Shape) != 1 || scale == nil || scale.n != 1 {
		return nil, fmt.Errorf("the bias of its %s, or its scale, is not constant", n.op)
	}
	codes, err := b.int32s()
	if err != nil {
		return nil, err
	}
	in, own := m.constantFloats(n.graph, n.inputs[1]), q.Scales.float32s()
	if len(in) != 1 || len(own) != 1 && len(own) != len(codes) {
		return nil, fmt.Errorf("%d scales for a bias of %d values", len(own), len(codes))
	}
	values := make([]float32, len(codes))
	for i, c := range codes {
		s := own[0]
		if len(own) > 1 {
			s = own[i]
		}
		values[i] = float32(c) * float32(in[0]*s)
	}
	return values, nil
}

// dynamicMatMul reads a DynamicQuantizeMatMul, which quantizes a floating-point input itself.
func dynamicMatMul(_ *Model, n *node, q *Dequantizer) (*replacement, error) {
	if err := q.take(n, 2, 3); err != nil {
		return nil, err
	}
	r := &replacement{at: n, op: "MatMul", inputs: []string{n.inputs[0], weightInput}}
	return r.plus(n, 4), q.channels(-1)
}

// integerToFloat reads a MatMulIntegerToFloat.
func integerToFloat(_ *Model, n *node, q *Dequantizer) (*replacement, error) {
	if !n.has(2) {
		return nil, fmt.Errorf("its %s has no scale of what is multiplied with it", n.op)
	}
	if err := q.take(n, 3, 5); err != nil {
		return nil, err
	}
	zero := ""
	if n.has(4) {
		zero = n.inputs[4]
	}
	r := &replacement{at: n, op: "MatMul", inputs: []string{dequantizedInput, weightInput}}
	if err := r.operand(n, n.inputs[2], zero); err != nil {
		return nil, err
	}
	return r.plus(n, 6), q.channels(-1)
}

// gatherBlocks reads a GatherBlockQuantized, which looks up parts of a quantized tensor.
func gatherBlocks(_ *Model, n *node, q *Dequantizer) (*replacement, error) {
	bits, packed := n.int("bits", 4), q.Codes.DType == "U8"
	axis, block := n.int("quantize_axis", 1), n.int("block_size", 128)
	rank := int64(len(q.Codes.Shape))
	if axis < 0 {
		axis += rank
	}
	if axis < 0 || axis >= rank || block <= 0 || packed && bits != 8 && (bits != 4 || axis != rank-1) {
		return nil, fmt.Errorf("its %s has %d bits, quantize_axis %d and block_size %d", n.op, bits, axis, block)
	}
	q.Shape = slices.Clone(q.Codes.Shape)
	switch {
	case packed && bits == 4:
		if q.Shape[axis] > math.MaxInt/2 {
			return nil, fmt.Errorf("codes of shape %v", q.Codes.Shape)
		}
		q.Shape[axis] *= 2
		q.Packed, q.Zero = &Packed{Bits: 4}, 8
	case packed:
		q.Packed, q.Zero = &Packed{Bits: 8}, 128
	case q.Codes.DType != "I4" && q.Codes.DType != "U4":
		return nil, fmt.Errorf("codes of type %s are not dequantized", q.Codes.DType)
	}
	if err := q.take(n, 2, 3); err != nil {
		return nil, err
	}
	want := slices.Clone(q.Shape)
	if want[axis] > 0 {
		want[axis] = (want[axis]-1)/int(min(block, math.MaxInt32)) + 1
	}
	if !slices.Equal(want, q.Scales.Shape) {
		return nil, fmt.Errorf("scales of shape %v do not go with codes of shape %v in blocks of %d", q.Scales.Shape, q.Shape, block)
	}
	if q.Zeros != nil {
		zeros := slices.Clone(want)
		if packed && bits == 4 {
			zeros[axis] = (zeros[axis] + 1) / 2
			q.Packed.Blocks = want[axis]
		}
		if !slices.Equal(zeros, q.Zeros.Shape) {
			return nil, fmt.Errorf("zero points of shape %v do not go with scales of shape %v", q.Zeros.Shape, want)
		}
	}
	q.Axis, q.Block = int(axis), int(block)
	return &replacement{at: n, op: "Gather", inputs: []string{weightInput, n.inputs[1]}, extra: [][]byte{intAttribute("axis", n.int("gather_axis", 0))}}, nil
}
