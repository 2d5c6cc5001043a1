package onnx

import "encoding/binary"

// link finds the definition and the uses of every value.
func (m *Model) link() {
	m.ints = map[*Tensor][]int64{}
	m.byName = map[string]*function{}
	for _, f := range m.functions {
		m.byName[f.domain+"\x00"+f.name] = f
	}
	for _, g := range m.graphs {
		g.defs = map[string]definition{}
		g.uses = map[string][]use{}
		g.defined = map[string]int{}
		for _, in := range g.inputs {
			g.defs[in.name] = definition{input: true}
		}
		for _, n := range g.nodes {
			for _, out := range n.outputs {
				if out != "" {
					g.defs[out] = definition{node: n}
					g.defined[out]++
				}
			}
		}
	}
	for _, t := range m.Tensors {
		input := t.graph.defs[t.value].input
		t.graph.defs[t.value] = definition{tensor: t, node: t.node, input: input}
		if t.node == nil { // outputs of Constant nodes are counted already
			t.graph.defined[t.value]++
		}
	}
	for _, g := range m.graphs {
		for _, n := range g.nodes {
			for i, in := range n.inputs {
				g.addUse(in, use{g, n, i})
			}
		}
		for i, out := range g.outputs {
			g.addUse(out.name, use{g, nil, i})
		}
	}
	m.findCalls()
}

// findCalls finds the nodes that call each function, and the functions that the main graph calls.
func (m *Model) findCalls() {
	callees := map[*graph][]*function{} // by root
	for _, g := range m.graphs {
		for _, n := range g.nodes {
			if f := m.function(n); f != nil {
				f.calls = append(f.calls, n)
				callees[g.root()] = append(callees[g.root()], f)
			}
		}
	}
	for todo := []*graph{m.main}; len(todo) > 0; {
		root := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, f := range callees[root] {
			if !f.called {
				f.called = true
				todo = append(todo, f.body)
			}
		}
	}
}

// lookup finds the graph that defines a name used in g: g or a graph around it.
func (g *graph) lookup(name string) (*graph, definition) {
	for ; g != nil; g = g.parent {
		if d, ok := g.defs[name]; ok {
			return g, d
		}
	}
	return nil, definition{}
}

func (g *graph) addUse(name string, u use) {
	if name == "" {
		return
	}
	if at, _ := g.lookup(name); at != nil {
		at.uses[name] = append(at.uses[name], u)
	}
}

// constantInts returns the values of a constant that is a short list of integers.
func (m *Model) constantInts(g *graph, name string) ([]int64, bool) {
	_, d := g.lookup(name)
	t := d.tensor
	if t == nil || t.elem != elemI64 || t.n > maxInts || len(t.Shape) > 1 || t.sparse {
		if n := d.node; n != nil && n.is("Constant") {
			if a := n.attr("value_ints"); a != nil && !a.long {
				return a.ints, true
			}
			if a := n.attr("value_int"); a != nil {
				return []int64{a.i}, true
			}
		}
		return nil, false
	}
	v, known := m.ints[t]
	if !known {
		v = t.ints()
		m.ints[t] = v
	}
	return v, v != nil
}

// ints reads a short list of integers, or returns nil.
func (t *Tensor) ints() []int64 {
	r, err := t.Data()
	if err != nil {
		return nil
	}
	b := make([]byte, t.Bytes)
	if n, _ := r.ReadAt(b, 0); n < len(b) {
		return nil
	}
	v := make([]int64, t.n)
	for i := range v {
		v[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return v
}

// constant returns the constant in input i of n, or nil.
func (n *node) constant(i int) *Tensor {
	if !n.has(i) {
		return nil
	}
	_, d := n.graph.lookup(n.inputs[i])
	return d.tensor
}

// has reports whether n has an input i.
func (n *node) has(i int) bool { return i < len(n.inputs) && n.inputs[i] != "" }
