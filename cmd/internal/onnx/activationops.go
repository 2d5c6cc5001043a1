package onnx

import (
	"maps"
	"slices"
	"strings"
)

// An activationKind says how ONNX Runtime computes an operator that has DequantizeLinear at its
// inputs and QuantizeLinear at its outputs.
type activationKind int

const (
	// kindProduct multiplies an activation by a weight or by another activation.
	kindProduct activationKind = iota + 1

	// kindElement has a kernel for codes. Its inputs and outputs may have different scales.
	kindElement

	// kindPass moves or picks codes. The output has the scale and zero point of input 0.
	kindPass

	// kindClip limits values. If its limits are those of the output's codes, the operator is
	// removed.
	kindClip

	// kindFloat computes in floating point between DequantizeLinear and
	// QuantizeLinear.
	kindFloat
)

// activationOps are the operators that are quantized by default, and what ONNX Runtime computes
// for each on a CPU.
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

// no16Bits are the operators without a kernel for 16-bit codes in ONNX Runtime on a CPU. It
// computes them in floating point between DequantizeLinear and QuantizeLinear.
var no16Bits = map[string]bool{
	"Conv": true, "MatMul": true, "Gemm": true, "Add": true, "Mul": true, "AveragePool": true, "GlobalAveragePool": true,
	"LeakyRelu": true, "Sigmoid": true, "Softmax": true, "Concat": true, "MaxPool": true, "Resize": true,
}

// ActivationOperators returns the operators that are quantized by default, sorted.
func ActivationOperators() []string { return slices.Sorted(maps.Keys(activationOps)) }

// KnownOperator reports whether ONNX has an operator of that name in a version known to this
// package.
func KnownOperator(op string) bool {
	return slices.Contains(strings.Fields(knownOperators), op)
}
