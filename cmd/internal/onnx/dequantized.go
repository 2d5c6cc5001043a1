package onnx

import (
	"slices"
)

// Dequantize plans that the tensor which d makes becomes an initializer of
// float32, or of float16 if the scales are. Its codes, scales and zero points go, unless something else uses
// them.
func (r *Rewriter) Dequantize(d *Dequantizer, values Payload) {
	r.dequantized = append(r.dequantized, dequantization{d, values})
	r.ir = max(r.ir, irInitializers)
}

// placeDequantized plans what Dequantize was told.
func (r *Rewriter) placeDequantized() {
	nodes := map[*node]bool{}
	for _, d := range r.dequantized {
		nodes[d.node] = true
	}
	for _, d := range r.dequantized {
		g := d.node.graph
		s := r.store(g, d.node.outputs[0], d.Scales.elem, d.Codes.Shape, d.values, d.Codes.isExternal)
		at := &d.node.frame
		if g.fn != nil {
			r.e.replace(at.parent, at.start, at.end, s)
		} else {
			r.e.remove(at)
		}
		placed := g.fn != nil
		for _, t := range []*Tensor{d.Codes, d.Scales, d.Zeros} {
			if t == nil || r.gone[t] || slices.ContainsFunc(t.graph.uses[t.value], func(u use) bool { return !nodes[u.node] }) {
				continue
			}
			r.gone[t] = true
			at := t.frames[0]
			if t.node != nil {
				at = &t.node.frame
			}
			if t == d.Codes && t.node == nil && t.graph == g && !placed {
				r.e.replace(at.parent, at.start, at.end, s)
				placed = true
			} else {
				r.e.remove(at)
			}
			r.removeInput(t.graph, t.value)
		}
		if !placed {
			r.e.insert(g.position(), s)
		}
	}
}
