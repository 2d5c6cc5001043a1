package onnx

import (
	"encoding/binary"
	"math"
)

// This file converts Upsample, and Resize of version 10, to Resize of version 11 and later.

// renamed changes the operator of a node.
func renamed(op string) func(*conversion) error {
	return func(c *conversion) error {
		c.op = op
		return nil
	}
}

// scalesToInput turns the scales of an Upsample into an input. It fails if the attribute is
// missing.
func scalesToInput(c *conversion) error {
	if c.node.attr("scales") == nil {
		return errNoWay
	}
	return attributesToInputs("scales")(c)
}

// resizeOf10 makes a Resize of version 11 compute the same as an Upsample or a Resize of version
// 10. There, index i of the output comes from index i/scale of the input. The nearest mode rounds
// down for Upsample and for scales of at least 1. For scales below 1 ONNX Runtime rounds up.
func resizeOf10(c *conversion) error {
	mode := "nearest"
	if a := c.node.attr("mode"); a != nil {
		mode = a.s
	}
	add := func(name, value string) { c.added = append(c.added, stringAttribute(name, value)) }
	switch mode {
	case "linear":
	case "nearest":
		nearest, err := c.nearest()
		if err != nil {
			return err
		}
		add("nearest_mode", nearest)
	default:
		return errNoWay
	}
	if _, converted := c.inputs[1]; !converted && (len(c.node.inputs) != 2 || c.node.inputs[1] == "") {
		return errNoWay
	}
	add("coordinate_transformation_mode", "asymmetric")
	c.roi = true
	return nil
}

// nearest returns the rounding mode. It fails if the scales need two modes or are unknown.
func (c *conversion) nearest() (string, error) {
	if c.node.op == "Upsample" {
		return "floor", nil // its scales are at least 1
	}
	if len(c.node.inputs) < 2 {
		return "", errNoWay
	}
	scales := c.m.constantFloats(c.node.graph, c.node.inputs[1])
	below, above := false, false
	for _, s := range scales {
		below, above = below || s < 1, above || s > 1
	}
	switch {
	case len(scales) == 0 || below && above:
		return "", errNoWay
	case below:
		return "ceil", nil
	}
	return "floor", nil
}

// constantFloats returns the values of a constant that is a short list of float32, or nil.
func (m *Model) constantFloats(g *graph, name string) []float32 {
	_, d := g.lookup(name)
	t := d.tensor
	if t == nil || t.DType != "F32" || !t.Floating || t.n > maxInts || len(t.Shape) > 1 {
		return nil
	}
	r, err := t.Data()
	if err != nil {
		return nil
	}
	b := make([]byte, t.Bytes)
	if n, _ := r.ReadAt(b, 0); n < len(b) {
		return nil
	}
	v := make([]float32, t.n)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return v
}
