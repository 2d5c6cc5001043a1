package onnx

import (
	"fmt"
	"slices"
	"strings"
)

// A tracer follows tensors to the operators that use them.
type tracer struct {
	m     *Model
	left  int // steps left for all tensors
	one   int // steps left for this tensor
	seen  map[place]bool
	found []finding
	calls []*node // calls of the functions that contain the current value

	codes    string // the operator that takes the tensor as codes
	coded    bool   // a QuantizeLinear makes codes of the tensor
	besideDQ bool   // an operator multiplies the tensor by the output of a DequantizeLinear

	visit  func(n *node, index int, v *view) // called for each use as a weight; may be nil
	scales bool                              // a Mul or Div scales the tensor
}

type place struct {
	graph *graph
	name  string
	call  *node // call of the function that contains it
}

// traceUses finds the uses of every tensor.
func (m *Model) traceUses() {
	m.link()
	t := &tracer{m: m, left: maxSteps}
	for _, tensor := range m.Tensors {
		t.one, t.found, t.seen = maxTensorSteps, nil, map[place]bool{}
		t.calls, t.codes, t.coded, t.besideDQ = nil, "", false, false
		seen := tensor.Shape
		if s := m.reshapedOnly(tensor); s != nil {
			seen = s
		}
		t.follow(tensor.graph, tensor.value, viewOf(seen), maxDepth)
		tensor.conclude(t.found)
		if !tensor.Floating && tensor.Note != SparseNote {
			tensor.Coded = t.codes
		}
		tensor.BesideCodes = t.besideDQ && tensor.Weight
		if root := tensor.graph.root(); tensor.Weight && !root.live() {
			tensor.Weight, tensor.Note = false, "no node calls its function "+printable(root.fn.name)
		}
		tensor.Weight = tensor.Weight && !tensor.sparse
		if tensor.Weight && t.coded {
			tensor.Weight, tensor.Note = false, "QuantizeLinear makes codes of it with the model's own scale"
		}
		if len(tensor.Shape) == 1 && len(seen) > 1 {
			tensor.Seen, tensor.SeenAxis, tensor.Axis = seen, tensor.Axis, NoAxis
		}
	}
}

// follow finds the uses of a value of g. The view v relates its axes to those of the tensor.
func (t *tracer) follow(g *graph, name string, v *view, depth int) {
	at := place{graph: g, name: name}
	if k := len(t.calls); k > 0 {
		at.call = t.calls[k-1]
	}
	if t.seen[at] {
		return
	}
	t.seen[at] = true
	for _, u := range g.uses[name] {
		if t.left--; t.left < 0 {
			return
		}
		if t.one--; t.one < 0 {
			return
		}
		t.use(u, v, depth)
	}
}

func (t *tracer) use(u use, v *view, depth int) {
	n := u.node
	if n == nil { // an output of an If continues in the outer graph
		if o := u.graph.owner; o != nil && o.is("If") && u.index < len(o.outputs) && depth > 0 {
			t.follow(u.graph.parent, o.outputs[u.index], v, depth-1)
			return
		}
		if fn := u.graph.fn; fn != nil && depth > 0 {
			t.returns(fn, u.index, v, depth-1)
			return
		}
		t.add(finding{op: "output", axis: NoAxis})
		return
	}
	if t.codes == "" && (takesCodes(n, u.index) || u.index == 0 && n.looksUpCodes()) {
		t.codes = n.op
	}
	if next, ok := passing[n.op]; ok && (n.domain == "" || n.isQDQ()) && depth > 0 && t.passes(n, u.index) {
		t.coded = t.coded || n.op == "QuantizeLinear"
		t.scales = t.scales || n.op == "Mul" || n.op == "Div"
		if v != nil {
			v = next(t.m, n, v)
		}
		outputs := n.outputs
		if n.op != "Split" {
			outputs = outputs[:min(len(outputs), 1)]
		}
		for _, out := range outputs {
			t.follow(n.graph, out, v, depth-1)
		}
		return
	}
	if fn := t.m.function(n); fn != nil {
		if depth > 0 && u.index < len(fn.body.inputs) {
			t.calls = append(t.calls, n)
			t.follow(fn.body, fn.body.inputs[u.index].name, v, depth-1)
			t.calls = t.calls[:len(t.calls)-1]
		}
		return
	}
	f := at(n, u.index, v)
	if f.role == "" && t.visit != nil {
		t.visit(n, u.index, v)
	}
	if f.role == "" && !t.besideDQ {
		t.besideDQ = t.m.besideDequantized(n, u.index)
	}
	t.add(f)
}

