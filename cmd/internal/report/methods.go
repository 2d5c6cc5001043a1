package report

import (
	"slices"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// MethodRanges are the ranges that the methods choose for a tensor, with one
// scale for all of it, over a histogram of its values.
type MethodRanges struct {
	Min    text.Float     `json:"min"`    // lower end of the first bin
	Max    text.Float     `json:"max"`    // upper end of the last bin
	Counts []int64        `json:"counts"` // of bins of equal width
	Ranges []MethodResult `json:"ranges"` // for each method
}

// A MethodResult has the range that one method chooses, and its errors.
type MethodResult struct {
	Method string     `json:"method"`
	From   text.Float `json:"from"` // what the lowest code stands for
	To     text.Float `json:"to"`   // and the highest
	Metrics
}

// Least returns the index of the method with the lowest of some errors.
func (m *MethodRanges) Least(of func(*MethodResult) text.Number) int {
	best := 0
	for i := range m.Ranges {
		if of(&m.Ranges[i]) < of(&m.Ranges[best]) {
			best = i
		}
	}
	return best
}

const methodBins = 160

// methodRanges compares the methods for a tensor.
func methodRanges(src *reading, t *Tensor, s quant.Scheme) (MethodRanges, error) {
	m := MethodRanges{Ranges: []MethodResult{}}
	all := option.Methods(99.9)
	if !slices.Contains(all, s.Method) {
		all = append(all, s.Method)
	}
	var schemes []quant.Scheme
	for _, s.Method = range all {
		if s.Validate() == nil { // some methods are for integers only
			schemes = append(schemes, s)
		}
	}
	c, err := quant.Stream{Source: src, Shape: t.job.shape}.Compare(schemes...)
	if err != nil {
		return m, err
	}
	h := Histogram{Min: t.Min, Max: t.Max, Counts: make([]int64, min(methodBins, max(8, t.Elements/4)))}
	if t.Min == t.Max {
		h.Counts = h.Counts[:1]
	}
	var mu sync.Mutex
	err = eachBlock(src, t.Elements, func(int) bool { return true }, func(_ int, values []float32) {
		own := make([]int64, len(h.Counts))
		for _, v := range values {
			own[h.bin(v)]++
		}
		mu.Lock()
		defer mu.Unlock()
		for i, n := range own {
			h.Counts[i] += n
		}
	})
	if err != nil {
		return m, err
	}
	m.Min, m.Max, m.Counts = h.Min, h.Max, h.Counts
	for i := range c.Results {
		r := &c.Results[i]
		from, to, err := ends(r.Scheme, r.Scale[0], r.ZeroPoint[0])
		if err != nil {
			return m, err
		}
		m.Ranges = append(m.Ranges, MethodResult{
			Method: r.Scheme.Method.String(), From: text.Float(from), To: text.Float(to), Metrics: metrics(r.Metrics),
		})
	}
	return m, nil
}
