package quant_test

import (
	"fmt"
	"math"

	"github.com/a01592f9/quant"
)

// What a program needs that computes with codes: sums, biases, parts of larger matrices, and
// casts.

// A product of integers needs the sum of the codes of the weight, which is known beforehand, and a
// bias in the unit of the product. The activations stand for 3, -1 and 2, the weights for 1, 0 and
// 1.5 (first row) and for -1, 2 and 0. So the outputs are 6.5 and -4.5.
func ExampleQuantizeBias() {
	const sx, zx = 0.5, 10 // scale and zero point of the activations
	activations := []uint8{16, 8, 14}
	weight, shape := []int8{2, 0, 3, -2, 4, 0}, []int{2, 3}
	sw := []float32{0.5, 0.5} // scale of each row; the zero points are 0

	bias := make([]int32, 2)
	if err := quant.QuantizeBias(bias, []float32{0.5, 0.5}, sx, sw); err != nil {
		fmt.Println(err)
		return
	}
	rows := make([]int32, 2)
	if err := quant.SumCodes(rows, weight, shape, quant.PerChannel(0)); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("bias", bias, "sums of codes", rows)

	for o := range 2 {
		// Σ (qx - zx)·qw = Σ qx·qw - zx·Σ qw
		sum := bias[o] - zx*rows[o]
		for i, q := range activations {
			sum += int32(q) * int32(weight[o*3+i])
		}
		fmt.Println(sum, float32(sum)*sx*sw[o])
	}
	// Output:
	// bias [2 2] sums of codes [5 2]
	// 26 6.5
	// -18 -4.5
}

// The second of two heads, of two values each, in a matrix of three tokens. No element is copied:
// rows begin 4 elements apart, and the view begins at element 2.
func ExampleQuantizeMatrix() {
	tokens := []float32{
		9, 9, 0.5, -1,
		9, 9, 2, 4,
		9, 9, -8, 1,
	}
	head := quant.Matrix[float32]{Data: tokens[2:], Rows: 3, Cols: 2, Stride: 4}
	scheme := quant.Scheme{Bits: 8, Mapping: quant.Symmetric, NarrowRange: true, Granularity: quant.PerChannel(0)}

	ranges := make([]quant.Range, 3) // one for each token
	if err := quant.RangesMatrix(ranges, head, scheme.Granularity); err != nil {
		fmt.Println(err)
		return
	}
	p, err := quant.ParamsFromRanges(scheme, ranges)
	if err != nil {
		fmt.Println(err)
		return
	}
	codes := quant.Matrix[int8]{Data: make([]int8, 6), Rows: 3, Cols: 2, Stride: 2}
	if err := quant.QuantizeMatrix(codes, head, p); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(ranges)
	fmt.Println(codes.Data)
	// Output:
	// [{-1 0.5} {2 4} {-8 1}]
	// [64 -127 64 127 -127 16]
}

// With stochastic rounding 0.25 becomes 1 for about a quarter of the elements and 0 for the others,
// so that the mean of many codes keeps what each of them loses. A tensor in two pieces has the
// same codes if the second call says at which element its piece begins.
func ExampleQuantizeStochastic() {
	x := make([]float32, 1000)
	for i := range x {
		x[i] = 0.25
	}
	p := quant.Params{Scheme: quant.Scheme{Bits: 8}, Scale: []float32{1}, ZeroPoint: []int32{0}}
	const seed = 7
	codes, pieces := make([]int8, 1000), make([]int8, 1000)
	if err := quant.QuantizeStochastic(codes, quant.Tensor{Data: x}, p, seed, 0); err != nil {
		fmt.Println(err)
		return
	}
	for _, first := range []int{0, 400} {
		rest := quant.Tensor{Data: x[first:]}
		if err := quant.QuantizeStochastic(pieces[first:], rest, p, seed, uint64(first)); err != nil {
			fmt.Println(err)
			return
		}
	}
	ones, same := 0, true
	for i, q := range codes {
		ones += int(q)
		same = same && q == pieces[i]
	}
	fmt.Println("close to 250:", math.Abs(float64(ones)-250) < 50, "same in pieces:", same)
	// Output: close to 250: true same in pieces: true
}

// A gradient that came as codes is added to what is there already. The codes stand for -1, 0 and
// 1.5.
func ExampleDequantizeAdd() {
	gradient := quant.Quantized{
		Codes:  []byte{0xfe, 0, 3},
		Shape:  []int{3},
		Params: quant.Params{Scheme: quant.Scheme{Bits: 8}, Scale: []float32{0.5}, ZeroPoint: []int32{0}},
	}
	sum := []float32{10, 20, 30}
	if err := quant.DequantizeAdd(sum, gradient); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sum)
	// Output: [9 20 31.5]
}

// Elements of bfloat16, the upper half of the bits of a float32, are quantized without a copy in
// float32: -1.5, 0, 2 and 3. Two codes are in a byte, the first in the low half.
func ExampleQuantizeBFloat16() {
	x := []uint16{0xbfc0, 0, 0x4000, 0x4040}
	p := quant.Params{Scheme: quant.Scheme{Bits: 4}, Scale: []float32{0.5}, ZeroPoint: []int32{0}}
	codes := make([]byte, 2)
	if err := quant.QuantizeBFloat16(codes, x, []int{4}, p); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%#x\n", codes)

	back := make([]uint16, 4)
	q := quant.Quantized{Codes: codes, Shape: []int{4}, Params: p}
	if err := quant.DequantizeBFloat16(back, q); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%#x\n", back)
	// Output:
	// 0x0d64
	// [0xbfc0 0x0 0x4000 0x4040]
}

// The fixed-point rules of runtimes round ties differently. A quarter of -10 is -2.5: one rule
// rounds up, the other away from zero.
func ExampleRequantizeFixed() {
	for _, rule := range []quant.FixedPointRule{quant.SingleRounding, quant.DoubleRounding} {
		m, err := rule.FixedPoint(0.25)
		if err != nil {
			fmt.Println(err)
			return
		}
		codes := make([]int8, 2)
		if err := quant.RequantizeFixed(codes, []int32{10, -10}, []quant.FixedPoint{m}, rule, 0, -128, 127); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(rule, m, codes)
	}
	// Output:
	// SingleRounding {1073741824 -1} [3 -2]
	// DoubleRounding {1073741824 -1} [3 -3]
}
