package onnx

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// model is one with weights in every place.
func everywhere(ir, opset int64) message {
	branch := func(initializer bool) message {
		g := graphParts{nodes: []message{nodeOf("MatMul", names("x", "in"), names("z")), nodeOf("Add", names("z", "top"), names("zz"))}, outputs: []message{valueInfo("zz", 2, 4)}}
		if initializer {
			g.tensors = []message{raw("in", ramp(12), 3, 4)}
		} else {
			g.nodes = append([]message{constantOf("in", raw("", ramp(12), 3, 4))}, g.nodes...)
		}
		return g.message()
	}
	g := graphParts{
		nodes: []message{
			nodeOf("Relu", names("input"), names("x")),
			nodeOf("If", names("c"), names("y"), attrGraph("then_branch", branch(true)), attrGraph("else_branch", branch(false))),
			constantOf("k", raw("inner name", ramp(20), 4, 5)),
			nodeOf("MatMul", names("y", "k"), names("o")),
			nodeOf("scale", names("o"), names("oo")).Text(7, "local"),
			nodeOf("Conv", names("image", "w", "b"), names("out")),
		},
		tensors: []message{
			raw("w", ramp(24), 6, 4, 1), raw("b", ramp(6), 6), raw("top", ramp(4), 4), raw("free", ramp(4), 2, 2),
			tensorOf("t", elemFloat, 2, 2).Bytes(4, floatBytes(ramp(4))),
		},
		inputs:  []message{valueInfo("input", 2, 3), valueInfoOf("c", 9), valueInfo("w", 6, 4, 1), valueInfo("image", 1, 4, 7)},
		outputs: []message{valueInfo("out", 1, 6, 7), valueInfo("oo", 2, 2), valueInfo("free", 2, 2)},
	}.message()
	if ir < irInitializers {
		for _, v := range []message{valueInfo("b", 6), valueInfo("top", 4), valueInfo("free", 2, 2), valueInfo("t", 2, 2)} {
			g = g.Bytes(11, v)
		}
	}
	fn := message{}.Text(1, "scale").Text(4, "a").Text(5, "z").
		Bytes(7, constantOf("f", raw("", ramp(10), 5, 2))).Bytes(7, nodeOf("MatMul", names("a", "f"), names("z"))).
		Bytes(9, message{}.Text(1, "").Int(2, opset)).Text(10, "local")
	return modelOf(ir, opset, g).Bytes(8, message{}.Text(1, "local").Int(2, 1)).Bytes(25, fn).Text(99, "unknown")
}

