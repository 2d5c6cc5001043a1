//go:build !purego

package quant

import "sync"

// shortRange is the length up to which runs are reduced several at a time.
const shortRange = 256

//go:noescape
func rangeShortAVX512(lo, hi, src []float32, run int) bool

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
func errorsRunsAVX512(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func errorsColumnsAVX512(abs, sq *float64, max *float32, clipped *uint32, src *float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func rangeColumnsAVX512(lo, hi []float32, src *float32, rows, stride int) bool

//go:noescape
func quantizeInt8ColumnsAVX512(dst *uint8, src *float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32)

//go:noescape
func quantizeInt8WideAVX512(dst *uint8, src *float32, rows, stride, cols int, buf *float32, qmin int32)

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
func unpack4AVX512(dst []uint8, packed []byte, signed bool)

//go:noescape
func unpack2AVX512(dst []uint8, packed []byte, signed bool)

//go:noescape
func widenBFloat16AVX512(dst []float32, src []uint16)

//go:noescape
func widenFloat16AVX512(dst []float32, src []uint16)

// What follows serves the kernels that take whole or long shares of a job.

func rangeRunsBy4(lo, hi, src []float32, run int) bool {
	ok := true
	if n := len(src) / run &^ 3; run <= shortRange && n > 0 {
		ok = rangeShortAVX512(lo[:n], hi[:n], src, run)
		if lo, hi, src = lo[n:], hi[n:], src[n*run:]; len(src) == 0 {
			return ok
		}
	}
	return rangeRunsAVX512(lo, hi, src, run) && ok
}

func rangeColumnsByRow(lo, hi, src []float32, rows, stride int) bool {
	if stride < wideRow512 || rows*stride <= 1<<18 { // 1 MiB, which a second-level cache holds
		return rangeColumnsAVX512(lo, hi, &src[0], rows, stride)
	}
	ok := true
	for r := range rows {
		ok = rangeColumnsAVX512(lo, hi, &src[r*stride], 1, stride) && ok
	}
	return ok
}

// errorsRunsBy16 leaves to the definition what the kernel stops at: 16 runs
// among which is a scale that is not for it. sq, if it is not nil, gets the sums
// of squares.
func errorsRunsBy16(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	for {
		n := errorsRunsAVX512(acc, sq, src, run, scale, zero[:len(scale)], qmin, qmax)
		if n >= len(acc) {
			return
		}
		acc, src, scale, zero = acc[n:], src[n*run:], scale[n:], zero[n:]
		k := min(16, len(acc))
		m := min(k*run, len(src))
		errorsRunsGeneric(acc[:k], src[:m], run, scale, zero, qmin, qmax)
		if sq != nil {
			squaresRunsAVX512(sq[n:n+k], src[:m], run)
			sq = sq[n+k:]
		}
		if acc, src, scale, zero = acc[k:], src[m:], scale[k:], zero[k:]; len(acc) == 0 {
			return
		}
	}
}

func errorsColumnsBy16(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) {
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

// wideRow512 is the length from which rows are read one after the other, or few
// at a time: lines of many rows, so far apart, put one another out of the caches,
// and are more streams than the machine foresees.
const wideRow512 = 512

// smallZeros reports whether saturating words serve all zero points.
func smallZeros(zero []int32) bool {
	most := uint32(0)
	for _, z := range zero {
		most = max(most, uint32(z+32000))
	}
	return most <= 64000
}

// wides holds the prepared parameters of columns.
var wides = sync.Pool{New: func() any { return new([]float32) }}

// The columns walk: 64 columns at a time where there are several rows, then the
// columns that are left, then a last row that is shorter.

func quantizeInt8ColumnsBy64(dst []uint8, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	n := len(scale)
	rows, rest := len(src)/n, len(src)%n
	dst, zero = dst[:len(src)], zero[:n]
	done := 0
	if rows > 1 && n >= 64 {
		if stream && n >= wideRow512 && smallZeros(zero) {
			done = n &^ 63
			quantizeInt8RowsAVX512(&dst[0], &src[0], rows, n, done, &scale[0], &zero[0], qmin, qmax, stream)
		} else {
			buf := wides.Get().(*[]float32)
			*buf = resize(*buf, n/64*256)
			if done = prepareWideAVX512(&(*buf)[0], scale, zero, qmin, qmax); done > 0 {
				quantizeInt8WideAVX512(&dst[0], &src[0], rows, n, done, &(*buf)[0], qmin)
			}
			wides.Put(buf)
		}
	}
	if rows > 0 && done < n {
		quantizeInt8ColumnsAVX512(&dst[done], &src[done], rows, n, scale[done:], zero[done:], qmin, qmax)
	}
	if rest > 0 {
		m := len(src) - rest
		quantizeInt8ColumnsAVX512(&dst[m], &src[m], 1, rest, scale[:rest], zero[:rest], qmin, qmax)
	}
}

func quantizeInt16ColumnsBy16(dst []uint16, src []float32, scale []float32, zero []int32, qmin, qmax int32) {
	n := len(scale)
	rows, rest := len(src)/n, len(src)%n
	dst, zero = dst[:len(src)], zero[:n]
	if rows > 0 {
		quantizeInt16ColumnsAVX512(&dst[0], &src[0], rows, scale, zero, qmin, qmax)
	}
	if rest > 0 {
		m := len(src) - rest
		quantizeInt16ColumnsAVX512(&dst[m], &src[m], 1, scale[:rest], zero[:rest], qmin, qmax)
	}
}

func dequantizeInt8ColumnsBy64(dst []float32, src []uint8, scale []float32, zero []int32, signed, stream bool) {
	n := len(scale)
	rows, rest := len(src)/n, len(src)%n
	dst, zero = dst[:len(src)], zero[:n]
	done := 0
	if rows > 1 && n >= 64 {
		done = n &^ 63
		band := rows
		if n >= wideRow512 {
			band = 8
		}
		for r := 0; r < rows; r += band {
			dequantizeInt8WideAVX512(&dst[r*n], &src[r*n], min(band, rows-r), scale, zero, signed, stream)
		}
	}
	if rows > 0 && done < n {
		dequantizeInt8ColumnsAVX512(&dst[done], &src[done], rows, n, scale[done:], zero[done:], signed)
	}
	if rest > 0 {
		m := len(src) - rest
		dequantizeInt8ColumnsAVX512(&dst[m], &src[m], 1, rest, scale[:rest], zero[:rest], signed)
	}
}

func dequantizeInt16ColumnsBy16(dst []float32, src []uint16, scale []float32, zero []int32, signed bool) {
	n := len(scale)
	rows, rest := len(src)/n, len(src)%n
	dst, zero = dst[:len(src)], zero[:n]
	if rows > 0 {
		dequantizeInt16ColumnsAVX512(&dst[0], &src[0], rows, scale, zero, signed)
	}
	if rest > 0 {
		m := len(src) - rest
		dequantizeInt16ColumnsAVX512(&dst[m], &src[m], 1, scale[:rest], zero[:rest], signed)
	}
}

func pack8By64(dst []byte, codes []uint8, bits int, stream bool) {
	switch bits {
	case 4:
		pack4AVX512(dst[:PackedLen(len(codes), 4)], codes, stream)
	case 2:
		pack2AVX512(dst[:PackedLen(len(codes), 2)], codes)
	default:
		pack8Generic(dst, codes, bits)
	}
}

func unpack8By64(dst []uint8, packed []byte, bits int, signed bool) {
	switch bits {
	case 4:
		unpack4AVX512(dst, packed[:PackedLen(len(dst), 4)], signed)
	case 2:
		unpack2AVX512(dst, packed[:PackedLen(len(dst), 2)], signed)
	default:
		unpack8Generic(dst, packed, bits, signed)
	}
}
