package gguf

import (
	"encoding/binary"
	"errors"
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

// CountedFrom has the index in an error of Encode count from the beginning of a tensor
// whose element first was the first that Encode got.
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
