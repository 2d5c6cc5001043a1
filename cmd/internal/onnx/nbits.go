package onnx

import (
	"fmt"
	"slices"

	"github.com/a01592f9/quant/internal/exact"
)

// This file plans MatMulNBits nodes, which multiply by a matrix of codes in blocks.

// An NBitsUse is a weight that only nodes take which MatMulNBits can replace: MatMul and Gemm.
type NBitsUse struct {
	Tensor *Tensor
	// Columns is the axis of the sums in the tensor, K. The other axis is that of the output
	// channels.
	Columns int

	nodes []*node
}

// NBits returns the nodes that take t, or why MatMulNBits cannot replace them.
func (m *Model) NBits(t *Tensor) (*NBitsUse, string) {
	u := &NBitsUse{Tensor: t}
	uses := t.graph.uses[t.value]
	switch {
	case t.DType != "F32" || len(t.Shape) != 2:
		return nil, "MatMulNBits takes matrices of float32"
	case len(uses) == 0:
		return nil, "no MatMul or Gemm takes it"
	case t.graph.root().fn != nil:
		return nil, "it is in a function of the model"
	}
	if err := t.Replaceable(); err != nil {
		return nil, err.Error()
	}
	for i, use := range uses {
		n := use.node
		if n == nil || n.domain != "" || n.op != "MatMul" && n.op != "Gemm" || m.function(n) != nil {
			return nil, "nodes other than MatMul and Gemm take it"
		}
		if use.index != 1 || len(n.outputs) == 0 || !n.has(0) {
			return nil, "it is the first operand of a " + n.op
		}
		if rank, known := n.graph.ranks[n.inputs[0]]; known && rank < 2 {
			return nil, "it is multiplied by a value with one axis"
		}
		columns := 0
		if n.op == "Gemm" {
			x := DynamicNode{Op: n.op, node: n}
			if why := x.gemm(); why != "" {
				return nil, "its Gemm: " + why
			}
			columns = int(min(n.int("transB", 0), 1))
		}
		if i > 0 && columns != u.Columns {
			return nil, "one node takes it transposed, and another one does not"
		}
		u.Columns = columns
		u.nodes = append(u.nodes, n)
	}
	return u, ""
}

// NBits are the codes of a weight for MatMulNBits: a row for each output channel.
type NBits struct {
	Use      *NBitsUse
	Bits     int // 2, 4 or 8
	Block    int // elements in a block: a power of two, at least 16
	Accuracy int // accuracy_level of the operator: 0 for the runtime's choice, 1 for float32, 4 for int8

	Codes, Scales Payload
	Zeros         Payload // its size is 0 if all are 2^(Bits-1)
}

// Size returns the shapes: output channels, elements and blocks of a row.
func (q *NBits) Size() (rows, columns, blocks int) {
	s, k := q.Use.Tensor.Shape, q.Use.Columns
	return s[1-k], s[k], exact.Parts(s[k], q.Block)
}

// QuantizeNBits plans to replace the nodes that take a weight by MatMulNBits, and the weight by
// codes. The bias of a Gemm is added by an Add.
func (r *Rewriter) QuantizeNBits(q NBits) error {
	t := q.Use.Tensor
	if !slices.Contains([]int{2, 4, 8}, q.Bits) || q.Block < 16 || q.Block&(q.Block-1) != 0 {
		return fmt.Errorf("tensor %s: MatMulNBits has no blocks of %d codes of %d bits", quote(t.Name), q.Block, q.Bits)
	}
	rows, columns, blocks := q.Size()
	suffix := "_Q" + itoa(q.Bits)
	stores := []part{}
	inputs := []string{}
	add := func(name string, elem elemType, shape []int, data Payload) {
		s := r.store(t.graph, r.fresh(name), elem, shape, data, t.isExternal)
		stores, inputs = append(stores, s), append(inputs, s.name)
	}
	add(t.value+suffix, elemUint8, []int{rows, blocks, q.Block * q.Bits / 8}, q.Codes)
	add(t.value+"_scale", elemFloat, []int{rows * blocks}, q.Scales)
	if q.Zeros.Size > 0 {
		add(t.value+"_zero_point", elemUint8, []int{rows * ((blocks*q.Bits + 7) / 8)}, q.Zeros)
	}
	at := t.frames[0]
	if t.node != nil {
		at = &t.node.frame
		r.e.remove(at)
		r.e.insert(t.graph.position(), stores...)
	} else {
		r.e.replace(at.parent, at.start, at.end, stores...)
	}
	r.removeInput(t.graph, t.value)
	r.gone[t] = true
	r.ir = max(r.ir, irInitializers)
	r.importMicrosoft()
	attributes := [][]byte{intAttribute("K", int64(columns)), intAttribute("N", int64(rows)), intAttribute("bits", int64(q.Bits)), intAttribute("block_size", int64(q.Block))}
	if q.Accuracy > 0 {
		attributes = append(attributes, intAttribute("accuracy_level", int64(q.Accuracy)))
	}
	for _, n := range q.Use.nodes {
		number, made := n.graph.nodeField(), n.outputs[0]
		if n.has(2) {
			made = r.fresh(n.outputs[0] + "_product")
		}
		parts := []part{newNodeOf(microsoft, number, "MatMulNBits", n.name, append([]string{n.inputs[0]}, inputs...), made, attributes...)}
		if n.has(2) {
			parts = append(parts, newNode(number, "Add", r.fresh(n.outputs[0]+"_Add"), []string{made, n.inputs[2]}, n.outputs[0]))
		}
		r.e.replace(n.frame.parent, n.frame.start, n.frame.end, parts...)
		r.dropped[n] = true
	}
	return nil
}
