package tensorfile

import (
	"fmt"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/exact"
)

// A scaled is a Source that multiplies the values of codes by the scales of blocks: value =
// (code - zero) · scale + bias, in float32.
type scaled struct {
	codes quant.Source // the values of the codes, in row-major order
	shape []int        // of the weight
	scale blockParams
	zero  *blockParams // nil if every zero point is 0
	bias  *blockParams // nil if every bias is 0
}

// blockParams are parameters with one value for each block of a weight.
type blockParams struct {
	src     quant.Source
	strides []int   // number of blocks between neighbours on each axis
	block   []int   // size of a block on each axis
	order   []int32 // block of each index of the last axis; nil if consecutive indices form a block
}

// newBlockParams makes parameters of src for a weight. The weight has the same number of axes
// as the parameters. On each axis there is one block, one block for each index, or blocks of
// the given size.
func newBlockParams(src quant.Source, shape, block []int) blockParams {
	return blockParams{src: src, strides: rowStrides(shape), block: block}
}

// at returns the index of the parameter of the first element of a row. index has the indices of
// all axes but the last.
func (p *blockParams) at(index []int) int {
	n := 0
	for axis, i := range index {
		n += i / p.block[axis] * p.strides[axis]
	}
	return n
}

// last returns the block of a column.
func (p *blockParams) last(column int) int {
	if p.order != nil {
		return int(p.order[column])
	}
	return column / p.block[len(p.block)-1]
}

// A paramRow has the parameters of one row.
type paramRow struct {
	p          *blockParams
	from, last int // range of blocks in values
	at         int // index of the row's first parameter; -1 before the first row
	values     []float32
}

// load reads the parameters of the columns c to end unless they are loaded.
func (r *paramRow) load(index []int, c, end int) error {
	at, from, last := r.p.at(index), r.p.last(c), r.p.last(end-1)
	if r.p.order != nil {
		from, last = 0, int(slices.Max(r.p.order))
	}
	if at == r.at && from >= r.from && last <= r.last {
		return nil
	}
	r.at, r.from, r.last = at, from, last
	stride := r.p.strides[len(r.p.strides)-1]
	n := last - from + 1
	r.values = slices.Grow(r.values[:0], n)[:n]
	if stride == 1 {
		return r.p.src.ReadFloats(r.values, at+from)
	}
	for i := range r.values {
		if err := r.p.src.ReadFloats(r.values[i:i+1], at+(from+i)*stride); err != nil {
			return err
		}
	}
	return nil
}

func (s *scaled) ReadFloats(dst []float32, off int) error {
	if err := s.codes.ReadFloats(dst, off); err != nil {
		return err
	}
	axes := len(s.shape)
	width := s.shape[axes-1]
	index := make([]int, axes-1)
	rest := off / width
	for axis := axes - 2; axis >= 0; axis-- {
		index[axis] = rest % s.shape[axis]
		rest /= s.shape[axis]
	}
	scales, zeros, biases := paramRow{p: &s.scale, at: -1}, paramRow{p: s.zero, at: -1}, paramRow{p: s.bias, at: -1}
	for c := off % width; len(dst) > 0; c = 0 {
		n := min(width-c, len(dst))
		if err := scales.load(index, c, c+n); err != nil {
			return fmt.Errorf("scale: %w", err)
		}
		if s.zero != nil {
			if err := zeros.load(index, c, c+n); err != nil {
				return fmt.Errorf("zero point: %w", err)
			}
			for i := range dst[:n] {
				dst[i] -= zeros.values[s.zero.last(c+i)-zeros.from]
			}
		}
		s.multiply(dst[:n], c, &scales)
		if s.bias != nil {
			if err := biases.load(index, c, c+n); err != nil {
				return fmt.Errorf("bias: %w", err)
			}
			for i := range dst[:n] {
				dst[i] += biases.values[s.bias.last(c+i)-biases.from]
			}
		}
		dst = dst[n:]
		for axis := axes - 2; axis >= 0; axis-- {
			if index[axis]++; index[axis] < s.shape[axis] {
				break
			}
			index[axis] = 0
		}
	}
	return nil
}

