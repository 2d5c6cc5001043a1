package quant

import "math"

// Rounding a scale to a number of the format of scales.

// Numbers of the formats of scales.
const (
	leastFloat16    = 0x1p-24 // the smallest positive numbers of the formats
	leastE4M3       = 0x1p-9
	largestE4M3     = 448
	leastOfTensor   = minScale / leastE4M3 // keeps products of two scales at or above minScale
	largestBFloat16 = 0x7f7f0000           // bits
)

var (
	roundFloat16 = newFloatCode(5, 10, 15, 65504, 0, true)
	roundE4M3    = newFloatCode(4, 3, 7, largestE4M3, 0, true)
)

// A scaleRule rounds the scales of a scheme.
type scaleRule struct {
	format   ScaleFormat
	steps    float32 // divisor that makes a scale of an extent
	exponent int     // of the largest code
	mantissa int     // bits of the codes
	tensor   float32 // scale of the tensor, for E4M3Scale
}

// scaleRule returns the rule of s for a tensor with the given scale.
func (s *Scheme) scaleRule(tensor float32) scaleRule {
	r := scaleRule{format: s.Scales, tensor: tensor}
	switch {
	case s.Format.number != 0:
		b := s.Format.book()
		r.steps, r.exponent, r.mantissa = b.largest, math.Ilogb(float64(b.largest)), b.mantissa
	case s.Mapping == Symmetric:
		_, qmax := s.Grid()
		var zero int32
		zero, r.steps = s.symmetricGrid()
		r.exponent = math.Ilogb(float64(qmax - int(zero)))
		r.mantissa = r.exponent
	default:
		qmin, qmax := s.Grid()
		r.steps = float32(qmax - qmin)
		r.exponent = math.Ilogb(float64(r.steps))
		r.mantissa = r.exponent
	}
	return r
}

// extent returns m, to which the scale of a range is proportional, and a power of two by which
// m must be multiplied. The power is 1 if max - min overflows, else 0.
func (s *Scheme) extent(lo, hi float32) (m float32, power int) {
	if s.symmetricScales() {
		return absMax(lo, hi), 0
	}
	if m = hi - lo; m > math.MaxFloat32 {
		return hi/2 - lo/2, 1
	}
	return m, 0
}

// tensorScale returns the scale of a tensor whose parameters have the given ranges, or 0 if s
// has no such scale. All values must be in the ranges.
func (s *Scheme) tensorScale(lo, hi []float32) float32 {
	if s.Scales != E4M3Scale {
		return 0
	}
	r := s.scaleRule(0)
	t := float32(0)
	for i, v := range lo {
		t = atLeast(t, s.tensorShare(Range{v, hi[i]}, &r))
	}
	return r.tensorOf(t)
}

// tensorShare returns the scale that the tensor needs for one range. It is 0 for a range of
// zeros.
func (s *Scheme) tensorShare(v Range, r *scaleRule) float32 {
	lo, hi := s.widened(v.Min, v.Max)
	m, power := s.extent(lo, hi)
	return m / (largestE4M3 * r.steps) * float32(int(1)<<power)
}

// tensorOf returns the scale of a tensor whose ranges need at least t.
func (r *scaleRule) tensorOf(t float32) float32 {
	switch {
	case r.format != E4M3Scale:
		return 0
	case t == 0:
		return 1
	}
	return atLeast(t, leastOfTensor)
}

// tensorScaleOf is tensorScale for a single range.
func (s *Scheme) tensorScaleOf(r Range) float32 {
	if s.Scales != E4M3Scale {
		return 0
	}
	rule := s.scaleRule(0)
	return rule.tensorOf(s.tensorShare(r, &rule))
}

// widened returns the range that the grid covers: with ZeroInRange it holds 0.
func (s *Scheme) widened(lo, hi float32) (float32, float32) {
	if s.ZeroInRange {
		return min(lo, 0), max(hi, 0)
	}
	return lo, hi
}

// storedParams returns the parameters of a range, with the scale rounded by rule.
func (s *Scheme) storedParams(r Range, rule *scaleRule) (scale float32, zero int32) {
	lo, hi := s.widened(r.Min, r.Max)
	symmetric := s.symmetricScales()
	if symmetric && s.Format.number == 0 {
		zero, _ = s.symmetricGrid()
	}
	if lo == 0 && hi == 0 {
		if rule.format == E4M3Scale {
			return rule.tensor, zero
		}
		return 1, zero
	}
	least := float32(minScale)
	if !symmetric {
		least = atLeast(absMax(lo, hi)*leastRatio, least)
	}
	m, power := s.extent(lo, hi)
	scale = rule.stored(m, power, least)
	if symmetric {
		return s.signed(scale, lo, hi), zero
	}
	qmin, qmax := s.Grid()
	v := float32(qmin) - lo/scale
	zero = int32(math.RoundToEven(float64(min(max(v, -maxZeroPoint), maxZeroPoint))))
	if s.ZeroInRange {
		zero = min(max(zero, int32(qmin)), int32(qmax))
	}
	return scale, zero
}

// stored returns the rounded scale for the extent m * 2^power. least is the smallest scale
// allowed.
func (r *scaleRule) stored(m float32, power int, least float32) float32 {
	scale := atLeast(m/r.steps*float32(int(1)<<power), least)
	bits := math.Float32bits(atLeast(m, least*r.steps))
	switch r.format {
	case Float16Scale:
		return atLeast(roundFloat16.round(scale), leastFloat16)
	case BFloat16Scale:
		b := math.Float32bits(scale)
		b += 0x7fff + b>>16&1
		return math.Float32frombits(min(b&^0xffff, largestBFloat16))
	case E8M0Floor:
		return powerOfTwo(int(bits>>23) + power - r.exponent)
	case E8M0Ceil:
		return powerOfTwo(int((bits+0x7fffff)>>23) + power - r.exponent)
	case E8M0Even:
		return powerOfTwo(int((bits+1<<(22-r.mantissa))>>23) + power - r.exponent)
	case E8M0RCeil:
		return powerOfTwo(int((math.Float32bits(scale) + 0x7fffff) >> 23))
	case E8M0Nearest:
		return powerOfTwo(int((math.Float32bits(scale) + 0x400000) >> 23))
	case E4M3Scale:
		return atLeast(roundE4M3.round(scale/r.tensor), leastE4M3) * r.tensor
	}
	return scale
}

// powerOfTwo returns 2^(e-127), limited to the powers of two that a scale can have.
func powerOfTwo(e int) float32 { return math.Float32frombits(uint32(min(max(e, 1), 254)) << 23) }

// stores reports whether the magnitude of scale is a number of the format. tensor is the scale
// of the tensor.
func (f ScaleFormat) stores(scale, tensor float32) bool {
	scale = absolute(scale)
	b := math.Float32bits(scale)
	switch f {
	case Float16Scale:
		return roundFloat16.round(scale) == scale
	case BFloat16Scale:
		return b&0xffff == 0
	case E8M0Floor, E8M0Ceil, E8M0Even, E8M0RCeil, E8M0Nearest:
		return b&0x7fffff == 0 || scale == 0x1p-127
	case E4M3Scale:
		code := roundE4M3.round(scale / tensor)
		return code*tensor == scale
	}
	return true
}
