package quant

import "math"

// DynamicScale: scales that are themselves quantized.

// nestedLen is the number of scales that share a largest magnitude, the scale of the second
// level.
const nestedLen = 256

// dynamicBook is the dynamic map of 8 bits with a sign.
var dynamicBook = newBook("dynamic8", 8, dynamicMap(), tieDown, 127)

// dynamicMap returns the values of the dynamic map in ascending order. Source: Dettmers, 8-Bit
// Approximations for Parallelism in Deep Learning, 2015, as bitsandbytes implements it. For each
// i from 0 to 6 the interval from 0.1 to 1 is divided into 2^i equal parts. The middles of the
// parts, times 10^(i-6), are values, and so are their negatives. With 0 and 1 there are 256
// values. Each is rounded once to float32. (bitsandbytes computes the values in float32, so the
// last bit may differ. Its files hold the table.)
func dynamicMap() []float32 {
	values := make([]float32, 256)
	at := 128 // the code of the smallest positive value; the code of 0 is 127
	for i := range 7 {
		for j := range 1 << i {
			// The middle is 0.1 + 0.9*(2j+1)/2^(i+1). Numerator and denominator are integers that
			// are exact in float64, so the quotient is rounded once before float32.
			v := float64(int64(1)<<(i+1)+9*int64(2*j+1)) / (float64(int64(10)<<(i+1)) * math.Pow10(6-i))
			values[at], values[254-at] = float32(v), float32(-v)
			at++
		}
	}
	values[at] = 1
	return values
}

// nestScales rounds each scale to the value that DynamicScale stores for it. A single scale is
// its own mean and does not change.
func nestScales(scale []float32) {
	if len(scale) == 1 {
		return
	}
	sum := 0.0
	for _, s := range scale {
		sum += float64(s)
	}
	mean := float32(sum / float64(len(scale)))
	for len(scale) > 0 {
		n := min(nestedLen, len(scale))
		nestBlock(scale[:n], mean)
		scale = scale[n:]
	}
}

// nestBlock is nestScales for up to nestedLen scales, which share a largest magnitude. mean is
// the mean of all scales of the tensor.
func nestBlock(scale []float32, mean float32) {
	largest := float32(0)
	for _, s := range scale {
		largest = max(largest, absolute(s-mean))
	}
	for i, s := range scale {
		v := mean
		if largest > 0 {
			code := dynamicBook.code((s - mean) / largest)
			v = float32(dynamicBook.values[code]*largest) + mean
		}
		scale[i] = min(atLeast(v, minScale), math.MaxFloat32)
	}
}
