package quant

import "github.com/a01592f9/quant/internal/histogram"

// countValues adds src, whose elements are finite, to h.
func countValues(h *histogram.Histogram, src []float32) {
	var at [histogram.Lanes]*histogram.OctaveIndex
	for len(src) > 0 {
		counters, most := h.Counters(&at, len(src))
		n := histogramRuns(counters, &at, src[:most])
		h.Counted(n)
		if src = src[n:]; n < most {
			h.Place(histogram.BinOf(src[0])) // the kernel stopped at a value whose octave has no counters
		}
	}
}
