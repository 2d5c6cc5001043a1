//go:build !purego

package quant

// Packed codes of 4 and of 2 bits without a buffer for codes that are not packed.

//go:noescape
func quantizePackedAVX512(dst []byte, src []float32, scale float32, zero, qmin, qmax int32, bits int) bool

//go:noescape
func dequantize2RunsAVX512(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed, stream bool)

// quantizePacked has a kernel for AVX-512, for 4 and 2 bits. It returns false, and stores nothing,
// without a kernel for the parameters.
func quantizePacked(dst []byte, src []float32, scale float32, zero, qmin, qmax int32, bits int) bool {
	if active != avx512 || bits != 4 && bits != 2 {
		return false
	}
	return quantizePackedAVX512(dst[:packedLen(int64(len(src)), bits)], src, scale, zero, qmin, qmax, bits)
}

// dequantize2Runs has a kernel for AVX-512. Otherwise it returns false.
func dequantize2Runs(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed, stream bool) bool {
	if active != avx512 {
		return false
	}
	dequantize2RunsAVX512(dst, packed[:packedLen(int64(len(dst)), 2)], run, scale, zero, signed, stream)
	return true
}
