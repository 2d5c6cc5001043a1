package gguf

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/a01592f9/quant"
)

// The quantize_*.go files encode the block formats, one file per family, with
// the bytes of ggml's quantize_row_*_ref functions: those that make model files
// the same on every machine, without importance of weights. Their arithmetic is
// float32, one operation after the other in the order of ggml, and none fused.

// Encode stores src as elements of t, a type that is Writable, in dst. The error
// is a *quant.NotFiniteError at the first element that is NaN or infinite, or a
// *ScaleError; what dst then holds is not specified. F32 takes any element. It
// panics if src is not whole blocks, dst is shorter, or t is another type.
func (t Type) Encode(dst []byte, src []float32) error {
	switch t {
	case F32:
		dst = dst[:4*len(src)]
		for i, v := range src {
			binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(v))
		}
		return nil
	case F16, BF16:
		return t.encode16(dst, src)
	}
	return t.Quantize(dst, src)
}

// Writable reports whether Encode takes t.
func (t Type) Writable() bool {
	switch t {
	case F32, F16, BF16:
		return true
	}
	return t.encoder() != nil
}

// A ScaleError reports a block whose scale or minimum the type cannot hold, or
// an element that F16 or BF16 cannot hold.
type ScaleError struct {
	Index int     // of the element, or the first element of the block
	Value float32 // the element, or the one of the largest magnitude in the block

	number Type // F16 or BF16; F32 for a block
}

func (e *ScaleError) Error() string {
	if e.number != F32 {
		return fmt.Sprintf("%g at index %d is beyond %s", e.Value, e.Index, e.number)
	}
	return fmt.Sprintf("%g in the block from index %d on needs a scale beyond float16", e.Value, e.Index)
}

// encode16 rounds to the nearest F16 or BF16, of two that are as near to the
// even one.
func (t Type) encode16(dst []byte, src []float32) error {
	dst = dst[:2*len(src)]
	for i, v := range src {
		b := math.Float32bits(v)
		if b&0x7f800000 == 0x7f800000 {
			return &quant.NotFiniteError{Index: i, Channel: -1, Value: v}
		}
		h, infinite := uint16((b+0x7fff+b>>16&1)>>16), uint16(0x7f80)
		if t == F16 {
			h, infinite = toHalf(v), 0x7c00
		}
		if h&infinite == infinite {
			return &ScaleError{i, v, t}
		}
		binary.LittleEndian.PutUint16(dst[2*i:], h)
	}
	return nil
}

// encoder returns the function that encodes a block of t; nil if there is none.
// The function returns false if an element is NaN or infinite, or a scale or
// minimum is too large for the block.
func (t Type) encoder() func(dst []byte, x []float32) bool {
	switch t {
	case Q8_0:
		return encodeQ8_0
	case Q4_0:
		return encodeQ4_0
	case Q4_1:
		return encodeQ4_1
	case Q5_0:
		return encodeQ5_0
	case Q5_1:
		return encodeQ5_1
	case Q4_K:
		return encodeQ4K
	case Q5_K:
		return encodeQ5K
	case Q6_K:
		return encodeQ6K
	case IQ4_NL:
		return encodeIQ4NL
	case MXFP4:
		return encodeMXFP4
	}
	return nil
}

// Quantize is Encode for types that have blocks.
func (t Type) Quantize(dst []byte, src []float32) error {
	encode := t.encoder()
	if encode == nil {
		panic("gguf: nothing is quantized to " + t.String())
	}
	block, size := t.Block()
	if len(src)%block != 0 {
		panic("gguf: source is not whole blocks")
	}
	dst = dst[:len(src)/block*size]
	for off := 0; off < len(src); off += block {
		x := src[off:][:block:block]
		if !encode(dst[:size:size], x) {
			return refused(x, off)
		}
		dst = dst[size:]
	}
	return nil
}

// refused returns the error of a block that was not encoded.
func refused(x []float32, off int) error {
	if i := notFinite(x); i >= 0 {
		return &quant.NotFiniteError{Index: off + i, Channel: -1, Value: x[i]}
	}
	_, most := largest(x)
	return &ScaleError{off, most, F32}
}

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
