package onnx

import (
	"strings"
	"testing"
)

// codesModel is a model with a node of ONNX Runtime's or ONNX's operators, and
// constants.
func codesModel(t *testing.T, tensors []message, nodes ...message) *Model {
	t.Helper()
	g := graphParts{nodes: nodes, tensors: tensors, inputs: []message{valueInfo("x")}, outputs: []message{valueInfo("y")}}
	return parse(t, modelOf(9, 21, g.message()))
}

func microsoftNode(op string, inputs []string, attributes ...message) message {
	return nodeOf(op, inputs, names("y"), attributes...).Text(7, microsoft)
}

// constantOfType is a tensor of zeros.
func constantOfType(name string, elem elemType, shape ...int) message {
	n, _ := elements(shape)
	return tensorOf(name, elem, shape...).Bytes(9, make([]byte, (n*elemTypes[elem].bits+7)/8))
}

// TestCodesRefused has codes whose scales or attributes do not go with them. What is
// said names what is wrong, and nothing is dequantized.
func TestCodesRefused(t *testing.T) {
	const f16, f64 elemType = 10, 11
	codes := constantOfType("w", elemUint8, 8, 2, 16) // 8 rows of 64, in blocks of 32 of 4 bits
	scale := constantOfType("s", elemFloat, 16)
	square := constantOfType("w", elemInt8, 4, 4)
	k, n, block := attrInt("K", 64), attrInt("N", 8), attrInt("block_size", 32)
	one := constantOfType("s", elemFloat)
	zero := constantOfType("z", elemInt8)
	dynamic := nodeOf("DynamicQuantizeLinear", names("x"), names("xq", "xs", "xz"))
	cast := nodeOf("Cast", names("i"), names("f"), attrInt("to", 1))
	integer := nodeOf("MatMulInteger", names("xq", "w", "xz"), names("i"))
	for _, c := range []struct {
		name    string
		tensors []message
		nodes   []message
		want    string
	}{
		{"no K", []message{codes, scale}, []message{microsoftNode("MatMulNBits", names("x", "w", "s"), n, block)}, "K 0, N 8"},
		{"huge K", []message{codes, scale}, []message{microsoftNode("MatMulNBits", names("x", "w", "s"), attrInt("K", 1<<40), n, block)}, "K 1099511627776"},
		{"negative block", []message{codes, scale}, []message{microsoftNode("MatMulNBits", names("x", "w", "s"), k, n, attrInt("block_size", -32))}, "block_size -32"},
		{"too many bits", []message{codes, scale}, []message{microsoftNode("MatMulNBits", names("x", "w", "s"), k, n, block, attrInt("bits", 9))}, "of 9 bits"},
		{"codes cut off", []message{codes, scale}, []message{microsoftNode("MatMulNBits", names("x", "w", "s"), k, attrInt("N", 9), block)}, "256 bytes of codes, but 9×64 in blocks of 32 take 288"},
		{"prepacked", []message{codes, scale}, []message{microsoftNode("MatMulNBits", names("x", "w", "s"), k, n, block, attrInt("weight_prepacked", 1))}, "weight_prepacked"},
		{"no scales", []message{codes}, []message{microsoftNode("MatMulNBits", names("x", "w", "t"), k, n, block)}, "no constant floating-point scales"},
		{"scales of float64", []message{codes, constantOfType("s", f64, 16)}, []message{microsoftNode("MatMulNBits", names("x", "w", "s"), k, n, block)}, "no constant floating-point scales"},
		{"too few scales", []message{codes, constantOfType("s", elemFloat, 15)}, []message{microsoftNode("MatMulNBits", names("x", "w", "s"), k, n, block)}, "15 scales for 8×64 codes"},
		{"zero points of another length", []message{codes, scale, constantOfType("z", elemUint8, 9)}, []message{microsoftNode("MatMulNBits", names("x", "w", "s", "z"), k, n, block)}, "zero points of shape [9] and type U8"},
		{"zero points of another type", []message{codes, scale, constantOfType("z", f16, 16)}, []message{microsoftNode("MatMulNBits", names("x", "w", "s", "z"), k, n, block)}, "type F16"},
		{"blocks of another length", []message{codes, scale, constantOfType("g", elemI32, 63)}, []message{microsoftNode("MatMulNBits", names("x", "w", "s", "", "g"), k, n, block)}, "no constant list of a block"},
		{"no absolute maxima", []message{constantOfType("w", elemUint8, 256)}, []message{microsoftNode("MatMulBnb4", names("x", "w"), k, n, block)}, "is not constant"},
		{"too few absolute maxima", []message{constantOfType("w", elemUint8, 256), constantOfType("s", elemFloat, 15)}, []message{microsoftNode("MatMulBnb4", names("x", "w", "s"), k, n, block)}, "15 absolute maxima"},
		{"unknown table", []message{constantOfType("w", elemUint8, 256), scale}, []message{microsoftNode("MatMulBnb4", names("x", "w", "s"), k, n, block, attrInt("quant_type", 2))}, "quant_type 2"},
		{"scales of other rows", []message{constantOfType("w", elemUint4, 6, 64), constantOfType("s", elemFloat, 5, 2)}, []message{microsoftNode("GatherBlockQuantized", names("w", "x", "s"), block)}, "scales of shape [5 2]"},
		{"an axis that is not there", []message{constantOfType("w", elemUint4, 6, 64), constantOfType("s", elemFloat, 6, 2)}, []message{microsoftNode("GatherBlockQuantized", names("w", "x", "s"), block, attrInt("quantize_axis", 2))}, "quantize_axis 2"},
		{"scale of a channel too few", []message{square, constantOfType("s", elemFloat, 3)}, []message{microsoftNode("DynamicQuantizeMatMul", names("x", "w", "s"))}, "scales or zero points of shape [3] do not go with codes of shape [4 4]"},
		{"codes of 16 bits", []message{constantOfType("w", elemI16, 4, 4), one}, []message{microsoftNode("DynamicQuantizeMatMul", names("x", "w", "s"))}, "codes of type I16"},
		{"codes without axes", []message{constantOfType("w", elemInt8), one}, []message{microsoftNode("DynamicQuantizeMatMul", names("x", "w", "s"))}, "no axis of channels"},
		{"few inputs", []message{square, one}, []message{nodeOf("QLinearMatMul", names("x", "s", "", "w", "s"), names("y"))}, "has 5 inputs"},
		{"a scale of what comes in that is not constant", []message{square, one, zero}, []message{nodeOf("QLinearMatMul", names("x", "x", "z", "w", "s", "z", "s", "z"), names("y"))}, "none that is constant"},
		{"a bias that is none", []message{square, one, zero}, []message{nodeOf("QLinearConv", names("x", "s", "z", "w", "s", "z", "s", "z", "z"), names("y"))}, "the bias of its QLinearConv"},
		{"sums that go out", []message{square}, []message{dynamic, nodeOf("MatMulInteger", names("xq", "w", "xz"), names("y"))}, "used in several ways"},
		{"sums that are not scaled", []message{square, one}, []message{dynamic, integer, nodeOf("Relu", names("i"), names("y"))}, "is not scaled by"},
		{"sums that are used twice", []message{square, one}, []message{dynamic, integer, cast, nodeOf("Mul", names("f", "f"), names("y"))}, "used in several ways"},
		{"two scales of weights", []message{square, one, constantOfType("t", elemFloat)},
			[]message{dynamic, integer, cast, nodeOf("Mul", names("s", "t"), names("m")), nodeOf("Mul", names("f", "m"), names("y"))}, "is not scaled by"},
		{"zero points of rows", []message{square, one, constantOfType("az", elemUint8, 4)},
			[]message{nodeOf("MatMulInteger", names("x", "w", "az"), names("i")), cast, nodeOf("Mul", names("s", "x"), names("m")), nodeOf("Mul", names("f", "m"), names("y"))}, "has several scales or zero points"},
		{"a scale along the wrong axis", []message{square, constantOfType("s", elemFloat, 4, 1)},
			[]message{dynamic, integer, cast, nodeOf("Mul", names("s", "xs"), names("m")), nodeOf("Mul", names("f", "m"), names("y"))}, "scales of shape [4 1]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, others := codesModel(t, c.tensors, c.nodes...).Dequantizers()
			if len(found) > 0 || !strings.Contains(others["w"], c.want) {
				t.Errorf("%d found; %q, want %q", len(found), others["w"], c.want)
			}
		})
	}
}

