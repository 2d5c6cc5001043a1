// Int8matmul is a linear layer of a network in integers: int8 activations, quantized
// when they come, times weights of 4 bits in groups. It shows how the pieces of package quant fit
// together in a program that embeds it; its loops are plain Go, and not fast.
//
// With activations x = sx·(qx - zx), of a scale for each row, and weights w = sw·(qw - zw),
// of a scale for each group, an output is
//
//	y = sx · Σ over groups of sw·(Σ qx·qw - zw·Σ qx - zx·Σ qw + n·zx·zw)
//
// The sums inside are of integers, and exact.
package main

import (
	"fmt"

	"github.com/a01592f9/quant"
)

// A Linear is a layer y = W·x. Its methods are for one goroutine at a time.
type Linear struct {
	in, out, group int
	weight         quant.Quantized // of shape [out, in]
	sums           []int32         // Σ qw of each group of the weight

	// Memory for Apply.
	params  quant.Params // of activations
	codes   []int8
	rowSums []int32 // Σ qx of each group of activations
	row     []int8  // codes of one row of the weight
	shape   [2]int  // of activations
}

// NewLinear quantizes a weight of shape [out, in] to 4 bits in groups along the inputs.
// The group size must divide in.
func NewLinear(weight []float32, out, in, group int) (*Linear, error) {
	if group <= 0 || in%group != 0 {
		return nil, fmt.Errorf("groups of %d do not divide %d inputs", group, in)
	}
	t := quant.Tensor{Data: weight, Shape: []int{out, in}}
	p, err := quant.Calibrate(t, quant.Scheme{Bits: 4, Granularity: quant.PerGroup(1, group), ZeroInRange: true})
	if err != nil {
		return nil, err
	}
	l := &Linear{in: in, out: out, group: group, sums: make([]int32, out*in/group), row: make([]int8, in)}
	if l.weight, err = quant.Quantize(t, p); err != nil {
		return nil, err
	}
	return l, l.weight.Sums(l.sums)
}

// Apply stores the outputs of tokens activations of in elements each in y, out elements for each.
// An activation that has NaN or infinities gives NaN for all its outputs, and
// does not touch the others. Apply allocates nothing once it has seen as many tokens.
//
// Each output differs from that of exact arithmetic on the dequantized activations and
// weights by at most 2^-22 times the sum of the magnitudes of its products: a value has one
// rounding of 2^-24 when it is dequantized, which the integers do not have, and the output has one.
func (l *Linear) Apply(y, x []float32, tokens int) error {
	if cap(l.codes) < len(x) {
		l.codes = make([]int8, len(x))
		l.rowSums = make([]int32, len(x)/l.group)
	}
	codes, rowSums := l.codes[:len(x)], l.rowSums[:len(x)/l.group]
	l.shape = [2]int{tokens, l.in}
	s := quant.Scheme{Bits: 8, Granularity: quant.PerChannel(0), ZeroInRange: true}
	if err := quant.QuantizeDynamicCodes(codes, &l.params, quant.Tensor{Data: x, Shape: l.shape[:]}, s, quant.MarkNotFinite); err != nil {
		return err
	}
	if err := quant.SumCodes(rowSums, codes, l.shape[:], quant.PerGroup(1, l.group)); err != nil {
		return err
	}
	groups := l.in / l.group
	for o := range l.out {
		quant.UnpackFrom(l.row, l.weight.Codes, o*l.in, 4)
		for t := range tokens {
			y[t*l.out+o] = l.dot(codes[t*l.in:][:l.in], rowSums[t*groups:][:groups], t, o)
		}
	}
	return nil
}

// dot returns output o of token t, whose codes are qx. The codes of the weight are in l.row.
func (l *Linear) dot(qx []int8, rowSums []int32, t, o int) float32 {
	zx := int64(l.params.ZeroPoint[t])
	sum := 0.0
	for g, sx := range rowSums {
		at := o*len(rowSums) + g
		zw, sw := int64(l.weight.Params.ZeroPoint[at]), l.weight.Params.Scale[at]
		products := int64(dotCodes(qx[g*l.group:][:l.group], l.row[g*l.group:][:l.group]))
		n := products - zw*int64(sx) - zx*int64(l.sums[at]) + int64(l.group)*zx*zw
		sum += float64(float64(sw) * float64(n))
	}
	return float32(float64(l.params.Scale[t]) * sum)
}

// dotCodes returns the sum of products of codes. A product is at most 2^7 · 2^3, so that
// groups of up to 2^20 do not overflow.
func dotCodes(a, b []int8) int32 {
	b = b[:len(a)]
	sum := int32(0)
	for i, v := range a {
		sum += int32(v) * int32(b[i])
	}
	return sum
}
