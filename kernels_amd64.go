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
	if cpuid.CPU.Supports(cpuid.AVX512F, cpuid.AVX512BW, cpuid.AVX512VL, cpuid.AVX512DQ, cpuid.AVX2, cpuid.BMI2, cpuid.FMA3) {
		sets = append(sets, avx512)
	}
	return sets
}

func rangeRuns(lo, hi, src []float32, run int) bool {
	switch active {
	case avx2:
		return rangeRunsBy8(lo, hi, src, run)
	case avx512:
		return rangeRunsBy4(lo, hi, src, run)
	default:
		return rangeRunsGeneric(lo, hi, src, run)
	}
}

func rangeColumns(lo, hi, src []float32, rows, stride int) bool {
	switch {
	case active == avx2 && rows > 0 && len(lo) >= 8:
		return rangeColumnsAVX2(lo, hi, &src[0], rows, stride)
	case active == avx512 && rows > 0:
		return rangeColumnsByRow(lo, hi, src, rows, stride)
	default:
		return rangeColumnsGeneric(lo, hi, src, rows, stride)
	}
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
	switch active {
	case avx2:
		quantizeInt8ColumnsBy8(dst, src, scale, zero, qmin, qmax, stream)
	case avx512:
		quantizeInt8ColumnsBy64(dst, src, scale, zero, qmin, qmax, stream)
	default:
		quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
	}
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
	switch active {
	case avx2:
		quantizeInt16ColumnsBy8(dst, src, scale, zero, qmin, qmax)
	case avx512:
		quantizeInt16ColumnsBy16(dst, src, scale, zero, qmin, qmax)
	default:
		quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
	}
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
	switch active {
	case avx2:
		dequantizeInt8ColumnsBy8(dst, src, scale, zero, signed, stream)
	case avx512:
		dequantizeInt8ColumnsBy64(dst, src, scale, zero, signed, stream)
	default:
		dequantizeInt8ColumnsGeneric(dst, src, scale, zero, signed)
	}
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
	switch active {
	case avx2:
		dequantizeInt16ColumnsBy8(dst, src, scale, zero, signed)
	case avx512:
		dequantizeInt16ColumnsBy16(dst, src, scale, zero, signed)
	default:
		dequantizeInt16ColumnsGeneric(dst, src, scale, zero, signed)
	}
}

func errorsRuns(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	switch active {
	case avx2:
		errorsRunsBy8(acc, src, run, scale, zero, qmin, qmax)
	case avx512:
		errorsRunsBy16(acc, nil, src, run, scale, zero, qmin, qmax)
	default:
		errorsRunsGeneric(acc, src, run, scale, zero, qmin, qmax)
	}
}

func errorsSquaresRuns(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	if active == avx512 {
		errorsRunsBy16(acc, sq[:len(acc)], src, run, scale, zero, qmin, qmax)
		return
	}
	errorsRuns(acc, src, run, scale, zero, qmin, qmax)
	squaresRuns(sq[:len(acc)], src, run)
}

func errorsColumns(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) {
	switch {
	case active == avx2 && rows > 0:
		errorsColumnsBy8(acc, src, rows, stride, scale, zero, qmin, qmax)
	case active == avx512 && rows > 0:
		errorsColumnsBy16(acc, src, rows, stride, scale, zero, qmin, qmax)
	default:
		errorsColumnsGeneric(acc, src, rows, stride, scale, zero, qmin, qmax)
	}
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
	switch {
	case active == avx2 && rows > 0 && len(acc) >= 8:
		squaresColumnsAVX2(acc, &src[0], rows, stride)
	case active == avx512 && rows > 0:
		squaresColumnsAVX512(acc, &src[0], rows, stride)
	default:
		squaresColumnsGeneric(acc, src, rows, stride)
	}
}

func pack8(dst []byte, codes []uint8, bits int, stream bool) {
	switch active {
	case avx2:
		pack8By8(dst, codes, bits, stream)
	case avx512:
		pack8By64(dst, codes, bits, stream)
	default:
		pack8Generic(dst, codes, bits)
	}
}

func unpack8(dst []uint8, packed []byte, bits int, signed bool) {
	switch active {
	case avx2:
		unpack8By8(dst, packed, bits, signed)
	case avx512:
		unpack8By64(dst, packed, bits, signed)
	default:
		unpack8Generic(dst, packed, bits, signed)
	}
}

func widenBFloat16(dst []float32, src []uint16) {
	switch {
	case active == avx2 && len(src) >= 8:
		widenBFloat16AVX2(dst, src)
	case active == avx512:
		widenBFloat16AVX512(dst, src)
	default:
		widenBFloat16Generic(dst, src)
	}
}

func widenFloat16(dst []float32, src []uint16) {
	switch {
	case active == avx2 && len(src) >= 8:
		widenFloat16AVX2(dst, src)
	case active == avx512:
		widenFloat16AVX512(dst, src)
	default:
		widenFloat16Generic(dst, src)
	}
}

func asymmetricParams(scale []float32, zero []int32, lo, hi []float32, qmin, steps float32) {
	n := 0
	if active != generic && len(lo) >= 8 {
		n = len(lo) &^ 7
		asymmetricParamsAVX2(scale[:n], zero[:n], lo, hi[:n], qmin, steps)
	}
	asymmetricParamsGeneric(scale[n:], zero[n:], lo[n:], hi[n:], qmin, steps)
}

func symmetricParams(scale, lo, hi []float32, steps float32) {
	n := 0
	if active != generic && len(lo) >= 8 {
		n = len(lo) &^ 7
		symmetricParamsAVX2(scale[:n], lo, hi[:n], steps)
	}
	symmetricParamsGeneric(scale[n:], lo[n:], hi[n:], steps)
}

func histogramRuns(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int {
	switch active {
	case avx2, avx512:
		return histogramByLength(counts, at, src)
	default:
		return histogramRunsGeneric(counts, at, src)
	}
}

func transpose(dst, src []float32, rows, cols, stride int) {
	switch active {
	case avx2, avx512:
		transposeBy8(dst, src, rows, cols, stride)
	default:
		transposeGeneric(dst, src, rows, cols, stride)
	}
}

func fence() { storeFence() }

// storeFence makes what was stored past the caches visible to other cores
// before what is stored next.
func storeFence()
