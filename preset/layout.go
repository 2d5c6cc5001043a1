package preset

import (
	"fmt"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/exact"
)

// A layout divides the elements of a tensor by their parameters. It has the shape [outer, axis,
// inner]: axis is the length of the axis of the granularity, and outer and inner are the products
// of the lengths before and after it.
type layout struct {
	outer, axis, inner int
	size               int  // number of indices of a group; 0 if there are no groups
	groups             int  // number of groups along the axis
	channels           bool // each index of the axis is a channel
	params             int  // number of parameters
}

// newLayout returns the layout of n elements with the given shape. Errors are those of
// Calibrate.
func newLayout(p *Preset, n int, shape []int) (layout, error) {
	if len(shape) == 0 {
		shape = []int{n}
	}
	s := p.Scheme
	if err := noBlock(s.Granularity); err != nil {
		return layout{}, err
	}
	params, err := s.NumParams(shape)
	if err != nil {
		return layout{}, err
	}
	elements := 1
	for _, d := range shape {
		elements *= d
	}
	if elements != n {
		return layout{}, fmt.Errorf("%w: %v has %d elements, and there are %d", quant.ErrShape, shape, elements, n)
	}
	l := layout{outer: 1, axis: 1, inner: n, params: params}
	axis, ok := s.Granularity.Axis()
	if !ok {
		return l, nil
	}
	if axis < 0 {
		axis += len(shape)
	}
	l.inner = 1
	for i, d := range shape {
		switch {
		case i < axis:
			l.outer *= d
		case i > axis:
			l.inner *= d
		}
	}
	l.axis = shape[axis]
	if l.size, ok = s.Granularity.GroupSize(); !ok {
		l.channels = true
		return l, nil
	}
	if p.whole && l.axis%l.size != 0 {
		return l, fmt.Errorf("%w: axis %d has %d elements, which %s cannot cut into groups of %d", quant.ErrGroupSize, axis, l.axis, p.Name, l.size)
	}
	l.groups = exact.Parts(l.axis, l.size)
	return l, nil
}

// each calls f for each run of consecutive elements with the same index of the axis, in order. A
// run is the elements from to end-1. Its element k has the parameter first + k*step.
func (l *layout) each(f func(from, end, first, step int)) {
	for o := range l.outer {
		for a := range l.axis {
			from := (o*l.axis + a) * l.inner
			switch {
			case l.size > 0:
				f(from, from+l.inner, (o*l.groups+a/l.size)*l.inner, 1)
			case l.channels:
				f(from, from+l.inner, a, 0)
			default:
				f(from, from+l.inner, 0, 0)
			}
		}
	}
}

// channelOf returns the channel of element i, or -1 if the layout has no channels.
func (l *layout) channelOf(i int) int {
	if !l.channels {
		return -1
	}
	return i / l.inner % l.axis
}
