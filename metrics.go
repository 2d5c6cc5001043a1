package quant

import "math"

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

// metrics returns what the sums over n elements come to, squares being sum x².
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
		m.SQNR = decibels(squares / t.sq)
	}
	return m
}

// decibels returns 10*log10(v) for v ≥ 0. It is math.Log10 but for its last
// bits, which differ between architectures there.
//
// With v = m * 2^k and m in [sqrt(1/2), sqrt(2)), ln m = 2*artanh(s), where
// s = (m-1)/(m+1) and artanh(s) = s + s³/3 + s⁵/5 + … The first term left out
// is below 2^-57 of the sum. Products are converted so that none is fused.
func decibels(v float64) float64 {
	if v == 0 || math.IsInf(v, 1) {
		return 10 * math.Log10(v)
	}
	k, a := artanh(v)
	const log2, perNeper = 10 * (math.Ln2 / math.Ln10), 20 / math.Ln10
	return float64(float64(k)*log2) + float64(a*perNeper)
}

// artanh returns k, and artanh(s) for the m that belongs to it.
func artanh(v float64) (k int, a float64) {
	m, k := math.Frexp(v)
	if m < math.Sqrt2/2 {
		m *= 2
		k--
	}
	s := (m - 1) / (m + 1)
	s2 := float64(s * s)
	sum := 0.0
	for i := 23; i >= 1; i -= 2 {
		sum = float64(sum*s2) + 1/float64(i)
	}
	return k, float64(s * sum)
}

// logarithm returns ln v for a normal v > 0, by the same sum.
func logarithm(v float64) float64 {
	k, a := artanh(v)
	return float64(float64(k)*math.Ln2) + float64(2*a)
}
