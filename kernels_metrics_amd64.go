//go:build !purego

package quant

import "math"

//go:noescape
func channelMetricsAVX512(m []Metrics, t *tally, squares *float64, n int) int

//go:noescape
func channelMetricsAVX2(m []Metrics, t *tally, squares *float64, n int) int

// channelMetrics has kernels for AVX-512 and AVX2. It returns the number of channels that it has
// handled.
func channelMetrics(m []Metrics, t []tally, squares []float64, n int) int {
	if active == generic {
		return 0
	}
	k := len(m) &^ (metricsStep() - 1)
	if k == 0 {
		return 0
	}
	_, _ = t[k-1], squares[k-1]
	if active == avx2 {
		return channelMetricsAVX2(m[:k], &t[0], &squares[0], n)
	}
	return channelMetricsAVX512(m[:k], &t[0], &squares[0], n)
}

// metricsStep returns the number of channels that a kernel takes at a time, or math.MaxInt without a
// kernel.
func metricsStep() int {
	switch active {
	case avx2:
		return 4
	case avx512:
		return 8
	default:
		return math.MaxInt
	}
}
