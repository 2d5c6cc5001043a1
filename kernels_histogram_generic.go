package quant

import (
	"math"

	"github.com/a01592f9/quant/internal/histogram"
)

// What counts values in bins has the names of the histogram that it fills.
const (
	bins           = histogram.Bins
	octaves        = histogram.Octaves
	binsEach       = histogram.PerOctave
	histogramLanes = histogram.Lanes
)

type octaveIndex = histogram.OctaveIndex

// histogramRunsGeneric counts the bin of each element, element i by
// at[i%histogramLanes]. It stops before the first element whose octave has no
// place, and returns how many elements it counted. Counts wrap around.
func histogramRunsGeneric(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int {
	a, b, c, d := at[0], at[1], at[2], at[3]
	n := 0
	for ; len(src)-n >= histogramLanes; n += histogramLanes {
		x := src[n : n+histogramLanes : n+histogramLanes]
		switch {
		case !countBin(counts, a, x[0]):
			return n
		case !countBin(counts, b, x[1]):
			return n + 1
		case !countBin(counts, c, x[2]):
			return n + 2
		case !countBin(counts, d, x[3]):
			return n + 3
		}
	}
	for n < len(src) && countBin(counts, at[n%histogramLanes], src[n]) {
		n++
	}
	return n
}

// countBin counts the bin of x if its octave has a place, which it reports.
func countBin(counts []uint32, index *octaveIndex, x float32) bool {
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
