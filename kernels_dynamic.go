package quant

// A dynamicRule says how the codes of 8 bits of a dynamic call come from the ranges of runs. The
// grid has all 256 codes.
type dynamicRule struct {
	qmin        int32   // -128 or 0
	steps       float32 // the divisor of a range, or of its magnitude
	symmetric   bool
	zero        int32 // of a symmetric rule
	zeroInRange bool  // of an asymmetric rule
}

// dynamicRule returns the rule of s. ok is false if no kernel follows it: quantizeDynamicRuns may only be
// called if ok is true.
func (s *Scheme) dynamicRule() (rule dynamicRule, ok bool) {
	if s.Bits != 8 || s.Scales != Float32Scale || s.Format.number != 0 || s.SignedScale || s.NarrowRange || s.Divisor == EachEnd {
		return dynamicRule{}, false
	}
	qmin, qmax := s.Grid()
	if s.Mapping == Symmetric {
		zero, steps := s.symmetricGrid()
		return dynamicRule{qmin: int32(qmin), steps: steps, symmetric: true, zero: zero}, true
	}
	return dynamicRule{qmin: int32(qmin), steps: float32(qmax - qmin), zeroInRange: s.ZeroInRange}, true
}

// params returns the parameters of a range.
func (r *dynamicRule) params(lo, hi float32) (scale float32, zero int32) {
	switch {
	case r.symmetric:
		return symmetricScale(lo, hi, r.steps), r.zero
	case r.zeroInRange:
		scale, zero = asymmetricOf(min(lo, 0), max(hi, 0), float32(r.qmin), r.steps)
		return scale, min(max(zero, r.qmin), r.qmin+255)
	default:
		return asymmetricOf(lo, hi, float32(r.qmin), r.steps)
	}
}

// quantizeDynamicRunsGeneric is the definition of quantizeDynamicRuns for runs of finite elements. It handles all
// runs.
func quantizeDynamicRunsGeneric(dst []uint8, src []float32, run int, scale []float32, zero []int32, rule *dynamicRule) {
	for i := range scale {
		x := src[i*run : min((i+1)*run, len(src))]
		var lo, hi [1]float32
		rangeRunsGeneric(lo[:], hi[:], x, len(x))
		scale[i], zero[i] = rule.params(lo[0], hi[0])
		quantizeRunsGeneric(dst[i*run:], x, len(x), scale[i:i+1], zero[i:i+1], rule.qmin, rule.qmin+255)
	}
}
