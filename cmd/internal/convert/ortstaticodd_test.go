package convert

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// A staticOddity is a graph with something that models have now and then: operands that are left
// out or shared, attributes that are not the default, outputs in the middle.
type staticOddity struct {
	name    string
	nodes   []onnxtest.Message
	outputs []string // y if none are given
	opset   int64    // 13 if 0
	want    string   // operators of the optimized model other than QuantizeLinear and DequantizeLinear
	least   float64  // SQNR of every output in dB; 30 if 0
}

// oddTensors are the constants of all oddities.
func oddTensors() []onnxtest.Message {
	f := func(name string, shape ...int) onnxtest.Message {
		return onnxtest.Floats(name, random(elementsOf(shape)), shape...)
	}
	large := random(4)
	for i := range large {
		large[i] *= 40
	}
	flat := random(4 * 4 * 9)
	for i := range 36 {
		flat[i] *= 1e-9 // an output channel far below the others, whose bias needs a wider scale
	}
	return []onnxtest.Message{
		f("w", 4, 4, 3, 3), f("w2", 4, 4, 3, 3), f("grouped", 4, 2, 3, 3), f("depthwise", 4, 1, 3, 3), f("b", 4), onnxtest.Floats("large", large, 4), onnxtest.Floats("flat", flat, 4, 4, 3, 3),
		f("up", 4, 4, 2, 2), f("m", 8, 8), f("mb", 8), f("one", 1), f("wide", 8, 5), f("first", 8, 8), f("three", 4, 8, 8), f("c", 1, 4, 1, 1), f("alone"),
		f("w1", 4, 8, 3), onnxtest.Floats("zero", []float32{0}), onnxtest.Floats("zeros", []float32{0, 0, 0, 0}, 4), onnxtest.Floats("six", []float32{6}), onnxtest.Floats("minus", []float32{-1}),
		onnxtest.Ints("rows", -1, 8), onnxtest.Floats("scales", []float32{1, 1, 2, 2}, 4), onnxtest.Ints("lines", 1, 8, 32), onnxtest.Floats("slope", random(4), 4, 1, 1),
	}
}

