package quant

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// maxZeroPoint bounds the magnitude of a zero point, so that code minus zero
// point, at most 2^23 + 2^16, is an integer that float32 holds exactly.
const maxZeroPoint = 1 << 23

// params returns the parameters that s derives from a range.
func (s Scheme) params(r Range) (scale float32, zero int32) {
	if s.Format.number != 0 {
		return symmetricScale(r.Min, r.Max, s.Format.book().largest), 0
	}
	if s.Mapping == Symmetric {
		return s.symmetric(r)
	}
	return s.asymmetric(r)
}

// leastRatio is the smallest ratio of a scale to the largest magnitude of a range:
// it keeps zero points within maxZeroPoint.
const leastRatio = 0x1p-22

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
	lo, hi := r.Min, r.Max
	if s.ZeroInRange {
		lo, hi = min(lo, 0), max(hi, 0)
	}
	scale, zero = asymmetricOf(lo, hi, float32(qmin), float32(qmax-qmin))
	if s.ZeroInRange {
		zero = min(max(zero, int32(qmin)), int32(qmax))
	}
	return scale, zero
}

func asymmetricOf(lo, hi, qmin, steps float32) (scale float32, zero int32) {
	if lo == 0 && hi == 0 {
		// The code of 0 is 0 in every grid without narrow range.
		return 1, 0
	}
	scale = (hi - lo) / steps
	if scale > math.MaxFloat32 {
		scale = hi/steps - lo/steps
	}
	scale = atLeast(atLeast(scale, absMax(lo, hi)*leastRatio), minScale)
	return scale, exact.Round(qmin - lo/scale)
}
