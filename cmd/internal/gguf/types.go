package gguf

import "fmt"

// A Type is how the elements of a tensor are stored, with the numbers of the
// format.
type Type uint32

// The types that this package reads.
const (
	F32  Type = 0
	F16  Type = 1
	Q4_0 Type = 2
	Q4_1 Type = 3
	Q5_0 Type = 6
	Q5_1 Type = 7
	Q8_0 Type = 8
	BF16 Type = 30
)

// BlockLen is how many elements share a scale in the quantized types that this
// package reads.
const BlockLen = 32

// types are the names of all types, and the elements and bytes of a block: no
// bytes if they are not known.
var types = [...]struct {
	name         string
	block, bytes int
}{
	0:  {"F32", 1, 4},
	1:  {"F16", 1, 2},
	2:  {"Q4_0", 32, 18},
	3:  {"Q4_1", 32, 20},
	4:  {"Q4_2", 0, 0}, // removed before there were GGUF files
	5:  {"Q4_3", 0, 0},
	6:  {"Q5_0", 32, 22},
	7:  {"Q5_1", 32, 24},
	8:  {"Q8_0", 32, 34},
	9:  {"Q8_1", 32, 36},
	10: {"Q2_K", 256, 84},
	11: {"Q3_K", 256, 110},
	12: {"Q4_K", 256, 144},
	13: {"Q5_K", 256, 176},
	14: {"Q6_K", 256, 210},
	15: {"Q8_K", 256, 292},
	16: {"IQ2_XXS", 256, 66},
	17: {"IQ2_XS", 256, 74},
	18: {"IQ3_XXS", 256, 98},
	19: {"IQ1_S", 256, 50},
	20: {"IQ4_NL", 32, 18},
	21: {"IQ3_S", 256, 110},
	22: {"IQ2_S", 256, 82},
	23: {"IQ4_XS", 256, 136},
	24: {"I8", 1, 1},
	25: {"I16", 1, 2},
	26: {"I32", 1, 4},
	27: {"I64", 1, 8},
	28: {"F64", 1, 8},
	29: {"IQ1_M", 256, 56},
	30: {"BF16", 1, 2},
	31: {"Q4_0_4_4", 32, 18}, // rows interleaved; these no longer occur in new files
	32: {"Q4_0_4_8", 32, 18},
	33: {"Q4_0_8_8", 32, 18},
	34: {"TQ1_0", 256, 54},
	35: {"TQ2_0", 256, 66},
	36: {"IQ4_NL_4_4", 32, 18},
	37: {"IQ4_NL_4_8", 32, 18},
	38: {"IQ4_NL_8_8", 32, 18},
	39: {"MXFP4", 32, 17},
	40: {"NVFP4", 64, 36},
	41: {"Q1_0", 128, 18},
	42: {"Q2_0", 64, 18},
}

// String returns the name that ggml has for t.
func (t Type) String() string {
	if int64(t) < int64(len(types)) {
		return types[t].name
	}
	return fmt.Sprintf("type %d", uint32(t))
}

// Block returns the elements and the bytes of a block of t, which are 1 and
// those of an element unless t is quantized. They are 0 if t is not known.
func (t Type) Block() (elements, bytes int) {
	if int64(t) < int64(len(types)) {
		return types[t].block, types[t].bytes
	}
	return 0, 0
}

// Readable reports whether elements of t can be read as floats.
func (t Type) Readable() bool {
	switch t {
	case F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1:
		return true
	}
	return false
}
