package quant

// minScale is the smallest scale that calibration yields: the smallest normal
// float32, so that dividing by it loses no bits of the scale.
const minScale = 0x1p-126

// symmetric returns the parameters that put 0 in the middle of the grid and
// the larger magnitude of r at its far end:
//
//	zero point = 0 for signed codes, 2^(b-1) for unsigned ones
//	scale      = max(|min|, |max|) / max(|qmin - zero point|, |qmax - zero point|)
//
// With signed codes of 8 bits the divisor is 128, so that the largest positive
// value is clipped to 127; with narrow range it is 127 and nothing is clipped.
func (s Scheme) symmetric(r Range) (scale float32, zero int32) {
	zero, steps := s.symmetricGrid()
	return symmetricScale(r.Min, r.Max, steps), zero
}

// symmetricGrid returns the zero point and the divisor.
func (s Scheme) symmetricGrid() (zero int32, steps float32) {
	qmin, qmax := s.Grid()
	if s.Unsigned {
		zero = 1 << (s.Bits - 1)
	}
	return zero, float32(max(zero-int32(qmin), int32(qmax)-zero))
}

func symmetricScale(lo, hi, steps float32) float32 {
	if lo == 0 && hi == 0 {
		return 1
	}
	return atLeast(absMax(lo, hi)/steps, minScale)
}

// absMax returns max(|lo|, |hi|) for lo ≤ hi.
func absMax(lo, hi float32) float32 { return atLeast(hi, -lo) }

// atLeast is max for values that are not NaN. (The builtin, which sees to NaN
// and the sign of zero, costs more than the division beside it.)
func atLeast(v, limit float32) float32 {
	if v < limit {
		return limit
	}
	return v
}
