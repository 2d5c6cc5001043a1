package onnx

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Dequantizers returns the quantized weights of the model. For codes that it cannot reconstruct,
// others has the reason, by the name of the codes.
func (m *Model) Dequantizers() (found []*Dequantizer, others map[string]string) {
	f := finder{m: m, others: map[string]string{}, same: map[weightKey]*Dequantizer{}, taken: map[*node]bool{}}
	for _, g := range m.graphs {
		for _, n := range g.nodes {
			f.node(n)
		}
	}
	seen := map[string]int{}
	for _, q := range f.found {
		seen[q.Name]++
	}
	for _, q := range f.found {
		if q.node == nil {
			continue
		}
		if path := q.node.graph.path(); seen[q.Name] > 1 && path != "" {
			q.Name = path + "/" + q.Name
		}
	}
	return f.found, f.others
}

// A finder collects quantized weights.
type finder struct {
	m      *Model
	found  []*Dequantizer
	others map[string]string
	same   map[weightKey]*Dequantizer
	taken  map[*node]bool // nodes that a replacement removes
}

// weightKey has all that determines the values of a weight.
type weightKey struct {
	codes, scales, zeros, groups *Tensor
	op                           string
}

// node looks at a node for constant codes.
func (f *finder) node(n *node) {
	if n.op == "DequantizeLinear" && n.isQDQ() {
		f.dequantizeLinear(n)
		return
	}
	if n.op == "DynamicQuantizeLSTM" && n.domain == microsoft {
		f.lstm(n)
		return
	}
	read, ok := codeReaders[n.qualified()]
	if !ok || len(n.outputs) == 0 {
		return
	}
	index := codeInputs[n.qualified()]
	if n.looksUpCodes() {
		index = []int{0}
	}
	if len(index) == 0 || index[len(index)-1] >= len(n.inputs) {
		return
	}
	codes := n.constant(index[len(index)-1])
	if codes == nil {
		return // the model computes the codes
	}
	q := &Dequantizer{Name: plainName(codes.Name), Use: n.op, Op: n.op, Codes: codes, Axis: NoAxis, Shape: codes.Shape}
	change, err := read(f.m, n, q)
	if err == nil {
		err = q.replaceable()
	}
	if err == nil {
		err = f.take(n, change)
	}
	if err != nil {
		f.others[codes.Name] = err.Error()
		return
	}
	key := weightKey{codes: codes, scales: q.Scales, zeros: q.Zeros, op: n.op}
	if q.Packed != nil {
		key.groups = q.Packed.Groups
	}
	if known := f.same[key]; known != nil && slices.Equal(known.Shape, q.Shape) {
		known.changes = append(known.changes, nodeChange{n, change})
		return
	}
	q.changes = []nodeChange{{n, change}}
	f.same[key] = q
	f.found = append(f.found, q)
}

// take records the nodes that a replacement of n removes. Two replacements must not share a node.
func (f *finder) take(n *node, r *replacement) error {
	all := append([]*node{n, r.at}, r.removed...)
	for _, x := range all {
		if f.taken[x] {
			return fmt.Errorf("what its %s makes is multiplied with what another one makes", n.op)
		}
	}
	for _, x := range all {
		f.taken[x] = true
	}
	return nil
}

// plainName returns the name of a weight, given the name that a tool gave its codes.
func plainName(codes string) string {
	for _, suffix := range []string{"_quantized", "_Q4", "_Q8", "_Q2", "_Bnb4", "_qweight", ".qweight"} {
		if name, ok := strings.CutSuffix(codes, suffix); ok && name != "" {
			return name
		}
	}
	return codes
}

// dequantizeLinear looks at a DequantizeLinear node.
func (f *finder) dequantizeLinear(n *node) {
	if len(n.inputs) < 2 || len(n.outputs) != 1 {
		return
	}
	codes := n.constant(0)
	if codes == nil {
		return // the model computes the codes
	}
	q, err := f.m.dequantizer(n, codes)
	if err != nil {
		f.others[codes.Name] = err.Error()
		return
	}
	f.found = append(f.found, q)
}

func (m *Model) dequantizer(n *node, codes *Tensor) (*Dequantizer, error) {
	q := &Dequantizer{Name: n.outputs[0], Use: codes.Use, Op: n.op, Codes: codes, Axis: NoAxis, Shape: codes.Shape, node: n}
	switch codes.DType {
	case "I4", "U4", "I8", "U8", "I16", "U16", "I32", "F8_E4M3", "F8_E4M3FNUZ", "F8_E5M2", "F8_E5M2FNUZ", "F4":
	default:
		return nil, fmt.Errorf("codes of type %s are not dequantized", codes.DType)
	}
	if err := q.take(n, 1, 2); err != nil {
		return nil, err
	}
	if q.Zeros != nil && q.Zeros.n != q.Scales.n {
		return nil, fmt.Errorf("%d zero points of type %s for %d scales and codes of type %s", q.Zeros.n, q.Zeros.DType, q.Scales.n, codes.DType)
	}
	if to := n.int("output_dtype", 0); to != 0 && to != int64(q.Scales.elem) {
		return nil, fmt.Errorf("its %s makes another type than that of its scales", n.op)
	}
	if err := q.replaceable(); err != nil {
		return nil, err
	}
	return q, q.layout()
}

// layout finds the axis and the block size of the scales.
func (q *Dequantizer) layout() error {
	shape, scales := q.Codes.Shape, q.Scales.Shape
	axis := q.node.int("axis", 1)
	if axis < 0 {
		axis += int64(len(shape))
	}
	block := q.node.int("block_size", 0)
	inside := axis >= 0 && axis < int64(len(shape))
	switch {
	case block == 0 && q.Scales.n == 1 && len(scales) <= 1:
		return nil
	case block == 0 && len(scales) == 1 && inside && shape[axis] == scales[0]:
		q.Axis = int(axis)
		return nil
	case block > 0 && inside && len(scales) == len(shape):
		want := slices.Clone(shape)
		want[axis] = int((int64(want[axis])-1)/block + 1)
		if slices.Equal(want, scales) {
			q.Axis, q.Block = int(axis), int(min(block, math.MaxInt))
			return nil
		}
	}
	return fmt.Errorf("scales of shape %v do not go with codes of shape %v", scales, shape)
}
