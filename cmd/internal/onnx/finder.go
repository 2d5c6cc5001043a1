package onnx

import (
	"fmt"
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

// lstm looks at a DynamicQuantizeLSTM, which takes codes of two weights.
func (f *finder) lstm(n *node) {
	var both [2]*Dequantizer
	for i := range both {
		codes := n.constant(1 + i)
		if codes == nil {
			return // the model computes the codes
		}
		q := &Dequantizer{Name: plainName(codes.Name), Use: n.op, Op: n.op, Codes: codes, Axis: NoAxis, Transposed: true}
		err := q.take(n, 8+2*i, 9+2*i)
		if err == nil {
			err = q.gates()
		}
		if err == nil {
			err = q.replaceable()
		}
		if err == nil && len(codes.graph.uses[codes.value]) > 1 {
			err = fmt.Errorf("several nodes take codes that its %s takes", n.op)
		}
		if err != nil {
			f.others[codes.Name] = err.Error()
			if i == 1 {
				f.others[both[0].Codes.Name] = fmt.Sprintf("its %s takes codes of %s, which stay", n.op, quote(codes.Name))
			}
			return
		}
		both[i] = q
	}
	inputs := slices.Clone(n.inputs[:8])
	inputs[1], inputs[2] = weightInput, secondInput
	for inputs[len(inputs)-1] == "" {
		inputs = inputs[:len(inputs)-1]
	}
	r := &replacement{at: n, op: "LSTM", inputs: inputs, attributes: true, second: both[1]}
	if err := f.take(n, r); err != nil {
		f.others[both[0].Codes.Name] = err.Error()
		return
	}
	both[0].With, both[1].With = both[1], both[0]
	both[0].changes = []nodeChange{{n, r}}
	f.found = append(f.found, both[0], both[1])
}
