package quant

import (
	"fmt"
	"math"
)

// Casts between float32 and smaller floating-point formats, without a scale. WidenFloat16 and
// WidenBFloat16 are in packed.go.
//
// A cast to a smaller format rounds to the nearest number, ties to the even mantissa. With
// saturate, infinities and all numbers beyond the largest number become the largest number,
// with their sign. Without it, infinities and numbers that round beyond the largest number
// become an infinity, or NaN in a format without infinities. NaN stays NaN, with its sign if
// the format has NaN of both signs.

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
			dst[i] = uint16(b>>16 | 0x40) // makes the NaN quiet
			continue
		}
		h := (b + 0x7fff + b>>16&1) >> 16
		if saturate && h&0x7fff == 0x7f80 {
			h--
		}
		dst[i] = uint16(h)
	}
}

// NarrowFloat8 stores the code of each element in a floating-point format, such as [E4M3FN], in
// dst. Codes of 6 and 4 bits take a byte each too. Formats without infinities and NaN always
// saturate, and NaN becomes 0. NarrowFloat8 allocates nothing, and panics if dst is shorter
// than src. The error is ErrScheme for a format that is not a floating-point format.
func NarrowFloat8(dst []uint8, src []float32, f Format, saturate bool) error {
	b, err := f.floats()
	if err != nil {
		return err
	}
	mustHold(len(dst), len(src))
	dst = dst[:len(src)]
	one := [1]float32{1}
	quantizeBookRuns(dst, src, max(1, len(src)), one[:], b, false)
	from, beyond := uint32(0x7f800001), b.beyond()
	if !saturate {
		from = b.overflow()
	}
	if beyond == 0 {
		return nil // every code is a finite number
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

// WidenFloat8 stores the value of each code of a floating-point format in dst: the inverse of
// NarrowFloat8. It ignores bits of a code beyond the width of the format. It allocates nothing,
// and panics if dst is shorter than src. The error is ErrScheme for a format that is not a
// floating-point format.
func WidenFloat8(dst []float32, src []uint8, f Format) error {
	b, err := f.floats()
	if err != nil {
		return err
	}
	mustHold(len(dst), len(src))
	one := [1]float32{1}
	dequantizeBookRuns(dst[:len(src)], src, max(1, len(src)), one[:], b, false)
	return nil
}

// floats returns the table of f. The error is ErrScheme if f is not a floating-point format.
func (f Format) floats() (*codebook, error) {
	if f.number == 0 || f.book().float == nil {
		return nil, fmt.Errorf("%w: codes of %v are no floating-point numbers", ErrScheme, f)
	}
	return f.book(), nil
}

// beyond returns the code, without a sign, of numbers that are too large for b: that of
// infinity, or of NaN if b has no infinity, or 0 if b has neither.
func (b *codebook) beyond() uint32 {
	c := b.float.magnitude(b.float.largest) + 1
	switch {
	case b.float.minus == 0:
		return b.float.nan
	case int(c) < len(b.values)/2:
		return c
	}
	return 0
}

// overflow returns the float32 bits of the smallest magnitude that rounds beyond the largest
// number of b.
func (b *codebook) overflow() uint32 {
	half := b.float.largest + 1<<(b.float.drop-1)
	if b.float.magnitude(b.float.largest)&1 == 0 {
		return half + 1 // a tie rounds to the largest number
	}
	return half
}
