package gguf

import "encoding/binary"

// The simple types have one scale for each block, and some of them a minimum.
//
// A block begins with its scale d, a float16. In Q4_1 and Q5_1 the minimum m follows, another
// float16. In Q8_1 the sum of the values follows, which is ignored. In Q5_0 and Q5_1 a word
// with the fifth bits of all codes is next. Then come the codes. In Q8_0 and Q8_1 they are
// signed bytes. In other types with blocks of 32 they have four bits: element j is in the low
// half of byte j, and element j+16 in its high half. Codes of Q2_0 and Q1_0 have two bits and
// one bit. They are in the order of the elements, from the lowest bits of every byte on.

func decodeQ4_0(dst []float32, src []byte) {
	x, codes, d := (*[32]float32)(dst), (*[16]byte)(src[2:]), half(src)
	for j, c := range codes {
		x[j] = float32(int(c&15)-8) * d
		x[j+16] = float32(int(c>>4)-8) * d
	}
}

func decodeQ4_1(dst []float32, src []byte) {
	x, codes, d, m := (*[32]float32)(dst), (*[16]byte)(src[4:]), half(src), half(src[2:])
	for j, c := range codes {
		x[j] = float32(float32(c&15)*d) + m
		x[j+16] = float32(float32(c>>4)*d) + m
	}
}

// fiveBits returns the codes of elements j and j+16 of Q5_0 and Q5_1. c has the four low bits
// of both, and bit i of fifth is the fifth bit of element i.
func fiveBits(c byte, fifth uint32, j int) (low, high int) {
	return int(c&15) | int(fifth>>j&1)<<4, int(c>>4) | int(fifth>>(j+16)&1)<<4
}

func decodeQ5_0(dst []float32, src []byte) {
	x, codes, d := (*[32]float32)(dst), (*[16]byte)(src[6:]), half(src)
	fifth := binary.LittleEndian.Uint32(src[2:])
	for j, c := range codes {
		low, high := fiveBits(c, fifth, j)
		x[j] = float32(low-16) * d
		x[j+16] = float32(high-16) * d
	}
}

func decodeQ5_1(dst []float32, src []byte) {
	x, codes, d, m := (*[32]float32)(dst), (*[16]byte)(src[8:]), half(src), half(src[2:])
	fifth := binary.LittleEndian.Uint32(src[4:])
	for j, c := range codes {
		low, high := fiveBits(c, fifth, j)
		x[j] = float32(float32(low)*d) + m
		x[j+16] = float32(float32(high)*d) + m
	}
}

func decodeQ8_0(dst []float32, src []byte) {
	decodeBytes((*[32]float32)(dst), (*[32]byte)(src[2:]), half(src))
}

func decodeQ8_1(dst []float32, src []byte) {
	decodeBytes((*[32]float32)(dst), (*[32]byte)(src[4:]), half(src))
}

func decodeBytes(dst *[32]float32, codes *[32]byte, d float32) {
	for i, c := range codes {
		dst[i] = float32(int8(c)) * d
	}
}

// decodeQ1_0 decodes the signs of 128 elements.
func decodeQ1_0(dst []float32, src []byte) {
	x, d := (*[128]float32)(dst), half(src)
	for j := range x {
		x[j] = -d
		if src[2+j/8]>>(j%8)&1 != 0 {
			x[j] = d
		}
	}
}

// decodeQ2_0 decodes 64 elements of −1, 0, 1 or 2 steps.
func decodeQ2_0(dst []float32, src []byte) {
	x, d := (*[64]float32)(dst), half(src)
	for j := range x {
		x[j] = float32(int(src[2+j/4]>>(j%4*2)&3)-1) * d
	}
}
