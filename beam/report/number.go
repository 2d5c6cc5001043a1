package report

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// A number is a float64 whose JSON is null if the number is infinite or NaN. A
// null is read as NaN.
type number float64

func (n number) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(n), 64), nil }

func (n *number) UnmarshalJSON(b []byte) error {
	x := math.NaN()
	*n = number(x)
	if string(b) == "null" {
		return nil
	}
	err := json.Unmarshal(b, &x)
	*n = number(x)
	return err
}

// A float is a float32 with the JSON of a number.
type float float32

func (f float) MarshalJSON() ([]byte, error) { return appendNumber(nil, float64(f), 32), nil }

// floats are float32 values, each with the JSON of a float.
type floats []float32

func (f floats) MarshalJSON() ([]byte, error) {
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
		format = 'e'
	}
	return strconv.AppendFloat(b, x, format, -1, bits)
}

// digits writes x with so many significant digits.
func digits(x float64, n int) string {
	switch {
	case x == 0:
		return "0"
	case math.IsNaN(x):
		return "NaN"
	case math.IsInf(x, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(x, 'f', -1, 64), "+"))
	}
	// The exponent is that of the rounded number: 9.9996 has one digit more.
	e := strconv.FormatFloat(x, 'e', n-1, 64)
	exp, err := strconv.Atoi(e[strings.IndexByte(e, 'e')+1:])
	if err != nil || exp < -4 || exp > 6 {
		return e
	}
	return strconv.FormatFloat(x, 'f', max(0, n-1-exp), 64)
}

// signed writes x with its sign and one decimal.
func signed(x float64) string {
	s := strconv.FormatFloat(x, 'f', 1, 64)
	if math.IsInf(x, 0) {
		return strings.ToLower(s)
	}
	if strings.Trim(s, "-0.") == "" {
		return strings.TrimPrefix(s, "-")
	}
	if x > 0 {
		return "+" + s
	}
	return s
}

// plural writes "1 byte" or "1,234 bytes".
func plural(n int64, noun string) string {
	s := strconv.FormatInt(n, 10)
	first := 0
	if n < 0 {
		first = 1
	}
	for i := len(s) - 3; i > first; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	if n == 1 {
		return s + " " + noun
	}
	return s + " " + noun + "s"
}
