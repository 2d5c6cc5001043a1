package moments

import (
	"fmt"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/feedback"
)

// Inputs are what is known of the inputs of a weight: second moments in full, or the mean squares
// of the inputs.
type Inputs struct {
	Form Form

	// Full are second moments in full; nil if only Squares are known.
	Full *feedback.Moments

	// Squares are the mean squares of the inputs. Weights with several matrices may have a list
	// for each, one after the other: then the outputs of a list lie together.
	Squares []float64
}

// FromMoments returns the inputs of a weight with second moments. The error says that m is of
// another number of inputs, or of no rows.
func FromMoments(f Form, m *feedback.Moments) (*Inputs, error) {
	rows, _ := m.Rows()
	switch n := m.Inputs(); {
	case n != f.Inputs():
		return nil, fmt.Errorf("second moments of %d inputs, and the weight of the shape %v has %d", n, f.Shape, f.Inputs())
	case rows == 0:
		return nil, fmt.Errorf("second moments of no rows")
	}
	x := &Inputs{Form: f, Squares: make([]float64, f.Inputs())}
	for i := range x.Squares {
		x.Squares[i] = m.At(i, i)
	}
	if m.Extent() == feedback.Full {
		x.Full = m
	}
	return x, nil
}

// MeanSquare returns the mean of Squares.
func (x *Inputs) MeanSquare() float64 {
	sum := 0.0
	for _, v := range x.Squares {
		sum += v
	}
	return sum / float64(len(x.Squares))
}

// Error returns the mean squared error of the outputs if the weight w becomes restored, and their
// mean square, both as feedback.Output has them. With Squares alone they are those of inputs that
// are not correlated.
func (x *Inputs) Error(w, restored []float32) (noise, signal float64, err error) {
	if x.Full != nil {
		o, err := feedback.OutputError(x.Form.Matrix(w), x.Form.Matrix(restored), x.Full)
		return o.Error, o.Signal, err
	}
	inputs := x.Form.Inputs()
	lists := len(x.Squares) / inputs
	rows := len(w) / inputs / lists // of each list
	add := func(matrix, weight int) {
		h := x.Squares[matrix/inputs/rows*inputs+matrix%inputs]
		v := float64(w[weight])
		e := v - float64(restored[weight])
		noise += float64(float64(e*e) * h)
		signal += float64(float64(v*v) * h)
	}
	if x.Form.plain() {
		for i := range w {
			add(i, i)
		}
	} else {
		x.Form.places(add)
	}
	return noise, signal, nil
}

// Round quantizes the weight w with error feedback. It returns the parameters, and the values of
// the codes. The error says why that cannot be: the moments are not full, or the scheme has no
// layout.
func (x *Inputs) Round(w []float32, s quant.Scheme, o feedback.Options) (quant.Params, []float32, error) {
	if x.Full == nil {
		return quant.Params{}, nil, fmt.Errorf("only the mean squares of its inputs are known")
	}
	l, err := x.Form.Layout(s)
	if err != nil {
		return quant.Params{}, nil, err
	}
	m := x.Full
	if l.Order != nil {
		if m, err = m.Reorder(l.Order); err != nil {
			return quant.Params{}, nil, err
		}
	}
	q, err := feedback.Quantize(l.Matrix(w), m, l.Scheme, o)
	if err != nil {
		return quant.Params{}, nil, err
	}
	restored, err := quant.Dequantize(q)
	if err != nil {
		return quant.Params{}, nil, err
	}
	p, err := l.Params(q.Params)
	return p, l.Weight(restored.Data), err
}

// HalfQuadratic returns the parameters of a weight by feedback.HalfQuadratic, which needs no
// inputs.
func HalfQuadratic(f Form, w []float32, s quant.Scheme) (quant.Params, error) {
	l, err := f.Layout(s)
	if err != nil {
		return quant.Params{}, err
	}
	p, err := feedback.HalfQuadratic(l.Matrix(w), l.Scheme, feedback.HalfQuadraticOptions{})
	if err != nil {
		return quant.Params{}, err
	}
	return l.Params(p)
}

// Find returns the second moments of a weight: those with its name, or with its name without
// ".weight" at the end. It returns nil if there are none.
func (s State) Find(name string) *feedback.Moments {
	if m := s[name]; m != nil {
		return m
	}
	if short, ok := strings.CutSuffix(name, ".weight"); ok {
		return s[short]
	}
	return nil
}

// Forms returns the forms of the weights of an ONNX model, by their names, and for other weights
// why they have none.
func Forms(m *onnx.Model) (forms map[string]Form, reasons map[string]string) {
	forms, reasons = make(map[string]Form), make(map[string]string)
	layers, others := m.Layers()
	for _, l := range layers {
		forms[l.Weight.Name] = FormOf(l)
	}
	for _, x := range others {
		reasons[x.Weight.Name] = x.Reason
	}
	return forms, reasons
}

// RowsForm is the form of a weight whose last axis counts inputs, as in files without a graph.
func RowsForm(shape []int) Form { return NewForm(shape, len(shape)-1) }
