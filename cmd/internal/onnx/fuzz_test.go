package onnx

import (
	"bytes"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// seeds are small models that have everything the reader looks at.
func seeds() [][]byte {
	branch := graphParts{
		nodes:   []message{constantOf("w", raw("w", ramp(6), 3, 2)), nodeOf("MatMul", names("x", "w"), names("z"))},
		outputs: []message{valueInfo("z")},
	}.message()
	g := graphParts{
		nodes: []message{
			nodeOf("If", names("c"), names("y"), attrGraph("then_branch", branch), attrGraph("else_branch", branch)),
			nodeOf("Transpose", names("v"), names("t"), attrInts("perm", 1, 0)),
			nodeOf("Unsqueeze", names("t"), names("u"), attrInts("axes", 0)),
			constantOf("shape", rawInts("", 1, -1)),
			nodeOf("Reshape", names("u", "shape"), names("r")),
			nodeOf("Gemm", names("x", "r", "b"), names("o"), attrInt("transB", 1)),
			nodeOf("f", names("h"), names("p")).Text(7, "local"),
		},
		tensors: []message{
			raw("v", ramp(6), 2, 3),
			tensorOf("b", 1, 2).Fixed32(4, 1).Bytes(4, floatBytes(ramp(1))),
			tensorOf("h", 10, 2).Int(5, 1, 0x3c00),
			tensorOf("i", 22, 3).Int(5, 0x21, 3),
			externalOf("e", "e.data", "8", "8", 2),
		},
		inputs: []message{valueInfo("x", 1, 3), valueInfo("v", 2, 3)}, outputs: []message{valueInfo("y"), valueInfo("o")},
	}.message()
	g = g.Bytes(15, message{}.Bytes(1, raw("s", ramp(1), 1)).Int(3, 4))
	fn := message{}.Text(1, "f").Text(4, "a").Text(5, "b").Bytes(7, nodeOf("Conv", names("q", "a"), names("b"))).Text(10, "local")
	return [][]byte{
		modelOf(8, 12, g).Bytes(25, fn),
		codesSeed(),
		modelOf(3, 9, graphParts{}.message()),
		modelOf(8, 12, graphParts{tensors: []message{tensorOf("w", 1, math.MaxInt32, 4).Bytes(9, []byte("abcd"))}}.message()),
	}
}

// codesSeed has operators that compute with codes.
func codesSeed() []byte {
	g := graphParts{
		nodes: []message{
			nodeOf("DynamicQuantizeLinear", names("x"), names("xq", "xs", "xz")),
			nodeOf("MatMulInteger", names("xq", "w", "xz"), names("i")), nodeOf("Cast", names("i"), names("f"), attrInt("to", 1)),
			nodeOf("Mul", names("xs", "s"), names("m")), nodeOf("Mul", names("f", "m"), names("a")),
			nodeOf("MatMulNBits", names("a", "b", "s2"), names("c"), attrInt("K", 2), attrInt("N", 2), attrInt("block_size", 16)).Text(7, microsoft),
			nodeOf("GatherBlockQuantized", names("b4", "j", "s4"), names("d"), attrInt("block_size", 16)).Text(7, microsoft),
			nodeOf("QLinearConv", names("q", "s", "z", "k", "s", "z", "s", "z", "e"), names("y")),
		},
		tensors: []message{
			constantOfType("w", elemInt8, 2, 2), constantOfType("s", elemFloat), constantOfType("z", elemInt8),
			constantOfType("b", elemUint8, 2, 1, 8), constantOfType("s2", elemFloat, 2), constantOfType("b4", elemUint4, 2, 16),
			constantOfType("s4", elemFloat, 2, 1), constantOfType("k", elemInt8, 2, 1, 1), constantOfType("e", elemI32, 2),
		},
		inputs: []message{valueInfo("x", 1, 2), valueInfo("j", 1), valueInfo("q", 1, 1, 4)}, outputs: []message{valueInfo("c"), valueInfo("d"), valueInfo("y")},
	}
	return modelOf(9, 21, g.message())
}

// FuzzParse checks what must hold of any input: errors are one line, tensors
// are what they say, and memory stays within a multiple of the input.
func FuzzParse(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const fixed, perByte = 4 << 20, 512
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, err := Parse(bytes.NewReader(data), int64(len(data)), "")
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > fixed+perByte*uint64(len(data)) {
			t.Errorf("%d bytes allocated for %d of input", used, len(data))
		}
		if err != nil {
			checkError(t, err)
			return
		}
		names := map[string]bool{}
		for _, x := range m.Tensors {
			if names[x.Name] {
				t.Errorf("two tensors %q", x.Name)
			}
			names[x.Name] = true
			if n, err := elements(x.Shape); err != nil || x.Axis >= max(len(x.Shape), 0) || x.Axis < NoAxis || x.Bytes < 0 {
				t.Errorf("%+v: %d elements, %v", x, n, err)
			}
			r, err := x.Data()
			if err != nil {
				checkError(t, err)
				continue
			}
			if b := make([]byte, min(x.Bytes, 1<<20)); len(b) > 0 {
				if n, err := r.ReadAt(b, x.Bytes-int64(len(b))); n < len(b) {
					t.Errorf("%q: %d of %d bytes: %v", x.Name, n, len(b), err)
				}
			}
		}
		m.Close()
	})
}

