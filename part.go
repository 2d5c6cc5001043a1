package quant

import "fmt"

// Quantizing and dequantizing a part of a tensor, without the rest of it.

// QuantizePart is [QuantizeCodes] for a part of a tensor of the given shape: x
// holds its elements from off up to off+len(x), in row-major order, and their
// codes, the same as those of the whole, are stored in as many elements of dst.
// Parts may begin and end anywhere, and may be empty. It allocates nothing, and
// panics if dst is shorter than x. A shape of no axes is one element.
//
// Errors: those of QuantizeCodes, and ErrShape for a part that is not within
// the shape. Of p only the parameters that the part needs are checked, beside
// their number.
func QuantizePart[T Code](dst []T, x []float32, off int, shape []int, p Params) error {
	f, err := newPart(off, len(x), shape, p)
	if err != nil {
		return err
	}
	mustHold(len(dst), len(x))
	if err := fits[T](f.codeGrid); err != nil {
		return err
	}
	f.codes = plainCodes(dst[:len(x)])
	f.real = x
	f.quantize()
	return nil
}

// DequantizePart is [DequantizeCodes] for a part of a tensor of the given
// shape: codes holds those of its elements from off up to off+len(codes), whose
// real values are stored in as many elements of dst. Otherwise it is to
// DequantizeCodes what QuantizePart is to QuantizeCodes.
func DequantizePart[T Code](dst []float32, codes []T, off int, shape []int, p Params) error {
	f, err := newPart(off, len(codes), shape, p)
	if err != nil {
		return err
	}
	if err := fits[T](f.codeGrid); err != nil {
		return err
	}
	mustHold(len(dst), len(codes))
	f.codes = plainCodes(codes)
	f.real = dst[:len(codes)]
	f.dequantize()
	return nil
}

// newPart is newTransform for n elements from off on. What it does is bounded
// by n, and by the length of a row, not by the tensor.
func newPart(off, n int, shape []int, p Params) (transform, error) {
	if err := p.Scheme.Validate(); err != nil {
		return transform{}, err
	}
	all, err := elementsOrNone(shape)
	if err != nil {
		return transform{}, err
	}
	l, err := layoutOrEmpty(all, shape, p.Scheme.Granularity)
	if err != nil {
		return transform{}, err
	}
	if off < 0 || off > all || n > all-off {
		return transform{}, fmt.Errorf("%w: %d elements from %d on, but %v has %d", ErrShape, n, off, cloneShape(shape), all)
	}
	if err := p.checkLen(l.params); err != nil {
		return transform{}, err
	}
	if n > 0 {
		if err := p.checkValues(l.paramsOf(off, off+n)); err != nil {
			return transform{}, err
		}
	}
	if l.spread() && n < 4*l.cols {
		l.cols = 0 // laying out the parameters would cost more than short runs do
	}
	return transform{layout: l, off: off, coding: p.coding()}, nil
}
