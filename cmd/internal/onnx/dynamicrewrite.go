package onnx

import (
	"fmt"
	"io"
)

// This file plans the nodes of dynamic quantization.

// DynamicCodes are the codes of a DynamicWeight. Their shapes are those of the weight's methods.
type DynamicCodes struct {
	Weight   *DynamicWeight
	DType    string // I8 or U8
	Channels bool   // each channel has a scale
	Codes    Payload
	Scales   Payload
	Zeros    Payload
}

// versionDynamic is the version that introduced DynamicQuantizeLinear.
const versionDynamic = 11

// A DynamicWriter plans the nodes of dynamic quantization.
type DynamicWriter struct {
	r      *Rewriter
	codes  map[*DynamicCodes]codeNames
	inputs map[inputKey]codeNames // activations that a DynamicQuantizeLinear quantizes
}

// codeNames are the names of codes, scales and zero points.
type codeNames struct{ codes, scale, zero string }

type inputKey struct {
	graph *graph
	name  string
}

// Dynamic returns a writer for the nodes of dynamic quantization.
func (r *Rewriter) Dynamic() *DynamicWriter {
	r.version, r.ir = max(r.version, versionDynamic), max(r.ir, irInitializers)
	return &DynamicWriter{r: r, codes: map[*DynamicCodes]codeNames{}, inputs: map[inputKey]codeNames{}}
}

// Activations returns the number of values that are quantized while the model runs, without those
// that an operator quantizes itself.
func (w *DynamicWriter) Activations() int { return len(w.inputs) }

// Quantize plans that x takes codes of its weights. Nodes must come in the order of
// Model.DynamicNodes. A product becomes these nodes:
//
//	x_quantized, x_scale, x_zero_point = DynamicQuantizeLinear(x)
//	sums = MatMulInteger(x_quantized, weight_quantized, x_zero_point, weight_zero_point)
//	y    = Cast(sums) · (x_scale · weight_scale) + bias
//
// The bias is added in floating point. All products of a graph that take one value share its
// DynamicQuantizeLinear.
func (w *DynamicWriter) Quantize(x *DynamicNode, codes ...*DynamicCodes) error {
	n := x.node
	var names []codeNames
	for _, c := range codes {
		names = append(names, w.weight(c))
	}
	var parts []part
	var err error
	switch n.op {
	case "LSTM":
		parts, err = w.lstm(n, names[0], names[1])
	case "Gather":
		parts, err = w.lookup(n, names[0])
	default:
		parts, err = w.product(n, names[0])
	}
	if err != nil {
		return err
	}
	w.r.e.replace(n.frame.parent, n.frame.start, n.frame.end, parts...)
	w.r.dropped[n] = true
	for _, weight := range x.Weights {
		w.r.free(weight.Tensor)
	}
	return nil
}

// weight plans the tensors of c, and returns their names.
func (w *DynamicWriter) weight(c *DynamicCodes) codeNames {
	if names, ok := w.codes[c]; ok {
		return names
	}
	t, r := c.Weight.Tensor, w.r
	kind := codeTypes[c.DType].elem
	scales, zeros := c.Weight.ParamShapes(c.Channels)
	stores := []*store{
		r.store(t.graph, r.fresh(t.value+"_quantized"), kind, c.Weight.CodesShape(), c.Codes, t.isExternal),
		r.store(t.graph, r.fresh(t.value+"_scale"), elemFloat, scales, c.Scales, t.isExternal),
		r.store(t.graph, r.fresh(t.value+"_zero_point"), kind, zeros, c.Zeros, t.isExternal),
	}
	r.e.insert(t.graph.position(), stores[0], stores[1], stores[2])
	names := codeNames{stores[0].name, stores[1].name, stores[2].name}
	w.codes[c] = names
	return names
}

// input returns the names of the codes of a value, with the node that makes them if there is none
// yet.
func (w *DynamicWriter) input(g *graph, name string) (codeNames, []part) {
	key := inputKey{g, name}
	if names, ok := w.inputs[key]; ok {
		return names, nil
	}
	r := w.r
	names := codeNames{r.fresh(name + "_quantized"), r.fresh(name + "_scale"), r.fresh(name + "_zero_point")}
	w.inputs[key] = names
	b := appendString(nil, 1, name)
	for _, out := range []string{names.codes, names.scale, names.zero} {
		b = appendString(b, 2, out)
	}
	b = appendString(appendString(b, 3, r.fresh(name+"_DynamicQuantizeLinear")), 4, "DynamicQuantizeLinear")
	return names, []part{literal(appendBytes(nil, g.nodeField(), b))}
}

