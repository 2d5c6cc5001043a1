package calibration

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// blockLen is how many elements of a tensor are read and observed at a time,
// unless it has more channels than that.
const blockLen = 1 << 17

// A cut is how a tensor is read in pieces that have all channels: whole rows of
// its outermost axes or, where those are too long, the same stretch of each
// channel. Any cut gives the same bits.
type cut struct {
	outer, axis, inner int // elements before, on, and behind the axis of the channels
	rows               int // of outer in a piece; 0 for stretches
	run                int // of inner in a piece, if it is one of stretches
	steps              int
	shape              []int // of a piece
	at                 int   // the axis of the channels; -1 if there is none
}

// newCut cuts a tensor for granularity g, which is not of groups.
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

// piece reads step i into buf, which it may replace by a longer one.
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

// observe observes the steps of a cut from one on up to another. After each it
// tells tick how many elements there were.
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

// placed is an error of an observer, which for values that are not finite says
// where the first of them is.
func (c *Calibration) placed(err error, src quant.Source, of []int) error {
	if errors.Is(err, quant.ErrNotFinite) {
		return notFinite(src, of, c.axis(of))
	}
	return err
}

// notFinite returns the first value that is not finite, in row-major order, of
// a tensor that has one: pieces are not read in that order.
func notFinite(src quant.Source, of []int, at int) error {
	n := 1
	for _, d := range of {
		n *= d
	}
	buf := make([]float32, min(n, blockLen))
	for off := 0; off < n; off += len(buf) {
		b := buf[:min(len(buf), n-off)]
		if err := src.ReadFloats(b, off); err != nil {
			return err
		}
		if i := slices.IndexFunc(b, bad); i >= 0 {
			return placed(b[i], off+i, of, at)
		}
	}
	return errors.New("it has changed while it was read")
}

func bad(v float32) bool { return v-v != 0 }

// placed says where a value that is not finite was found.
func placed(v float32, index int, of []int, at int) error {
	value := "NaN"
	if v == v {
		value = fmt.Sprintf("%+f", v)
	}
	if at < 0 {
		return fmt.Errorf("%s at index %d", value, index)
	}
	inner := 1
	for _, d := range of[at+1:] {
		inner *= d
	}
	return fmt.Errorf("%s in channel %d, at index %d", value, index/inner%of[at], index)
}

// stream observes the array that s is at, whose rows may be as long as they
// like but have to be read in full: a pipe is read once.
func (c *Calibration) stream(ctx context.Context, s *tensorfile.Stream, name string, of []int) error {
	t, err := c.find(name, "an earlier array", of)
	if err != nil {
		return err
	}
	o := c.observer(t)
	defer c.done(t, o)
	if c.wholesale() && elements(of) > mostHeld {
		return c.spooled(ctx, s, o, of)
	}
	cut := newCut(of, c.granularity())
	row := cut.axis * cut.inner
	step := row * max(1, blockLen/row)
	if c.wholesale() {
		step, cut.at = math.MaxInt, c.axis(of)
	} else if cut.at < 0 {
		step = blockLen
	}
	for off := 0; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		x, err := s.Read(step)
		if err != nil {
			return err
		}
		if len(x) == 0 {
			return nil
		}
		batch := quant.Tensor{Data: x, Shape: []int{len(x)}}
		switch {
		case c.wholesale():
			batch.Shape = of
		case cut.at >= 0:
			batch.Shape = slices.Clone(cut.shape)
			batch.Shape[cut.at] = cut.axis
			if cut.at > 0 {
				batch.Shape[0] = len(x) / row
			}
			if cut.at < len(of)-1 {
				batch.Shape[len(of)-1] = cut.inner
			}
		}
		if err := o.Observe(batch); err != nil {
			if errors.Is(err, quant.ErrNotFinite) {
				i := slices.IndexFunc(x, bad)
				err = placed(x[i], off+i, of, cut.at)
			}
			return err
		}
		off += len(x)
	}
}

// granularity is that of the scheme, if it has channels.
func (c *Calibration) granularity() quant.Granularity {
	if _, grouped := c.o.Scheme.Granularity.GroupSize(); grouped {
		return quant.PerTensor
	}
	return c.o.Scheme.Granularity
}

// wholesale reports whether a batch has to be observed in one piece: groups
// are numbered by their place in the tensor, and a moving average takes what it
// is given for a batch.
func (c *Calibration) wholesale() bool {
	_, grouped := c.o.Scheme.Granularity.GroupSize()
	return grouped || c.ordered()
}

// axis is that of the channels, from the front; -1 if there is none.
func (c *Calibration) axis(of []int) int {
	if axis, ok := c.granularity().Axis(); ok {
		return (axis + len(of)) % len(of)
	}
	return -1
}
