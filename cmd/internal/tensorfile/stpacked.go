package tensorfile

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/exact"
)

// joinPacked joins codes of fewer than eight bits as compressed-tensors and NVIDIA's Model
// Optimizer pack them: integers in words of 32 bits, or two E2M1 numbers in a byte with the
// first in the low half.
func (j *joiner) joinPacked(i int) error {
	e := &j.f.entries[i]
	name := strings.TrimSuffix(e.Name, "_packed")
	scale := j.entry(name + "_scale")
	if len(e.Shape) < 2 {
		return fmt.Errorf("packed codes of shape %v", e.Shape)
	}
	switch e.DType {
	case "I32":
		return j.joinIntegers(i, name, scale)
	case "U8":
		return j.joinE2M1(i, name, scale)
	}
	return fmt.Errorf("packed codes of type %s", e.DType)
}

// joinE2M1 joins NVFP4, which has 8-bit float scales for each 16 values and a scale of the
// tensor, and MXFP4, which has powers of two for each 32 values.
func (j *joiner) joinE2M1(i int, name string, scale *entry) error {
	e := &j.f.entries[i]
	axes := len(e.Shape)
	w := weight{name: name, dtype: "MXFP4", shape: slices.Clone(e.Shape)}
	w.shape[axes-1] *= 2
	global, divide := j.entry(name+"_scale_2"), false
	if global == nil {
		global, divide = j.entry(name+"_global_scale"), true
	}
	size := 32
	if global != nil {
		w.dtype, size = "NVFP4", 16
		if global.elements != 1 {
			return fmt.Errorf("%s has shape %v, not one value", quote(global.Name), global.Shape)
		}
	} else if scale.DType != "U8" && scale.DType != "F8_E8M0" {
		return fmt.Errorf("%s is %s, and there is no scale of the tensor", quote(scale.Name), scale.DType)
	}
	want := slices.Clone(w.shape)
	want[axes-1] = exact.Parts(want[axes-1], size)
	if !slices.Equal(scale.Shape, want) {
		return fmt.Errorf("%s has shape %v, not %v", quote(scale.Name), scale.Shape, want)
	}
	w.layout = fmt.Sprintf("%s: 4-bit floats with a scale for each group of %d", w.dtype, size)
	block := slices.Repeat([]int{1}, axes)
	block[axes-1] = size
	n, err := elements(w.shape)
	if err != nil {
		return err
	}
	source := e.coded(n, 4, smallTables["F4"])
	w.open = func() (quant.Source, error) {
		src, err := scale.values()
		if err == nil && global != nil {
			src, err = withGlobal(src, global, divide)
		}
		if err == nil {
			src, err = keep(src, scale.elements)
		}
		if err != nil {
			return nil, fmt.Errorf("scale: %w", err)
		}
		return &scaled{codes: source, shape: w.shape, scale: newBlockParams(src, scale.Shape, block)}, nil
	}
	base := strings.TrimSuffix(name, ".weight")
	parts := map[string]string{scale.Name: "scale", name + "_scale_2": "scale of all", name + "_global_scale": "scale of all",
		base + ".input_scale": "scale of the inputs", base + ".input_global_scale": "scale of the inputs"}
	return j.join(i, w, parts)
}

// withGlobal multiplies or divides scales by the scale of the tensor.
func withGlobal(src quant.Source, global *entry, divide bool) (quant.Source, error) {
	one := make([]float32, 1)
	g, err := global.values()
	if err == nil {
		err = g.ReadFloats(one, 0)
	}
	if err != nil {
		return nil, err
	}
	if divide {
		return mapped{src, func(x float32) float32 { return x / one[0] }}, nil
	}
	return mapped{src, func(x float32) float32 { return x * one[0] }}, nil
}

