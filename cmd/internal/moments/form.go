// Package moments knows the inputs of a model's layers by their second moments: the mean squares
// of input channels, or the mean products of any two of them. Errors of weights become errors of
// the outputs of layers, and weights can be rounded for small errors of outputs.
//
// The package has the files that quant calibrate keeps second moments in, the layers of ONNX
// models whose inputs can be observed, and the form of weights as matrices that package feedback
// of the library takes.
package moments

import (
	"fmt"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/exact"
)

// A Form says how a weight of any shape is the matrix [outputs, inputs] of a layer. An element of
// the matrix is an element of the weight, at another place if the axes have another order.
type Form struct {
	Shape []int // of the weight
	axes  []int // axes of the weight in the order of the matrix: those of outputs, then those of inputs
	outs  int   // how many axes are those of outputs
}

// NewForm returns the form of a weight whose axes in are those of the inputs, in the order in
// which the inputs are counted. All other axes are those of outputs.
func NewForm(shape []int, in ...int) Form {
	f := Form{Shape: shape}
	for a := range shape {
		if !slices.Contains(in, a) {
			f.axes = append(f.axes, a)
		}
	}
	f.outs = len(f.axes)
	f.axes = append(f.axes, in...)
	return f
}

// Outputs returns the number of outputs of the layer.
func (f Form) Outputs() int { return f.count(f.axes[:f.outs]) }

// Inputs returns the number of inputs of the layer.
func (f Form) Inputs() int { return f.count(f.axes[f.outs:]) }

func (f Form) count(axes []int) int {
	n := 1
	for _, a := range axes {
		n *= f.Shape[a]
	}
	return n
}

// plain reports whether the elements of the matrix are in the order of the weight.
func (f Form) plain() bool { return slices.IsSorted(f.axes) }

// places calls do with the index of each element in the matrix, in ascending order, and its index
// in the weight.
func (f Form) places(do func(matrix, weight int)) {
	stride := make([]int, len(f.Shape))
	n := 1
	for a := len(f.Shape) - 1; a >= 0; a-- {
		stride[a] = n
		n *= f.Shape[a]
	}
	at := make([]int, len(f.axes))
	weight := 0
	for matrix := range n {
		do(matrix, weight)
		for k := len(f.axes) - 1; k >= 0; k-- {
			a := f.axes[k]
			weight += stride[a]
			if at[k]++; at[k] < f.Shape[a] {
				break
			}
			weight -= at[k] * stride[a]
			at[k] = 0
		}
	}
}

// Matrix returns the elements x of the weight in the order of the matrix. The result may be x.
func (f Form) Matrix(x []float32) quant.Tensor {
	t := quant.Tensor{Data: x, Shape: []int{f.Outputs(), f.Inputs()}}
	if !f.plain() {
		t.Data = make([]float32, len(x))
		f.places(func(matrix, weight int) { t.Data[matrix] = x[weight] })
	}
	return t
}

// Weight returns the elements x of the matrix in the order of the weight. The result may be x.
func (f Form) Weight(x []float32) []float32 {
	if f.plain() {
		return x
	}
	y := make([]float32, len(x))
	f.places(func(matrix, weight int) { y[weight] = x[matrix] })
	return y
}

// A Layout is a Form for a scheme: groups of the weight are groups of consecutive inputs.
type Layout struct {
	Form
	Scheme quant.Scheme // of the matrix
	Order  []int        // the input of Form at each place of the layout; nil if they are the same

	of quant.Scheme // of the weight
}

// Layout returns the layout of f for a scheme of the weight. The error says why the scheme has no
// parameters for outputs, or for outputs and groups of inputs.
func (f Form) Layout(s quant.Scheme) (*Layout, error) {
	l := &Layout{Form: f, Scheme: s, of: s}
	axis, any := s.Granularity.Axis()
	if !any {
		return l, nil
	}
	if axis < 0 {
		axis += len(f.Shape)
	}
	if axis < 0 || axis >= len(f.Shape) {
		return nil, fmt.Errorf("%v of a weight of the shape %v", s.Granularity, f.Shape)
	}
	size, grouped := s.Granularity.GroupSize()
	input := slices.Index(f.axes[f.outs:], axis)
	if !grouped {
		if input >= 0 || f.Outputs() != f.Shape[axis] {
			return nil, fmt.Errorf("scales %v are not those of output channels", s.Granularity)
		}
		l.Scheme.Granularity = quant.PerChannel(0)
		return l, nil
	}
	n := f.Shape[axis]
	size = min(size, n)
	switch {
	case input < 0:
		return nil, fmt.Errorf("groups along axis %d are groups of outputs", axis)
	case n%size != 0 && f.Inputs() != n:
		return nil, fmt.Errorf("groups of %d do not divide axis %d, which has %d", size, axis, n)
	}
	l.Scheme.Granularity = quant.PerGroup(1, size)
	if axis != f.axes[len(f.axes)-1] {
		l.groupLast(f, axis)
	}
	return l, nil
}

// groupLast makes the axis the last of the inputs.
func (l *Layout) groupLast(f Form, axis int) {
	l.axes = slices.DeleteFunc(slices.Clone(f.axes), func(a int) bool { return a == axis })
	l.axes = append(l.axes, axis)
	in := f.axes[f.outs:]
	shape := make([]int, len(in))
	for k, a := range in {
		shape[k] = f.Shape[a]
	}
	axes := make([]int, len(in))
	for k, a := range l.axes[f.outs:] {
		axes[k] = slices.Index(in, a)
	}
	l.Order = make([]int, f.Inputs())
	Form{Shape: shape, axes: axes}.places(func(matrix, weight int) { l.Order[matrix] = weight })
}

// Params returns the parameters of the weight, from those of the matrix.
func (l *Layout) Params(p quant.Params) (quant.Params, error) {
	n, err := l.of.NumParams(l.Shape)
	if err != nil {
		return quant.Params{}, err
	}
	q := p
	q.Scheme = l.of
	q.Scale, q.ZeroPoint = make([]float32, n), make([]int32, n)
	inputs, groups, size := l.Inputs(), 1, l.Inputs()
	if g, ok := l.Scheme.Granularity.GroupSize(); ok {
		size = g
		groups = exact.Parts(inputs, size)
	}
	index := l.paramOf()
	l.places(func(matrix, weight int) {
		from := 0
		if len(p.Scale) > 1 {
			from = matrix/inputs*groups + matrix%inputs/size
		}
		to := index(weight)
		q.Scale[to], q.ZeroPoint[to] = p.Scale[from], p.ZeroPoint[from]
	})
	return q, nil
}

// paramOf returns a function from the index of an element of the weight to that of its parameter.
func (l *Layout) paramOf() func(weight int) int {
	axis, any := l.of.Granularity.Axis()
	if !any {
		return func(int) int { return 0 }
	}
	if axis < 0 {
		axis += len(l.Shape)
	}
	inner := 1
	for _, d := range l.Shape[axis+1:] {
		inner *= d
	}
	n := l.Shape[axis]
	size, grouped := l.of.Granularity.GroupSize()
	if !grouped {
		return func(i int) int { return i / inner % n }
	}
	groups := exact.Parts(n, size)
	return func(i int) int { return (i/inner/n*groups+i/inner%n/size)*inner + i%inner }
}

// elements returns the number of elements of a shape.
func elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}
