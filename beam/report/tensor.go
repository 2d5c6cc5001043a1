package report

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/a01592f9/quant"
)

// A Tensor is a tensor of a source, as the header of its file describes it.
type Tensor struct {
	Name     string
	DType    string // in the file, as F32
	Shape    []int
	Bytes    int64 // in the file, uncompressed
	Floating bool  // of a type that is read
}

// elements returns the product of a shape.
func elements(shape []int) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= int64(d)
	}
	return n
}

// dims returns a shape that is not nil, so that the JSON of a scalar's is [].
func dims(shape []int) []int {
	if shape == nil {
		return []int{}
	}
	return shape
}

// Left returns why a tensor is not compared, or "". Alone says that it is the
// only one of its source, or that its name was spelled out.
func (t Tensor) Left(alone bool) string {
	switch {
	case !t.Floating:
		return t.DType + " is not a floating-point type"
	case elements(t.Shape) == 0:
		return "no elements"
	case len(t.Shape) < 2 && !alone:
		return "fewer than two dimensions"
	}
	return ""
}

// vector reports whether a tensor is one channel.
func (t Tensor) vector() bool { return len(t.Shape) < 2 }

// shape returns the shape that is compared: a vector is [1, n].
func (t Tensor) shape() []int {
	if t.vector() {
		return []int{1, int(elements(t.Shape))}
	}
	return t.Shape
}

// axis returns the axis of the channels, from the front.
func (t Tensor) axis(want *int) (int, error) {
	axis := 0
	if want != nil {
		axis = *want
	}
	if !t.vector() {
		return fromFront(axis, t.Shape)
	}
	if axis != 0 && axis != -1 {
		return 0, axisError(axis, t.Shape)
	}
	return 0, nil
}

// groupAxis returns the axis along which groups run: want, or else the longest
// besides that of the channels, and of equals the last.
func (t Tensor) groupAxis(channels int, want *int) (int, error) {
	if want != nil && t.vector() {
		if *want != 0 && *want != -1 {
			return 0, axisError(*want, t.Shape)
		}
		return 1, nil
	}
	shape := t.shape()
	if want != nil {
		return fromFront(*want, shape)
	}
	best := -1
	for i, n := range shape {
		if i != channels && (best < 0 || n >= shape[best]) {
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
	words := make([]string, len(shape))
	for i, d := range shape {
		words[i] = strconv.Itoa(d)
	}
	text := strings.Join(words, "×")
	if len(shape) == 0 {
		text = "scalar"
	}
	return fmt.Errorf("there is no axis %d in shape %s", axis, text)
}

// axisFrom says where the axis of the channels comes from.
func axisFrom(want *int) string {
	if want != nil {
		return "option"
	}
	return "default"
}

// Reason says what went wrong with a tensor, in words that follow its name.
func (t Tensor) Reason(err error, axis *int) string {
	var bad *quant.NotFiniteError
	if !errors.As(err, &bad) {
		return clean(err)
	}
	channel, of := bad.Channel, ""
	if a, err := t.axis(axis); err == nil {
		if shape := t.shape(); channel < 0 {
			channel = bad.Index / int(elements(shape[a+1:])) % shape[a]
		}
		if a > 0 {
			of = fmt.Sprintf(" of axis %d", a)
		}
	}
	value := "NaN"
	if !math.IsNaN(float64(bad.Value)) {
		value = fmt.Sprintf("%+f", bad.Value)
	}
	return fmt.Sprintf("%s in channel %d%s, at index %d", value, channel, of, bad.Index)
}