// joinMX joins the experts of gpt-oss: blocks of 16 bytes with two E2M1 numbers each, and a
// power of two for each block.
func (j *joiner) joinMX(i int) error {
	e := &j.f.entries[i]
	name := strings.TrimSuffix(e.Name, "_blocks")
	scale := j.entry(name + "_scales")
	axes := len(e.Shape)
	if axes < 2 || e.Shape[axes-1] != 16 || !slices.Equal(scale.Shape, e.Shape[:axes-1]) || scale.DType != "U8" {
		return fmt.Errorf("blocks of shape %v and scales of shape %v are not MXFP4", e.Shape, scale.Shape)
	}
	w := weight{name: name, dtype: "MXFP4", shape: slices.Clone(e.Shape[:axes-1]), layout: "MXFP4: 4-bit floats with a scale for each group of 32"}
	w.shape[axes-2] *= 32
	block := slices.Repeat([]int{1}, axes-1)
	block[axes-2] = 32
	n, err := elements(w.shape)
	if err != nil {
		return err
	}
	source := e.coded(n, 4, smallTables["F4"])
	w.open = func() (quant.Source, error) {
		src, err := scale.values()
		if err == nil {
			src, err = keep(src, scale.elements)
		}
		return &scaled{codes: source, shape: w.shape, scale: newBlockParams(src, scale.Shape, block)}, err
	}
	return j.join(i, w, map[string]string{scale.Name: "scale"})
}

// joinIntegers joins integers of 2, 4 or 8 bits in words of 32 bits, with scales of channels or
// groups. The integers are stored with an offset of half their range.
func (j *joiner) joinIntegers(i int, name string, scale *entry) error {
	e := &j.f.entries[i]
	rows, packed := e.Shape[0], e.Shape[1]
	if len(e.Shape) != 2 {
		return fmt.Errorf("packed codes of shape %v", e.Shape)
	}
	cols, err := j.packedShape(name, rows, packed)
	if err != nil {
		return err
	}
	bits, err := packedBits(cols, packed, j.config.bits())
	if err != nil {
		return err
	}
	w := weight{name: name, dtype: fmt.Sprintf("I%d", bits), shape: []int{rows, cols}}
	shape, block, err := matchBlocks(w.shape, scale.Shape, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", quote(scale.Name), err)
	}
	w.layout = fmt.Sprintf("%d-bit integers with a scale for %s", bits, blockText(w.shape, block))
	zero, order := j.entry(name+"_zero_point"), j.entry(name+"_g_idx")
	perWord, half := 32/bits, 1<<(bits-1)
	packedZero := zero != nil && zero.DType == "I32" && slices.Equal(zero.Shape, []int{(rows + perWord - 1) / perWord, shape[1]})
	plainZero := zero != nil && (zero.DType == "I8" || zero.Floating) && slices.Equal(zero.Shape, scale.Shape)
	if zero != nil && !packedZero && !plainZero {
		return fmt.Errorf("%s is %s of shape %v", quote(zero.Name), zero.DType, zero.Shape)
	}
	source := &strided{e.coded(rows*packed*perWord, bits, integerTable(bits, half)), cols, packed * perWord}
	w.open = func() (quant.Source, error) {
		src, err := scale.values()
		if err == nil {
			src, err = keep(src, scale.elements)
		}
		if err != nil {
			return nil, fmt.Errorf("scale: %w", err)
		}
		s := &scaled{codes: source, shape: w.shape, scale: newBlockParams(src, shape, block)}
		if order != nil {
			if s.scale.order, err = groupOrder(order, cols, shape[1]); err != nil {
				return nil, err
			}
		}
		if zero != nil {
			var src quant.Source = &columnWords{zero, rows, shape[1], bits}
			if plainZero && zero.DType == "I8" {
				src = zero.coded(zero.elements, 8, int8Table)
			} else if plainZero {
				if src, err = zero.values(); err != nil {
					return nil, fmt.Errorf("zero point: %w", err)
				}
			}
			p := newBlockParams(src, shape, block)
			p.order = s.scale.order
			s.zero = &p
		}
		return s, nil
	}
	parts := map[string]string{scale.Name: "scale", name + "_shape": "shape", name + "_g_idx": "order of the groups"}
	if zero != nil {
		parts[zero.Name] = "zero point"
	}
	return j.join(i, w, parts)
}

