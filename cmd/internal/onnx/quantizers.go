package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// A Quantizer is a QuantizeLinear node that makes codes of what the model computes or
// takes as an input: of an activation.
type Quantizer struct {
	Name  string    // of the activation in the model that was quantized, as far as names tell
	Made  string    // the operator that computes it; "" for an input
	DType string    // of the codes, such as U8; "" if the model does not tell
	Scale []float32 // one for the tensor, or for each index of Axis or block of it
	Zero  []int32   // as many
	Axis  int       // NoAxis for one scale
	Block int       // elements in a block; 0 for a scale of each index
	Note  string    // why there is no scale; "" if there is one
}

// Quantizers lists the activations that QuantizeLinear nodes make codes of, in the order
// of the nodes. Activations in functions that no node calls are left out.
func (m *Model) Quantizers() []Quantizer {
	var all []Quantizer
	for _, g := range m.graphs {
		for _, n := range g.nodes {
			if n.op == "QuantizeLinear" && n.isQDQ() && len(n.inputs) > 1 && len(n.outputs) > 0 && n.constant(0) == nil && g.root().live() {
				all = append(all, m.quantizer(n))
			}
		}
	}
	return all
}

// quantizer describes one of them.
func (m *Model) quantizer(n *node) Quantizer {
	q := Quantizer{Name: n.activation(), Axis: NoAxis}
	if path := n.graph.path(); path != "" {
		q.Name = path + "/" + q.Name
	}
	if _, d := n.graph.lookup(n.inputs[0]); d.node != nil {
		q.Made = printable(d.node.op)
	}
	zeros := n.constant(2)
	q.DType = n.codesType(zeros)
	scales := n.constant(1)
	if scales == nil || zeros == nil && n.has(2) {
		q.Note = "its scale or zero point is computed"
		return q
	}
	var err error
	if q.Scale, err = scales.shortFloats(); err == nil {
		q.Zero, err = zeroPoints(zeros, len(q.Scale))
	}
	if err != nil {
		q.Scale, q.Zero, q.Note = nil, nil, err.Error()
		return q
	}
	if len(scales.Shape) > 0 && (len(q.Scale) > 1 || n.int("block_size", 0) > 0) {
		q.Axis, q.Block = int(n.int("axis", 1)), int(n.int("block_size", 0))
	}
	return q
}

// activation is the name that what goes in had before the model was quantized. Tools
// name the codes after it, and may call what goes in and what comes back otherwise.
func (n *node) activation() string {
	for _, suffix := range []string{"_quantized", "_QuantizeLinear_Output"} {
		if name, ok := strings.CutSuffix(n.outputs[0], suffix); ok && name != "" {
			return name
		}
	}
	return n.inputs[0]
}

// codesType returns the type of the codes that a QuantizeLinear makes.
func (n *node) codesType(zeros *Tensor) string {
	if zeros != nil {
		return zeros.DType
	}
	if elem := n.int("output_dtype", 0); elem != 0 {
		return elemTypes[elemType(elem)].name
	}
	if n.has(2) {
		return ""
	}
	return "U8"
}

// maxScales is how many scales and zero points of a node are read.
const maxScales = 1 << 16

// shortFloats reads a list of scales.
func (t *Tensor) shortFloats() ([]float32, error) {
	if t.n > maxScales || t.n == 0 {
		return nil, fmt.Errorf("%d scales", t.n)
	}
	if v := t.float32s(); v != nil {
		return v, nil
	}
	return nil, fmt.Errorf("its scale of type %s is not read", t.DType)
}

// zeroPoints reads n zero points of 8, 16 or 32 bits, which are 0 if there are none.
func zeroPoints(t *Tensor, n int) ([]int32, error) {
	zeros := make([]int32, n)
	if t == nil {
		return zeros, nil
	}
	if t.n != n {
		return nil, fmt.Errorf("%d zero points for %d scales", t.n, n)
	}
	data, err := t.Data()
	if err != nil {
		return nil, err
	}
	b := make([]byte, t.Bytes)
	if _, err := io.ReadFull(io.NewSectionReader(data, 0, t.Bytes), b); err != nil {
		return nil, err
	}
	for i := range zeros {
		switch t.DType {
		case "U8":
			zeros[i] = int32(b[i])
		case "I8":
			zeros[i] = int32(int8(b[i]))
		case "U16":
			zeros[i] = int32(binary.LittleEndian.Uint16(b[2*i:]))
		case "I16":
			zeros[i] = int32(int16(binary.LittleEndian.Uint16(b[2*i:])))
		case "I32":
			zeros[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
		default:
			return nil, fmt.Errorf("its zero point of type %s is not read", t.DType)
		}
	}
	return zeros, nil
}