func checkError(t *testing.T, err error) {
	if s := err.Error(); s == "" || strings.ContainsAny(s, "\n\r") || len(s) > 2000 {
		t.Errorf("error %q", s)
	}
}

// FuzzRewrite quantizes all that can be of any model, and turns it back: what
// comes out can be read, and has the tensors that it should have.
func FuzzRewrite(f *testing.F) {
	for _, s := range seeds() {
		f.Add(s, uint8(0))
	}
	for i, ir := range []int64{3, 8} {
		f.Add([]byte(everywhere(ir, 12)), uint8(5+i))
	}
	for i, c := range onnxtest.Raisings() {
		f.Add(c.Model(), uint8(i))
	}
	dtypes := []string{"I8", "U8", "I4", "U16", "F8_E4M3", "F4"}
	f.Fuzz(func(t *testing.T, data []byte, how uint8) {
		m, err := Parse(bytes.NewReader(data), int64(len(data)), "")
		if err != nil {
			return
		}
		r := m.Rewrite("data")
		n := 0
		for _, x := range m.Tensors {
			if x.Replaceable() != nil || !x.Floating || x.Bytes > 1<<16 {
				continue
			}
			axis, block := int(how>>2&3)-1, int(how>>4&3)
			if axis >= len(x.Shape) || x.n == 0 {
				axis = NoAxis
			}
			if axis == NoAxis {
				block = 0
			}
			if err := r.Quantize(codesFor(x, dtypes[how&3], axis, block, how>>6&1 == 1)); err != nil {
				t.Fatal(err)
			}
			n++
		}
		if err := r.Plan(); err != nil {
			checkError(t, err)
			return
		}
		if r.ModelSize() > 1<<20 {
			return
		}
		out, err := resultOf(r)
		if err != nil {
			checkError(t, err)
			return
		}
		q, err := Parse(bytes.NewReader(out), int64(len(out)), "")
		if err != nil {
			t.Fatalf("cannot be read again: %v", err)
		}
		found, _ := q.Dequantizers()
		if len(found) < n {
			t.Errorf("%d tensors were quantized, %d are found", n, len(found))
		}
		back := q.Rewrite("data")
		for _, d := range found {
			back.Dequantize(d, valuesOf(d))
		}
		if err := back.Plan(); err != nil {
			checkError(t, err)
			return
		}
		out, err = resultOf(back)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(bytes.NewReader(out), int64(len(out)), ""); err != nil {
			t.Errorf("cannot be read again, turned back: %v", err)
		}
	})
}
