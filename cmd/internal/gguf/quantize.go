package gguf

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/a01592f9/quant"
)

// Encode stores src as elements of t, F32, Q8_0 or Q4_0, in dst. Errors are those
// of Quantize.
func (t Type) Encode(dst []byte, src []float32) error {
	if t != F32 {
		return t.Quantize(dst, src)
	}
	dst = dst[:4*len(src)]
	for i, v := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
	}
	return nil
}

// A ScaleError reports a block whose scale float16 cannot hold.
type ScaleError struct {
	Index int     // of the first element of the block
	Value float32 // the one of the largest magnitude in it
}

func (e *ScaleError) Error() string {
	return fmt.Sprintf("%g in the block from index %d on needs a scale beyond float16", e.Value, e.Index)
}

// Quantize stores src as blocks of t, Q8_0 or Q4_0, in dst, with the bytes of
// ggml's reference. The error is a *quant.NotFiniteError at the first element
// that is NaN or infinite, or a *ScaleError; what dst then holds is not
// specified. It panics if src is not whole blocks, dst is shorter, or t is
// another type.
func (t Type) Quantize(dst []byte, src []float32) error {
	if len(src)%BlockLen != 0 {
		panic("gguf: source is not whole blocks")
	}
	_, size := t.Block()
	dst = dst[:len(src)/BlockLen*size]
	for off := 0; off < len(src); off += BlockLen {
		x := (*[BlockLen]float32)(src[off:])
		amax, most := largest(x)
		if amax >= 0x7f800000 {
			return notFinite(x, off)
		}
		var d float32
		switch t {
		case Q8_0:
			d = math.Float32frombits(amax) / 127
			quantizeQ8((*[32]byte)(dst[2:]), x, d)
		case Q4_0:
			// −8 is the code of the largest magnitude, whatever its sign. Of
			// zeros only, d is −0, which ggml stores as such.
			d = most / -8
			quantizeQ4((*[16]byte)(dst[2:]), x, d)
		default:
			panic("gguf: nothing is quantized to " + t.String())
		}
		h := toHalf(d)
		if h&0x7fff == 0x7c00 {
			return &ScaleError{off, most}
		}
		binary.LittleEndian.PutUint16(dst, h)
		dst = dst[size:]
	}
	return nil
}

// largest returns the magnitude of the largest element of x, as bits, and the
// first element that has it, or +0. The magnitude of a NaN is above infinity's.
func largest(x *[BlockLen]float32) (amax uint32, most float32) {
	const sign = 1 << 31
	var m [4]uint32 // so that one comparison need not wait for another
	for i := 0; i < len(x); i += 4 {
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

func notFinite(x *[BlockLen]float32, off int) error {
	for i, v := range x {
		if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
			return &quant.NotFiniteError{Index: off + i, Channel: -1, Value: v}
		}
	}
	return nil
}

// reciprocal is how ggml divides by a scale.
func reciprocal(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}

// quantizeQ8 rounds to nearest, ties away from zero.
func quantizeQ8(dst *[32]byte, x *[BlockLen]float32, d float32) {
	id := reciprocal(d)
	if math.IsInf(float64(id), 0) {
		// The reference then converts infinities and NaN to integers, of which
		// x86 makes 0. The scale is stored as 0 too.
		clear(dst[:])
		return
	}
	for i, v := range x {
		// Of y = v·id, ⌊|y| + ½⌋ = ⌊(⌊2|y|⌋ + 1) / 2⌋, and 2y is exact. Of a
		// negative y the shift rounds away from zero by itself.
		y := v * id
		twice := int32(y + y)
		dst[i] = byte((twice + 1 + twice>>31) >> 1)
	}
}

func quantizeQ4(dst *[16]byte, x *[BlockLen]float32, d float32) {
	id := reciprocal(d)
	if math.IsInf(float64(id), 0) {
		clear(dst[:]) // as in quantizeQ8
		return
	}
	for j := range dst {
		low := min(int32(float32(x[j]*id)+8.5), 15)
		high := min(int32(float32(x[j+16]*id)+8.5), 15)
		dst[j] = byte(low | high<<4)
	}
}

// Clipped returns how many elements of src, which are whole blocks, t has no
// codes near enough for: in Q4_0, whose codes end at 7 steps on the side of 0
// where the largest magnitude is not.
func (t Type) Clipped(src []float32) int {
	n := 0
	if t != Q4_0 {
		return n
	}
	for ; len(src) > 0; src = src[BlockLen:] {
		x := (*[BlockLen]float32)(src)
		_, most := largest(x)
		id := reciprocal(most / -8)
		if math.IsInf(float64(id), 0) {
			continue // all codes are 0, and so is the scale
		}
		for _, v := range x {
			if float32(v*id)+8.5 >= 16 {
				n++
			}
		}
	}
	return n
}
