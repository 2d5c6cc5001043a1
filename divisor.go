package quant

import "fmt"

// A Divisor says what the symmetric mapping divides a range by. Its zero value is FarEnd.
// For 8 signed bits and a range from -1 to 1 the scales are 1/128, 1/127.5 and 1/127. With
// narrow range all three are the same.
type Divisor uint8

const (
	// FarEnd divides the largest magnitude by the distance from the zero point to the end of
	// the grid that is farther from it: 128 for 8 signed bits. A value at the other end is
	// clipped by at most one step.
	FarEnd Divisor = iota

	// HalfWidth divides the largest magnitude by half the width of the grid, (2^Bits - 1)/2:
	// 127.5 for 8 signed bits. It is the divisor of PyTorch's observers, torchao,
	// compressed-tensors and ONNX Runtime's 4-bit weights. A value is clipped by at most half a
	// step.
	HalfWidth

	// EachEnd divides the minimum and the maximum by the distances to their ends of the grid,
	// and takes the larger scale: max(min/(qmin - zero point), max/(qmax - zero point)).
	// Nothing is clipped. It requires float32 scales.
	EachEnd

	divisors // the number of divisors
)

var divisorNames = [divisors]string{"far", "half", "each"}

// String returns "far", "half" or "each".
func (d Divisor) String() string {
	if d >= divisors {
		return fmt.Sprintf("Divisor(%d)", uint8(d))
	}
	return divisorNames[d]
}

// MarshalText returns "far", "half" or "each". The error is ErrScheme for an unknown divisor.
func (d Divisor) MarshalText() ([]byte, error) {
	if d >= divisors {
		return nil, fmt.Errorf("%w: there is no %v", ErrScheme, d)
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads "far", "half" or "each". The error is ErrScheme for any other text.
func (d *Divisor) UnmarshalText(text []byte) error {
	for i, name := range divisorNames {
		if name == string(text) {
			*d = Divisor(i)
			return nil
		}
	}
	return fmt.Errorf("%w: there is no divisor %q; there are far, half and each", ErrScheme, text)
}

// GobEncode returns the text form.
func (d Divisor) GobEncode() ([]byte, error) { return d.MarshalText() }

// GobDecode reads the text form.
func (d *Divisor) GobDecode(data []byte) error { return d.UnmarshalText(data) }
