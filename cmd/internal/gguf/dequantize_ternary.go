package gguf

// The ternary types have elements of −1, 0 or 1 times a float16 at the end of
// the block.

// powersOf3 multiply a byte of TQ1_0 so that one of its five digits comes first.
var powersOf3 = [5]byte{1, 3, 9, 27, 81}

// trit returns digit n of a byte of TQ1_0. The byte is the fraction, in 256ths
// and rounded up, whose first five ternary digits are those of elements.
func trit(b byte, n int) int { return int(uint16(b*powersOf3[n])*3>>8) - 1 }

// decodeTQ1 decodes 48 bytes of five elements each, of which the first 32 have
// elements that are 32 apart and the last 16 elements that are 16 apart, and
// four bytes of four elements that are four apart.
func decodeTQ1(dst []float32, src []byte) {
	d := half(src[52:])
	for _, part := range []struct{ from, bytes, digits int }{{0, 32, 5}, {32, 16, 5}, {48, 4, 4}} {
		bytes := src[part.from:][:part.bytes]
		for n := range part.digits {
			for i, b := range bytes {
				dst[i] = float32(trit(b, n)) * d
			}
			dst = dst[part.bytes:]
		}
	}
}

// decodeTQ2 decodes 64 bytes of codes of two bits, less 1: 32 bytes have the
// four planes of 128 elements.
func decodeTQ2(dst []float32, src []byte) {
	d := half(src[64:])
	for p := range 8 {
		x, codes := (*[32]float32)(dst[32*p:]), (*[32]byte)(src[p/4*32:])
		for l, c := range codes {
			x[l] = float32(int(c>>(p%4*2)&3)-1) * d
		}
	}
}
