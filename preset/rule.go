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
	Multiply bool     // multiply by Multiplier instead of dividing by Scale
	Subtract bool     // subtract Subtrahend first
	Zero     Order    // when the zero point is added
	Rounding Rounding // how v is rounded

	// Epsilon is the smallest scale that the system makes, or 0 if it has no such limit.
	Epsilon float32

	// SignedScale is true if scales may be negative. The value with the largest magnitude,
	// whatever its sign, then has the lowest code. For a symmetric mapping Scheme.SignedScale
	// is set too.
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

// A Rounding says how a float32 is rounded to an integer.
type Rounding uint8

const (
	ToEven       Rounding = iota // to nearest, ties to even
	AwayFromZero                 // to nearest, ties away from zero
	AddHalf                      // zero point + 0.5 is added in float32, and the fraction is cut off
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

// code returns the code of x under the parameters m, limited to [lo, hi].
func (r *Rule) code(x float32, m *made, lo, hi int32) int32 {
	v := x
	if r.Subtract {
		v -= m.subtrahend
	}
	switch {
	case r.Multiply && isInf(m.multiplier) && !r.limitsFirst():
		return max(lo, 0) // as ggml on x86; the stored scale is 0
	case r.Zero == BeforeRoundingFused:
		v = fused(v, m.multiplier, float32(m.zero))
	case r.Multiply:
		v = float32(v * m.multiplier)
	case m.scale == 0: // all values are zeros
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
	if v != v { // 0 times an infinite multiplier; the result is that of ONNX Runtime on x86
		return lo
	}
	code := round(v, r.Rounding)
	if r.Zero == AfterRounding && r.Rounding != AddHalf {
		code += float64(m.zero)
	}
	return int32(min(max(code, float64(lo)), float64(hi)))
}

// limitsFirst reports whether the system limits a value to the grid before it converts the value
// to an integer. Infinities then have codes.
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
// rounded to odd in float64, so rounding it to float32 gives the same result as rounding the
// exact sum.
func fused(a, b, c float32) float32 {
	p, z := float64(a)*float64(b), float64(c)
	s := p + z
	t := s - p
	rest := (p - (s - t)) + (z - t) // the rounding error of s
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
