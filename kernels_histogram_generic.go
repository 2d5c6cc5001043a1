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
	a, b, c, d := at[0], at[1], at[2], at[3]
	n := 0
	for ; len(src)-n >= histogramLanes; n += histogramLanes {
		x := src[n : n+histogramLanes : n+histogramLanes]
		switch {
		case !a.count(counts, x[0]):
			return n
		case !b.count(counts, x[1]):
			return n + 1
		case !c.count(counts, x[2]):
			return n + 2
		case !d.count(counts, x[3]):
			return n + 3
		}
	}
	for n < len(src) && at[n%histogramLanes].count(counts, src[n]) {
		n++
	}
	return n
}

// count counts the bin of x if its octave has a place, which it reports.
func (index *octaveIndex) count(counts []uint32, x float32) bool {
	b := math.Float32bits(x)
	first := index[b>>23]
	if first == 0 {
		return false
	}
	counts[first+b>>16-bins]++
	return true
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
