package quant_test

import (
	"fmt"
	"math"

	"github.com/a01592f9/quant"
)

// layer stands for a layer of a network whose outputs are to be quantized.
func layer(inputs []float32) (outputs []float32) {
	outputs = make([]float32, len(inputs))
	for i, x := range inputs {
		outputs[i] = max(0, x) // ReLU
	}
	return outputs
}

// An observer in an inference loop: each batch is run as ever, and its outputs
// are observed. Of 30000 outputs, three are 50; all others are below 1.
func ExampleObserver() {
	s := quant.Scheme{Bits: 8, Unsigned: true, ZeroInRange: true, Method: quant.Percentile(99.9)}
	o, err := quant.NewObserver(s, quant.RefuseNotFinite)
	if err != nil {
		fmt.Println(err)
		return
	}
	inputs := make([]float32, 10000)
	for batch := range 3 {
		for i := range inputs {
			inputs[i] = float32(i%1000)/500 - 1
		}
		inputs[batch] = 50

		outputs := layer(inputs)
		if err := o.Observe(quant.Tensor{Data: outputs}); err != nil { // names batch and element
			fmt.Println(err)
			return
		}
		// ... outputs go on to the next layer.
	}
	fmt.Println(o.Counts().Finite, "values")
	for _, m := range []quant.Method{quant.MinMax, quant.Percentile(99.9), quant.LeastAbsolute} {
		s := o.Scheme()
		s.Method = m
		p, err := o.Params(s)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%v: scale %.5f, so that 255 stands for %.3f\n", m, p.Scale[0], 255*p.Scale[0])
	}
	// Output:
	// 30000 values
	// minmax: scale 0.19608, so that 255 stands for 50.000
	// percentile=99.9: scale 0.00392, so that 255 stands for 0.999
	// mae: scale 0.00392, so that 255 stands for 1.000
}

// Two processes observe what they have, and send their states to a third. What
// that makes of them is what one would have made of all values.
func ExampleObserver_Merge() {
	s := quant.Scheme{Bits: 4, Granularity: quant.PerChannel(-1), Method: quant.LeastSquares}
	process := func(batches ...[]float32) []byte {
		o, err := quant.NewObserver(s, quant.IgnoreNotFinite)
		if err != nil {
			panic(err)
		}
		for _, b := range batches {
			if err := o.Observe(quant.Tensor{Data: b, Shape: []int{len(b) / 2, 2}}); err != nil {
				panic(err)
			}
		}
		state, _ := o.MarshalBinary()
		return state // to a file, or over a network
	}
	masked := float32(math.Inf(-1))
	states := [][]byte{
		process([]float32{0, -3, 15, masked}),
		process([]float32{7, 0, 1, 12}, []float32{3, 9}),
	}

	all, err := quant.NewObserver(s, quant.IgnoreNotFinite)
	if err != nil {
		panic(err)
	}
	for _, state := range states {
		var o quant.Observer
		if err := o.UnmarshalBinary(state); err != nil {
			panic(err)
		}
		if err := all.Merge(&o); err != nil {
			panic(err)
		}
	}
	p, err := all.Params(all.Scheme())
	if err != nil {
		panic(err)
	}
	fmt.Printf("%+v\n", all.Counts())
	fmt.Println(p.Scale, p.ZeroPoint)
	// Output:
	// {Finite:9 NaN:0 PosInf:0 NegInf:1}
	// [1 1] [-8 -5]
}

// One tensor, three methods: at 4 bits clipping the outlier helps all others.
func ExampleCompare_methods() {
	w := make([]float32, 1000)
	for i := range w {
		w[i] = float32(i%101-50) / 50 // -1 to 1
	}
	w[0] = 8
	s := quant.Scheme{Bits: 4, Mapping: quant.Symmetric}
	schemes := []quant.Scheme{s, s, s}
	schemes[1].Method = quant.LeastSquares
	schemes[2].Method = quant.LeastAbsolute
	c, err := quant.Compare(quant.Tensor{Data: w}, schemes...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range c.Results {
		fmt.Printf("%-6v scale %.3f  RMSE %.3f  MAE %.3f\n", r.Scheme.Method, r.Scale[0], r.RMSE, r.MAE)
	}
	// Output:
	// minmax scale 1.000  RMSE 0.290  MAE 0.250
	// mse    scale 0.446  RMSE 0.198  MAE 0.111
	// mae    scale 0.125  RMSE 0.229  MAE 0.040
}
