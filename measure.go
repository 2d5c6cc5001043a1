package quant

import (
	"fmt"
	"math"
	"slices"
)

// A Differences has the errors between a tensor and another tensor of the same shape.
type Differences struct {
	Axis           int // axis of the channels, counted from the front; -1 if all elements are one channel
	Metrics            // over all elements
	ChannelMetrics []Metrics
}

// Difference returns the errors between the tensors original and restored, which have the same
// shape. An error is restored minus original. channels is PerChannel or PerTensor; each channel
// has its own metrics. Clipped is 0, since the codes are unknown.
//
// scheme only affects the order of the sums, and so their last bits. Pass PerTensor in general.
// If restored is original, quantized by a scheme and dequantized, pass the granularity of that
// scheme. If channels is also [Comparison.ChannelGranularity], the metrics are exactly those of
// [Compare] and [CompareParams].
//
// Errors: ErrEmpty, ErrAxis and ErrGroupSize; ErrShape, also for shapes that differ; ErrScheme
// if channels is PerGroup or PerBlock; and a *NotFiniteError for the first NaN or infinity of original, or
// for the first NaN of restored. Infinities of restored, which are reconstructions that
// overflowed, make infinite errors.
func Difference(original, restored Tensor, channels, scheme Granularity) (*Differences, error) {
	n := len(original.Data)
	ch, l, err := measured(n, original.Shape, channels, scheme)
	if err != nil {
		return nil, err
	}
	if _, err := newLayout(len(restored.Data), restored.Shape, PerTensor); err != nil {
		return nil, fmt.Errorf("quant: restored tensor: %w", err)
	}
	if len(restored.Data) != n || len(original.Shape) > 0 && len(restored.Shape) > 0 && !slices.Equal(original.Shape, restored.Shape) {
		return nil, fmt.Errorf("%w: %v, but restored %v", ErrShape, shapeOf(original), shapeOf(restored))
	}
	m, err := differences(original.Data, restored.Data, nil, nil, ch, l, channels, len(original.Shape))
	if err != nil {
		return nil, err
	}
	if math.IsNaN(m.MAE) {
		for i, v := range restored.Data {
			if v != v {
				return nil, restoredNaN(i, v, &ch, channels)
			}
		}
	}
	return m, nil
}

// Difference is [Difference] of t and the tensor of the same shape that is read from restored.
// Each Source is read once. Errors: those of Difference and of either Source.
func (t Stream) Difference(restored Source, channels, scheme Granularity) (*Differences, error) {
	original, shape := t.Source, t.Shape
	n, err := elements(shape)
	if err != nil {
		return nil, err
	}
	ch, l, err := measured(n, shape, channels, scheme)
	if err != nil {
		return nil, err
	}
	if n <= bufferLen {
		x := make([]float32, 2*n)
		if err := readFloats(original, x[:n], 0); err != nil {
			return nil, err
		}
		if err := readFloats(restored, x[n:], 0); err != nil {
			return nil, err
		}
		return Difference(Tensor{x[:n], shape}, Tensor{x[n:], shape}, channels, scheme)
	}
	m, err := differences(nil, nil, original, restored, ch, l, channels, len(shape))
	if err == nil && math.IsNaN(m.MAE) {
		return nil, findNaN(restored, &ch, channels)
	}
	return m, err
}

// measured checks the arguments of Difference. It returns the layout of the channels, and the
// layout of the scheme, which decides the order of the sums.
func measured(n int, shape []int, channels, scheme Granularity) (ch, l layout, err error) {
	if channels.unit >= perGroup {
		return ch, l, fmt.Errorf("%w: channels %v", ErrScheme, channels)
	}
	if ch, err = newLayout(n, shape, channels); err != nil {
		return ch, l, err
	}
	l, err = newLayout(n, shape, scheme)
	return ch, l, err
}

// differences returns the errors between two tensors. They are x and y, or are read from two
// Sources. ch is the layout of the channels, and l that of the scheme.
func differences(x, y []float32, original, restored Source, ch, l layout, channels Granularity, rank int) (*Differences, error) {
	g := walks.Get().(*walk)
	g.begin(ch, true, 1, original, restored)
	g.errors.addSubject(&g.order, &l, &Params{Scheme: Scheme{Bits: 8}})
	err := g.pass(x, y, true, true, channels)
	g.end()
	if err != nil {
		walks.Put(g)
		return nil, err
	}
	m := &Differences{Axis: -1}
	if channels.unit == perChannel {
		m.Axis, _ = checkAxis(channels.axis, rank)
	}
	var r [1]Result
	setResults(r[:], g, g.ch.n())
	walks.Put(g)
	m.Metrics, m.ChannelMetrics = r[0].Metrics, r[0].ChannelMetrics
	return m, nil
}

func restoredNaN(i int, v float32, l *layout, by Granularity) error {
	return fmt.Errorf("quant: restored tensor: %w", newNotFinite(i, v, l, by))
}

// findNaN returns the error for the first NaN of a tensor that has one.
func findNaN(src Source, l *layout, by Granularity) error {
	x := make([]float32, min(l.n(), bufferLen))
	for e := 0; e < l.n(); e += len(x) {
		x = x[:min(len(x), l.n()-e)]
		if err := readFloats(src, x, e); err != nil {
			return err
		}
		for i, v := range x {
			if v != v {
				return restoredNaN(e+i, v, l, by)
			}
		}
	}
	return errFickle
}
