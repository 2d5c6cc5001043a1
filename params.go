package quant

import (
	"fmt"

	"github.com/a01592f9/quant/internal/exact"
)

// Params are the scales and zero points of a tensor, its channels or its groups, as
// Scheme.Granularity says. A real value x has the code round(x/scale) + zero point, and a code
// q stands for (q - zero point) * scale.
//
// Both slices have Scheme.NumParams elements: one for PerTensor, one for each index of the axis
// for PerChannel, and one for each group, in row-major order, for PerGroup.
//
// Params of another system are written as a literal. All functions that take Params check them.
//
// Do not embed Params in a struct that is written as JSON or gob. The struct would have the
// methods MarshalJSON and GobEncode of Params, and its other fields would be lost without an
// error. Give the struct a field instead: Params quant.Params.
type Params struct {
	Scheme    Scheme
	Scale     []float32 // real units per integer step: finite, and positive unless Scheme.SignedScale
	ZeroPoint []int32   // code of the real value 0; it may lie outside the grid, but within ±2^23

	// TensorScale is the float32 scale of the tensor for E4M3Scale, and 0 for other Scales.
	// Each element of Scale is TensorScale times a number of E4M3FN.
	TensorScale float32
}

// set gives p the scheme s and room for n parameters.
func (p *Params) set(s Scheme, n int) {
	p.Scheme = s.normal()
	p.TensorScale = 0
	p.resize(n)
}

// resize makes the slices of p n elements long. It keeps their memory if that is large enough.
func (p *Params) resize(n int) {
	if cap(p.Scale) < n {
		p.Scale = make([]float32, n)
	}
	if cap(p.ZeroPoint) < n {
		p.ZeroPoint = make([]int32, n)
	}
	// The compiler knows that a slice of p's own slice does not escape.
	p.Scale = p.Scale[:n]
	p.ZeroPoint = p.ZeroPoint[:n]
}

// paramsOf stores in p the parameters that s gives to each range. tensor is the scale of the
// tensor (see tensorScale). The choice of the formula is outside the loops, since there can be
// very many groups.
func (s Scheme) paramsOf(p *Params, lo, hi []float32, tensor float32) {
	p.TensorScale = tensor
	scale := p.Scale[:len(lo)]
	zero, hi := p.ZeroPoint[:len(lo)], hi[:len(lo)]
	switch {
	case s.Scales != Float32Scale:
		rule := s.scaleRule(tensor)
		for i := range lo {
			scale[i], zero[i] = s.storedParams(Range{lo[i], hi[i]}, &rule)
		}
		if s.Scales == DynamicScale {
			for i := range lo {
				if lo[i] == 0 && hi[i] == 0 && len(lo) > 1 {
					scale[i] = 0
				}
			}
			nestScales(scale)
		}
	case s.Format.number != 0:
		symmetricParams(scale, lo, hi, s.Format.book().largest)
		fill(zero, 0)
	case s.Divisor == EachEnd:
		for i := range lo {
			scale[i], zero[i] = s.symmetric(Range{lo[i], hi[i]})
		}
	case s.Mapping == Symmetric:
		z, steps := s.symmetricGrid()
		symmetricParams(scale, lo, hi, steps)
		fill(zero, z)
		if s.SignedScale {
			for i, v := range scale {
				scale[i] = s.signed(v, lo[i], hi[i])
			}
		}
	case s.ZeroInRange:
		for i := range lo {
			scale[i], zero[i] = s.asymmetric(Range{lo[i], hi[i]})
		}
	default:
		qmin, qmax := s.Grid()
		asymmetricParams(scale, zero, lo, hi, float32(qmin), float32(qmax-qmin))
	}
}

// check returns an error unless p has n scales and n zero points, all valid.
func (p *Params) check(n int) error {
	if err := p.checkLen(n); err != nil {
		return err
	}
	return p.checkValues(0, n)
}

func (p *Params) checkLen(n int) error {
	if len(p.Scale) != n || len(p.ZeroPoint) != n {
		return fmt.Errorf("%w: %d scales and %d zero points, want %d of each", ErrParams, len(p.Scale), len(p.ZeroPoint), n)
	}
	return nil
}

