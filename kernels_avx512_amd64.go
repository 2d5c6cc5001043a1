//go:build !purego

package quant

import "sync"

// The AVX-512 kernels.

//go:noescape
func rangeShortAVX512(lo, hi, src []float32, run int) bool

// Kernels of groups take a multiple of 16 complete runs. groupRun says which lengths they take.

//go:noescape
func rangeGroupsAVX512(lo, hi, src []float32, run int) bool

//go:noescape
func quantizeGroups8AVX512(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func quantizeGroups4AVX512(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

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
func differencesRunsAVX512(acc []sums, x, y []float32, run int)

//go:noescape
func squaresRunsAVX512(acc []float64, src []float32, run int)

//go:noescape
func errorsRunsAVX512(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func errorsFewAVX512(src []float32, scale, lo, hi float32) (abs, sq float64)

//go:noescape
func errorsInsideRunsAVX512(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32) int

//go:noescape
func errorsInsideTwoAVX512(acc1, acc2 []sums, sq []float64, src []float32, run int, scale1 []float32, zero1 []int32, scale2 []float32, zero2 []int32) int

//go:noescape
func errorsInsideColumnsAVX512(abs, sq *float64, max *float32, src *float32, rows, stride int, scale []float32, zero []int32) int

//go:noescape
func errorsColumnsAVX512(abs, sq *float64, max *float32, clipped *uint32, src *float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func rangeColumnsAVX512(lo, hi []float32, src *float32, rows, stride int) bool

//go:noescape
func quantizeInt8ColumnsAVX512(dst *uint8, src *float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32)

//go:noescape
func quantizeInt8WideAVX512(dst *uint8, src *float32, rows, stride, cols int, buf *float32, qmin int32, ahead int, stream bool)

//go:noescape
func quantizeInt8RowsAVX512(dst *uint8, src *float32, rows, stride, cols int, scale *float32, zero *int32, qmin, qmax int32, stream bool)

//go:noescape
func prepareWideAVX512(buf *float32, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func quantizeInt16ColumnsAVX512(dst *uint16, src *float32, rows int, scale []float32, zero []int32, qmin, qmax int32)

//go:noescape
func dequantizeInt8ColumnsAVX512(dst *float32, src *uint8, rows, stride int, scale []float32, zero []int32, signed bool)

//go:noescape
func dequantizeInt8WideAVX512(dst *float32, src *uint8, rows int, scale []float32, zero []int32, signed, stream bool)

//go:noescape
func dequantizeInt16ColumnsAVX512(dst *float32, src *uint16, rows int, scale []float32, zero []int32, signed bool)

//go:noescape
func squaresColumnsAVX512(acc []float64, src *float32, rows, stride int)

//go:noescape
func pack4AVX512(dst []byte, codes []uint8, stream bool)

//go:noescape
func pack2AVX512(dst []byte, codes []uint8)

//go:noescape
func dequantize4RunsAVX512(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed, stream bool)

//go:noescape
func unpack4AVX512(dst []uint8, packed []byte, signed bool)

//go:noescape
func unpack2AVX512(dst []uint8, packed []byte, signed bool)

//go:noescape
func widenBFloat16AVX512(dst []float32, src []uint16)

//go:noescape
func widenFloat16AVX512(dst []float32, src []uint16)

// wideRowAVX512 is the least length of rows that are read one after the other, or a small number
// at a time. The cache lines of many rows that are so far apart would evict one another, and are
// more streams than the processor can prefetch.
const wideRowAVX512 = 512

// rangeColumnsInCache is rangeColumns. It reads a tensor that is too large for the caches in the
// order of memory.
func rangeColumnsInCache(lo, hi, src []float32, rows, stride int) bool {
	if stride < wideRowAVX512 || rows*stride <= 1<<18 { // 1 MiB fits into a second-level cache
		return rangeColumnsAVX512(lo, hi, &src[0], rows, stride)
	}
	ok := true
	for r := range rows {
		ok = rangeColumnsAVX512(lo, hi, &src[r*stride], 1, stride) && ok
	}
	return ok
}

// preparedColumns is a pool of buffers for the parameters of columns, in the form of a kernel.
var preparedColumns = sync.Pool{New: func() any { return new([]float32) }}

// quantizeInt8WholeAVX512 is quantizeWhole for 8 bits. If there are several rows, it handles 64
// columns at a time, and then the remaining columns.
func quantizeInt8WholeAVX512(dst []uint8, src []float32, rows int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	n := len(scale)
	done := 0
	if rows > 1 && n >= 64 {
		far := stream && n >= wideRowAVX512
		buf := preparedColumns.Get().(*[]float32)
		*buf = resize(*buf, n/64*256)
		if done = prepareWideAVX512(&(*buf)[0], scale, zero, qmin, qmax); done > 0 {
			quantizeInt8Prepared(dst, src, rows, n, done, *buf, qmin, far)
		}
		preparedColumns.Put(buf)
		if whole := n &^ 63; far && done < whole && smallZeros(zero) {
			quantizeInt8InBands(dst[done:], src[done:], rows, n, whole-done, scale[done:], zero[done:], qmin, qmax)
			done = whole
		}
	}
	if done < n {
		quantizeInt8ColumnsAVX512(&dst[done], &src[done], rows, n, scale[done:], zero[done:], qmin, qmax)
	}
}

const (
	// farRows is the number of rows that quantizeInt8Prepared handles together if they are not in a
	// cache.
	farRows = 8

	// fetchedNear is the distance in bytes from the elements that quantizeInt8WideAVX512 quantizes to
	// those that it fetches, for rows in a cache. fetchedFar is the distance for longer rows that
	// are not in a cache.
	fetchedNear = 256
	fetchedFar  = 512
)

// quantizeInt8Prepared quantizes the first cols columns of rows rows that begin stride elements
// apart. buf has their parameters, as prepareWideAVX512 stores them. Rows that are not in a cache
// (far) are read farRows at a time, and codes are stored without using the caches. The elements
// that are fetched meanwhile are farther right, or, for short rows, in the next farRows rows.
func quantizeInt8Prepared(dst []uint8, src []float32, rows, stride, cols int, buf []float32, qmin int32, far bool) {
	if !far {
		quantizeInt8WideAVX512(&dst[0], &src[0], rows, stride, cols, &buf[0], qmin, fetchedNear, false)
		return
	}
	ahead := fetchedFar
	if stride <= 1024 {
		ahead = 4 * farRows * stride
	}
	for r := 0; r < rows; r += farRows {
		quantizeInt8WideAVX512(&dst[r*stride], &src[r*stride], min(farRows, rows-r), stride, cols, &buf[0], qmin, ahead, true)
	}
}

// quantizeInt8InBands quantizes rows that are not in a cache and whose scales quantizeInt8Prepared
// does not serve: rows rows of cols elements that begin stride elements apart. It divides. It handles pieces of 8 rows by 512 columns, or of up to 1024 columns if
// that is the whole row. The parameters of a piece stay in the first-level cache. While the
// kernel handles a piece, it prefetches the piece to the right of it.
func quantizeInt8InBands(dst []uint8, src []float32, rows, stride, cols int, scale []float32, zero []int32, qmin, qmax int32) {
	width := cols
	if cols > 1024 {
		width = 512
	}
	for r := 0; r < rows; r += 8 {
		for j := 0; j < cols; j += width {
			at := r*stride + j
			quantizeInt8RowsAVX512(&dst[at], &src[at], min(8, rows-r), stride, min(width, cols-j), &scale[j], &zero[j], qmin, qmax, true)
		}
	}
}

// dequantizeInt8WholeAVX512 is dequantizeWhole for 8 bits. If there are several rows, it handles
// 64 columns at a time, and then the remaining columns.
func dequantizeInt8WholeAVX512(dst []float32, src []uint8, rows int, scale []float32, zero []int32, signed, stream bool) {
	n := len(scale)
	done := 0
	if rows > 1 && n >= 64 {
		done = n &^ 63
		band := rows
		if n >= wideRowAVX512 {
			band = 8
		}
		for r := 0; r < rows; r += band {
			dequantizeInt8WideAVX512(&dst[r*n], &src[r*n], min(band, rows-r), scale, zero, signed, stream)
		}
	}
	if done < n {
		dequantizeInt8ColumnsAVX512(&dst[done], &src[done], rows, n, scale[done:], zero[done:], signed)
	}
}
