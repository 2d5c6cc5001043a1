// Package numtext writes numbers as text and as JSON, for the reports of the tool and of the
// pipelines of Apache Beam.
package numtext

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// A Number is a float64 whose JSON is null if it is infinite or NaN: JSON has no other form for
// these.
type Number float64

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) { return appendJSON(nil, float64(n), 64), nil }

// UnmarshalJSON implements json.Unmarshaler. It reads null as NaN.
func (n *Number) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

// A Float is a float32 with the JSON of a Number: the shortest decimal that reads back as the
// same float32.
type Float float32

// MarshalJSON implements json.Marshaler.
func (f Float) MarshalJSON() ([]byte, error) { return appendJSON(nil, float64(f), 32), nil }

// Floats are float32 values, each with the JSON of a Float.
type Floats []float32

// MarshalJSON implements json.Marshaler. A nil slice becomes [], as an empty slice does.
func (f Floats) MarshalJSON() ([]byte, error) {
	b := []byte{'['}
	for i, x := range f {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, float64(x), 32)
	}
	return append(b, ']'), nil
}

// appendJSON appends the shortest JSON number that reads back as x, or null.
func appendJSON(b []byte, x float64, bits int) []byte {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return append(b, "null"...)
	}
	format := byte('f')
	if a := math.Abs(x); a != 0 && (a < 1e-6 || a >= 1e21) {
		format = 'e' // encoding/json and JavaScript switch at the same values
	}
	return strconv.AppendFloat(b, x, format, -1, bits)
}

// Exact writes x in full precision, as JSON has it. bits is 32 for the decimals of a float32,
// and 64 otherwise. The result is empty if x is not finite.
func Exact(x float64, bits int) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return ""
	}
	return string(appendJSON(nil, x, bits))
}

// Digits writes x with the given number of significant digits.
func Digits(x float64, digits int) string {
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

// Signed writes x with its sign and the given number of decimals.
func Signed(x float64, decimals int) string {
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

// Percent writes a percentage: "35.0%".
func Percent(x float64) string { return Digits(x, 3) + "%" }

// Count writes an integer with a comma before every three digits.
func Count(n int64) string {
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

// Plural writes "1 tensor" or "3 tensors".
func Plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}
