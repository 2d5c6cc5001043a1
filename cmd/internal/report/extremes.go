package report

import (
	"maps"
	"slices"
)

// extremes collects, of each bin of n positions, those of the least and the
// greatest value of several curves.
type extremes struct {
	n, bins int
	keep    map[int]struct{}
}

func newExtremes(n, bins int) *extremes {
	return &extremes{n, bins, map[int]struct{}{0: {}, n - 1: {}}}
}

func (e *extremes) add(values []float32) {
	for b := range e.bins {
		from, to := bin(b, e.n, e.bins), bin(b+1, e.n, e.bins)
		lo, hi := from, from
		for p, v := range values[from:to] {
			if v < values[lo] {
				lo = from + p
			}
			if v > values[hi] {
				hi = from + p
			}
		}
		e.keep[lo], e.keep[hi] = struct{}{}, struct{}{}
	}
}

// bin returns where bin b of n positions begins.
func bin(b, n, bins int) int { return int(int64(b) * int64(n) / int64(bins)) }

func (e *extremes) positions() []int { return sortedKeys(e.keep) }

func sortedKeys[V any](m map[int]V) []int { return slices.Sorted(maps.Keys(m)) }

func upTo(n int) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	return p
}
