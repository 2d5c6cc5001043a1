//go:build !purego

package quant

import "github.com/klauspost/cpuid/v2"

var usable = detect()

// detect lists every feature that the assembly uses.
func detect() []isa {
	sets := []isa{generic}
	if cpuid.CPU.Supports(cpuid.AVX2, cpuid.FMA3, cpuid.F16C, cpuid.BMI2) {
		sets = append(sets, avx2)
	}
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL, cpuid.AVX512DQ, cpuid.BMI2, cpuid.FMA3) {
		sets = append(sets, avx512)
	}
	return sets
}

//go:noescape
func rangeRunsAVX512(lo, hi, src []float32, run int) bool

//go:noescape
func quantizeInt8RunsAVX512(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)

//go:noescape
func quantizeInt16RunsAVX512(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool)

//go:noescape
func dequantizeInt8RunsAVX512(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed, stream bool)

//go:noescape
func dequantizeInt16RunsAVX512(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed, stream bool)

//go:noescape
func squaresRunsAVX512(acc []float64, src []float32, run int)

//go:noescape
func errorsRunsAVX512(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func errorsColumnsAVX512(abs, sq *float64, max *float32, clipped *uint32, src *float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) int

// storeFence makes what was stored past the caches visible to other cores
// before what is stored next.
func storeFence()

func rangeRuns(lo, hi, src []float32, run int) bool {
	switch active {
	case avx512:
		return rangeRunsAVX512(lo, hi, src, run)
	}
	return rangeRunsGeneric(lo, hi, src, run)
}

func rangeColumns(lo, hi, src []float32, rows, stride int) bool {
	return rangeColumnsGeneric(lo, hi, src, rows, stride)
}

func quantizeInt8Runs(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	switch active {
	case avx512:
		quantizeInt8RunsAVX512(dst[:len(src)], src, run, scale, zero[:len(scale)], qmin, qmax, stream)
	default:
		quantizeRunsGeneric(dst, src, run, scale, zero, qmin, qmax)
	}
}

func quantizeInt8Columns(dst []uint8, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
}

func quantizeInt16Runs(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	switch active {
	case avx512:
		quantizeInt16RunsAVX512(dst[:len(src)], src, run, scale, zero[:len(scale)], qmin, qmax, stream)
	default:
		quantizeRunsGeneric(dst, src, run, scale, zero, qmin, qmax)
	}
}

func quantizeInt16Columns(dst []uint16, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
}

func dequantizeInt8Runs(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed, stream bool) {
	switch active {
	case avx512:
		dequantizeInt8RunsAVX512(dst[:len(src)], src, run, scale, zero, signed, stream)
	default:
		dequantizeInt8RunsGeneric(dst, src, run, scale, zero, signed)
	}
}

func dequantizeInt8Columns(dst []float32, src []uint8, scale []float32, zero []int32, signed, stream bool) {
	dequantizeInt8ColumnsGeneric(dst, src, scale, zero, signed)
}

func dequantizeInt16Runs(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed, stream bool) {
	switch active {
	case avx512:
		dequantizeInt16RunsAVX512(dst[:len(src)], src, run, scale, zero, signed, stream)
	default:
		dequantizeInt16RunsGeneric(dst, src, run, scale, zero, signed)
	}
}

func dequantizeInt16Columns(dst []float32, src []uint16, scale []float32, zero []int32, signed, stream bool) {
	dequantizeInt16ColumnsGeneric(dst, src, scale, zero, signed)
}

func errorsRuns(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	if active == avx512 {
		for {
			n := errorsRunsAVX512(acc, src, run, scale, zero[:len(scale)], qmin, qmax)
			if n >= len(acc) {
				return
			}
			// A scale that the kernel leaves: define its 16 runs, and go on.
			acc, src, scale, zero = acc[n:], src[n*run:], scale[n:], zero[n:]
			n = min(16, len(acc))
			m := min(n*run, len(src))
			errorsRunsGeneric(acc[:n], src[:m], run, scale, zero, qmin, qmax)
			if acc, src, scale, zero = acc[n:], src[m:], scale[n:], zero[n:]; len(acc) == 0 {
				return
			}
		}
	}
	errorsRunsGeneric(acc, src, run, scale, zero, qmin, qmax)
}

func errorsColumns(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) {
	if active == avx512 && rows > 0 {
		for {
			n := errorsColumnsAVX512(&acc.abs[0], &acc.sq[0], &acc.max[0], &acc.clipped[0], &src[0], rows, stride, scale, zero[:len(scale)], qmin, qmax)
			if n >= len(scale) {
				return
			}
			acc, src, scale, zero = acc.from(n), src[n:], scale[n:], zero[n:]
			n = min(16, len(scale))
			errorsColumnsGeneric(acc.sub(n), src, rows, stride, scale[:n], zero, qmin, qmax)
			if n == len(scale) {
				return
			}
			acc, src, scale, zero = acc.from(n), src[n:], scale[n:], zero[n:]
		}
	}
	errorsColumnsGeneric(acc, src, rows, stride, scale, zero, qmin, qmax)
}

func squaresRuns(acc []float64, src []float32, run int) {
	switch active {
	case avx512:
		squaresRunsAVX512(acc, src, run)
	default:
		squaresRunsGeneric(acc, src, run)
	}
}

func squaresColumns(acc []float64, src []float32, rows, stride int) {
	squaresColumnsGeneric(acc, src, rows, stride)
}

func pack8(dst []byte, codes []uint8, bits int, stream bool) { pack8Generic(dst, codes, bits) }

func unpack8(dst []uint8, packed []byte, bits int, signed bool) {
	unpack8Generic(dst, packed, bits, signed)
}

func widenBFloat16(dst []float32, src []uint16) { widenBFloat16Generic(dst, src) }

func widenFloat16(dst []float32, src []uint16) { widenFloat16Generic(dst, src) }

func fence() { storeFence() }
