// Package graph prepares what graphs of a comparison draw: values, errors, a
// histogram with the codes' grid, and what other bit widths would do. All of
// it comes from the library; whoever draws computes nothing.
//
// Large tensors are thinned so that a graph stays quick, and honest: of every
// stretch of elements or channels those stay that are extreme, so that no peak
// disappears. What is shown of how many is part of the result.
package graph

import (
	"context"
	"fmt"
	"math"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// A Graph is what the graphs of one tensor draw. docs/api.md describes its JSON.
type Graph struct {
	Elements  Elements  `json:"elements"`
	Channels  Channels  `json:"channels"`
	Histogram Histogram `json:"histogram"`
}

// Elements are values and errors, channel after channel: position p is in
// channel p/PerChannel.
type Elements struct {
	Total      int64         `json:"total"`
	PerChannel int           `json:"per_channel"` // elements in each channel
	Position   []int         `json:"position"`    // of those shown, ascending
	Index      []int         `json:"index"`       // their row-major index in the tensor
	Original   report.Floats `json:"original"`
	Schemes    []Rebuilt     `json:"schemes"` // in the order of the report's results
}

// Rebuilt is what a scheme makes of the elements shown.
type Rebuilt struct {
	Reconstructed report.Floats `json:"reconstructed"`
	Error         report.Floats `json:"error"` // reconstructed minus original
}

// Channels lists the channels to draw.
type Channels struct {
	Total int   `json:"total"`
	Shown []int `json:"shown"`
}

// A tensor is the data in the order of Elements.
type tensor struct {
	data                   []float32
	outer, channels, inner int
	shape                  []int // with which quant reads it
	axis                   int   // in that shape
}

func newTensor(data []float32, t *report.Tensor) (*tensor, error) {
	v := &tensor{data: data, outer: 1, channels: t.Channels, inner: 1, shape: t.Shape}
	if t.Axis == nil {
		v.shape = []int{1, len(data)} // one channel, as the report has it
	} else {
		v.axis = *t.Axis
	}
	for _, n := range v.shape[:v.axis] {
		v.outer *= n
	}
	for _, n := range v.shape[v.axis+1:] {
		v.inner *= n
	}
	if v.outer*v.channels*v.inner != len(data) || len(data) == 0 {
		return nil, fmt.Errorf("graph: %d elements are not those of shape %v", len(data), t.Shape)
	}
	return v, nil
}

func (v *tensor) perChannel() int { return v.outer * v.inner }

// index returns the row-major index of the element at a position.
func (v *tensor) index(position int) int {
	channel, in := position/v.perChannel(), position%v.perChannel()
	return (in/v.inner*v.channels+channel)*v.inner + in%v.inner
}

// schemeOf returns the library's scheme of a result, for a tensor of v's shape.
func (v *tensor) schemeOf(s report.Scheme, vector bool) quant.Scheme {
	out := quant.Scheme{Bits: s.Bits, Unsigned: s.Unsigned, NarrowRange: s.NarrowRange, ZeroInRange: s.ZeroInRange}
	if s.Mapping == quant.Symmetric.String() {
		out.Mapping = quant.Symmetric
	}
	axis := v.axis
	if s.Axis != nil {
		axis = *s.Axis
		if vector {
			axis++ // the only axis of the tensor is the second of [1, n]
		}
	}
	switch s.Granularity {
	case report.PerChannel:
		out.Granularity = quant.PerChannel(axis)
	case report.PerGroup:
		out.Granularity = quant.PerGroup(axis, *s.GroupSize)
	}
	return out
}

// Build prepares the graphs of a tensor from its data and its report. The
// histogram is that of the given channel; if that is negative, of the one to
// which a scale of its own brings most.
func Build(ctx context.Context, data []float32, t *report.Tensor, channel int) (*Graph, error) {
	v, err := newTensor(data, t)
	if err != nil {
		return nil, err
	}
	if channel < 0 {
		channel = mostGained(t)
	}
	if channel >= t.Channels {
		return nil, fmt.Errorf("there is no channel %d: they are 0 to %d", channel, t.Channels-1)
	}
	g := new(Graph)
	if err := g.setElements(ctx, v, t); err != nil {
		return nil, err
	}
	g.setChannels(t)
	if err := g.setHistogram(v, t, channel); err != nil {
		return nil, err
	}
	return g, nil
}

// mostGained returns the channel whose RMSE a scale of its own lowers by the
// largest factor; a channel without any error left counts by what it had.
func mostGained(t *report.Tensor) int {
	best, most := 0, -1.0
	for i, base := range t.Results[0].Channels {
		own := float64(t.Results[1].Channels[i].RMSE)
		factor := float64(base.RMSE) / own
		switch {
		case base.RMSE == 0:
			factor = 0
		case own == 0:
			factor = math.MaxFloat64 * float64(min(1, base.RMSE))
		}
		if factor > most {
			best, most = i, factor
		}
	}
	return best
}

// rebuild fills back with what the codes of v under result r stand for.
func (v *tensor) rebuild(back []float32, codes *codes, r *report.Result, vector bool) error {
	p := quant.Params{Scheme: v.schemeOf(r.Scheme, vector), Scale: r.Scale, ZeroPoint: r.ZeroPoint}
	if r.Scheme.Unsigned {
		return roundTrip(back, codes.unsigned(len(v.data)), v, p)
	}
	return roundTrip(back, codes.signed(len(v.data)), v, p)
}

func roundTrip[T int16 | uint16](back []float32, codes []T, v *tensor, p quant.Params) error {
	if err := quant.QuantizeCodes(codes, quant.Tensor{Data: v.data, Shape: v.shape}, p); err != nil {
		return err
	}
	return quant.DequantizeCodes(back, codes, v.shape, p)
}

// codes is memory for codes, reused from scheme to scheme.
type codes struct {
	s []int16
	u []uint16
}

func (c *codes) signed(n int) []int16 {
	if c.s == nil {
		c.s = make([]int16, n)
	}
	return c.s
}

func (c *codes) unsigned(n int) []uint16 {
	if c.u == nil {
		c.u = make([]uint16, n)
	}
	return c.u
}
