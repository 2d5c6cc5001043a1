package feedback

import (
	"fmt"
	"math"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/exact"
)

// An Output compares the outputs of a layer before and after its weights are quantized. The
// numbers are sums over all outputs, and means over the rows of inputs. Their unit is the square
// of the unit of the outputs.
type Output struct {
	Error  float64 // E‖(W-Ŵ)x‖², the mean squared error of the outputs
	Signal float64 // E‖W·x‖², the mean square of the outputs
}

// SQNR returns 10·log10(Signal/Error) in dB, or +Inf if Error is 0.
func (o Output) SQNR() float64 {
	if o.Error == 0 {
		return math.Inf(1)
	}
	return exact.Decibels(o.Signal / o.Error)
}

// OutputError returns the error of the outputs of a layer if its weights w, of the shape
// [out, in], are replaced by restored. These are weights that quant.Dequantize returns, or any
// other approximation of the same shape. m has the second moments of the inputs. With the full
// second moments the result is exact up to rounding. With the diagonal it is the error for
// inputs that are not correlated and have the mean 0.
//
// For package plan, Error is the error of a candidate.
//
// Errors: quant.ErrShape, quant.ErrEmpty, ErrMoments, and a *quant.NotFiniteError for a NaN or
// infinity in w or restored, whose channel is the output.
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

// square returns d·H·dᵀ, or 0 if rounding makes that negative. h is the lower triangle of H, or
// its diagonal.
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
