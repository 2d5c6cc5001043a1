package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// replaceNode plans to replace a node that takes codes by the replacement, which takes the values
// named weight. names has the names of the values of other weights.
func (r *Rewriter) replaceNode(c nodeChange, weight string, names map[*Dequantizer]string) error {
	n, at := c.node, c.at
	number := n.graph.nodeField()
	var parts []part
	if len(at.outputs) == 0 {
		return nil
	}
	result := at.outputs[0]
	made := result
	if c.add != "" || c.outScale != "" {
		made = r.fresh(result + "_float")
	}
	inputs := slices.Clone(c.inputs)
	for i, name := range inputs {
		switch name {
		case weightInput:
			inputs[i] = weight
		case secondInput:
			inputs[i] = names[c.second]
		case dequantizedInput:
			inputs[i] = c.source
			if c.codes != nil {
				inputs[i] = r.fresh(*c.codes + "_dequantized")
				from := []string{*c.codes, c.scale}
				if c.zero != "" {
					from = append(from, c.zero)
				}
				parts = append(parts, newNode(number, "DequantizeLinear", "", from, inputs[i]))
			}
		case biasInput:
			inputs[i] = r.fresh(n.inputs[8] + "_float")
			b, _ := binary.Append(nil, binary.LittleEndian, c.bias)
			s := r.store(n.graph, inputs[i], elemFloat, []int{len(c.bias)}, Payload{int64(len(b)), literal(b).write}, false)
			if n.graph.fn != nil {
				parts = append(parts, s)
			} else {
				r.e.insert(n.graph.position(), s)
			}
		}
	}
	if c.attributes {
		body, err := r.m.read(&n.frame)
		if err != nil {
			return err
		}
		same := &conversion{m: r.m, node: n, op: c.op}
		if c.second != nil { // it has several outputs, and another domain
			parts = append(parts, literal(appendBytes(nil, number, appendString(same.rewrite(body, inputs, nil), 7, ""))))
		} else {
			parts = append(parts, literal(appendBytes(nil, number, same.rewrite(body, inputs, []string{made}))))
		}
	} else {
		parts = append(parts, newNode(number, c.op, n.name, inputs, made, c.extra...))
	}
	if c.add != "" {
		parts = append(parts, newNode(number, "Add", "", []string{made, c.add}, result))
	}
	if c.outScale != "" {
		parts = append(parts, newNode(number, "QuantizeLinear", "", []string{made, c.outScale, c.outZero}, result))
	}
	r.e.replace(at.frame.parent, at.frame.start, at.frame.end, parts...)
	return nil
}

// int32s reads a short list of type I32.
func (t *Tensor) int32s() ([]int32, error) {
	const most = 1 << 20
	if t.n > most {
		return nil, fmt.Errorf("%d values are more than %d", t.n, most)
	}
	r, err := t.Data()
	if err != nil {
		return nil, err
	}
	v := make([]int32, t.n)
	err = binary.Read(io.NewSectionReader(r, 0, t.Bytes), binary.LittleEndian, v)
	return v, err
}

// float32s reads a short list of type F32. It returns nil for other tensors.
func (t *Tensor) float32s() []float32 {
	const most = 1 << 20
	if t.DType != "F32" || t.n > most {
		return nil
	}
	r, err := t.Data()
	if err != nil {
		return nil
	}
	v := make([]float32, t.n)
	if err := binary.Read(io.NewSectionReader(r, 0, t.Bytes), binary.LittleEndian, v); err != nil {
		return nil
	}
	if slices.ContainsFunc(v, func(x float32) bool { return math.IsNaN(float64(x)) }) {
		return nil
	}
	return v
}
