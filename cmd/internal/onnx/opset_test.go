package onnx

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func attrFloat(name string, v float32) message {
	return message{}.str(1, name).fixed32(2, math.Float32bits(v)).int(20, 1)
}

func attrString(name, v string) message { return message{}.str(1, name).str(4, v).int(20, 3) }

// A raising is a node that has to be written anew for a later version.
type raising struct {
	name     string
	from, to int64
	shape    []int // of the input x
	node     message
	outputs  []int // axes of the outputs a, b, …
	more     []message
	want     string // operators in the raised model, and the inputs of the node; "" if the node stays as it is
	refused  bool
}

func (c raising) model(from int64) []byte {
	g := graphParts{nodes: []message{c.node}, tensors: c.more, inputs: []message{valueInfo("x", c.shape...)}}
	for i, rank := range c.outputs {
		// Without a shape: only the names of the axes would be missing.
		typ := message{}.bytes(1, message{}.int(1, int64(outputType(c.node, i))))
		_ = rank
		g.outputs = append(g.outputs, message{}.str(1, string(rune('a'+i))).bytes(2, typ))
	}
	return modelOf(8, from, g.message())
}

// outputType is F32, but for the indices of TopK.
func outputType(node message, i int) elemType {
	if i == 1 && strings.Contains(string(node), "TopK") {
		return elemI64
	}
	return elemFloat
}

