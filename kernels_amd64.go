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

//go:noescape
func rangeColumnsAVX512(lo, hi []float32, src *float32, rows, stride int) bool

//go:noescape
func quantizeInt8ColumnsAVX512(dst *uint8, src *float32, rows int, scale []float32, zero []int32, qmin, qmax int32)

//go:noescape
func quantizeInt16ColumnsAVX512(dst *uint16, src *float32, rows int, scale []float32, zero []int32, qmin, qmax int32)

//go:noescape
func dequantizeInt8ColumnsAVX512(dst *float32, src *uint8, rows int, scale []float32, zero []int32, signed bool)

//go:noescape
func dequantizeInt16ColumnsAVX512(dst *float32, src *uint16, rows int, scale []float32, zero []int32, signed bool)

//go:noescape
func squaresColumnsAVX512(acc []float64, src *float32, rows, stride int)

//go:noescape
func pack4AVX512(dst []byte, codes []uint8, stream bool)

//go:noescape
func pack2AVX512(dst []byte, codes []uint8)

//go:noescape
func unpack4AVX512(dst []uint8, packed []byte, signed bool)

//go:noescape
func unpack2AVX512(dst []uint8, packed []byte, signed bool)

//go:noescape
func widenBFloat16AVX512(dst []float32, src []uint16)

//go:noescape
func widenFloat16AVX512(dst []float32, src []uint16)

// storeFence makes what was stored past the caches visible to other cores
// before what is stored next.
func storeFence()

func rangeRuns(lo, hi, src []float32, run int) bool {
	switch active {
	case avx2:
		return rangeRunsAVX2(lo, hi, src, run)
	case avx512:
		return rangeRunsAVX512(lo, hi, src, run)
	}
	return rangeRunsGeneric(lo, hi, src, run)
}

func rangeColumns(lo, hi, src []float32, rows, stride int) bool {
	if active == avx2 && rows > 0 && len(lo) >= 8 {
		return rangeColumnsAVX2(lo, hi, &src[0], rows, stride)
	}
	if active == avx512 && rows > 0 {
		return rangeColumnsAVX512(lo, hi, &src[0], rows, stride)
	}
	return rangeColumnsGeneric(lo, hi, src, rows, stride)
}

func quantizeInt8Runs(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	switch active {
	case avx2:
		quantizeInt8RunsAVX2(dst[:len(src)], src, run, scale, zero[:len(scale)], qmin, qmax, stream)
	case avx512:
		quantizeInt8RunsAVX512(dst[:len(src)], src, run, scale, zero[:len(scale)], qmin, qmax, stream)
	default:
		quantizeRunsGeneric(dst, src, run, scale, zero, qmin, qmax)
	}
}

func quantizeInt8Columns(dst []uint8, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	if active == avx2 {
		quantizeInt8ColumnsBy8(dst, src, scale, zero, qmin, qmax)
		return
	}
	if rows := len(src) / len(scale); active == avx512 && rows > 0 {
		n := rows * len(scale)
		quantizeInt8ColumnsAVX512(&dst[:n][0], &src[:n][0], rows, scale, zero[:len(scale)], qmin, qmax)
		if dst, src = dst[n:], src[n:]; len(src) == 0 {
			return
		}
		scale, zero = scale[:len(src)], zero[:len(src)] // a last row that is shorter
		quantizeInt8ColumnsAVX512(&dst[:len(src)][0], &src[0], 1, scale, zero, qmin, qmax)
		return
	}
	quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
}

func quantizeInt16Runs(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	switch active {
	case avx2:
		quantizeInt16RunsAVX2(dst[:len(src)], src, run, scale, zero[:len(scale)], qmin, qmax, stream)
	case avx512:
		quantizeInt16RunsAVX512(dst[:len(src)], src, run, scale, zero[:len(scale)], qmin, qmax, stream)
	default:
		quantizeRunsGeneric(dst, src, run, scale, zero, qmin, qmax)
	}
}

func quantizeInt16Columns(dst []uint16, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	if active == avx2 {
		quantizeInt16ColumnsBy8(dst, src, scale, zero, qmin, qmax)
		return
	}
	if rows := len(src) / len(scale); active == avx512 && rows > 0 {
		n := rows * len(scale)
		quantizeInt16ColumnsAVX512(&dst[:n][0], &src[:n][0], rows, scale, zero[:len(scale)], qmin, qmax)
		if dst, src = dst[n:], src[n:]; len(src) == 0 {
			return
		}
		scale, zero = scale[:len(src)], zero[:len(src)] // a last row that is shorter
		quantizeInt16ColumnsAVX512(&dst[:len(src)][0], &src[0], 1, scale, zero, qmin, qmax)
		return
	}
	quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
}

func dequantizeInt8Runs(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed, stream bool) {
	switch active {
	case avx2:
		dequantizeInt8RunsAVX2(dst[:len(src)], src, run, scale, zero, signed, stream)
	case avx512:
		dequantizeInt8RunsAVX512(dst[:len(src)], src, run, scale, zero, signed, stream)
	default:
		dequantizeInt8RunsGeneric(dst, src, run, scale, zero, signed)
	}
}

