package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// ActivationParams are the type of an activation's codes, their scale and their zero point.
type ActivationParams struct {
	DType string // U8, I8, U16 or I16
	Scale float32
	Zero  int32
}

// ClipLimits returns the limits of a Relu or Clip, or false if they are not constant.
func (m *Model) ClipLimits(x *ActivationNode) (lo, hi float32, ok bool) {
	n := x.node
	lo, hi = float32(math.Inf(-1)), float32(math.Inf(1))
	if n.op == "Relu" {
		return 0, hi, true
	}
	for i, limit := range []*float32{&lo, &hi} {
		name := []string{"min", "max"}[i]
		switch a := n.attr(name); {
		case a != nil && a.ref:
			return 0, 0, false
		case a != nil:
			*limit = a.f
		case n.has(i + 1):
			v := m.constantFloats(n.graph, n.inputs[i+1])
			if len(v) != 1 {
				return 0, 0, false
			}
			*limit = v[0]
		}
	}
	return lo, hi, true
}

// QuantizeActivations plans QuantizeLinear and DequantizeLinear nodes for the values of a. params
// has the parameters for each name in Activation.Of. folded has the Relu and Clip nodes to
// remove.
//
// If a quantized node computes a value, the output of DequantizeLinear takes over the name of the
// value, so all other nodes, subgraphs and outputs read the rounded value. For other values only
// the quantized nodes read the rounded value.
func (r *Rewriter) QuantizeActivations(a *Activations, params map[string]ActivationParams, folded map[string]bool) error {
	w := &activationWriter{r: r, a: a, params: params, folded: map[string]*ActivationNode{}, stores: map[string][2]string{}, by: map[*node]*ActivationNode{}}
	for i := range a.Nodes {
		x := &a.Nodes[i]
		if x.node == nil || x.reason != "" {
			continue
		}
		w.by[x.node] = x
		if folded[x.Name] {
			w.folded[x.Output()] = x
			w.folded[x.Input()] = x
		}
	}
	for i := range a.Values {
		if err := w.value(&a.Values[i]); err != nil {
			return err
		}
	}
	r.version, r.ir = max(r.version, versionAxis), max(r.ir, irInitializers)
	return nil
}

// An activationWriter plans the nodes around the values of a model.
type activationWriter struct {
	r      *Rewriter
	a      *Activations
	params map[string]ActivationParams
	folded map[string]*ActivationNode // by the names of their inputs and outputs
	stores map[string][2]string       // names of the scale and zero point, by value
	by     map[*node]*ActivationNode
}

// value plans the QuantizeLinear and DequantizeLinear nodes of v.
func (w *activationWriter) value(v *Activation) error {
	g, r := w.r.m.main, w.r
	if x := w.folded[v.Name]; x != nil {
		if x.Input() == v.Name {
			return nil
		}
		scale, err := w.store(v)
		if err != nil {
			return err
		}
		at := &x.node.frame
		r.e.replace(at.parent, at.start, at.end, w.nodes(v, x.Input(), v.Name, scale)...)
		r.dropped[x.node] = true
		return nil
	}
	scale, err := w.store(v)
	if err != nil {
		return err
	}
	from := g.defs[v.Name].node
	x := w.by[from]
	if from != nil && x != nil && x.kind != kindClip {
		made := r.fresh(v.Name + "_float")
		for i, out := range from.outputs {
			if out == v.Name {
				r.renaming(from).outputs[i] = made
			}
		}
		r.e.insert(position{from.frame.parent, from.frame.end}, w.nodes(v, made, v.Name, scale)...)
		return nil
	}
	back := r.fresh(v.Name + "_dequantized")
	for _, u := range g.uses[v.Name] {
		if u.node == nil || u.graph != g {
			continue
		}
		if x := w.by[u.node]; x != nil && slices.Contains(x.codes, u.index) {
			r.renaming(u.node).inputs[u.index] = back
		}
	}
	at := g.before(v.Name)
	if from != nil {
		at = position{from.frame.parent, from.frame.end}
	}
	r.e.insert(at, w.nodes(v, v.Name, back, scale)...)
	return nil
}

// nodes returns a QuantizeLinear node that rounds from to codes, and a DequantizeLinear node that
// computes to from the codes.
func (w *activationWriter) nodes(v *Activation, from, to string, scale [2]string) []part {
	codes := w.r.fresh(v.Name + "_quantized")
	number := w.r.m.main.nodeField()
	return []part{
		newNode(number, "QuantizeLinear", w.r.fresh(v.Name+"_QuantizeLinear"), []string{from, scale[0], scale[1]}, codes),
		newNode(number, "DequantizeLinear", w.r.fresh(v.Name+"_DequantizeLinear"), []string{codes, scale[0], scale[1]}, to),
	}
}

// store plans the scale and zero point of v, which are those of v.Of.
func (w *activationWriter) store(v *Activation) ([2]string, error) {
	if names, ok := w.stores[v.Of]; ok {
		return names, nil
	}
	p, ok := w.params[v.Of]
	kind, known := codeTypes[p.DType]
	if !ok || !known {
		return [2]string{}, fmt.Errorf("tensor %s: no scale", quote(v.Of))
	}
	w.r.version = max(w.r.version, kind.version)
	names := [2]string{w.r.fresh(v.Of + "_scale"), w.r.fresh(v.Of + "_zero_point")}
	w.stores[v.Of] = names
	zero := binary.LittleEndian.AppendUint32(nil, uint32(p.Zero))[:elemTypes[kind.elem].bits/8]
	scale := binary.LittleEndian.AppendUint32(nil, math.Float32bits(p.Scale))
	w.r.e.insert(w.r.m.main.position(),
		literal(appendBytes(nil, 5, smallTensor(names[0], elemFloat, nil, scale))),
		literal(appendBytes(nil, 5, smallTensor(names[1], kind.elem, nil, zero))))
	return names, nil
}

// QuantizeBias plans that the bias of x becomes int32 codes. The scales are the scale of the
// input times those of the weight: one for all codes, or one for each code.
func (r *Rewriter) QuantizeBias(x *ActivationNode, codes []int32, scales []float32) {
	g, n, t := r.m.main, x.node, x.Bias()
	name := t.value
	values, _ := binary.Append(nil, binary.LittleEndian, codes)
	factors, _ := binary.Append(nil, binary.LittleEndian, scales)
	var shape []int
	var attributes [][]byte
	if len(scales) > 1 {
		shape, attributes = []int{len(scales)}, append(attributes, intAttribute("axis", 0))
	}
	quantized, scale, back := r.fresh(name+"_quantized"), r.fresh(name+"_scale"), r.fresh(name+"_dequantized")
	zero := r.fresh(name + "_zero_point")
	r.e.insert(g.position(),
		literal(appendBytes(nil, 5, smallTensor(quantized, elemI32, []int{len(codes)}, values))),
		literal(appendBytes(nil, 5, smallTensor(scale, elemFloat, shape, factors))),
		literal(appendBytes(nil, 5, smallTensor(zero, elemI32, shape, make([]byte, 4*len(scales))))))
	r.e.insert(position{n.frame.parent, n.frame.start},
		newNode(g.nodeField(), "DequantizeLinear", r.fresh(name+"_DequantizeLinear"), []string{quantized, scale, zero}, back, attributes...))
	r.renaming(n).inputs[2] = back
	if t.graph == g {
		r.free(t)
	}
}
