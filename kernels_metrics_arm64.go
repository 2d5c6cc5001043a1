//go:build !purego

package quant

import "math"

//go:noescape
func channelMetricsNEON(m []Metrics, t *tally, squares *float64, n int) int

// channelMetrics returns the number of channels that the kernel has handled.
func channelMetrics(m []Metrics, t []tally, squares []float64, n int) int {
	if active != neon {
		return 0
	}
	k := len(m) &^ (metricsStep() - 1)
	if k == 0 {
		return 0
	}
	_, _ = t[k-1], squares[k-1]
	return channelMetricsNEON(m[:k], &t[0], &squares[0], n)
}

// metricsStep returns the number of channels that the kernel takes at a time, or math.MaxInt without
// a kernel.
func metricsStep() int {
	if active != neon {
		return math.MaxInt
	}
	return 4
}