func dequantizeInt8Columns(dst []float32, src []uint8, scale []float32, zero []int32, signed, stream bool) {
	if active == avx2 {
		dequantizeInt8ColumnsBy8(dst, src, scale, zero, signed)
		return
	}
	if rows := len(src) / len(scale); active == avx512 && rows > 0 {
		n := rows * len(scale)
		dequantizeInt8ColumnsAVX512(&dst[:n][0], &src[:n][0], rows, scale, zero[:len(scale)], signed)
		if dst, src = dst[n:], src[n:]; len(src) == 0 {
			return
		}
		scale, zero = scale[:len(src)], zero[:len(src)]
		dequantizeInt8ColumnsAVX512(&dst[:len(src)][0], &src[0], 1, scale, zero, signed)
		return
	}
	dequantizeInt8ColumnsGeneric(dst, src, scale, zero, signed)
}

func dequantizeInt16Runs(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed, stream bool) {
	switch active {
	case avx2:
		dequantizeInt16RunsAVX2(dst[:len(src)], src, run, scale, zero, signed, stream)
	case avx512:
		dequantizeInt16RunsAVX512(dst[:len(src)], src, run, scale, zero, signed, stream)
	default:
		dequantizeInt16RunsGeneric(dst, src, run, scale, zero, signed)
	}
}

func dequantizeInt16Columns(dst []float32, src []uint16, scale []float32, zero []int32, signed, stream bool) {
	if active == avx2 {
		dequantizeInt16ColumnsBy8(dst, src, scale, zero, signed)
		return
	}
	if rows := len(src) / len(scale); active == avx512 && rows > 0 {
		n := rows * len(scale)
		dequantizeInt16ColumnsAVX512(&dst[:n][0], &src[:n][0], rows, scale, zero[:len(scale)], signed)
		if dst, src = dst[n:], src[n:]; len(src) == 0 {
			return
		}
		scale, zero = scale[:len(src)], zero[:len(src)]
		dequantizeInt16ColumnsAVX512(&dst[:len(src)][0], &src[0], 1, scale, zero, signed)
		return
	}
	dequantizeInt16ColumnsGeneric(dst, src, scale, zero, signed)
}

func errorsRuns(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	if active == avx2 {
		errorsRunsBy8(acc, src, run, scale, zero, qmin, qmax)
		return
	}
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
	if active == avx2 && rows > 0 {
		errorsColumnsBy8(acc, src, rows, stride, scale, zero, qmin, qmax)
		return
	}
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
	case avx2:
		squaresRunsAVX2(acc, src, run)
	case avx512:
		squaresRunsAVX512(acc, src, run)
	default:
		squaresRunsGeneric(acc, src, run)
	}
}

func squaresColumns(acc []float64, src []float32, rows, stride int) {
	if active == avx2 && rows > 0 && len(acc) >= 8 {
		squaresColumnsAVX2(acc, &src[0], rows, stride)
		return
	}
	if active == avx512 && rows > 0 {
		squaresColumnsAVX512(acc, &src[0], rows, stride)
		return
	}
	squaresColumnsGeneric(acc, src, rows, stride)
}

func pack8(dst []byte, codes []uint8, bits int, stream bool) {
	switch {
	case active == avx2:
		pack8By8(dst, codes, bits, stream)
	case active == avx512 && bits == 4:
		pack4AVX512(dst[:PackedLen(len(codes), 4)], codes, stream)
	case active == avx512 && bits == 2:
		pack2AVX512(dst[:PackedLen(len(codes), 2)], codes)
	default:
		pack8Generic(dst, codes, bits)
	}
}

func unpack8(dst []uint8, packed []byte, bits int, signed bool) {
	switch {
	case active == avx2:
		unpack8By8(dst, packed, bits, signed)
	case active == avx512 && bits == 4:
		unpack4AVX512(dst, packed[:PackedLen(len(dst), 4)], signed)
	case active == avx512 && bits == 2:
		unpack2AVX512(dst, packed[:PackedLen(len(dst), 2)], signed)
	default:
		unpack8Generic(dst, packed, bits, signed)
	}
}

func widenBFloat16(dst []float32, src []uint16) {
	if active == avx2 && len(src) >= 8 {
		widenBFloat16AVX2(dst, src)
		return
	}
	if active == avx512 {
		widenBFloat16AVX512(dst, src)
		return
	}
	widenBFloat16Generic(dst, src)
}

func widenFloat16(dst []float32, src []uint16) {
	if active == avx2 && len(src) >= 8 {
		widenFloat16AVX2(dst, src)
		return
	}
	if active == avx512 {
		widenFloat16AVX512(dst, src)
		return
	}
	widenFloat16Generic(dst, src)
}

func fence() { storeFence() }