// product returns the nodes that replace a Conv, MatMul or Gemm.
func (w *DynamicWriter) product(n *node, weight codeNames) ([]part, error) {
	r, number, out := w.r, n.graph.nodeField(), n.outputs[0]
	in, parts := w.input(n.graph, n.inputs[0])
	sums, floats, scale, last := r.fresh(out+"_sums"), r.fresh(out+"_float"), r.fresh(out+"_scale"), out
	inputs := []string{in.codes, weight.codes, in.zero, weight.zero}
	if n.has(2) {
		last = r.fresh(out + "_scaled")
	}
	if n.op == "Conv" {
		body, err := r.m.read(&n.frame)
		if err != nil {
			return nil, err
		}
		same := &conversion{m: r.m, node: n, op: "ConvInteger"}
		parts = append(parts, literal(appendBytes(nil, number, same.rewrite(body, inputs, []string{sums}))))
	} else {
		parts = append(parts, newNode(number, "MatMulInteger", n.name, inputs, sums))
	}
	parts = append(parts,
		newNode(number, "Cast", r.fresh(out+"_Cast"), []string{sums}, floats, intAttribute("to", int64(elemFloat))),
		newNode(number, "Mul", r.fresh(out+"_scales_Mul"), []string{in.scale, weight.scale}, scale),
		newNode(number, "Mul", r.fresh(out+"_Mul"), []string{floats, scale}, last))
	if !n.has(2) {
		return parts, nil
	}
	bias := n.inputs[2]
	if n.op == "Conv" {
		var more []part
		bias, more = w.bias(n)
		parts = append(parts, more...)
	}
	return append(parts, newNode(number, "Add", r.fresh(out+"_Add"), []string{last, bias}, out)), nil
}

// bias returns the name of the bias of a Conv with axes of length 1 behind its channels, and the
// nodes that make it. Runtimes compute the nodes once, if the bias is a constant.
func (w *DynamicWriter) bias(n *node) (string, []part) {
	name, number := n.inputs[2], n.graph.nodeField()
	dims := []int64{-1}
	for range n.constant(1).Shape[2:] {
		dims = append(dims, 1)
	}
	shape, made := w.r.fresh(name+"_shape"), w.r.fresh(name+"_reshaped")
	return made, []part{
		newNode(number, "Constant", "", nil, shape, tensorAttribute("value", intsTensor(dims))),
		newNode(number, "Reshape", w.r.fresh(name+"_Reshape"), []string{name, shape}, made),
	}
}

// lookup returns the nodes that replace a Gather: one that looks up codes, and a
// DequantizeLinear.
func (w *DynamicWriter) lookup(n *node, weight codeNames) ([]part, error) {
	r, number, out := w.r, n.graph.nodeField(), n.outputs[0]
	body, err := r.m.read(&n.frame)
	if err != nil {
		return nil, err
	}
	codes := r.fresh(out + "_quantized")
	same := &conversion{m: r.m, node: n}
	return []part{
		literal(appendBytes(nil, number, same.rewrite(body, append([]string{weight.codes}, n.inputs[1:]...), []string{codes}))),
		newNode(number, "DequantizeLinear", r.fresh(out+"_DequantizeLinear"), []string{codes, weight.scale, weight.zero}, out),
	}, nil
}

// lstm returns the DynamicQuantizeLSTM that replaces an LSTM.
func (w *DynamicWriter) lstm(n *node, weight, recurrent codeNames) ([]part, error) {
	body, err := w.r.m.read(&n.frame)
	if err != nil {
		return nil, err
	}
	inputs := make([]string, 8, 12)
	copy(inputs, n.inputs)
	inputs[1], inputs[2] = weight.codes, recurrent.codes
	inputs = append(inputs, weight.scale, weight.zero, recurrent.scale, recurrent.zero)
	same := &conversion{m: w.r.m, node: n, op: "DynamicQuantizeLSTM", dropped: []string{"layout"}}
	w.r.importMicrosoft()
	return []part{literal(appendBytes(nil, n.graph.nodeField(), appendString(same.rewrite(body, inputs, nil), 7, microsoft)))}, nil
}

// importMicrosoft plans that the model imports ONNX Runtime's own operators, unless it does
// already.
func (r *Rewriter) importMicrosoft() {
	for _, i := range r.m.imports {
		if i.Domain == microsoft {
			return
		}
	}
	if !r.imported {
		r.imported = true
		set := appendInt(appendString(nil, 1, microsoft), 2, 1)
		r.e.insert(position{&r.m.root, r.m.root.end}, literal(appendBytes(nil, 8, set)))
	}
}

// TransposedBytes writes the bytes of a matrix with its axes exchanged, for each of several
// matrices one after the other.
func TransposedBytes(w io.Writer, data []byte, rows, columns int) error {
	if rows <= 0 || columns <= 0 || len(data)%(rows*columns) != 0 {
		return fmt.Errorf("%d codes are no matrices of %d×%d", len(data), rows, columns)
	}
	out := make([]byte, rows*columns)
	for ; len(data) > 0; data = data[rows*columns:] {
		for i := range rows {
			for k, c := range data[i*columns : (i+1)*columns] {
				out[k*rows+i] = c
			}
		}
		if _, err := w.Write(out); err != nil {
			return err
		}
	}
	return nil
}
