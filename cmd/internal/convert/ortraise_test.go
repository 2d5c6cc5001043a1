package convert

import (
	"path/filepath"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// TestONNXRuntimeRaised runs nodes that a later version of the operators wants
// to be written otherwise: ONNX Runtime computes the same with them.
func TestONNXRuntimeRaised(t *testing.T) {
	ortFolder(t)
	options := map[int64]Options{
		10: {Bits: 8, Granularity: option.PerTensor, Mapping: quant.Symmetric},
		13: {Bits: 8, Granularity: option.PerChannel, Mapping: quant.Symmetric},
		19: {Bits: 8, Format: quant.E4M3FN, Granularity: option.PerTensor, Mapping: quant.Symmetric},
		23: {Bits: 4, Format: quant.E2M1, Granularity: option.PerTensor, Mapping: quant.Symmetric},
		21: {Bits: 4, Granularity: option.PerGroup, GroupSize: 4, Mapping: quant.Symmetric},
	}
	var jobs []ortJob
	var names []string
	for _, c := range onnxtest.Raisings() {
		if c.Refused {
			continue
		}
		before := writeONNX(t, c.Model())
		n := 1
		for _, d := range c.Shape {
			n *= d
		}
		x := random(n)
		steps := []map[string]value{{"x": floatValue(x, c.Shape...), "left": floatValue(random(8), 1, 8)}}
		for version, o := range options {
			if version == 23 && c.Name == "roi align" {
				continue // the runtime has no RoiAlign of this version
			}
			after := filepath.Join(t.TempDir(), "raised.onnx")
			set, err := atomicfile.New(after, false)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ONNX(t.Context(), before, set, o, nil); err != nil {
				set.Abort()
				if version <= c.To {
					t.Errorf("%s: %v", c.Name, err)
				}
				continue
			}
			if err := set.Commit(); err != nil {
				t.Fatal(err)
			}
			if version == 23 { // the runtime has no floats of 4 bits, but other operators of this version
				after = dequantizedONNX(t, after)
			}
			names = append(names, c.Name)
			for _, path := range []string{before, after} {
				jobs = append(jobs, ortJob{Model: path, Level: "disabled", Steps: steps})
			}
		}
	}
	results := onnxruntime(t, jobs...)
	for i, name := range names {
		a, b := results[2*i], results[2*i+1]
		delete(a[0], "m") // what the quantized weight gives
		sameBits(t, name, a, b)
	}
}

// dequantizedONNX writes a model with float32 weights instead of codes, and returns its path.
func dequantizedONNX(t *testing.T, path string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "dequantized.onnx")
	produce(t, out, func(set *atomicfile.Set) (*Result, error) {
		return DequantizeONNX(t.Context(), path, set, Options{}, nil)
	})
	return out
}
