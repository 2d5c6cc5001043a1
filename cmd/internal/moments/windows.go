package moments

import (
	"fmt"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/feedback"
)

// windowValues is about how many values of windows are in memory at a time.
const windowValues = 1 << 20

// A sliding is a convolution over a tensor of the shape [batch, channels, spatial axes].
type sliding struct {
	x       quant.Tensor
	w       *onnx.ConvWindow
	size    []int // of the spatial axes
	out     []int // positions of the window along them
	pad     []int // at their beginnings
	inputs  int
	inside  int   // values of one channel
	strides []int // of the spatial axes
}

// windows observes the windows of a convolution over x: for each position a row of the values that
// the kernel is multiplied by, those of a channel together. Values outside of x are 0.
func windows(m *feedback.Moments, x quant.Tensor, w *onnx.ConvWindow, inputs int) error {
	s, err := newSliding(x, w, inputs)
	if err != nil {
		return err
	}
	positions := elements(s.out)
	rows := max(1, windowValues/inputs)
	buf := make([]float32, 0, min(rows, positions)*inputs)
	flush := func() error {
		if len(buf) == 0 {
			return nil
		}
		err := m.Observe(quant.Tensor{Data: buf, Shape: []int{len(buf) / inputs, inputs}})
		buf = buf[:0]
		return err
	}
	at := make([]int, len(s.out))
	for b := range x.Shape[0] {
		clear(at)
		for range positions {
			buf = s.row(buf, b, at)
			if len(buf) >= rows*inputs {
				if err := flush(); err != nil {
					return err
				}
			}
			next(at, s.out)
		}
	}
	return flush()
}

// next increments a place in a shape, the last axis first.
func next(at, shape []int) {
	for k := len(at) - 1; k >= 0; k-- {
		if at[k]++; at[k] < shape[k] {
			return
		}
		at[k] = 0
	}
}

func newSliding(x quant.Tensor, w *onnx.ConvWindow, inputs int) (*sliding, error) {
	n := len(w.Kernel)
	if len(x.Shape) != n+2 || x.Shape[1]*elements(w.Kernel) != inputs {
		return nil, fmt.Errorf("a batch of the shape %v for a kernel of %v and %d inputs", x.Shape, w.Kernel, inputs)
	}
	s := &sliding{
		x: x, w: w, inputs: inputs, size: x.Shape[2:], inside: elements(x.Shape[2:]),
		out: make([]int, n), pad: make([]int, n), strides: make([]int, n),
	}
	stride := 1
	for k := n - 1; k >= 0; k-- {
		s.strides[k] = stride
		stride *= s.size[k]
		extent := (w.Kernel[k]-1)*w.Dilations[k] + 1
		if w.Auto == "" {
			s.pad[k] = w.Pads[k]
			if room := s.size[k] + w.Pads[k] + w.Pads[n+k] - extent; room >= 0 {
				s.out[k] = room/w.Strides[k] + 1
			}
			continue
		}
		s.out[k] = (s.size[k] + w.Strides[k] - 1) / w.Strides[k]
		all := max(0, (s.out[k]-1)*w.Strides[k]+extent-s.size[k])
		s.pad[k] = all / 2
		if w.Auto == "SAME_LOWER" {
			s.pad[k] = all - all/2
		}
	}
	return s, nil
}

// row appends the values of the window at a position of batch b.
func (s *sliding) row(buf []float32, b int, at []int) []float32 {
	kernel := elements(s.w.Kernel)
	k := make([]int, len(at))
	for c := range s.x.Shape[1] {
		channel := s.x.Data[(b*s.x.Shape[1]+c)*s.inside:][:s.inside]
		clear(k)
		for range kernel {
			place, v := 0, float32(0)
			for a := range k {
				i := at[a]*s.w.Strides[a] + k[a]*s.w.Dilations[a] - s.pad[a]
				if i < 0 || i >= s.size[a] {
					place = -1
					break
				}
				place += i * s.strides[a]
			}
			if place >= 0 {
				v = channel[place]
			}
			buf = append(buf, v)
			next(k, s.w.Kernel)
		}
	}
	return buf
}