// TestProducts multiplies what two operators with codes make: only one of them can
// take the place of the product.
func TestProducts(t *testing.T) {
	m := codesModel(t, []message{constantOfType("a", elemInt8, 4, 4), constantOfType("b", elemInt8, 4, 4), constantOfType("s", elemFloat)},
		nodeOf("DynamicQuantizeLinear", names("x"), names("xq", "xs", "xz")),
		nodeOf("MatMulInteger", names("xq", "a", "xz"), names("i")), nodeOf("Cast", names("i"), names("f"), attrInt("to", 1)),
		nodeOf("MatMulInteger", names("xq", "b", "xz"), names("j")), nodeOf("Cast", names("j"), names("g"), attrInt("to", 1)),
		nodeOf("Mul", names("f", "g"), names("m")), nodeOf("Mul", names("m", "s"), names("y")))
	found, others := m.Dequantizers()
	if len(found)+len(others) != 2 || len(found) > 1 {
		t.Errorf("%d found, %v", len(found), others)
	}
	r := m.Rewrite("data")
	for _, d := range found {
		r.Dequantize(d, valuesOf(d))
	}
	if err := r.Plan(); err != nil {
		t.Fatal(err)
	}
	if _, err := resultOf(r); err != nil {
		t.Error(err)
	}
}

