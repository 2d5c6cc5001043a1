package onnx

import (
	"fmt"
	"slices"
	"strings"
)

// This file finds the activations of a model: the values that its nodes compute or take
// as inputs, and that codes can take the place of.

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

// An ActivationChoice picks nodes.
type ActivationChoice struct {
	Operators []string                   // whose nodes are quantized; nil for ActivationOperators
	Skip      func(name, op string) bool // whether a node is left in floating point; may be nil
	Bits      int                        // of the codes of activations, 8 or 16; 0 for 8
}

// ReasonSkipped is the reason of a node that an ActivationChoice skips.
const ReasonSkipped = "excluded"

// QuantizedBy returns the first node that computes with codes, or makes some: a model
// that has one is quantized already. It returns nil if there is none.
func (m *Model) QuantizedBy() *ActivationNode {
	for _, g := range m.graphs {
		for _, n := range g.nodes {
			if makesCodes(n) && g.root().live() {
				return &ActivationNode{Name: n.label(), Op: printable(n.op)}
			}
		}
	}
	return nil
}

func makesCodes(n *node) bool {
	_, takes := codeInputs[n.qualified()]
	return takes || n.isQDQ() || n.is("DynamicQuantizeLinear") || n.domain == microsoft && strings.HasPrefix(n.op, "QLinear")
}

// Activations returns the values that become codes if the model is quantized
// statically, as ONNX Runtime computes with them:
//
//   - Products (Conv, MatMul, Gemm) become codes if the weight is a constant, or the
//     other operand of a MatMul is an activation too.
//   - Other operators stay in floating point unless a node before them makes codes
//     and a node behind them takes codes: between them only codes would be made and
//     undone.
//   - Results of MatMul and Gemm stay in floating point if no node takes their codes.
//
// Nodes in subgraphs and functions are left.
func (m *Model) Activations(c ActivationChoice) *Activations {
	a := &Activations{byName: map[string]int{}}
	w := &activationWalk{m: m, c: c, types: m.valueTypes(m.main), at: map[*node]int{}}
	if w.c.Operators == nil {
		w.c.Operators = ActivationOperators()
	}
	for _, n := range m.main.nodes {
		if x, ok := w.look(n); ok {
			w.at[n] = len(w.nodes)
			w.nodes = append(w.nodes, x)
		}
	}
	w.prune()
	for _, g := range m.graphs {
		if g != m.main && g.root().live() {
			w.inside(g)
		}
	}
	a.Nodes = w.nodes
	w.list(a)
	return a
}

// An activationWalk decides what becomes of the nodes of the main graph.
type activationWalk struct {
	m     *Model
	c     ActivationChoice
	types map[string]elemType
	nodes []ActivationNode
	at    map[*node]int // in nodes
}

// look returns what becomes of a node by what it is; false if it has nothing to do with
// floating-point values.
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

// touches reports whether an output of n is floating-point, or may be.
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
	if n.op == "MaxPool" && len(n.outputs) > 1 && n.outputs[1] != "" {
		return "its indices are used"
	}
	return ""
}

// weighted is operands of a Conv or Gemm.
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

// inside lists the nodes of another graph that would be quantized in the main graph.
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
