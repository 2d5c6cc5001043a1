package quant_test

import (
	"fmt"

	"github.com/a01592f9/quant"
)

// The inputs of a layer have very different mean squares. With these as importance, the scales
// have the least error of the outputs.
func ExampleCalibrateWeighted() {
	weight := quant.Tensor{
		Data:  []float32{0.9, -0.3, 0.52, 0.11, -0.64, 0.2, 0.05, -0.08},
		Shape: []int{2, 4}, // two outputs, four inputs
	}
	inputs := quant.Importance{Axis: -1, Values: []float64{0.01, 4, 1, 25}} // mean squares
	scheme := quant.Scheme{Bits: 3, Mapping: quant.Symmetric, Granularity: quant.PerChannel(0), Method: quant.LeastSquares}

	c, err := quant.CompareWeighted(weight, inputs, scheme)
	if err != nil {
		fmt.Println(err)
		return
	}
	plain, err := quant.Calibrate(weight, scheme)
	if err != nil {
		fmt.Println(err)
		return
	}
	without, err := quant.CompareParamsWeighted(weight, inputs, plain)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("with importance:    weighted SQNR %.1f dB, SQNR %.1f dB\n", c.Weighted[0].SQNR, c.Comparison.Results[0].SQNR)
	fmt.Printf("without importance: weighted SQNR %.1f dB, SQNR %.1f dB\n", without.Weighted[0].SQNR, without.Comparison.Results[0].SQNR)
	// Output:
	// with importance:    weighted SQNR 15.1 dB, SQNR 6.3 dB
	// without importance: weighted SQNR 4.3 dB, SQNR 18.0 dB
}
