package onnx

import (
	"errors"
	"fmt"
	"slices"
)

// This file folds BatchNormalization nodes into the products before them.

// A Fold is a BatchNormalization whose input is computed by a Conv, ConvTranspose or Gemm and used
// by no other node. The product with another weight and bias computes the same:
//
//	factor = scale / sqrt(variance + epsilon)
//	weight = weight · factor
//	bias   = (bias - mean) · factor + shift
type Fold struct {
	Name, Into, Op string // the node, the product before it, and the product's operator

	Weight, Bias                 *Tensor // of the product; Bias may be nil
	Scale, Shift, Mean, Variance *Tensor // of the BatchNormalization
	Epsilon                      float32

	node, product *node
}

// Channels returns the number of output channels.
func (f *Fold) Channels() int { return f.Scale.n }

// Channel returns a function that maps an index in the weight to its output channel.
func (f *Fold) Channel() func(i int) int {
	s := f.Weight.Shape
	switch {
	case f.Op == "ConvTranspose":
		groups := int(f.product.int("group", 1))
		inner := 1
		for _, d := range s[2:] {
			inner *= d
		}
		return func(i int) int { return i/(inner*s[1])/(s[0]/groups)*s[1] + i/inner%s[1] }
	case f.Op == "Gemm" && f.product.int("transB", 0) == 0:
		return func(i int) int { return i % s[1] }
	}
	inner := f.Weight.n / s[0]
	return func(i int) int { return i / inner }
}

// Folds returns the BatchNormalization nodes of the main graph that can be folded, in order.
func (m *Model) Folds() []*Fold {
	var all []*Fold
	for _, n := range m.main.nodes {
		if n.is("BatchNormalization") && m.function(n) == nil {
			if f := m.fold(n); f != nil {
				all = append(all, f)
			}
		}
	}
	return all
}

// fold returns the Fold of n, or nil.
func (m *Model) fold(n *node) *Fold {
	g := n.graph
	if len(n.inputs) != 5 || len(n.outputs) == 0 || n.outputs[0] == "" || slices.ContainsFunc(n.outputs[1:], func(s string) bool { return s != "" }) ||
		n.int("training_mode", 0) != 0 || n.int("spatial", 1) != 1 || n.int("is_test", 1) != 1 || n.refers() || g.defined[n.inputs[0]] != 1 {
		return nil
	}
	p := g.defs[n.inputs[0]].node
	if p == nil || len(g.uses[n.inputs[0]]) != 1 || len(p.outputs) != 1 || p.domain != "" || m.function(p) != nil || len(p.inputs) < 2 {
		return nil
	}
	f := &Fold{Name: n.label(), Into: p.label(), Op: p.op, Weight: p.constant(1), Epsilon: 1e-5, node: n, product: p}
	if a := n.attr("epsilon"); a != nil {
		f.Epsilon = a.f
	}
	channels := -1
	switch w := f.Weight; {
	case w == nil || w.DType != "F32" || !w.Floating || w.Replaceable() != nil:
		return nil
	case p.op == "Conv" && len(w.Shape) > 2:
		channels = w.Shape[0]
	case p.op == "ConvTranspose" && len(w.Shape) > 2:
		groups := p.int("group", 1)
		if groups < 1 || groups > int64(w.Shape[0]) || w.Shape[0]%int(groups) != 0 {
			return nil
		}
		channels = w.Shape[1] * int(groups)
	case p.op == "Gemm" && len(w.Shape) == 2:
		if x := (DynamicNode{Op: p.op, node: p}); x.gemm() != "" {
			return nil
		}
		channels = w.Shape[1-int(min(p.int("transB", 0), 1))]
	default:
		return nil
	}
	list := func(t *Tensor) bool {
		return t != nil && t.DType == "F32" && t.Floating && len(t.Shape) == 1 && t.n == channels && t.n > 0 && t.n <= maxScales
	}
	if p.has(2) {
		if f.Bias = p.constant(2); !list(f.Bias) {
			return nil
		}
	}
	for i, at := range []**Tensor{&f.Scale, &f.Shift, &f.Mean, &f.Variance} {
		if *at = n.constant(1 + i); !list(*at) {
			return nil
		}
	}
	return f
}

// Fold plans to fold a BatchNormalization. The new weight and bias have names of their own, since
// their values are others.
func (r *Rewriter) Fold(f *Fold, weight, bias Payload) error {
	n, p, g := f.node, f.product, f.node.graph
	if g != r.m.main {
		return errors.New("only nodes of the main graph are folded")
	}
	w := r.store(g, r.fresh(f.Weight.value+"_folded"), elemFloat, f.Weight.Shape, weight, f.Weight.isExternal)
	b := r.store(g, r.fresh(f.Weight.value+"_bias"), elemFloat, []int{f.Channels()}, bias, f.Weight.isExternal)
	r.e.insert(g.position(), w, b)
	body, err := r.m.read(&p.frame)
	if err != nil {
		return fmt.Errorf("node %s: %w", quote(f.Into), err)
	}
	same := &conversion{m: r.m, node: p}
	r.e.replace(p.frame.parent, p.frame.start, p.frame.end,
		literal(appendBytes(nil, g.nodeField(), same.rewrite(body, []string{p.inputs[0], w.name, b.name}, []string{n.outputs[0]}))))
	r.e.remove(&n.frame)
	r.dropped[n], r.dropped[p] = true, true
	for _, t := range []*Tensor{f.Weight, f.Bias, f.Scale, f.Shift, f.Mean, f.Variance} {
		if t != nil {
			r.free(t)
		}
	}
	r.ir = max(r.ir, irInitializers)
	return nil
}
