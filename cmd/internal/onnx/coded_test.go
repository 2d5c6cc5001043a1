package onnx

import "testing"

// TestCoded has codes of a weight for each operator that takes them.
func TestCoded(t *testing.T) {
	codes := tensorOf("q", elemInt8, 4, 4).Bytes(9, make([]byte, 16))
	for _, c := range []struct {
		name, domain string
		inputs       []string
		coded        bool
	}{
		{"DequantizeLinear", "", names("q", "s"), true},
		{"DequantizeLinear", microsoft, names("q", "s"), true},
		{"DequantizeLinear", "other", names("q", "s"), false},
		{"ConvInteger", "", names("x", "q"), true},
		{"MatMulInteger", "", names("x", "q", "z", "z"), true},
		{"MatMulInteger", "", names("x", "z", "q"), false}, // zero points
		{"QLinearConv", "", names("x", "s", "z", "q", "s", "z", "s", "z"), true},
		{"QLinearMatMul", "", names("x", "s", "z", "q", "s", "z", "s", "z"), true},
		{"MatMulNBits", microsoft, names("x", "q", "s"), true},
		{"MatMulNBits", microsoft, names("x", "b", "s", "q"), false},
		{"MatMulIntegerToFloat", microsoft, names("x", "q", "s", "s"), true},
		{"Gather", "", names("q", "i"), false},
	} {
		node := nodeOf(c.name, c.inputs, names("y")).Text(7, c.domain)
		m := parse(t, modelOf(8, 13, graphParts{nodes: []message{node}, tensors: []message{codes}}.message()))
		if got, want := m.Tensors[0].Coded, map[bool]string{true: c.name}[c.coded]; got != want {
			t.Errorf("%s %s %v: codes of %q, want %q", c.domain, c.name, c.inputs, got, want)
		}
	}
}
