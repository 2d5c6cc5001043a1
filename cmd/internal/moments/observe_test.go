package moments

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/feedback"
)

// TestWindows compares the mean square of the outputs of convolutions with the second moments of
// their windows.
func TestWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, c := range []struct {
		name string
		x    []int
		w    onnx.ConvWindow
		out  []int
	}{
		{"one axis", []int{2, 3, 10}, onnx.ConvWindow{Kernel: []int{3}, Strides: []int{2}, Dilations: []int{1}, Pads: []int{1, 0}}, []int{5}},
		{"dilated", []int{1, 2, 9}, onnx.ConvWindow{Kernel: []int{3}, Strides: []int{1}, Dilations: []int{3}, Pads: []int{0, 0}}, []int{3}},
		{"two axes", []int{2, 2, 5, 6}, onnx.ConvWindow{Kernel: []int{3, 2}, Strides: []int{1, 2}, Dilations: []int{1, 1}, Pads: []int{1, 0, 2, 1}}, []int{6, 3}},
		{"same, upper", []int{1, 2, 5, 4}, onnx.ConvWindow{Kernel: []int{3, 2}, Strides: []int{2, 1}, Dilations: []int{1, 1}, Pads: make([]int, 4), Auto: "SAME_UPPER"}, []int{3, 4}},
		{"same, lower", []int{1, 1, 4}, onnx.ConvWindow{Kernel: []int{2}, Strides: []int{1}, Dilations: []int{1}, Pads: make([]int, 2), Auto: "SAME_LOWER"}, []int{4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inputs := c.x[1] * elements(c.w.Kernel)
			x := quant.Tensor{Data: random(r, elements(c.x)), Shape: c.x}
			m, err := feedback.NewMoments(inputs, feedback.Full, quant.RefuseNotFinite)
			if err != nil {
				t.Fatal(err)
			}
			if err := windows(m, x, &c.w, inputs); err != nil {
				t.Fatal(err)
			}
			rows, _ := m.Rows()
			if want := c.x[0] * elements(c.out); rows != uint64(want) {
				t.Fatalf("%d windows, want %d", rows, want)
			}
			const outputs = 3
			w := quant.Tensor{Data: random(r, outputs*inputs), Shape: []int{outputs, inputs}}
			o, err := feedback.OutputError(w, quant.Tensor{Data: make([]float32, outputs*inputs), Shape: w.Shape}, m)
			if err != nil {
				t.Fatal(err)
			}
			want := convolved(x, w.Data, outputs, &c.w, c.out) / float64(rows)
			if math.Abs(o.Signal-want) > 1e-6*want {
				t.Errorf("mean square of the outputs %v, want %v", o.Signal, want)
			}
		})
	}
}

// convolved returns the sum of squares of the outputs of a convolution of one or two axes.
func convolved(x quant.Tensor, w []float32, outputs int, c *onnx.ConvWindow, out []int) float64 {
	size, kernel, strides, dilations, pads := x.Shape[2:], c.Kernel, c.Strides, c.Dilations, []int{0, 0}
	for k := range size {
		pads[k] = c.Pads[k]
		if all := (out[k]-1)*strides[k] + (kernel[k]-1)*dilations[k] + 1 - size[k]; c.Auto == "SAME_UPPER" {
			pads[k] = max(0, all) / 2
		} else if c.Auto == "SAME_LOWER" {
			pads[k] = (max(0, all) + 1) / 2
		}
	}
	if len(size) == 1 { // an axis of length 1 before it
		size, kernel, strides, dilations, pads, out = []int{1, size[0]}, []int{1, kernel[0]}, []int{1, strides[0]}, []int{1, dilations[0]}, []int{0, pads[0]}, []int{1, out[0]}
	}
	channels, sum := x.Shape[1], 0.0
	for b := range x.Shape[0] {
		for o := range outputs {
			for i := range out[0] {
				for j := range out[1] {
					y := 0.0
					for ch := range channels {
						for p := range kernel[0] {
							for q := range kernel[1] {
								h, v := i*strides[0]+p*dilations[0]-pads[0], j*strides[1]+q*dilations[1]-pads[1]
								if h < 0 || h >= size[0] || v < 0 || v >= size[1] {
									continue
								}
								y += float64(float64(w[((o*channels+ch)*kernel[0]+p)*kernel[1]+q]) *
									float64(x.Data[((b*channels+ch)*size[0]+h)*size[1]+v]))
							}
						}
					}
					sum += float64(y * y)
				}
			}
		}
	}
	return sum
}

// TestStates observes the states of a recurrent layer.
func TestStates(t *testing.T) {
	y := quant.Tensor{Data: []float32{1, 2, 3, 4, 100, 200}, Shape: []int{3, 1, 1, 2}}
	for _, c := range []struct {
		first quant.Tensor
		want  float64 // the mean of the square of state 0, of 3 steps
	}{
		{quant.Tensor{}, (1.0 + 9) / 3},
		{quant.Tensor{Data: []float32{5, 6}, Shape: []int{1, 1, 2}}, (25.0 + 1 + 9) / 3},
	} {
		t.Run(fmt.Sprint(c.first.Shape), func(t *testing.T) {
			m, err := feedback.NewMoments(2, feedback.Full, quant.RefuseNotFinite)
			if err != nil {
				t.Fatal(err)
			}
			if err := states(m, y, c.first); err != nil {
				t.Fatal(err)
			}
			if got := m.At(0, 0); math.Abs(got-c.want) > 1e-9 {
				t.Errorf("mean square %v, want %v", got, c.want)
			}
			if err := states(m, quant.Tensor{Data: y.Data, Shape: []int{1, 3, 1, 2}}, c.first); err == nil {
				t.Error("no error for three directions")
			}
		})
	}
}
