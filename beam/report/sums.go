package report

import "math"

// errorSums adds up the errors of several tensors under several schemes.
type errorSums struct {
	signal  float64   // Σx² of the tensors of which any scheme loses something
	noise   []float64 // Σe² under each scheme
	mean    []float64 // sums of finite ratios
	counted []int     // of how many
}

func newErrorSums(schemes int) *errorSums {
	return &errorSums{noise: make([]float64, schemes), mean: make([]float64, schemes), counted: make([]int, schemes)}
}

// add adds a tensor, whose Σx² follows from an error and a ratio.
func (s *errorSums) add(x *figures) {
	signal := 0.0
	for k := range x.Results {
		rmse, sqnr := float64(x.Results[k].RMSE), float64(x.Results[k].SQNR)
		noise := float64(x.Elements) * rmse * rmse
		s.noise[k] += noise
		if math.IsInf(sqnr, 0) {
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

// sqnr returns the ratio of all values together, in dB.
func (s *errorSums) sqnr(k int) float64 {
	if s.noise[k] == 0 {
		return math.Inf(1)
	}
	return steady(10 * math.Log10(s.signal/s.noise[k]))
}

// steady drops the digits in which the logarithms of machines differ.
func steady(x float64) float64 {
	if y := math.Round(x*1e6) / 1e6; !math.IsNaN(y) {
		return y
	}
	return x
}

// meanSQNR returns the mean over the tensors of which something is lost.
func (s *errorSums) meanSQNR(k int) float64 {
	if s.counted[k] == 0 {
		return math.Inf(1)
	}
	return steady(s.mean[k] / float64(s.counted[k]))
}