func raisings() []raising {
	x, a := names("x"), names("a")
	one := []int{1}
	list := []raising{
		{"slice", 9, 10, []int{4, 5}, nodeOf("Slice", x, a, attrInts("starts", 1, 0), attrInts("ends", 3, 4)), one, nil, "Constant Constant Slice(x a_starts a_ends)", false},
		{"slice of axes", 9, 13, []int{4, 5}, nodeOf("Slice", x, a, attrInts("axes", 1), attrInts("starts", 1), attrInts("ends", -1)), one, nil, "Constant Constant Constant Slice(x a_starts a_ends a_axes)", false},
		{"topk", 9, 10, []int{4, 5}, nodeOf("TopK", x, names("a", "b"), attrInt("k", 2)), []int{2, 2}, nil, "Constant TopK(x a_k)", false},
		{"clip", 7, 13, []int{4, 5}, nodeOf("Clip", x, a, attrFloat("min", 0.25), attrFloat("max", 0.5)), one, nil, "Constant Constant Clip(x a_min a_max)", false},
		{"clip above", 10, 11, []int{4, 5}, nodeOf("Clip", x, a, attrFloat("max", 0.5)), one, nil, "Constant Clip(x  a_max)", false},
		{"clip, other floats", 10, 11, []int{4, 5}, nodeOf("Clip", x, a, attrFloat("max", 0.5)), one, []message{tensorOf("h", 10, 2, 2).bytes(9, make([]byte, 8))}, "", true},
		{"pad", 10, 21, []int{4, 5}, nodeOf("Pad", x, a, attrInts("pads", 0, 1, 2, 0), attrFloat("value", 3), attrString("mode", "constant")), one, nil, "Constant Constant Pad(x a_pads a_value)", false},
		{"dropout", 11, 13, []int{4, 5}, nodeOf("Dropout", x, a, attrFloat("ratio", 0.75)), one, nil, "Dropout(x)", false},
		{"batch norm", 8, 15, []int{2, 3, 2}, nodeOf("BatchNormalization", names("x", "s", "s", "s", "v"), a, attrInt("spatial", 1)), one,
			[]message{raw("s", ramp(3), 3), raw("v", []float32{1, 2, 3}, 3)}, "BatchNormalization(x s s s v)", false},
		{"batch norm of places", 8, 9, []int{2, 3}, nodeOf("BatchNormalization", names("x", "s", "s", "s", "s"), a, attrInt("spatial", 0)), one, nil, "", true},
		{"batch norm that learns", 13, 14, []int{2, 3}, nodeOf("BatchNormalization", names("x", "s", "s", "s", "s"), names("a", "b")), one, nil, "", true},
		{"squeeze", 11, 13, []int{4, 1, 5, 1}, nodeOf("Squeeze", x, a, attrInts("axes", 1, -1)), one, nil, "Constant Squeeze(x a_axes)", false},
		{"squeeze of all", 11, 13, []int{4, 1, 5, 1}, nodeOf("Squeeze", x, a), one, nil, "", false},
		{"unsqueeze", 11, 21, []int{4, 5}, nodeOf("Unsqueeze", x, a, attrInts("axes", 0, 3)), one, nil, "Constant Unsqueeze(x a_axes)", false},
		{"split", 11, 13, []int{4, 5}, nodeOf("Split", x, names("a", "b"), attrInts("split", 1, 3), attrInt("axis", 0)), []int{2, 2}, nil, "Constant Split(x a_split)", false},
		{"split in parts, to 21", 11, 21, []int{4, 5}, nodeOf("Split", x, names("a", "b"), attrInts("split", 1, 3), attrInt("axis", 0)), []int{2, 2}, nil, "Constant Split(x a_split)", false},
		{"split in half", 13, 18, []int{4, 6}, nodeOf("Split", x, names("a", "b"), attrInt("axis", -1)), []int{2, 2}, nil, "Split(x)", false},
		{"softmax", 11, 13, []int{2, 3, 4}, nodeOf("Softmax", x, a), one, nil, "Flatten Shape Softmax(a_flat) Reshape", false},
		{"softmax of an axis", 12, 21, []int{2, 3, 4}, nodeOf("Softmax", x, a, attrInt("axis", -2)), one, nil, "Flatten Shape Softmax(a_flat) Reshape", false},
		{"softmax of the last axis", 11, 13, []int{2, 3, 4}, nodeOf("Softmax", x, a, attrInt("axis", -1)), one, nil, "", false},
		{"softmax of a matrix", 11, 13, []int{3, 4}, nodeOf("LogSoftmax", x, a), one, nil, "", false},
		{"hardmax", 11, 13, []int{2, 3, 4}, nodeOf("Hardmax", x, a, attrInt("axis", 0)), one, nil, "Flatten Shape Hardmax(a_flat) Reshape", false},
		{"roi align", 15, 16, []int{1, 1, 4, 4}, nodeOf("RoiAlign", names("x", "r", "i"), a, attrInt("output_height", 2), attrInt("output_width", 2)), one,
			[]message{raw("r", []float32{0, 0, 3, 3}, 1, 4), rawInts("i", 0)}, "RoiAlign(x r i)", false},
		{"grid sample", 17, 21, []int{1, 1, 4, 4}, nodeOf("GridSample", names("x", "r"), a, attrString("mode", "bicubic")), one,
			[]message{raw("r", ramp(8), 1, 2, 2, 2)}, "GridSample(x r)", false},
		{"lstm", 11, 21, []int{2, 1, 3}, nodeOf("LSTM", names("x", "w", "r"), a, attrInt("hidden_size", 2)), one,
			[]message{raw("w", ramp(24), 1, 8, 3), raw("r", ramp(16), 1, 8, 2)}, "", false},
		{"resize", 10, 11, []int{4, 5}, nodeOf("Resize", names("x", "s"), a), one, nil, "", true},
		{"upsample", 7, 10, []int{4, 5}, nodeOf("Upsample", x, a), one, nil, "", true},
		{"too old", 6, 13, []int{4, 5}, nodeOf("Relu", x, a), one, nil, "", true},
		{"what nobody knows", 11, 13, []int{4, 5}, nodeOf("Experimental", x, a), one, nil, "", true},
		{"group norm", 18, 21, []int{4, 5}, nodeOf("GroupNormalization", names("x", "s", "s"), a), one, nil, "", true},
	}
	for _, op := range []string{"ReduceSum", "ReduceMean", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSumSquare"} {
		list = append(list, raising{op, 11, 21, []int{4, 5}, nodeOf(op, x, a, attrInts("axes", 1), attrInt("keepdims", 0)), one, nil, "Constant " + op + "(x a_axes)", false})
	}
	return list
}

