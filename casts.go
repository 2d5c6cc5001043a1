package quant

import (
	"fmt"
	"math"
)

// Casts: float32 values as smaller floating-point numbers, without a scale. WidenFloat16
// and WidenBFloat16, the ways back from 16 bits, are in packed.go.
//
// A cast rounds to the nearest number, ties to the even mantissa. If it saturates, what is
// larger than the largest number becomes that number, and so do infinities. If it does
// not, what would round to a number beyond the largest becomes an infinity of its sign, or
// NaN in a format that has no infinities; infinities do too. NaN stays NaN, with its sign
// where the format has one for it.

// NarrowFloat16 stores the IEEE binary16 of each element in dst. It allocates nothing, and
// panics if dst is shorter than src.
func NarrowFloat16(dst []uint16, src []float32, saturate bool) {
	mustHold(len(dst), len(src))
	dst = dst[:len(src)]
	beyond := uint32(0x7c00)
	if saturate {
		beyond = 0x7bff
	}
	for i, v := range src {
		b := math.Float32bits(v)
		a := b & 0x7fffffff
		h := roundFloat16.magnitude(a)
		switch {
		case a > 0x7f800000:
			h = 0x7e00 | a>>13&0x3ff
		case a >= 0x477ff000: // 65520
			h = beyond
		}
		dst[i] = uint16(b>>16&0x8000 | h)
	}
}

// NarrowBFloat16 stores the bfloat16 of each element in dst. It allocates nothing, and
// panics if dst is shorter than src.
func NarrowBFloat16(dst []uint16, src []float32, saturate bool) {
	mustHold(len(dst), len(src))
	dst = dst[:len(src)]
	for i, v := range src {
		b := math.Float32bits(v)
		if b&0x7fffffff > 0x7f800000 {
			dst[i] = uint16(b>>16 | 0x40) // quiet
			continue
		}
		h := (b + 0x7fff + b>>16&1) >> 16
		if saturate && h&0x7fff == 0x7f80 {
			h--
		}
		dst[i] = uint16(h)
	}
}

// NarrowFloat8 stores the code of each element in a floating-point format, such as
// [E4M3FN], in dst: a byte each, of formats of 6 and 4 bits too. Formats without infinities
// and NaN saturate in any case, and make NaN 0. It allocates nothing, and panics if dst is
// shorter than src. The error is ErrScheme for a format of other values.
func NarrowFloat8(dst []uint8, src []float32, f Format, saturate bool) error {
	b, err := f.floats()
	if err != nil {
		return err
	}
	mustHold(len(dst), len(src))
	dst = dst[:len(src)]
	one := [1]float32{1}
	quantizeBookRuns(dst, src, max(1, len(src)), one[:], b)
	from, beyond := uint32(0x7f800001), b.beyond()
	if !saturate {
		from = b.overflow()
	}
	if beyond == 0 {
		return nil // all codes are numbers
	}
	for i, v := range src {
		bits := math.Float32bits(v)
		a := bits & 0x7fffffff
		if a < from {
			continue
		}
		c := beyond
		if a > 0x7f800000 {
			c = b.float.nan
		}
		dst[i] = uint8(c | bits>>31<<b.float.sign)
	}
	return nil
}

// WidenFloat8 stores in dst the number of each code of a floating-point format: the inverse
// of NarrowFloat8. Bits beyond the width of the format are ignored. It allocates nothing,
// and panics if dst is shorter than src. The error is ErrScheme for a format of other
// values.
func WidenFloat8(dst []float32, src []uint8, f Format) error {
	b, err := f.floats()
	if err != nil {
		return err
	}
	mustHold(len(dst), len(src))
	one := [1]float32{1}
	dequantizeBookRuns(dst[:len(src)], src, max(1, len(src)), one[:], b)
	return nil
}

// floats returns the table of f, whose values are floating-point numbers.
func (f Format) floats() (*codebook, error) {
	if f.number == 0 || f.book().float == nil {
		return nil, fmt.Errorf("%w: codes of %v are no floating-point numbers", ErrScheme, f)
	}
	return f.book(), nil
}

// beyond returns the code of what is too large for b, without a sign: infinity if b has
// one, else NaN; 0 if it has neither.
func (b *codebook) beyond() uint32 {
	c := b.float.magnitude(b.float.largest) + 1
	switch {
	case b.float.special == 0:
		return b.float.nan
	case int(c) < len(b.values)/2:
		return c
	}
	return 0
}

// overflow returns the bits of the smallest magnitude that rounds to a number beyond the
// largest of b.
func (b *codebook) overflow() uint32 {
	half := b.float.largest + 1<<(b.float.drop-1)
	if b.float.magnitude(b.float.largest)&1 == 0 {
		return half + 1 // a tie is rounded to the largest
	}
	return half
}
