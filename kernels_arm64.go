//go:build !purego

package quant

// NEON is part of the arm64 baseline. Its kernels have no use for the hint to
// store past the caches.

var usable = []isa{generic, neon}

//go:noescape
func rangeRunsNEON(lo, hi, src []float32, run int) bool

//go:noescape
func quantizeInt8RunsNEON(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32)

//go:noescape
func quantizeInt16RunsNEON(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32)

//go:noescape
func dequantizeInt8RunsNEON(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed bool)

//go:noescape
func dequantizeInt16RunsNEON(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed bool)

// errorsRunsNEON returns how many runs it did, and stops at one for which it
// would have to divide.
//
//go:noescape
func errorsRunsNEON(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func squaresRunsNEON(acc []float64, src []float32, run int)

//go:noescape
func pack4NEON(dst []byte, codes []uint8)

//go:noescape
func pack2NEON(dst []byte, codes []uint8)

//go:noescape
func unpack4NEON(dst []uint8, packed []byte, sign uint8)

//go:noescape
func unpack2NEON(dst []uint8, packed []byte, sign uint8)

//go:noescape
func widenBFloat16NEON(dst []float32, src []uint16)

//go:noescape
func widenFloat16NEON(dst []float32, src []uint16)

//go:noescape
func histogramRunsNEON(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int

// transposeNEON wants at least 4 rows and 4 columns.
//
//go:noescape
func transposeNEON(dst, src *float32, rows, cols, stride int)

// Kernels of the columns walk want at least minColumns columns and one row.

//go:noescape
func rangeColumnsNEON(lo, hi, src []float32, rows, stride int) bool

//go:noescape
func quantizeInt8ColumnsNEON(dst []uint8, src []float32, rows int, scale []float32, zero []int32, qmin, qmax int32)

//go:noescape
func quantizeInt16ColumnsNEON(dst []uint16, src []float32, rows int, scale []float32, zero []int32, qmin, qmax int32)

//go:noescape
func dequantizeInt8ColumnsNEON(dst []float32, src []uint8, rows int, scale []float32, zero []int32, signed bool)

//go:noescape
func dequantizeInt16ColumnsNEON(dst []float32, src []uint16, rows int, scale []float32, zero []int32, signed bool)

// errorsColumnsNEON returns how many columns it did, and stops before eight with
// one for which it would have to divide.
//
//go:noescape
func errorsColumnsNEON(abs, sq []float64, max []float32, clipped []uint32, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func squaresColumnsNEON(acc []float64, src []float32, rows, stride int)

const (
	minColumns = 16

	// bandRows is how many rows go through a kernel of the columns walk at a
	// time: enough to pay for loading parameters, few enough that the lines of
	// a block of columns, which may all map to one set of the cache, and their
	// pages stay at hand.
	bandRows = 16

	// mergedColumns is about how many columns narrow rows are merged to.
	mergedColumns = 128
)

// mergedParams are the parameters of narrow rows side by side.
type mergedParams struct {
	scale [mergedColumns]float32
	zero  [mergedColumns]int32
}

// merge repeats the parameters of a row as often as they fit.
func (m *mergedParams) merge(scale []float32, zero []int32) ([]float32, []int32) {
	n := len(scale)
	end := mergedColumns / n * n
	copy(m.scale[:], scale)
	copy(m.zero[:], zero[:n])
	for ; n < end; n *= 2 {
		copy(m.scale[n:end], m.scale[:n])
		copy(m.zero[n:end], m.zero[:n])
	}
	return m.scale[:end], m.zero[:end]
}

func rangeRuns(lo, hi, src []float32, run int) bool {
	switch active {
	case neon:
		return rangeRunsNEON(lo, hi, src, run)
	default:
		return rangeRunsGeneric(lo, hi, src, run)
	}
}

func rangeColumns(lo, hi, src []float32, rows, stride int) bool {
	ok := true
	n := len(lo)
	if k := mergedColumns / max(n, 1); active == neon && n < minColumns && n == stride && rows >= 2*k {
		var l, h [mergedColumns]float32
		resetRanges(l[:], h[:])
		ok = rangeColumns(l[:k*n], h[:k*n], src, rows/k, k*n)
		for i := range k * n {
			lo[i%n], hi[i%n] = min(lo[i%n], l[i]), max(hi[i%n], h[i])
		}
		src, rows = src[rows/k*k*n:], rows%k
	}
	if active != neon || n < minColumns {
		return rangeColumnsGeneric(lo, hi, src, rows, stride) && ok
	}
	for ; rows > 0; rows -= bandRows {
		ok = rangeColumnsNEON(lo, hi, src, min(rows, bandRows), stride) && ok
		src = src[min(bandRows*stride, len(src)):]
	}
	return ok
}

func quantizeInt8Runs(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	switch active {
	case neon:
		quantizeInt8RunsNEON(dst, src, run, scale, zero, qmin, qmax)
	default:
		quantizeRunsGeneric(dst, src, run, scale, zero, qmin, qmax)
	}
}

func quantizeInt8Columns(dst []uint8, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	if active == neon {
		if len(scale) < minColumns && len(src) >= mergedColumns {
			var m mergedParams
			scale, zero = m.merge(scale, zero)
		}
		for len(src) >= minColumns {
			scale = scale[:min(len(scale), len(src))] // the last row may be shorter
			if len(scale) < minColumns {
				break
			}
			rows := min(len(src)/len(scale), bandRows)
			quantizeInt8ColumnsNEON(dst, src, rows, scale, zero, qmin, qmax)
			dst, src = dst[rows*len(scale):], src[rows*len(scale):]
		}
	}
	quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
}

func quantizeInt16Runs(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	switch active {
	case neon:
		quantizeInt16RunsNEON(dst, src, run, scale, zero, qmin, qmax)
	default:
		quantizeRunsGeneric(dst, src, run, scale, zero, qmin, qmax)
	}
}

func quantizeInt16Columns(dst []uint16, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	if active == neon {
		if len(scale) < minColumns && len(src) >= mergedColumns {
			var m mergedParams
			scale, zero = m.merge(scale, zero)
		}
		for len(src) >= minColumns {
			scale = scale[:min(len(scale), len(src))] // the last row may be shorter
			if len(scale) < minColumns {
				break
			}
			rows := min(len(src)/len(scale), bandRows)
			quantizeInt16ColumnsNEON(dst, src, rows, scale, zero, qmin, qmax)
			dst, src = dst[rows*len(scale):], src[rows*len(scale):]
		}
	}
	quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
}

func dequantizeInt8Runs(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed bool, stream bool) {
	switch active {
	case neon:
		dequantizeInt8RunsNEON(dst, src, run, scale, zero, signed)
	default:
		dequantizeInt8RunsGeneric(dst, src, run, scale, zero, signed)
	}
}

func dequantizeInt8Columns(dst []float32, src []uint8, scale []float32, zero []int32, signed bool, stream bool) {
	if active == neon {
		if len(scale) < minColumns && len(src) >= mergedColumns {
			var m mergedParams
			scale, zero = m.merge(scale, zero)
		}
		for len(src) >= minColumns {
			scale = scale[:min(len(scale), len(src))] // the last row may be shorter
			if len(scale) < minColumns {
				break
			}
			rows := min(len(src)/len(scale), bandRows)
			dequantizeInt8ColumnsNEON(dst, src, rows, scale, zero, signed)
			dst, src = dst[rows*len(scale):], src[rows*len(scale):]
		}
	}
	dequantizeInt8ColumnsGeneric(dst, src, scale, zero, signed)
}

func dequantizeInt16Runs(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed bool, stream bool) {
	switch active {
	case neon:
		dequantizeInt16RunsNEON(dst, src, run, scale, zero, signed)
	default:
		dequantizeInt16RunsGeneric(dst, src, run, scale, zero, signed)
	}
}

func dequantizeInt16Columns(dst []float32, src []uint16, scale []float32, zero []int32, signed bool, stream bool) {
	if active == neon {
		if len(scale) < minColumns && len(src) >= mergedColumns {
			var m mergedParams
			scale, zero = m.merge(scale, zero)
		}
		for len(src) >= minColumns {
			scale = scale[:min(len(scale), len(src))] // the last row may be shorter
			if len(scale) < minColumns {
				break
			}
			rows := min(len(src)/len(scale), bandRows)
			dequantizeInt16ColumnsNEON(dst, src, rows, scale, zero, signed)
			dst, src = dst[rows*len(scale):], src[rows*len(scale):]
		}
	}
	dequantizeInt16ColumnsGeneric(dst, src, scale, zero, signed)
}

func errorsRuns(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	switch active {
	case neon:
		for {
			n := errorsRunsNEON(acc, src, run, scale, zero, qmin, qmax)
			if n == len(acc) {
				return
			}
			src, scale, zero = src[n*run:], scale[n:], zero[n:]
			errorsRunsGeneric(acc[n:n+1], src[:min(run, len(src))], run, scale, zero, qmin, qmax)
			if acc = acc[n+1:]; len(acc) == 0 {
				return
			}
			src, scale, zero = src[run:], scale[1:], zero[1:]
		}
	default:
		errorsRunsGeneric(acc, src, run, scale, zero, qmin, qmax)
	}
}

func errorsSquaresRuns(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	errorsRuns(acc, src, run, scale, zero, qmin, qmax)
	squaresRuns(sq[:len(acc)], src, run)
}

func errorsColumns(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) {
	if active != neon || len(scale) < 8 {
		errorsColumnsGeneric(acc, src, rows, stride, scale, zero, qmin, qmax)
		return
	}
	for ; rows > 0; rows -= bandRows {
		k := min(rows, bandRows)
		for i := 0; i < len(scale); {
			c := acc.from(i)
			n := 0
			if len(scale)-i >= 8 {
				n = errorsColumnsNEON(c.abs, c.sq, c.max, c.clipped, src[i:], k, stride, scale[i:], zero[i:], qmin, qmax)
			}
			if n == 0 {
				n = min(8, len(scale)-i)
				errorsColumnsGeneric(c, src[i:], k, stride, scale[i:i+n], zero[i:i+n], qmin, qmax)
			}
			i += n
		}
		src = src[min(bandRows*stride, len(src)):]
	}
}

func squaresRuns(acc []float64, src []float32, run int) {
	switch active {
	case neon:
		squaresRunsNEON(acc, src, run)
	default:
		squaresRunsGeneric(acc, src, run)
	}
}

func squaresColumns(acc []float64, src []float32, rows, stride int) {
	if active != neon || len(acc) < minColumns {
		squaresColumnsGeneric(acc, src, rows, stride)
		return
	}
	for ; rows > 0; rows -= bandRows {
		squaresColumnsNEON(acc, src, min(rows, bandRows), stride)
		src = src[min(bandRows*stride, len(src)):]
	}
}

func pack8(dst []byte, codes []uint8, bits int, stream bool) {
	n := 0
	switch {
	case active == neon && bits == 4:
		n = len(codes) &^ 31
		pack4NEON(dst[:n/2], codes[:n])
	case active == neon && bits == 2:
		n = len(codes) &^ 63
		pack2NEON(dst[:n/4], codes[:n])
	}
	pack8Generic(dst[n/8*bits:], codes[n:], bits)
}

func unpack8(dst []uint8, packed []byte, bits int, signed bool) {
	n, sign := 0, uint8(0)
	if signed {
		sign = 1 << (bits - 1)
	}
	switch {
	case active == neon && bits == 4:
		n = len(dst) &^ 31
		unpack4NEON(dst[:n], packed[:n/2], sign)
	case active == neon && bits == 2:
		n = len(dst) &^ 63
		unpack2NEON(dst[:n], packed[:n/4], sign)
	}
	unpack8Generic(dst[n:], packed[n/8*bits:], bits, signed)
}

func widenBFloat16(dst []float32, src []uint16) {
	switch active {
	case neon:
		widenBFloat16NEON(dst, src)
	default:
		widenBFloat16Generic(dst, src)
	}
}

func widenFloat16(dst []float32, src []uint16) {
	switch active {
	case neon:
		widenFloat16NEON(dst, src)
	default:
		widenFloat16Generic(dst, src)
	}
}

func asymmetricParams(scale []float32, zero []int32, lo, hi []float32, qmin, steps float32) {
	asymmetricParamsGeneric(scale, zero, lo, hi, qmin, steps)
}

func symmetricParams(scale, lo, hi []float32, steps float32) {
	symmetricParamsGeneric(scale, lo, hi, steps)
}

func histogramRuns(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int {
	switch active {
	case neon:
		return histogramRunsNEON(counts, at, src)
	default:
		return histogramRunsGeneric(counts, at, src)
	}
}

func transpose(dst, src []float32, rows, cols, stride int) {
	if active != neon || rows < 4 || cols < 4 {
		transposeGeneric(dst, src, rows, cols, stride)
		return
	}
	transposeNEON(&dst[:rows*cols][0], &src[:(rows-1)*stride+cols][0], rows, cols, stride)
}

func fence() {}
