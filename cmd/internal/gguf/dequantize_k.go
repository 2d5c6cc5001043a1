package gguf

import (
	"encoding/binary"
	"math"
)

// The types with names that end in _K have blocks of 256 elements in groups of 16 or 32. A
// group has a scale of few bits; in Q2_K, Q4_K and Q5_K it also has a minimum. Scales are
// multiples of d and minima are multiples of dmin, which are float16 numbers of the block.
//
// Codes of 2, 4 and 6 bits are stored in planes: a byte of a plane has bits of elements that
// are 32 apart.

// decodeQ2K decodes 16 bytes of scales (low four bits) and minima (high four),
// 64 bytes of codes, d and dmin. Group g has 16 elements; those of 128 elements
// share 32 bytes of codes.
func decodeQ2K(dst []float32, src []byte) {
	x, scales, codes := (*[256]float32)(dst), (*[16]byte)(src), (*[64]byte)(src[16:])
	d, dmin := half(src[80:]), half(src[82:])
	for g, s := range scales {
		scale, minimum := d*float32(s&15), float32(dmin*float32(s>>4))
		part, shift := codes[g/8*32+g%2*16:][:16], g/2%4*2
		for l, c := range part {
			x[16*g+l] = float32(scale*float32(c>>shift&3)) - minimum
		}
	}
}

// scalesQ3K unpacks the 16 scales of Q3_K, six bits each less 32: the low four
// bits of scales g and g+8 are in byte g, and the high two bits of four scales that
// are four apart in one of the last four bytes.
func scalesQ3K(b *[12]byte) (scales [16]int) {
	for g := range scales {
		low := b[g%8] >> (g / 8 * 4) & 15
		high := b[8+g%4] >> (g / 4 * 2) & 3
		scales[g] = int(low|high<<4) - 32
	}
	return scales
}

// decodeQ3K decodes 32 bytes with the high bits of codes, 64 bytes with their
// two low bits, 12 bytes of scales, and d.
func decodeQ3K(dst []float32, src []byte) {
	x, high, low := (*[256]float32)(dst), (*[32]byte)(src), (*[64]byte)(src[32:])
	scales, d := scalesQ3K((*[12]byte)(src[96:])), half(src[108:])
	for g, s := range scales {
		scale := d * float32(s)
		bits, signs := low[g/8*32+g%2*16:][:16], high[g%2*16:][:16]
		for l, c := range bits {
			code := int(c>>(g/2%4*2)&3) - 4 + int(signs[l]>>(g/2)&1)<<2
			x[16*g+l] = scale * float32(code)
		}
	}
}

// scaleMin returns the scale and the minimum of group g, six bits each, of the 12
// bytes of Q4_K and Q5_K. Those of groups 0 to 3 are the low bits of bytes 0 to 3
// and 4 to 7. Of groups 4 to 7, the low four bits are in bytes 8 to 11, and the
// high two bits above those of groups 0 to 3.
func scaleMin(b *[12]byte, g int) (scale, minimum byte) {
	if g < 4 {
		return b[g] & 63, b[g+4] & 63
	}
	return b[g+4]&15 | b[g-4]>>6<<4, b[g+4]>>4 | b[g]>>6<<4
}

// decodeQ4K decodes d, dmin, 12 bytes of scales and minima of 8 groups of 32
// elements, and 128 bytes of codes: 32 bytes for two groups.
func decodeQ4K(dst []float32, src []byte) {
	scales, d, dmin := (*[12]byte)(src[4:]), half(src), half(src[2:])
	for g := range 8 {
		s, m := scaleMin(scales, g)
		scale, minimum := d*float32(s), float32(dmin*float32(m))
		x, codes, shift := (*[32]float32)(dst[32*g:]), (*[32]byte)(src[16+g/2*32:]), g%2*4
		for l, c := range codes {
			x[l] = float32(scale*float32(c>>shift&15)) - minimum
		}
	}
}

// decodeQ5K decodes the fields of Q4_K, with 32 bytes of fifth bits before the codes: bit g of
// byte l belongs to element l of group g.
func decodeQ5K(dst []float32, src []byte) {
	scales, fifth, d, dmin := (*[12]byte)(src[4:]), (*[32]byte)(src[16:]), half(src), half(src[2:])
	for g := range 8 {
		s, m := scaleMin(scales, g)
		scale, minimum := d*float32(s), float32(dmin*float32(m))
		x, codes, shift := (*[32]float32)(dst[32*g:]), (*[32]byte)(src[48+g/2*32:]), g%2*4
		for l, c := range codes {
			code := c>>shift&15 | fifth[l]>>g&1<<4
			x[l] = float32(scale*float32(code)) - minimum
		}
	}
}

// decodeQ6K decodes 128 bytes with the low four bits of codes, 64 bytes with
// their high two bits, 16 signed bytes of scales, and d.
func decodeQ6K(dst []float32, src []byte) {
	low, high, scales, d := src[:128], src[128:192], src[192:208], half(src[208:])
	for g, s := range scales {
		scale := d * float32(int8(s))
		// x is 16 elements in plane p of 128 elements, and at is their place in the plane.
		x, p, at := (*[16]float32)(dst[16*g:]), g/2%4, g%2*16
		bits4, bits2 := low[g/8*64+p%2*32+at:][:16], high[g/8*32+at:][:16]
		for l, c := range bits4 {
			code := int(c>>(p/2*4)&15|bits2[l]>>(2*p)&3<<4) - 32
			x[l] = scale * float32(code)
		}
	}
}

// decodeQ8K decodes d, a float32, and 256 signed bytes. It ignores the sums that follow.
func decodeQ8K(dst []float32, src []byte) {
	x, codes := (*[256]float32)(dst), (*[256]byte)(src[4:])
	d := math.Float32frombits(binary.LittleEndian.Uint32(src))
	for i, c := range codes {
		x[i] = d * float32(int8(c))
	}
}
