package feedback_test

import (
	"fmt"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/feedback"
)

// A layer of one output and two inputs, which are always the same. The first weight is
// rounded to 2, which is 0.4 too low. So the second one becomes 1.4+0.4, which is rounded
// to 2. The nearest values are 2 and 1: their output is 0.8 too low.
func ExampleQuantize() {
	w := quant.Tensor{Data: []float32{2.4, 1.4, -8}, Shape: []int{1, 3}}
	m, err := feedback.NewMoments(3, feedback.Full, quant.RefuseNotFinite)
	if err != nil {
		fmt.Println(err)
		return
	}
	inputs := quant.Tensor{Data: []float32{1, 1, 0, -2, -2, 0, 0, 0, 3}, Shape: []int{3, 3}}
	if err := m.Observe(inputs); err != nil { // names batch, row and input
		fmt.Println(err)
		return
	}
	scheme := quant.Scheme{Bits: 4, Mapping: quant.Symmetric, Granularity: quant.PerChannel(0)}
	corrected, err := feedback.Quantize(w, m, scheme, feedback.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	nearest, err := quant.Quantize(w, corrected.Params)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, q := range []quant.Quantized{nearest, corrected} {
		restored, err := quant.Dequantize(q)
		if err != nil {
			fmt.Println(err)
			return
		}
		o, err := feedback.OutputError(w, restored, m)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("weights %v: mean squared error of the output %.4f\n", restored.Data, o.Error)
	}
	// Output:
	// weights [2 1 -8]: mean squared error of the output 1.0667
	// weights [2 2 -8]: mean squared error of the output 0.0667
}
