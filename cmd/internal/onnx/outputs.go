package onnx

import (
	"errors"
	"fmt"
	"slices"
)

// This file adds outputs to a model, so that any runtime returns values inside the model.

// AddOutputs plans that float32 values of the main graph become outputs of the model, after its
// own outputs. The new outputs have no shape, because a shape in the model may hold for some
// inputs only. It returns an error for a value that is an input or output already, or that two
// nodes define.
func (r *Rewriter) AddOutputs(values []string) error {
	g := r.m.main
	at := g.outputsEnd()
	for _, name := range values {
		d, ok := g.defs[name]
		switch {
		case !ok || name == "":
			return fmt.Errorf("value %s: the main graph computes none of that name", quote(name))
		case d.input || d.tensor != nil:
			return fmt.Errorf("value %s: no node computes it", quote(name))
		case g.defined[name] > 1:
			return fmt.Errorf("value %s: %w", quote(name), errors.New("two nodes compute it"))
		case g.isOutput(name):
			return fmt.Errorf("value %s: it is an output already", quote(name))
		}
		r.e.insert(at, literal(appendBytes(nil, outputField, floatValue(name))))
	}
	return nil
}

// outputField is the field number of outputs in a GraphProto.
const outputField = 12

// floatValue returns the ValueInfoProto of a float32 tensor of any shape.
func floatValue(name string) []byte {
	tensor := appendInt(nil, 1, int64(elemFloat))
	return appendBytes(appendString(nil, 1, name), 2, appendBytes(nil, 1, tensor))
}

// outputsEnd returns the place for a new output of g.
func (g *graph) outputsEnd() position {
	if n := len(g.outputs); n > 0 {
		f := &g.outputs[n-1].frame
		return position{f.parent, f.end}
	}
	f := g.frames[0]
	return position{f, f.end}
}

// isOutput reports whether a value is an output of g.
func (g *graph) isOutput(name string) bool {
	return slices.ContainsFunc(g.outputs, func(o named) bool { return o.name == name })
}
