package onnx

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/a01592f9/quant"
)

// A message is built field by field.
type message []byte

func (m message) int(num protowire.Number, v int64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, num, protowire.VarintType), uint64(v))
}

func (m message) bytes(num protowire.Number, b []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, num, protowire.BytesType), b)
}

func (m message) str(num protowire.Number, s ...string) message {
	for _, s := range s {
		m = m.bytes(num, []byte(s))
	}
	return m
}

func (m message) fixed32(num protowire.Number, v uint32) message {
	return protowire.AppendFixed32(protowire.AppendTag(m, num, protowire.Fixed32Type), v)
}

func (m message) ints(num protowire.Number, v ...int64) message {
	for _, v := range v {
		m = m.int(num, v)
	}
	return m
}

// tensorOf is a TensorProto without data.
func tensorOf(name string, elem elemType, shape ...int) message {
	var m message
	for _, d := range shape {
		m = m.int(1, int64(d))
	}
	return m.int(2, int64(elem)).str(8, name)
}

// raw is a float32 tensor with raw data.
func raw(name string, data []float32, shape ...int) message {
	return tensorOf(name, elemFloat, shape...).bytes(9, floatBytes(data))
}

func rawInts(name string, v ...int64) message {
	b := make([]byte, 0, 8*len(v))
	for _, v := range v {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	return tensorOf(name, elemI64, len(v)).bytes(9, b)
}

func floatBytes(data []float32) []byte {
	var b []byte
	for _, x := range data {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// ramp is n different numbers.
func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i%17)/8 - 0.5 + float32(i)/1024
	}
	return x
}

// nodeOf is a NodeProto; attrs are AttributeProtos.
func nodeOf(op string, inputs, outputs []string, attrs ...message) message {
	m := message{}.str(1, inputs...).str(2, outputs...).str(4, op)
	for _, a := range attrs {
		m = m.bytes(5, a)
	}
	return m
}

func names(s ...string) []string { return s }

func attrInt(name string, v int64) message { return message{}.str(1, name).int(3, v).int(20, 2) }
func attrInts(name string, v ...int64) message {
	return message{}.str(1, name).ints(8, v...).int(20, 7)
}
func attrTensor(name string, t message) message {
	return message{}.str(1, name).bytes(5, t).int(20, 4)
}
func attrGraph(name string, g message) message {
	return message{}.str(1, name).bytes(6, g).int(20, 5)
}

func constantOf(output string, t message) message {
	return nodeOf("Constant", nil, names(output), attrTensor("value", t))
}

// valueInfo is a ValueInfoProto of a float32 tensor.
func valueInfo(name string, shape ...int) message { return valueInfoOf(name, elemFloat, shape...) }

func valueInfoOf(name string, elem elemType, shape ...int) message {
	var dims message
	for _, d := range shape {
		dims = dims.bytes(1, message{}.int(1, int64(d)))
	}
	typ := message{}.bytes(1, message{}.int(1, int64(elem)).bytes(2, dims))
	return message{}.str(1, name).bytes(2, typ)
}

// graphOf is a GraphProto. Parts are told apart by where they come from.
type graphParts struct {
	nodes, tensors, inputs, outputs []message
}

func (g graphParts) message() message {
	var m message
	for _, n := range g.nodes {
		m = m.bytes(1, n)
	}
	m = m.str(2, "g")
	for _, t := range g.tensors {
		m = m.bytes(5, t)
	}
	for _, v := range g.inputs {
		m = m.bytes(11, v)
	}
	for _, v := range g.outputs {
		m = m.bytes(12, v)
	}
	return m
}

// modelOf is a ModelProto for a version of ONNX's operators.
func modelOf(ir, opset int64, g message) message {
	return message{}.int(1, ir).str(2, "test").bytes(7, g).bytes(8, message{}.str(1, "").int(2, opset))
}

func parse(t testing.TB, m []byte) *Model {
	t.Helper()
	model, err := Parse(bytes.NewReader(m), int64(len(m)), "")
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// tensor returns the tensor of a name.
func (m *Model) tensor(t testing.TB, name string) *Tensor {
	t.Helper()
	for _, x := range m.Tensors {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("no tensor %q", name)
	return nil
}

// floats returns the elements of x as float32.
func floats(t testing.TB, x *Tensor) []float32 {
	t.Helper()
	r, err := x.Data()
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, x.Bytes)
	if n, err := r.ReadAt(b, 0); n < len(b) {
		t.Fatal(err)
	}
	data := make([]float32, x.n)
	for i := range data {
		switch x.DType {
		case "F32":
			data[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		case "F64":
			data[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])))
		case "F16":
			quant.WidenFloat16(data[i:i+1], []uint16{binary.LittleEndian.Uint16(b[2*i:])})
		case "BF16":
			quant.WidenBFloat16(data[i:i+1], []uint16{binary.LittleEndian.Uint16(b[2*i:])})
		default:
			t.Fatalf("%s are no floats", x.DType)
		}
	}
	return data
}