// multiply multiplies a part of a row. dst begins at column c.
func (s *scaled) multiply(dst []float32, c int, scales *paramRow) {
	block := s.scale.block[len(s.scale.block)-1]
	if s.scale.order != nil {
		for i := range dst {
			dst[i] *= scales.values[s.scale.last(c+i)-scales.from]
		}
		return
	}
	for len(dst) > 0 {
		n := min(len(dst), block-c%block)
		scale := scales.values[c/block-scales.from]
		for i := range dst[:n] {
			dst[i] *= scale
		}
		dst, c = dst[n:], c+n
	}
}

// matchBlocks returns the shape of parameters and the sizes of their blocks in a weight. If
// there are two possibilities, preferred decides, unless it is nil.
func matchBlocks(weight, params, preferred []int) (shape, block []int, err error) {
	fail := func() error {
		return fmt.Errorf("shape %v of the scales does not go with shape %v of the weight", params, weight)
	}
	switch n := len(params); {
	case n == len(weight):
		shape = slices.Clone(params)
	case n == 0, n == 1 && params[0] == 1: // one parameter for the tensor
		shape = slices.Repeat([]int{1}, len(weight))
	case n < len(weight) && slices.Equal(params, weight[:n]): // one parameter for each index of the first axes
		shape = append(slices.Clone(params), slices.Repeat([]int{1}, len(weight)-n)...)
	default:
		return nil, nil, fail()
	}
	block = make([]int, len(weight))
	blocked := 0
	for axis, n := range shape {
		if n != 1 && n != weight[axis] {
			blocked++
		}
	}
	rest, other := false, false // whether a block of the wanted size is not whole, and whether another size is needed
	for axis, n := range shape {
		w := weight[axis]
		want := 0
		if k := axis - len(weight) + len(preferred); k >= 0 && k < len(preferred) {
			want = preferred[k]
		} else if blocked > 1 {
			want = 128
		}
		switch {
		case n == 1:
			block[axis] = max(w, 1)
		case n == w:
			block[axis] = 1
		case want > 0 && exact.Parts(w, want) == n:
			block[axis] = want
			rest = rest || w%want != 0
		case n > 0 && w%n == 0:
			block[axis] = w / n
			other = other || want > 0
		case (w+127)/128 == n:
			block[axis] = 128
		default:
			return nil, nil, fail()
		}
	}
	if rest && other { // the sizes are guesses that contradict each other
		return nil, nil, fail()
	}
	return shape, block, nil
}

// strided is a Source of a matrix with padded rows: cols of the stride elements of a row are
// used.
type strided struct {
	src          quant.Source
	cols, stride int
}

func (s *strided) ReadFloats(dst []float32, off int) error {
	for len(dst) > 0 {
		row, c := off/s.cols, off%s.cols
		n := min(s.cols-c, len(dst))
		if err := s.src.ReadFloats(dst[:n], row*s.stride+c); err != nil {
			return err
		}
		dst, off = dst[n:], off+n
	}
	return nil
}

// mapped is a Source of the results of a function of the values of another Source.
type mapped struct {
	quant.Source
	f func(x float32) float32
}

func (s mapped) ReadFloats(dst []float32, off int) error {
	if err := s.Source.ReadFloats(dst, off); err != nil {
		return err
	}
	for i, x := range dst {
		dst[i] = s.f(x)
	}
	return nil
}

// integerTable has the values of codes with the given number of bits: the codes minus offset.
func integerTable(bits, offset int) []float32 {
	table := make([]float32, 1<<bits)
	for code := range table {
		table[code] = float32(code - offset)
	}
	return table
}

// int8Table has the values of the bytes of I8.
var int8Table = func() []float32 {
	table := make([]float32, 256)
	for code := range table {
		table[code] = float32(int8(code))
	}
	return table
}()
