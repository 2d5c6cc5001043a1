package onnx

import (
	"fmt"
	"slices"
	"strings"
)

// A tracer follows tensors to the operators that use them.
type tracer struct {
	m     *Model
	left  int // steps
	one   int // steps of this tensor
	seen  map[place]bool
	found []finding
}

type place struct {
	graph *graph
	name  string
}

// traceUses finds what every tensor is for.
func (m *Model) traceUses() {
	m.link()
	t := &tracer{m: m, left: maxSteps}
	for _, tensor := range m.Tensors {
		t.one, t.found, t.seen = maxTensorSteps, nil, map[place]bool{}
		t.follow(tensor.graph, tensor.value, viewOf(tensor.Shape), maxDepth)
		tensor.conclude(t.found)
	}
}

// follow finds the uses of a value of g, which is the tensor as v has it.
func (t *tracer) follow(g *graph, name string, v *view, depth int) {
	if at := (place{g, name}); t.seen[at] {
		return
	} else {
		t.seen[at] = true
	}
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
	if n == nil { // what an If returns goes on behind it
		if o := u.graph.owner; o != nil && o.is("If") && u.index < len(o.outputs) && depth > 0 {
			t.follow(u.graph.parent, o.outputs[u.index], v, depth-1)
			return
		}
		t.add(finding{op: "output", axis: NoAxis})
		return
	}
	if next, ok := passing[n.op]; ok && n.domain == "" && depth > 0 && t.passes(n, u.index) {
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
			t.follow(fn.body, fn.body.inputs[u.index].name, v, depth-1)
		}
		return
	}
	t.add(at(n, u.index, v))
}

// passes reports whether an input of a passing node is what it passes on. The
// pieces of a Concat are a weight only together.
func (t *tracer) passes(n *node, index int) bool {
	if n.op != "Concat" {
		return index == 0
	}
	return t.constants(n, 8)
}

// constants reports whether all inputs of n are constants, or made of constants
// in depth steps.
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

func (m *Model) function(n *node) *function { return m.byName[n.domain+"\x00"+n.op] }

// at says what input index of n is.
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
		// As rows of a matrix, of which there are as many as outputs: those of B
		// if it is transposed, and those of A if it is not.
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

// einsumAxis returns the one axis of operand index that is an axis of the result
// as well, but of no other operand; or one that there is not, if it is not one.
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

// conclude sets what the findings come to.
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

// disagreement says which operators have which axis.
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
