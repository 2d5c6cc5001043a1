package quant

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// Metrics say how far a tensor, or a channel of it, is from its
// reconstruction: e is reconstruction minus original, rounded to float32, in
// the unit of the tensor's values. Sums are in float64, in an order that does
// not depend on the machine (see the package documentation), so that every
// machine gives the same bits.
//
// Where a reconstruction overflows float32, which takes values next to its
// ends, errors are +Inf and SQNR is -Inf.
type Metrics struct {
	N        int     // elements
	MAE      float64 // mean absolute error: sum|e| / n
	RMSE     float64 // root mean squared error: sqrt(sum e² / n)
	MaxError float64 // max|e|
	SQNR     float64 // signal to quantization noise ratio in dB: 10*log10(sum x² / sum e²); +Inf where sum e² is 0, else -Inf where sum x² is
	Clipped  int     // elements whose code had to be clamped to the grid
}

// set sets m to the metrics of n elements from sums of their errors, but not the SQNR.
func (m *Metrics) set(t *tally, n float64) {
	m.N = int(n)
	m.MAE = t.abs / n
	m.RMSE = math.Sqrt(t.sq / n)
	m.MaxError = float64(t.max)
	m.Clipped = t.clipped
}

// metrics returns the metrics of n elements from sums of their errors; squares is sum x².
func (t *tally) metrics(n int, squares float64) Metrics {
	var m Metrics
	m.set(t, float64(n))
	m.SQNR = math.Inf(1)
	if t.sq > 0 {
		m.SQNR = exact.Decibels(squares / t.sq)
	}
	return m
}

// metricsOf sets m to the metrics of channels of n elements each, and returns the sums over all
// channels.
func metricsOf(m []Metrics, tallies []tally, squares []float64, n int) (all tally, sum float64) {
	var ratios [64]float64
	for len(m) > 0 {
		k := min(len(m), len(ratios))
		now, t, sq := m[:k], tallies[:k], squares[:k]
		for i := range now {
			now[i].set(&t[i], float64(n))
			ratios[i] = sq[i] / t[i].sq
			all.addAll(&t[i])
			sum += sq[i]
		}
		exact.DecibelsOf(ratios[:k])
		for i := range now {
			if now[i].SQNR = ratios[i]; !(t[i].sq > 0) {
				now[i].SQNR = math.Inf(1)
			}
		}
		m, tallies, squares = m[k:], tallies[k:], squares[k:]
	}
	return all, sum
}
