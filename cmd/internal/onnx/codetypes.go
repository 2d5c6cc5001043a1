package onnx

// codeTypes are the types of codes, and the version of DequantizeLinear that introduced each.
var codeTypes = map[string]struct {
	elem    elemType
	version int64
}{
	"U8": {elemUint8, 10}, "I8": {elemInt8, 10},
	"U16": {elemU16, 21}, "I16": {elemI16, 21}, "U4": {elemUint4, 21}, "I4": {elemInt4, 21},
}

// Versions of the operators and of the format that introduced a feature.
const (
	versionAxis     = 13 // scales along an axis
	versionBrain    = 13 // Cast to bfloat16
	versionBlocks   = 21
	irInitializers  = 4 // initializers that are not inputs
	irFourBits      = 10
	oldestOperators = 7 // the oldest version that can be raised
	newestOperators = 21
)