// returns follows an output of a function to the node that called it. If the tensor is in the
// function itself, it follows the output to all nodes that call the function.
func (t *tracer) returns(fn *function, index int, v *view, depth int) {
	calls, within := fn.calls, t.calls
	if k := len(within); k > 0 && t.m.function(within[k-1]) == fn {
		calls, t.calls = within[k-1:], within[:k-1:k-1]
	}
	for _, n := range calls {
		if index < len(n.outputs) {
			t.follow(n.graph, n.outputs[index], v, depth)
		}
	}
	t.calls = within
}

// besideDequantized reports whether a DequantizeLinear computes an operand of n other than index,
// perhaps with operators between that only move elements. Runtimes fuse such nodes into one that
// computes with the codes.
func (m *Model) besideDequantized(n *node, index int) bool {
	for i, in := range n.inputs {
		if i == index || i > 1 || in == "" {
			continue
		}
		g := n.graph
		for range maxDepth {
			at, d := g.lookup(in)
			from := d.node
			if from == nil {
				break
			}
			if from.op == "DequantizeLinear" && from.isQDQ() {
				return true
			}
			moves := from.domain == "" && (from.op == "MaxPool" || passing[from.op] != nil && from.op != "Mul" && from.op != "Div")
			if !moves || len(from.inputs) == 0 {
				break
			}
			g, in = at, from.inputs[0]
		}
	}
	return false
}

// reshapedOnly returns the shape that Reshape nodes give to a list. It returns nil if the list
// has other uses, or if the shapes differ or are unknown.
func (m *Model) reshapedOnly(t *Tensor) (shape []int) {
	if len(t.Shape) != 1 || t.n == 0 {
		return nil
	}
	uses := t.graph.uses[t.value]
	for _, u := range uses[:min(len(uses), maxFindings)] {
		if u.node == nil || u.index != 0 || !u.node.is("Reshape") {
			return nil
		}
		v := reshaped(m, u.node, viewOf(t.Shape))
		if v == nil || shape != nil && !slices.Equal(shape, v.shape) {
			return nil
		}
		shape = v.shape
	}
	if n, err := elements(shape); err != nil || n != t.n || len(uses) > maxFindings {
		return nil
	}
	return shape
}

// passes reports whether a passing node n passes on input index. The parts of a Concat count as a
// weight only if all are constant.
func (t *tracer) passes(n *node, index int) bool {
	switch n.op {
	case "Concat":
		return t.constants(n, 8)
	case "Mul", "Div":
		return index < 2 && len(n.inputs) == 2 && t.scaled(n, index) && t.constants(n, 8)
	}
	return index == 0
}

// scaled reports whether operand index of a Mul or Div is the one that is scaled: the operand
// with more elements, or the first if both have as many.
func (t *tracer) scaled(n *node, index int) bool {
	if n.op == "Div" && index == 1 {
		return false
	}
	this, other := t.size(n.graph, n.inputs[index]), t.size(n.graph, n.inputs[1-index])
	return this >= 0 && other >= 0 && (this > other || this == other && index == 0)
}

// size returns the number of elements of the constant that a value is derived from, or -1 if
// there is none.
func (t *tracer) size(g *graph, name string) int {
	for range maxDepth {
		if t.one--; t.one < 0 {
			break
		}
		at, d := g.lookup(name)
		if d.tensor != nil {
			return d.tensor.n
		}
		if d.node == nil || d.node.domain != "" || passing[d.node.op] == nil {
			break
		}
		if d.node.is("Constant") || len(d.node.inputs) == 0 {
			break
		}
		g, name = at, d.node.inputs[0]
	}
	return -1
}

