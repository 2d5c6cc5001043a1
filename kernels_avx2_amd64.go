//go:build !purego

package quant

//go:noescape
func rangeRunsAVX2(lo, hi, src []float32, run int) bool

//go:noescape
func quantizeInt8RunsAVX2(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)

//go:noescape
func quantizeInt16RunsAVX2(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)

//go:noescape
func dequantizeInt8RunsAVX2(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed, stream bool)

//go:noescape
func dequantizeInt16RunsAVX2(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed, stream bool)

//go:noescape
func squaresRunsAVX2(acc []float64, src []float32, run int)

//go:noescape
func errorsRunsAVX2(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

// errorsRunsBy8 lets the kernel do runs 8 at a time, and the definition those
// among which is a scale that the kernel leaves.
func errorsRunsBy8(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	for {
		n := errorsRunsAVX2(acc, src, run, scale, zero[:len(scale)], qmin, qmax)
		if n >= len(acc) {
			return
		}
		acc, src, scale, zero = acc[n:], src[n*run:], scale[n:], zero[n:]
		n = min(8, len(acc))
		m := min(n*run, len(src))
		errorsRunsGeneric(acc[:n], src[:m], run, scale, zero, qmin, qmax)
		if acc, src, scale, zero = acc[n:], src[m:], scale[n:], zero[n:]; len(acc) == 0 {
			return
		}
	}
}
