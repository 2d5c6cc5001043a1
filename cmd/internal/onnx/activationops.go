package onnx

import (
	"maps"
	"slices"
	"strings"
)

// An activationKind says how ONNX Runtime computes an operator with codes, if
// QuantizeLinear and DequantizeLinear stand around it.
type activationKind int

const (
	// kindProduct multiplies with a weight, or with another activation.
	kindProduct activationKind = iota + 1

	// kindElement has a form for codes whose inputs and outputs may have different
	// scales.
	kindElement

	// kindPass moves codes or picks some of them: the output has the scale and the
	// zero point of input 0.
	kindPass

	// kindClip limits values. The limits are those of the codes that the result is
	// rounded to, and then nothing is left of the operator.
	kindClip

	// kindFloat computes in floating point between DequantizeLinear and
	// QuantizeLinear.
	kindFloat
)

// activationOps are the operators that are quantized unless others are chosen, and
// what ONNX Runtime makes of each on a CPU.
var activationOps = map[string]struct {
	kind    activationKind
	integer string
}{
	"Conv":   {kindProduct, "QLinearConv"},
	"MatMul": {kindProduct, "QLinearMatMul"},
	"Gemm":   {kindProduct, "QGemm"},

	"Add":               {kindElement, "QLinearAdd"},
	"Mul":               {kindElement, "QLinearMul"},
	"AveragePool":       {kindElement, "QLinearAveragePool"},
	"GlobalAveragePool": {kindElement, "QLinearGlobalAveragePool"},
	"LeakyRelu":         {kindElement, "QLinearLeakyRelu"},
	"Sigmoid":           {kindElement, "QLinearSigmoid"},
	"Softmax":           {kindElement, "QLinearSoftmax"},
	"Concat":            {kindElement, "QLinearConcat"},

	"Expand":         {kindPass, "Expand"},
	"Flatten":        {kindPass, "Flatten"},
	"Gather":         {kindPass, "Gather"},
	"GatherElements": {kindPass, "GatherElements"},
	"MaxPool":        {kindPass, "MaxPool"},
	"Reshape":        {kindPass, "Reshape"},
	"Resize":         {kindPass, "Resize"},
	"Slice":          {kindPass, "Slice"},
	"Split":          {kindPass, "Split"},
	"Squeeze":        {kindPass, "Squeeze"},
	"Tile":           {kindPass, "Tile"},
	"Transpose":      {kindPass, "Transpose"},
	"Unsqueeze":      {kindPass, "Unsqueeze"},

	"Relu": {kindClip, ""},
	"Clip": {kindClip, ""},
}

// no16Bits are the operators that ONNX Runtime does not compute with codes of 16
// bits on a CPU: it computes them in floating point between codes.
var no16Bits = map[string]bool{
	"Conv": true, "MatMul": true, "Gemm": true, "Add": true, "Mul": true, "AveragePool": true, "GlobalAveragePool": true,
	"LeakyRelu": true, "Sigmoid": true, "Softmax": true, "Concat": true, "MaxPool": true, "Resize": true,
}

// ActivationOperators returns the operators whose activations are quantized unless
// others are chosen, sorted.
func ActivationOperators() []string { return slices.Sorted(maps.Keys(activationOps)) }

// KnownOperator reports whether ONNX has an operator of that name, in a version that
// this package knows.
func KnownOperator(op string) bool {
	return slices.Contains(strings.Fields(knownOperators), op)
}
