package onnx

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

type message = onnxtest.Message

var (
	raw        = onnxtest.Floats // a float32 tensor with raw data
	rawInts    = onnxtest.Ints
	attrInt    = onnxtest.AttrInt
	attrInts   = onnxtest.AttrInts
	attrTensor = onnxtest.AttrTensor
	attrGraph  = onnxtest.AttrGraph
)

// tensorOf is a TensorProto without data.
func tensorOf(name string, elem elemType, shape ...int) message {
	var m message
	for _, d := range shape {
		m = m.Int(1, int64(d))
	}
	return m.Int(2, int64(elem)).Text(8, name)
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

func names(s ...string) []string { return s }

// valueInfo is a ValueInfoProto of a float32 tensor.
func valueInfo(name string, shape ...int) message { return valueInfoOf(name, elemFloat, shape...) }

func valueInfoOf(name string, elem elemType, shape ...int) message {
	return onnxtest.Value(name, int64(elem), shape...)
}

// nodeOf is a NodeProto without a name; attributes are AttributeProtos.
func nodeOf(op string, inputs, outputs []string, attributes ...message) message {
	return message{}.Text(1, inputs...).Text(2, outputs...).Text(4, op).Bytes(5, attributes...)
}

func constantOf(output string, t message) message {
	return nodeOf("Constant", nil, names(output), attrTensor("value", t))
}

type graphParts struct {
	nodes, tensors, inputs, outputs []message
}

func (g graphParts) message() message {
	return onnxtest.Graph{Nodes: g.nodes, Tensors: g.tensors, Inputs: g.inputs, Outputs: g.outputs}.Message("g")
}

// modelOf is a ModelProto for a version of ONNX's operators.
func modelOf(ir, opset int64, g message) message {
	return message{}.Int(1, ir).Text(2, "test").Bytes(7, g).Bytes(8, message{}.Text(1, "").Int(2, opset))
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
