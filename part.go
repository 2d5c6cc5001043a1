package quant

import "fmt"

// Quantizing and dequantizing a part of a tensor without the rest of the tensor.

// QuantizePart is [QuantizeCodes] for a part of a tensor. x holds the elements off up to
// off+len(x), in row-major order, of a tensor of the given shape. QuantizePart stores their
// codes in the first len(x) elements of dst. The codes are those that QuantizeCodes gives for
// the whole tensor. A part may begin and end at any element, and may be empty. QuantizePart
// allocates nothing, and panics if dst is shorter than x. A shape of no axes is one element.
//
// Errors: those of QuantizeCodes, and ErrShape for a part that is not inside the shape. Only
// the number of parameters and the parameters of the part are checked.
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

// DequantizePart is [DequantizeCodes] for a part of a tensor of the given shape. codes holds
// the codes of the elements off up to off+len(codes). DequantizePart stores their real values
// in the first len(codes) elements of dst. It allocates nothing, and panics if dst is shorter
// than codes. Errors: those of DequantizeCodes, and ErrShape as for QuantizePart.
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

// newPart is newTransform for n elements from element off on. Its cost depends on n and on the
// length of a row, but not on the size of the tensor.
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
		l.cols = 0 // short runs cost less than laying out the parameters
	}
	return transform{layout: l, off: off, coding: p.coding()}, nil
}