// constants reports whether all inputs of n are constants, or derived from constants in at most
// depth steps.
func (t *tracer) constants(n *node, depth int) bool {
	for _, in := range n.inputs {
		if t.one--; t.one < 0 {
			return false
		}
		if in == "" {
			continue
		}
		_, d := n.graph.lookup(in)
		if d.tensor != nil || d.node != nil && d.node.is("Constant") {
			continue
		}
		if d.node == nil || depth == 0 || d.node.domain != "" || passing[d.node.op] == nil || !t.constants(d.node, depth-1) {
			return false
		}
	}
	return true
}

func (t *tracer) add(f finding) {
	if len(t.found) < maxFindings && !slices.Contains(t.found, f) {
		t.found = append(t.found, f)
	}
}

// at returns the finding for input index of n.
func at(n *node, index int, v *view) finding {
	f := finding{op: printable(n.op), axis: NoAxis, role: role(n, index)}
	if n.domain != "" {
		f.op = printable(n.domain + "." + n.op)
	}
	if f.role != "" {
		return f
	}
	switch n.op {
	case "Conv", "ConvInteger", "QLinearConv", "DeformConv", "FusedConv":
		f.axis = v.axis(0)
	case "ConvTranspose", "LSTM", "GRU", "RNN", "Attention":
		f.axis = v.axis(1)
	case "Gather":
		f.axis = v.axis(int(n.int("axis", 0)))
	case "Gemm":
		// The output channels are the rows of B if it is transposed, and the rows of A if it is
		// not.
		f.axis = v.axis(1)
		if index == 0 && n.int("transA", 0) == 0 || index == 1 && n.int("transB", 0) != 0 {
			f.axis = v.axis(0)
		}
	case "Einsum":
		if a := n.attr("equation"); a != nil {
			f.axis = v.axis(einsumAxis(a.s, index, v.rank()))
		}
	case "MatMul", "MatMulInteger", "FusedMatMul":
		switch {
		case v.rank() < 2: // a vector has no output channels
		case index == 0 && n.int("transA", 0) == 0 || index == 1 && n.int("transB", 0) != 0:
			f.axis = v.axis(-2)
		default:
			f.axis = v.axis(-1)
		}
	}
	return f
}

// einsumAxis returns the only axis of operand index that is in the result but in no other
// operand. It returns rank, which is no axis, if there is not exactly one.
func einsumAxis(equation string, index, rank int) int {
	left, result, _ := strings.Cut(strings.ReplaceAll(equation, " ", ""), "->")
	operands := strings.Split(left, ",")
	if index >= len(operands) || len(operands[index]) != rank {
		return rank
	}
	axis := rank
	for i, letter := range operands[index] {
		others := strings.Join(slices.Concat(operands[:index], operands[index+1:]), "")
		if strings.ContainsRune(result, letter) && !strings.ContainsRune(others, letter) {
			if axis < rank {
				return rank
			}
			axis = i
		}
	}
	return axis
}

// conclude sets Use, Axis, Weight and Note from the findings.
func (t *Tensor) conclude(found []finding) {
	var names []string
	weights := 0
	for _, f := range found {
		if !slices.Contains(names, f.String()) {
			names = append(names, f.String())
		}
		if f.role != "" || f.op == "output" {
			continue
		}
		t.Weight = true
		if weights++; weights == 1 {
			t.Axis = f.axis
		} else if t.Axis != f.axis {
			t.Axis = NoAxis
			t.Note = disagreement(found)
		}
	}
	const most = 4
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	t.Use = strings.Join(names, ", ")
	switch {
	case t.Note != "":
	case len(found) == 0:
		t.Note = "no operator uses it"
	case !t.Weight:
		t.Note = found[0].note()
	}
}

// disagreement describes which operators need which axis.
func disagreement(found []finding) string {
	var parts []string
	for _, f := range found {
		if f.role == "" && f.op != "output" && len(parts) < 4 {
			where := "nowhere known"
			if f.axis != NoAxis {
				where = fmt.Sprintf("on axis %d", f.axis)
			}
			parts = append(parts, fmt.Sprintf("%s for %s", where, f.op))
		}
	}
	return "output channels " + strings.Join(parts, ", ")
}
