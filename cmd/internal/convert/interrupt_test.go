package convert

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// TestInterruptInTensor interrupts while the range of the only large tensor is
// searched: what is read of it after that is little.
func TestInterruptInTensor(t *testing.T) {
	const rows, columns = 4096, 1024
	dir := t.TempDir()
	st := filepath.Join(dir, "in.safetensors")
	x := random(rows * columns)
	writeST(t, st, stInput{"up.weight", "F32", []int{rows, columns}, stBytes("F32", x)})
	model := writeONNX(t, onnxtest.Model(13, onnxtest.Graph{
		Nodes:   []onnxtest.Message{onnxtest.Node("MatMul", []string{"x", "w"}, []string{"y"})},
		Tensors: []onnxtest.Message{onnxtest.Floats("w", x, rows, columns)},
		Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, rows)}, Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 1, columns)},
	}))
	for in, kind := range map[string]Kind{st: KindSafetensors, model: KindONNX} {
		ctx, cancel := context.WithCancel(t.Context())
		at, end := int64(0), int64(0)
		set := atomicfile.Dry(filepath.Join(dir, "out"), false)
		_, err := Quantize(ctx, kind, in, set, Options{Bits: 8, Granularity: option.PerChannel, Measure: true}, func(done, total int64) {
			if at = done; done > 0 {
				cancel()
			}
			end = total
		})
		set.Abort()
		if !errors.Is(err, context.Canceled) || at > end/2 {
			t.Errorf("%s: after %d bytes of %d: %v", kind, at, end, err)
		}
	}
}
