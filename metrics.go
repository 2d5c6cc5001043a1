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

// metrics returns the metrics of n elements from sums of their errors; squares is sum x².
func (t *tally) metrics(n int, squares float64) Metrics {
	m := Metrics{
		N:        n,
		MAE:      t.abs / float64(n),
		RMSE:     math.Sqrt(t.sq / float64(n)),
		MaxError: float64(t.max),
		SQNR:     math.Inf(1),
		Clipped:  t.clipped,
	}
	if t.sq > 0 {
		m.SQNR = exact.Decibels(squares / t.sq)
	}
	return m
}
