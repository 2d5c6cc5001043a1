package quant

import "fmt"

// A Granularity says which elements of a tensor share a scale and a zero point. The zero value
// is PerTensor. Granularities can be compared with ==.
type Granularity struct {
	unit unit
	axis int
	size int // of a group
}

type unit uint8

const (
	perTensor unit = iota
	perChannel
	perGroup
)

// PerTensor gives the whole tensor one scale and one zero point.
var PerTensor = Granularity{}

// PerChannel gives every index of an axis its own scale and zero point. A
// negative axis counts from the end: -1 is the last. The weights of a PyTorch
// layer have their output channels on axis 0 (on axis 1 if it is a transposed
// convolution), those of an ONNX MatMul on axis -1.
func PerChannel(axis int) Granularity { return Granularity{unit: perChannel, axis: axis} }

// PerGroup cuts an axis into groups of size consecutive indices (the last may
// be shorter) and gives every group, at every position of the other axes, its
// own scale and zero point. Parameters are in row-major order of the tensor's
// shape with the axis' length replaced by the number of groups, as in ONNX's
// blocked quantization.
func PerGroup(axis, size int) Granularity { return Granularity{perGroup, axis, size} }

// Axis returns the axis of PerChannel or PerGroup as it was given; ok is false
// for PerTensor.
func (g Granularity) Axis() (axis int, ok bool) { return g.axis, g.unit != perTensor }

// GroupSize returns the size of PerGroup; ok is false for the others.
func (g Granularity) GroupSize() (size int, ok bool) { return g.size, g.unit == perGroup }

// Equal reports whether g and h are the same.
func (g Granularity) Equal(h Granularity) bool { return g == h }

// String returns "per tensor", "per channel (axis 0)" or "per group of 32 (axis -1)".
func (g Granularity) String() string {
	switch g.unit {
	case perChannel:
		return fmt.Sprintf("per channel (axis %d)", g.axis)
	case perGroup:
		return fmt.Sprintf("per group of %d (axis %d)", g.size, g.axis)
	}
	return "per tensor"
}
