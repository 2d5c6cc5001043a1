package graph

import (
	"context"
	"math"
	"slices"

	"github.com/a01592f9/quant/cmd/internal/report"
)

const (
	// allElements and allChannels are how many are drawn one and all.
	allElements = 4000
	allChannels = 400

	// stretches is how many parts more than that are cut into. Of each the
	// extremes are drawn: of elements up to five, of channels up to six.
	elementStretches = 800
	channelStretches = 100
)

// setElements picks the elements to draw, and rebuilds them under every scheme.
func (g *Graph) setElements(ctx context.Context, v *tensor, t *report.Tensor) error {
	n := len(v.data)
	e := &g.Elements
	e.Total, e.PerChannel = int64(n), v.perChannel()

	if n > allElements {
		pick := newExtremes(n, elementStretches)
		for p := range n {
			pick.add(p, v.data[v.index(p)])
		}
		e.Position = append(e.Position, pick.lowest...)
		e.Position = append(e.Position, pick.highest...)
	}
	// The elements of the largest errors are only known when all are rebuilt.
	back := make([]float32, n)
	memory := new(codes)
	for i := range t.Results {
		if n <= allElements {
			break
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := v.rebuild(back, memory, &t.Results[i], t.Axis == nil); err != nil {
			return err
		}
		pick := newExtremes(n, elementStretches)
		for p := range n {
			k := v.index(p)
			pick.add(p, abs(back[k]-v.data[k]))
		}
		e.Position = append(e.Position, pick.highest...)
	}
	if n <= allElements {
		e.Position = all(n)
	}
	slices.Sort(e.Position)
	e.Position = slices.Compact(e.Position)

	e.Index = make([]int, len(e.Position))
	e.Original = make(report.Floats, len(e.Position))
	for i, p := range e.Position {
		e.Index[i] = v.index(p)
		e.Original[i] = v.data[e.Index[i]]
	}
	for i := range t.Results {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := v.rebuild(back, memory, &t.Results[i], t.Axis == nil); err != nil {
			return err
		}
		r := Rebuilt{make(report.Floats, len(e.Index)), make(report.Floats, len(e.Index))}
		for j, k := range e.Index {
			r.Reconstructed[j] = back[k]
			r.Error[j] = back[k] - v.data[k]
		}
		e.Schemes = append(e.Schemes, r)
	}
	return nil
}

// setChannels picks the channels to draw.
func (g *Graph) setChannels(t *report.Tensor) {
	c := &g.Channels
	c.Total = t.Channels
	if t.Channels <= allChannels {
		c.Shown = all(t.Channels)
		return
	}
	for _, r := range t.Results {
		pick := newExtremes(t.Channels, channelStretches)
		for i, ch := range r.Channels {
			pick.add(i, float32(ch.RMSE))
		}
		c.Shown = append(c.Shown, pick.lowest...)
		c.Shown = append(c.Shown, pick.highest...)
	}
	slices.Sort(c.Shown)
	c.Shown = slices.Compact(c.Shown)
}

func all(n int) []int {
	index := make([]int, n)
	for i := range index {
		index[i] = i
	}
	return index
}

// extremes finds where in each of equal stretches of n values the lowest and
// the highest is: of equals the first.
type extremes struct {
	n, stretches    int
	lowest, highest []int
	low, high       []float32
}

func newExtremes(n, stretches int) *extremes {
	e := &extremes{n: n, stretches: stretches}
	e.lowest, e.highest = make([]int, stretches), make([]int, stretches)
	e.low, e.high = make([]float32, stretches), make([]float32, stretches)
	for i := range stretches {
		first := int((int64(i)*int64(n) + int64(stretches) - 1) / int64(stretches))
		e.lowest[i], e.highest[i] = first, first
		e.low[i], e.high[i] = float32(math.Inf(1)), float32(math.Inf(-1))
	}
	return e
}

func (e *extremes) add(i int, x float32) {
	s := int(int64(i) * int64(e.stretches) / int64(e.n))
	if x < e.low[s] {
		e.low[s], e.lowest[s] = x, i
	}
	if x > e.high[s] {
		e.high[s], e.highest[s] = x, i
	}
}

func abs(x float32) float32 { return float32(math.Abs(float64(x))) }
