package gguf

import (
	"encoding/binary"
	"math"

	"github.com/a01592f9/quant"
)

// The dequantize_*.go files decode the block formats, one file per family, with
// the bits of ggml's dequantize_row functions. Numbers in blocks are in
// little-endian order. Every product that is added or subtracted is
// converted, float32(a*b)+c, so that no compiler fuses the two.

// Dequantize stores in dst the values of the blocks in src, with the bits of
// ggml. It panics if dst is not whole blocks, src is shorter, or t is not
// read.
func (t Type) Dequantize(dst []float32, src []byte) {
	if !t.decoded() {
		panic("gguf: blocks of " + t.String() + " cannot be dequantized")
	}
	block, size := t.Block()
	if len(dst)%block != 0 {
		panic("gguf: destination is not whole blocks")
	}
	src = src[:len(dst)/block*size]
	decode := types[t].decode
	if block == 1 {
		decode(dst, src)
		return
	}
	for ; len(dst) > 0; dst, src = dst[block:], src[size:] {
		decode(dst[:block:block], src[:size:size])
	}
}

// half returns the float16 that src begins with.
func half(src []byte) float32 { return halves[binary.LittleEndian.Uint16(src)] }

func decodeF32(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
	}
}

func decodeF16(dst []float32, src []byte) { decode16(dst, src, quant.WidenFloat16) }

func decodeBF16(dst []float32, src []byte) { decode16(dst, src, quant.WidenBFloat16) }

func decode16(dst []float32, src []byte, widen func(dst []float32, src []uint16)) {
	var halves [256]uint16
	for len(dst) > 0 {
		h := halves[:min(len(dst), len(halves))]
		for i := range h {
			h[i] = binary.LittleEndian.Uint16(src[2*i:])
		}
		widen(dst[:len(h)], h)
		dst, src = dst[len(h):], src[2*len(h):]
	}
}

// decodeF64 rounds to the nearest float32, which may be infinite.
func decodeF64(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
	}
}

func decodeI8(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(int8(src[i]))
	}
}

func decodeI16(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(int16(binary.LittleEndian.Uint16(src[2*i:])))
	}
}

// decodeI32 rounds integers of more than 24 bits to the nearest float32.
func decodeI32(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(int32(binary.LittleEndian.Uint32(src[4*i:])))
	}
}

// decodeI64 rounds integers of more than 24 bits to the nearest float32.
func decodeI64(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = float32(int64(binary.LittleEndian.Uint64(src[8*i:])))
	}
}
