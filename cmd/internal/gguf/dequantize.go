package gguf

import "encoding/binary"

// A block of 32 elements begins with its scale d, a float16. In Q4_1 and Q5_1
// the minimum m follows, another float16. In Q5_0 and Q5_1 there is a word with
// the fifth bit of every code next. Then come the codes: in Q8_0 a signed byte
// each, else four bits each, element j in the low half of byte j and element
// j+16 in the high half.

// Dequantize stores in dst what the blocks in src stand for, with the bits of
// ggml. It panics if dst is not whole blocks, src is shorter, or t is not
// quantized or not Readable.
func (t Type) Dequantize(dst []float32, src []byte) {
	block, size := t.Block()
	if len(dst)%block != 0 {
		panic("gguf: destination is not whole blocks")
	}
	src = src[:len(dst)/block*size]
	switch t {
	case Q8_0:
		for ; len(src) >= 34; dst, src = dst[32:], src[34:] {
			dequantizeQ8((*[32]float32)(dst), (*[32]byte)(src[2:]), half(src))
		}
	case Q4_0:
		for ; len(src) >= 18; dst, src = dst[32:], src[18:] {
			dequantizeQ4((*[32]float32)(dst), (*[16]byte)(src[2:]), half(src), 8, 0)
		}
	case Q4_1:
		for ; len(src) >= 20; dst, src = dst[32:], src[20:] {
			dequantizeQ4((*[32]float32)(dst), (*[16]byte)(src[4:]), half(src), 0, half(src[2:]))
		}
	case Q5_0:
		for ; len(src) >= 22; dst, src = dst[32:], src[22:] {
			fifth := binary.LittleEndian.Uint32(src[2:])
			dequantizeQ5((*[32]float32)(dst), (*[16]byte)(src[6:]), fifth, half(src), 16, 0)
		}
	case Q5_1:
		for ; len(src) >= 24; dst, src = dst[32:], src[24:] {
			fifth := binary.LittleEndian.Uint32(src[4:])
			dequantizeQ5((*[32]float32)(dst), (*[16]byte)(src[8:]), fifth, half(src), 0, half(src[2:]))
		}
	default:
		panic("gguf: blocks of " + t.String() + " cannot be dequantized")
	}
}

// half returns the float16 that src begins with.
func half(src []byte) float32 { return halves[binary.LittleEndian.Uint16(src)] }

func dequantizeQ8(dst *[32]float32, codes *[32]byte, d float32) {
	for i, c := range codes {
		dst[i] = float32(int8(c)) * d
	}
}

// dequantizeQ4 makes values of codes of 4 bits: (code − zero)·d, plus m if the
// type has a minimum, which is to say no zero: a sum with 0 would lose the sign
// of −0.
func dequantizeQ4(dst *[32]float32, codes *[16]byte, d float32, zero int, m float32) {
	if zero != 0 {
		for j, c := range codes {
			dst[j] = float32(int(c&15)-zero) * d
			dst[j+16] = float32(int(c>>4)-zero) * d
		}
		return
	}
	for j, c := range codes {
		dst[j] = float32(float32(c&15)*d) + m
		dst[j+16] = float32(float32(c>>4)*d) + m
	}
}

// dequantizeQ5 is dequantizeQ4 with a fifth bit, of element i in bit i of fifth.
func dequantizeQ5(dst *[32]float32, codes *[16]byte, fifth uint32, d float32, zero int, m float32) {
	for j, c := range codes {
		low := int(c&15) | int(fifth>>j&1)<<4
		high := int(c>>4) | int(fifth>>(j+16)&1)<<4
		if zero != 0 {
			dst[j] = float32(low-zero) * d
			dst[j+16] = float32(high-zero) * d
			continue
		}
		dst[j] = float32(float32(low)*d) + m
		dst[j+16] = float32(float32(high)*d) + m
	}
}
