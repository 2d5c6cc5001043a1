//go:build !purego

package quant

//go:noescape
func channelMetricsAVX512(m []Metrics, t *tally, squares *float64, n int) int

// channelMetrics has a kernel for AVX-512. It returns the number of channels that it has handled.
func channelMetrics(m []Metrics, t []tally, squares []float64, n int) int {
	k := len(m) &^ 7
	if active != avx512 || k == 0 {
		return 0
	}
	_, _ = t[k-1], squares[k-1]
	return channelMetricsAVX512(m[:k], &t[0], &squares[0], n)
}
