package onnx

import "slices"

// A view describes a tensor as a later node sees it. axes has the tensor's axis for each axis of
// the view, or NoAxis.
type view struct {
	axes  []int
	shape []int // of the same length as axes; -1 for an unknown length
}

func viewOf(shape []int) *view {
	v := &view{axes: make([]int, len(shape)), shape: slices.Clone(shape)}
	for i := range v.axes {
		v.axes[i] = i
	}
	return v
}

// axis returns the tensor's axis for axis i of the view, or NoAxis. A negative i counts from the
// end.
func (v *view) axis(i int) int {
	if v == nil {
		return NoAxis
	}
	if i < 0 {
		i += len(v.axes)
	}
	if i < 0 || i >= len(v.axes) {
		return NoAxis
	}
	return v.axes[i]
}

// rank returns the number of axes of the view, or -1 if v is nil.
func (v *view) rank() int {
	if v == nil {
		return -1
	}
	return len(v.axes)
}

// passing are the operators whose output has elements of input 0: all or some of them, perhaps
// reordered, cast to another type, or multiplied by a constant. The output of Concat has the
// elements of all inputs.
var passing = map[string]func(m *Model, n *node, v *view) *view{
	"Identity":         same,
	"Cast":             same,
	"CastLike":         same,
	"Dropout":          same,
	"QuantizeLinear":   same,
	"DequantizeLinear": same,
	"Slice":            sliced,
	"Split":            resized,
	"Concat":           joined,
	"Transpose":        transposed,
	"Unsqueeze":        unsqueezed,
	"Squeeze":          squeezed,
	"Reshape":          reshaped,
	"Flatten":          flattened,
	"Tile":             resized,
	"Mul":              scaled, // of constants only
	"Div":              scaled,
}

// scaled returns the view after a multiplication by a constant with fewer elements. It has more
// axes if the constant has.
func scaled(m *Model, n *node, v *view) *view {
	rank := len(v.axes)
	for _, in := range n.inputs {
		if _, d := n.graph.lookup(in); d.tensor != nil {
			rank = max(rank, len(d.tensor.Shape))
		}
	}
	s := &view{}
	for range rank - len(v.axes) {
		s.axes, s.shape = append(s.axes, NoAxis), append(s.shape, 1)
	}
	s.axes, s.shape = append(s.axes, v.axes...), append(s.shape, v.shape...)
	for i, d := range s.shape {
		if d == 1 { // the other operand may be longer
			s.shape[i] = -1
		}
	}
	return s
}

func same(_ *Model, _ *node, v *view) *view { return v }

func resized(_ *Model, _ *node, v *view) *view {
	shape := make([]int, len(v.shape))
	for i := range shape {
		shape[i] = -1
	}
	return &view{v.axes, shape}
}

// sliced returns the view after a Slice. The lengths of the sliced axes are not known.
func sliced(m *Model, n *node, v *view) *view {
	var ints []int64
	if a := n.attr("axes"); a != nil {
		ints = a.ints
	} else if n.has(3) {
		ints, _ = m.constantInts(n.graph, n.inputs[3])
	}
	if len(ints) == 0 {
		return resized(m, n, v)
	}
	s := &view{v.axes, slices.Clone(v.shape)}
	for _, a := range ints {
		if a < 0 {
			a += int64(len(s.shape))
		}
		if a < 0 || a >= int64(len(s.shape)) {
			return resized(m, n, v)
		}
		s.shape[a] = -1
	}
	return s
}

// joined returns the view after a Concat. The length of the axis of the parts is not known.
func joined(m *Model, n *node, v *view) *view {
	a := n.int("axis", 0)
	if a < 0 {
		a += int64(len(v.shape))
	}
	if n.attr("axis") == nil || a < 0 || a >= int64(len(v.shape)) {
		return resized(m, n, v)
	}
	s := &view{v.axes, slices.Clone(v.shape)}
	s.shape[a] = -1
	return s
}

func transposed(_ *Model, n *node, v *view) *view {
	a := n.attr("perm")
	if a != nil && len(a.ints) != len(v.axes) {
		return nil
	}
	t := &view{make([]int, len(v.axes)), make([]int, len(v.axes))}
	for i := range v.axes {
		from := int64(len(v.axes) - 1 - i)
		if a != nil {
			from = a.ints[i]
		}
		if from < 0 || from >= int64(len(v.axes)) {
			return nil
		}
		t.axes[i], t.shape[i] = v.axes[from], v.shape[from]
	}
	return t
}

