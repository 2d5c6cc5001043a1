package quant

import (
	"fmt"
	"math"
)

// Requantizing: the int32 sums of an integer matrix product become codes of 8 bits.
//
// Let sx, sw and sy be the scales of the activations, the weight and the result. Then a sum a
// becomes
//
//	code = clamp(round(a · M) + zero point, lo, hi),  M = sx·sw/sy
//
// Runtimes differ in how they multiply and round. Requantize is exact up to one rounding. The
// other functions give the same bits as a particular runtime.

// Requantize stores the codes of sums in dst:
//
//	code = clamp(round(sum · multiplier) + zero, lo, hi)
//
// The multiplier is the scale of the activations times that of the weight, divided by that of
// the result, and zero is the zero point of the result. The product of a sum and the float64
// multiplier is exact before it is rounded once, ties to even. There is one multiplier for all
// sums, or one for each column: sum i has the multiplier with index i modulo len(multiplier).
// Codes are limited to [lo, hi]: the limits of T, or tighter limits of an activation function,
// such as lo = zero for ReLU. Requantize allocates nothing, and panics if dst is shorter than
// sums.
//
// Errors: ErrParams if there is no multiplier, a *ParamError for a multiplier that is not
// positive and finite, and ErrRange if lo is above hi.
func Requantize[T int8 | uint8](dst []T, sums []int32, multiplier []float64, zero, lo, hi T) error {
	mustHold(len(dst), len(sums))
	if err := checkMultipliers(multiplier); err != nil {
		return err
	}
	if err := checkLimits(lo, hi); err != nil {
		return err
	}
	for i, a := range sums {
		v := nearestProduct(float64(a), multiplier[i%len(multiplier)])
		dst[i] = T(min(max(v+float64(zero), float64(lo)), float64(hi)))
	}
	return nil
}

func checkMultipliers[T float32 | float64](m []T) error {
	if len(m) == 0 {
		return fmt.Errorf("%w: no multipliers", ErrParams)
	}
	for i, v := range m {
		if !(v > 0) || math.IsInf(float64(v), 0) {
			return &ParamError{Index: i, Scale: float32(v), Err: ErrScale}
		}
	}
	return nil
}

// checkLimits returns an error for limits of codes that no code can keep.
func checkLimits[T int8 | uint8](lo, hi T) error {
	if lo > hi {
		return fmt.Errorf("%w: codes from %d to %d", ErrRange, lo, hi)
	}
	return nil
}

// nearestProduct returns the integer nearest to a·m for a positive m. The product in float64
// rounds to the same integer, unless it is halfway between two integers. Then the rounding
// error of the product decides. If the product is above 2^40, it is returned as it is.
func nearestProduct(a, m float64) float64 {
	p := float64(a * m)
	if math.Abs(p) >= 1<<40 {
		return p
	}
	r := math.RoundToEven(p)
	if math.Abs(p-r) != 0.5 {
		return r
	}
	switch rest := math.FMA(a, m, -p); { // exact
	case rest > 0:
		return math.Floor(p) + 1
	case rest < 0:
		return math.Floor(p)
	}
	return r
}

// RequantizeFloat32 is Requantize as ONNX Runtime does it on a CPU by default
// (MlasRequantizeOutput). The sum is rounded to float32. Its product with the multiplier is
// rounded to float32, and then to an integer, ties to even. The multiplier of ONNX Runtime is
// sx*sw/sy with each operation rounded to float32. Errors: those of Requantize.
func RequantizeFloat32[T int8 | uint8](dst []T, sums []int32, multiplier []float32, zero, lo, hi T) error {
	mustHold(len(dst), len(sums))
	if err := checkMultipliers(multiplier); err != nil {
		return err
	}
	if err := checkLimits(lo, hi); err != nil {
		return err
	}
	for i, a := range sums {
		v := math.RoundToEven(float64(float32(float32(a) * multiplier[i%len(multiplier)])))
		dst[i] = T(min(max(v+float64(zero), float64(lo)), float64(hi)))
	}
	return nil
}

// A FixedPoint is a positive multiplier of 31 bits with an exponent. It stands for Multiplier ·
// 2^(Shift-31). Multiplier is at least 2^30, or 0 for the multiplier 0.
type FixedPoint struct {
	Multiplier int32
	Shift      int32 // a positive Shift is to the left
}

// A FixedPointRule says how a sum is multiplied by a FixedPoint, and how a real number becomes
// a FixedPoint.
type FixedPointRule uint8

const (
	// DoubleRounding is the rule of gemmlowp, and of TensorFlow Lite as it is built by default
	// (MultiplyByQuantizedMultiplier). The sum is shifted to the left, which may lose bits. Its
	// product with the multiplier is doubled, and the upper 32 bits are rounded: ties up for a
	// product of at least 0, and towards zero for a negative one. The result is divided by a
	// power of two and rounded, ties away from zero.
	DoubleRounding FixedPointRule = iota

	// SingleRounding is the rule of TensorFlow Lite built with TFLITE_SINGLE_ROUNDING. The
	// product is rounded once, ties up. Of a product beyond int32 the lower 32 bits are kept, as
	// the runtime does without its debugging checks.
	SingleRounding

	// ArmRounding is the rule of ONNX Runtime on Arm with fixed-point requantization, and of
	// XNNPACK's rndnu kernels for NEON. The sum is shifted to the left and saturates. Its
	// product with the multiplier is doubled, and the upper 32 bits are kept without rounding.
	// The result is divided by a power of two and rounded, ties up.
	ArmRounding
)