// TestRaise raises models of one node. QUANT_ONNX_DIR names a folder to leave
// them in, for another program to compare.
func TestRaise(t *testing.T) {
	for _, c := range raisings() {
		t.Run(c.name, func(t *testing.T) {
			before := c.model(c.from)
			m := parse(t, before)
			r := m.Rewrite("")
			r.version = c.to
			var refused *VersionError
			if err := m.Raise(c.to); errors.As(err, &refused) != c.refused {
				t.Fatal(err)
			}
			if c.refused {
				if err := r.Plan(); !errors.As(err, &refused) {
					t.Error(err)
				}
				return
			}
			out, _ := result(t, r)
			q := parse(t, out)
			checkModel(t, q)
			if got := q.version(q.main); got != c.to {
				t.Errorf("version %d, want %d", got, c.to)
			}
			op := m.main.nodes[0].op
			want := c.want
			if want == "" {
				want = fmt.Sprintf("%s(%s)", op, strings.Join(m.main.nodes[0].inputs, " "))
			}
			var got []string
			for _, n := range q.main.nodes {
				s := n.op
				if s == op {
					s += "(" + strings.Join(n.inputs, " ") + ")"
				}
				got = append(got, s)
			}
			if have := strings.Join(got, " "); sorted(have) != sorted(want) {
				t.Errorf("%s, want %s", have, want)
			}
			for _, change := range changes[op] {
				if c.from < change.version && change.version <= c.to {
					again := &conversion{m: q, node: q.main.nodes[len(q.main.nodes)-1]}
					if again.node.op == op && change.make(again) == nil && len(again.dropped) > 0 {
						t.Errorf("attributes %q are left", again.dropped)
					}
				}
			}
			name := strings.ReplaceAll(c.name, " ", "_")
			leave(t, name+".before.onnx", before)
			leave(t, name+".after.onnx", out)
		})
	}
}

// leave puts a model into the folder QUANT_ONNX_DIR, if there is one.
func leave(t *testing.T, name string, model []byte) {
	t.Helper()
	if dir := os.Getenv("QUANT_ONNX_DIR"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), model, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func sorted(s string) string {
	words := strings.Split(s, " ")
	slices.Sort(words)
	return strings.Join(words, " ")
}

func TestVersionError(t *testing.T) {
	m := parse(t, modelOf(8, 10, graphParts{nodes: []message{nodeOf("Resize", names("x"), names("y")).str(3, "up")}}.message()))
	err := m.Raise(13)
	want := `the model's operators are of version 10, DequantizeLinear has to be of version 13, and Resize (node "up") means something else there`
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	if err := m.Raise(10); err != nil {
		t.Error(err)
	}
}

// TestRaiseSubgraphs raises what is in branches and functions too.
func TestRaiseSubgraphs(t *testing.T) {
	squeeze := nodeOf("Squeeze", names("x"), names("s"), attrInts("axes", 0))
	g := graphParts{
		nodes:   []message{nodeOf("If", names("c"), names("y"), attrGraph("then_branch", graphParts{nodes: []message{squeeze}, outputs: []message{valueInfo("s")}}.message()))},
		inputs:  []message{valueInfo("x"), valueInfo("c")},
		outputs: []message{valueInfo("y")},
	}
	fn := func(node message) message {
		return message{}.str(1, "f").str(4, "x").str(5, "s").bytes(7, node).bytes(9, message{}.int(2, 11)).str(10, "local")
	}
	m := parse(t, modelOf(8, 12, g.message()).bytes(25, fn(squeeze)))
	r := m.Rewrite("")
	r.version = 13
	out, _ := result(t, r)
	q := parse(t, out)
	checkModel(t, q)
	for _, g := range q.graphs[1:] {
		if len(g.nodes) != 2 || !g.nodes[0].is("Constant") || len(g.nodes[1].inputs) != 2 || q.version(g) != 13 {
			t.Errorf("%s: %d nodes", g.path(), len(g.nodes))
		}
	}
	ref := message{}.str(1, "axes").str(21, "axes")
	m = parse(t, modelOf(8, 12, graphParts{}.message()).bytes(25, fn(nodeOf("Squeeze", names("x"), names("s"), ref))))
	if err := m.Raise(13); err == nil {
		t.Error("an attribute of a function becomes a constant")
	}
}
