package graph

import (
	"math"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// A Histogram counts the values of one channel, and has the grid that they
// are rounded to. Bin i counts what is from Edges[i] up to below Edges[i+1];
// the last one also what is at its upper edge.
type Histogram struct {
	Channel int       `json:"channel"`
	Edges   []float64 `json:"edges"`
	Counts  []int     `json:"counts"`
	Grids   []Grid    `json:"grids"` // in the order of the report's results
}

// A Grid is the codes of the channel and what they stand for, as far as they
// lie among its values; Total is how many do. If they are too many to tell
// apart in a graph, Codes and Levels are empty. Where several scales serve the
// channel there is no one grid: then Scale and ZeroPoint are null.
type Grid struct {
	Scale     *report.Float `json:"scale"`
	ZeroPoint *int32        `json:"zero_point"`
	Total     int           `json:"total"`
	Codes     []int         `json:"codes"`
	Levels    report.Floats `json:"levels"`
}

const (
	mostBins   = 60
	mostLevels = 512
)

func (g *Graph) setHistogram(v *tensor, t *report.Tensor, channel int) error {
	h := &g.Histogram
	h.Channel = channel
	lo, hi := float64(t.Results[0].Channels[channel].Min), float64(t.Results[0].Channels[channel].Max)
	n := v.perChannel()
	bins := min(mostBins, max(1, int(math.Ceil(2*math.Cbrt(float64(n)))))) // Rice's rule
	low, high := lo, hi
	if lo == hi {
		// All the same: one bar about the value.
		half := max(math.Abs(lo)/2, 0.5)
		low, high, bins = lo-half, hi+half, 1
	}
	for i := range bins + 1 {
		h.Edges = append(h.Edges, low+(high-low)*float64(i)/float64(bins))
	}
	h.Counts = make([]int, bins)
	for i := range n {
		x := float64(v.data[v.index(channel*n+i)])
		bin := int((x - low) / (high - low) * float64(bins))
		h.Counts[min(bin, bins-1)]++
	}
	for i := range t.Results {
		grid, err := gridOf(v, &t.Results[i], channel, float32(lo), float32(hi), t.Axis == nil)
		if err != nil {
			return err
		}
		h.Grids = append(h.Grids, grid)
	}
	return nil
}

// gridOf returns the grid of a channel among its values, from lo to hi, and
// one code beyond on either side.
func gridOf(v *tensor, r *report.Result, channel int, lo, hi float32, vector bool) (Grid, error) {
	grid := Grid{Codes: []int{}, Levels: report.Floats{}}
	at := 0
	switch {
	case len(r.Scale) == 1:
	case r.Scheme.Granularity == report.PerChannel:
		at = channel
	default:
		return grid, nil
	}
	s := v.schemeOf(r.Scheme, vector)
	s.Granularity = quant.PerTensor
	p := quant.Params{Scheme: s, Scale: r.Scale[at : at+1], ZeroPoint: r.ZeroPoint[at : at+1]}
	scale := report.Float(p.Scale[0])
	grid.Scale, grid.ZeroPoint = &scale, &p.ZeroPoint[0]

	// The ends of the range tell which codes lie in it.
	first, last, err := endCodes([]float32{lo, hi}, p)
	if err != nil {
		return grid, err
	}
	qmin, qmax := s.Grid()
	grid.Total = last - first + 1
	first, last = max(qmin, first-1), min(qmax, last+1)
	if last-first+1 > mostLevels {
		return grid, nil
	}
	for q := first; q <= last; q++ {
		grid.Codes = append(grid.Codes, q)
	}
	grid.Levels, err = levels(grid.Codes, p)
	return grid, err
}

// endCodes returns the codes of two values.
func endCodes(ends []float32, p quant.Params) (first, last int, err error) {
	t := quant.Tensor{Data: ends}
	if p.Scheme.Unsigned {
		var q [2]uint16
		err = quant.QuantizeCodes(q[:], t, p)
		return int(q[0]), int(q[1]), err
	}
	var q [2]int16
	err = quant.QuantizeCodes(q[:], t, p)
	return int(q[0]), int(q[1]), err
}

// levels returns what codes stand for.
func levels(codes []int, p quant.Params) (report.Floats, error) {
	back := make(report.Floats, len(codes))
	if p.Scheme.Unsigned {
		return back, dequantize[uint16](back, codes, p)
	}
	return back, dequantize[int16](back, codes, p)
}

func dequantize[T int16 | uint16](back []float32, codes []int, p quant.Params) error {
	q := make([]T, len(codes))
	for i, c := range codes {
		q[i] = T(c)
	}
	return quant.DequantizeCodes(back, q, []int{len(q)}, p)
}
