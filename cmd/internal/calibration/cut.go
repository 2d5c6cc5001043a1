package calibration

import (
	"context"
	"slices"

	"github.com/a01592f9/quant"
)

// blockLen is the number of elements of a tensor that are read and observed at a time. A tensor
// with more channels has larger pieces.
const blockLen = 1 << 17

// A cut divides a tensor into pieces that have all channels. A piece is whole rows of the
// outermost axes or, if these are too long, the same part of each channel. The results do not
// depend on the cut.
type cut struct {
	outer, axis, inner int // lengths before, on and after the axis of the channels
	rows               int // number of outer indices in a piece; 0 if a piece is part of each channel
	run                int // number of inner indices in a piece that is part of each channel
	steps              int
	shape              []int // of a piece
	at                 int   // the axis of the channels in it; -1 if there is none
}

// newCut divides a tensor for the granularity g, which must not be PerGroup.
func newCut(of []int, g quant.Granularity) cut {
	c := cut{outer: 1, axis: 1, inner: 1, at: -1, shape: slices.Repeat([]int{1}, max(len(of), 2))}
	if axis, ok := g.Axis(); ok {
		if axis < 0 {
			axis += len(of)
		}
		c.at, c.axis = axis, of[axis]
		c.shape = slices.Repeat([]int{1}, len(of))
	}
	for i, n := range of {
		switch {
		case i < c.at:
			c.outer *= n
		case i > c.at:
			c.inner *= n
		}
	}
	if c.axis*c.inner <= blockLen {
		c.rows = min(c.outer, blockLen/(c.axis*c.inner))
		c.steps = (c.outer + c.rows - 1) / c.rows
	} else {
		c.run = min(c.inner, max(1, blockLen/c.axis))
		c.steps = c.outer * ((c.inner + c.run - 1) / c.run)
	}
	return c
}

// piece reads piece i into buf, or into new memory if buf is too short.
func (c *cut) piece(src quant.Source, buf []float32, i int, shape []int) (quant.Tensor, error) {
	copy(shape, c.shape)
	if c.at >= 0 {
		shape[c.at] = c.axis
	}
	if c.rows > 0 {
		first := i * c.rows
		rows := min(c.rows, c.outer-first)
		if c.at > 0 {
			shape[0] = rows
		}
		if c.at < len(shape)-1 {
			shape[len(shape)-1] = c.inner
		}
		buf = slices.Grow(buf[:0], rows*c.axis*c.inner)[:rows*c.axis*c.inner]
		return quant.Tensor{Data: buf, Shape: shape}, src.ReadFloats(buf, first*c.axis*c.inner)
	}
	perRow := (c.inner + c.run - 1) / c.run
	row, from := i/perRow, i%perRow*c.run
	run := min(c.run, c.inner-from)
	if c.at < len(shape)-1 {
		shape[len(shape)-1] = run
	}
	buf = slices.Grow(buf[:0], c.axis*run)[:c.axis*run]
	for k := range c.axis {
		if err := src.ReadFloats(buf[k*run:(k+1)*run], (row*c.axis+k)*c.inner+from); err != nil {
			return quant.Tensor{}, err
		}
	}
	return quant.Tensor{Data: buf, Shape: shape}, nil
}

// observe observes the pieces with the indices from up to to. After each piece it calls tick
// with the number of elements.
func (c *cut) observe(ctx context.Context, o *quant.Observer, src quant.Source, from, to int, tick func(n int)) error {
	var buf []float32
	shape := make([]int, len(c.shape))
	for i := from; i < to; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		t, err := c.piece(src, buf, i, shape)
		if err != nil {
			return err
		}
		if err := o.Observe(t); err != nil {
			return err
		}
		tick(len(t.Data))
		buf = t.Data
	}
	return nil
}

// elements returns the number of elements of a shape.
func elements(of []int) int {
	n := 1
	for _, d := range of {
		n *= d
	}
	return n
}
