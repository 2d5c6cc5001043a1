package onnx

import (
	"slices"
)

// prune leaves nodes in floating point that have no codes before or after them, and sets Reason
// or Integer of all nodes. It keeps products and nodes of kindFloat. It repeats the pass until
// nothing changes, because each node that is left may leave its neighbours without codes.
func (w *activationWalk) prune() {
	for changed := true; changed; {
		changed = false
		for i := range w.nodes {
			x := &w.nodes[i]
			if x.reason != "" || x.kind == kindProduct || x.kind == kindFloat {
				continue
			}
			if x.reason = w.alone(x); x.reason != "" {
				changed = true
			}
		}
	}
	for i := range w.nodes {
		x := &w.nodes[i]
		x.Reason = x.reason
		if x.reason != "" {
			continue
		}
		x.floating = (x.Op == "MatMul" || x.Op == "Gemm") && x.kind == kindProduct && !x.wide && !slices.ContainsFunc(x.node.outputs, w.taken) && !w.joined(x)
		switch {
		case x.wide:
			x.Reason = "ONNX Runtime computes " + x.Op + " in floating point between codes of 16 bits"
		case x.kind == kindFloat:
			x.Reason = "ONNX Runtime computes " + x.Op + " in floating point between codes"
		case x.kind == kindClip:
			x.Integer = "codes of its result" // a folded node is removed
		case x.floating && x.Op == "MatMul":
			x.Integer = "MatMulIntegerToFloat"
		default:
			x.Integer = activationOps[x.Op].integer
		}
	}
}

// alone returns a reason if no node before x makes codes, or no node after x takes them. It
// returns "" otherwise.
func (w *activationWalk) alone(x *ActivationNode) string {
	in := x.node.inputs
	if x.kind == kindClip {
		switch {
		case !w.made(in[0]):
			return "no node before it makes codes"
		case len(w.m.main.uses[in[0]]) > 1:
			return "other nodes take what it limits as well"
		}
		return ""
	}
	if !slices.ContainsFunc(x.codes, func(i int) bool { return w.made(in[i]) }) {
		return "no node before it makes codes"
	}
	if !slices.ContainsFunc(x.node.outputs, w.taken) {
		return "no node behind it takes codes"
	}
	return ""
}

// joined reports whether x is a MatMul and the only node behind it adds a constant bias. ONNX
// Runtime joins both to a Gemm in floating point, unless the result of the MatMul has codes.
func (w *activationWalk) joined(x *ActivationNode) bool {
	weight := x.Weight()
	if x.Op != "MatMul" || weight == nil {
		return false
	}
	out := x.node.outputs[0]
	uses := w.m.main.uses[out]
	if len(uses) != 1 || uses[0].node == nil || !uses[0].node.is("Add") || len(uses[0].node.inputs) != 2 {
		return false
	}
	bias := uses[0].node.constant(1 - uses[0].index)
	return bias != nil && bias.n == weight.Shape[len(weight.Shape)-1]
}

// of returns the ActivationNode of n, or nil if n is not quantized.
func (w *activationWalk) of(n *node) *ActivationNode {
	if i, ok := w.at[n]; ok && w.nodes[i].reason == "" {
		return &w.nodes[i]
	}
	return nil
}

// made reports whether a quantized node computes the value.
func (w *activationWalk) made(name string) bool {
	d := w.m.main.defs[name]
	return d.tensor == nil && d.node != nil && w.of(d.node) != nil
}

// taken reports whether a node takes codes of the value. A Relu or Clip counts only if a node
// takes codes of its output.
func (w *activationWalk) taken(name string) bool {
	return slices.ContainsFunc(w.m.main.uses[name], func(u use) bool {
		if u.node == nil || u.node.graph != w.m.main {
			return false
		}
		x := w.of(u.node)
		if x == nil || !slices.Contains(x.codes, u.index) {
			return false
		}
		return x.kind != kindClip || w.taken(x.node.outputs[0])
	})
}

// list lists the values that become codes.
func (w *activationWalk) list(a *Activations) {
	add := func(name string) *Activation {
		i, ok := a.byName[name]
		if !ok {
			i = len(a.Values)
			a.byName[name] = i
			v := Activation{Name: name, Of: name}
			if d := w.m.main.defs[name]; d.node != nil {
				v.Made = printable(d.node.op)
			}
			v.Output = slices.ContainsFunc(w.m.main.outputs, func(o named) bool { return o.name == name })
			a.Values = append(a.Values, v)
		}
		return &a.Values[i]
	}
	for i := range w.nodes {
		x := &w.nodes[i]
		if x.reason != "" || x.node == nil {
			continue
		}
		for _, k := range x.codes {
			v := add(x.node.inputs[k])
			if !slices.Contains(v.Uses, x.Op) {
				v.Uses = append(v.Uses, x.Op)
				slices.Sort(v.Uses)
			}
			if x.kind == kindClip {
				v.Folded = x.Op
			}
		}
		if x.floating {
			continue
		}
		for k, out := range x.node.outputs {
			if out == "" || k > 0 && x.Op != "Split" {
				continue
			}
			v := add(out)
			if x.kind == kindPass {
				v.Of = a.Values[a.byName[x.node.inputs[0]]].Of
			}
		}
	}
}
