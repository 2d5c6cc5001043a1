package onnxtest

import (
	"math"
	"strings"
)

// A Raising is a node that has to be written anew for a later version of the
// operators.
type Raising struct {
	Name     string
	From, To int64
	Shape    []int // of the input x
	Node     Message
	Outputs  int // a, b, …
	Tensors  []Message
	Want     string // operators in the raised model, with the inputs of the node; "" if the node stays as it is
	Refused  bool   // whether there is no way
}

// Model is a model of that node, and of a MatMul with a weight [8, 16]: its
// inputs are x and left [1, 8], and its outputs those of the node and m.
func (c Raising) Model() []byte {
	g := Graph{
		Nodes:   []Message{c.Node, node("MatMul", []string{"left", "weight"}, []string{"m"})},
		Tensors: append([]Message{Floats("weight", ramp(128), 8, 16)}, c.Tensors...),
		Inputs:  []Message{Value("x", Float, c.Shape...), Value("left", Float, 1, 8)},
		Outputs: []Message{Value("m", Float, 1, 16)},
	}
	for i := range c.Outputs {
		// Without a shape, which would be another way to know the axes.
		typ := int64(Float)
		if i == 1 && strings.Contains(string(c.Node), "TopK") {
			typ = Int64
		}
		g.Outputs = append(g.Outputs, Message{}.Text(1, string(rune('a'+i))).Bytes(2, Message{}.Bytes(1, Message{}.Int(1, typ))))
	}
	return Model(c.From, g)
}

// node is Node without a name.
func node(op string, inputs, outputs []string, attributes ...Message) Message {
	return Message{}.Text(1, inputs...).Text(2, outputs...).Text(4, op).Bytes(5, attributes...)
}

func attrFloat(name string, v float32) Message {
	return Message{}.Text(1, name).Fixed32(2, math.Float32bits(v)).Int(20, 1)
}

func attrFloats(name string, v ...float32) Message {
	m := Message{}.Text(1, name)
	for _, x := range v {
		m = m.Fixed32(7, math.Float32bits(x))
	}
	return m.Int(20, 6)
}

func attrString(name, v string) Message { return Message{}.Text(1, name).Text(4, v).Int(20, 3) }

func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i%17)/8 - 0.5 + float32(i)/1024
	}
	return x
}

