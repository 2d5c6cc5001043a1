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
