package report

import (
	"math"
	"strconv"
	"strings"
)

// A Number is a float64 that is null in JSON if it is infinite or NaN, for
// which JSON has no words.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(n), 64), nil }

// A Float is a float32 with the JSON of a Number: the shortest decimal that
// reads back as the same float32.
type Float float32

// MarshalJSON implements json.Marshaler.
func (f Float) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(f), 32), nil }

// Floats are float32 values, each with the JSON of a Float.
type Floats []float32

// MarshalJSON implements json.Marshaler. A slice that is nil becomes [], as an
// empty one does.
func (f Floats) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, x := range f {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNumber(b, float64(x), 32)
	}
	return append(b, ']'), nil
}

// appendNumber appends the shortest JSON number that reads back as x.
func appendNumber(b []byte, x float64, bits int) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return append(b, "null"...)
	}
	format := byte('f')
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e' // where encoding/json and JavaScript change over too
	}
	return strconv.AppendFloat(b, x, format, -1, bits)
}

// exact is the text of a number in full precision, empty if it is not finite:
// what CSV holds.
func exact(x Number) string {
	return finite(appendNumber(nil, float64(x), 64))
}

func exactFloat(x float32) string {
	return finite(appendNumber(nil, float64(x), 32))
}

func finite(b []byte) string {
	if string(b) == "null" {
		return ""
	}
	return string(b)
}

// num writes x for people, with so many significant digits.
func num(x float64, digits int) string {
	switch {
	case x == 0:
		return "0"
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(x, 'f', -1, 64), "+"))
	}
	// The exponent is that of the rounded number: 9.9996 has one digit more.
	e := strconv.FormatFloat(x, 'e', digits-1, 64)
	exp, err := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	if err != nil || exp < -4 || exp > 6 {
		return e
	}
	return strconv.FormatFloat(x, 'f', max(0, digits-1-exp), 64)
}

// fit is num with three digits, or fewer where that takes more than 8 columns.
func fit(x float64) string {
	for digits := 3; ; digits-- {
		if s := num(x, digits); len(s) <= 8 || digits == 1 {
			return s
		}
	}
}

// decibels writes a ratio in dB, or "exact" where there is no noise at all.
func decibels(x float64) string {
	switch {
	case math.IsInf(x, 1):
		return "exact"
	case math.IsInf(x, -1):
		return "-inf"
	case math.Abs(x) >= 1000: // subnormal errors of huge values
		return strconv.FormatFloat(x, 'f', 0, 64)
	}
	return strconv.FormatFloat(x, 'f', 1, 64)
}

// signed is a number of decimals with its sign.
func signed(x float64, decimals int) string {
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if math.IsInf(x, 0) {
		return strings.ToLower(s) // "+Inf" has its sign
	}
	if strings.Trim(s, "-0.") == "" {
		return strings.TrimPrefix(s, "-")
	}
	if x > 0 {
		return "+" + s
	}
	return s
}

// times writes a factor: "3.42×".
func times(x float64) string {
	switch {
	case math.IsInf(x, 1):
		return "inf"
	case x >= 1e6:
		return num(x, 1) + "×"
	}
	return num(x, 3) + "×"
}

// Times writes a factor for people: "3.42×".
func Times(x Number) string { return times(float64(x)) }

// Digits writes a number with so many significant digits.
func Digits(x Number, digits int) string { return num(float64(x), digits) }

// Decibels writes a ratio in dB, or "exact".
func Decibels(x Number) string { return decibels(float64(x)) }

// Count writes an integer for people: "1,234".
func Count(n int64) string { return count(n) }

// count writes an integer with a comma before every three digits.
func count(n int64) string {
	s := strconv.FormatInt(n, 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural writes "1 tensor" or "3 tensors".
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// span writes the smallest and the largest of some values, or the one that
// they all are.
func span[T int32 | float32](values []T, format func(T) string) string {
	lo, hi := minMax(values)
	a, b := format(lo), format(hi)
	if a == b {
		return a
	}
	return a + "…" + b
}

func minMax[T int32 | float32](values []T) (lo, hi T) {
	lo, hi = values[0], values[0]
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

func scaleText(x float32) string   { return num(float64(x), 4) }
func zeroText(z int32) string      { return strconv.Itoa(int(z)) }
func percent(x float64) string     { return num(x, 3) + "%" }
func share(part, of int64) float64 { return 100 * float64(part) / float64(of) }
