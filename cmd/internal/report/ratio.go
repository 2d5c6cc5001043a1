package report

import (
	"math"
	"slices"

	"github.com/a01592f9/quant/internal/summary"
)

// Signal to noise ratios, and what makes one number of several.

// ratio is a signal to noise ratio in decibels.
func ratio(signal, noise float64) float64 {
	switch {
	case noise == 0:
		return math.Inf(1)
	case signal == 0:
		return math.Inf(-1)
	}
	return summary.Steady(10 * math.Log10(signal/noise))
}

// signalOf returns the sum of squares of values whose signal to noise ratio is known.
func signalOf(noise, sqnr float64) float64 {
	if noise == 0 || math.IsInf(sqnr, 0) || math.IsNaN(sqnr) {
		return 0
	}
	return noise * math.Pow(10, sqnr/10)
}

// median returns the median of x, which it sorts: the lower of two, and 0 without values.
func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	slices.Sort(x)
	return x[(len(x)-1)/2]
}
