package quant

import "math"

// Metrics measure the errors of a tensor or of a channel. The error e of an element is its
// reconstruction minus the original, rounded to float32, in the unit of the tensor's values.
// Sums are computed in float64, in an order that does not depend on the machine: see the package
// documentation. So the results have the same bits on every machine.
//
// If a reconstruction overflows float32, errors are +Inf and SQNR is -Inf. This requires values
// close to the largest float32.
type Metrics struct {
	N        int     // number of elements
	MAE      float64 // mean absolute error: sum|e| / N
	RMSE     float64 // root mean squared error: sqrt(sum e² / N)
	MaxError float64 // max|e|

	// SQNR is the signal to quantization noise ratio in dB: 10*log10(sum x² / sum e²). It is
	// +Inf if sum e² is 0. Otherwise it is -Inf if sum x² is 0.
	SQNR float64

	Clipped int // number of elements whose code was clamped to the grid
}

// set sets all fields of m except SQNR from the sums of the errors of n elements.
func (m *Metrics) set(t *tally, n float64) {
	m.N = int(n)
	m.MAE = t.abs / n
	m.RMSE = math.Sqrt(t.sq / n)
	m.MaxError = float64(t.max)
	m.Clipped = t.clipped
}