// axesOf returns the axes in an attribute or in input 1 of n, counted from the front.
func (m *Model) axesOf(n *node, rank int) ([]int, bool) {
	var ints []int64
	if a := n.attr("axes"); a != nil {
		ints = a.ints
	} else if len(n.inputs) > 1 {
		var ok bool
		if ints, ok = m.constantInts(n.graph, n.inputs[1]); !ok {
			return nil, false
		}
	}
	axes := make([]int, len(ints))
	for i, a := range ints {
		if a < 0 {
			a += int64(rank)
		}
		if a < 0 || a >= int64(rank) {
			return nil, false
		}
		axes[i] = int(a)
	}
	return axes, len(axes) > 0
}

func unsqueezed(m *Model, n *node, v *view) *view {
	added := 0
	if a := n.attr("axes"); a != nil {
		added = len(a.ints)
	} else if len(n.inputs) > 1 {
		ints, _ := m.constantInts(n.graph, n.inputs[1])
		added = len(ints)
	}
	rank := len(v.axes) + added
	axes, ok := m.axesOf(n, rank)
	if !ok || rank > maxAxes {
		return nil
	}
	u := &view{}
	old := 0
	for i := range rank {
		if slices.Contains(axes, i) {
			u.axes, u.shape = append(u.axes, NoAxis), append(u.shape, 1)
			continue
		}
		if old == len(v.axes) {
			return nil
		}
		u.axes, u.shape = append(u.axes, v.axes[old]), append(u.shape, v.shape[old])
		old++
	}
	return u
}

func squeezed(m *Model, n *node, v *view) *view {
	axes, ok := m.axesOf(n, len(v.axes))
	if !ok {
		if slices.Contains(v.shape, -1) || n.attr("axes") != nil || len(n.inputs) > 1 {
			return nil
		}
		for i, d := range v.shape {
			if d == 1 {
				axes = append(axes, i)
			}
		}
	}
	s := &view{}
	for i := range v.axes {
		if !slices.Contains(axes, i) {
			s.axes, s.shape = append(s.axes, v.axes[i]), append(s.shape, v.shape[i])
		}
	}
	return s
}

func reshaped(m *Model, n *node, v *view) *view {
	var want []int64
	if a := n.attr("shape"); a != nil && len(n.inputs) < 2 {
		want = a.ints
	} else if len(n.inputs) > 1 {
		want, _ = m.constantInts(n.graph, n.inputs[1])
	}
	if n.int("allowzero", 0) != 0 && slices.Contains(want, 0) {
		return nil
	}
	if len(want) == 0 || len(want) > maxAxes || slices.Contains(v.shape, -1) {
		return nil
	}
	total, err := elements(v.shape)
	if err != nil {
		return nil
	}
	shape := make([]int, len(want))
	known, open := 1, -1
	for i, d := range want {
		switch {
		case d == -1 && open < 0:
			open = i
			continue
		case d == 0 && i < len(v.shape):
			d = int64(v.shape[i])
		case d <= 0 || d > int64(total):
			return nil
		}
		shape[i] = int(d)
		if known *= int(d); known > total || known == 0 {
			return nil
		}
	}
	if open >= 0 {
		shape[open] = total / known
	}
	return v.into(shape)
}

func flattened(_ *Model, n *node, v *view) *view {
	if slices.Contains(v.shape, -1) {
		return nil
	}
	axis := int(n.int("axis", 1))
	if axis < 0 {
		axis += len(v.shape)
	}
	if axis < 0 || axis > len(v.shape) {
		return nil
	}
	a, _ := elements(v.shape[:axis])
	b, _ := elements(v.shape[axis:])
	return v.into([]int{a, b})
}

// into returns v reshaped to shape. An axis is kept if its length and the number of elements
// before it stay the same.
func (v *view) into(shape []int) *view {
	to := &view{shape: shape}
	for i, before := 0, 1; i < len(shape); before, i = before*shape[i], i+1 {
		to.axes = append(to.axes, NoAxis)
		for j, b := 0, 1; j < len(v.shape); b, j = b*v.shape[j], j+1 {
			if b == before && v.shape[j] == shape[i] && v.axes[j] != NoAxis {
				to.axes[i] = v.axes[j]
			}
		}
	}
	return to
}