// TestCodesOfSeveral has codes that two operators take with the same scales, and a third
// with others.
func TestCodesOfSeveral(t *testing.T) {
	m := codesModel(t, []message{constantOfType("w", elemInt8, 4, 4), constantOfType("s", elemFloat), constantOfType("t", elemFloat, 4)},
		nodeOf("DynamicQuantizeMatMul", names("x", "w", "s"), names("a")).Text(7, microsoft),
		nodeOf("DynamicQuantizeMatMul", names("a", "w", "s"), names("b")).Text(7, microsoft),
		nodeOf("DynamicQuantizeMatMul", names("b", "w", "t"), names("y")).Text(7, microsoft))
	found, others := m.Dequantizers()
	if len(found) != 2 || len(others) != 0 {
		t.Fatalf("%d found, %v", len(found), others)
	}
	for _, some := range [][]*Dequantizer{found, found[:1], found[1:]} {
		r := m.Rewrite("data")
		for _, d := range some {
			r.Dequantize(d, valuesOf(d))
		}
		if err := r.Plan(); err != nil {
			t.Fatal(err)
		}
		out, err := resultOf(r)
		if err != nil {
			t.Fatal(err)
		}
		q := parse(t, out)
		left := 0
		for _, x := range q.Tensors {
			if x.DType == "I8" {
				left++
			}
		}
		if want := 2 - len(some); left != want {
			t.Errorf("of %d: %d tensors of codes are left, want %d", len(some), left, want)
		}
		if got := strings.Join(q.Operators(), " "); strings.Count(got, "DynamicQuantizeMatMul") != map[bool]int{true: 0, false: 3 - len(some[0].changes)}[len(some) == 2] {
			t.Errorf("operators %s", got)
		}
	}
}

// TestComputedInput has an operator whose input another one computes: what computes
// it stays, although only the DynamicQuantizeLinear used it, which goes.
func TestComputedInput(t *testing.T) {
	m := codesModel(t, []message{constantOfType("w", elemInt8, 2, 2), constantOfType("s", elemFloat), raw("b", ramp(2), 2)},
		nodeOf("Add", names("x", "b"), names("a")),
		nodeOf("DynamicQuantizeLinear", names("a"), names("aq", "as", "az")),
		nodeOf("MatMulInteger", names("aq", "w", "az"), names("i")), nodeOf("Cast", names("i"), names("f"), attrInt("to", 1)),
		nodeOf("Mul", names("as", "s"), names("m")), nodeOf("Mul", names("f", "m"), names("y")))
	found, _ := m.Dequantizers()
	r := m.Rewrite("data")
	for _, d := range found {
		r.Dequantize(d, valuesOf(d))
	}
	if err := r.Plan(); err != nil {
		t.Fatal(err)
	}
	out, err := resultOf(r)
	if err != nil {
		t.Fatal(err)
	}
	q := parse(t, out)
	if got := strings.Join(q.Operators(), " "); got != "Add MatMul" {
		t.Errorf("operators %s, want Add MatMul", got)
	}
	q.tensor(t, "b")
}

// TestCodesSeed dequantizes all of the model with which fuzzing begins.
func TestCodesSeed(t *testing.T) {
	m := parse(t, codesSeed())
	found, others := m.Dequantizers()
	if len(found) != 4 || len(others) != 0 {
		t.Fatalf("%d found, %v", len(found), others)
	}
	r := m.Rewrite("data")
	for _, d := range found {
		r.Dequantize(d, valuesOf(d))
	}
	if err := r.Plan(); err != nil {
		t.Fatal(err)
	}
	out, err := resultOf(r)
	if err != nil {
		t.Fatal(err)
	}
	q := parse(t, out)
	if got, want := strings.Join(q.Operators(), " "), "MatMul MatMul Gather DequantizeLinear Conv QuantizeLinear"; got != want {
		t.Errorf("operators %s, want %s", got, want)
	}
	if more, others := q.Dequantizers(); len(more)+len(others) > 0 {
		t.Errorf("%d are left, %v", len(more), others)
	}
}
