package main

import (
	"encoding/binary"
	"math"
)

// ONNX models of one operator. They are written as protocol buffers without a library: a message
// is a sequence of fields, and the key of each field holds its number and wire type.

type message []byte

func (m message) varint(field int, v uint64) message {
	m = binary.AppendUvarint(m, uint64(field)<<3)
	return binary.AppendUvarint(m, v)
}

func (m message) bytes(field int, b []byte) message {
	m = binary.AppendUvarint(m, uint64(field)<<3|2)
	m = binary.AppendUvarint(m, uint64(len(b)))
	return append(m, b...)
}

func (m message) text(field int, s string) message { return m.bytes(field, []byte(s)) }

// Types of elements. ONNX and the C API give them the same numbers.
const (
	typeFloat  = 1
	typeUint8  = 2
	typeInt8   = 3
	typeUint16 = 4
	typeInt16  = 5
	typeUint4  = 21
	typeInt4   = 22
	typeUint2  = 25
	typeInt2   = 26
)

// A value is a tensor's name, type and shape, and its data for an initializer.
type value struct {
	name  string
	typ   int
	shape []int
	data  []byte
}

// tensor is a TensorProto.
func (v *value) tensor() message {
	var m message
	for _, d := range v.shape {
		m = m.varint(1, uint64(d))
	}
	return m.varint(2, uint64(v.typ)).text(8, v.name).bytes(9, v.data)
}

// info is a ValueInfoProto.
func (v *value) info() message {
	var shape message
	for _, d := range v.shape {
		shape = shape.bytes(1, message{}.varint(1, uint64(d)))
	}
	tensor := message{}.varint(1, uint64(v.typ)).bytes(2, shape)
	return message{}.text(1, v.name).bytes(2, message{}.bytes(1, tensor))
}

// A node is an operator with its attributes, which are all integers here.
type node struct {
	op         string
	attributes map[string]int
	inputs     []value // without data: of the model
	constants  []value // further inputs
	outputs    []value
}

// model is a ModelProto.
func (n *node) model(opset int) []byte {
	var op, graph message
	for _, v := range append(n.inputs[:len(n.inputs):len(n.inputs)], n.constants...) {
		op = op.text(1, v.name)
	}
	for _, v := range n.outputs {
		op = op.text(2, v.name)
	}
	op = op.text(4, n.op)
	for name, v := range n.attributes {
		op = op.bytes(5, message{}.text(1, name).varint(3, uint64(v)).varint(20, 2)) // 2 is INT
	}
	graph = graph.bytes(1, op).text(2, "one")
	for _, v := range n.constants {
		graph = graph.bytes(5, v.tensor())
	}
	for _, v := range n.inputs {
		graph = graph.bytes(11, v.info())
	}
	for _, v := range n.outputs {
		graph = graph.bytes(12, v.info())
	}
	const irVersion = 10
	return message{}.varint(1, irVersion).bytes(7, graph).bytes(8, message{}.varint(2, uint64(opset)))
}

func floatBytes(x []float32) []byte {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
