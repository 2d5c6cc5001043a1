package report

import (
	"fmt"

	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// The values of Tensor.AxisFrom.
const (
	AxisAsked   = "option"  // somebody asked for it
	AxisFile    = "file"    // the file tells, by the operator that uses the tensor
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

// told reports whether the file tells an axis that the tensor has.
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
		// There is one channel, whatever axis is asked for, if only it exists.
		if axis != 0 && axis != -1 {
			return 0, axisError(axis, j.info.Shape)
		}
		return 0, nil
	}
	return fromFront(axis, j.shape)
}

// groupAxis returns the axis along which groups run: want, or else the longest
// one besides that of the channels, and of equals the last, whose elements lie
// closest together.
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
	return fmt.Errorf("there is no axis %d in shape %s", axis, shapeText(shape))
}

// why says in a word or two where the axis comes from: "Conv", "asked for".
func (t *Tensor) why() string {
	switch {
	case t.AxisFrom == AxisAsked && t.Use != "":
		return "asked for; " + Clean(t.Use)
	case t.AxisFrom == AxisAsked:
		return "asked for"
	}
	return Clean(t.Use) // the operator that has it there, if any is known
}

// UseText is the operator that uses the tensor and the axis of the channels, as
// "Conv 0"; an axis that neither the file nor the user named is "0".
func (t *Tensor) UseText() string {
	switch {
	case t.Axis == nil:
		return Clean(t.Use)
	case t.Use == "":
		return fmt.Sprint(*t.Axis)
	}
	return fmt.Sprintf("%s %d", Clean(t.Use), *t.Axis)
}
