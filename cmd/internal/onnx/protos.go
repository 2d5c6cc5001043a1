package onnx

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// This file encodes protobuf messages of ONNX. Fields are in the order of their numbers.

func appendBytes(b []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func appendString(b []byte, num protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, num, protowire.BytesType), s)
}

func appendInt(b []byte, num protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, num, protowire.VarintType), uint64(v))
}

// intAttribute returns an AttributeProto with an integer.
func intAttribute(name string, v int64) []byte {
	const typeInt = 2
	return appendInt(appendInt(appendString(nil, 1, name), 3, v), 20, typeInt)
}

func stringAttribute(name, v string) []byte {
	const typeString = 3
	return appendInt(appendString(appendString(nil, 1, name), 4, v), 20, typeString)
}

// newNode returns a NodeProto that calls one of ONNX's own operators, as a field of a graph
// (number 1) or of a function (7).
func newNode(num protowire.Number, op, name string, inputs []string, output string, attributes ...[]byte) literal {
	return newNodeOf("", num, op, name, inputs, output, attributes...)
}

// newNodeOf is like newNode for an operator of a domain.
func newNodeOf(domain string, num protowire.Number, op, name string, inputs []string, output string, attributes ...[]byte) literal {
	var b []byte
	for _, in := range inputs {
		b = appendString(b, 1, in)
	}
	b = appendString(b, 2, output)
	if name != "" {
		b = appendString(b, 3, name)
	}
	b = appendString(b, 4, op)
	for _, a := range attributes {
		b = appendBytes(b, 5, a)
	}
	if domain != "" {
		b = appendString(b, 7, domain)
	}
	return appendBytes(nil, num, b)
}

// smallTensor returns a TensorProto with its data.
func smallTensor(name string, elem elemType, shape []int, data []byte) []byte {
	var b []byte
	for _, d := range shape {
		b = appendInt(b, 1, int64(d))
	}
	b = appendInt(b, 2, int64(elem))
	if name != "" {
		b = appendString(b, 8, name)
	}
	return appendBytes(b, 9, data)
}

func intsTensor(v []int64) []byte {
	b := make([]byte, 0, 8*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint64(b, uint64(x))
	}
	return smallTensor("", elemI64, []int{len(v)}, b)
}

func floatsTensor(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return smallTensor("", elemFloat, []int{len(v)}, b)
}

func floatTensor(v float32) []byte {
	return smallTensor("", elemFloat, nil, binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
}

// tensorAttribute returns an AttributeProto that holds a TensorProto.
func tensorAttribute(name string, tensor []byte) []byte {
	const typeTensor = 4
	return appendInt(appendBytes(appendString(nil, 1, name), 5, tensor), 20, typeTensor)
}
