package quant

import "math"

// A bin is the upper 16 bits of a float32: sign, exponent and seven bits of
// mantissa. An octave is the upper 9 of these, sign and exponent: 128 bins. So
// a bin is 2^-7 as wide as the power of two below it, and bins need no range
// beforehand.
const (
	bins     = 1 << 16
	octaves  = 1 << 9
	binsEach = bins / octaves // of an octave
)

// An octaveIndex says where the bins of an octave are counted: bin b at
// counts[index[b/binsEach]+b-bins]. 0 is for an octave that has no place yet.
type octaveIndex [octaves]uint32

// histogramLanes is the number of indexes that a histogram kernel takes in
// turn: equal neighbours need not wait for each other where these differ.
const histogramLanes = 4

// histogramRunsGeneric counts the bin of each element, element i by
// at[i%histogramLanes]. It stops before the first element whose octave has no
// place, and returns how many elements it counted. Counts wrap around.
func histogramRunsGeneric(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int {
	for i, x := range src {
		b := math.Float32bits(x)
		first := at[i%histogramLanes][b>>23]
		if first == 0 {
			return i
		}
		counts[first+b>>16-bins]++
	}
	return len(src)
}

// transposeGeneric stores columns one after the other: element r of column j,
// at src[r*stride+j], in dst[j*rows+r].
func transposeGeneric(dst, src []float32, rows, cols, stride int) {
	for r := range rows {
		for j, x := range src[r*stride:][:cols] {
			dst[j*rows+r] = x
		}
	}
}
