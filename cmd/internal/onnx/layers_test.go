package onnx

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// TestLayers lists the layers of a model of most operators.
func TestLayers(t *testing.T) {
	data := onnxtest.Network(21)
	m, err := Parse(bytes.NewReader(data), int64(len(data)), "")
	if err != nil {
		t.Fatal(err)
	}
	layers, others := m.Layers()
	var got []string
	for _, l := range layers {
		s := fmt.Sprintf("%s %s %v", l.Weight.Name, l.Op, l.Inputs)
		switch {
		case l.Hidden != "":
			s += " hidden"
		case l.Role == RoleWindow:
			s += fmt.Sprintf(" windows of %s: %v by %v, pads %v", l.Input, l.Conv.Kernel, l.Conv.Strides, l.Conv.Pads)
		case l.Role == RoleState:
			s += " states of " + l.Input
		default:
			s += " rows of " + l.Input
		}
		got = append(got, s)
	}
	want := []string{
		"conv.weight Conv [1 2 3] windows of image: [3 3] by [1 1], pads [1 1 1 1]",
		"pointwise.weight Conv [1 2 3] windows of a3: [1 1] by [1 1], pads [0 0 0 0]",
		"gemm1.weight Gemm [1] rows of a8",
		"gemm2.weight Gemm [0] rows of a10",
		"lstm.W LSTM [2] rows of b2",
		"lstm.R LSTM [2] states of b3",
		"gru.W GRU [2] rows of b5",
		"matmul.weight MatMul [0] rows of b7",
		"shared.weight MatMul [0] hidden",
		"shared.weight MatMul [0] hidden",
		"shared.weight MatMul [0] rows of text",
		"then.weight MatMul [0] hidden",
		"then.constant MatMul [0] hidden",
		"else.weight MatMul [0] hidden",
		"else.constant MatMul [0] hidden",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("layers\n%q, want\n%q", got, want)
	}
	reasons := map[string]string{
		"depthwise.weight": "a convolution in 16 groups: its outputs have different inputs",
		"up.weight":        "the inputs of ConvTranspose are not observed",
		"embedding":        "the inputs of Gather are not observed",
		"gru.R":            "GRU multiplies its states by the reset gate first",
	}
	for _, x := range others {
		if reasons[x.Weight.Name] != x.Reason {
			t.Errorf("%s: %s, want %s", x.Weight.Name, x.Reason, reasons[x.Weight.Name])
		}
		delete(reasons, x.Weight.Name)
	}
	if len(reasons) > 0 {
		t.Errorf("no reasons for %v", reasons)
	}
}

// TestLayersViews has weights that nodes change before an operator multiplies by them.
func TestLayersViews(t *testing.T) {
	names := func(s ...string) []string { return s }
	g := onnxtest.Graph{
		Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 5, 1, 4)},
		Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 5, 1, 1, 2)},
		Tensors: []onnxtest.Message{
			onnxtest.Ints("zero", 0), onnxtest.Ints("four", 4), onnxtest.Ints("eight", 8), onnxtest.Ints("one", 1), onnxtest.Ints("three", 3),
			onnxtest.Floats("gates", make([]float32, 32), 8, 4), onnxtest.Floats("states", make([]float32, 16), 1, 8, 2),
			onnxtest.Floats("turned", make([]float32, 12), 3, 4), onnxtest.Floats("cut", make([]float32, 32), 4, 8),
			onnxtest.Floats("scaled", make([]float32, 16), 4, 4), onnxtest.Floats("factor", make([]float32, 4), 4),
		},
		Nodes: []onnxtest.Message{
			// The gates in another order, as PyTorch exports an LSTM.
			onnxtest.Node("Slice", names("gates", "zero", "four", "zero"), names("g1")),
			onnxtest.Node("Slice", names("gates", "four", "eight", "zero"), names("g2")),
			onnxtest.Node("Concat", names("g2", "g1"), names("g3"), onnxtest.AttrInt("axis", 0)),
			onnxtest.Node("Unsqueeze", names("g3", "zero"), names("g4")),
			onnxtest.Node("LSTM", names("x", "g4", "states"), names("y"), onnxtest.AttrInt("hidden_size", 2)),
			onnxtest.Node("Transpose", names("turned"), names("t1")),
			onnxtest.Node("MatMul", names("x", "t1"), names("t2")),
			onnxtest.Node("Slice", names("cut", "zero", "three", "zero"), names("c1")),
			onnxtest.Node("MatMul", names("t2", "c1"), names("c2")),
			onnxtest.Node("Mul", names("scaled", "factor"), names("s1")),
			onnxtest.Node("MatMul", names("x", "s1"), names("s2")),
		},
	}
	data := onnxtest.Model(21, g)
	m, err := Parse(bytes.NewReader(data), int64(len(data)), "")
	if err != nil {
		t.Fatal(err)
	}
	layers, others := m.Layers()
	got := make(map[string]string)
	for _, l := range layers {
		got[l.Weight.Name] = fmt.Sprint(l.Op, " ", l.Inputs)
	}
	for _, x := range others {
		got[x.Weight.Name] = x.Reason
	}
	for name, want := range map[string]string{
		"gates": "LSTM [1]", "states": "LSTM [2]", "turned": "MatMul [1]",
		"cut": "its inputs are cut or joined before MatMul", "scaled": "a Mul or Div scales it first",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}
