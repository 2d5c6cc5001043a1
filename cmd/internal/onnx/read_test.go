package onnx

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestUses has a tensor for each way to be used.
func TestUses(t *testing.T) {
	type want struct {
		use    string
		axis   int
		weight bool
		note   string
	}
	tests := []struct {
		name  string
		shape []int
		nodes []message
		want  want
	}{
		{"conv", []int{4, 3, 2, 2}, []message{nodeOf("Conv", names("x", "w"), names("y"))}, want{"Conv", 0, true, ""}},
		{"conv bias", []int{4}, []message{nodeOf("Conv", names("x", "v", "w"), names("y"))}, want{"Conv bias", -1, false, "bias of Conv"}},
		{"transposed conv", []int{4, 3, 2}, []message{nodeOf("ConvTranspose", names("x", "w"), names("y"))}, want{"ConvTranspose", 1, true, ""}},
		{"right", []int{2, 3, 4}, []message{nodeOf("MatMul", names("x", "w"), names("y"))}, want{"MatMul", 2, true, ""}},
		{"left", []int{2, 3, 4}, []message{nodeOf("MatMul", names("w", "x"), names("y"))}, want{"MatMul", 1, true, ""}},
		{"vector", []int{3}, []message{nodeOf("MatMul", names("x", "w"), names("y"))}, want{"MatMul", -1, true, ""}},
		{"gemm", []int{3, 4}, []message{nodeOf("Gemm", names("x", "w"), names("y"))}, want{"Gemm", 1, true, ""}},
		{"gemm transposed", []int{3, 4}, []message{nodeOf("Gemm", names("x", "w"), names("y"), attrInt("transB", 1))}, want{"Gemm", 0, true, ""}},
		{"gemm left", []int{3, 4}, []message{nodeOf("Gemm", names("w", "x"), names("y"))}, want{"Gemm", 0, true, ""}},
		{"gather", []int{30, 4}, []message{nodeOf("Gather", names("w", "i"), names("y"))}, want{"Gather", 0, true, ""}},
		{"gather of axis", []int{30, 4}, []message{nodeOf("Gather", names("w", "i"), names("y"), attrInt("axis", -1))}, want{"Gather", 1, true, ""}},
		{"lstm", []int{1, 16, 4}, []message{nodeOf("LSTM", names("x", "v", "w"), names("y"))}, want{"LSTM", 1, true, ""}},
		{"lstm bias", []int{1, 32}, []message{nodeOf("LSTM", names("x", "v", "v", "w"), names("y"))}, want{"LSTM bias", -1, false, "bias of LSTM"}},
		{"add", []int{3, 4}, []message{nodeOf("Add", names("x", "w"), names("y"))}, want{"Add input", -1, false, "an operand of Add"}},
		{"resize", []int{4}, []message{nodeOf("Resize", names("x", "", "w"), names("y"))}, want{"Resize shape", -1, false, "shape computation of Resize"}},
		{"unused", []int{4}, nil, want{"", -1, false, "no operator uses it"}},
		{"einsum", []int{3, 4}, []message{nodeOf("Einsum", names("x", "w"), names("y"))}, want{"Einsum", -1, true, ""}},
		{"einsum of two", []int{3, 4}, []message{nodeOf("Einsum", names("x", "w"), names("y"), message{}.Text(1, "equation").Text(4, "bij, jk -> bik"))}, want{"Einsum", 1, true, ""}},
		{"einsum with heads", []int{3, 4}, []message{nodeOf("Einsum", names("w", "x"), names("y"), message{}.Text(1, "equation").Text(4, "hk,bs->bshk"))}, want{"Einsum", -1, true, ""}},
		{"einsum of all axes", []int{3, 4}, []message{nodeOf("Einsum", names("x", "w"), names("y"), message{}.Text(1, "equation").Text(4, "...i,ij->...j"))}, want{"Einsum", 1, true, ""}},
		{"transpose", []int{3, 4, 5}, []message{
			nodeOf("Transpose", names("w"), names("t"), attrInts("perm", 2, 0, 1)),
			nodeOf("MatMul", names("x", "t"), names("y"))}, want{"MatMul", 1, true, ""}},
		{"transpose back to front", []int{3, 4}, []message{
			nodeOf("Transpose", names("w"), names("t")),
			nodeOf("Identity", names("t"), names("u")),
			nodeOf("MatMul", names("x", "u"), names("y"))}, want{"MatMul", 0, true, ""}},
		{"squeeze and unsqueeze", []int{1, 3, 4}, []message{
			nodeOf("Squeeze", names("w"), names("s"), attrInts("axes", 0)),
			nodeOf("Unsqueeze", names("s"), names("u"), attrInts("axes", 0, -1)),
			nodeOf("Conv", names("x", "u"), names("y"))}, want{"Conv", -1, true, ""}},
		{"unsqueeze", []int{3, 4}, []message{
			nodeOf("Unsqueeze", names("w"), names("u"), attrInts("axes", -1)),
			nodeOf("Conv", names("x", "u"), names("y"))}, want{"Conv", 0, true, ""}},
		{"reshape", []int{12, 5}, []message{
			constantOf("shape", rawInts("", 12, -1)),
			nodeOf("Reshape", names("w", "shape"), names("r")),
			nodeOf("Gemm", names("x", "r"), names("y"), attrInt("transB", 1))}, want{"Gemm", 0, true, ""}},
		{"reshape with allowzero", []int{60}, []message{
			constantOf("shape", rawInts("", 12, 5)),
			nodeOf("Reshape", names("w", "shape"), names("r"), attrInt("allowzero", 1)),
			nodeOf("Gemm", names("x", "r"), names("y"), attrInt("transB", 1))}, want{"Gemm", -1, true, ""}},
		{"reshape apart", []int{12, 5}, []message{
			constantOf("shape", rawInts("", 3, 4, 5)),
			nodeOf("Reshape", names("w", "shape"), names("r")),
			nodeOf("LSTM", names("x", "r"), names("y"))}, want{"LSTM", -1, true, ""}},
		{"slices", []int{8, 5}, []message{
			constantOf("from", rawInts("", 0)),
			nodeOf("Slice", names("w", "from", "from"), names("a")),
			nodeOf("Concat", names("a", "a"), names("b"), attrInt("axis", 0)),
			nodeOf("Unsqueeze", names("b"), names("u"), attrInts("axes", 0)),
			nodeOf("GRU", names("x", "u"), names("y"))}, want{"GRU", 0, true, ""}},
		{"concat with what is not constant", []int{8, 5}, []message{
			nodeOf("Concat", names("w", "x"), names("b"), attrInt("axis", 0)),
			nodeOf("MatMul", names("b", "v"), names("y"))}, want{"Concat input", -1, false, "an operand of Concat"}},
		{"tied", []int{8, 5}, []message{
			nodeOf("Gather", names("w", "i"), names("e")),
			nodeOf("Transpose", names("w"), names("t")),
			nodeOf("MatMul", names("x", "t"), names("y"))}, want{"Gather, MatMul", 0, true, ""}},
		{"disagreement", []int{8, 8}, []message{
			nodeOf("Gather", names("w", "i"), names("e")),
			nodeOf("MatMul", names("x", "w"), names("y"))},
			want{"Gather, MatMul", -1, true, "output channels on axis 0 for Gather, on axis 1 for MatMul"}},
		{"dequantized", []int{8, 5}, []message{
			nodeOf("DequantizeLinear", names("w", "s"), names("d")),
			nodeOf("MatMul", names("x", "d"), names("y"))}, want{"MatMul", 1, true, ""}},
		{"in a branch", []int{4, 3, 2}, []message{
			nodeOf("If", names("c"), names("y"),
				attrGraph("then_branch", graphParts{nodes: []message{nodeOf("Conv", names("x", "w"), names("z"))}, outputs: []message{valueInfo("z")}}.message()))},
			want{"Conv", 0, true, ""}},
		{"out of a branch", []int{4, 3, 2}, []message{
			nodeOf("If", names("c"), names("y"),
				attrGraph("then_branch", graphParts{nodes: []message{nodeOf("Identity", names("w"), names("z"))}, outputs: []message{valueInfo("z")}}.message())),
			nodeOf("Conv", names("x", "y"), names("o"))}, want{"Conv", 0, true, ""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n, _ := elements(test.shape)
			g := graphParts{nodes: test.nodes, tensors: []message{raw("w", ramp(n), test.shape...)}, inputs: []message{valueInfo("x")}}
			w := parse(t, modelOf(8, 12, g.message())).tensor(t, "w")
			if got := (want{w.Use, w.Axis, w.Weight, w.Note}); got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// TestEncodings reads the same numbers from every way to store them.
func TestEncodings(t *testing.T) {
	x := []float32{1, -2, 0.5, float32(math.Inf(1)), 65504, 0}
	halves := []int64{0x3c00, 0xc000, 0x3800, 0x7c00, 0x7bff, 0}
	brain := []int64{0x3f80, 0xc000, 0x3f00, 0x7f80, 0x477f, 0}
	packed := func(v []int64) (b []byte) {
		for _, v := range v {
			b = protowire.AppendVarint(b, uint64(v))
		}
		return b
	}
	doubles := func(num protowire.Number) (m message) {
		for _, x := range x {
			m = protowire.AppendFixed64(protowire.AppendTag(m, num, protowire.Fixed64Type), math.Float64bits(float64(x)))
		}
		return m
	}
	singles := func(x []float32) (m message) {
		for _, x := range x {
			m = m.Fixed32(4, math.Float32bits(x))
		}
		return m
	}
	cat := func(m ...message) message { return slices.Concat(m...) }
	tests := []struct {
		name   string
		tensor message
	}{
		{"raw", raw("w", x, 2, 3)},
		{"raw, twice", cat(tensorOf("w", 1, 2, 3).Bytes(9, []byte("abc")), message{}.Bytes(9, floatBytes(x)))},
		{"data first", cat(message{}.Bytes(9, floatBytes(x)), tensorOf("w", 1, 2, 3))},
		{"packed dims", cat(message{}.Bytes(1, []byte{2, 3}).Int(2, 1).Text(8, "w").Bytes(9, floatBytes(x)))},
		{"unknown fields", cat(message{}.Text(99, "?").Int(98, 7).Fixed32(97, 1), tensorOf("w", 1, 2, 3).Bytes(9, floatBytes(x)))},
		{"a group", cat(message{0xa3, 0x06, 0x08, 1, 0xa4, 0x06}, tensorOf("w", 1, 2, 3).Bytes(9, floatBytes(x)))},
		{"packed", tensorOf("w", 1, 2, 3).Bytes(4, floatBytes(x))},
		{"packed in pieces", tensorOf("w", 1, 2, 3).Bytes(4, floatBytes(x[:1])).Bytes(4, floatBytes(x[1:]))},
		{"single", cat(tensorOf("w", 1, 2, 3), singles(x))},
		{"packed and single", cat(tensorOf("w", 1, 2, 3).Bytes(4, floatBytes(x[:2])), singles(x[2:]))},
		{"float16", tensorOf("w", 10, 2, 3).Bytes(5, packed(halves))},
		{"float16, single", tensorOf("w", 10, 2, 3).Int(5, halves...)},
		{"bfloat16", tensorOf("w", 16, 2, 3).Bytes(5, packed(brain))},
		{"float64", cat(tensorOf("w", 11, 2, 3), doubles(10))},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, g := range []graphParts{
				{tensors: []message{test.tensor}},
				{nodes: []message{constantOf("w", test.tensor)}},
			} {
				m := parse(t, modelOf(8, 12, g.message()))
				w := m.tensor(t, "w")
				want := slices.Clone(x)
				if w.DType == "BF16" {
					want[4] = 65280
				}
				if got := floats(t, w); !slices.Equal(got, want) || !slices.Equal(w.Shape, []int{2, 3}) {
					t.Errorf("%v %v, want %v", w.Shape, got, want)
				}
			}
		})
	}
}

func TestTypedDataFromAnywhere(t *testing.T) {
	x := ramp(3*markEvery + 5)
	tensor := tensorOf("w", 1, len(x))
	for i := 0; i < len(x); i += 1000 {
		tensor = tensor.Bytes(4, floatBytes(x[i:min(i+999, len(x))]))
		if i+999 < len(x) {
			tensor = tensor.Fixed32(4, math.Float32bits(x[i+999]))
		}
	}
	w := parse(t, modelOf(8, 12, graphParts{tensors: []message{tensor}}.message())).tensor(t, "w")
	r, err := w.Data()
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 1, 998, 999, 1000, markEvery - 1, markEvery, 2*markEvery + 77, len(x) - 3} {
		got := make([]byte, 4*min(2500, len(x)-at))
		if n, err := r.ReadAt(got, int64(4*at)); n < len(got) || !bytes.Equal(got, floatBytes(x[at:at+len(got)/4])) {
			t.Errorf("from %d: %v", at, err)
		}
	}
	odd := make([]byte, 9)
	if n, err := r.ReadAt(odd, 4*markEvery-3); n != 9 || err != nil || !bytes.Equal(odd, floatBytes(x)[4*markEvery-3:][:9]) {
		t.Errorf("%d, %v: %x", n, err, odd)
	}
}

func TestConstantValues(t *testing.T) {
	one := message{}.Text(1, "value_float").Fixed32(2, math.Float32bits(2.5)).Int(20, 1)
	list := message{}.Text(1, "value_floats").Bytes(7, floatBytes([]float32{1, 2})).Fixed32(7, math.Float32bits(3)).Int(20, 6)
	m := parse(t, modelOf(8, 12, graphParts{nodes: []message{
		nodeOf("Constant", nil, names("a"), one), nodeOf("Constant", nil, names("b"), list)}}.message()))
	if a := m.tensor(t, "a"); len(a.Shape) != 0 || !slices.Equal(floats(t, a), []float32{2.5}) {
		t.Errorf("%+v", a)
	}
	if b := m.tensor(t, "b"); !slices.Equal(b.Shape, []int{3}) || !slices.Equal(floats(t, b), []float32{1, 2, 3}) {
		t.Errorf("%+v", b)
	}
}

func TestNames(t *testing.T) {
	branch := graphParts{nodes: []message{constantOf("w", raw("w", ramp(2), 2))}}.message()
	m := parse(t, modelOf(8, 12, graphParts{
		tensors: []message{raw("v", ramp(2), 2)},
		nodes: []message{
			nodeOf("If", names("c"), names("y"), attrGraph("then_branch", branch), attrGraph("else_branch", branch)).Text(3, "if_0"),
			nodeOf("If", names("c"), names("z"), attrGraph("then_branch", branch)),
		}}.message()).Bytes(25, message{}.Text(1, "f").Bytes(7, constantOf("w", raw("", ramp(2), 2)))))
	var got []string
	for _, x := range m.Tensors {
		got = append(got, x.Name)
	}
	want := []string{"if_0.then_branch/w", "if_0.else_branch/w", "If#1.then_branch/w", "v", "f/w"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestMergedModel gives every message in pieces, which protobuf merges.
func TestMergedModel(t *testing.T) {
	x := ramp(6)
	pieces := slices.Concat(
		message{}.Bytes(7, graphParts{nodes: []message{nodeOf("Conv", names("x", "w"), names("y"))}}.message()),
		message{}.Int(1, 3).Int(1, 8),
		message{}.Bytes(7, graphParts{tensors: []message{raw("w", x, 6, 1, 1)}}.message()),
		message{}.Bytes(8, message{}.Int(2, 12)))
	m := parse(t, pieces)
	w := m.tensor(t, "w")
	if m.IR != 8 || len(m.graphs) != 1 || w.Use != "Conv" || !slices.Equal(floats(t, w), x) {
		t.Errorf("ir %d, %d graphs, %+v", m.IR, len(m.graphs), w)
	}
}

func externalOf(name, location, offset, length string, shape ...int) message {
	m := tensorOf(name, elemFloat, shape...).Int(14, 1)
	for key, value := range map[string]string{"location": location, "offset": offset, "length": length} {
		if value != "" {
			m = m.Bytes(13, message{}.Text(1, key).Text(2, value))
		}
	}
	return m
}

func TestExternalData(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	x := ramp(6)
	data := append([]byte("12345678"), floatBytes(x)...)
	for _, path := range []string{filepath.Join(dir, "w.data"), outside} {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"in": "w.data", "out": outside, "sub/up": "../w.data"} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skip(err)
		}
	}
	tests := []struct {
		location, offset, length, err string
	}{
		{"w.data", "8", "24", ""},
		{"w.data", "8", "", ""},
		{"w.data", " 8 ", " 24", ""},
		{"in", "8", "24", ""},
		{"sub/up", "8", "24", ""},
		{"w.data", "9", "24", `external data of 24 bytes from offset 9 on, but "w.data" has 32 bytes`},
		{"w.data", "9223372036854775807", "24", "external data of 24 bytes from offset 9223372036854775807 on"},
		{"none.data", "", "", "no such file"},
		{"out", "8", "24", "escapes"},
		{"../w.data", "8", "24", "outside the model's folder"},
		{"sub/../../w.data", "8", "24", "outside the model's folder"},
		{outside, "8", "24", "outside the model's folder"},
		{"sub", "", "24", "not a regular file"},
	}
	for _, test := range tests {
		path := filepath.Join(dir, "model.onnx")
		g := graphParts{tensors: []message{externalOf("w", test.location, test.offset, test.length, 2, 3)}}
		if err := os.WriteFile(path, modelOf(8, 12, g.message()), 0o666); err != nil {
			t.Fatal(err)
		}
		m, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		w := m.tensor(t, "w")
		_, err = w.Data()
		if test.err == "" {
			if err != nil || !slices.Equal(floats(t, w), x) || w.File != test.location || w.Offset != 8 {
				t.Errorf("%+v: %v", test, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), test.err) || strings.Contains(err.Error(), "tensor") {
			t.Errorf("%+v: %v", test, err)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestErrors(t *testing.T) {
	graph := func(tensors ...message) []byte { return modelOf(8, 12, graphParts{tensors: tensors}.message()) }
	deep := graphParts{}.message()
	for range maxGraphs {
		deep = graphParts{nodes: []message{nodeOf("If", nil, nil, attrGraph("then_branch", deep))}}.message()
	}
	tests := []struct {
		name, err string
		model     []byte
	}{
		{"empty", "no graph", nil},
		{"no protobuf", "offset 0: variable length integer overflow", []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")},
		{"cut", "offset", graph(raw("w", ramp(4), 4))[:30]},
		{"too few", `tensor "w": offset 13: raw data of 12 bytes, but F32 of shape [4] takes 16`, graph(raw("w", ramp(3), 4))},
		{"no data", `no data, but F32 of shape [4] takes 16 bytes`, graph(tensorOf("w", 1, 4))},
		{"huge", `has too many elements`, graph(tensorOf("w", 1, math.MaxInt, 2))},
		{"negative", `tensor "": offset 15: axis 0 has length -1`, graph(message{}.Int(1, -1).Text(8, "w"))},
		{"other field", "data of F32 in field 7, not 4", graph(tensorOf("w", 1, 1).Int(7, 1))},
		{"two fields", "data in fields of several types", graph(tensorOf("w", 1, 2).Int(7, 1).Fixed32(4, 1))},
		{"no location", "external data without a location", graph(tensorOf("w", 1, 2).Int(14, 1))},
		{"offset", `offset "-1" of external data is not a number of bytes`, graph(externalOf("w", "a", "-1", "", 2))},
		{"length", `4 bytes of external data, but F32 of shape [2] takes 8`, graph(externalOf("w", "a", "", "4", 2))},
		{"deep", "more than 64 graphs in each other", modelOf(8, 12, deep)},
		{"no operator", "names no operator", modelOf(8, 12, graphParts{nodes: []message{{}}}.message())},
		{"long field", "bytes in a message with", append(modelOf(8, 12, nil), 0x3a, 0xff, 0xff, 0xff, 0xff, 0x7f)},
		{"group", "does not end", []byte{0xa3, 0x06, 0x08, 1}},
		{"groups", "nest too deep", bytes.Repeat([]byte{0xa3, 0x06}, 1000)},
	}
	for _, test := range tests {
		_, err := Parse(bytes.NewReader(test.model), int64(len(test.model)), "")
		if err == nil || !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	// What only reading the data shows.
	w := parse(t, graph(tensorOf("w", 1, 3).Fixed32(4, 1).Fixed32(4, 1))).tensor(t, "w")
	if _, err := w.Data(); err == nil || err.Error() != `2 numbers in field 4, want 3` {
		t.Error(err)
	}
}

func TestLooks(t *testing.T) {
	for head, want := range map[string]bool{
		"\x08\x08": true, "\x3a\x05abc": true, "\x12\x04spox": true, // format, graph, producer
		"": false, "\x08": false, "\x08\x00": false, "\x0a\x01a": false, "1 2 3": false, "GGUF": false, "\x93NUMPY": false, "PK\x03\x04": false,
	} {
		if Looks([]byte(head)) != want {
			t.Errorf("%q: %v", head, !want)
		}
	}
}
