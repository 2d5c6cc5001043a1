package beam

import (
	"fmt"
	"testing"

	"github.com/a01592f9/quant"
)

// BenchmarkMerge decodes an accumulator and merges it with another: what one
// worker does for each accumulator of a tensor that it gets.
func BenchmarkMerge(b *testing.B) {
	for _, scheme := range []string{"int8:minmax", "int8:mse", "int8:channel@0:minmax", "int8:channel@0:mse"} {
		b.Run(scheme, func(b *testing.B) {
			f := &ObserveFn{Scheme: scheme}
			data := npy(1, 4096, 1000)
			ref := Ref{DType: "f32"}
			values := make([]float32, 4096*1000)
			widen(values, nil, data[len(data)-4*len(values):], ref.DType, false)
			a, err := f.CreateAccumulator()
			if err != nil {
				b.Fatal(err)
			}
			if a, err = f.AddInput(a, NewPart("f", "x", quant.Tensor{Data: values, Shape: []int{4096, 1000}})); err != nil {
				b.Fatal(err)
			}
			coded, err := encodeAccumulator(a)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				other, err := decodeAccumulator(coded)
				if err == nil {
					_, err = f.MergeAccumulators(a, other)
				}
				if err != nil {
					b.Fatal(fmt.Errorf("%s: %w", scheme, err))
				}
			}
			b.ReportMetric(float64(len(coded)), "bytes/state")
		})
	}
}
