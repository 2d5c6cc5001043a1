package onnx

import (
	"cmp"
	"slices"
)

// Dequantize plans to replace the codes of d by reconstructed values, an initializer of the type
// of the scales (float32 or 16 bits). A DequantizeLinear is removed; other operators that take
// the codes are replaced by operators that take values. Codes, scales and zero points are removed
// unless something else uses them. Nodes that only computed inputs of removed nodes are removed
// too.
func (r *Rewriter) Dequantize(d *Dequantizer, values Payload) {
	r.dequantized = append(r.dequantized, dequantization{d, values})
	r.ir = max(r.ir, irInitializers)
}

// placeDequantized plans the changes that Dequantize recorded.
func (r *Rewriter) placeDequantized() error {
	s := sweeper{r: r, still: map[*node][]string{}, taken: map[string]bool{}}
	for _, d := range r.dequantized {
		if d.node != nil {
			s.still[d.node] = nil
		}
	}
	for _, d := range r.dequantized {
		if d.node != nil {
			r.placeValues(d, &s)
		}
	}
	names := map[*Dequantizer]string{}
	for _, d := range r.dequantized {
		if d.node == nil {
			names[d.Dequantizer] = r.placeWeight(d)
		}
	}
	for _, d := range r.dequantized {
		for _, c := range d.changes {
			if err := r.replaceNode(c, names[d.Dequantizer], names); err != nil {
				return err
			}
			s.replaced(c)
		}
	}
	s.sweep()
	return nil
}

// placeValues replaces a DequantizeLinear and its codes by the values.
func (r *Rewriter) placeValues(d dequantization, sweep *sweeper) {
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
		if t == nil || r.gone[t] || slices.ContainsFunc(t.graph.uses[t.value], func(u use) bool { return !sweep.without(u, t.value) }) {
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

// placeWeight inserts the values beside the codes, and returns their name.
func (r *Rewriter) placeWeight(d dequantization) string {
	t := d.Codes
	s := r.store(t.graph, r.fresh(plainName(t.value)), d.Scales.elem, d.Shape, d.values, t.isExternal)
	switch {
	case t.node == nil:
		r.e.insert(position{t.frames[0].parent, t.frames[0].start}, s)
	case t.graph.fn != nil:
		r.e.insert(position{t.node.frame.parent, t.node.frame.start}, s)
	default:
		r.e.insert(t.graph.position(), s)
	}
	return s.name
}

// A sweeper removes nodes and constants that have become unused.
type sweeper struct {
	r      *Rewriter
	still  map[*node][]string // the names that replaced or removed nodes still use
	taken  map[string]bool    // names that replacements use, even if the old nodes did not
	nodes  []*node            // that may have become unused
	values []*Tensor          // constants that may have become unused
}

// replaced records that c has replaced its nodes, and removes the other nodes of c.
func (s *sweeper) replaced(c nodeChange) {
	for _, n := range append([]*node{c.node, c.at}, c.removed...) {
		s.still[n] = nil
		s.inputs(n)
	}
	s.still[c.at] = c.replacement.still()
	for _, name := range s.still[c.at] {
		s.taken[name] = true
	}
	for _, n := range c.removed {
		if n != c.at {
			s.r.e.remove(&n.frame)
		}
	}
}

// inputs adds the inputs of n to the nodes and constants that may have become unused.
func (s *sweeper) inputs(n *node) {
	for _, in := range n.inputs {
		switch _, d := n.graph.lookup(in); {
		case in == "":
		case d.tensor != nil:
			s.values = append(s.values, d.tensor)
		case d.node != nil:
			s.nodes = append(s.nodes, d.node)
		}
	}
}

// without reports whether the node of u has changed and no longer uses the name.
func (s *sweeper) without(u use, name string) bool {
	names, changed := s.still[u.node]
	return u.node != nil && changed && !slices.Contains(names, name)
}

// used reports whether something uses a value of g.
func (s *sweeper) used(g *graph, name string) bool {
	return s.taken[name] || slices.ContainsFunc(g.uses[name], func(u use) bool { return !s.without(u, name) })
}

// useless reports whether all outputs of a node are unused.
func (s *sweeper) useless(n *node) bool {
	return !slices.ContainsFunc(n.outputs, func(out string) bool { return s.used(n.graph, out) })
}

// sweep removes unused nodes, then unused constants.
func (s *sweeper) sweep() {
	for len(s.nodes) > 0 {
		n := s.nodes[len(s.nodes)-1]
		s.nodes = s.nodes[:len(s.nodes)-1]
		if _, changed := s.still[n]; changed || !s.useless(n) {
			continue
		}
		s.still[n] = nil
		s.r.e.remove(&n.frame)
		s.inputs(n)
	}
	slices.SortFunc(s.values, func(a, b *Tensor) int { return cmp.Compare(a.frames[0].start, b.frames[0].start) })
	for _, t := range slices.Compact(s.values) {
		if s.r.gone[t] || t.Replaceable() != nil || s.used(t.graph, t.value) {
			continue
		}
		s.r.gone[t] = true
		at := t.frames[0]
		if t.node != nil {
			at = &t.node.frame
		}
		s.r.e.remove(at)
		s.r.removeInput(t.graph, t.value)
	}
}
