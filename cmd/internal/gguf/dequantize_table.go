package gguf

import (
	"encoding/binary"
	"math"
)

// The types in this file have codes of four bits, which are indices of a table. Element j is in
// the low half of a byte and element j+16 in its high half, or element j+8 in NVFP4.

// valuesIQ4 are the values of the codes of IQ4_NL and IQ4_XS.
var valuesIQ4 = [16]float32{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// valuesFP4 are the values of the codes of MXFP4 and NVFP4, twice those of E2M1.
// The code of −0 stands for 0.
var valuesFP4 = [16]float32{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

// decodeNibbles stores the product of d and the values of codes.
func decodeNibbles(dst *[32]float32, codes *[16]byte, values *[16]float32, d float32) {
	for j, c := range codes {
		dst[j] = d * values[c&15]
		dst[j+16] = d * values[c>>4]
	}
}

func decodeIQ4NL(dst []float32, src []byte) {
	decodeNibbles((*[32]float32)(dst), (*[16]byte)(src[2:]), &valuesIQ4, half(src))
}

// decodeIQ4XS decodes d, a word and four bytes with the scales of 8 groups of
// 32 elements, and 128 bytes of codes. A scale has six bits, less 32: the high
// two are in the word and the low four in the bytes.
func decodeIQ4XS(dst []float32, src []byte) {
	d, high, low := half(src), binary.LittleEndian.Uint16(src[2:]), src[4:8]
	for g := range 8 {
		s := int(low[g/2]>>(g%2*4)&15) | int(high>>(2*g)&3)<<4
		decodeNibbles((*[32]float32)(dst[32*g:]), (*[16]byte)(src[8+16*g:]), &valuesIQ4, d*float32(s-32))
	}
}

func decodeMXFP4(dst []float32, src []byte) {
	decodeNibbles((*[32]float32)(dst), (*[16]byte)(src[1:]), &valuesFP4, halfE8M0(src[0]))
}

// halfE8M0 returns half of the E8M0 scale e: 2^(e−128). It is half because the values of the
// table are doubled. ggml takes 0xff, which is NaN, for a power of two.
func halfE8M0(e byte) float32 {
	if e < 2 {
		return math.Float32frombits(0x00200000 << e)
	}
	return math.Float32frombits(uint32(e-1) << 23)
}

// decodeNVFP4 decodes four scales, and 32 bytes of codes of four groups of 16
// elements.
func decodeNVFP4(dst []float32, src []byte) {
	for g := range 4 {
		d, codes := halvesUE4M3[src[g]], (*[8]byte)(src[4+8*g:])
		x := (*[16]float32)(dst[16*g:])
		for j, c := range codes {
			x[j] = valuesFP4[c&15] * d
			x[j+8] = valuesFP4[c>>4] * d
		}
	}
}

// halvesUE4M3 are halves of the scales of NVFP4, since the values of the table are doubled. A
// scale has 4 bits of exponent and 3 bits of mantissa. ggml ignores the sign, but reads 0x7f,
// which is NaN, as 0, and 0xff not as 0.
var halvesUE4M3 = func() (values [256]float32) {
	for i := range values {
		exponent, fraction := i>>3&15, float64(i&7)
		switch {
		case i == 0x7f:
		case exponent == 0:
			values[i] = float32(math.Ldexp(fraction, -10))
		default:
			values[i] = float32(math.Ldexp(8+fraction, exponent-11))
		}
	}
	return values
}()
