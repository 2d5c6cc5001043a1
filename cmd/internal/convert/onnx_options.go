package convert

// This file has the options for ONNX models alone, and the types of results with them.

// Static says how to quantize activations.
type Static struct {
	Type      string // type of the codes: uint8, int8, uint16 or int16
	Symmetric bool   // use the symmetric mapping
	Reduced   bool   // codes of weights from -64 to 64: for x86 processors without VNNI, where sums of 8-bit products saturate
	Operators []string
	Unfolded  bool // leave BatchNormalization nodes; otherwise they are folded into the products before them
}

// ActivationTypes returns the types for codes of activations.
func ActivationTypes() []string { return []string{"uint8", "int8", "uint16", "int16"} }

// Dynamic says how to quantize dynamically. The granularity, the mapping and the sign of the codes
// of weights are those of Options.
type Dynamic struct {
	Reduced   bool     // codes of weights from -64 to 64, as for Static
	Operators []string // the operators to quantize; nil for onnx.DynamicOperators
}

// NBits says how to write weights for MatMulNBits, an operator of ONNX Runtime. Weights of other
// operators stay in floating point.
type NBits struct {
	Accuracy int // accuracy_level of the operator: 0 to 4
}

// An Operator is a node of a statically quantized model.
type Operator struct {
	Name, Op string
	Integer  string // the operator with codes that a runtime computes instead; "" if it stays in floating point
	Folded   bool   // the node was removed
	Reason   string // why it stays in floating point
}

// An Activation is a value that was replaced by codes.
type Activation struct {
	Name     string
	Of       string // the value whose scale and zero point it shares
	Type     string
	Min, Max float32 // the calibrated range of Of
	Scale    float32
	Zero     int32
}

// A Bias is a bias that was quantized to int32.
type Bias struct {
	Name, Node string
	Widened    int // number of scales of the weight that were increased so that int32 holds the bias
}
