package onnx

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

func (p *parser) model() error {
	m := p.m
	err := p.each(m.root.inner(), func(f field) error {
		switch {
		case f.num == 1 && f.typ == protowire.VarintType:
			m.IR, m.irSpan = int64(f.v), span{f.start, f.end}
		case f.num == 2 && f.typ == protowire.BytesType:
			return p.setString(&m.Producer, f)
		case f.num == 7 && f.typ == protowire.BytesType:
			if m.main == nil {
				m.main = &graph{}
				m.graphs = append(m.graphs, m.main)
			}
			return p.graph(m.main, f.frame(&m.root), maxGraphs)
		case f.num == 8 && f.typ == protowire.BytesType:
			i, err := p.opset(f.frame(&m.root))
			m.imports = append(m.imports, i)
			m.Imports = append(m.Imports, i.Import)
			return err
		case f.num == 25 && f.typ == protowire.BytesType:
			return p.function(f.frame(&m.root))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if m.main == nil {
		return errors.New("no graph: this is not an ONNX model")
	}
	return nil
}

func (p *parser) opset(fr frame) (importSpan, error) {
	i := importSpan{frame: fr}
	err := p.each(fr.inner(), func(f field) error {
		switch {
		case f.num == 1 && f.typ == protowire.BytesType:
			return p.setString(&i.Domain, f)
		case f.num == 2 && f.typ == protowire.VarintType:
			i.Version = int64(f.v)
		}
		return nil
	})
	i.Domain = plainDomain(i.Domain)
	return i, err
}

func (p *parser) function(fr frame) error {
	fn := &function{frame: fr, body: &graph{}}
	fn.body.frames = []*frame{&fn.frame}
	fn.body.fn = fn
	p.m.functions = append(p.m.functions, fn)
	p.m.graphs = append(p.m.graphs, fn.body)
	err := p.each(fr.inner(), func(f field) error {
		if f.typ != protowire.BytesType {
			return nil
		}
		var name string
		switch f.num {
		case 1:
			return p.setString(&fn.name, f)
		case 4, 5:
			err := p.setString(&name, f)
			if err == nil && f.num == 4 {
				fn.body.inputs = append(fn.body.inputs, named{name: name})
			} else {
				fn.body.outputs = append(fn.body.outputs, named{name: name})
			}
			return err
		case 7:
			return p.node(fn.body, f.frame(&fn.frame), maxGraphs)
		case 9:
			i, err := p.opset(f.frame(&fn.frame))
			fn.imports = append(fn.imports, i)
			return err
		case 10:
			return p.setString(&fn.domain, f)
		case 13:
			return p.setString(&fn.overload, f)
		}
		return nil
	})
	fn.body.name = fn.name
	fn.domain = plainDomain(fn.domain)
	return err
}

// graph adds the message at fr to g.
func (p *parser) graph(g *graph, fr frame, depth int) error {
	if depth == 0 {
		return malformed(fr.start, fmt.Errorf("more than %d graphs in each other", maxGraphs))
	}
	at := &fr
	g.frames = append(g.frames, at)
	return p.each(fr.inner(), func(f field) error {
		if f.typ != protowire.BytesType {
			return nil
		}
		if g.initializersEnd.frame == nil && f.num > 5 {
			g.initializersEnd = position{at, f.start}
		}
		switch f.num {
		case 1:
			return p.node(g, f.frame(at), depth)
		case 2:
			return p.setString(&g.name, f)
		case 5:
			t, err := p.initializer(g, f.frame(at))
			if err == nil {
				g.tensors = append(g.tensors, t)
				g.initializersEnd = position{at, f.end}
			}
			return err
		case 15:
			return p.sparse(g, f.frame(at))
		case 11, 12, 13:
			return p.valueInfo(g, f.frame(at))
		}
		return nil
	})
}

// valueInfo adds an input or output of g, or the type and shape of another value.
func (p *parser) valueInfo(g *graph, fr frame) error {
	v := named{frame: fr}
	rank, elem := -1, elemType(0)
	err := p.each(fr.inner(), func(f field) error {
		switch {
		case f.num == 1 && f.typ == protowire.BytesType:
			return p.setString(&v.name, f)
		case f.num == 2 && f.typ == protowire.BytesType:
			return p.valueType(span{f.body, f.end}, &rank, &elem)
		}
		return nil
	})
	switch fr.num {
	case 11:
		g.inputs = append(g.inputs, v)
	case 12:
		g.outputs = append(g.outputs, v)
	}
	if rank >= 0 && v.name != "" {
		if g.ranks == nil {
			g.ranks = map[string]int{}
		}
		g.ranks[v.name] = rank
	}
	if elem != 0 && v.name != "" {
		if g.elems == nil {
			g.elems = map[string]elemType{}
		}
		g.elems[v.name] = elem
	}
	return cmp.Or(err, p.count(field{start: fr.start}))
}

// valueType finds the number of axes and the element type in a TypeProto, if it is a tensor type
// that has them.
func (p *parser) valueType(typ span, rank *int, elem *elemType) error {
	return p.each(typ, func(f field) error {
		if f.num != 1 || f.typ != protowire.BytesType {
			return nil
		}
		return p.each(span{f.body, f.end}, func(f field) error {
			switch {
			case f.num == 1 && f.typ == protowire.VarintType:
				*elem = elemType(f.v)
			case f.num == 2 && f.typ == protowire.BytesType:
				*rank = 0
				return p.each(span{f.body, f.end}, func(f field) error {
					if f.num == 1 && f.typ == protowire.BytesType {
						*rank++
					}
					return nil
				})
			}
			return nil
		})
	})
}

func (p *parser) node(g *graph, fr frame, depth int) error {
	n := &node{frame: fr, graph: g, index: len(g.nodes)}
	if err := p.count(field{start: fr.start}); err != nil {
		return err
	}
	g.nodes = append(g.nodes, n)
	err := p.each(fr.inner(), func(f field) error {
		if f.typ != protowire.BytesType {
			return nil
		}
		switch f.num {
		case 1:
			return p.addString(&n.inputs, f)
		case 2:
			return p.addString(&n.outputs, f)
		case 3:
			return p.setString(&n.name, f)
		case 4:
			return p.setString(&n.op, f)
		case 5:
			return p.attribute(n, f.frame(&n.frame), depth)
		case 7:
			return p.setString(&n.domain, f)
		}
		return nil
	})
	if err != nil {
		return err
	}
	n.domain = plainDomain(n.domain)
	if n.op == "" {
		return malformed(fr.start, fmt.Errorf("node %s names no operator", quote(n.name)))
	}
	err = p.constant(n)
	for i := range n.attrs {
		if t := n.attrs[i].tensor; t != nil && t.node == nil {
			p.outside(t, n.label()+"."+n.attrs[i].name)
		}
	}
	return err
}

func (p *parser) attribute(n *node, fr frame, depth int) error {
	if err := p.count(field{start: fr.start}); err != nil {
		return err
	}
	if len(n.attrs) == maxAttributes {
		return malformed(fr.start, fmt.Errorf("a node of more than %d attributes", maxAttributes))
	}
	a := attribute{}
	at := &fr
	var single *graph
	var others []*Tensor
	err := p.each(fr.inner(), func(f field) error {
		switch {
		case f.num == 1 && f.typ == protowire.BytesType:
			return p.setString(&a.name, f)
		case f.num == 3 && f.typ == protowire.VarintType:
			a.i = int64(f.v)
		case f.num == 4 && f.typ == protowire.BytesType:
			if f.end-f.body <= 256 {
				return p.setString(&a.s, f)
			}
		case f.num == 5 && f.typ == protowire.BytesType:
			if a.tensor == nil {
				a.tensor = &Tensor{model: p.m, graph: n.graph, rawOffset: -1}
			}
			return p.tensor(a.tensor, f.frame(at))
		case f.num == 10 && f.typ == protowire.BytesType:
			t := &Tensor{model: p.m, graph: n.graph, rawOffset: -1}
			if err := p.tensor(t, f.frame(at)); err != nil {
				return err
			}
			if t.isExternal {
				others = append(others, t)
			}
		case (f.num == 22 || f.num == 23) && f.typ == protowire.BytesType:
			inner := f.frame(at)
			return p.sparseParts(&Tensor{graph: n.graph, value: a.name}, &inner)
		case f.num == 2 && f.typ == protowire.Fixed32Type:
			a.f = math.Float32frombits(uint32(f.v))
		case f.num == 7:
			return p.floats(&a, f)
		case f.num == 21 && f.typ == protowire.BytesType:
			a.ref = f.body < f.end
		case f.num == 8 && f.typ == protowire.VarintType:
			a.addInt(f.v)
		case f.num == 8 && f.typ == protowire.BytesType:
			return p.packed(span{f.body, f.end}, func(v uint64) bool { a.addInt(v); return !a.long })
		case (f.num == 6 || f.num == 11) && f.typ == protowire.BytesType:
			g := single
			if g == nil || f.num == 11 {
				g = &graph{parent: n.graph, owner: n}
				a.graphs = append(a.graphs, g)
				p.m.graphs = append(p.m.graphs, g)
			}
			if f.num == 6 {
				single = g
			}
			return p.graph(g, f.frame(at), depth-1)
		}
		return nil
	})
	for i, g := range a.graphs {
		g.attr, g.sibling = a.name, i
	}
	for _, t := range others {
		p.outside(t, a.name)
	}
	a.frame = fr
	n.attrs = append(n.attrs, a)
	return err
}

// floats adds numbers to an attribute: a single number or a packed list.
func (p *parser) floats(a *attribute, f field) error {
	switch n := (f.end - f.body) / 4; {
	case f.typ == protowire.Fixed32Type:
		a.floats = append(a.floats, math.Float32frombits(uint32(f.v)))
	case f.typ == protowire.BytesType && n <= maxInts:
		b, err := p.peek(f.body, int(4*n))
		if err != nil {
			return err
		}
		for ; len(b) > 0; b = b[4:] {
			a.floats = append(a.floats, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
	default:
		a.long = true
	}
	if a.long = a.long || len(a.floats) > maxInts; a.long {
		a.floats = nil
	}
	return nil
}

func (a *attribute) addInt(v uint64) {
	if a.long = a.long || len(a.ints) == maxInts; a.long {
		a.ints = nil
		return
	}
	a.ints = append(a.ints, int64(v))
}

// constant adds the tensor of a Constant node to the list of tensors.
func (p *parser) constant(n *node) error {
	if !n.is("Constant") || len(n.outputs) != 1 {
		return nil
	}
	i := slices.IndexFunc(n.attrs, func(a attribute) bool { return a.name != "" })
	if i < 0 {
		return nil
	}
	var t *Tensor
	switch a := &n.attrs[i]; a.name {
	case "value":
		t = a.tensor
	case "value_float", "value_floats":
		t = &Tensor{model: p.m, graph: n.graph, rawOffset: -1, elem: elemFloat, frames: []*frame{&a.frame}}
		t.inAttribute, t.field, t.typed = true, 2, []span{a.frame.inner()}
		if a.name == "value_floats" {
			t.field = 7
			count, err := p.countFloats(a.frame.inner())
			if err != nil {
				return err
			}
			t.Shape = []int{count}
		}
	}
	if t == nil {
		return nil
	}
	t.node, t.value = n, n.outputs[0]
	p.m.Tensors = append(p.m.Tensors, t)
	return p.settle(t)
}

// countFloats returns the length of the field floats of an attribute.
func (p *parser) countFloats(s span) (int, error) {
	n := int64(0)
	err := p.each(s, func(f field) error {
		if f.num == 7 && f.typ == protowire.Fixed32Type {
			n++
		} else if f.num == 7 && f.typ == protowire.BytesType {
			n += (f.end - f.body) / 4
		}
		return nil
	})
	return int(n), err
}
