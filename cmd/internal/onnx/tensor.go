package onnx

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// maxAxes limits the rank of tensors; it is more than any framework allows.
const maxAxes = 64

func (p *parser) initializer(g *graph, fr frame) (*Tensor, error) {
	t := &Tensor{model: p.m, graph: g, rawOffset: -1}
	if err := p.count(field{start: fr.start}); err != nil {
		return nil, err
	}
	if err := p.tensor(t, fr); err != nil {
		return nil, err
	}
	p.m.Tensors = append(p.m.Tensors, t)
	return t, p.settle(t)
}

// tensor adds the message at fr to t.
func (p *parser) tensor(t *Tensor, fr frame) error {
	t.frames = append(t.frames, &fr)
	err := p.each(fr.inner(), func(f field) error {
		switch {
		case f.num == 1:
			return p.dims(t, f)
		case f.num == 2 && f.typ == protowire.VarintType:
			t.elem = elemType(f.v)
		case f.num == 8 && f.typ == protowire.BytesType:
			return p.setString(&t.value, f)
		case f.num == 9 && f.typ == protowire.BytesType:
			t.rawOffset, t.rawLen = f.body, f.end-f.body
		case f.num == 13 && f.typ == protowire.BytesType:
			return p.externalData(t, span{f.body, f.end})
		case f.num == 14 && f.typ == protowire.VarintType:
			t.isExternal = f.v == 1
		case f.num == 4, f.num == 5, f.num == 6, f.num == 7, f.num == 10, f.num == 11:
			t.addTyped(f, fr.inner())
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("tensor %s: %w", quote(t.value), err)
	}
	return nil
}

// dims adds the lengths of axes: a single number or a packed list.
func (p *parser) dims(t *Tensor, f field) error {
	switch f.typ {
	case protowire.VarintType:
		return t.addDim(f, f.v)
	case protowire.BytesType:
		var bad error
		err := p.packed(span{f.body, f.end}, func(v uint64) bool {
			bad = t.addDim(f, v)
			return bad == nil
		})
		return cmp.Or(bad, err)
	}
	return nil
}

func (t *Tensor) addDim(f field, v uint64) error {
	if v > math.MaxInt {
		return malformed(f.start, fmt.Errorf("axis %d has length %d", len(t.Shape), int64(v)))
	}
	if len(t.Shape) == maxAxes {
		return malformed(f.start, fmt.Errorf("more than %d axes", maxAxes))
	}
	t.Shape = append(t.Shape, int(v))
	return nil
}

// addTyped records that the message s holds data in field f.
func (t *Tensor) addTyped(f field, s span) {
	if f.typ == protowire.BytesType && f.body == f.end {
		return // no data
	}
	if t.field == 0 {
		t.field = int(f.num)
	} else if t.field != int(f.num) {
		t.mixed = true
	}
	if k := len(t.typed); k == 0 || t.typed[k-1] != s {
		t.typed = append(t.typed, s)
	}
	t.chunks++
	t.chunk = f
}

func (p *parser) externalData(t *Tensor, s span) error {
	if t.external == nil {
		t.external = &external{length: -1}
	}
	var key, value string
	err := p.each(s, func(f field) error {
		switch {
		case f.num == 1 && f.typ == protowire.BytesType:
			return p.setString(&key, f)
		case f.num == 2 && f.typ == protowire.BytesType:
			return p.setString(&value, f)
		}
		return nil
	})
	if err != nil {
		return err
	}
	number := func() int64 {
		value := strings.TrimSpace(value)
		if value == "" { // as if it were missing
			return 0
		}
		n, e := strconv.ParseInt(value, 10, 64)
		if e != nil || n < 0 {
			err = malformed(s.start, fmt.Errorf("%s %s of external data is not a number of bytes", key, quote(value)))
		}
		return n
	}
	switch key {
	case "location":
		t.external.location = value
	case "offset":
		t.external.offset = number()
	case "length":
		// Some writers write a length of 0 and expect readers to use the shape.
		if t.external.length = number(); t.external.length == 0 {
			t.external.length = -1
		}
	}
	return err
}

// sparse adds a SparseTensorProto to the list of tensors. Its data are not read.
func (p *parser) sparse(g *graph, fr frame) error {
	t := &Tensor{model: p.m, graph: g, rawOffset: -1, sparse: true, frames: []*frame{&fr}}
	err := p.sparseParts(t, &fr)
	if err == nil {
		err = p.count(field{start: fr.start})
	}
	if err != nil {
		return err
	}
	g.tensors = append(g.tensors, t)
	p.m.Tensors = append(p.m.Tensors, t)
	stored := t.Bytes
	t.describe()
	t.Floating, t.Note, t.Offset, t.Bytes = false, SparseNote, -1, stored
	return nil
}

// SparseNote is the Note of a sparse tensor.
const SparseNote = "sparse tensors are not read"

// sparseParts adds the SparseTensorProto in at to t: its name, type and shape. Bytes is the size
// of the values and indices together.
func (p *parser) sparseParts(t *Tensor, at *frame) error {
	values := &Tensor{model: p.m, graph: t.graph, rawOffset: -1}
	indices := &Tensor{model: p.m, graph: t.graph, rawOffset: -1}
	err := p.each(at.inner(), func(f field) error {
		switch {
		case f.num == 1 && f.typ == protowire.BytesType:
			err := p.tensor(values, f.frame(at))
			t.value, t.elem = cmp.Or(values.value, t.value), values.elem
			return err
		case f.num == 2 && f.typ == protowire.BytesType:
			return p.tensor(indices, f.frame(at))
		case f.num == 3:
			return p.dims(t, f)
		}
		return nil
	})
	for _, part := range []*Tensor{values, indices} {
		if _, bad := part.describe(); bad == nil && len(part.frames) > 0 {
			t.Bytes += part.Bytes
		}
	}
	p.outside(values, t.value+" (values)")
	p.outside(indices, t.value+" (indices)")
	return err
}

// outside keeps a tensor that is not listed. If its data are external, they have to move.
func (p *parser) outside(t *Tensor, name string) {
	if t.isExternal {
		t.Name = name
		p.m.unlisted = append(p.m.unlisted, t)
	}
}

// describe sets DType, Bytes and other fields that follow from the type and shape.
func (t *Tensor) describe() (elemInfo, error) {
	info, known := elemTypes[t.elem]
	if t.DType = info.name; !known {
		t.DType = "type " + strconv.Itoa(int(t.elem))
	}
	t.Axis, t.Offset = NoAxis, -1
	n, err := elements(t.Shape)
	if err != nil {
		return info, err
	}
	t.n = n
	hi, lo := bits.Mul64(uint64(n), uint64(info.bits))
	if hi != 0 || lo > math.MaxInt64-7 {
		return info, fmt.Errorf("shape %v has too many elements", t.Shape)
	}
	t.Bytes = int64(lo+7) / 8
	return info, nil
}

// settle checks a tensor that has been read, and finds its data.
func (p *parser) settle(t *Tensor) error {
	if err := t.check(); err != nil {
		at := int64(-1)
		if len(t.frames) > 0 {
			at = t.frames[0].start
		}
		return fmt.Errorf("tensor %s: %w", quote(t.value), malformed(at, err))
	}
	return nil
}

func (t *Tensor) check() error {
	info, err := t.describe()
	if err != nil {
		return err
	}
	switch {
	case info.bits == 0: // strings and unknown types are still listed
		return nil
	case t.isExternal:
		e := t.external
		if e == nil || e.location == "" {
			return errors.New("external data without a location")
		}
		if e.length >= 0 && e.length != t.Bytes {
			return fmt.Errorf("%d bytes of external data, but %s of shape %v takes %d", e.length, t.DType, t.Shape, t.Bytes)
		}
		t.File, t.Offset = e.location, e.offset
	case t.rawOffset >= 0:
		if t.rawLen != t.Bytes {
			return fmt.Errorf("raw data of %d bytes, but %s of shape %v takes %d", t.rawLen, t.DType, t.Shape, t.Bytes)
		}
		t.field, t.typed = 0, nil
		t.Offset = t.rawOffset
	case t.inAttribute: // a single number, or a list whose length was counted
	case t.mixed:
		return errors.New("data in fields of several types")
	case t.n > 0 && t.field == 0:
		return fmt.Errorf("no data, but %s of shape %v takes %d bytes", t.DType, t.Shape, t.Bytes)
	case t.field != 0 && t.field != info.field:
		return fmt.Errorf("data of %s in field %d, not %d", t.DType, t.field, info.field)
	default:
		// A single packed field of fixed-width numbers has the layout of raw data.
		if c := t.chunk; t.chunks == 1 && c.typ == protowire.BytesType && (t.elem == elemFloat || info.name == "F64") {
			if c.end-c.body != t.Bytes {
				return fmt.Errorf("data of %d bytes, but %s of shape %v takes %d", c.end-c.body, t.DType, t.Shape, t.Bytes)
			}
			t.rawOffset, t.rawLen = c.body, c.end-c.body
			t.Offset = c.body
		}
	}
	switch info.name {
	case "F32", "F16", "BF16", "F64":
		t.Floating = true
	}
	return nil
}

// elements returns the product of shape. It fails if that many float64 values do not fit in
// memory.
func elements(shape []int) (int, error) {
	n := uint64(1)
	overflow := false
	for _, d := range shape {
		if d == 0 {
			return 0, nil
		}
		hi, lo := bits.Mul64(n, uint64(d))
		if n = lo; hi != 0 || n > math.MaxInt/8 {
			overflow, n = true, 1
		}
	}
	if overflow {
		return 0, fmt.Errorf("shape %v has too many elements", shape)
	}
	return int(n), nil
}