// TestQuantizeEverywhere replaces every weight of a model in every way, and
// turns it back.
func TestQuantizeEverywhere(t *testing.T) {
	tests := []struct {
		dtype              string
		axis, block        int
		zeros              bool
		version, irAtLeast int64
	}{
		{"I8", NoAxis, 0, false, 10, 4}, {"U8", NoAxis, 0, true, 10, 4}, {"I8", 0, 0, true, 13, 4}, {"U8", 1, 0, true, 13, 4},
		{"I16", NoAxis, 0, true, 21, 4}, {"U16", 0, 0, true, 21, 4}, {"I4", NoAxis, 0, false, 21, 10}, {"U4", 1, 0, true, 21, 10},
		{"I8", 0, 2, true, 21, 4}, {"I4", 1, 3, true, 21, 10}, {"U4", 0, 2, true, 21, 10},
		{"F8_E4M3", NoAxis, 0, false, 19, 9}, {"F8_E5M2", 0, 0, false, 19, 9}, {"F8_E4M3FNUZ", 1, 2, false, 21, 9}, {"F8_E5M2FNUZ", 1, 0, true, 19, 9}, {"F4", NoAxis, 0, false, 23, 11}, {"F4", 1, 2, false, 23, 11},
	}
	for _, ir := range []int64{3, 8, 11} {
		for _, opset := range []int64{9, 12, 21, 25} {
			before := everywhere(ir, opset)
			for _, test := range tests {
				t.Run(fmt.Sprint(ir, opset, test), func(t *testing.T) {
					m := parse(t, before)
					r := m.Rewrite("out.data")
					quantized := []string{"w", "if.then", "if.else", "k", "f"}
					n := 0
					for _, x := range m.Tensors {
						if x.Weight {
							if err := r.Quantize(codesFor(x, test.dtype, test.axis, test.block, test.zeros)); err != nil {
								t.Fatal(err)
							}
							n++
						}
					}
					if n != len(quantized) {
						t.Fatalf("%d weights, want %d", n, len(quantized))
					}
					out, data := result(t, r)
					if len(data) > 0 {
						t.Errorf("%d bytes of external data", len(data))
					}
					leave(t, fmt.Sprint("everywhere", ir, opset, test, ".onnx"), out)
					q := parse(t, out)
					checkModel(t, q)
					if want := max(opset, test.version); q.version(q.main) != want || q.version(q.functions[0].body) != want {
						t.Errorf("versions %d and %d, want %d", q.version(q.main), q.version(q.functions[0].body), want)
					}
					if want := max(ir, test.irAtLeast); q.IR != want {
						t.Errorf("format %d, want %d", q.IR, want)
					}
					if strings.Count(string(out), "unknown") != 1 {
						t.Error("a field is gone that is not known")
					}
					found, others := q.Dequantizers()
					if len(found) != n || len(others) > 0 {
						t.Fatalf("%d dequantizers, others %v", len(found), others)
					}
					back := q.Rewrite("")
					for _, d := range found {
						if d.Axis != test.axis || d.Block != test.block || (d.Zeros != nil) != test.zeros || !strings.Contains(d.Use, "MatMul") && d.Use != "Conv" {
							t.Errorf("%+v", d)
						}
						back.Dequantize(d, valuesOf(d))
					}
					out, _ = result(t, back)
					leave(t, fmt.Sprint("everywhere", ir, opset, test, "back.onnx"), out)
					f := parse(t, out)
					checkModel(t, f)
					for _, x := range m.Tensors {
						y := f.tensor(t, x.Name)
						if !slices.Equal(x.Shape, y.Shape) || x.Use != y.Use || x.Axis != y.Axis {
							t.Errorf("%+v became %+v", x, y)
						}
						if same := slices.Equal(floats(t, x), floats(t, y)); same == x.Weight {
							t.Errorf("%s: the values are those of before: %v", x.Name, same)
						}
					}
					if len(f.Tensors) != len(m.Tensors) {
						t.Errorf("%d tensors, want %d", len(f.Tensors), len(m.Tensors))
					}
				})
			}
		}
	}
}

// TestRestIsKept looks for what is before and after the one weight that becomes
// another.
func TestRestIsKept(t *testing.T) {
	before := []byte(everywhere(8, 13))
	m := parse(t, before)
	r := m.Rewrite("")
	w := m.tensor(t, "w")
	if err := r.Quantize(codesFor(w, "I8", 0, 0, false)); err != nil {
		t.Fatal(err)
	}
	out, _ := result(t, r)
	// Of the graph: the nodes up to the one that uses the weight, it, the tensors
	// behind the weight, and the inputs but the one of the weight.
	first, conv := m.main.nodes[0].frame.start, m.main.nodes[len(m.main.nodes)-1].frame.start
	for _, s := range []span{
		{first, conv}, {conv, w.frames[0].start}, {w.frames[0].end, m.main.inputs[2].frame.start}, {m.main.inputs[2].frame.end, int64(len(before))},
		{0, m.main.frames[0].start},
	} {
		if !bytes.Contains(out, before[s.start:s.end]) {
			t.Errorf("the bytes from %d to %d are not kept", s.start, s.end)
		}
	}
	if none := m.Rewrite(""); none.Plan() != nil || none.ModelSize() != int64(len(before)) {
		t.Error("no change changes something")
	} else if out, _ := resultOf(none); !bytes.Equal(out, before) {
		t.Error("no change changes bytes")
	}
}

func resultOf(r *Rewriter) ([]byte, error) {
	var b bytes.Buffer
	err := r.WriteModel(&b)
	return b.Bytes(), err
}

