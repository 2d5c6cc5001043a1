package gguf

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/a01592f9/quant"
)

// The quantize_*.go files encode the block formats, one file for each family, with the same
// bytes as ggml's quantize_row_*_ref functions without an importance matrix. These give the
// same model files on every machine. Their arithmetic is float32 in the order of ggml, without
// fused operations.

// Encode stores src in dst as elements of t, which must be Writable. The error is a
// *quant.NotFiniteError for the first NaN or infinity, or a *ScaleError; the contents of dst
// are then undefined. F32 takes any element. Encode panics if the length of src is not a
// multiple of the block length, if dst is too short, or for another type.
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

// Writable reports whether Encode supports t.
func (t Type) Writable() bool {
	switch t {
	case F32, F16, BF16:
		return true
	}
	return t.encoder() != nil
}

// A ScaleError reports a block whose scale or minimum the type cannot hold, or an element that
// F16 or BF16 cannot hold.
type ScaleError struct {
	Index int     // index of the element, or of the first element of the block
	Value float32 // the element, or the one of the largest magnitude in the block

	number Type // F16 or BF16; F32 for a block
}

func (e *ScaleError) Error() string {
	if e.number != F32 {
		return fmt.Sprintf("%g at index %d is beyond %s", e.Value, e.Index, e.number)
	}
	return fmt.Sprintf("%g in the block from index %d on needs a scale beyond float16", e.Value, e.Index)
}

// CountedFrom adds first to the index in an error of Encode. first is the index, in the tensor,
// of the first element that was passed to Encode.
func CountedFrom(err error, first int) error {
	var value *quant.NotFiniteError
	var scale *ScaleError
	switch {
	case errors.As(err, &value):
		value.Index += first
	case errors.As(err, &scale):
		scale.Index += first
	}
	return err
}

// encode16 rounds to the nearest F16 or BF16, ties to even.
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

// encoder returns the function that encodes a block of t, or nil. The function returns false if
// an element is NaN or infinite, or if a scale or a minimum is too large.
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

// Quantize is Encode for types with blocks.
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

// refused returns the error for a block that cannot be encoded.
func refused(x []float32, off int) error {
	if i := notFinite(x); i >= 0 {
		return &quant.NotFiniteError{Index: off + i, Channel: -1, Value: x[i]}
	}
	_, most := largest(x)
	return &ScaleError{off, most, F32}
}
