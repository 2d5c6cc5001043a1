package gguf

import (
	"fmt"
	"strings"
)

// A Type is the storage format of the elements of a tensor, with the number that the format has
// in files.
type Type uint32

// The types that this package reads.
const (
	F32     Type = 0
	F16     Type = 1
	Q4_0    Type = 2
	Q4_1    Type = 3
	Q5_0    Type = 6
	Q5_1    Type = 7
	Q8_0    Type = 8
	Q8_1    Type = 9
	Q2_K    Type = 10
	Q3_K    Type = 11
	Q4_K    Type = 12
	Q5_K    Type = 13
	Q6_K    Type = 14
	Q8_K    Type = 15
	IQ2_XXS Type = 16
	IQ2_XS  Type = 17
	IQ3_XXS Type = 18
	IQ1_S   Type = 19
	IQ4_NL  Type = 20
	IQ3_S   Type = 21
	IQ2_S   Type = 22
	IQ4_XS  Type = 23
	I8      Type = 24
	I16     Type = 25
	I32     Type = 26
	I64     Type = 27
	F64     Type = 28
	IQ1_M   Type = 29
	BF16    Type = 30
	TQ1_0   Type = 34
	TQ2_0   Type = 35
	MXFP4   Type = 39
	NVFP4   Type = 40
	Q1_0    Type = 41
	Q2_0    Type = 42
)

// BlockLen is the block length of Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_1, IQ4_NL
// and MXFP4.
const BlockLen = 32

// SuperBlockLen is the block length of the types with names that end in _K, and of IQ1, IQ2,
// IQ3, IQ4_XS, TQ1_0 and TQ2_0. No block is longer.
const SuperBlockLen = 256

// types has, for each type, its name, the elements and bytes of a block, and the function that
// decodes a block. The function is nil for a type that is not read, and the bytes are 0 for an
// unknown type. Types that are not quantized have blocks of 1 element; their functions decode
// any number of elements.
var types = [...]struct {
	name         string
	block, bytes int
	decode       func(dst []float32, src []byte)
}{
	0:  {"F32", 1, 4, decodeF32},
	1:  {"F16", 1, 2, decodeF16},
	2:  {"Q4_0", 32, 18, decodeQ4_0},
	3:  {"Q4_1", 32, 20, decodeQ4_1},
	4:  {"Q4_2", 0, 0, nil}, // removed before GGUF existed
	5:  {"Q4_3", 0, 0, nil},
	6:  {"Q5_0", 32, 22, decodeQ5_0},
	7:  {"Q5_1", 32, 24, decodeQ5_1},
	8:  {"Q8_0", 32, 34, decodeQ8_0},
	9:  {"Q8_1", 32, 36, decodeQ8_1},
	10: {"Q2_K", 256, 84, decodeQ2K},
	11: {"Q3_K", 256, 110, decodeQ3K},
	12: {"Q4_K", 256, 144, decodeQ4K},
	13: {"Q5_K", 256, 176, decodeQ5K},
	14: {"Q6_K", 256, 210, decodeQ6K},
	15: {"Q8_K", 256, 292, decodeQ8K},
	16: {"IQ2_XXS", 256, 66, decodeIQ2XXS},
	17: {"IQ2_XS", 256, 74, decodeIQ2XS},
	18: {"IQ3_XXS", 256, 98, decodeIQ3XXS},
	19: {"IQ1_S", 256, 50, decodeIQ1S},
	20: {"IQ4_NL", 32, 18, decodeIQ4NL},
	21: {"IQ3_S", 256, 110, decodeIQ3S},
	22: {"IQ2_S", 256, 82, decodeIQ2S},
	23: {"IQ4_XS", 256, 136, decodeIQ4XS},
	24: {"I8", 1, 1, decodeI8},
	25: {"I16", 1, 2, decodeI16},
	26: {"I32", 1, 4, decodeI32},
	27: {"I64", 1, 8, decodeI64},
	28: {"F64", 1, 8, decodeF64},
	29: {"IQ1_M", 256, 56, decodeIQ1M},
	30: {"BF16", 1, 2, decodeBF16},
	31: {"Q4_0_4_4", 32, 18, nil}, // with interleaved rows; not used in new files
	32: {"Q4_0_4_8", 32, 18, nil},
	33: {"Q4_0_8_8", 32, 18, nil},
	34: {"TQ1_0", 256, 54, decodeTQ1},
	35: {"TQ2_0", 256, 66, decodeTQ2},
	36: {"IQ4_NL_4_4", 32, 18, nil},
	37: {"IQ4_NL_4_8", 32, 18, nil},
	38: {"IQ4_NL_8_8", 32, 18, nil},
	39: {"MXFP4", 32, 17, decodeMXFP4},
	40: {"NVFP4", 64, 36, decodeNVFP4},
	41: {"Q1_0", 128, 18, decodeQ1_0},
	42: {"Q2_0", 64, 18, decodeQ2_0},
}

// String returns ggml's name of t, or its number.
func (t Type) String() string {
	if int64(t) < int64(len(types)) {
		return types[t].name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// ParseType returns the type with the given name, without regard to case.
func ParseType(name string) (Type, error) {
	for i := range types {
		if strings.EqualFold(name, types[i].name) && types[i].bytes > 0 {
			return Type(i), nil
		}
	}
	return 0, fmt.Errorf("%s is no type of ggml", quote(name))
}

// Block returns the elements and the bytes of a block of t. For types that are not quantized
// the block is one element. Both are 0 for an unknown type.
func (t Type) Block() (elements, bytes int) {
	if int64(t) < int64(len(types)) {
		return types[t].block, types[t].bytes
	}
	return 0, 0
}

// BitsPerWeight returns the bits of an element of t, including its share of the scales: 4.5 for
// Q4_0. It is 0 for an unknown type.
func (t Type) BitsPerWeight() float64 {
	block, bytes := t.Block()
	if block == 0 {
		return 0
	}
	return float64(8*bytes) / float64(block)
}

// Readable reports whether t is a floating-point or quantized type that is read. ReadFloats and
// Dequantize also read integer types.
func (t Type) Readable() bool { return t.decoded() && !t.Integer() }

func (t Type) decoded() bool { return int64(t) < int64(len(types)) && types[t].decode != nil }

// Integer reports whether t is one of the integer types, I8 to I64.
func (t Type) Integer() bool { return t >= I8 && t <= I64 }

// Quantized reports whether t has blocks of several elements. It is true for an unknown type.
func (t Type) Quantized() bool {
	block, _ := t.Block()
	return block != 1
}
