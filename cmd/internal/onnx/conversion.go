package onnx

import (
	"errors"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// A conversion changes a node, and may add nodes around it, for a later version of the operators.
type conversion struct {
	m       *Model
	node    *node
	dropped []string         // names of attributes to remove
	added   [][]byte         // AttributeProtos to add
	inputs  map[int]constant // inputs to add, by index
	op      string           // the new operator; "" to keep it
	roi     bool             // insert an empty tensor as input 1; input 1 becomes 2
	flatten int64            // if flat is set, the axis of a Flatten before the node; a Reshape follows the node
	flat    bool
}

// constant is a new input that replaces an attribute.
type constant struct {
	name  string
	value []byte // a TensorProto
}

func (c *conversion) empty() bool {
	return len(c.dropped) == 0 && len(c.added) == 0 && len(c.inputs) == 0 && !c.flat && c.op == "" && !c.roi
}

var errNoWay = errors.New("there is no way")

func none(*conversion) error { return errNoWay }

func drop(name string) func(*conversion) error {
	return func(c *conversion) error {
		if c.node.attr(name) != nil {
			c.dropped = append(c.dropped, name)
		}
		return nil
	}
}

// dropIf drops an attribute, and fails if it has another value than the given one.
func dropIf(name string, value int64) func(*conversion) error {
	return func(c *conversion) error {
		if c.node.int(name, value) != value {
			return errNoWay
		}
		return drop(name)(c)
	}
}

func addString(name, value string) func(*conversion) error {
	return func(c *conversion) error {
		if c.node.attr(name) == nil {
			c.added = append(c.added, stringAttribute(name, value))
		}
		return nil
	}
}

// attributesToInputs turns attributes that a node has into inputs 1, 2 and so on.
func attributesToInputs(names ...string) func(*conversion) error {
	return func(c *conversion) error {
		for i, name := range names {
			a := c.node.attr(name)
			if a == nil {
				continue
			}
			var value []byte
			switch name {
			case "min", "max", "value":
				// The input has the type of the data, which is not known here.
				if !c.m.single() {
					return errNoWay
				}
				value = floatTensor(a.f)
			case "k":
				value = intsTensor([]int64{a.i})
			case "scales":
				if len(a.floats) == 0 {
					return errNoWay
				}
				value = floatsTensor(a.floats)
			default:
				if a.long {
					return errNoWay
				}
				value = intsTensor(a.ints)
			}
			c.dropped = append(c.dropped, name)
			if c.inputs == nil {
				c.inputs = map[int]constant{}
			}
			c.inputs[i+1] = constant{name, value}
		}
		return nil
	}
}

// single reports whether all floating-point tensors of the model are F32.
func (m *Model) single() bool {
	return !slices.ContainsFunc(m.Tensors, func(t *Tensor) bool { return t.Floating && t.DType != "F32" })
}

// oneOutput rejects a BatchNormalization in training mode.
func oneOutput(c *conversion) error {
	if slices.ContainsFunc(c.node.outputs[min(1, len(c.node.outputs)):], func(s string) bool { return s != "" }) {
		return errNoWay
	}
	return nil
}

// roundedDown rejects a pooling operator that rounds the size of its output up. Version 22 leaves
// out windows that begin in the padding after the last element.
func roundedDown(c *conversion) error {
	if c.node.int("ceil_mode", 0) != 0 {
		return errNoWay
	}
	return nil
}

// countOutputs adds the number of outputs to a Split into equal parts.
func countOutputs(c *conversion) error {
	_, converted := c.inputs[1]
	if !converted && (len(c.node.inputs) < 2 || c.node.inputs[1] == "") {
		c.added = append(c.added, intAttribute("num_outputs", int64(len(c.node.outputs))))
	}
	return nil
}

// flattenAround keeps the old meaning of Softmax and similar operators: they normalized over all
// axes from the given one on. A Flatten before the node gives it a matrix, and a Reshape restores
// the shape. Nothing changes if the axis is the last.
func flattenAround(c *conversion) error {
	if len(c.node.outputs) == 0 || c.node.alongLast() {
		return nil
	}
	c.flatten, c.flat = c.node.int("axis", 1), true
	if c.node.attr("axis") != nil {
		c.dropped = append(c.dropped, "axis")
	}
	return nil
}

// alongLast reports whether the axis of n is known to be the last. The node n is a Softmax or
// similar operator before version 13.
func (n *node) alongLast() bool {
	axis := n.int("axis", 1)
	rank, known := n.graph.ranks[n.outputs[0]]
	if !known && len(n.inputs) > 0 {
		rank, known = n.graph.ranks[n.inputs[0]]
	}
	return axis == -1 || known && axis == int64(rank-1)
}

// renameModes replaces the mode of GridSample by its new name.
func renameModes(c *conversion) error {
	a := c.node.attr("mode")
	if a == nil {
		return nil
	}
	for old, mode := range map[string]string{"bilinear": "linear", "bicubic": "cubic"} {
		if a.s == old {
			c.dropped = append(c.dropped, "mode")
			c.added = append(c.added, stringAttribute("mode", mode))
		}
	}
	return nil
}

// apply plans the conversion: constants before the node, and a new node in its place.
func (c *conversion) apply(r *Rewriter) error {
	n := c.node
	number := n.graph.nodeField()
	var parts []part
	if len(n.outputs) == 0 {
		return nil // the node has no effect
	}
	inputs, outputs := r.names(n)
	base := outputs[0]
	constants := map[int]string{}
	last := 0
	for i := range c.inputs {
		last = max(last, i)
	}
	for i := 1; i <= last; i++ {
		if k, ok := c.inputs[i]; ok {
			constants[i] = r.fresh(base + "_" + k.name)
			parts = append(parts, newNode(number, "Constant", "", nil, constants[i], tensorAttribute("value", k.value)))
		}
	}
	body, err := r.m.read(&n.frame)
	if err != nil {
		return err
	}
	for i := len(inputs); i <= last; i++ {
		inputs = append(inputs, "")
	}
	for i, name := range constants {
		inputs[i] = name
	}
	if c.roi {
		roi := r.fresh(base + "_roi")
		parts = append(parts, newNode(number, "Constant", "", nil, roi, tensorAttribute("value", floatsTensor(nil))))
		inputs = slices.Insert(inputs, 1, roi)
	}
	shape := ""
	if c.flat {
		flat := r.fresh(base + "_flat")
		shape = r.fresh(base + "_shape")
		outputs[0] = r.fresh(base + "_matrix")
		parts = append(parts,
			newNode(number, "Shape", "", inputs[:1], shape),
			newNode(number, "Flatten", "", inputs[:1], flat, intAttribute("axis", c.flatten)))
		inputs[0] = flat
	}
	parts = append(parts, literal(appendBytes(nil, number, c.rewrite(body, inputs, outputs))))
	if c.flat {
		parts = append(parts, newNode(number, "Reshape", "", []string{outputs[0], shape}, base))
	}
	r.e.replace(n.frame.parent, n.frame.start, n.frame.end, parts...)
	return nil
}

// rewrite returns the NodeProto body with other inputs, outputs and attributes.
func (c *conversion) rewrite(body []byte, inputs, outputs []string) []byte {
	var out, rest []byte
	for _, in := range inputs {
		out = appendString(out, 1, in)
	}
	for len(body) > 0 {
		num, typ, n := protowire.ConsumeTag(body)
		m := protowire.ConsumeFieldValue(num, typ, body[max(n, 0):])
		if n < 0 || m < 0 {
			break // cannot happen: the parser read it before
		}
		whole := body[:n+m]
		body = body[n+m:]
		if typ == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(whole[n:])
			if num == 1 || num == 5 && slices.Contains(c.dropped, attributeName(value)) {
				continue
			}
			if num == 4 && c.op != "" {
				rest = appendString(rest, 4, c.op)
				continue
			}
			if num == 2 && len(outputs) > 0 {
				rest, outputs = appendString(rest, 2, outputs[0]), outputs[1:]
				continue
			}
		}
		rest = append(rest, whole...)
	}
	for _, a := range c.added {
		rest = appendBytes(rest, 5, a)
	}
	return append(out, rest...)
}

// attributeName returns the name of an AttributeProto.
func attributeName(a []byte) (name string) {
	for len(a) > 0 {
		num, typ, n := protowire.ConsumeTag(a)
		if n < 0 {
			return name
		}
		m := protowire.ConsumeFieldValue(num, typ, a[n:])
		if m < 0 {
			return name
		}
		if num == 1 && typ == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(a[n:])
			name = string(value)
		}
		a = a[n+m:]
	}
	return name
}
