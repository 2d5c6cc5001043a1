package onnx

import (
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// largeData is the least size of data that may go to the external file.
	largeData = 1 << 10

	// Alignment of data in the external file: data of at least pageData bytes begin at multiples
	// of pageAlign, for mapping; others at multiples of smallAlign.
	pageData, pageAlign, smallAlign = 1 << 20, 4096, 64
)

// A Rewriter writes a changed copy of a model. It replaces some tensors and copies all other
// bytes. It converts operators only if a later version is needed. External data of all tensors go
// to one file beside the new model.
type Rewriter struct {
	m        *Model
	e        *editor
	dataName string          // name of the external file
	taken    map[string]bool // names in use
	stores   []*store
	moved    []*moved
	gone     map[*Tensor]bool // tensors that are replaced or removed
	dataSize int64
	version  int64 // least version of ONNX's own operators
	ir       int64 // least version of the format
	planned  bool

	dequantized []dequantization

	renamed  map[*node]*renaming
	dropped  map[*node]bool  // nodes that are replaced or already rewritten
	imported bool            // the import of ONNX Runtime's operators is planned
	freed    map[*Tensor]int // number of uses that are gone
}

// Rewrite returns a Rewriter for m. dataName is the name of the external file beside the new
// model.
func (m *Model) Rewrite(dataName string) *Rewriter {
	r := &Rewriter{m: m, e: newEditor(m), dataName: dataName, taken: map[string]bool{}, gone: map[*Tensor]bool{},
		renamed: map[*node]*renaming{}, dropped: map[*node]bool{}, freed: map[*Tensor]int{}}
	for _, g := range m.graphs {
		for name := range g.defs {
			r.taken[name] = true
		}
		for _, n := range g.nodes {
			r.taken[n.name] = true
		}
	}
	return r
}

// fresh returns a name that is not in use.
func (r *Rewriter) fresh(name string) string {
	unique := name
	for i := 2; r.taken[unique]; i++ {
		unique = name + "_" + itoa(i)
	}
	r.taken[unique] = true
	return unique
}

// store plans a new tensor of g. external says whether its data may go to the external file.
func (r *Rewriter) store(g *graph, name string, elem elemType, shape []int, data Payload, external bool) *store {
	s := &store{dataName: r.dataName, name: name, elem: elem, shape: shape, data: data, external: external && data.Size >= largeData}
	if g.fn != nil {
		s.node = 7 // a function has no initializers
	}
	r.stores = append(r.stores, s)
	return s
}

// position returns the place for a new initializer of g.
func (g *graph) position() position {
	if p := g.initializersEnd; p.frame != nil {
		return p
	}
	f := g.frames[0]
	return position{f, f.end}
}

// before returns the place before the first node of g that uses a value, itself or in a subgraph.
func (g *graph) before(name string) position {
	first := len(g.nodes)
	for _, u := range g.uses[name] {
		n := u.node
		if n == nil {
			n = u.graph.owner
		}
		for n != nil && n.graph != g {
			n = n.graph.owner
		}
		if n != nil {
			first = min(first, n.index)
		}
	}
	if first < len(g.nodes) {
		f := &g.nodes[first].frame
		return position{f.parent, f.start}
	}
	if len(g.nodes) > 0 {
		f := &g.nodes[len(g.nodes)-1].frame
		return position{f.parent, f.end}
	}
	f := g.frames[0]
	return position{f, f.end}
}

// nodeField returns the field number of nodes in the message of g.
func (g *graph) nodeField() protowire.Number {
	if g.fn != nil {
		return 7
	}
	return 1
}

// removeInput removes a value from the inputs of its graph. Older models list all initializers as
// inputs.
func (r *Rewriter) removeInput(g *graph, name string) {
	if g.fn != nil {
		return
	}
	for i := range g.inputs {
		if in := &g.inputs[i]; in.name == name {
			r.e.remove(&in.frame)
		}
	}
}

// free records that a use of t is gone, and removes t after the last one.
func (r *Rewriter) free(t *Tensor) {
	if r.freed[t]++; r.freed[t] < len(t.graph.uses[t.value]) || t.Replaceable() != nil || r.gone[t] {
		return
	}
	r.gone[t] = true
	at := t.frames[0]
	if t.node != nil {
		at = &t.node.frame
	}
	r.e.remove(at)
	r.removeInput(t.graph, t.value)
}

type dequantization struct {
	*Dequantizer
	values Payload
}

// A renaming has the new names for the inputs and outputs of a node.
type renaming struct{ inputs, outputs []string }

// renaming returns the renaming of n, for changes.
func (r *Rewriter) renaming(n *node) *renaming {
	x := r.renamed[n]
	if x == nil {
		x = &renaming{slices.Clone(n.inputs), slices.Clone(n.outputs)}
		r.renamed[n] = x
	}
	return x
}

// names returns the inputs and outputs of n in the new model.
func (r *Rewriter) names(n *node) (inputs, outputs []string) {
	if x := r.renamed[n]; x != nil {
		return slices.Clone(x.inputs), slices.Clone(x.outputs)
	}
	return slices.Clone(n.inputs), slices.Clone(n.outputs)
}

// rename plans the renamings of all nodes that are not rewritten otherwise.
func (r *Rewriter) rename() error {
	for _, n := range r.m.main.nodes {
		x := r.renamed[n]
		if x == nil || r.dropped[n] {
			continue
		}
		in, out := 0, 0
		err := newWire(r.m.r).each(n.frame.inner(), func(f field) error {
			if f.typ != protowire.BytesType || f.num != 1 && f.num != 2 {
				return nil
			}
			was, is := n.inputs, x.inputs
			at := &in
			if f.num == 2 {
				was, is, at = n.outputs, x.outputs, &out
			}
			if *at < len(was) && was[*at] != is[*at] {
				r.e.replace(&n.frame, f.start, f.end, literal(appendString(nil, f.num, is[*at])))
			}
			*at++
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
