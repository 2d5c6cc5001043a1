package quant

import "fmt"

// A Divisor says what the symmetric mapping divides a range by. Its zero value is FarEnd.
// For 8 signed bits and a range from -1 to 1 the scales are 1/128, 1/127.5 and 1/127. With
// narrow range all three are the same.
type Divisor uint8

const (
	// FarEnd divides the largest magnitude by that of the end of the grid that is further
	// from the zero point: 128 for 8 signed bits. A value at the other end is clipped, by
	// up to one step.
	FarEnd Divisor = iota

	// HalfWidth divides the largest magnitude by half the width of the grid,
	// (2^Bits - 1)/2: 127.5 for 8 signed bits. PyTorch's observers, torchao,
	// compressed-tensors and ONNX Runtime's 4-bit weights do. A value is clipped by half a
	// step at most.
	HalfWidth

	// EachEnd divides the minimum and the maximum by their own ends of the grid, and takes
	// the larger scale: max(min/(qmin - zero), max/(qmax - zero)). Nothing is clipped.
	EachEnd

	divisors // how many there are
)

var divisorNames = [divisors]string{"far", "half", "each"}

// String returns "far", "half" or "each".
func (d Divisor) String() string {
	if d >= divisors {
		return fmt.Sprintf("Divisor(%d)", uint8(d))
	}
	return divisorNames[d]
}

// MarshalText returns what String does. The error is ErrScheme.
func (d Divisor) MarshalText() ([]byte, error) {
	if d >= divisors {
		return nil, fmt.Errorf("%w: there is no %v", ErrScheme, d)
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads what MarshalText returns. The error is ErrScheme.
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
