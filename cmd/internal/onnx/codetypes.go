package onnx

// codeTypes are the types of codes, and the versions of DequantizeLinear and of the format that
// introduced each.
var codeTypes = map[string]struct {
	elem    elemType
	version int64 // of the operators
	ir      int64 // of the format; 0 for any
}{
	"U8":          {elem: elemUint8, version: 10},
	"I8":          {elem: elemInt8, version: 10},
	"F8_E4M3":     {elem: elemF8E4M3, version: 19, ir: 9},
	"F8_E4M3FNUZ": {elem: elemF8E4M3UZ, version: 19, ir: 9},
	"F8_E5M2":     {elem: elemF8E5M2, version: 19, ir: 9},
	"F8_E5M2FNUZ": {elem: elemF8E5M2UZ, version: 19, ir: 9},
	"U16":         {elem: elemU16, version: 21},
	"I16":         {elem: elemI16, version: 21},
	"U4":          {elem: elemUint4, version: 21, ir: 10},
	"I4":          {elem: elemInt4, version: 21, ir: 10},
	"F4":          {elem: elemF4, version: 23, ir: 11},
}

// Versions of the operators and of the format that introduced a feature.
const (
	versionAxis     = 13 // scales along an axis
	versionBrain    = 13 // Cast to bfloat16
	versionBlocks   = 21
	irInitializers  = 4 // initializers that are not inputs
	oldestOperators = 7 // the oldest version that can be raised
	newestOperators = 23
)
