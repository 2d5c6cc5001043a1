package gguf

import (
	"encoding/binary"
	"math"

	"github.com/a01592f9/quant"
)

// Float16 returns the bits of the float16 nearest to x, of two that are as near
// the even one.
func Float16(x float32) uint16 { return toHalf(x) }

// toHalf returns the bits of the float16 nearest to x, of two that are as near
// the even one. Of a NaN only the sign is kept.
func toHalf(x float32) uint16 {
	b := math.Float32bits(x)
	sign := uint16(b >> 16 & 0x8000)
	b &= 0x7fffffff
	switch {
	case b > 0x7f800000:
		return sign | 0x7e00
	case b >= 0x477ff000: // 65520, half-way from the largest to the next
		return sign | 0x7c00
	case b >= 0x38800000: // 2⁻¹⁴, the smallest normal
		// The exponent's bias falls from 127 to 15 and 13 bits fall off. A carry
		// out of the fraction goes on into the exponent, as it should.
		b -= (127 - 15) << 23
		return sign | uint16((b+0xfff+b>>13&1)>>13)
	}
	// In units of the smallest subnormal, 2⁻²⁴, which is what a sum with
	// 2⁻²⁴·2²³ is rounded to.
	const unit = 0x1p-1
	y := math.Float32frombits(b) + unit
	return sign | uint16(math.Float32bits(y)-math.Float32bits(unit))
}

// halves is the value of every float16.
var halves = func() *[1 << 16]float32 {
	bits := make([]uint16, 1<<16)
	for i := range bits {
		bits[i] = uint16(i)
	}
	values := new([1 << 16]float32)
	quant.WidenFloat16(values[:], bits)
	return values
}()

// half returns the float16 that src begins with.
func half(src []byte) float32 { return halves[binary.LittleEndian.Uint16(src)] }
