package report

import (
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/internal/exact"
)

// params returns the scales and zero points that the channel at a place in the
// results is quantized with.
func (t *Tensor) params(r *Result, place int) ([]float32, []int32) {
	switch {
	case t.kept == nil:
		return t.pick(r.Scheme, r.Scale, r.ZeroPoint, place)
	case r.Scheme.Granularity == option.PerChannel:
		return r.Scale[place : place+1], r.ZeroPoint[place : place+1]
	}
	return r.Scale, r.ZeroPoint
}

// pick returns those of a tensor's scales and zero points that a channel is
// quantized with.
func (t *Tensor) pick(s Scheme, scale []float32, zero []int32, channel int) ([]float32, []int32) {
	switch {
	case s.Granularity == option.PerTensor || t.Axis == nil:
		return scale, zero
	case s.Granularity == option.PerChannel:
		return scale[channel : channel+1], zero[channel : channel+1]
	}
	// Parameters of groups are in row-major order. Their shape is that of the tensor, with the
	// number of groups as the length of the groups' axis. If groups run along the axis of the
	// channels, several channels share a parameter; otherwise each channel has its own.
	shape := append([]int(nil), t.Shape...)
	group, size := *s.Axis, *s.GroupSize
	shape[group] = exact.Parts(shape[group], size)
	at := channel
	if group == *t.Axis {
		at /= size
	}
	inner := int(elements(shape[*t.Axis+1:]))
	var scales []float32
	var zeros []int32
	for from := at * inner; from < len(scale); from += inner * shape[*t.Axis] {
		scales = append(scales, scale[from:from+inner]...)
		zeros = append(zeros, zero[from:from+inner]...)
	}
	return scales, zeros
}
