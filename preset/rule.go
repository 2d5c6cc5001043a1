package preset

import (
	"fmt"
	"math"
)

// A Rule says how a value becomes a code:
//
//	v = x                       or x - Subtrahend
//	v = v / Scale               or v * Multiplier
//	code = round(v) + ZeroPoint or round(v + ZeroPoint)
//
// The code is then limited to the grid. Each operation is rounded to float32.
type Rule struct {
	Multiply bool     // by a reciprocal, instead of dividing by the scale
	Subtract bool     // Subtrahend first
	Zero     Order    // when the zero point is added
	Rounding Rounding // of v

	// Epsilon is the smallest scale that the system makes; 0 if it has none.
	Epsilon float32

	// SignedScale says that scales may be negative: the code at the end of the grid that has
	// more codes is that of the largest magnitude, whatever its sign.
	SignedScale bool
}

// An Order says when the zero point is added.
type Order uint8

const (
	AfterRounding       Order = iota // to the integer
	BeforeRounding                   // to the float32, and the sum is rounded to float32
	BeforeRoundingFused              // by a fused multiply-add: product and sum are rounded once
)

// String returns "after rounding", "before rounding" or "before rounding, fused".
func (o Order) String() string {
	switch o {
	case AfterRounding:
		return "after rounding"
	case BeforeRounding:
		return "before rounding"
	case BeforeRoundingFused:
		return "before rounding, fused"
	}
	return fmt.Sprintf("Order(%d)", uint8(o))
}

// A Rounding says how a float32 becomes an integer.
type Rounding uint8

const (
	ToEven       Rounding = iota // to nearest, ties to even
	AwayFromZero                 // to nearest, ties away from zero
	AddHalf                      // 0.5 is added in float32 with the zero point, and the fraction cut off
)

// String returns "to even", "away from zero" or "add half".
func (r Rounding) String() string {
	switch r {
	case ToEven:
		return "to even"
	case AwayFromZero:
		return "away from zero"
	case AddHalf:
		return "add half"
	}
	return fmt.Sprintf("Rounding(%d)", uint8(r))
}

// code returns the code of x under parameters, limited to [lo, hi].
func (r *Rule) code(x float32, m *made, lo, hi int32) int32 {
	v := x
	if r.Subtract {
		v -= m.subtrahend
	}
	switch {
	case r.Multiply && isInf(m.multiplier) && !r.limitsFirst():
		return max(lo, 0) // as ggml on x86, whose scale is 0 then
	case r.Zero == BeforeRoundingFused:
		v = fused(v, m.multiplier, float32(m.zero))
	case r.Multiply:
		v = float32(v * m.multiplier)
	case m.scale == 0: // of zeros alone
		v = 0
	default:
		v = float32(v / m.scale)
	}
	switch {
	case r.Rounding == AddHalf:
		v = float32(v + (float32(m.zero) + 0.5))
	case r.Zero == BeforeRounding:
		v = float32(v + float32(m.zero))
	}
	if v != v { // zero times an infinite multiplier, as ONNX Runtime on x86
		return lo
	}
	code := round(v, r.Rounding)
	if r.Zero == AfterRounding && r.Rounding != AddHalf {
		code += float64(m.zero)
	}
	return int32(min(max(code, float64(lo)), float64(hi)))
}

// limitsFirst reports whether a value is limited to the grid before it becomes an integer, so
// that infinities have codes.
func (r *Rule) limitsFirst() bool { return r.Zero == BeforeRounding }

// round returns v as an integer.
func round(v float32, by Rounding) float64 {
	switch by {
	case AwayFromZero:
		return math.Round(float64(v))
	case AddHalf:
		return math.Trunc(float64(v))
	}
	return math.RoundToEven(float64(v))
}

// fused returns a·b + c, rounded once to float32. The product is exact in float64. The sum is
// rounded to odd there, so that the second rounding is that of the exact sum.
func fused(a, b, c float32) float32 {
	p, z := float64(a)*float64(b), float64(c)
	s := p + z
	t := s - p
	rest := (p - (s - t)) + (z - t) // what s lost
	bits := math.Float64bits(s)
	if rest != 0 && bits&1 == 0 {
		if (rest > 0) == (s > 0) {
			bits++
		} else {
			bits--
		}
	}
	return float32(math.Float64frombits(bits))
}

func isInf(v float32) bool { return math.IsInf(float64(v), 0) }
