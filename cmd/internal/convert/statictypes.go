package convert

// The options of static quantization, and what its result lists.

// Static says how activations are quantized.
type Static struct {
	Type      string // of their codes: uint8, int8, uint16 or int16
	Symmetric bool   // the mapping
	Reduced   bool   // codes of weights reach from -64 to 64: for x86 processors without VNNI, where sums of 8 bits overflow
	Operators []string
}

// ActivationTypes are the types that codes of activations may have.
func ActivationTypes() []string { return []string{"uint8", "int8", "uint16", "int16"} }

// An Operator is a node of a model that is quantized statically.
type Operator struct {
	Name, Op string
	Integer  string // what a runtime computes with codes instead; "" if it stays in floating point
	Folded   bool   // nothing is left of it
	Reason   string // why it stays in floating point
}

// An Activation is a value that became codes.
type Activation struct {
	Name     string
	Of       string // the value whose scale and zero point it has
	Type     string
	Min, Max float32 // the calibrated range of Of
	Scale    float32
	Zero     int32
}

// A Bias is a bias that became codes of int32.
type Bias struct {
	Name, Node string
	Widened    int // scales of the weight that were widened, so that the codes hold the bias
}
