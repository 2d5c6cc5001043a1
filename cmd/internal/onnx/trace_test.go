package onnx

import "testing"

// TestTraced follows a weight [4, 3, 2] through what stands between it and the
// operator.
func TestTraced(t *testing.T) {
	conv := nodeOf("Conv", names("x", "v"), names("y"))
	fn := func(name string, nodes ...message) message {
		m := message{}.Text(1, name).Text(4, "a").Text(5, "r").Bytes(7, nodes...)
		return m.Bytes(9, message{}.Int(2, 13)).Text(10, "local")
	}
	call := func(name, input, output string) message {
		return nodeOf(name, names(input), names(output)).Text(7, "local")
	}
	for _, c := range []struct {
		name      string
		nodes     []message
		functions []message
		axis      int
		weight    bool
	}{
		{"times a constant", []message{nodeOf("Mul", names("w", "g"), names("v")), conv}, nil, 0, true},
		{"a constant times it", []message{nodeOf("Mul", names("g", "w"), names("v")), conv}, nil, 0, true},
		{"by a constant", []message{nodeOf("Div", names("w", "g"), names("v")), conv}, nil, 0, true},
		{"a constant by it", []message{nodeOf("Div", names("g", "w"), names("v")), conv}, nil, NoAxis, false},
		{"times what is computed", []message{nodeOf("Mul", names("w", "x"), names("v")), conv}, nil, NoAxis, false},
		{"tiles", []message{nodeOf("Tile", names("w", "n"), names("v")), conv}, nil, 0, true},
		{"through functions", []message{call("outer", "w", "v"), conv},
			[]message{fn("outer", call("inner", "a", "r")), fn("inner", nodeOf("Identity", names("a"), names("r")))}, 0, true},
		{"through a function twice", []message{call("f", "w", "u"), call("f", "u", "v"), conv},
			[]message{fn("f", nodeOf("Identity", names("a"), names("r")))}, 0, true},
		{"that a function returns", []message{call("f", "x", "v"), conv},
			[]message{fn("f", constantOf("r", raw("", ramp(24), 4, 3, 2)))}, 0, true},
		{"of a function that is not called", []message{nodeOf("Relu", names("x"), names("y"))},
			[]message{fn("f", constantOf("r", raw("", ramp(24), 4, 3, 2)), nodeOf("Conv", names("a", "r"), names("z")))}, 0, false},
	} {
		g := graphParts{nodes: c.nodes, inputs: []message{valueInfo("x", 1, 3, 9)}, outputs: []message{valueInfo("y")},
			tensors: []message{raw("w", ramp(24), 4, 3, 2), raw("g", ramp(4), 4, 1, 1), rawInts("n", 1, 1, 2)}}
		m := parse(t, modelOf(8, 13, g.message()).Bytes(8, message{}.Text(1, "local").Int(2, 1)).Bytes(25, c.functions...))
		name := "w"
		for _, x := range m.Tensors {
			if x.graph.fn != nil {
				name = x.Name
			}
		}
		if w := m.tensor(t, name); w.Axis != c.axis || w.Weight != c.weight {
			t.Errorf("%s: axis %d, weight %v: %s", c.name, w.Axis, w.Weight, w.Note)
		}
	}
}

// TestBesideCodes has the other operand made by a DequantizeLinear, or not.
func TestBesideCodes(t *testing.T) {
	dq := nodeOf("DequantizeLinear", names("q", "s"), names("d"))
	for _, c := range []struct {
		name  string
		nodes []message
		want  bool
	}{
		{"at once", []message{dq, nodeOf("MatMul", names("d", "w"), names("y"))}, true},
		{"behind a Reshape", []message{dq, nodeOf("Reshape", names("d", "n"), names("e")), nodeOf("MatMul", names("e", "w"), names("y"))}, true},
		{"as the first operand", []message{dq, nodeOf("MatMul", names("w", "d"), names("y"))}, true},
		{"behind a Relu", []message{dq, nodeOf("Relu", names("d"), names("e")), nodeOf("MatMul", names("e", "w"), names("y"))}, false},
		{"of no codes", []message{nodeOf("MatMul", names("q", "w"), names("y"))}, false},
		{"codes as a bias", []message{dq, nodeOf("Gemm", names("x", "w", "d"), names("y"))}, false},
	} {
		g := graphParts{nodes: c.nodes, inputs: []message{valueInfo("q"), valueInfo("x")}, outputs: []message{valueInfo("y")},
			tensors: []message{raw("w", ramp(16), 4, 4), raw("s", ramp(1)), rawInts("n", 4, 4)}}
		m := parse(t, modelOf(8, 13, g.message()))
		if got := m.tensor(t, "w").BesideCodes; got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
