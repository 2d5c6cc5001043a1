package onnx

import (
	"fmt"
	"slices"
	"strings"
)

// This file finds the values of a model that can have codes, and the nodes to quantize.

// An activationWalk decides how to quantize the nodes of the main graph.
type activationWalk struct {
	m     *Model
	c     ActivationChoice
	types map[string]elemType
	nodes []ActivationNode
	at    map[*node]int // index in nodes
}

// look classifies a node by its operator and inputs. It returns false for a Constant, an
// Identity, and a node without a floating-point output.
func (w *activationWalk) look(n *node) (ActivationNode, bool) {
	x := ActivationNode{Name: n.label(), Op: printable(n.qualified()), node: n}
	known := w.m.function(n) == nil && n.domain == "" && strings.Contains(knownOperators, " "+n.op+" ")
	if known && !w.touches(n) || n.is("Constant") || n.is("Identity") {
		return x, false
	}
	op, fused := activationOps[n.op]
	switch {
	case w.m.function(n) != nil:
		x.reason = "a function of the model"
	case n.domain != "":
		x.reason = "an operator of the domain " + printable(n.domain)
	case slices.ContainsFunc(n.attrs, func(a attribute) bool { return len(a.graphs) > 0 }):
		x.reason = "it has graphs of its own"
	case !slices.Contains(w.c.Operators, n.op) && !fused:
		x.reason = "ONNX Runtime does not compute " + printable(n.op) + " with codes"
	case !slices.Contains(w.c.Operators, n.op):
		x.reason = "the operator is not chosen"
	case w.c.Skip != nil && w.c.Skip(x.Name, n.op):
		x.reason = ReasonSkipped
	case fused:
		x.kind, x.wide = op.kind, w.c.Bits == 16 && no16Bits[n.op]
	default:
		x.kind = kindFloat
	}
	if x.reason == "" {
		x.reason = w.operands(&x)
	}
	return x, true
}

// touches reports whether an output of n is floating-point or of unknown type.
func (w *activationWalk) touches(n *node) bool {
	for _, name := range n.outputs {
		if name == "" {
			continue
		}
		if elem, known := w.types[name]; !known || elem == elemFloat || elemTypes[elem].name == "F16" || elemTypes[elem].name == "BF16" || elemTypes[elem].name == "F64" {
			return true
		}
	}
	return false
}

// operands finds the inputs of x that are activations, or returns why x cannot be
// quantized.
func (w *activationWalk) operands(x *ActivationNode) string {
	n := x.node
	if len(n.outputs) == 0 || n.outputs[0] == "" {
		return "it has no output"
	}
	take := func(i int) string {
		switch elem, known := w.types[n.inputs[i]]; {
		case !known:
			return fmt.Sprintf("the type of %s is not known", quote(n.inputs[i]))
		case elem != elemFloat:
			return fmt.Sprintf("%s is %s, not float32", quote(n.inputs[i]), elemTypes[elem].name)
		case n.constant(i) != nil:
			x.constant = append(x.constant, i)
		case w.m.main.defined[n.inputs[i]] > 1:
			return fmt.Sprintf("two values are called %s", quote(n.inputs[i]))
		default:
			x.codes = append(x.codes, i)
		}
		return ""
	}
	switch {
	case n.op == "Conv" || n.op == "Gemm":
		return w.weighted(x, take)
	case n.op == "MatMul" || n.op == "Add" || n.op == "Mul" || n.op == "Concat" || x.kind == kindFloat:
		for i := range n.inputs {
			if elem := w.types[n.inputs[i]]; n.inputs[i] == "" || x.kind == kindFloat && elem != elemFloat {
				continue
			}
			if why := take(i); why != "" {
				return why
			}
		}
		if n.op == "MatMul" && len(x.codes) == 1 && x.codes[0] == 0 && x.kind == kindProduct {
			if x.constant = nil; len(n.constant(1).Shape) < 2 {
				return "its weight has one axis"
			}
			if err := n.constant(1).Replaceable(); err != nil {
				return "its weight: " + err.Error()
			}
		}
		if x.kind == kindFloat {
			x.constant = nil
		}
	case !n.has(0):
		return "it has no input"
	default:
		if why := take(0); why != "" {
			return why
		}
	}
	if len(x.codes) == 0 {
		return "all its operands are constants"
	}
	if n.op == "Softmax" && w.m.version(w.m.main) < 13 && !n.alongLast() {
		return "it is over several axes, or of an unknown number of axes: before version 13 of the operators that is another operator"
	}
	if n.op == "MaxPool" && len(n.outputs) > 1 && n.outputs[1] != "" {
		return "its indices are used"
	}
	return ""
}

// weighted is like operands, for a Conv or Gemm.
func (w *activationWalk) weighted(x *ActivationNode, take func(int) string) string {
	n := x.node
	if !n.has(0) || !n.has(1) {
		return "it has no weight"
	}
	weight := n.constant(1)
	switch {
	case weight == nil:
		return "its weight is not constant"
	case weight.DType != "F32" || !weight.Floating:
		return "its weight is " + weight.DType + ", not float32"
	case len(weight.Shape) < 2:
		return "its weight has one axis"
	}
	if err := weight.Replaceable(); err != nil {
		return "its weight: " + err.Error()
	}
	if why := take(0); why != "" {
		return why
	}
	if len(x.constant) > 0 {
		return "all its operands are constants"
	}
	if n.has(2) {
		channels := 0
		if n.op == "Gemm" && n.int("transB", 0) == 0 {
			channels = 1
		}
		bias := n.constant(2)
		switch {
		case bias == nil:
			return "its bias is not constant"
		case bias.DType != "F32" || !bias.Floating || len(bias.Shape) != 1 || bias.n != weight.Shape[channels]:
			return fmt.Sprintf("its bias of shape %v and type %s is no list of a float32 for each output channel", bias.Shape, bias.DType)
		}
	}
	if n.op == "Gemm" {
		for _, name := range []string{"alpha", "beta"} {
			if a := n.attr(name); a != nil && a.f != 1 {
				return fmt.Sprintf("its %s is %v, not 1", name, a.f)
			}
		}
		if n.int("transA", 0) != 0 {
			return "its transA is not 0"
		}
	}
	return ""
}

// inside lists the nodes of a subgraph or function that would be quantized in the main graph.
func (w *activationWalk) inside(g *graph) {
	for _, n := range g.nodes {
		op := activationOps[n.op]
		if n.domain != "" || op.kind != kindProduct || w.m.function(n) != nil {
			continue
		}
		reason := "it is in a subgraph"
		if g.root().fn != nil {
			reason = "it is in a function of the model"
		}
		w.nodes = append(w.nodes, ActivationNode{Name: g.path() + "/" + n.label(), Op: n.op, Reason: reason})
	}
}
