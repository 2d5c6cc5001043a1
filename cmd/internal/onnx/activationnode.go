package onnx

import "slices"

// The types that say what static quantization does to the values and nodes of a model.

// An Activation is a float32 value of the main graph that is replaced by codes in static
// quantization.
type Activation struct {
	Name string
	Made string   // the operator that computes it; "" for an input of the model
	Uses []string // the operators that take its codes, sorted

	// Of names the value whose scale and zero point this one has. It is the value itself, unless
	// an operator that only moves codes computes it.
	Of string

	// Folded is Relu or Clip if that operator is the only user of the value. The range of the
	// value is then not needed, provided that the operator's limits are those of the result's
	// codes.
	Folded string

	Output bool // it is an output of the model
}

// An ActivationNode is a node of the model with a floating-point output, and how it is quantized.
type ActivationNode struct {
	Name    string // of the node, or its operator and index if it has no name
	Op      string
	Integer string // the operator with codes that ONNX Runtime computes instead, on a CPU; "" if it computes in floating point
	Reason  string // why it computes in floating point

	node     *node
	kind     activationKind
	reason   string // why it is not quantized
	codes    []int  // the inputs that are activations
	constant []int  // the inputs that are constants and get codes of the type of activations
	floating bool   // the output stays in floating point
	wide     bool   // its codes have 16 bits, and the operator has no kernel for them on a CPU
}

// Quantized reports whether x takes dequantized codes. It may compute with the codes or in
// floating point.
func (x *ActivationNode) Quantized() bool { return x.node != nil && x.reason == "" }

// Activations are the values of a model that get codes, and the nodes around them.
type Activations struct {
	Values []Activation     // in the order of the nodes
	Nodes  []ActivationNode // nodes of the main graph with a floating-point output, in order; then the products in other graphs

	byName map[string]int // index in Values
}

// Value returns the activation of that name, or nil.
func (a *Activations) Value(name string) *Activation {
	if i, ok := a.byName[name]; ok {
		return &a.Values[i]
	}
	return nil
}

// Weight returns the weight of a product, or nil if both operands are activations.
func (x *ActivationNode) Weight() *Tensor {
	if x.node == nil || x.kind != kindProduct || slices.Contains(x.codes, 1) || slices.Contains(x.constant, 1) || slices.Contains(x.constant, 0) {
		return nil
	}
	return x.node.constant(1)
}

// WeightAxis returns the axis of the output channels of the weight, for ONNX Runtime's operator
// with codes. It returns NoAxis if that operator takes one scale only.
func (x *ActivationNode) WeightAxis() int {
	w := x.Weight()
	switch {
	case x.Op == "Conv", x.Op == "Gemm" && x.node.int("transB", 0) != 0:
		return 0
	case len(w.Shape) == 2:
		return 1
	}
	return NoAxis
}

// Bias returns the bias of a product, or nil.
func (x *ActivationNode) Bias() *Tensor {
	if x.node == nil || x.kind != kindProduct || x.Op == "MatMul" {
		return nil
	}
	return x.node.constant(2)
}

// Input returns the name of input 0.
func (x *ActivationNode) Input() string { return x.node.inputs[0] }

// Output returns the name of output 0.
func (x *ActivationNode) Output() string { return x.node.outputs[0] }

// Constants returns the operands that are constants but not weights. They get codes of the type
// of activations.
func (x *ActivationNode) Constants() []*Tensor {
	var all []*Tensor
	for _, i := range x.constant {
		all = append(all, x.node.constant(i))
	}
	return all
}

// Folds reports whether x is a quantized Relu or Clip. No other node takes its input.
func (x *ActivationNode) Folds() bool { return x.kind == kindClip && x.Quantized() }

// An ActivationChoice says which nodes to quantize.
type ActivationChoice struct {
	Operators []string                   // the operators to quantize; nil for ActivationOperators
	Skip      func(name, op string) bool // whether a node is left in floating point; may be nil
	Bits      int                        // bit width of the codes of activations, 8 or 16; 0 for 8
}

// ReasonSkipped is the reason for a node that ActivationChoice.Skip excludes.
const ReasonSkipped = "excluded"
