package quant

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// metricsOf sets m to the metrics of channels with n elements each. tallies and squares have the
// sums of each channel. It returns the sums over all channels.
func metricsOf(m []Metrics, tallies []tally, squares []float64, n int) (all tally, sum float64) {
	for i := range m {
		all.addAll(&tallies[i])
		sum += squares[i]
	}
	for len(m) > 0 {
		k := channelMetrics(m, tallies, squares, n)
		m, tallies, squares = m[k:], tallies[k:], squares[k:]
		if len(m) == 0 {
			break
		}
		k = min(len(m), metricsStep()) // channelMetrics may have a kernel for the next channels
		channelMetricsGeneric(m[:k], tallies, squares, n)
		m, tallies, squares = m[k:], tallies[k:], squares[k:]
	}
	return all, sum
}

// channelMetricsGeneric defines channelMetrics: it sets m to the metrics of channels with n elements
// each.
func channelMetricsGeneric(m []Metrics, tallies []tally, squares []float64, n int) {
	var ratios [64]float64
	for len(m) > 0 {
		k := min(len(m), len(ratios))
		now, t, sq := m[:k], tallies[:k], squares[:k]
		for i := range now {
			now[i].set(&t[i], float64(n))
			ratios[i] = sq[i] / t[i].sq
		}
		exact.DecibelsOf(ratios[:k])
		for i := range now {
			if now[i].SQNR = ratios[i]; !(t[i].sq > 0) {
				now[i].SQNR = math.Inf(1)
			}
		}
		m, tallies, squares = m[k:], tallies[k:], squares[k:]
	}
}
