//go:build !purego

package quant

// Quantizing groups to packed codes of 4 bits.

//go:noescape
func quantizeGroups4AVX2(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

// quantize4Runs has kernels for groups. For large output, which is stored without using the caches,
// packing codes from a buffer is faster, so callers do not use it then.
func quantize4Runs(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) bool {
	if !inGroups(len(src), run) {
		return false
	}
	quantize4InGroups(dst[:packedLen(int64(len(src)), 4)], src, run, scale, zero, qmin, qmax)
	return true
}

// quantize4InGroups is quantizeInt8InGroups for packed codes of 4 bits.
func quantize4InGroups(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	step := groupStep()
	for len(src) > 0 {
		if n := len(src) / run &^ (step - 1); n > 0 {
			if active == avx2 {
				n = quantizeGroups4AVX2(dst[:n*run/2], src[:n*run], run, scale[:n], zero[:n], qmin, qmax)
			} else {
				n = quantizeGroups4AVX512(dst[:n*run/2], src[:n*run], run, scale[:n], zero[:n], qmin, qmax)
			}
			if dst, src, scale, zero = dst[n*run/2:], src[n*run:], scale[n:], zero[n:]; len(src) == 0 {
				return
			}
		}
		k := min(step*run, len(src))
		quantize4RunsBuffered(dst, src[:k], run, scale, zero, qmin, qmax)
		if len(src) == k {
			return
		}
		dst, src, scale, zero = dst[k/2:], src[k:], scale[step:], zero[step:]
	}
}

// quantize4RunsBuffered quantizes up to 16 runs of up to 128 elements to a buffer, and then packs
// the codes.
func quantize4RunsBuffered(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	var buf [16 * 128]uint8
	codes := buf[:len(src)]
	quantizeInt8Alone(codes, src, run, scale, zero[:len(scale)], qmin, qmax)
	pack8(dst, codes, 4, false)
}
