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

// TestCompareStatic compares a model with its statically quantized form: weights and biases are paired
// with those that they were made of.
func TestCompareStatic(t *testing.T) {
	model := write(t, "m.onnx", string(onnxtest.Model(13, onnxtest.Graph{
		Inputs: []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, 1, 4, 4)}, Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 1, 2, 3, 3)},
		Tensors: []onnxtest.Message{onnxtest.Floats("w", []float32{1, -2, 3, 0.7, 0.1, 0.2, -0.9, 1.2}, 2, 1, 2, 2), onnxtest.Floats("b", []float32{0.3, -0.7}, 2)},
		Nodes:   []onnxtest.Message{onnxtest.Node("Conv", []string{"x", "w", "b"}, []string{"y"})},
	})))
	entry := func(name string) string {
		return `{"name":"` + name + `","scheme":{"bits":8,"unsigned":true,"mapping":"asymmetric","narrow_range":false,"zero_in_range":true,"method":"minmax","granularity":"per_tensor","axis":null,"group_size":null},` +
			`"shape":[1],"batches":1,"counts":{"finite":8,"nan":0,"pos_inf":0,"neg_inf":0},"seen_min":[-2],"seen_max":[2],"min":[-2],"max":[2],"scale":[0.0157],"zero_point":[128],"clipped":null}`
	}
	ranges := write(t, "r.json", `{"format":"quant calibration","version":1,"tensors":[`+entry("x")+","+entry("y")+`]}`)
	out := filepath.Join(t.TempDir(), "q.onnx")
	ok(t, "quantize", model, "-o", out, "--activations", "--calibration", ranges)
	var d struct {
		Tensors []struct {
			Name     string
			MaxError float64 `json:"max_error"`
		}
	}
	if err := json.Unmarshal([]byte(ok(t, "compare", model, "--against", out, "--format", "json")), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.Tensors) != 2 || d.Tensors[0].Name != "w" || d.Tensors[1].Name != "b" {
		t.Fatalf("%+v, want w and b", d.Tensors)
	}
	for _, x := range d.Tensors {
		if !(x.MaxError > 0 && x.MaxError < 0.02) {
			t.Errorf("%s: largest error %v", x.Name, x.MaxError)
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