func staticOddities() []staticOddity {
	node := onnxtest.Node
	in := func(s ...string) []string { return s }
	pads := onnxtest.AttrInts("pads", 1, 1, 1, 1)
	conv := func(out string, inputs ...string) onnxtest.Message { return node("Conv", inputs, in(out), pads) }
	nodes := func(n ...onnxtest.Message) []onnxtest.Message { return n }
	rows := node("Reshape", in("x", "rows"), in("r"))
	return []staticOddity{
		{name: "Conv without a bias", want: "QLinearConv", nodes: nodes(conv("y", "x", "w"))},
		{name: "Conv with an empty name for the bias", want: "QLinearConv", nodes: nodes(conv("y", "x", "w", ""))},
		{name: "grouped", want: "QLinearConv", nodes: nodes(node("Conv", in("x", "grouped", "b"), in("y"), pads, onnxtest.AttrInt("group", 2)))},
		{name: "depthwise", want: "QLinearConv", nodes: nodes(node("Conv", in("x", "depthwise", "b"), in("y"), pads, onnxtest.AttrInt("group", 4)))},
		{name: "strides and auto_pad", want: "QLinearConv", nodes: nodes(node("Conv", in("x", "w", "b"), in("y"), attrText("auto_pad", "SAME_UPPER"), onnxtest.AttrInts("strides", 2, 2)))},
		{name: "dilations", want: "QLinearConv", nodes: nodes(node("Conv", in("x", "w", "b"), in("y"), onnxtest.AttrInts("dilations", 2, 2)))},
		{name: "Conv of one dimension", want: "Reshape QLinearConv", nodes: nodes(node("Reshape", in("x", "lines"), in("r")), node("Conv", in("r", "w1", "b"), in("y")))},
		{name: "ConvTranspose between", want: "QLinearConv ConvTranspose QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("ConvTranspose", in("a", "up"), in("t"), onnxtest.AttrInts("strides", 2, 2)), conv("y", "t", "w2", "b"))},
		{name: "two Gemms with alpha and beta", want: "Reshape Gemm QGemm", nodes: nodes(rows, node("Gemm", in("r", "m", "mb"), in("g"), attrFloat("alpha", 0.5), attrFloat("beta", 2)), node("Gemm", in("g", "wide"), in("y")))},
		{name: "Gemm with transA", want: "Reshape Gemm Gemm", nodes: nodes(rows, node("Gemm", in("r", "first"), in("g")), node("Transpose", in("g"), in("gt")), node("Gemm", in("gt", "m"), in("y"), onnxtest.AttrInt("transA", 1)))},
		{name: "Gemm with a bias of one number", want: "Reshape Gemm QGemm", nodes: nodes(rows, node("Gemm", in("r", "m", "one"), in("g")), node("Gemm", in("g", "wide"), in("y")))},
		{name: "Gemm of version 7", want: "Reshape QGemm QGemm", opset: 7, nodes: nodes(rows, node("Gemm", in("r", "m", "mb"), in("g")), node("Gemm", in("g", "first", "mb"), in("y")))},
		{name: "Conv of version 7", want: "QLinearConv QLinearConv", opset: 7, nodes: nodes(conv("a", "x", "w", "b"), node("Relu", in("a"), in("z")), conv("y", "z", "w2"))},
		{name: "a bias of two Convs", want: "QLinearConv QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Relu", in("a"), in("z")), conv("y", "z", "w2", "b"))},
		{name: "a weight of two Convs", want: "QLinearConv QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Relu", in("a"), in("z")), conv("y", "z", "w", "large"))},
		{name: "a bias that needs a wider scale", want: "QLinearConv QLinearConv", nodes: nodes(conv("a", "x", "flat", "large"), conv("y", "a", "w"))},
		{name: "a weight of two Convs, of which one needs a wider scale", want: "QLinearConv QLinearConv", nodes: nodes(conv("a", "x", "flat", "b"), conv("y", "a", "flat", "large"))},
		{name: "a bias of zeros", want: "QLinearConv", nodes: nodes(conv("y", "x", "w", "zeros"))},
		{name: "a Conv and a float32 operator that take the weight", want: "ReduceSum QLinearConv Mul", nodes: nodes(conv("a", "x", "w", "b"), node("ReduceSum", in("w"), in("s")), node("Mul", in("a", "s"), in("y")))},
		{name: "Concat of three", want: "QLinearConv QLinearConv QLinearConcat QLinearConv", nodes: nodes(conv("a", "x", "w", "large"), conv("k", "x", "w2", "b"), node("Concat", in("a", "k", "x"), in("z"), onnxtest.AttrInt("axis", 2)), conv("y", "z", "w"))},
		{name: "Concat of a constant", want: "QLinearConv QLinearConcat QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Reshape", in("three", "four"), in("t")), node("Concat", in("a", "t"), in("z"), onnxtest.AttrInt("axis", 2)), conv("y", "z", "w"))},
		{name: "linear Resize", want: "QLinearConv Resize QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Resize", in("a", "", "scales"), in("z"), attrText("mode", "linear")), conv("y", "z", "w2"))},
		{name: "outputs in the middle", want: "QLinearConv Relu QLinearConv", outputs: in("a", "z", "y"), nodes: nodes(conv("a", "x", "w", "b"), node("Relu", in("a"), in("z")), conv("y", "z", "w2"))},
		{name: "the result of Relu is an output", want: "QLinearConv QLinearConv", outputs: in("z", "y"), nodes: nodes(conv("a", "x", "w", "b"), node("Relu", in("a"), in("z")), conv("y", "z", "w2"))},
		{name: "a value before Relu with two uses", want: "QLinearConv QLinearConv Add", nodes: nodes(conv("a", "x", "w", "b"), node("Relu", in("a"), in("z")), conv("k", "z", "w2"), node("Add", in("k", "a"), in("y")))},
		{name: "an input twice", want: "QLinearConv QLinearAdd QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Add", in("a", "a"), in("z")), conv("y", "z", "w2"))},
		{name: "Mul of one value", want: "QLinearConv QLinearMul QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Mul", in("a", "a"), in("z")), conv("y", "z", "w2")), least: 28},
		{name: "Add of a constant before the value", want: "QLinearConv QLinearAdd QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Add", in("c", "a"), in("z")), conv("y", "z", "w2"))},
		{name: "Clip with a minimum alone", want: "QLinearConv QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Clip", in("a", "zero"), in("z")), conv("y", "z", "w2"))},
		{name: "Clip with a maximum alone", want: "QLinearConv QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Clip", in("a", "", "six"), in("z")), conv("y", "z", "w2"))},
		{name: "Clip from -1", want: "QLinearConv QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Clip", in("a", "minus", "six"), in("z")), conv("y", "z", "w2"))},
		{name: "Relu and Clip", want: "QLinearConv QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Relu", in("a"), in("k")), node("Clip", in("k", "zero", "six"), in("z")), conv("y", "z", "w2"))},
		{name: "MaxPool and AveragePool", want: "QLinearConv MaxPool QLinearAveragePool QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("MaxPool", in("a"), in("k"), onnxtest.AttrInts("kernel_shape", 2, 2)), node("AveragePool", in("k"), in("z"), onnxtest.AttrInts("kernel_shape", 2, 2), onnxtest.AttrInts("pads", 1, 1, 1, 1)), conv("y", "z", "w2"))},
		{name: "MaxPool with indices", want: "QLinearConv MaxPool QLinearConv Cast Add", outputs: in("y"), nodes: nodes(conv("a", "x", "w", "b"), node("MaxPool", in("a"), in("z", "indices"), onnxtest.AttrInts("kernel_shape", 2, 2)), node("Cast", in("indices"), in("f"), onnxtest.AttrInt("to", 1)), conv("k", "z", "w2"), node("Add", in("k", "f"), in("y")))},
		{name: "MatMul of a weight of three axes", want: "QLinearMatMul MatMulIntegerToFloat", nodes: nodes(node("MatMul", in("x", "three"), in("a")), node("MatMul", in("a", "m"), in("y")))},
		{name: "MatMul of a constant and a value", want: "QLinearMatMul MatMulIntegerToFloat", nodes: nodes(node("MatMul", in("first", "x"), in("a")), node("MatMul", in("a", "m"), in("y")))},
		{name: "MatMul of two values", want: "QLinearConv QLinearConv Transpose QLinearMatMul QLinearSoftmax MatMulIntegerToFloat", nodes: nodes(conv("a", "x", "w", "b"), conv("k", "x", "w2", "b"), node("Transpose", in("k"), in("t"), onnxtest.AttrInts("perm", 0, 1, 3, 2)), node("MatMul", in("a", "t"), in("z")), node("Softmax", in("z"), in("s"), onnxtest.AttrInt("axis", -1)), node("MatMul", in("s", "a"), in("y"))), least: 12},
		{name: "PRelu between", want: "QLinearConv PRelu QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("PRelu", in("a", "slope"), in("z")), conv("y", "z", "w2"))},
		{name: "HardSwish of operators", want: "QLinearConv HardSigmoid QLinearMul QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("HardSigmoid", in("a"), in("h")), node("Mul", in("a", "h"), in("z")), conv("y", "z", "w2"))},
		{name: "a scalar operand", want: "QLinearConv QLinearMul QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Mul", in("a", "alone"), in("z")), conv("y", "z", "w2"))},
		{name: "Identity and Dropout", want: "QLinearConv QLinearConv", nodes: nodes(conv("a", "x", "w", "b"), node("Identity", in("a"), in("i")), node("Dropout", in("i"), in("z")), conv("y", "z", "w2"))},
		{name: "a weight behind Identity", want: "Conv QLinearConv", nodes: nodes(node("Identity", in("w"), in("wi")), conv("a", "x", "wi", "b"), conv("y", "a", "w2"))},
		{name: "a weight from Constant", want: "QLinearConv QLinearConv", nodes: nodes(onnxtest.Constant("wc", onnxtest.Floats("", random(4*4*9), 4, 4, 3, 3)), conv("a", "x", "wc", "b"), conv("y", "a", "w2"))},
		{name: "the input is an output", want: "QLinearConv", outputs: in("x", "y"), nodes: nodes(conv("y", "x", "w", "b"))},
	}
}

