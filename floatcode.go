package quant

import "math"

// A floatCode rounds float32 values to a smaller floating-point format, by the bits. A
// code is a sign, an exponent and a mantissa; the exponent 0 is that of subnormal numbers,
// which have the distance of the smallest normal ones.
//
// The value is added to a power of two whose last place is the distance of the format's
// numbers there. The sum is rounded to that place, ties to even, and the last bits of the
// sum are the mantissa. A mantissa that is rounded up to the next power of two carries
// into the exponent, as it should.
type floatCode struct {
	drop    uint32 // bits of a float32's mantissa that the format does not have
	normal  uint32 // bits, as a float32, of the smallest normal number
	largest uint32 // bits, as a float32, of the largest finite number
	sign    uint32 // place of the sign in a code
	nan     uint32 // code of NaN
	minus   uint32 // all ones if -0 has a code, else 0

	// special is the first code, without a sign, that stands for no number; 0 if the sign
	// alone does.
	special uint32
}

// newFloatCode returns the rounding to a format of so many bits of exponent and mantissa.
func newFloatCode(exponent, mantissa, bias int, largest float32, nan uint8, minusZero bool) *floatCode {
	f := &floatCode{
		drop:    uint32(23 - mantissa),
		normal:  uint32(127+1-bias) << 23,
		largest: math.Float32bits(largest),
		sign:    uint32(exponent + mantissa),
		nan:     uint32(nan),
	}
	if minusZero {
		f.minus = ^uint32(0)
		f.special = f.magnitude(f.largest) + 1
	}
	return f
}

// magnitude returns the code of |v|, the bits of which are a. What is larger than the
// largest number gets its code; so does NaN.
func (f *floatCode) magnitude(a uint32) uint32 {
	a = min(a, f.largest)
	e := max(a&0x7f800000, f.normal)
	place := e + f.drop<<23
	sum := math.Float32frombits(a) + math.Float32frombits(place)
	return math.Float32bits(sum) - place + (e-f.normal)>>f.drop
}

// code returns the code of the number next to v, ties to the even mantissa. A value that is
// larger than the largest number becomes that number, and NaN the code of NaN.
func (f *floatCode) code(v float32) uint32 {
	b := math.Float32bits(v)
	a := b & 0x7fffffff
	if a > 0x7f800000 {
		return f.nan
	}
	c := f.magnitude(a)
	some := -(-c >> 31) // all ones unless c is 0
	return c | b>>31<<f.sign&(f.minus|some)
}

// round returns the number of the format next to |v|, ties to the even mantissa.
func (f *floatCode) round(v float32) float32 {
	a := min(math.Float32bits(v)&0x7fffffff, f.largest)
	place := math.Float32frombits(max(a&0x7f800000, f.normal) + f.drop<<23)
	return math.Float32frombits(a) + place - place
}
