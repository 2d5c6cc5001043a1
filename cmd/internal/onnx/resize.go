package onnx

import (
	"encoding/binary"
	"math"
)

// This file raises Upsample and the Resize of version 10 to the Resize of
// version 11 and later.

// renamed gives a node the operator's later name.
func renamed(op string) func(*conversion) error {
	return func(c *conversion) error {
		c.op = op
		return nil
	}
}

// scalesToInput makes the scales of an Upsample, which it has to have, an input.
func scalesToInput(c *conversion) error {
	if c.node.attr("scales") == nil {
		return errNoWay
	}
	return attributesToInputs("scales")(c)
}

// resizeOf10 makes a Resize of version 11 compute what an Upsample or a Resize of
// version 10 does: place i of the output comes from place i/scale of the input.
// Where that is no whole number, the nearest place of Upsample and of scales from
// 1 up is the one below. ONNX Runtime takes the one above for scales below 1.
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

// nearest returns the mode of rounding, or an error if the scales want two modes
// or are not known.
func (c *conversion) nearest() (string, error) {
	if c.node.op == "Upsample" {
		return "floor", nil // its scales are 1 and more
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

// constantFloats returns the value of a name that is a short list of float32, or
// nil.
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