// String returns the name of the constant.
func (r FixedPointRule) String() string {
	switch r {
	case DoubleRounding:
		return "DoubleRounding"
	case SingleRounding:
		return "SingleRounding"
	case ArmRounding:
		return "ArmRounding"
	}
	return fmt.Sprintf("FixedPointRule(%d)", uint8(r))
}

// FixedPoint returns m as a runtime with the rule stores it. DoubleRounding and SingleRounding
// round the significand of a float64 to 31 bits, ties away from zero (QuantizeMultiplier). The
// smallest multipliers become 0, and with SingleRounding the largest saturate. ArmRounding
// takes all bits of the float32 nearest to m, which must be in [2^-32, 2^8).
//
// Errors: ErrScheme for an unknown rule, and ErrScale for an m that is not positive and finite,
// or that the rule does not support. DoubleRounding supports m below 2^31.
func (r FixedPointRule) FixedPoint(m float64) (FixedPoint, error) {
	if r > ArmRounding {
		return FixedPoint{}, fmt.Errorf("%w: there is no %v", ErrScheme, r)
	}
	if !(m > 0) || math.IsInf(m, 0) {
		return FixedPoint{}, fmt.Errorf("%w: %v", ErrScale, m)
	}
	if r == ArmRounding {
		b := math.Float32bits(float32(m))
		f := FixedPoint{int32((b&0x7fffff | 0x800000) << 7), int32(b>>23) - 126}
		if f.Shift < -31 || f.Shift > 8 {
			return FixedPoint{}, fmt.Errorf("%w: %v is not in [2^-32, 2^8), as %v needs", ErrScale, m, r)
		}
		return f, nil
	}
	fraction, shift := math.Frexp(m)
	q := int64(math.Round(fraction * (1 << 31)))
	if q == 1<<31 {
		q /= 2
		shift++
	}
	switch {
	case shift < -31:
		return FixedPoint{}, nil
	case shift > 30 && r == SingleRounding:
		return FixedPoint{math.MaxInt32, 30}, nil
	case shift > 31:
		return FixedPoint{}, fmt.Errorf("%w: %v is not below 2^31, as %v needs", ErrScale, m, r)
	}
	return FixedPoint{int32(q), int32(shift)}, nil
}

// RequantizeFixed is Requantize with multipliers of the given rule. Errors: ErrParams if there
// is no multiplier, ErrScheme for an unknown rule, ErrScale for a multiplier that FixedPoint
// does not return for the rule, and ErrRange if lo is above hi.
func RequantizeFixed[T int8 | uint8](dst []T, sums []int32, multiplier []FixedPoint, rule FixedPointRule, zero, lo, hi T) error {
	mustHold(len(dst), len(sums))
	if len(multiplier) == 0 {
		return fmt.Errorf("%w: no multipliers", ErrParams)
	}
	if rule > ArmRounding {
		return fmt.Errorf("%w: there is no %v", ErrScheme, rule)
	}
	if err := checkLimits(lo, hi); err != nil {
		return err
	}
	for i, m := range multiplier {
		if !rule.serves(m) {
			return fmt.Errorf("%w: %v at index %d for %v", ErrScale, m, i, rule)
		}
	}
	for i, a := range sums {
		v := int64(multiplier[i%len(multiplier)].times(a, rule)) + int64(zero)
		dst[i] = T(min(max(v, int64(lo)), int64(hi)))
	}
	return nil
}

// serves reports whether m is a multiplier that the rule can have.
func (r FixedPointRule) serves(m FixedPoint) bool {
	least, most := int32(-31), int32(31)
	switch r {
	case SingleRounding:
		most = 30
	case ArmRounding:
		most = 8
	}
	return m.Multiplier >= 0 && m.Shift >= least && m.Shift <= most
}

// times returns the product of a and m, rounded by the rule.
func (m FixedPoint) times(a int32, rule FixedPointRule) int32 {
	switch rule {
	case DoubleRounding:
		left, right := max(m.Shift, 0), max(-m.Shift, 0)
		return divideRounded(highRounded(a<<left, m.Multiplier), uint(right))
	case SingleRounding:
		right := uint(31 - m.Shift)
		return int32((int64(a)*int64(m.Multiplier) + 1<<(right-1)) >> right)
	}
	right := max(-m.Shift, 1)
	v := saturated(int64(a) << (right + m.Shift))
	v = int32(int64(v) * int64(m.Multiplier) >> 31)
	return int32((int64(v) + 1<<(right-1)) >> right)
}

// saturated returns v limited to int32.
func saturated(v int64) int32 { return int32(min(max(v, math.MinInt32), math.MaxInt32)) }

// highRounded returns the upper half of 2·a·b, rounded, for b ≥ 0.
func highRounded(a, b int32) int32 {
	p := int64(a) * int64(b)
	nudge := int64(1 << 30)
	if p < 0 {
		nudge = 1 - nudge
	}
	return int32((p + nudge) / (1 << 31))
}

// divideRounded returns x / 2^e, a tie away from zero.
func divideRounded(x int32, e uint) int32 {
	mask := int32(int64(1)<<e - 1)
	threshold := mask >> 1
	if x < 0 {
		threshold++
	}
	q := x >> e
	if x&mask > threshold {
		q++
	}
	return q
}
