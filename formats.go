package quant

import "math"

// The small floating-point formats. A code is a sign, an exponent and a mantissa. It stands for
// (-1)^sign * 2^(exponent-bias) * 1.mantissa, or for (-1)^sign * 2^(1-bias) * 0.mantissa if the
// exponent is 0. x becomes the nearest value, ties to the even mantissa. Values beyond the
// largest value become the largest value. -0, and negative values that round to 0, become the
// code of -0 if there is one.
var (
	// E4M3FN is the 8-bit format with the largest value 448, from the OCP 8-bit Floating Point
	// Specification: ONNX's FLOAT8E4M3FN, PyTorch's float8_e4m3fn. It has no infinities.
	E4M3FN = newFloatFormat("fp8_e4m3fn", 4, 3, 7, oneNaN)

	// E5M2 is the 8-bit format with the largest value 57344, from the OCP 8-bit Floating Point
	// Specification: ONNX's FLOAT8E5M2. It has infinities, but no value becomes one of them.
	E5M2 = newFloatFormat("fp8_e5m2", 5, 2, 15, ieee)

	// E4M3FNUZ is the 8-bit format with the largest value 240 and without -0: ONNX's
	// FLOAT8E4M3FNUZ.
	E4M3FNUZ = newFloatFormat("fp8_e4m3fnuz", 4, 3, 8, unsignedZero)

	// E5M2FNUZ is the 8-bit format with the largest value 57344 and without -0: ONNX's
	// FLOAT8E5M2FNUZ.
	E5M2FNUZ = newFloatFormat("fp8_e5m2fnuz", 5, 2, 16, unsignedZero)

	// E3M2 is the 6-bit format with the largest value 28, from OCP Microscaling Formats 1.0.
	E3M2 = newFloatFormat("fp6_e3m2", 3, 2, 3, finiteOnly)

	// E2M3 is the 6-bit format with the largest value 7.5, from OCP Microscaling Formats 1.0.
	E2M3 = newFloatFormat("fp6_e2m3", 2, 3, 1, finiteOnly)

	// E2M1 is the 4-bit format with the values ±{0, 0.5, 1, 1.5, 2, 3, 4, 6}, from OCP
	// Microscaling Formats 1.0: ONNX's FLOAT4E2M1.
	E2M1 = newFloatFormat("fp4_e2m1", 2, 1, 1, finiteOnly)
)

// NF4 is the 4-bit NormalFloat format: 16 values from -1 to 1, chosen from quantiles of the
// normal distribution. Source: Dettmers et al., QLoRA, 2023, appendix E. x becomes the nearest
// value, ties to the smaller one.
var NF4 = newFormat("nf4", 4, []float32{
	-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
	-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
	0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
	0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
}, tieDown, 7)

// A special says which codes of a floating-point format are not finite numbers.
type special uint8

const (
	finiteOnly   special = iota // none
	oneNaN                      // NaN: all bits but the sign are ones
	ieee                        // infinity and NaN: the largest exponent
	unsignedZero                // NaN: the sign alone, so that there is no -0
)

// newFloatFormat makes the format with the given numbers of bits of exponent and mantissa.
func newFloatFormat(name string, exponent, mantissa, bias int, s special) Format {
	bits := 1 + exponent + mantissa
	sign := 1 << (bits - 1)
	values := make([]float32, 2*sign)
	for c := range values {
		e, m := c%sign>>mantissa, c%(1<<mantissa)
		v := math.Ldexp(float64(m), 1-bias-mantissa)
		if e > 0 {
			v = math.Ldexp(float64(1<<mantissa+m), e-bias-mantissa)
		}
		switch {
		case s == oneNaN && c%sign == sign-1, s == unsignedZero && c == sign, s == ieee && e == 1<<exponent-1 && m > 0:
			v = math.NaN()
		case s == ieee && e == 1<<exponent-1:
			v = math.Inf(1)
		}
		if c >= sign {
			v = math.Copysign(v, -1)
		}
		values[c] = float32(v)
	}
	nan := 0
	switch s {
	case oneNaN, ieee:
		nan = sign - 1
	case unsignedZero:
		nan = sign
	}
	f := newFormat(name, bits, values, tieToEven, uint8(nan))
	b := f.book()
	b.mantissa = mantissa
	b.float = newFloatCode(exponent, mantissa, bias, b.largest, b.nan, s != unsignedZero)
	return f
}
