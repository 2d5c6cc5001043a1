package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// TestCompareReconstructed compares a model with its quantized form: the errors are those
// that quantizing has told, and what was left is the same.
func TestCompareReconstructed(t *testing.T) {
	in := write(t, "network.onnx", string(onnxtest.Network(13)))
	out := filepath.Join(t.TempDir(), "q.onnx")
	var made struct {
		Weights []struct {
			Name   string
			Errors struct{ RMSE float64 }
		}
	}
	if err := json.Unmarshal([]byte(ok(t, "quantize", in, "-o", out, "--format", "json")), &made); err != nil {
		t.Fatal(err)
	}
	for _, files := range [][2]string{{in, out}, {out, in}} {
		var d struct {
			Tensors []struct {
				Name string
				RMSE float64
			}
		}
		if err := json.Unmarshal([]byte(ok(t, "compare", files[0], "--against", files[1], "--format", "json")), &d); err != nil {
			t.Fatal(err)
		}
		errors := map[string]float64{}
		for _, x := range d.Tensors {
			errors[x.Name] = x.RMSE
		}
		for _, w := range made.Weights {
			if got := errors[w.Name]; got == 0 || (got-w.Errors.RMSE) > 1e-9*got || (w.Errors.RMSE-got) > 1e-9*got {
				t.Errorf("%s: RMSE %v, want %v", w.Name, got, w.Errors.RMSE)
			}
		}
		if _, there := errors["conv.bias"]; !there || len(errors) <= len(made.Weights) {
			t.Errorf("%d tensors compared", len(errors))
		}
	}
}

// TestInspectActivations lists activations as the tool and others call them.
func TestInspectActivations(t *testing.T) {
	node := onnxtest.Node
	in := func(s ...string) []string { return s }
	model := write(t, "qdq.onnx", string(onnxtest.Model(13, onnxtest.Graph{
		Inputs: []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 4)}, Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 4)},
		Tensors: []onnxtest.Message{onnxtest.Floats("s", []float32{0.5})},
		Nodes: []onnxtest.Message{
			node("Relu", in("x"), in("a_float")), node("QuantizeLinear", in("a_float", "s"), in("a_quantized")), node("DequantizeLinear", in("a_quantized", "s"), in("a")),
			node("Abs", in("a"), in("b")), node("QuantizeLinear", in("b", "s"), in("b_QuantizeLinear_Output")), node("DequantizeLinear", in("b_QuantizeLinear_Output", "s"), in("b_DequantizeLinear_Output")),
			node("Neg", in("b_DequantizeLinear_Output"), in("y")), node("ReduceMax", in("x"), in("m")), node("QuantizeLinear", in("y", "m"), in("codes")),
		},
	})))
	text := ok(t, "inspect", model)
	narrow(t, text)
	for _, want := range []string{"activations with codes", "\na           Relu  U8", "\nb           Abs   U8       0  128"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	var v struct {
		Activations []struct {
			Name, Made, DType, Note string
			Scale, Min, Max         []float64
			Zero                    []int `json:"zero_point"`
		}
	}
	if err := json.Unmarshal([]byte(ok(t, "inspect", model, "--format", "json")), &v); err != nil || len(v.Activations) != 3 {
		t.Fatalf("%+v, %v", v, err)
	}
	if a := v.Activations[0]; a.Name != "a" || a.DType != "U8" || a.Scale[0] != 0.5 || a.Zero[0] != 0 || a.Min[0] != 0 || a.Max[0] != 127.5 {
		t.Errorf("%+v", a)
	}
	if y := v.Activations[2]; y.Name != "y" || y.Note != "its scale or zero point is computed" || len(y.Scale) != 0 {
		t.Errorf("%+v", y)
	}
}