// packedShape returns the number of columns of a weight from its shape tensor.
func (j *joiner) packedShape(name string, rows, packed int) (int, error) {
	shape := j.entry(name + "_shape")
	if shape == nil || shape.elements != 2 || shape.DType != "I64" && shape.DType != "I32" {
		return 0, fmt.Errorf("there is no %s of two integers", quote(name+"_shape"))
	}
	raw := make([]byte, shape.Bytes)
	if _, err := shape.raw.ReadAt(raw, 0); err != nil {
		return 0, err
	}
	r, c := int64(binary.LittleEndian.Uint32(raw)), int64(binary.LittleEndian.Uint32(raw[4:]))
	if shape.DType == "I64" {
		r, c = int64(binary.LittleEndian.Uint64(raw)), int64(binary.LittleEndian.Uint64(raw[8:]))
	}
	if r != int64(rows) || c < 0 || c > int64(packed)*16 { // a code has at least two bits
		return 0, fmt.Errorf("%s is [%d %d], which does not go with %d rows of %d words", quote(shape.Name), r, c, rows, packed)
	}
	return int(c), nil
}

// packedBits returns the width of codes, from the number of columns and of words in a row.
func packedBits(cols, packed, known int) (int, error) {
	var fit []int
	for _, bits := range []int{2, 4, 8} {
		if (cols+32/bits-1)/(32/bits) == packed {
			fit = append(fit, bits)
		}
	}
	switch {
	case slices.Contains(fit, known):
		return known, nil
	case known == 0 && len(fit) == 1:
		return fit[0], nil
	case known != 0:
		return 0, fmt.Errorf("%d codes of %d bits are not in %d words", cols, known, packed)
	}
	return 0, fmt.Errorf("the width of %d codes in %d words is not known", cols, packed)
}

// groupOrder reads the group of each column.
func groupOrder(e *entry, cols, groups int) ([]int32, error) {
	if e.DType != "I32" || e.elements != cols {
		return nil, fmt.Errorf("%s is %s of shape %v, not the group of each of %d columns", quote(e.Name), e.DType, e.Shape, cols)
	}
	raw := make([]byte, e.Bytes)
	if _, err := e.raw.ReadAt(raw, 0); err != nil {
		return nil, err
	}
	order := make([]int32, cols)
	for c := range order {
		order[c] = int32(binary.LittleEndian.Uint32(raw[4*c:]))
		if order[c] < 0 || int(order[c]) >= groups {
			return nil, fmt.Errorf("%s: group %d of column %d is none of %d", quote(e.Name), order[c], c, groups)
		}
	}
	return order, nil
}

// columnWords is a Source of a matrix of codes that are packed along the first axis: a 32-bit
// word has codes of consecutive rows.
type columnWords struct {
	e          *entry
	rows, cols int
	bits       int
}

func (s *columnWords) ReadFloats(dst []float32, off int) error {
	perWord := 32 / s.bits
	var raw []byte
	for len(dst) > 0 {
		row, c := off/s.cols, off%s.cols
		n := min(s.cols-c, len(dst))
		raw = slices.Grow(raw[:0], 4*n)[:4*n]
		if _, err := s.e.raw.ReadAt(raw, 4*int64(row/perWord*s.cols+c)); err != nil {
			return err
		}
		shift, mask, half := row%perWord*s.bits, uint32(1)<<s.bits-1, float32(int(1)<<(s.bits-1))
		for i := range n {
			dst[i] = float32(binary.LittleEndian.Uint32(raw[4*i:])>>shift&mask) - half
		}
		dst, off = dst[n:], off+n
	}
	return nil
}
