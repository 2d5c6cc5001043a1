package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"slices"
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

// TestPlanFloats has plans with floating-point candidates, and models by these plans: a weight has
// the bytes and the errors that the plan promises.
func TestPlanFloats(t *testing.T) {
	uneven := make([]float32, 8*48)
	for i := range uneven {
		uneven[i] = float32(i%17) - 8
	}
	models := planModels(t)
	for _, test := range []struct {
		model, candidates string
		output            string
		bits              string
		tolerance         float64 // in dB
		want              []string
	}{
		{models["onnx"], "fp8_e4m3:channel,fp8_e5m2:g32,mxfp8,int4:g32", "out.onnx", "8", 1e-5, []string{"fp8_e4m3:channel", "int4:g32"}},
		// Layers that are joined share a scale in nvfp4: these are not.
		{models["safetensors"], "fp8_e4m3:channel,nvfp4,keep", "out.safetensors", "6", 0.02, []string{"fp8_e4m3:channel", "nvfp4"}},
		{models["safetensors"], "mxfp8,mxfp4", "out.safetensors", "6", 1e-5, []string{"mxfp8", "mxfp4"}},
		// Rows of 48 are whole groups of 16, and not of 32.
		{safetensors(t, weight{name: "model.layers.0.q.weight", shape: []int{8, 48}, data: uneven}), "mxfp4,nvfp4", "out.safetensors", "8", 0.02, []string{"nvfp4"}},
	} {
		dir := t.TempDir()
		file, out := filepath.Join(dir, "plan.json"), filepath.Join(dir, test.output)
		ok(t, "plan", test.model, "--bits-per-weight", test.bits, "--candidates", test.candidates, "-o", file)
		p := planOf(t, read(t, dir, "plan.json"))
		type converted struct {
			Name   string
			After  int64 `json:"bytes_after"`
			Errors *struct {
				SQNR float64 `json:"sqnr_db"`
			}
		}
		var made struct{ Weights []converted }
		if err := json.Unmarshal([]byte(ok(t, "quantize", test.model, "-o", out, "--plan", file, "--format", "json")), &made); err != nil {
			t.Fatal(err)
		}
		seen := make(map[string]bool)
		for i, w := range p.Weights {
			seen[w.Candidate] = true
			if w.Candidate == "keep" {
				continue
			}
			at := slices.IndexFunc(made.Weights, func(x converted) bool { return x.Name == w.Name })
			if at < 0 {
				t.Errorf("%s is not quantized", w.Name)
				continue
			}
			if m := made.Weights[at]; m.After != w.Bytes || math.Abs(m.Errors.SQNR-*w.SQNR) > test.tolerance {
				t.Errorf("%s: weight %d %s has %d bytes and %v dB, planned %d and %v", w.Candidate, i, w.Name, m.After, m.Errors.SQNR, w.Bytes, *w.SQNR)
			}
		}
		for _, name := range test.want {
			if !seen[name] {
				t.Errorf("no weight has %s: %v", name, seen)
			}
		}
	}
}

// TestPlanFloatErrors has candidates that quant quantize writes to no file of the target.
func TestPlanFloatErrors(t *testing.T) {
	models := planModels(t)
	for _, test := range []struct{ kind, candidate, want string }{
		{"onnx", "nf4:g64", "writes no such codes for onnxruntime: it has integers"},
		{"onnx", "mxfp4", "writes no such codes for onnxruntime: it has integers"},
		{"safetensors", "fp8_e5m2:channel", "writes no such codes for vllm: it has signed integers"},
		{"safetensors", "fp4:g32", "writes no such codes for vllm"},
		{"safetensors", "fp8_e4m3:g128", "writes no such codes for vllm"},
		{"safetensors", "int3:g32", "writes no such codes for vllm"},
		{"gguf", "mxfp8", "writes no such codes for llama.cpp: it has the types of GGUF"},
	} {
		fails(t, exitUsage, test.want, "", "plan", models[test.kind], "--sqnr", "3", "--candidates", test.candidate)
	}
}
