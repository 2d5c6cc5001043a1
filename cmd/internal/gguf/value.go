package gguf

import (
	"strconv"
)

// Values of the metadata.

// A ValueType is the type of a value of the metadata.
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

// size returns the bytes of a value whose type fixes them, else 0.
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

// A Value is a pair of metadata: a key, and a value that stays in the file.
type Value struct {
	Key  string
	Type ValueType
	Elem ValueType // of an Array
	Len  uint64    // of an Array

	part  int   // of the model, which has it
	pair  int64 // offset of the key's length
	start int64 // offset of what follows the type: a string's length, an array's type
	end   int64
}
