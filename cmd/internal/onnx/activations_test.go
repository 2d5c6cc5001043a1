package onnx

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// activationModel is a model of the nodes, with weights that they name: w is 4×4×1×1, m is
// 4×4, b has 4 values and s is one number. The input is x of shape 1×4×8×8.
func activationModel(opset int64, output string, nodes ...onnxtest.Message) []byte {
	ones := func(n int) []float32 { return slices.Repeat([]float32{0.5}, n) }
	return onnxtest.Model(opset, onnxtest.Graph{
		Nodes: nodes,
		Tensors: []onnxtest.Message{
			onnxtest.Floats("w", ones(16), 4, 4, 1, 1), onnxtest.Floats("m", ones(16), 4, 4), onnxtest.Floats("b", ones(4), 4),
			onnxtest.Floats("s", ones(1)), onnxtest.Ints("shape", 1, -1),
		},
		Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, 4, 8, 8)},
		Outputs: []onnxtest.Message{onnxtest.Value(output, onnxtest.Float)},
	})
}

// describe has a word for each value and each node of the main graph.
func describe(a *Activations) string {
	var b strings.Builder
	for _, v := range a.Values {
		fmt.Fprintf(&b, "%s", v.Name)
		if v.Of != v.Name {
			fmt.Fprintf(&b, "=%s", v.Of)
		}
		if v.Folded != "" {
			fmt.Fprintf(&b, "(%s)", v.Folded)
		}
		b.WriteByte(' ')
	}
	b.WriteByte('|')
	for _, n := range a.Nodes {
		if n.Reason != "" {
			fmt.Fprintf(&b, " %s: %s;", n.Op, n.Reason)
		} else {
			fmt.Fprintf(&b, " %s;", n.Integer)
		}
	}
	return b.String()
}

// TestActivations finds the values that become codes in small graphs.
func TestActivations(t *testing.T) {
	node := onnxtest.Node
	in := func(s ...string) []string { return s }
	tests := []struct {
		name, output string
		nodes        []onnxtest.Message
		choice       ActivationChoice
		want         string
	}{
		{"convolution", "y", []onnxtest.Message{node("Conv", in("x", "w", "b"), in("y"))}, ActivationChoice{},
			"x y | QLinearConv;"},
		{"Relu is folded", "y", []onnxtest.Message{node("Conv", in("x", "w"), in("a")), node("Relu", in("a"), in("y"))}, ActivationChoice{},
			"x a(Relu) y | QLinearConv; codes of its result;"},
		{"Relu of what another node takes too", "y", []onnxtest.Message{node("Conv", in("x", "w"), in("a")), node("Relu", in("a"), in("c")), node("Add", in("a", "c"), in("d")), node("Conv", in("d", "w"), in("y"))}, ActivationChoice{},
			"x a c d y | QLinearConv; Relu: other nodes take what it limits as well; QLinearAdd; QLinearConv;"},
		{"codes are moved", "y", []onnxtest.Message{node("Conv", in("x", "w"), in("a")), node("MaxPool", in("a"), in("c")), node("Transpose", in("c"), in("d")), node("Conv", in("d", "w"), in("y"))}, ActivationChoice{},
			"x a c=a d=a y | QLinearConv; MaxPool; Transpose; QLinearConv;"},
		{"before and behind", "y", []onnxtest.Message{node("Mul", in("x", "s"), in("a")), node("Conv", in("a", "w"), in("c")), node("Sigmoid", in("c"), in("y"))}, ActivationChoice{},
			"a c | Mul: no node before it makes codes; QLinearConv; Sigmoid: no node behind it takes codes;"},
		{"a product that stays floating-point", "y", []onnxtest.Message{node("MatMul", in("x", "m"), in("a")), node("Relu", in("a"), in("c")), node("MatMul", in("c", "m"), in("y"))}, ActivationChoice{},
			"x a(Relu) c | QLinearMatMul; codes of its result; MatMulIntegerToFloat;"},
		{"a bias behind a product", "y", []onnxtest.Message{node("MatMul", in("x", "m"), in("a")), node("Add", in("a", "b"), in("y"))}, ActivationChoice{},
			"x a | QLinearMatMul; Add: no node behind it takes codes;"},
		{"a value added to a product", "y", []onnxtest.Message{node("MatMul", in("x", "m"), in("a")), node("Add", in("a", "x"), in("y"))}, ActivationChoice{},
			"x | MatMulIntegerToFloat; Add: no node behind it takes codes;"},
		{"of two activations", "y", []onnxtest.Message{node("MatMul", in("x", "x"), in("a")), node("Softmax", in("a"), in("c")), node("MatMul", in("c", "x"), in("y"))}, ActivationChoice{},
			"x a c | QLinearMatMul; QLinearSoftmax; MatMulIntegerToFloat;"},
		{"no integer form", "y", []onnxtest.Message{node("Conv", in("x", "w"), in("a")), node("HardSwish", in("a"), in("c")), node("Conv", in("c", "w"), in("y"))}, ActivationChoice{},
			"x a c y | QLinearConv; HardSwish: ONNX Runtime does not compute HardSwish with codes; QLinearConv;"},
		{"skipped", "y", []onnxtest.Message{node("Conv", in("x", "w"), in("a")), node("Conv", in("a", "w"), in("y"))}, ActivationChoice{Skip: func(name, _ string) bool { return name == "Conv y" }},
			"x a | QLinearConv; Conv: excluded;"},
		{"operators", "y", []onnxtest.Message{node("Conv", in("x", "w"), in("a")), node("MaxPool", in("a"), in("c")), node("Conv", in("c", "w"), in("y"))}, ActivationChoice{Operators: []string{"Conv"}},
			"x a c y | QLinearConv; MaxPool: the operator is not chosen; QLinearConv;"},
		{"16 bits", "y", []onnxtest.Message{node("Conv", in("x", "w"), in("y"))}, ActivationChoice{Bits: 16},
			"x y | Conv: ONNX Runtime computes Conv in floating point between codes of 16 bits;"},
		{"shapes are no activations", "y", []onnxtest.Message{node("Shape", in("x"), in("n")), node("Reshape", in("x", "shape"), in("a")), node("MatMul", in("a", "m"), in("y"))}, ActivationChoice{},
			"a | Reshape: no node before it makes codes; MatMulIntegerToFloat;"},
		{"weight that is computed", "y", []onnxtest.Message{node("Relu", in("w"), in("v")), node("Conv", in("x", "v"), in("y"))}, ActivationChoice{},
			"| Relu: all its operands are constants; Conv: its weight is not constant;"},
		{"unknown type", "y", []onnxtest.Message{node("Mystery", in("x"), in("a")).Text(7, "test"), node("Conv", in("a", "w"), in("y"))}, ActivationChoice{},
			`| test.Mystery: an operator of the domain test; Conv: the type of "a" is not known;`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			model := activationModel(13, test.output, test.nodes...)
			m, err := Parse(strings.NewReader(string(model)), int64(len(model)), "")
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(m.Activations(test.choice)); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
			if by := m.QuantizedBy(); by != nil {
				t.Errorf("quantized by %s", by.Name)
			}
		})
	}
}

