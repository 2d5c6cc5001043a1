package quant

import "math"

// A floatCode rounds float32 values to a smaller floating-point format. A code is a sign, an
// exponent and a mantissa. Codes with the exponent 0 are subnormal numbers, which are as far
// apart as the smallest normal ones.
//
// To round a value, it is added to a power of two whose last place is the distance of the
// format's numbers near the value. The addition rounds the sum to that place, ties to even. The
// last bits of the sum are the mantissa. A mantissa that is rounded up to the next power of two
// carries into the exponent, which gives the right code.
type floatCode struct {
	drop    uint32 // bits of a float32's mantissa that the format lacks
	normal  uint32 // bits, as a float32, of the smallest normal number
	largest uint32 // bits, as a float32, of the largest finite number
	sign    uint32 // bit of the sign in a code
	nan     uint32 // code of NaN
	minus   uint32 // all ones if -0 has a code, else 0

	// c is not a number if (c^flip)&keep is at least special.
	special, flip, keep uint32
}

// newFloatCode returns the rounding to a format with the given numbers of bits.
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
		f.keep = 1<<f.sign - 1
		f.special = f.magnitude(f.largest) + 1
		return f
	}
	// The sign alone is the only code that is not a number. Flipped, it is the largest.
	f.keep = 2<<f.sign - 1
	f.flip = f.keep >> 1
	f.special = f.keep
	return f
}

// magnitude returns the code, without a sign, of the value whose bits without the sign are a.
// NaN and numbers beyond the largest number get the code of the largest number.
func (f *floatCode) magnitude(a uint32) uint32 {
	a = min(a, f.largest)
	e := max(a&0x7f800000, f.normal)
	place := e + f.drop<<23
	sum := math.Float32frombits(a) + math.Float32frombits(place)
	return math.Float32bits(sum) - place + (e-f.normal)>>f.drop
}

// code returns the code of the number nearest to v, ties to the even mantissa. A value beyond
// the largest number becomes that number, and NaN the code of NaN.
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

// round returns the number of the format nearest to |v|, ties to the even mantissa.
func (f *floatCode) round(v float32) float32 {
	a := min(math.Float32bits(v)&0x7fffffff, f.largest)
	place := math.Float32frombits(max(a&0x7f800000, f.normal) + f.drop<<23)
	return math.Float32frombits(a) + place - place
}
