package feedback

import "math"

// Sums of products that do not depend on the order of the rows.
//
// The product of two float32 is exact in float64: it has at most 24 + 24 = 48 bits, and its
// exponent is between -298 and 255. The magnitude of a product, written in binary, is divided
// into slices at fixed places: slice b has the bits of the weights 2^(32b) to 2^(32b+31). With
// the sign of the product, a slice is an integer times 2^(32b). The product is the sum of its
// slices, and at most three of them are not 0.
//
// The exponent E[i] of an input is that of its largest magnitude. So every |x[i]| is below
// 2^(E[i]+1), and every product of x[i] and x[j] is below 2^(E[i]+E[j]+2). The top slice of the
// pair is T = floor((E[i]+E[j]+1)/32): no product has bits above it. A pair has two sums of 64
// bits: the sum of the slices T of all rows, and the sum of their slices T-1. All lower slices
// are dropped.
//
// The sums depend neither on the order of the rows nor on the order of merges:
//
//   - E[i], and so T, is a maximum over the rows.
//   - The slices of a product depend only on the product.
//   - Let T be the top slice of all rows, and T' ≤ T that of the rows seen so far. The method
//     raise computes the sums for T from those for T'. If T' = T, they are the same. If
//     T' = T-1, the slices T of the rows so far are 0, and the sum of their slices T-1 is the
//     upper sum for T'. If T' < T-1, both slices of the rows so far are 0.
//   - All additions are of integers and do not overflow: a slice is below 2^32 in magnitude,
//     and there are fewer than 2^31 rows.
//
// The error: less than 2^(32(T-1)) is dropped from each row, and 2^(32T) ≤ 2^(E[i]+E[j]+1) is at
// most 2·max|x[i]|·max|x[j]|. So the dropped slices change the mean by less than
// 2^-31·max|x[i]|·max|x[j]|. The three roundings of sumOf and the division add to that.

// sliceBits is the number of bits of a slice.
const sliceBits = 32

// none is the exponent of an input that has been 0 in all rows.
const none = math.MinInt16

// exponentOf returns the e with 2^e ≤ |v| < 2^(e+1), which is from -149 to 127 for finite v. For
// 0 it returns none.
func exponentOf(v float32) int16 {
	if v == 0 {
		return none
	}
	return int16(int(math.Float64bits(float64(v))>>52&0x7ff) - 1023)
}

// firstNotFinite returns the index of the first NaN or infinity, or -1.
func firstNotFinite(x []float32) int {
	for i, v := range x {
		if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
			return i
		}
	}
	return -1
}

// bin returns the top slice for two exponents.
func bin(a, b int16) int {
	return (int(a) + int(b) + 1) >> 5 // rounds down
}

// power returns 2^e for e in [-1022, 1023].
func power(e int) float64 { return math.Float64frombits(uint64(e+1023) << 52) }

// sumOf returns the sum of a pair as a float64. b is the top slice of the pair. The products with
// powers of two are exact.
func sumOf(top, low int64, b int) float64 {
	if top == 0 && low == 0 {
		return 0
	}
	return float64(float64(top)*power(sliceBits*b)) + float64(float64(low)*power(sliceBits*(b-1)))
}

// raised returns the sums of a pair after its top slice has increased by up.
func raised(top, low int64, up int) (int64, int64) {
	switch up {
	case 0:
		return top, low
	case 1:
		return 0, top
	}
	return 0, 0
}

// addTile adds the products of input i with the inputs from j on, for all rows of x. scale is
// 2^(-32T) for each pair. The product times scale has slice T before the binary point, and slice
// T-1 in the first 32 bits after it. All operations are exact except the two conversions to
// integers.
func addTile(top, low []int64, scale, x []float64, n, i, j int) {
	low, scale = low[:len(top)], scale[:len(top)]
	for ; len(x) > 0; x = x[n:] {
		v := x[i]
		if v == 0 {
			continue
		}
		row := x[j:][:len(top)]
		for k, s := range scale {
			y := v * row[k] * s
			t := int64(y) // towards 0
			top[k] += t
			low[k] += int64((y - float64(t)) * (1 << sliceBits))
		}
	}
}
