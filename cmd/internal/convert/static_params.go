package convert

import (
	"fmt"
	"math"

	"github.com/a01592f9/quant/cmd/internal/onnx"
)

// This file computes scales, zero points and codes of activations, weights and biases by the
// formulas of ONNX Runtime's quantization tool.

// An activationType is a type of the codes of activations.
type activationType struct {
	dtype    string // name in package onnx
	min, max int    // limits of the type
	even     int    // largest code of the symmetric mapping; the lowest is -even, or 0 for unsigned types
}

var activationTypes = map[string]activationType{
	"uint8": {"U8", 0, 255, 254}, "int8": {"I8", -128, 127, 127},
	"uint16": {"U16", 0, 65535, 65534}, "int16": {"I16", -32768, 32767, 32767},
}

// bits returns the bit width of a code.
func (t activationType) bits() int {
	if t.max > 255 {
		return 16
	}
	return 8
}

// tiny32 is the least normal float32. A smaller scale is replaced by 1.
const tiny32 = 0x1p-126

// params returns the scale and zero point for a range, after widening it to contain 0. The width
// is computed in float32 and the rest in float64; the scale is rounded to float32 at the end.
func (t activationType) params(lo, hi float32, symmetric bool) (onnx.ActivationParams, error) {
	p := onnx.ActivationParams{DType: t.dtype}
	lo, hi = min(lo, 0), max(hi, 0)
	qmin, qmax := float64(t.min), float64(t.max)
	if symmetric {
		far := max(-lo, hi)
		lo, hi = -far, far
		if qmax = float64(t.even); t.min < 0 {
			qmin = -qmax
		}
	}
	width := hi - lo
	if math.IsInf(float64(width), 0) || width != width {
		return p, fmt.Errorf("the range [%v, %v] is too wide for a scale of float32", lo, hi)
	}
	scale := float64(width) / (qmax - qmin)
	switch {
	case scale < tiny32:
		p.Scale, p.Zero = 1, 0
		return p, nil
	case symmetric:
		p.Zero = int32(math.RoundToEven((qmin + qmax) / 2))
	default:
		p.Zero = int32(math.RoundToEven(qmin - float64(lo)/scale))
	}
	p.Scale = float32(scale)
	return p, nil
}

// code returns the code of x, as QuantizeLinear computes it.
func (t activationType) code(x float32, p onnx.ActivationParams) int {
	q := math.RoundToEven(float64(x/p.Scale)) + float64(p.Zero)
	return int(min(max(q, float64(t.min)), float64(t.max)))
}

// weightScale returns the scale for int8 weights in [-far, far]. The largest magnitude has the
// code 127, or 64 if the range is reduced.
func weightScale(far float32, reduced bool) float32 {
	width := float32(2 * far)
	steps := 254.0
	if reduced {
		steps = 128
	}
	if scale := float64(width) / steps; !(scale < tiny32) {
		return float32(scale)
	}
	return 1
}

// biasMargin keeps the codes of a bias away from the limits of int32. The margin, the limits of
// 2³¹-1 in magnitude, and the condition are those of ONNX Runtime's quantization tool: pull
// requests 22020 and 25278 of its repository.
const biasMargin = 1.0001

// widened returns the scale of a weight's channel, increased if necessary so that int32 codes can
// hold a bias of magnitude far.
func widened(scale, input, far float32) float32 {
	least := biasMargin * (2 * math.Abs(float64(far))) / (2 * math.MaxInt32)
	have := float64(input) * float64(scale)
	if have <= 0 || have >= least {
		return scale
	}
	return float32(float64(scale) * (least / have))
}

// biasCodes returns the int32 codes of a bias, and their scales: the scale of the input times the
// scales of the weight, one for all or one for each value.
func biasCodes(bias []float32, input float32, weight []float32) (codes []int32, scales []float32) {
	scales = make([]float32, len(weight))
	for i, s := range weight {
		scales[i] = input * s
	}
	codes = make([]int32, len(bias))
	for i, b := range bias {
		s := scales[0]
		if len(scales) > 1 {
			s = scales[i]
		}
		if s == 0 { // the product of two tiny scales; 0 is the only value
			continue
		}
		q := math.RoundToEven(float64(b) / float64(s))
		codes[i] = int32(min(max(q, math.MinInt32), math.MaxInt32))
	}
	return codes, scales
}
