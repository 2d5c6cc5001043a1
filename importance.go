package quant

import (
	"fmt"
	"math"
)

// An Importance says how much the squared error of each element of a tensor counts. It is for
// CalibrateWeighted and CompareWeighted.
//
// An element's importance depends on its place along an axis: usually the axis of a weight that
// a matrix product sums over, which is the last of a weight of the shape [out, in], and axis 0
// of an ONNX MatMul. If the importance of an input is the mean of its square over many
// activations, the weighted error is the mean squared error of the outputs of the layer, for
// inputs that are not correlated. llama.cpp calls such means an importance matrix.
//
// Only the ratios of importances matter.
type Importance struct {
	// Axis is the axis that Values belong to. It counts from the end if it is negative: -1 is
	// the last.
	Axis int

	// Values are finite and not negative; they may be 0. There are, in row-major order,
	//
	//   - one for each index of Axis,
	//   - one for each element of all axes from Axis on: for the inputs of a convolution with a
	//     weight of the shape [out, in, 3, 3] and Axis 1, in·9 values,
	//   - or one for each index of Axis in each matrix of the last two axes: for the experts of
	//     a weight of the shape [experts, out, in] and Axis 2, experts·in values.
	Values []float64
}

// Validate returns nil if i is valid for a tensor with the given shape. Otherwise the error
// wraps ErrImportance or ErrAxis, and names the index of a value that is not valid.
func (i Importance) Validate(shape []int) error {
	n, err := elements(shape)
	if err != nil {
		return err
	}
	_, err = i.weights(n, shape)
	return err
}

// weights are an Importance as the elements of a tensor see it.
type weights struct {
	matrix int // elements that have the same list of values
	inner  int // consecutive elements that have the same value
	length int // of a list
	values []float64
	equal  bool // whether all weights are the same
}

// weights checks i for a tensor of n elements.
func (i Importance) weights(n int, shape []int) (weights, error) {
	if len(shape) == 0 {
		shape = []int{n}
	}
	axis, err := checkAxis(i.Axis, len(shape))
	if err != nil {
		return weights{}, fmt.Errorf("%w (the axis of an importance)", err)
	}
	inner := 1
	for _, d := range shape[axis+1:] {
		inner *= d
	}
	length, matrix := shape[axis], n
	switch many := len(i.Values); {
	case many == length:
	case many == length*inner:
		inner, length = 1, many
	case axis >= len(shape)-2 && axis > 0 && many%length == 0 && many/length == n/(shape[len(shape)-2]*shape[len(shape)-1]):
		matrix = shape[len(shape)-2] * shape[len(shape)-1]
	default:
		if inner > 1 {
			return weights{}, fmt.Errorf("%w: %d values, but axis %d of %v has %d indices, of %d elements each", ErrImportance, len(i.Values), axis, cloneShape(shape), length, inner)
		}
		return weights{}, fmt.Errorf("%w: %d values, but axis %d of %v has %d indices", ErrImportance, len(i.Values), axis, cloneShape(shape), length)
	}
	most := 0.0
	w := weights{matrix: matrix, inner: inner, length: length, equal: true}
	for k, v := range i.Values {
		if !(v >= 0) || v > math.MaxFloat64 {
			return weights{}, fmt.Errorf("%w: %v at index %d is negative or not finite", ErrImportance, v, k)
		}
		w.equal = w.equal && v == i.Values[0]
		most = max(most, v)
	}
	// A power of two makes the largest at least 1/2 and less than 1, so that no sum overflows.
	_, exponent := math.Frexp(most)
	w.values = make([]float64, len(i.Values))
	for k, v := range i.Values {
		w.values[k] = math.Ldexp(v, -exponent)
	}
	return w, nil
}

// of returns the weight of element e.
func (w *weights) of(e int) float64 {
	return w.values[e/w.matrix*w.length+e/w.inner%w.length]
}
