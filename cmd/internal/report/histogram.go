package report

import (
	"math"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/text"
)

const maxGrid = 512 // values of a Grid

// A Histogram counts values in bins of equal width.
type Histogram struct {
	Channel *int       `json:"channel"` // nil for all values
	Min     text.Float `json:"min"`     // lower end of the first bin: the least value
	Max     text.Float `json:"max"`     // upper end of the last bin: the greatest value
	Counts  []int64    `json:"counts"`  // one bin where all values are the same
	Grids   []Grid     `json:"grids"`   // for each result
}

// A Grid has the real values that codes stand for, between the codes of the least and the
// greatest value of a histogram.
type Grid struct {
	Codes  int         `json:"codes"`  // how many; 0 if several scales make several grids
	Values text.Floats `json:"values"` // empty if there are more than 512
}

// newHistogram returns a histogram for n values. It has more bins for more values, up to 64.
func newHistogram(lo, hi text.Float, n int64) Histogram {
	bins := min(max(int(2*math.Cbrt(float64(n))), 8), 64)
	if lo == hi {
		bins = 1
	}
	return Histogram{Min: lo, Max: hi, Counts: make([]int64, bins)}
}

// bin returns the bin that a value belongs to.
func (h *Histogram) bin(x float32) int {
	n := len(h.Counts)
	if n == 1 {
		return 0
	}
	// In float64, where the range of float32 values cannot overflow.
	at := (float64(x) - float64(h.Min)) / (float64(h.Max) - float64(h.Min)) * float64(n)
	return min(max(int(at), 0), n-1)
}

// grid returns the values of the codes from that of lo to that of hi.
func grid(lo, hi text.Float, s quant.Scheme, scale []float32, zero []int32) (Grid, error) {
	g := Grid{Values: text.Floats{}}
	for i := range scale {
		if scale[i] != scale[0] || zero[i] != zero[0] {
			return g, nil
		}
	}
	if s.Format != quant.Integers {
		return formatGrid(lo, hi, s.Format, scale[0])
	}
	s.Granularity = quant.PerTensor
	p := quant.Params{Scheme: s, Scale: scale[:1], ZeroPoint: zero[:1]}
	var err error
	if s.Unsigned {
		err = gridAs[uint16](&g, lo, hi, p)
	} else {
		err = gridAs[int16](&g, lo, hi, p)
	}
	return g, err
}

func gridAs[T int16 | uint16](g *Grid, lo, hi text.Float, p quant.Params) error {
	ends := make([]T, 2)
	if err := quant.QuantizeCodes(ends, quant.Tensor{Data: []float32{float32(lo), float32(hi)}, Shape: []int{2}}, p); err != nil {
		return err
	}
	step := T(1)
	if g.Codes = int(ends[1]) - int(ends[0]) + 1; p.Scale[0] < 0 { // higher codes stand for lower values
		g.Codes = int(ends[0]) - int(ends[1]) + 1
		step = ^T(0)
	}
	if g.Codes > maxGrid {
		return nil
	}
	codes := make([]T, g.Codes)
	for i := range codes {
		codes[i] = ends[0] + T(i)*step
	}
	g.Values = make(text.Floats, g.Codes)
	return quant.DequantizeCodes(g.Values, codes, []int{g.Codes}, p)
}

// formatGrid is grid for a format that is not integers: the levels from that of lo
// to that of hi.
func formatGrid(lo, hi text.Float, f quant.Format, scale float32) (Grid, error) {
	g := Grid{Values: text.Floats{}}
	levels, err := formatLevels(f, scale)
	if err != nil {
		return g, err
	}
	p := quant.Params{Scheme: quant.Scheme{Format: f}, Scale: []float32{scale}, ZeroPoint: []int32{0}}
	codes, last := make([]uint8, 2), make([]float32, 2)
	if err := quant.QuantizeCodes(codes, quant.Tensor{Data: []float32{float32(lo), float32(hi)}, Shape: []int{2}}, p); err != nil {
		return g, err
	}
	if err := quant.DequantizeCodes(last, codes, []int{2}, p); err != nil {
		return g, err
	}
	for _, v := range levels {
		if v >= last[0] && v <= last[1] {
			g.Values = append(g.Values, v)
		}
	}
	g.Codes = len(g.Values)
	return g, nil
}
