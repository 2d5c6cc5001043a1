package text

import (
	"math"
	"strconv"

	"github.com/a01592f9/quant/internal/numtext"
)

// Numbers whose JSON is null if they are infinite or NaN.
type (
	Number = numtext.Number // a float64
	Float  = numtext.Float  // a float32: the shortest decimal that reads back as the same float32
	Floats = numtext.Floats // several Float
)

// real is any floating-point type.
type real interface{ ~float32 | ~float64 }

// Exact writes x in full precision, as JSON has it. The result is empty if x is not finite.
func Exact[T ~float64](x T) string { return numtext.Exact(float64(x), 64) }

// ExactFloat is Exact for a float32.
func ExactFloat[T ~float32](x T) string { return numtext.Exact(float64(x), 32) }

// Digits writes x with the given number of significant digits.
func Digits[T real](x T, digits int) string { return numtext.Digits(float64(x), digits) }

// Fit writes x with three significant digits, or with fewer if three take more
// than 8 columns.
func Fit[T real](x T) string {
	for digits := 3; ; digits-- {
		if s := Digits(x, digits); len(s) <= 8 || digits == 1 {
			return s
		}
	}
}

// Decibels writes a ratio in dB without its unit. A ratio without any noise is
// "exact".
func Decibels[T real](x T) string {
	v := float64(x)
	switch {
	case math.IsInf(v, 1):
		return "exact"
	case math.IsInf(v, -1):
		return "-inf"
	case math.Abs(v) >= 1000: // subnormal errors of huge values
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

// DecibelsWithUnit writes a ratio as "48.7 dB", or as "exact".
func DecibelsWithUnit[T real](x T) string {
	if math.IsInf(float64(x), 0) {
		return Decibels(x)
	}
	return Decibels(x) + " dB"
}

// Signed writes x with its sign and the given number of decimals.
func Signed[T real](x T, decimals int) string { return numtext.Signed(float64(x), decimals) }

// Times writes a factor, "3.42×", in at most seven columns.
func Times[T real](x T) string {
	switch v := float64(x); {
	case math.IsInf(v, 1):
		return "inf"
	case v >= 999999.5, v > 0 && v < 0.009995: // three digits would be wider
		return strconv.FormatFloat(v, 'e', 0, 64) + "×"
	}
	return Digits(x, 3) + "×"
}

// Percent writes a percentage: "35.0%".
func Percent[T real](x T) string { return numtext.Percent(float64(x)) }

// Share returns part as a percentage of whole.
func Share(part, whole int64) float64 { return 100 * float64(part) / float64(whole) }

// Count writes an integer with a comma before every three digits.
func Count[T ~int | ~int64](n T) string { return numtext.Count(int64(n)) }

// Short writes a count in at most five characters: 1234, 56.8k, 1.23M.
func Short[T ~int | ~int64](n T) string {
	x := float64(n)
	for _, unit := range []string{"", "k", "M", "G", "T"} {
		switch {
		case unit == "" && n < 10000:
			return strconv.FormatInt(int64(n), 10)
		case unit != "" && x < 9.995:
			return strconv.FormatFloat(x, 'f', 2, 64) + unit
		case unit != "" && x < 99.95:
			return strconv.FormatFloat(x, 'f', 1, 64) + unit
		case unit != "" && x < 999.5:
			return strconv.FormatFloat(x, 'f', 0, 64) + unit
		}
		x /= 1000
	}
	return Digits(float64(n), 2)
}

// Plural writes "1 tensor" or "3 tensors".
func Plural[T ~int | ~int64](n T, noun string) string { return numtext.Plural(int64(n), noun) }

// Scale writes a scale with four significant digits.
func Scale(x float32) string { return Digits(x, 4) }

// ZeroPoint writes a zero point.
func ZeroPoint(z int32) string { return strconv.Itoa(int(z)) }

// Span writes the smallest and the largest of some values, or one value if both
// read the same.
func Span[T int32 | float32](values []T, format func(T) string) string {
	lo, hi := MinMax(values)
	a, b := format(lo), format(hi)
	if a == b {
		return a
	}
	return a + "…" + b
}

// MinMax returns the smallest and the largest of at least one value.
func MinMax[T int32 | float32](values []T) (lo, hi T) {
	lo, hi = values[0], values[0]
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}
