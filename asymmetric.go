package quant

import "math"

// maxZeroPoint bounds the magnitude of a zero point, so that code minus zero
// point, at most 2^23 + 2^16, is an integer that float32 holds exactly.
const maxZeroPoint = 1 << 23

// asymmetric returns the parameters that lay the ends of r over the ends of
// the grid, in float32 throughout, as ONNX's DynamicQuantizeLinear does:
//
//	scale      = (max - min) / (qmax - qmin)
//	zero point = round(qmin - min/scale)
//
// Where max - min overflows, each end is divided before the subtraction. The
// scale is at least 2^-126 and at least max(|min|, |max|) * 2^-22: that keeps
// the zero point below 2^23 and lets a constant channel reconstruct exactly.
func (s Scheme) asymmetric(r Range) (scale float32, zero int32) {
	qmin, qmax := s.Grid()
	if s.ZeroInRange {
		r.Min, r.Max = min(r.Min, 0), max(r.Max, 0)
	}
	if r.Min == 0 && r.Max == 0 {
		return 1, int32(min(max(0, qmin), qmax))
	}
	steps := float32(qmax - qmin)
	scale = (r.Max - r.Min) / steps
	if math.IsInf(float64(scale), 1) {
		scale = r.Max/steps - r.Min/steps
	}
	scale = max(scale, r.absMax()*0x1p-22, minScale)
	z := math.RoundToEven(float64(float32(qmin) - r.Min/scale))
	if s.ZeroInRange {
		z = min(max(z, float64(qmin)), float64(qmax))
	}
	return scale, int32(z)
}
