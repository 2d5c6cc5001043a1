package gguf

import (
	"strconv"
)

// Values of metadata.

// A ValueType is the type of a value of metadata.
type ValueType uint32

// The types of values, with the numbers of the format.
const (
	Uint8 ValueType = iota
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Float32
	Bool
	String
	Array
	Uint64
	Int64
	Float64
)

var valueNames = [...]string{"uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "bool", "string", "array",
	"uint64", "int64", "float64"}

// size returns the bytes of a value with a type of fixed size, else 0.
func (t ValueType) size() uint64 {
	switch t {
	case Uint8, Int8, Bool:
		return 1
	case Uint16, Int16:
		return 2
	case Uint32, Int32, Float32:
		return 4
	case Uint64, Int64, Float64:
		return 8
	}
	return 0
}

func (t ValueType) String() string {
	if int(t) < len(valueNames) {
		return valueNames[t]
	}
	return "type " + strconv.FormatUint(uint64(t), 10)
}

// A Value is a pair of metadata: a key, and the place of the value in the file.
type Value struct {
	Key  string
	Type ValueType
	Elem ValueType // type of the elements of an Array
	Len  uint64    // length of an Array

	part  int   // index of the part of the model
	pair  int64 // offset of the key's length
	start int64 // offset after the type: the length of a string, the element type of an array
	end   int64
}
