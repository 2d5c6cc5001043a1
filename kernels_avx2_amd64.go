//go:build !purego

package quant

import "sync"

//go:noescape
func rangeRunsAVX2(lo, hi, src []float32, run int) bool

//go:noescape
func rangeShortAVX2(lo, hi, src []float32, run int) bool

// Kernels of parameters take a multiple of 8 ranges, as many as there are scales.

//go:noescape
func asymmetricParamsAVX2(scale []float32, zero []int32, lo, hi []float32, qmin, steps float32)

//go:noescape
func symmetricParamsAVX2(scale, lo, hi []float32, steps float32)

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

//go:noescape
func errorsColumnsAVX2(abs, sq *float64, max *float32, clipped *uint32, src *float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func rangeColumnsAVX2(lo, hi []float32, src *float32, rows, stride int) bool

//go:noescape
func quantizeInt8ColumnsAVX2(dst *uint8, src *float32, rows int, scale []float32, zero []int32, qmin, qmax int32)

//go:noescape
func quantizeInt8RowsAVX2(dst *uint8, src *float32, rows, cols int, scale *float32, zero *int32, qmin, qmax int32)

//go:noescape
func quantizeInt16ColumnsAVX2(dst *uint16, src *float32, rows int, scale []float32, zero []int32, qmin, qmax int32)

//go:noescape
func dequantizeInt8ColumnsAVX2(dst *float32, src *uint8, rows int, scale []float32, zero []int32, signed, stream bool)

//go:noescape
func dequantizeInt16ColumnsAVX2(dst *float32, src *uint16, rows int, scale []float32, zero []int32, signed bool)

//go:noescape
func squaresColumnsAVX2(acc []float64, src *float32, rows, stride int)

//go:noescape
func pack4AVX2(dst []byte, codes []uint8, stream bool)

//go:noescape
func pack2AVX2(dst []byte, codes []uint8)

//go:noescape
func unpack4AVX2(dst []uint8, packed []byte, signed bool)

//go:noescape
func unpack2AVX2(dst []uint8, packed []byte, signed bool)

//go:noescape
func histogramRunsAVX2(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int

//go:noescape
func histogramLongAVX2(counts []uint32, at *[histogramLanes]*octaveIndex, table *uint32, src []float32) int

//go:noescape
func transposeAVX2(dst, src *float32, rows, cols, stride int)

//go:noescape
func widenBFloat16AVX2(dst []float32, src []uint16)

//go:noescape
func widenFloat16AVX2(dst []float32, src []uint16)

// shortRangeAVX2 is the length up to which runs are reduced several at a time.
const shortRangeAVX2 = 256

func rangeRunsBy8(lo, hi, src []float32, run int) bool {
	ok := true
	if n := len(src) / run &^ 7; n > 0 && run >= 8 && run <= shortRangeAVX2 {
		ok = rangeShortAVX2(lo[:n], hi[:n], src, run)
		if lo, hi, src = lo[n:], hi[n:], src[n*run:]; len(src) == 0 {
			return ok
		}
	}
	return rangeRunsAVX2(lo, hi, src, run) && ok
}

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

// wideRowAVX2 is the length from which rows beyond the caches are taken one after
// the other.
const wideRowAVX2 = 256

// The kernels of the columns walk take at least 8 columns. What is narrower
// goes to the definition.

func errorsColumnsBy8(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) {
	for len(scale) >= 8 {
		n := errorsColumnsAVX2(&acc.abs[0], &acc.sq[0], &acc.max[0], &acc.clipped[0], &src[0], rows, stride, scale, zero[:len(scale)], qmin, qmax)
		if n >= len(scale) {
			return
		}
		acc, src, scale, zero = acc.from(n), src[n:], scale[n:], zero[n:]
		n = min(8, len(scale))
		errorsColumnsGeneric(acc.sub(n), src, rows, stride, scale[:n], zero, qmin, qmax)
		if n == len(scale) {
			return
		}
		acc, src, scale, zero = acc.from(n), src[n:], scale[n:], zero[n:]
	}
	errorsColumnsGeneric(acc, src, rows, stride, scale, zero, qmin, qmax)
}

func quantizeInt8ColumnsBy8(dst []uint8, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	for len(src) > 0 {
		cols := min(len(scale), len(src))
		if cols < 8 {
			quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
			return
		}
		rows := len(src) / cols
		n := rows * cols
		if stream && cols >= wideRowAVX2 && smallZeros(zero[:cols]) {
			quantizeInt8RowsAVX2(&dst[:n][0], &src[0], rows, cols, &scale[0], &zero[0], qmin, qmax)
		} else {
			quantizeInt8ColumnsAVX2(&dst[:n][0], &src[0], rows, scale[:cols], zero[:cols], qmin, qmax)
		}
		dst, src = dst[n:], src[n:]
	}
}

func quantizeInt16ColumnsBy8(dst []uint16, src []float32, scale []float32, zero []int32, qmin, qmax int32) {
	for len(src) > 0 {
		cols := min(len(scale), len(src))
		if cols < 8 {
			quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
			return
		}
		rows := len(src) / cols
		n := rows * cols
		quantizeInt16ColumnsAVX2(&dst[:n][0], &src[0], rows, scale[:cols], zero[:cols], qmin, qmax)
		dst, src = dst[n:], src[n:]
	}
}

func dequantizeInt8ColumnsBy8(dst []float32, src []uint8, scale []float32, zero []int32, signed, stream bool) {
	for len(src) > 0 {
		cols := min(len(scale), len(src))
		if cols < 8 {
			dequantizeInt8ColumnsGeneric(dst, src, scale, zero, signed)
			return
		}
		rows := len(src) / cols
		n := rows * cols
		dequantizeInt8ColumnsAVX2(&dst[:n][0], &src[0], rows, scale[:cols], zero[:cols], signed, stream && cols >= 64)
		dst, src = dst[n:], src[n:]
	}
}

func dequantizeInt16ColumnsBy8(dst []float32, src []uint16, scale []float32, zero []int32, signed bool) {
	for len(src) > 0 {
		cols := min(len(scale), len(src))
		if cols < 8 {
			dequantizeInt16ColumnsGeneric(dst, src, scale, zero, signed)
			return
		}
		rows := len(src) / cols
		n := rows * cols
		dequantizeInt16ColumnsAVX2(&dst[:n][0], &src[0], rows, scale[:cols], zero[:cols], signed)
		dst, src = dst[n:], src[n:]
	}
}

// longHistogram is the number of elements from which it pays to count in tables
// of all bins, and to look for the octaves' places only then.
const longHistogram = 1 << 15

// A histogramTable has room for histogramLanes tables of bins, see the kernel.
type histogramTable [3*(bins+0x440/4) + bins]uint32

// histogramTables are all zeros.
var histogramTables = sync.Pool{New: func() any { return new(histogramTable) }}

func histogramByLength(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int {
	n := 0
	if len(src) >= longHistogram {
		t := histogramTables.Get().(*histogramTable)
		n = histogramLongAVX2(counts, at, &t[0], src)
		histogramTables.Put(t)
	}
	return n + histogramRunsAVX2(counts, at, src[n:])
}

func transposeBy8(dst, src []float32, rows, cols, stride int) {
	if rows < 8 || cols < 8 {
		transposeGeneric(dst, src, rows, cols, stride)
		return
	}
	transposeAVX2(&dst[:rows*cols][0], &src[:(rows-1)*stride+cols][0], rows, cols, stride)
}

// The kernels that pack and unpack take codes 8 at a time.

func pack8By8(dst []byte, codes []uint8, bits int, stream bool) {
	n := len(codes) &^ 7
	switch bits {
	case 4:
		pack4AVX2(dst[:n/2], codes[:n], stream)
	case 2:
		pack2AVX2(dst[:n/4], codes[:n])
	default:
		n = 0
	}
	pack8Generic(dst[n/8*bits:], codes[n:], bits)
}

func unpack8By8(dst []uint8, packed []byte, bits int, signed bool) {
	n := len(dst) &^ 7
	switch bits {
	case 4:
		unpack4AVX2(dst[:n], packed[:n/2], signed)
	case 2:
		unpack2AVX2(dst[:n], packed[:n/4], signed)
	default:
		n = 0
	}
	unpack8Generic(dst[n:], packed[n/8*bits:], bits, signed)
}
