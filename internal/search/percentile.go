package search

import "github.com/a01592f9/quant/internal/exact"

// The percentiles of values: the steps of a search for Tails and Magnitudes.

// mostSorted is the largest number of values that are sorted to find their percentiles.
const mostSorted = 1 << 11

// sortedTails returns the range of x without its k smallest and its k largest values. r is the
// range of x.
func (s *Search) sortedTails(x []float32, k uint64, r Range) Range {
	if k == 0 {
		return r
	}
	w := &s.sweep
	w.sort(x)
	return Range{Min: exact.PlusZero(float32(w.v[k])), Max: exact.PlusZero(float32(w.v[uint64(len(x))-1-k]))}
}

// sortedMagnitudes returns the range of x without the k values of the largest magnitudes. r is
// the range of x.
func (s *Search) sortedMagnitudes(x []float32, k uint64, r Range) Range {
	if k == 0 {
		return r
	}
	w := &s.sweep
	w.sort(x)
	i, j := 0, len(x)-1
	for ; k > 0; k-- { // the largest magnitude that is left is at one end
		if -w.v[i] > w.v[j] {
			i++
		} else {
			j--
		}
	}
	return Cut(r, float32(max(-w.v[i], w.v[j])))
}

// kth returns the element of x at index k in ascending order. s.hist must be the histogram of x.
func (s *Search) kth(x []float32, k uint64) float32 {
	s.exact.Begin(&s.hist, k, 16)
	s.exact.Add(x)
	s.exact.Next()
	return s.exact.Value()
}
