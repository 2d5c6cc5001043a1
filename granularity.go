package quant

import "fmt"

// A Granularity says which elements of a tensor share a scale and a zero point. The zero value is
// PerTensor. Granularities can be compared with ==.
type Granularity struct {
	unit unit
	axis int // of PerBlock, the second axis
	size int // the length of a group, or of a block along axis

	// The first axis of a block, and the length of the block along it.
	axis0, size0 int
}

// A unit is the kind of a Granularity.
type unit uint8

const (
	perTensor unit = iota
	perChannel
	perGroup
	perBlock
)

// PerTensor gives the whole tensor one scale and one zero point.
var PerTensor = Granularity{}

// PerChannel gives every index of an axis its own scale and zero point. A negative axis counts
// from the end: -1 is the last axis. The weights of a PyTorch layer have their output channels on
// axis 0, or on axis 1 for a transposed convolution. The weights of an ONNX MatMul have them on
// axis -1.
func PerChannel(axis int) Granularity { return Granularity{unit: perChannel, axis: axis} }

// PerGroup divides an axis into groups of size consecutive indices; the last group may be
// shorter. Every group, at every position of the other axes, has its own scale and zero point.
// The parameters are in row-major order of the tensor's shape, with the length of the axis
// replaced by the number of groups. ONNX calls this blocked quantization.
func PerGroup(axis, size int) Granularity {
	return Granularity{unit: perGroup, axis: axis, size: size}
}

// PerBlock divides axis0 into pieces of size0 consecutive indices, and axis1 into pieces of
// size1; the last piece of an axis may be shorter. Every block of size0 by size1 elements, at
// every position of the other axes, has its own scale and zero point. One of the two axes must be
// the last axis of the tensor. The parameters are in row-major order of the tensor's shape, with
// the lengths of both axes replaced by their numbers of blocks. The FP8 weights of DeepSeek-V3
// have PerBlock(0, 128, 1, 128).
func PerBlock(axis0, size0, axis1, size1 int) Granularity {
	return Granularity{unit: perBlock, axis: axis1, size: size1, axis0: axis0, size0: size0}
}

// Axis returns the axis of PerChannel or PerGroup as it was given. ok is false for PerTensor, and
// for PerBlock, which has two axes.
func (g Granularity) Axis() (axis int, ok bool) {
	if g.unit == perBlock {
		return 0, false
	}
	return g.axis, g.unit != perTensor
}

// GroupSize returns the size of PerGroup. ok is false for other granularities.
func (g Granularity) GroupSize() (size int, ok bool) {
	if g.unit != perGroup {
		return 0, false
	}
	return g.size, true
}

// Block returns the axes and the sizes of PerBlock as they were given. ok is false for other
// granularities.
func (g Granularity) Block() (axis0, size0, axis1, size1 int, ok bool) {
	if g.unit != perBlock {
		return 0, 0, 0, 0, false
	}
	return g.axis0, g.size0, g.axis, g.size, true
}

// Equal reports whether g and h are the same.
func (g Granularity) Equal(h Granularity) bool { return g == h }

// String returns "per tensor", "per channel (axis 0)", "per group of 32 (axis -1)" or "per
// block of 128x128 (axes -2 and -1)".
func (g Granularity) String() string {
	switch g.unit {
	case perChannel:
		return fmt.Sprintf("per channel (axis %d)", g.axis)
	case perGroup:
		return fmt.Sprintf("per group of %d (axis %d)", g.size, g.axis)
	case perBlock:
		return fmt.Sprintf("per block of %dx%d (axes %d and %d)", g.size0, g.size, g.axis0, g.axis)
	}
	return "per tensor"
}

// validate returns an error wrapping ErrGroupSize if a size is not positive.
func (g Granularity) validate() error {
	switch {
	case g.unit >= perGroup && g.size <= 0:
		return fmt.Errorf("%w: %d is not positive", ErrGroupSize, g.size)
	case g.unit == perBlock && g.size0 <= 0:
		return fmt.Errorf("%w: %d is not positive", ErrGroupSize, g.size0)
	}
	return nil
}

// blockAxes returns the axes of PerBlock and the sizes along them, for a tensor with rank axes.
// The axes count from the front, and axis1 is the last axis of the tensor. An error wraps
// ErrAxis.
func (g Granularity) blockAxes(rank int) (axis0, size0, axis1, size1 int, err error) {
	size0, size1 = g.size0, g.size
	if axis0, err = checkAxis(g.axis0, rank); err != nil {
		return 0, 0, 0, 0, err
	}
	if axis1, err = checkAxis(g.axis, rank); err != nil {
		return 0, 0, 0, 0, err
	}
	if axis0 > axis1 {
		axis0, size0, axis1, size1 = axis1, size1, axis0, size0
	}
	switch {
	case axis0 == axis1:
		err = fmt.Errorf("%w: both axes of a block are axis %d", ErrAxis, axis0)
	case axis1 != rank-1:
		err = fmt.Errorf("%w: a block of axes %d and %d of a tensor with %d, of which one must be the last", ErrAxis, axis0, axis1, rank)
	}
	return axis0, size0, axis1, size1, err
}

// checkAxis returns axis counted from the front, for a tensor with rank axes. A tensor without a
// shape has the rank 0 and one axis. An error wraps ErrAxis.
func checkAxis(axis, rank int) (int, error) {
	rank = max(rank, 1)
	if axis < -rank || axis >= rank {
		return 0, fmt.Errorf("%w: axis %d of a tensor with %d", ErrAxis, axis, rank)
	}
	return (axis + rank) % rank, nil
}
