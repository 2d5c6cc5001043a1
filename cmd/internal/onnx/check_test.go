package onnx

import (
	"bytes"
	"io"
	"slices"
	"testing"
)

// codeBits are the bits of the types of codes.
var codeBits = map[string]int{"I4": 4, "U4": 4, "I8": 8, "U8": 8, "I16": 16, "U16": 16,
	"F8_E4M3": 8, "F8_E4M3FNUZ": 8, "F8_E5M2": 8, "F8_E5M2FNUZ": 8, "F4": 4}

// checkModel checks what the ONNX standard wants of a model: names that are
// given once, values that are there before they are used, constants that only
// older models list as inputs, and DequantizeLinear nodes with inputs of the
// types and shapes that their version has.
func checkModel(t testing.TB, m *Model) {
	t.Helper()
	for _, g := range m.graphs {
		if g.parent == nil {
			checkGraph(t, m, g, map[string]bool{})
		}
	}
	for _, x := range m.Tensors {
		if elemTypes[x.elem].bits > 0 && !x.sparse {
			if _, err := x.Data(); err != nil {
				t.Error(err)
			}
		}
		if m.IR < codeTypes[x.DType].ir {
			t.Errorf("%s in a model of format %d", x.DType, m.IR)
		}
	}
}

func checkGraph(t testing.TB, m *Model, g *graph, outer map[string]bool) {
	t.Helper()
	known := map[string]bool{}
	define := func(name string) {
		if name != "" && (known[name] || outer[name]) {
			t.Errorf("%s: %q is defined twice", g.path(), name)
		}
		known[name] = true
	}
	for _, in := range g.inputs {
		define(in.name)
	}
	for _, x := range g.tensors {
		if m.IR < irInitializers && g.parent == nil && !known[x.value] {
			t.Errorf("initializer %q is no input of a model of format %d", x.value, m.IR)
		}
		if !slices.ContainsFunc(g.inputs, func(in named) bool { return in.name == x.value }) {
			define(x.value)
		}
	}
	see := func(name string, of *node) {
		if name != "" && !known[name] && !outer[name] {
			t.Errorf("%s: %q is not defined before %s", g.path(), name, of.label())
		}
	}
	nodes := map[string]bool{"": true}
	for _, n := range g.nodes {
		if n.name != "" && nodes[n.name] {
			t.Errorf("%s: two nodes %q", g.path(), n.name)
		}
		nodes[n.name] = true
		for _, in := range n.inputs {
			see(in, n)
		}
		for i := range n.attrs {
			for _, sub := range n.attrs[i].graphs {
				all := map[string]bool{}
				for _, names := range []map[string]bool{known, outer} {
					for name := range names {
						all[name] = true
					}
				}
				checkGraph(t, m, sub, all)
			}
		}
		for _, out := range n.outputs {
			define(out)
		}
		if n.is("DequantizeLinear") {
			checkDequantizer(t, m, n)
		}
	}
	for _, out := range g.outputs {
		see(out.name, &node{op: "the output"})
	}
}

func checkDequantizer(t testing.TB, m *Model, n *node) {
	t.Helper()
	var in []*Tensor
	for _, name := range n.inputs {
		_, d := n.graph.lookup(name)
		if d.tensor == nil {
			return
		}
		in = append(in, d.tensor)
	}
	codes, scales := in[0], in[1]
	version := m.version(n.graph)
	if from := codeTypes[codes.DType].version; from == 0 || from > version {
		t.Errorf("codes %s in version %d", codes.DType, version)
	}
	if scales.DType != "F32" {
		t.Errorf("scales %s", scales.DType)
	}
	if len(in) > 2 && (in[2].DType != codes.DType || !slices.Equal(in[2].Shape, scales.Shape)) {
		t.Errorf("zero points %s %v, scales %v", in[2].DType, in[2].Shape, scales.Shape)
	}
	axis, block := n.int("axis", 1), n.int("block_size", 0)
	switch {
	case block > 0:
		want := slices.Clone(codes.Shape)
		want[axis] = (want[axis] + int(block) - 1) / int(block)
		if version < 21 || !slices.Equal(want, scales.Shape) {
			t.Errorf("version %d, scales %v, want %v", version, scales.Shape, want)
		}
	case len(scales.Shape) > 0:
		if version < 13 || !slices.Equal(scales.Shape, codes.Shape[axis:][:1]) {
			t.Errorf("version %d, scales %v of codes %v on axis %d", version, scales.Shape, codes.Shape, axis)
		}
	}
}

// result returns the model that r writes, with its external file beside it.
func result(t testing.TB, r *Rewriter) (model, data []byte) {
	t.Helper()
	if err := r.Plan(); err != nil {
		t.Fatal(err)
	}
	var a, b bytes.Buffer
	if err := r.WriteData(&b); err != nil {
		t.Fatal(err)
	}
	if err := r.WriteModel(&a); err != nil {
		t.Fatal(err)
	}
	if int64(a.Len()) != r.ModelSize() || int64(b.Len()) != r.DataSize() {
		t.Errorf("%d and %d bytes, planned %d and %d", a.Len(), b.Len(), r.ModelSize(), r.DataSize())
	}
	return a.Bytes(), b.Bytes()
}

// payload is n times c.
func payload(n int, c byte) Payload {
	return Payload{int64(n), func(w io.Writer) error {
		_, err := w.Write(bytes.Repeat([]byte{c}, n))
		return err
	}}
}

// codesFor is x as codes of dtype that are all the same byte.
func codesFor(x *Tensor, dtype string, axis, block int, zeros bool) Quantized {
	q := Quantized{Tensor: x, DType: dtype, Axis: axis, Block: block}
	n, _ := elements(q.paramShape())
	bits := codeBits[dtype]
	q.Codes, q.Scales = payload((x.n*bits+7)/8, 0x11), payload(4*n, 0x3c)
	if zeros {
		q.Zeros = payload((n*bits+7)/8, 1)
	}
	return q
}

// valuesOf is zeros in the place of codes.
func valuesOf(d *Dequantizer) Payload {
	n, _ := elements(d.Shape)
	if d.Scales.DType != "F32" {
		return payload(2*n, 0)
	}
	return payload(4*n, 0)
}
