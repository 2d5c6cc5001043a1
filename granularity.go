package quant

import "fmt"

// A Granularity says which elements of a tensor share a scale and a zero
// point. Its zero value is PerTensor. Granularities can be compared with ==.
type Granularity struct {
	unit unit
	axis int
	size int // of a group, or of a block along axis

	// The first axis of a block, and the size of the block along it.
	axis0, size0 int
}

type unit uint8

const (
	perTensor unit = iota
	perChannel
	perGroup
	perBlock
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
func PerGroup(axis, size int) Granularity {
	return Granularity{unit: perGroup, axis: axis, size: size}
}

// PerBlock cuts two axes, axis0 into pieces of size0 consecutive indices and axis1 into pieces
// of size1, and gives every block of size0 by size1 elements, at every position of the other
// axes, its own scale and zero point. The last block of an axis may be shorter. One of the two
// axes must be the last of the tensor. Parameters are in row-major order of the tensor's shape
// with the lengths of both axes replaced by their numbers of blocks. The FP8 weights of
// DeepSeek-V3 have PerBlock(0, 128, 1, 128).
func PerBlock(axis0, size0, axis1, size1 int) Granularity {
	return Granularity{unit: perBlock, axis: axis1, size: size1, axis0: axis0, size0: size0}
}

// Axis returns the axis of PerChannel or PerGroup as it was given; ok is false
// for PerTensor, and for PerBlock, which has two.
func (g Granularity) Axis() (axis int, ok bool) {
	if g.unit == perBlock {
		return 0, false
	}
	return g.axis, g.unit != perTensor
}

// GroupSize returns the size of PerGroup; ok is false for the others.
func (g Granularity) GroupSize() (size int, ok bool) {
	if g.unit != perGroup {
		return 0, false
	}
	return g.size, true
}

// Block returns the axes and the sizes of PerBlock as they were given; ok is false for the
// others.
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

// validate returns an error for a size that is not positive.
func (g Granularity) validate() error {
	switch {
	case g.unit >= perGroup && g.size <= 0:
		return fmt.Errorf("%w: %d is not positive", ErrGroupSize, g.size)
	case g.unit == perBlock && g.size0 <= 0:
		return fmt.Errorf("%w: %d is not positive", ErrGroupSize, g.size0)
	}
	return nil
}

// blockAxes returns the axes of a block and its sizes along them, counted from the front of rank
// axes, the last axis as the second.
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
