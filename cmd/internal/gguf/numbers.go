package gguf

import (
	"encoding/binary"
	"math"
)

// What the encoders of several types compute.

// notFinite returns the index of the first element that is NaN or infinite; -1 if
// there is none.
func notFinite(x []float32) int {
	for i, v := range x {
		if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
			return i
		}
	}
	return -1
}

// largest returns the magnitude of the largest element of x, as bits, and the
// first element that has it, or +0. The magnitude of a NaN is above infinity's.
// The length of x is a multiple of 4.
func largest(x []float32) (amax uint32, most float32) {
	const sign = 1 << 31
	var m [4]uint32 // so that one comparison need not wait for another
	for i := 0; i+4 <= len(x); i += 4 {
		m[0] = max(m[0], math.Float32bits(x[i])&^sign)
		m[1] = max(m[1], math.Float32bits(x[i+1])&^sign)
		m[2] = max(m[2], math.Float32bits(x[i+2])&^sign)
		m[3] = max(m[3], math.Float32bits(x[i+3])&^sign)
	}
	amax = max(m[0], m[1], m[2], m[3])
	if amax == 0 {
		return 0, 0 // never -0
	}
	for _, v := range x {
		if math.Float32bits(v)&^sign == amax {
			return amax, v
		}
	}
	return amax, 0
}

// putHalf stores x as a float16, and returns false if that is infinite or NaN.
func putHalf(dst []byte, x float32) bool {
	h := toHalf(x)
	binary.LittleEndian.PutUint16(dst, h)
	return h&0x7c00 != 0x7c00
}

// reciprocal is how ggml divides by a scale.
func reciprocal(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}

// absolute returns |x|.
func absolute(x float32) float32 { return math.Float32frombits(math.Float32bits(x) &^ (1 << 31)) }

// tiny is the magnitude below which a group counts as zeros.
const tiny = 1e-15
