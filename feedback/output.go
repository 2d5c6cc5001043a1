package feedback

import (
	"fmt"
	"math"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/exact"
)

// An Output says what quantized weights do to the outputs of a layer. Its unit is the
// square of the unit of the outputs, per row of inputs, added up over all outputs.
type Output struct {
	Error  float64 // E‖(W-Ŵ)x‖², the mean squared error of the outputs
	Signal float64 // E‖W·x‖², the mean square of the outputs
}

// SQNR returns 10·log10(Signal/Error) in dB: +Inf where Error is 0.
func (o Output) SQNR() float64 {
	if o.Error == 0 {
		return math.Inf(1)
	}
	return exact.Decibels(o.Signal / o.Error)
}

// OutputError returns the error of the outputs of a layer with weights w, of the shape
// [out, in], whose weights become restored: what quant.Dequantize returns, or any other
// approximation. With the full second moments of the inputs it is exact but for rounding;
// with the diagonal it is what it would be if the inputs were not correlated and had no
// mean.
//
// For package plan, Error is the error of a candidate.
//
// Errors: quant.ErrShape and quant.ErrEmpty, ErrMoments, and a *quant.NotFiniteError for
// either of the weights, whose channel is the output.
func OutputError(w, restored quant.Tensor, m *Moments) (Output, error) {
	out, in, err := layerOf(w)
	if err != nil {
		return Output{}, err
	}
	if o, i, err := layerOf(restored); err != nil || o != out || i != in {
		return Output{}, fmt.Errorf("%w: weights of %v become %v", quant.ErrShape, w.Shape, restored.Shape)
	}
	for _, x := range [][]float32{w.Data, restored.Data} {
		if i := firstNotFinite(x); i >= 0 {
			return Output{}, &quant.NotFiniteError{Index: i, Channel: i / in, Value: x[i]}
		}
	}
	h, extent, err := m.matrix(in)
	if err != nil {
		return Output{}, err
	}
	each := make([]Output, out)
	parallel(out, len(h) > 1<<12 && out > 1, func(r int) {
		row, other := w.Data[r*in:][:in], restored.Data[r*in:][:in]
		d := make([]float64, in)
		for i, v := range row {
			d[i] = float64(v)
		}
		each[r].Signal = square(d, h, extent)
		for i, v := range other {
			d[i] -= float64(v)
		}
		each[r].Error = square(d, h, extent)
	})
	var all Output
	for _, o := range each {
		all.Error += o.Error
		all.Signal += o.Signal
	}
	return all, nil
}

// square returns d·H·dᵀ, which rounding may not make negative.
func square(d, h []float64, e Extent) float64 {
	sum := 0.0
	for i, v := range d {
		if e == Diagonal {
			sum += float64(float64(v*v) * h[i])
			continue
		}
		row := h[i*(i+1)/2:][:i+1]
		sum += float64(v * (float64(2*dot(row[:i], d[:i])) + float64(v*row[i])))
	}
	return max(0, sum)
}
