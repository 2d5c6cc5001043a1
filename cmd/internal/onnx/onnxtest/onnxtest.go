// Package onnxtest makes ONNX models for tests, field by field.
package onnxtest

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"google.golang.org/protobuf/encoding/protowire"
)

// A Message is a protocol buffer.
type Message []byte

// Int appends integers, as fields of one number.
func (m Message) Int(num protowire.Number, v ...int64) Message {
	for _, v := range v {
		m = protowire.AppendVarint(protowire.AppendTag(m, num, protowire.VarintType), uint64(v))
	}
	return m
}

// Fixed32 appends the bits of a float32.
func (m Message) Fixed32(num protowire.Number, v uint32) Message {
	return protowire.AppendFixed32(protowire.AppendTag(m, num, protowire.Fixed32Type), v)
}

// Bytes appends messages or data.
func (m Message) Bytes(num protowire.Number, b ...Message) Message {
	for _, b := range b {
		m = protowire.AppendBytes(protowire.AppendTag(m, num, protowire.BytesType), b)
	}
	return m
}

// Text appends strings.
func (m Message) Text(num protowire.Number, s ...string) Message {
	for _, s := range s {
		m = m.Bytes(num, Message(s))
	}
	return m
}

// Types of elements.
const (
	Float = 1
	Int64 = 7
	Bool  = 9
)

func tensor(name string, typ int64, shape []int) Message {
	var m Message
	for _, d := range shape {
		m = m.Int(1, int64(d))
	}
	return m.Int(2, typ).Text(8, name)
}

// Floats is a TensorProto of float32 with raw data.
func Floats(name string, data []float32, shape ...int) Message {
	var b Message
	for _, x := range data {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return tensor(name, Float, shape).Bytes(9, b)
}

// TypedFloats is one with its data in float_data.
func TypedFloats(name string, data []float32, shape ...int) Message {
	var b Message
	for _, x := range data {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return tensor(name, Float, shape).Bytes(4, b)
}

// Ints is a TensorProto of int64 of one axis.
func Ints(name string, data ...int64) Message {
	var b Message
	for _, x := range data {
		b = binary.LittleEndian.AppendUint64(b, uint64(x))
	}
	return tensor(name, Int64, []int{len(data)}).Bytes(9, b)
}

// Node is a NodeProto.
func Node(op string, inputs, outputs []string, attributes ...Message) Message {
	return Message{}.Text(1, inputs...).Text(2, outputs...).Text(3, op+" "+outputs[0]).Text(4, op).Bytes(5, attributes...)
}

// Attributes.
func AttrInt(name string, v int64) Message {
	return Message{}.Text(1, name).Int(3, v).Int(20, 2)
}
func AttrInts(name string, v ...int64) Message {
	return Message{}.Text(1, name).Int(8, v...).Int(20, 7)
}
func AttrTensor(name string, t Message) Message {
	return Message{}.Text(1, name).Bytes(5, t).Int(20, 4)
}
func AttrGraph(name string, g Message) Message {
	return Message{}.Text(1, name).Bytes(6, g).Int(20, 5)
}

// Constant is a node that has a value.
func Constant(output string, t Message) Message {
	return Node("Constant", nil, []string{output}, AttrTensor("value", t))
}

// Value is a ValueInfoProto.
func Value(name string, typ int64, shape ...int) Message {
	dims := Message{}
	for _, d := range shape {
		dims = dims.Bytes(1, Message{}.Int(1, int64(d)))
	}
	return Message{}.Text(1, name).Bytes(2, Message{}.Bytes(1, Message{}.Int(1, typ).Bytes(2, dims)))
}

// Graph is a GraphProto.
type Graph struct {
	Nodes, Tensors, Inputs, Outputs []Message
}

// Message returns g as such.
func (g Graph) Message(name string) Message {
	return Message{}.Bytes(1, g.Nodes...).Text(2, name).Bytes(5, g.Tensors...).Bytes(11, g.Inputs...).Bytes(12, g.Outputs...)
}

// Model is a ModelProto of a version of ONNX's operators.
func Model(opset int64, g Graph) []byte {
	return Message{}.Int(1, 8).Text(2, "onnxtest").Bytes(7, g.Message("main")).Bytes(8, Message{}.Text(1, "").Int(2, opset))
}

// Random is numbers around zero, with a spread that differs between channels
// of so many numbers.
func Random(r *rand.Rand, n, channel int, spread float64) []float32 {
	x := make([]float32, n)
	s := spread
	for i := range x {
		if i%channel == 0 {
			s = spread * math.Exp(r.NormFloat64()/2)
		}
		x[i] = float32(r.NormFloat64() * s)
	}
	return x
}
