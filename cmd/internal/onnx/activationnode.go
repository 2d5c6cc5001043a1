package onnx

import "slices"

// What static quantization makes of the values and the nodes of a model.

// An Activation is a value of the main graph that becomes codes if the model is
// quantized statically. It is float32.
type Activation struct {
	Name string
	Made string   // the operator that makes it; "" for an input of the model
	Uses []string // the operators that take its codes, sorted

	// Of is the value whose scale and zero point it has: its own name, or what
	// operators that only move codes make it of.
	Of string

	// Folded is Relu or Clip if that operator alone takes the value. Its range is
	// then not needed if the operator's limits are those of the result's codes.
	Folded string

	Output bool // of the model
}

// An ActivationNode is a node of the model with a floating-point output, and what
// becomes of it.
type ActivationNode struct {
	Name    string // of the node, or its operator and its place
	Op      string
	Integer string // the operator that ONNX Runtime computes with codes instead, on a CPU; "" if it stays in floating point
	Reason  string // why it stays in floating point

	node     *node
	kind     activationKind
	reason   string // why kind does not apply
	codes    []int  // the inputs that are activations
	constant []int  // the inputs that are constants, and are to be codes of an activation's type
	floating bool   // the output stays in floating point
	wide     bool   // it has codes of 16 bits, with which a CPU does not compute
}

// Quantized reports whether x takes what codes stand for, be it computed in integers or
// not.
func (x *ActivationNode) Quantized() bool { return x.node != nil && x.reason == "" }

// Activations are the values of a model that become codes, and its nodes.
type Activations struct {
	Values []Activation     // in the order of the nodes
	Nodes  []ActivationNode // those of the main graph with a floating-point output, in their order; and the products of other graphs

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

// WeightAxis returns the axis of the output channels of the weight for ONNX Runtime's
// operator with codes, or NoAxis if that knows one scale only.
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

// Constants returns the operands that are constants and no weights: they become
// codes of the type that activations have.
func (x *ActivationNode) Constants() []*Tensor {
	var all []*Tensor
	for _, i := range x.constant {
		all = append(all, x.node.constant(i))
	}
	return all
}

// Folds reports whether x is a Relu or Clip whose input no other node takes.
func (x *ActivationNode) Folds() bool { return x.kind == kindClip && x.Quantized() }

// An ActivationChoice picks nodes.
type ActivationChoice struct {
	Operators []string                   // whose nodes are quantized; nil for ActivationOperators
	Skip      func(name, op string) bool // whether a node is left in floating point; may be nil
	Bits      int                        // of the codes of activations, 8 or 16; 0 for 8
}

// ReasonSkipped is the reason of a node that an ActivationChoice skips.
const ReasonSkipped = "excluded"
