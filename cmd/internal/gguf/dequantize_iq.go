package gguf

import (
	"encoding/binary"
	"math/bits"
)

// In the types IQ1, IQ2 and IQ3, vectors of 8 or 4 elements are entries of a codebook times a
// scale. IQ2 and IQ3 have a sign for every element too. The codebooks are in grids.go. 32
// elements have one or two scales of 3 or 4 bits.

// signs7 returns the signs of eight elements from a code of seven bits. An even number of the
// signs is negative.
func signs7(code uint32) byte {
	code &= 127
	return byte(code | uint32(bits.OnesCount32(code)&1)<<7)
}

// decodeVector8 stores the product of d and an entry of a codebook in dst. Elements with a bit
// in signs are negative.
func decodeVector8(dst []float32, grid *[8]float32, signs byte, d float32) {
	x := (*[8]float32)(dst)
	for j, v := range grid {
		v *= d
		if signs>>j&1 != 0 {
			v = -v
		}
		x[j] = v
	}
}

// decodeVectors4 is decodeVector8 for two entries of four elements.
func decodeVectors4(dst []float32, first, second *[4]float32, signs byte, d float32) {
	x := (*[8]float32)(dst)
	for j := range first {
		a, b := first[j]*d, second[j]*d
		if signs>>j&1 != 0 {
			a = -a
		}
		if signs>>(j+4)&1 != 0 {
			b = -b
		}
		x[j], x[j+4] = a, b
	}
}

// decodeIQ2XXS decodes d and, for each 32 elements, four indices of one byte and a word. The
// highest four bits of the word are a scale, and the others are seven bits of signs for each
// vector.
func decodeIQ2XXS(dst []float32, src []byte) {
	d := half(src)
	for g := range 8 {
		part := src[2+8*g:]
		word := binary.LittleEndian.Uint32(part[4:])
		scale := d * (0.5 + float32(word>>28)) * 0.25
		for l := range 4 {
			decodeVector8(dst[32*g+8*l:], &gridIQ2XXS[part[l]], signs7(word>>(7*l)), scale)
		}
	}
}

// scalesIQ2 returns the two scales of 32 elements of IQ2_XS and IQ2_S.
func scalesIQ2(d float32, b byte) [2]float32 {
	return [2]float32{d * (0.5 + float32(b&15)) * 0.25, d * (0.5 + float32(b>>4)) * 0.25}
}

// decodeIQ2XS decodes d, a word for each vector with nine bits of index and seven bits of
// signs, and eight bytes with two scales each.
func decodeIQ2XS(dst []float32, src []byte) {
	d := half(src)
	for g := range 8 {
		scales := scalesIQ2(d, src[66+g])
		for l := range 4 {
			word := binary.LittleEndian.Uint16(src[2+8*g+2*l:])
			decodeVector8(dst[32*g+8*l:], &gridIQ2XS[word&511], signs7(uint32(word>>9)), scales[l/2])
		}
	}
}

// decodeIQ2S decodes d, 32 bytes of indices, 32 bytes of signs, eight bytes with the high two
// bits of four indices each, and eight bytes with two scales each.
func decodeIQ2S(dst []float32, src []byte) {
	d, indices, signs, high := half(src), src[2:34], src[34:66], src[66:74]
	for g := range 8 {
		scales := scalesIQ2(d, src[74+g])
		for l := range 4 {
			index := int(indices[4*g+l]) | int(high[g]>>(2*l)&3)<<8
			decodeVector8(dst[32*g+8*l:], &gridIQ2S[index], signs[4*g+l], scales[l/2])
		}
	}
}

// decodeIQ3XXS decodes d, 64 bytes of indices, and a word for each 32 elements
// as in IQ2_XXS.
func decodeIQ3XXS(dst []float32, src []byte) {
	d, indices := half(src), src[2:66]
	for g := range 8 {
		word := binary.LittleEndian.Uint32(src[66+4*g:])
		scale := d * (0.5 + float32(word>>28)) * 0.5
		for l := range 4 {
			pair := indices[8*g+2*l:]
			decodeVectors4(dst[32*g+8*l:], &gridIQ3XXS[pair[0]], &gridIQ3XXS[pair[1]], signs7(word>>(7*l)), scale)
		}
	}
}

// decodeIQ3S decodes d, 64 bytes of indices, eight bytes with the ninth bits of eight indices
// each, 32 bytes of signs, and four bytes with two scales each.
func decodeIQ3S(dst []float32, src []byte) {
	d, indices, high, signs := half(src), src[2:66], src[66:74], src[74:106]
	for g := range 8 {
		scale := d * float32(1+2*(src[106+g/2]>>(g%2*4)&15))
		for l := range 4 {
			first := int(indices[8*g+2*l]) | int(high[g]>>(2*l)&1)<<8
			second := int(indices[8*g+2*l+1]) | int(high[g]>>(2*l+1)&1)<<8
			decodeVectors4(dst[32*g+8*l:], &gridIQ3S[first], &gridIQ3S[second], signs[4*g+l], scale)
		}
	}
}

// shiftIQ1 is added to, or subtracted from, every element of IQ1_S and IQ1_M.
const shiftIQ1 = 0.125

// decodeVector1 stores d times the sum of an entry of the codebook and the shift. The shift is
// negative if sign is not 0.
func decodeVector1(dst []float32, grid *[8]float32, sign int, d float32) {
	shift := float32(shiftIQ1)
	if sign != 0 {
		shift = -shift
	}
	x := (*[8]float32)(dst)
	for j, v := range grid {
		x[j] = d * (v + shift)
	}
}

// decodeIQ1S decodes d, 32 bytes of indices, and a word for each 32 elements:
// the high three bits of four indices, three bits of scale, and the sign of the
// shift.
func decodeIQ1S(dst []float32, src []byte) {
	d, indices := half(src), src[2:34]
	for g := range 8 {
		word := int(binary.LittleEndian.Uint16(src[34+2*g:]))
		scale := d * float32(2*(word>>12&7)+1)
		for l := range 4 {
			index := int(indices[4*g+l]) | word>>(3*l)&7<<8
			decodeVector1(dst[32*g+8*l:], &gridIQ1[index], word>>15, scale)
		}
	}
}

// decodeIQ1M decodes 32 bytes of indices, 16 bytes with three high bits of an
// index and the sign of its shift in every half, and four words. A word has four
// scales of three bits; its high four bits are a quarter of d.
func decodeIQ1M(dst []float32, src []byte) {
	indices, high := src[:32], src[32:48]
	var words [4]int
	bits := 0
	for i := range words {
		words[i] = int(binary.LittleEndian.Uint16(src[48+2*i:]))
		bits |= words[i] >> 12 << (4 * i)
	}
	d := halves[bits]
	for l := range 32 {
		scale := d * float32(2*(words[l/8]>>(l%8/2*3)&7)+1)
		more := int(high[l/2] >> (l % 2 * 4))
		index := int(indices[l]) | more&7<<8
		decodeVector1(dst[8*l:], &gridIQ1[index], more&8, scale)
	}
}
