package preset

import (
	"slices"
	"testing"

	"github.com/a01592f9/quant"
)

// TestEntropyZeros has a tensor with and without zeros: the entropy method of the library
// chooses the same range.
func TestEntropyZeros(t *testing.T) {
	for name, x := range tensors(9) {
		if name != "normal" && name != "laplace" && name != "outliers" {
			continue
		}
		for _, mapping := range []quant.Mapping{quant.Asymmetric, quant.Symmetric} {
			s := quant.Scheme{Bits: 8, Mapping: mapping, Method: quant.Entropy, ZeroInRange: true}
			without, err := quant.Calibrate(quant.Tensor{Data: x.Data}, s)
			if err != nil {
				t.Fatal(err)
			}
			with, err := quant.Calibrate(quant.Tensor{Data: append(slices.Clone(x.Data), make([]float32, 1<<14)...)}, s)
			if err != nil {
				t.Fatal(err)
			}
			if with.Scale[0] != without.Scale[0] || with.ZeroPoint[0] != without.ZeroPoint[0] {
				t.Errorf("%s, %v: scale %v and zero point %d with zeros, %v and %d without", name, mapping,
					with.Scale[0], with.ZeroPoint[0], without.Scale[0], without.ZeroPoint[0])
			}
		}
	}
}