// TestActivationsElsewhere lists products in subgraphs.
func TestActivationsElsewhere(t *testing.T) {
	model := onnxtest.Network(13)
	m, err := Parse(strings.NewReader(string(model)), int64(len(model)), "")
	if err != nil {
		t.Fatal(err)
	}
	var inside []string
	for _, n := range m.Activations(ActivationChoice{}).Nodes {
		if n.Reason == "it is in a subgraph" {
			inside = append(inside, n.Name)
		}
	}
	if len(inside) != 6 || inside[0] != "If y.then_branch/MatMul then1" {
		t.Errorf("%q", inside)
	}
}

// TestActivationsSoftmax has the Softmax of older models, which is over all axes from one on.
func TestActivationsSoftmax(t *testing.T) {
	node := onnxtest.Node
	in := func(s ...string) []string { return s }
	for _, test := range []struct {
		name  string
		opset int64
		axis  int64
		want  string
	}{
		{"version 13", 13, 2, "x a c y | QLinearConv; QLinearSoftmax; QLinearConv;"},
		{"the last axis", 11, -1, "x a c y | QLinearConv; QLinearSoftmax; QLinearConv;"},
		{"two axes", 11, 2, "x a c y | QLinearConv; Softmax: it is over several axes, or of an unknown number of axes: before version 13 of the operators that is another operator; QLinearConv;"},
	} {
		t.Run(test.name, func(t *testing.T) {
			model := activationModel(test.opset, "y", node("Conv", in("x", "w"), in("a")),
				node("Softmax", in("a"), in("c")).Bytes(5, onnxtest.Message{}.Text(1, "axis").Int(3, test.axis).Int(20, 2)), node("Conv", in("c", "w"), in("y")))
			m, err := Parse(strings.NewReader(string(model)), int64(len(model)), "")
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(m.Activations(ActivationChoice{})); got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
}