// checkValues checks the parameters with the indices from up to end.
func (p *Params) checkValues(from, end int) error {
	scale := p.Scale[from:end]
	zero := p.ZeroPoint[from:end]
	if p.usable(from, end) {
		return p.checkStored(from, end)
	}
	for i, s := range scale {
		if !p.Scheme.usableScale(s) {
			return &ParamError{Index: from + i, Scale: s, ZeroPoint: zero[i], Err: ErrScale}
		}
		if zero[i] < -maxZeroPoint || zero[i] > maxZeroPoint {
			return &ParamError{Index: from + i, Scale: s, ZeroPoint: zero[i], Err: ErrZeroPoint}
		}
	}
	return nil
}

// usable reports whether all parameters from index from up to end are valid.
func (p *Params) usable(from, end int) bool {
	scale, zero := p.Scale[from:end], p.ZeroPoint[from:end]
	if !p.Scheme.SignedScale {
		return usableParams(scale, zero)
	}
	for i, s := range scale {
		if !p.Scheme.usableScale(s) || zero[i] < -maxZeroPoint || zero[i] > maxZeroPoint {
			return false
		}
	}
	return true
}

// usableScale reports whether v is a valid scale for s: finite and positive, or not 0 if the
// scale is signed.
func (s *Scheme) usableScale(v float32) bool {
	return finite(v) && (v > 0 || v < 0 && s.SignedScale)
}

// checkStored checks that the scales are numbers of the format of scales.
func (p *Params) checkStored(from, end int) error {
	f := p.Scheme.Scales
	if f == Float32Scale {
		return nil
	}
	if t := p.TensorScale; f == E4M3Scale && !(t > 0 && finite(t)) {
		return fmt.Errorf("%w: %v, of the tensor", ErrScale, t)
	}
	for i, s := range p.Scale[from:end] {
		if !f.stores(s, p.TensorScale) {
			return &ParamError{Index: from + i, Scale: s, ZeroPoint: p.ZeroPoint[from+i], Err: ErrScaleFormat}
		}
	}
	return nil
}

// ParamsFromRanges returns the parameters that s gives to ranges: one range for each tensor,
// channel or group. The caller chooses the ranges, so s.Method has no effect. For E4M3Scale the
// scale of the tensor follows from the largest of the ranges, and for DynamicScale each scale
// from all of them. ParamsFromRanges does not know
// the shape of the tensor; Quantize checks the number of parameters.
//
// Errors: those of Scheme.Validate, ErrEmpty for no ranges, and ErrRange for a range that is
// not finite or whose Min is above its Max.
func ParamsFromRanges(s Scheme, ranges []Range) (Params, error) {
	var p Params
	if err := ParamsFromRangesInto(&p, s, ranges); err != nil {
		return Params{}, err
	}
	return p, nil
}

// ParamsFromRangesInto is ParamsFromRanges into the memory of p, as CalibrateInto is Calibrate.
// After an error p is as it was.
func ParamsFromRangesInto(p *Params, s Scheme, ranges []Range) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if len(ranges) == 0 {
		return fmt.Errorf("%w: no ranges", ErrEmpty)
	}
	for i, r := range ranges {
		if !finite(r.Min) || !finite(r.Max) || r.Min > r.Max {
			return fmt.Errorf("%w: [%v, %v] at index %d", ErrRange, r.Min, r.Max, i)
		}
	}
	rule, share := s.scaleRule(0), float32(0)
	for _, r := range ranges {
		share = max(share, s.tensorShare(r, &rule))
	}
	by := s.scaler(rule.tensorOf(share))
	p.set(s, len(ranges))
	p.TensorScale = by.rule.tensor
	for i, r := range ranges {
		p.Scale[i], p.ZeroPoint[i] = by.of(Range{exact.PlusZero(r.Min), exact.PlusZero(r.Max)})
		if r == (Range{}) && s.Scales == DynamicScale && len(ranges) > 1 {
			p.Scale[i] = 0
		}
	}
	if s.Scales == DynamicScale {
		nestScales(p.Scale)
	}
	return nil
}

