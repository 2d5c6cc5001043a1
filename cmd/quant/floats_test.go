package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// TestQuantizeFloats writes floating-point codes to an ONNX model. It compares the errors that
// quant quantize tells with those that quant compare finds in the file, and it checks the note
// about what ONNX Runtime does not run.
func TestQuantizeFloats(t *testing.T) {
	in := write(t, "model.onnx", string(onnxtest.Network(13)))
	for _, test := range []struct {
		scheme, dtype string
		note          bool
	}{
		{"fp8_e4m3:channel", "fp8_e4m3fn", false},
		{"fp8_e5m2:g32", "fp8_e5m2", false},
		{"mxfp4", "fp4_e2m1", true},
		{"nvfp4", "fp4_e2m1", true},
	} {
		t.Run(test.scheme, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.onnx")
			shown := strings.Join(strings.Fields(ok(t, "quantize", in, "-o", out, "--scheme", test.scheme)), " ")
			if !strings.Contains(shown, test.dtype) || strings.Contains(shown, "ONNX Runtime 1.30 does not run this model") != test.note {
				t.Error(shown)
			}
			if words := strings.Join(strings.Fields(ok(t, "inspect", out)), " "); !strings.Contains(words, "codes of DequantizeLinear") {
				t.Error(words)
			}
			var told struct {
				Weights []struct {
					Name   string
					Errors struct{ RMSE float64 }
				}
				Note string
			}
			if err := json.Unmarshal([]byte(ok(t, "quantize", in, "-o", out, "--force", "--scheme", test.scheme, "--format", "json")), &told); err != nil {
				t.Fatal(err)
			}
			if (told.Note != "") != test.note {
				t.Errorf("note %q", told.Note)
			}
			var found struct {
				Tensors []struct {
					Name string
					RMSE float64
				}
			}
			if err := json.Unmarshal([]byte(ok(t, "compare", in, "--against", out, "--format", "json")), &found); err != nil {
				t.Fatal(err)
			}
			rmse := make(map[string]float64)
			for _, x := range found.Tensors {
				rmse[x.Name] = x.RMSE
			}
			for _, w := range told.Weights {
				if got := rmse[w.Name]; !(math.Abs(got/w.Errors.RMSE-1) < 1e-12) { // sums of another order
					t.Errorf("%s: RMSE %v in the file, told %v", w.Name, got, w.Errors.RMSE)
				}
			}
		})
	}
}
