// Package summary adds up the errors of many tensors, and says in a sentence what a scheme gains.
// The reports of the tool and those of the pipelines of Apache Beam have the same numbers and
// sentences from it.
package summary

import "math"

// ErrorSums are the sums of the errors of several tensors under several schemes.
type ErrorSums struct {
	signal  float64   // Σx² of the tensors for which it is known
	noise   []float64 // Σe² under each scheme
	mean    []float64 // sums of finite SQNR
	counted []int     // numbers of finite SQNR
}

// NewErrorSums returns sums of no tensors for the given number of schemes.
func NewErrorSums(schemes int) *ErrorSums {
	return &ErrorSums{noise: make([]float64, schemes), mean: make([]float64, schemes), counted: make([]int, schemes)}
}

// Add adds a tensor of n elements. of returns its RMSE and its SQNR under each scheme. Σx² follows
// from any finite SQNR. If no scheme has one, Σx² of the tensor is left out.
func (s *ErrorSums) Add(n int64, of func(k int) (rmse, sqnr float64)) {
	s.AddWeighted(float64(n), of)
}

// AddWeighted is Add for a tensor whose squared errors are weighted. total is the sum of the
// weights of all elements, and of returns the weighted RMSE and SQNR under each scheme.
func (s *ErrorSums) AddWeighted(total float64, of func(k int) (rmse, sqnr float64)) {
	signal := 0.0
	for k := range s.noise {
		rmse, sqnr := of(k)
		noise := total * rmse * rmse
		s.noise[k] += noise
		if math.IsInf(sqnr, 0) || math.IsNaN(sqnr) {
			continue
		}
		s.mean[k] += sqnr
		s.counted[k]++
		if signal == 0 {
			signal = noise * math.Pow(10, sqnr/10)
		}
	}
	s.signal += signal
}

// Squares returns the sum of e² over all tensors under scheme k.
func (s *ErrorSums) Squares(k int) float64 { return s.noise[k] }

// SQNR returns the SQNR of all values together under scheme k, in dB. It is +Inf without errors.
func (s *ErrorSums) SQNR(k int) float64 {
	if s.noise[k] == 0 {
		return math.Inf(1)
	}
	return Steady(10 * math.Log10(s.signal/s.noise[k]))
}

// MeanSQNR returns the mean of the finite SQNR of tensors under scheme k, in dB. It is +Inf if there
// are none.
func (s *ErrorSums) MeanSQNR(k int) float64 {
	if s.counted[k] == 0 {
		return math.Inf(1)
	}
	return Steady(s.mean[k] / float64(s.counted[k]))
}

// Steady rounds x to six decimals. The logarithms of different machines agree to that.
func Steady(x float64) float64 {
	if y := math.Round(x*1e6) / 1e6; !math.IsNaN(y) {
		return y
	}
	return x
}
