package gguf

import (
	"encoding/binary"
	"math"
)

// The encoders of the simple types; dequantize_simple.go describes their blocks. If the
// reciprocal of a scale is infinite, ggml computes infinities and NaN and converts them to
// integers. On x86 these, and all values that int32 cannot hold, become 0. Such scales are
// stored as 0.

// encodeQ8_0 rounds to nearest, ties away from zero.
func encodeQ8_0(dst []byte, x []float32) bool {
	amax, _ := largest(x)
	if amax >= 0x7f800000 {
		return false
	}
	d := math.Float32frombits(amax) / 127
	id := reciprocal(d)
	codes := (*[32]byte)(dst[2:])
	if math.IsInf(float64(id), 0) {
		clear(codes[:])
		return putHalf(dst, d)
	}
	for i, v := range (*[32]float32)(x) {
		// For y = v·id, ⌊|y| + ½⌋ = ⌊(⌊2|y|⌋ + 1) / 2⌋, and 2y is exact. For a negative y the
		// shift rounds away from zero.
		y := v * id
		twice := int32(y + y)
		codes[i] = byte((twice + 1 + twice>>31) >> 1)
	}
	return putHalf(dst, d)
}

// encodeQ4_0 gives the largest magnitude the code −8, whatever its sign. A block of zeros has
// the scale −0, as in ggml.
func encodeQ4_0(dst []byte, x []float32) bool {
	amax, most := largest(x)
	if amax >= 0x7f800000 {
		return false
	}
	d := most / -8
	var codes [32]byte
	centred(&codes, (*[32]float32)(x), reciprocal(d), 8)
	packNibbles((*[16]byte)(dst[2:]), &codes)
	return putHalf(dst, d)
}

// encodeQ5_0 is encodeQ4_0 with a code of −16.
func encodeQ5_0(dst []byte, x []float32) bool {
	amax, most := largest(x)
	if amax >= 0x7f800000 {
		return false
	}
	d := most / -16
	var codes [32]byte
	centred(&codes, (*[32]float32)(x), reciprocal(d), 16)
	binary.LittleEndian.PutUint32(dst[2:], packNibbles((*[16]byte)(dst[6:]), &codes))
	return putHalf(dst, d)
}

// centred stores round(x·id + zero) in codes, limited to 2·zero - 1.
func centred(codes *[32]byte, x *[32]float32, id float32, zero int32) {
	if math.IsInf(float64(id), 0) {
		return
	}
	half := float32(zero) + 0.5
	for i, v := range x {
		codes[i] = byte(min(int32(float32(v*id)+half), 2*zero-1))
	}
}

// packNibbles stores the low four bits of codes, and returns their fifth bits.
func packNibbles(dst *[16]byte, codes *[32]byte) (fifth uint32) {
	for j := range dst {
		low, high := codes[j], codes[j+16]
		dst[j] = low&15 | high<<4
		fifth |= uint32(low>>4)<<j | uint32(high>>4)<<(j+16)
	}
	return fifth
}

func encodeQ4_1(dst []byte, x []float32) bool {
	var codes [32]byte
	ok := fromMinimum(dst, &codes, x, 15)
	packNibbles((*[16]byte)(dst[4:]), &codes)
	return ok
}

func encodeQ5_1(dst []byte, x []float32) bool {
	var codes [32]byte
	ok := fromMinimum(dst, &codes, x, 31)
	binary.LittleEndian.PutUint32(dst[4:], packNibbles((*[16]byte)(dst[8:]), &codes))
	return ok
}

// fromMinimum stores the scale and the minimum in dst, and codes from 0 to most, from the
// smallest element to the largest.
func fromMinimum(dst []byte, codes *[32]byte, x []float32, most int32) bool {
	if notFinite(x) >= 0 {
		return false
	}
	low, high := float32(math.MaxFloat32), float32(-math.MaxFloat32)
	for _, v := range x {
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	d := (high - low) / float32(most)
	if !putHalf(dst, d) || !putHalf(dst[2:], low) {
		return false
	}
	id := reciprocal(d)
	if math.IsInf(float64(id), 0) {
		return true
	}
	for i, v := range (*[32]float32)(x) {
		codes[i] = byte(min(int32(float32((v-low)*id)+0.5), most))
	}
	return true
}