// Raisings has one for every change of an operator that is known.
func Raisings() []Raising {
	names := func(s ...string) []string { return s }
	x, a := names("x"), names("a")
	image := []int{1, 2, 3, 4}
	scales := func(s ...float32) []Message { return []Message{Floats("s", s, len(s))} }
	list := []Raising{
		{"slice", 9, 10, []int{4, 5}, node("Slice", x, a, AttrInts("starts", 1, 0), AttrInts("ends", 3, 4)), 1, nil, "Constant Constant Slice(x a_starts a_ends)", false},
		{"slice of axes", 9, 13, []int{4, 5}, node("Slice", x, a, AttrInts("axes", 1), AttrInts("starts", 1), AttrInts("ends", -1)), 1, nil, "Constant Constant Constant Slice(x a_starts a_ends a_axes)", false},
		{"topk", 9, 10, []int{4, 5}, node("TopK", x, names("a", "b"), AttrInt("k", 2)), 2, nil, "Constant TopK(x a_k)", false},
		{"clip", 7, 13, []int{4, 5}, node("Clip", x, a, attrFloat("min", 0.25), attrFloat("max", 0.5)), 1, nil, "Constant Constant Clip(x a_min a_max)", false},
		{"clip above", 10, 11, []int{4, 5}, node("Clip", x, a, attrFloat("max", 0.5)), 1, nil, "Constant Clip(x  a_max)", false},
		{"clip, other floats", 10, 11, []int{4, 5}, node("Clip", x, a, attrFloat("max", 0.5)), 1, []Message{tensor("h", 10, []int{2, 2}).Bytes(9, make([]byte, 8))}, "", true},
		{"pad", 10, 21, []int{4, 5}, node("Pad", x, a, AttrInts("pads", 0, 1, 2, 0), attrFloat("value", 3), attrString("mode", "constant")), 1, nil, "Constant Constant Pad(x a_pads a_value)", false},
		{"dropout", 11, 13, []int{4, 5}, node("Dropout", x, a, attrFloat("ratio", 0.75)), 1, nil, "Dropout(x)", false},
		{"batch norm", 8, 15, []int{2, 3, 2}, node("BatchNormalization", names("x", "s", "s", "s", "v"), a, AttrInt("spatial", 1)), 1,
			[]Message{Floats("s", ramp(3), 3), Floats("v", []float32{1, 2, 3}, 3)}, "BatchNormalization(x s s s v)", false},
		{"batch norm of places", 8, 9, []int{2, 3}, node("BatchNormalization", names("x", "s", "s", "s", "s"), a, AttrInt("spatial", 0)), 1, nil, "", true},
		{"batch norm that learns", 13, 14, []int{2, 3}, node("BatchNormalization", names("x", "s", "s", "s", "s"), names("a", "b")), 1, nil, "", true},
		{"squeeze", 11, 13, []int{4, 1, 5, 1}, node("Squeeze", x, a, AttrInts("axes", 1, -1)), 1, nil, "Constant Squeeze(x a_axes)", false},
		{"squeeze of all", 11, 13, []int{4, 1, 5, 1}, node("Squeeze", x, a), 1, nil, "", false},
		{"unsqueeze", 11, 21, []int{4, 5}, node("Unsqueeze", x, a, AttrInts("axes", 0, 3)), 1, nil, "Constant Unsqueeze(x a_axes)", false},
		{"split", 11, 13, []int{4, 5}, node("Split", x, names("a", "b"), AttrInts("split", 1, 3), AttrInt("axis", 0)), 2, nil, "Constant Split(x a_split)", false},
		{"split in parts, to 21", 11, 21, []int{4, 5}, node("Split", x, names("a", "b"), AttrInts("split", 1, 3), AttrInt("axis", 0)), 2, nil, "Constant Split(x a_split)", false},
		{"split in half", 13, 18, []int{4, 6}, node("Split", x, names("a", "b"), AttrInt("axis", -1)), 2, nil, "Split(x)", false},
		{"softmax", 11, 13, []int{2, 3, 4}, node("Softmax", x, a), 1, nil, "Flatten Shape Softmax(a_flat) Reshape", false},
		{"softmax of an axis", 12, 21, []int{2, 3, 4}, node("Softmax", x, a, AttrInt("axis", -2)), 1, nil, "Flatten Shape Softmax(a_flat) Reshape", false},
		{"softmax of the last axis", 11, 13, []int{2, 3, 4}, node("Softmax", x, a, AttrInt("axis", -1)), 1, nil, "", false},
		{"softmax of a matrix", 11, 13, []int{3, 4}, node("LogSoftmax", x, a), 1, nil, "", false},
		{"hardmax", 11, 13, []int{2, 3, 4}, node("Hardmax", x, a, AttrInt("axis", 0)), 1, nil, "Flatten Shape Hardmax(a_flat) Reshape", false},
		{"roi align", 15, 16, []int{1, 1, 4, 4}, node("RoiAlign", names("x", "r", "i"), a, AttrInt("output_height", 2), AttrInt("output_width", 2)), 1,
			[]Message{Floats("r", []float32{0, 0, 3, 3}, 1, 4), Ints("i", 0)}, "RoiAlign(x r i)", false},
		{"grid sample", 17, 21, []int{1, 1, 4, 4}, node("GridSample", names("x", "r"), a, attrString("mode", "bicubic")), 1,
			[]Message{Floats("r", ramp(8), 1, 2, 2, 2)}, "GridSample(x r)", false},
		{"lstm", 11, 21, []int{2, 1, 3}, node("LSTM", names("x", "w", "r"), a, AttrInt("hidden_size", 2)), 1,
			[]Message{Floats("w", ramp(24), 1, 8, 3), Floats("r", ramp(16), 1, 8, 2)}, "", false},
		{"resize without scales", 10, 11, []int{4, 5}, node("Resize", names("x", "s"), a), 1, nil, "", true},
		{"resize up and down", 10, 11, image, node("Resize", names("x", "s"), a), 1, scales(1, 1, 2, 0.5), "", true},
		{"resize", 10, 11, image, node("Resize", names("x", "s"), a), 1, scales(1, 1, 2, 1.75), "Constant Resize(x a_roi s)", false},
		{"resize down", 10, 13, image, node("Resize", names("x", "s"), a), 1, scales(1, 1, 0.6, 0.5), "Constant Resize(x a_roi s)", false},
		{"resize linear", 10, 21, image, node("Resize", names("x", "s"), a, attrString("mode", "linear")), 1, scales(1, 1, 2, 0.5), "Constant Resize(x a_roi s)", false},
		{"upsample", 9, 10, image, node("Upsample", names("x", "s"), a), 1, scales(1, 1, 2, 1.5), "Resize(x s)", false},
		{"upsample to 13", 9, 13, image, node("Upsample", names("x", "s"), a, attrString("mode", "nearest")), 1, scales(1, 1, 2, 1.5), "Constant Resize(x a_roi s)", false},
		{"upsample linear", 9, 21, image, node("Upsample", names("x", "s"), a, attrString("mode", "linear")), 1, scales(1, 1, 3, 1.5), "Constant Resize(x a_roi s)", false},
		{"upsample of 7", 7, 13, image, node("Upsample", x, a, attrFloats("scales", 1, 1, 2, 3)), 1, nil, "Constant Constant Resize(x a_roi a_scales)", false},
		{"upsample of 7 to 9", 7, 9, image, node("Upsample", x, a, attrFloats("scales", 1, 1, 2, 3)), 1, nil, "Constant Upsample(x a_scales)", false},
		{"upsample without scales", 7, 10, image, node("Upsample", x, a), 1, nil, "", true},
		{"upsample of another mode", 9, 11, image, node("Upsample", names("x", "s"), a, attrString("mode", "cubic")), 1, scales(1, 1, 2, 2), "", true},
		{"too old", 6, 13, []int{4, 5}, node("Relu", x, a), 1, nil, "", true},
		{"what nobody knows", 11, 13, []int{4, 5}, node("Experimental", x, a), 1, nil, "", true},
		{"max pool", 12, 23, image, node("MaxPool", x, a, AttrInts("kernel_shape", 2, 2), AttrInts("strides", 2, 2)), 1, nil, "", false},
		{"max pool that rounds up", 21, 22, image, node("MaxPool", x, a, AttrInts("kernel_shape", 2, 2), AttrInts("strides", 2, 2), AttrInt("ceil_mode", 1)), 1, nil, "", true},
		{"max pool that rounds up, to 21", 12, 21, image, node("MaxPool", x, a, AttrInts("kernel_shape", 2, 2), AttrInts("strides", 2, 2), AttrInt("ceil_mode", 1)), 1, nil, "", false},
		{"average pool", 11, 23, image, node("AveragePool", x, a, AttrInts("kernel_shape", 1, 2), AttrInts("pads", 0, 1, 0, 1)), 1, nil, "", false},
		{"average pool that rounds up", 19, 23, image, node("AveragePool", x, a, AttrInts("kernel_shape", 2, 2), AttrInt("ceil_mode", 1)), 1, nil, "", true},
		{"squeeze, to 23", 11, 23, []int{4, 1, 5, 1}, node("Squeeze", x, a, AttrInts("axes", 1, -1)), 1, nil, "Constant Squeeze(x a_axes)", false},
		{"transpose", 21, 23, []int{4, 5}, node("Transpose", x, a), 1, nil, "", false},
		{"group norm", 18, 21, []int{4, 5}, node("GroupNormalization", names("x", "s", "s"), a), 1, nil, "", true},
	}
	for _, op := range []string{"ReduceSum", "ReduceMean", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare"} {
		list = append(list, Raising{op, 11, 21, []int{4, 5}, node(op, x, a, AttrInts("axes", 1), AttrInt("keepdims", 0)), 1, nil, "Constant " + op + "(x a_axes)", false})
	}
	return list
}