// params returns the parameters that s gives to r, the only range of a tensor.
func (s Scheme) params(r Range) (scale float32, zero int32) {
	if s.Scales != Float32Scale {
		rule := s.scaleRule(s.tensorScaleOf(r))
		return s.storedParams(r, &rule)
	}
	if s.Format.number != 0 {
		return symmetricScale(r.Min, r.Max, s.Format.book().largest), 0
	}
	if s.Mapping == Symmetric {
		return s.symmetric(r)
	}
	return s.asymmetric(r)
}

// A scaler makes the parameters of ranges for a scheme and one tensor.
type scaler struct {
	Scheme
	rule scaleRule // for scales that are not float32
	side side      // for signed scales
}

// scaler returns the scaler of s for a tensor with the given scale (see tensorScale).
func (s Scheme) scaler(tensor float32) scaler {
	if s.Scales == Float32Scale {
		return scaler{Scheme: s}
	}
	return scaler{Scheme: s, rule: s.scaleRule(tensor)}
}

// of returns the parameters of a range, with the scale as it is stored.
func (s *scaler) of(r Range) (scale float32, zero int32) {
	if s.side != bothSides {
		return s.ofSide(r)
	}
	return s.ofRange(r)
}

// ofRange is of without regard to the side.
func (s *scaler) ofRange(r Range) (scale float32, zero int32) {
	if s.Scales != Float32Scale {
		return s.storedParams(r, &s.rule)
	}
	return s.params(r)
}

// ofSide returns the parameters of r for the side of s. The scale is positive.
func (s *scaler) ofSide(r Range) (scale float32, zero int32) {
	scale, zero = s.ofRange(r)
	if s.side == negativeSide {
		zero = s.mirror(zero)
	}
	return absolute(scale), zero
}

// asymmetric returns the parameters that map the ends of r to the ends of the grid, in float32
// as ONNX's DynamicQuantizeLinear does:
//
//	scale      = (max - min) / (qmax - qmin)
//	zero point = round(qmin - min/scale)
//
// Where max - min overflows, each end is divided before the subtraction. The scale is at least
// 2^-126 and at least max(|min|, |max|) * 2^-22. So the zero point is below 2^23, and a
// constant channel is reconstructed exactly.
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

// symmetric returns the parameters that map 0 to the middle of the grid and the larger
// magnitude of r to the end of the grid that is farther from the middle:
//
//	zero point = 0 for signed codes, 2^(b-1) for unsigned ones
//	scale      = max(|min|, |max|) / max(|qmin - zero point|, |qmax - zero point|)
//
// With signed codes of 8 bits the divisor is 128, so the largest positive value is clipped to
// 127. With narrow range the divisor is 127 and nothing is clipped. Other values of
// Scheme.Divisor have other divisors. With a signed scale the scale is negative if max is larger
// than -min, and the larger magnitude has the lowest code.
func (s Scheme) symmetric(r Range) (scale float32, zero int32) {
	zero, steps := s.symmetricGrid()
	if s.Divisor == EachEnd {
		return s.eachEndScale(r, zero), zero
	}
	return s.signed(symmetricScale(r.Min, r.Max, steps), r.Min, r.Max), zero
}

// eachEndScale returns the scale of EachEnd.
func (s Scheme) eachEndScale(r Range, zero int32) float32 {
	if r.Min == 0 && r.Max == 0 {
		return 1
	}
	qmin, qmax := s.Grid()
	low, high := r.Min/float32(int32(qmin)-zero), r.Max/float32(int32(qmax)-zero)
	return atLeast(atLeast(low, high), minScale)
}

// A coding is the part of Params that kernels and packing use.
type coding struct {
	scale []float32
	zero  []int32
	codeGrid
}

// coding returns the coding of p, which shares the slices of p.
func (p *Params) coding() coding { return coding{p.Scale, p.ZeroPoint, p.Scheme.grid()} }
