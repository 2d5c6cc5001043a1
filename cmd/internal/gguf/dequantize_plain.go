package gguf

import (
	"encoding/binary"
	"math"

	"github.com/a01592f9/quant"
)

// Decoders of the types that have a number for each element.

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
