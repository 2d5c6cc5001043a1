package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// A Quantizer is a QuantizeLinear node that quantizes an activation: a value that the model
// computes or takes as input.
type Quantizer struct {
	Name  string    // of the activation before quantization, as far as the names tell
	Made  string    // the operator that computes it; "" for an input
	DType string    // type of the codes, such as U8; "" if the model does not tell
	Scale []float32 // one for the tensor, or one for each index or block of Axis
	Zero  []int32   // one for each scale
	Axis  int       // axis of the scales; NoAxis for one scale
	Block int       // elements in a block; 0 if each index has a scale
	Note  string    // why there is no scale; "" if there is one
}

// Quantizers lists the activations that QuantizeLinear nodes quantize, in the order of the nodes.
// It skips functions that no node calls.
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

// quantizer describes the QuantizeLinear node n.
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

// activation returns the name that the input of n had before quantization. Tools derive the name
// of the codes from it, and may rename the input itself.
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

// maxScales is the maximal number of scales and zero points to read from a node.
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

// zeroPoints reads n zero points of 8, 16 or 32 bits. All are 0 if t is nil.
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
