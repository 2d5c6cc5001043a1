package onnx

import (
	"errors"
	"fmt"
)

// errScale is the error for codes of a MatMulInteger or ConvInteger whose result is scaled in an
// unknown way.
var errScale = errors.New("what its operator makes is not scaled by one number for the input and one constant for the weight")

// integerChain reads a MatMulInteger or ConvInteger and the nodes after it, which scale its sums:
// a Cast to float, and products with the scales of the input and of the weight in any order.
func integerChain(_ *Model, n *node, q *Dequantizer) (*replacement, error) {
	c := chain{node: n}
	if err := c.follow(); err != nil {
		return nil, err
	}
	q.Scales = c.weight
	if q.Scales.DType != "F32" {
		return nil, fmt.Errorf("its scales are %s, not F32", q.Scales.DType)
	}
	if n.has(3) {
		if q.Zeros = n.constant(3); q.Zeros == nil || q.Zeros.DType != q.Codes.DType {
			return nil, fmt.Errorf("%s of its %s is no constant zero point", quote(n.inputs[3]), n.op)
		}
	}
	r := &replacement{at: c.last, op: "MatMul", inputs: []string{dequantizedInput, weightInput}, removed: c.removed}
	channels, behind := -1, 0
	if n.op == "ConvInteger" {
		r.op, r.attributes, channels, behind = "Conv", true, 0, len(q.Codes.Shape)-2
	}
	if err := q.channels(channels); err != nil {
		return nil, err
	}
	// The scales of channels must be on the axis of the channels where they multiply the sums.
	if s := q.Scales.Shape; q.Scales.n > 1 && (len(s) <= behind || s[len(s)-1-behind] != q.Scales.n || len(q.Codes.Shape) < 2) {
		return nil, fmt.Errorf("scales of shape %v do not go with codes of shape %v", s, q.Codes.Shape)
	}
	zero := ""
	if n.has(2) {
		zero = n.inputs[2]
	}
	return r, r.operand(n, c.input, zero)
}

// A chain is a MatMulInteger or ConvInteger with the nodes after it.
type chain struct {
	node    *node
	removed []*node // the nodes of the chain except the last
	last    *node
	input   string  // the scale of the input
	weight  *Tensor // the scales of the weight
	factors int
}

// follow walks from the node to the product that has both scales.
func (c *chain) follow() error {
	c.removed = []*node{c.node}
	next, err := c.only(c.node.outputs[0])
	if err != nil {
		return err
	}
	if !next.is("Cast") || next.int("to", 0) != int64(elemFloat) || len(next.outputs) != 1 {
		return errScale
	}
	for c.last = next; c.input == "" || c.weight == nil; {
		c.removed = append(c.removed, c.last)
		from := c.last.outputs[0]
		if next, err = c.only(from); err != nil {
			return err
		}
		if !next.is("Mul") || len(next.inputs) != 2 || len(next.outputs) != 1 || next.inputs[0] == next.inputs[1] {
			return errScale
		}
		other := next.inputs[0]
		if other == from {
			other = next.inputs[1]
		}
		if err := c.factor(next.graph, other, 4); err != nil {
			return err
		}
		c.last = next
	}
	return nil
}

// only returns the one node that uses a value.
func (c *chain) only(name string) (*node, error) {
	uses := c.node.graph.uses[name]
	if len(uses) != 1 || uses[0].node == nil || uses[0].node.graph != c.node.graph {
		return nil, fmt.Errorf("what its %s makes is used in several ways", c.node.op)
	}
	return uses[0].node, nil
}

// factor splits a factor into the scale of the input and that of the weight.
func (c *chain) factor(g *graph, name string, depth int) error {
	at, d := g.lookup(name)
	if c.factors++; c.factors > 8 || at == nil {
		return errScale
	}
	switch {
	case d.tensor == nil && d.node != nil && d.node.is("Mul") && len(d.node.inputs) == 2 && depth > 0:
		if err := c.factor(at, d.node.inputs[0], depth-1); err != nil {
			return err
		}
		return c.factor(at, d.node.inputs[1], depth-1)
	case d.tensor == nil || name == c.static():
		if c.input != "" {
			return errScale
		}
		c.input = name
	case c.weight != nil:
		return errScale
	default:
		c.weight = d.tensor
	}
	return nil
}

// static returns the name of the scale if a QuantizeLinear makes the input, or "".
func (c *chain) static() string {
	_, d := c.node.graph.lookup(c.node.inputs[0])
	if from := d.node; from != nil && from.isQDQ() && from.op == "QuantizeLinear" && from.has(1) {
		return from.inputs[1]
	}
	return ""
}
