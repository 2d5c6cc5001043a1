package onnx

import "strings"

// This file works out the types of the values that the nodes of a graph compute.

// ONNX operators whose output 0 has another type than input 0: always int64, always bool, or the
// type of the input in typeInput.
const (
	makesInt64 = " Shape Size ArgMax ArgMin NonZero NonMaxSuppression SequenceLength "
	makesBool  = " And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Xor "
)

var typeInput = map[string]int{"Where": 1, "CastLike": 1, "OneHot": 2}

// typeless are the operators whose output type this package cannot tell, because it depends on
// attributes or on graphs.
const typeless = " If Loop Scan Optional OptionalGetElement SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert " +
	"SequenceMap SplitToSequence ConcatFromSequence ImageDecoder StringConcat StringNormalizer StringSplit TfIdfVectorizer RegexFullMatch " +
	"OptionalHasElement Bernoulli EyeLike Multinomial RandomNormal RandomUniform RandomNormalLike RandomUniformLike BlackmanWindow " +
	"HammingWindow HannWindow MelWeightMatrix "

// valueTypes returns the element types of the values of g, from the model or from the operators.
// Values of unknown type are missing.
func (m *Model) valueTypes(g *graph) map[string]elemType {
	types := map[string]elemType{}
	for name, d := range g.defs {
		if d.tensor != nil {
			types[name] = d.tensor.elem
		}
	}
	for name, elem := range g.elems {
		types[name] = elem
	}
	for _, n := range g.nodes {
		for i, out := range n.outputs {
			if _, told := types[out]; told || out == "" {
				continue
			}
			if elem := m.outputType(n, i, types); elem != 0 {
				types[out] = elem
			}
		}
	}
	return types
}

// outputType returns the type of output i of n, given the types of its inputs. It returns 0 if
// the type is unknown.
func (m *Model) outputType(n *node, i int, types map[string]elemType) elemType {
	op := " " + n.op + " "
	if n.domain != "" || m.function(n) != nil || !strings.Contains(knownOperators, op) || strings.Contains(typeless, op) {
		return 0
	}
	in := 0
	switch {
	case n.op == "Constant":
		return constantType(n)
	case n.op == "ConstantOfShape":
		if a := n.attr("value"); a != nil && a.tensor != nil {
			return a.tensor.elem
		}
		return elemFloat
	case n.op == "Cast":
		return elemType(n.int("to", 0))
	case n.op == "DequantizeLinear":
		in = 1
	case n.op == "QuantizeLinear" || n.op == "DynamicQuantizeLinear" || n.op == "ConvInteger" || n.op == "MatMulInteger" ||
		n.op == "QLinearConv" || n.op == "QLinearMatMul":
		return 0
	case strings.Contains(makesInt64, op):
		return elemI64
	case strings.Contains(makesBool, op):
		return elemBool
	case i > 0 && (n.op == "TopK" || n.op == "MaxPool" || n.op == "Unique"):
		return elemI64
	case i > 0 && n.op == "Dropout":
		return elemBool
	default:
		in = typeInput[n.op]
	}
	if in >= len(n.inputs) {
		return 0
	}
	return types[n.inputs[in]]
}

// constantType returns the type of a Constant node whose value is not a tensor.
func constantType(n *node) elemType {
	for _, a := range n.attrs {
		switch a.name {
		case "value_float", "value_floats":
			return elemFloat
		case "value_int", "value_ints":
			return elemI64
		}
	}
	return 0
}
