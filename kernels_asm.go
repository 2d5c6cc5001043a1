//go:build !purego && (amd64 || arm64)

package quant

// The dispatchers of amd64 and arm64 that need a loop around the assembly. Each architecture has
// the functions whose names end in Until or Whole, which handle as much as a kernel can in one
// call, and the constants bandRows and mergesNarrow.

// leastColumns is the least number of columns of a kernel of columns, for each set.
var leastColumns = [...]int{generic: 0, neon: 16, avx2: 8, avx512: 1}

// wholeRows returns the number and the width of the rows that a kernel of columns handles in one
// call, for n elements in rows of cols. A shorter last row has a call of its own.
func wholeRows(n, cols int) (rows, width int) {
	width = min(cols, n)
	return min(n/width, bandRows), width
}

func quantizeInt8Columns(dst []uint8, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	quantizeColumns(dst, src, scale, zero, qmin, qmax, stream)
}

func quantizeInt16Columns(dst []uint16, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	quantizeColumns(dst, src, scale, zero, qmin, qmax, stream)
}

// quantizeColumns leaves rows that are too narrow for a kernel to the definition.
func quantizeColumns[T uint8 | uint16](dst []T, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	if active != generic {
		if mergesNarrow && len(scale) < leastColumns[active] && len(src) >= mergedColumns {
			var m mergedParams
			scale, zero = m.merge(scale, zero)
		}
		for len(src) > 0 {
			rows, cols := wholeRows(len(src), len(scale))
			if cols < leastColumns[active] {
				break
			}
			n := rows * cols
			quantizeWhole(dst[:n], src[:n], rows, scale[:cols], zero[:cols], qmin, qmax, stream)
			dst, src = dst[n:], src[n:]
		}
	}
	quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
}

func dequantizeInt8Columns(dst []float32, src []uint8, scale []float32, zero []int32, signed, stream bool) {
	dequantizeColumns(dst, src, scale, zero, signed, stream)
}

func dequantizeInt16Columns(dst []float32, src []uint16, scale []float32, zero []int32, signed, stream bool) {
	dequantizeColumns(dst, src, scale, zero, signed, stream)
}

// dequantizeColumns leaves rows that are too narrow for a kernel to the definition.
func dequantizeColumns[T uint8 | uint16](dst []float32, src []T, scale []float32, zero []int32, signed, stream bool) {
	if active != generic {
		if mergesNarrow && len(scale) < leastColumns[active] && len(src) >= mergedColumns {
			var m mergedParams
			scale, zero = m.merge(scale, zero)
		}
		for len(src) > 0 {
			rows, cols := wholeRows(len(src), len(scale))
			if cols < leastColumns[active] {
				break
			}
			n := rows * cols
			dequantizeWhole(dst[:n], src[:n], rows, scale[:cols], zero[:cols], signed, stream)
			dst, src = dst[n:], src[n:]
		}
	}
	dequantizeColumnsGeneric(dst, src, scale, zero, signed)
}

// mergedColumns is the largest number of columns of merged rows.
const mergedColumns = 128

// mergedParams are the parameters of several narrow rows that are merged into one.
type mergedParams struct {
	scale [mergedColumns]float32
	zero  [mergedColumns]int32
}

// merge returns the parameters of a row, repeated as often as they fit in m.
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

func errorsRuns(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	if active == generic {
		errorsRunsGeneric(acc, src, run, scale, zero, qmin, qmax)
		return
	}
	errorsInSteps(acc, nil, src, run, scale, zero, qmin, qmax)
}

// errorsSquaresRuns is errorsRuns and squaresRuns in one. AVX-512 has a kernel for both together.
func errorsSquaresRuns(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	if active == avx512 {
		errorsInSteps(acc, sq[:len(acc)], src, run, scale, zero, qmin, qmax)
		return
	}
	errorsRuns(acc, src, run, scale, zero, qmin, qmax)
	squaresRuns(sq[:len(acc)], src, run)
}

// errorsInSteps sets acc to the errors of all runs. The definition handles the runs that the kernel
// does not handle. If sq is not nil, errorsInSteps stores the sums of squares of the runs in sq.
func errorsInSteps(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	for len(acc) > 0 {
		n, step := errorsUntil(acc, sq, src, run, scale, zero[:len(scale)], qmin, qmax)
		if n >= len(acc) {
			return
		}
		acc, src, scale, zero = acc[n:], src[n*run:], scale[n:], zero[n:]
		k := min(step, len(acc))
		m := min(k*run, len(src))
		errorsRunsGeneric(acc[:k], src[:m], run, scale, zero, qmin, qmax)
		if sq != nil {
			squaresRuns(sq[n:n+k], src[:m], run)
			sq = sq[n+k:]
		}
		acc, src, scale, zero = acc[k:], src[m:], scale[k:], zero[k:]
	}
}

func errorsColumns(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) {
	if active == generic {
		errorsColumnsGeneric(acc, src, rows, stride, scale, zero, qmin, qmax)
		return
	}
	for rows > 0 {
		band := min(rows, bandRows)
		for i := 0; i < len(scale); {
			c, x, s, z := acc.from(i), src[i:], scale[i:], zero[i:len(scale)]
			n, step := errorsColumnsUntil(c, x, band, stride, s, z, qmin, qmax)
			if i += n; i < len(scale) {
				k := min(step, len(scale)-i)
				errorsColumnsGeneric(c.from(n), x[n:], band, stride, s[n:n+k], z[n:], qmin, qmax)
				i += k
			}
		}
		src, rows = src[min(band*stride, len(src)):], rows-band
	}
}

func pack8(dst []byte, codes []uint8, bits int, stream bool) {
	n := 0
	if active != generic {
		n = packWhole(dst, codes, bits, stream)
	}
	if n < len(codes) {
		pack8Generic(dst[n/8*bits:], codes[n:], bits)
	}
}

func unpack8(dst []uint8, packed []byte, bits int, signed bool) {
	n := 0
	if active != generic {
		n = unpackWhole(dst, packed, bits, signed)
	}
	if n < len(dst) {
		unpack8Generic(dst[n:], packed[n/8*bits:], bits, signed)
	}
}