func TestWider(t *testing.T) {
	for elem, version := range map[elemType]int64{10: 10, 11: 10, 16: 13} {
		x := tensorOf("w", elem, 4, 2).Bytes(9, make([]byte, 8*elemTypes[elem].bits/8))
		m := parse(t, modelOf(8, 9, graphParts{tensors: []message{x}, nodes: []message{nodeOf("MatMul", names("a", "w"), names("b"))}, inputs: []message{valueInfo("a")}}.message()))
		r := m.Rewrite("")
		if err := r.Quantize(codesFor(m.tensor(t, "w"), "I8", NoAxis, 0, true)); err != nil {
			t.Fatal(err)
		}
		out, _ := result(t, r)
		q := parse(t, out)
		checkModel(t, q)
		if cast := q.main.nodes[1]; q.version(q.main) != version || !cast.is("Cast") || cast.int("to", 0) != int64(elem) || cast.outputs[0] != "w" {
			t.Errorf("version %d, %+v", q.version(q.main), cast)
		}
	}
}

// TestNamesAreFresh has a model in which the obvious names are taken.
func TestNamesAreFresh(t *testing.T) {
	m := parse(t, modelOf(8, 13, graphParts{
		tensors: []message{raw("w", ramp(4), 2, 2), raw("w_scale", ramp(4), 2, 2)},
		nodes:   []message{nodeOf("MatMul", names("w_quantized", "w"), names("w_zero_point")), nodeOf("Gemm", names("w_zero_point", "w_scale"), names("w_zero_point_2"))},
		inputs:  []message{valueInfo("w_quantized")}, outputs: []message{valueInfo("w_zero_point_2")},
	}.message()))
	r := m.Rewrite("")
	for _, x := range m.Tensors {
		if err := r.Quantize(codesFor(x, "U8", 1, 0, true)); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := result(t, r)
	checkModel(t, parse(t, out))
}

func TestQuantizeExternal(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	x, y := ramp(4096), ramp(6)
	data := append(floatBytes(x), floatBytes(y)...)
	if err := os.WriteFile(filepath.Join(dir, "in.bin"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	g := graphParts{
		tensors: []message{externalOf("w", "in.bin", "", "16384", 64, 64), externalOf("b", "in.bin", "16384", "24", 6)},
		nodes: []message{nodeOf("MatMul", names("a", "w"), names("c")), nodeOf("Add", names("c", "b"), names("d")),
			constantOf("k", externalOf("", "in.bin", "0", "24", 6)),
			nodeOf("ConstantOfShape", names("s"), names("e"), attrTensor("value", externalOf("", "in.bin", "4", "4", 1)))},
		inputs: []message{valueInfo("a"), valueInfo("s")},
	}
	path := filepath.Join(dir, "in.onnx")
	if err := os.WriteFile(path, modelOf(8, 13, g.message()), 0o666); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	r := m.Rewrite("out.data")
	if err := r.Quantize(codesFor(m.tensor(t, "w"), "I8", 1, 0, true)); err != nil {
		t.Fatal(err)
	}
	out, beside := result(t, r)
	path = filepath.Join(elsewhere, "out.onnx")
	for path, b := range map[string][]byte{path: out, filepath.Join(elsewhere, "out.data"): beside} {
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	q, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	checkModel(t, q)
	if codes := q.tensor(t, "w_quantized"); codes.File != "out.data" || q.tensor(t, "w_scale").File != "" {
		t.Errorf("%+v", codes)
	}
	if b := q.tensor(t, "b"); b.File != "out.data" || !slices.Equal(floats(t, b), y) || b.Offset%smallAlign != 0 {
		t.Errorf("%+v: %v", b, floats(t, b))
	}
	if k := q.tensor(t, "k"); !slices.Equal(floats(t, k), x[:6]) {
		t.Errorf("%v", floats(t, k))
	}
	value := q.main.nodes[4].attr("value").tensor
	if value.check() != nil || !slices.Equal(floats(t, value), x[1:2]) {
		t.Errorf("%+v", value)
	}
	if bytes.Contains(out, []byte("in.bin")) {
		t.Error("the old file is still named")
	}
}

// TestMoveUnlisted has external data where no weight is: in a sparse tensor, and
// in attributes that are lists or sparse. All of them move.
func TestMoveUnlisted(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	x := ramp(64)
	if err := os.WriteFile(filepath.Join(dir, "in.bin"), floatBytes(x), 0o666); err != nil {
		t.Fatal(err)
	}
	at := func(name, file string, i int) message { return externalOf(name, file, fmt.Sprint(4*i), "4", 1) }
	sparse := func(name, file string, i int) message {
		return message{}.Bytes(1, at(name, file, i)).Bytes(2, at("", file, i+1)).Int(3, 9)
	}
	g := graphParts{
		nodes: []message{nodeOf("Mystery", names("a"), names("b"),
			message{}.Text(1, "list").Bytes(10, at("", "in.bin", 2), at("", "in.bin", 3)),
			message{}.Text(1, "one").Bytes(22, sparse("", "in.bin", 4)),
			message{}.Text(1, "several").Bytes(23, sparse("", "in.bin", 6), sparse("", "other.bin", 8)))},
		inputs: []message{valueInfo("a")},
	}
	path := filepath.Join(dir, "in.onnx")
	if err := os.WriteFile(path, modelOf(8, 13, g.message().Bytes(15, sparse("w", "in.bin", 0))), 0o666); err != nil {
		t.Fatal(err)
	}
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if files := m.Files(); !slices.Equal(files, names("in.bin", "other.bin")) {
		t.Errorf("files %q", files)
	}
	if err := m.Rewrite("out.data").Plan(); err == nil || err.Error() != `tensor "several (values)": external data: "other.bin": no such file or directory` {
		t.Errorf("a file that is not there: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "other.bin"), floatBytes(x), 0o666); err != nil {
		t.Fatal(err)
	}
	out, data := result(t, m.Rewrite("out.data"))
	for _, old := range []string{"in.bin", "other.bin"} {
		if bytes.Contains(out, []byte(old)) {
			t.Errorf("%s is still named", old)
		}
	}
	path = filepath.Join(elsewhere, "out.onnx")
	for path, b := range map[string][]byte{path: out, filepath.Join(elsewhere, "out.data"): data} {
		if err := os.WriteFile(path, b, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	q, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if len(q.unlisted) != 10 || len(q.unlisted) != len(m.unlisted) {
		t.Fatalf("%d tensors became %d", len(m.unlisted), len(q.unlisted))
	}
	for i, y := range q.unlisted {
		if err := y.check(); err != nil || y.external.location != "out.data" || !slices.Equal(floats(t, y), floats(t, m.unlisted[i])) {
			t.Errorf("%s: %v, %+v", y.Name, err, y.external)
		}
	}
}

// TestTooLargeForOneMessage pretends that the limit of protobuf is small.
func TestTooLargeForOneMessage(t *testing.T) {
	defer func(n int64) { maxModel = n }(maxModel)
	g := graphParts{tensors: []message{raw("w", ramp(8192), 64, 128)}, nodes: []message{nodeOf("MatMul", names("a", "w"), names("c"))}, inputs: []message{valueInfo("a")}}
	for limit, want := range map[int64]int64{1 << 20: 0, 4096: 8192, 100: -1} {
		maxModel = limit
		m := parse(t, modelOf(8, 13, g.message()))
		r := m.Rewrite("out.data")
		if err := r.Quantize(codesFor(m.Tensors[0], "I8", 1, 0, true)); err != nil {
			t.Fatal(err)
		}
		if want < 0 {
			if err := r.Plan(); err == nil || !strings.Contains(err.Error(), "more than the 100 that protobuf allows") {
				t.Error(err)
			}
			continue
		}
		out, data := result(t, r)
		if int64(len(data)) != want || int64(len(out)) > limit {
			t.Errorf("limit %d: %d bytes of model, %d beside it", limit, len(out), len(data))
		}
	}
}

func TestNotReplaceable(t *testing.T) {
	w := raw("w", ramp(4), 2, 2)
	body := graphParts{inputs: []message{valueInfo("i"), valueInfo("w")}, tensors: []message{w}}.message()
	tests := []struct {
		name, err string
		graph     message
	}{
		{"twice", "two values of its graph have the same name", graphParts{tensors: []message{w, w}}.message()},
		{"input of a body", "it is an input of a subgraph", graphParts{nodes: []message{nodeOf("Loop", nil, nil, attrGraph("body", body))}}.message()},
		{"pieces", "its message is in several pieces", graphParts{nodes: []message{nodeOf("Constant", nil, names("w"),
			message{}.Text(1, "value").Bytes(5, message{}.Int(1, 2)).Bytes(5, message{}.Int(1, 2).Int(2, 1).Bytes(9, make([]byte, 16))))}}.message()},
		{"no name", "it has no name", graphParts{tensors: []message{raw("", ramp(4), 2, 2)}}.message()},
		{"sparse", "sparse tensors are not read", graphParts{}.message().Bytes(15, message{}.Bytes(1, w).Int(3, 4))},
	}
	for _, test := range tests {
		m := parse(t, modelOf(8, 13, test.graph))
		if err := m.Tensors[0].Replaceable(); err == nil || err.Error() != test.err {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

// TestSharedCodes turns one of two uses of the same codes back: they stay.
func TestSharedCodes(t *testing.T) {
	g := graphParts{
		tensors: []message{tensorOf("q", elemInt8, 2, 2).Bytes(9, []byte("abcd")), raw("s", ramp(1)), tensorOf("z", elemInt8).Bytes(9, []byte{1})},
		nodes: []message{
			nodeOf("DequantizeLinear", names("q", "s", "z"), names("a")), nodeOf("DequantizeLinear", names("q", "s"), names("b")),
			nodeOf("DequantizeLinear", names("x", "s"), names("c")), nodeOf("DequantizeLinear", names("q", "x"), names("d")),
		},
		inputs: []message{valueInfo("x")}, outputs: []message{valueInfo("a"), valueInfo("b"), valueInfo("c"), valueInfo("d")},
	}
	m := parse(t, modelOf(8, 13, g.message()))
	found, others := m.Dequantizers()
	if len(found) != 2 || others["q"] != `"x" of its DequantizeLinear is not constant` {
		t.Fatalf("%d, %v", len(found), others)
	}
	r := m.Rewrite("")
	for _, d := range found {
		r.Dequantize(d, payload(16, 0))
	}
	out, _ := result(t, r)
	f := parse(t, out)
	checkModel(t, f)
	var left []string
	for _, x := range f.Tensors {
		left = append(left, x.Name)
	}
	slices.Sort(left)
	if want := []string{"a", "b", "q", "s"}; !slices.Equal(left, want) {
		t.Errorf("%q, want %q", left, want)
	}
}

func TestScalesThatDoNotFit(t *testing.T) {
	scales := func(shape ...int) message { n, _ := elements(shape); return raw("s", ramp(n), shape...) }
	for _, test := range []struct {
		scales message
		attrs  []message
		axis   int
		block  int
		ok     bool
	}{
		{scales(), nil, NoAxis, 0, true},
		{scales(1), nil, NoAxis, 0, true},
		{scales(5), nil, 1, 0, true},
		{scales(4), nil, 0, 0, false},
		{scales(4), []message{attrInt("axis", -2)}, 0, 0, true},
		{scales(4, 3), []message{attrInt("block_size", 2)}, 1, 2, true},
		{scales(4, 2), []message{attrInt("block_size", 2)}, 0, 0, false},
		{scales(4, 5), nil, 0, 0, false},
		{scales(5), []message{attrInt("axis", 9)}, 0, 0, false},
		{scales(4, 1), []message{attrInt("block_size", math.MaxInt64)}, 1, math.MaxInt, true},
	} {
		g := graphParts{tensors: []message{tensorOf("q", elemInt8, 4, 5).Bytes(9, make([]byte, 20)), test.scales},
			nodes: []message{nodeOf("DequantizeLinear", names("q", "s"), names("a"), test.attrs...)}}
		found, others := parse(t, modelOf(8, 21, g.message())).Dequantizers()
		if ok := len(found) == 1; ok != test.ok || ok && (found[0].Axis != test.axis || found[0].Block != test.block) {
			t.Errorf("%+v: %v, %v", test, found, others)
		}
	}
}