// model returns the model of o, which has the given outputs.
func (o staticOddity) model(outputs ...string) []byte {
	g := onnxtest.Graph{Nodes: o.nodes, Tensors: append(oddTensors(), onnxtest.Ints("four", 1, 4, 8, 8)), Inputs: []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, 4, 8, 8)}}
	for _, name := range outputs {
		g.Outputs = append(g.Outputs, onnxtest.Message{}.Text(1, name).Bytes(2, onnxtest.Message{}.Bytes(1, onnxtest.Message{}.Int(1, onnxtest.Float))))
	}
	opset := o.opset
	if opset == 0 {
		opset = 13
	}
	return onnxtest.Model(opset, g)
}

// TestONNXRuntimeStaticOddities observes and quantizes each graph, and runs it beside the
// original: every output is near, and the optimized model computes what the other does.
func TestONNXRuntimeStaticOddities(t *testing.T) {
	ortFolder(t)
	x := random(4 * 8 * 8)
	steps := []map[string]value{{"x": floatValue(x, 1, 4, 8, 8)}}
	dir := t.TempDir()
	var all []staticOddity
	var models []string
	var jobs []ortJob
	for i, o := range staticOddities() {
		if o.outputs == nil {
			o.outputs = []string{"y"}
		}
		if o.least == 0 {
			o.least = 30
		}
		model, observed := writeONNX(t, o.model(o.outputs...)), filepath.Join(dir, fmt.Sprintf("%d.onnx", i))
		produce(t, observed, func(set *atomicfile.Set) (*Result, error) {
			_, err := Observe(t.Context(), model, set, ObserveOptions{}, nil)
			return nil, err
		})
		all, models = append(all, o), append(models, model)
		jobs = append(jobs, ortJob{Model: observed, Level: "disabled", Steps: steps})
	}
	before := onnxruntime(t, jobs...)
	for _, kind := range []Static{{Type: "uint8"}, {Type: "int8", Symmetric: true}} {
		jobs = nil
		for i, model := range models {
			batch := map[string][]float32{"x": x}
			for name, v := range before[i][0] {
				if v.Type == "float32" {
					batch[name] = v.floats()
				}
			}
			quantized := filepath.Join(dir, fmt.Sprintf("%d.%s.onnx", i, kind.Type))
			o := Options{Bits: 8, Granularity: option.PerChannel, Static: &kind, Calibration: calibrationOf(t, []map[string][]float32{batch})}
			produce(t, quantized, func(set *atomicfile.Set) (*Result, error) { return onnxStatic(t.Context(), model, set, o, nil) })
			jobs = append(jobs, ortJob{Model: quantized, Level: "extended", Steps: steps, Saved: quantized + ".saved"}, ortJob{Model: quantized, Level: "disabled", Steps: steps})
		}
		after := onnxruntime(t, jobs...)
		for i, o := range all {
			t.Run(o.name+" "+kind.Type, func(t *testing.T) {
				m, err := onnx.Open(jobs[2*i].Saved)
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				ops := slices.DeleteFunc(m.Operators(), func(op string) bool { return op == "QuantizeLinear" || op == "DequantizeLinear" })
				if got := strings.Join(ops, " "); kind.Type == "uint8" && got != o.want {
					t.Errorf("optimized: %s, want %s", got, o.want)
				}
				for _, name := range o.outputs {
					d, e := distanceOf(after[2*i], before[i], name), distanceOf(after[2*i], after[2*i+1], name)
					if !(d.sqnr > o.least) {
						t.Errorf("%s: SQNR %.1f dB, want %v", name, d.sqnr, o.least)
					}
					if !(e.sqnr > 34) {
						t.Errorf("%s: the optimized model is off by %g, %.1f dB", name, e.max, e.sqnr)
					}
				}
			})
		}
	}
}
