package graph

import (
	"context"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// A Sweep is what the schemes of a report would do at every bit width.
type Sweep struct {
	Bits    []int   `json:"bits"`    // 2 to 16
	Schemes []Curve `json:"schemes"` // in the order of the report's results
}

// A Curve has a number for every bit width of a sweep.
type Curve struct {
	Granularity string          `json:"granularity"`
	RMSE        []report.Number `json:"rmse"`
	SQNR        []report.Number `json:"sqnr_db"`
	TotalBytes  []int64         `json:"total_bytes"`
}

// NewSweep compares a tensor at every bit width, with all else as in its
// report. Progress is made, and ctx heeded, from width to width.
func NewSweep(ctx context.Context, data []float32, t *report.Tensor) (*Sweep, error) {
	v, err := newTensor(data, t)
	if err != nil {
		return nil, err
	}
	s := new(Sweep)
	schemes := make([]quant.Scheme, len(t.Results))
	for i, r := range t.Results {
		schemes[i] = v.schemeOf(r.Scheme, t.Axis == nil)
		s.Schemes = append(s.Schemes, Curve{Granularity: r.Scheme.Granularity})
	}
	var c quant.Comparison
	for bits := 2; bits <= 16; bits++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i := range schemes {
			schemes[i].Bits = bits
		}
		if err := quant.CompareInto(&c, quant.Tensor{Data: data, Shape: v.shape}, schemes...); err != nil {
			return nil, err
		}
		s.Bits = append(s.Bits, bits)
		for i, r := range c.Results {
			curve := &s.Schemes[i]
			curve.RMSE = append(curve.RMSE, report.Number(r.RMSE))
			curve.SQNR = append(curve.SQNR, report.Number(r.SQNR))
			curve.TotalBytes = append(curve.TotalBytes, r.Memory.Total())
		}
	}
	return s, nil
}
