package tensorfile

import "math"

// widenFloat16 converts IEEE 754 binary16 to float32, exactly.
func widenFloat16(dst []float32, src []uint16) {
	for i, h := range src {
		sign := uint32(h&0x8000) << 16
		exp := uint32(h>>10) & 0x1f
		frac := uint32(h) & 0x3ff
		switch exp {
		case 0: // zero or subnormal: frac * 2^-24
			dst[i] = float32(frac) * 0x1p-24
			if sign != 0 {
				dst[i] = -dst[i]
			}
		case 0x1f: // infinity or NaN
			dst[i] = math.Float32frombits(sign | 0xff<<23 | frac<<13)
		default:
			dst[i] = math.Float32frombits(sign | (exp+127-15)<<23 | frac<<13)
		}
	}
}

// widenBFloat16 converts bfloat16 to float32, exactly.
func widenBFloat16(dst []float32, src []uint16) {
	for i, h := range src {
		dst[i] = math.Float32frombits(uint32(h) << 16)
	}
}
