package quant

import (
	"fmt"
	"math"
)

// An Importance says how much the squared error of each element of a tensor counts. It is for
// CalibrateWeighted and CompareWeighted. Only the ratios of importances matter.
//
// The importance of an element depends on its index along an axis. Usually this is the axis of a
// weight that a matrix product sums over: the last axis of a weight of the shape [out, in], and
// axis 0 of an ONNX MatMul. Let the importance of an input be the mean of its square over many
// activations. Then the weighted error is proportional to the mean squared error of the outputs
// of the layer, if the inputs are not correlated. llama.cpp calls such means an importance
// matrix.
type Importance struct {
	// Axis is the axis that Values belong to. A negative axis counts from the end: -1 is the
	// last axis.
	Axis int

	// Values are finite and not negative; they may be 0. They are in row-major order, and their
	// number is
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

// weights gives the weight of each element of a tensor. The weights are the values of an
// Importance, multiplied by a power of two.
type weights struct {
	matrix int       // number of consecutive elements with the same list of values
	inner  int       // number of consecutive elements with the same value
	length int       // of a list
	values []float64 // the lists, one after the other
	equal  bool      // all weights are the same
}

// weights returns the weights of a tensor with n elements and the given shape. It returns an
// error wrapping ErrImportance or ErrAxis if i is not valid for the shape.
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
	// Multiply the values by a power of two, so that the largest is in [1/2, 1) and no sum
	// overflows.
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
