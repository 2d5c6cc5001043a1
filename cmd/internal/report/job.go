package report

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/internal/exact"
)

// A job is one tensor to compare. Its shape is that of the tensor, or
// [1, n] if it has one dimension (or none) and so is one channel.
type job struct {
	index    int
	info     tensorfile.Info
	shape    []int
	elements int64
	vector   bool
}

func newJob(index int, info tensorfile.Info) job {
	j := job{index: index, info: info, shape: info.Shape, elements: elements(info.Shape)}
	if len(info.Shape) < 2 {
		j.shape, j.vector = []int{1, int(j.elements)}, true
	}
	if j.info.Bytes == 0 {
		j.info.Bytes = 4 * j.elements
	}
	return j
}

// The values of Tensor.AxisFrom.
const (
	AxisAsked   = "option"  // somebody asked for it
	AxisFile    = "file"    // the file gives it, by the operator that uses the tensor
	AxisDefault = "default" // neither: axis 0
)

// axisFrom says where the axis of the channels comes from.
func (j job) axisFrom(o Options) string {
	switch {
	case o.Axis != nil:
		return AxisAsked
	case j.told():
		return AxisFile
	}
	return AxisDefault
}

// told reports whether the file gives an axis that the tensor has.
func (j job) told() bool {
	a := j.info.Axis
	return a != tensorfile.NoAxis && a >= 0 && a < len(j.info.Shape) && j.info.Use != ""
}

// axis returns the axis of the channels, counted from the front.
func (j job) axis(o Options) (int, error) {
	axis := 0
	switch {
	case o.Axis != nil:
		axis = *o.Axis
	case j.told() && !j.vector:
		axis = j.info.Axis
	}
	if j.vector {
		// There is one channel for every axis that exists.
		if axis != 0 && axis != -1 {
			return 0, axisError(axis, j.info.Shape)
		}
		return 0, nil
	}
	return fromFront(axis, j.shape)
}

// groupAxis returns the axis along which groups run: want, or else the longest axis besides that
// of the channels. If several are longest, it is the last, whose elements lie closest together.
func (j job) groupAxis(channels int, want *int) (int, error) {
	if want != nil && j.vector {
		if *want != 0 && *want != -1 {
			return 0, axisError(*want, j.info.Shape)
		}
		return 1, nil
	}
	if want != nil {
		return fromFront(*want, j.shape)
	}
	best := -1
	for i, n := range j.shape {
		if i != channels && (best < 0 || n >= j.shape[best]) {
			best = i
		}
	}
	return best, nil
}

func fromFront(axis int, shape []int) (int, error) {
	a := axis
	if a < 0 {
		a += len(shape)
	}
	if a < 0 || a >= len(shape) {
		return 0, axisError(axis, shape)
	}
	return a, nil
}

func axisError(axis int, shape []int) error {
	return fmt.Errorf("there is no axis %d in shape %s", axis, text.Shape(shape))
}

// Parts returns the numbers of channels and of groups (0 without a group size) of a tensor that is
// compared under o. The size of a report depends on them. No data is read. The error is an
// *OptionError.
func (o Options) Parts(info tensorfile.Info) (channels, groups int64, err error) {
	j := newJob(0, info)
	axis, err := j.axis(o)
	if err != nil {
		return 0, 0, &OptionError{"axis", err}
	}
	channels = int64(j.shape[axis])
	if o.GroupSize <= 0 {
		return channels, 0, nil
	}
	along, err := j.groupAxis(axis, o.GroupAxis)
	if err != nil {
		return 0, 0, &OptionError{"group_axis", err}
	}
	if n := int64(j.shape[along]); n > 0 {
		size := min(int64(o.GroupSize), n)
		groups = j.elements / n * exact.Parts(n, size)
	}
	return channels, groups, nil
}

// reason says what went wrong with a tensor, in words that follow its name.
func (j job) reason(err error, o Options) string {
	var bad *quant.NotFiniteError
	if !errors.As(err, &bad) {
		return afterName(err, j.info.Name)
	}
	channel, axis := bad.Channel, ""
	if a, err := j.axis(o); err == nil {
		if channel < 0 {
			channel = bad.Index / int(elements(j.shape[a+1:])) % j.shape[a]
		}
		if a > 0 {
			axis = fmt.Sprintf(" of axis %d", a)
		}
	}
	value := "NaN"
	if !math.IsNaN(float64(bad.Value)) {
		value = fmt.Sprintf("%+f", bad.Value)
	}
	return fmt.Sprintf("%s in channel %d%s, at index %d", value, channel, axis, bad.Index)
}

// afterName returns the text of an error without the name of the tensor and what is before it.
// Readers add the name, which reports add too.
func afterName(err error, name string) string {
	words := strings.TrimPrefix(err.Error(), "quant: ")
	if _, after, ok := strings.Cut(words, fmt.Sprintf("tensor %q: ", name)); ok {
		return after
	}
	return words
}

// elements returns the number of elements of a shape, whose product readers
// have checked.
func elements(shape []int) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= int64(d)
	}
	return n
}

// dims returns a shape that is not nil, so that a scalar's is [] in JSON.
func dims(shape []int) []int {
	if shape == nil {
		return []int{}
	}
	return shape
}
