//go:build !purego

package quant

// Every arm64 processor has NEON. Its kernels ignore the hint stream.

var usable = []isa{generic, neon}

func init() { active = usable[len(usable)-1] }

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

// errorsRunsNEON returns the number of runs that it has handled. It stops before a run for which
// it would have to divide.
//
//go:noescape
func errorsRunsNEON(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func differencesRunsNEON(acc []sums, x, y []float32, run int)

//go:noescape
func squaresRunsNEON(acc []float64, src []float32, run int)

// quantize4RunsNEON and dequantize4RunsNEON take runs of an even number of elements, 16 or more.

//go:noescape
func quantize4RunsNEON(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32)

//go:noescape
func dequantize4RunsNEON(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed bool)

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

// Kernels of parameters take a multiple of 4 of them, and not 0.

//go:noescape
func asymmetricParamsNEON(scale []float32, zero []int32, lo, hi []float32, qmin, steps float32)

//go:noescape
func symmetricParamsNEON(scale, lo, hi []float32, steps float32)

//go:noescape
func unusableParamsNEON(scale []float32, zero []int32) bool

// transposeNEON takes at least 4 rows and 4 columns.
//
//go:noescape
func transposeNEON(dst, src *float32, rows, cols, stride int)

// Kernels of columns take at least leastColumns columns, those of errors 8, and one row.

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

// errorsColumnsNEON returns the number of columns that it has handled. It takes 8 columns at a
// time, and stops before 8 columns of which it would have to divide for one.
//
//go:noescape
func errorsColumnsNEON(abs, sq []float64, max []float32, clipped []uint32, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) int

//go:noescape
func squaresColumnsNEON(acc []float64, src []float32, rows, stride int)

const (
	// bandRows is the number of rows that a kernel of columns handles in one call. Loading the
	// parameters pays for so many rows. With more rows, the cache lines of the columns, which
	// may all belong to one set of the cache, and their pages would be evicted.
	bandRows = 16

	mergesNarrow = true // narrow rows are merged into wide rows
)

func rangeRuns(lo, hi, src []float32, run int) bool {
	if active != neon {
		return rangeRunsGeneric(lo, hi, src, run)
	}
	ok := true
	if n := len(src) / run &^ 3; n > 0 && groupRun(run) {
		ok = rangeGroupsNEON(lo[:n], hi[:n], src[:n*run], run)
		lo, hi, src = lo[n:], hi[n:], src[n*run:]
	}
	return rangeRunsNEON(lo, hi, src, run) && ok
}

func rangeRunsFar(lo, hi, src []float32, run int) bool { return rangeRuns(lo, hi, src, run) }

func rangeColumns(lo, hi, src []float32, rows, stride int) bool {
	ok := true
	n := len(lo)
	if k := mergedColumns / max(n, 1); active == neon && n < leastColumns[neon] && n == stride && rows >= 2*k {
		var l, h [mergedColumns]float32
		resetRanges(l[:], h[:])
		ok = rangeColumns(l[:k*n], h[:k*n], src, rows/k, k*n)
		for i := range k * n {
			lo[i%n], hi[i%n] = min(lo[i%n], l[i]), max(hi[i%n], h[i])
		}
		src, rows = src[rows/k*k*n:], rows%k
	}
	if active != neon || n < leastColumns[neon] {
		return rangeColumnsGeneric(lo, hi, src, rows, stride) && ok
	}
	for ; rows > 0; rows -= bandRows {
		ok = rangeColumnsNEON(lo, hi, src, min(rows, bandRows), stride) && ok
		src = src[min(bandRows*stride, len(src)):]
	}
	return ok
}

func quantizeInt8Runs(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	switch {
	case active == neon && groupRun(run):
		quantizeInt8InGroups(dst[:len(src)], src, run, scale, zero, qmin, qmax)
	case active == neon:
		quantizeInt8RunsNEON(dst, src, run, scale, zero, qmin, qmax)
	default:
		quantizeRunsGeneric(dst, src, run, scale, zero, qmin, qmax)
	}
}

func quantizeInt16Runs(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	switch active {
	case neon:
		quantizeInt16RunsNEON(dst, src, run, scale, zero, qmin, qmax)
	default:
		quantizeRunsGeneric(dst, src, run, scale, zero, qmin, qmax)
	}
}

func dequantizeInt8Runs(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed bool, stream bool) {
	switch active {
	case neon:
		dequantizeInt8RunsNEON(dst, src, run, scale, zero, signed)
	default:
		dequantizeRunsGeneric(dst, src, run, scale, zero, signed)
	}
}

func dequantizeInt16Runs(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed bool, stream bool) {
	switch active {
	case neon:
		dequantizeInt16RunsNEON(dst, src, run, scale, zero, signed)
	default:
		dequantizeRunsGeneric(dst, src, run, scale, zero, signed)
	}
}

// quantizeWhole quantizes complete rows. rows is their number.
func quantizeWhole[T uint8 | uint16](dst []T, src []float32, rows int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	switch dst := any(dst).(type) {
	case []uint8:
		quantizeInt8ColumnsNEON(dst, src, rows, scale, zero, qmin, qmax)
	case []uint16:
		quantizeInt16ColumnsNEON(dst, src, rows, scale, zero, qmin, qmax)
	}
}

// dequantizeWhole dequantizes complete rows. rows is their number.
func dequantizeWhole[T uint8 | uint16](dst []float32, src []T, rows int, scale []float32, zero []int32, signed, stream bool) {
	switch src := any(src).(type) {
	case []uint8:
		dequantizeInt8ColumnsNEON(dst, src, rows, scale, zero, signed)
	case []uint16:
		dequantizeInt16ColumnsNEON(dst, src, rows, scale, zero, signed)
	}
}

// errorsUntil sets acc to the errors of the first n runs. The kernel does not handle the next run;
// the definition must handle up to step runs there.
func errorsUntil(acc []sums, _ []float64, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) (n, step int) {
	return errorsRunsNEON(acc, src, run, scale, zero, qmin, qmax), 1
}

// errorsColumnsUntil is errorsUntil for columns.
func errorsColumnsUntil(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) (n, step int) {
	if len(scale) >= 8 {
		n = errorsColumnsNEON(acc.abs, acc.sq, acc.max, acc.clipped, src, rows, stride, scale, zero, qmin, qmax)
	}
	return n, 8
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
	if active != neon || len(acc) < leastColumns[neon] {
		squaresColumnsGeneric(acc, src, rows, stride)
		return
	}
	for ; rows > 0; rows -= bandRows {
		squaresColumnsNEON(acc, src, min(rows, bandRows), stride)
		src = src[min(bandRows*stride, len(src)):]
	}
}

// packWhole packs codes with a kernel. It returns the number of packed codes.
func packWhole(dst []byte, codes []uint8, bits int, stream bool) int {
	n := 0
	switch bits {
	case 4:
		n = len(codes) &^ 31
		pack4NEON(dst[:n/2], codes[:n])
	case 2:
		n = len(codes) &^ 63
		pack2NEON(dst[:n/4], codes[:n])
	}
	return n
}

// unpackWhole unpacks codes with a kernel. It returns the number of unpacked codes.
func unpackWhole(dst []uint8, packed []byte, bits int, signed bool) int {
	n, sign := 0, uint8(0)
	if signed {
		sign = 1 << (bits - 1)
	}
	switch bits {
	case 4:
		n = len(dst) &^ 31
		unpack4NEON(dst[:n], packed[:n/2], sign)
	case 2:
		n = len(dst) &^ 63
		unpack2NEON(dst[:n], packed[:n/4], sign)
	}
	return n
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
	n := 0
	if active == neon && len(lo) >= 4 {
		n = len(lo) &^ 3
		asymmetricParamsNEON(scale[:n], zero[:n], lo[:n], hi[:n], qmin, steps)
	}
	asymmetricParamsGeneric(scale[n:], zero[n:], lo[n:], hi[n:], qmin, steps)
}

func symmetricParams(scale, lo, hi []float32, steps float32) {
	n := 0
	if active == neon && len(lo) >= 4 {
		n = len(lo) &^ 3
		symmetricParamsNEON(scale[:n], lo[:n], hi[:n], steps)
	}
	symmetricParamsGeneric(scale[n:], lo[n:], hi[n:], steps)
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

// whole4 returns the number of elements that the kernels of packed codes of 4 bits handle, of n
// elements in runs of run: an even number. It is 0 if codes are better packed or unpacked in a
// buffer: if runs are short, or if there are runs that do not begin at a byte.
func whole4(n, run int) int {
	if active != neon || run%2 != 0 && run < n {
		return 0
	}
	return wholeRuns(n, run) &^ 1
}

// quantize4Runs has a kernel for runs of at least bookStep elements.
func quantize4Runs(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) bool {
	switch {
	case whole4(len(src), run) == 0:
		return false
	case groupRun(run):
		quantize4InGroups(dst, src, run, scale, zero, qmin, qmax)
	default:
		quantize4InRuns(dst, src, run, scale, zero, qmin, qmax)
	}
	return true
}

// dequantize4Runs has a kernel for runs of at least bookStep elements.
func dequantize4Runs(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed, stream bool) bool {
	n := whole4(len(dst), run)
	if n == 0 {
		return false
	}
	dequantize4RunsNEON(dst[:n], packed[:n/2], run, scale, zero, signed)
	if n < len(dst) {
		dequantize4RunsGeneric(dst[n:], packed[n/2:], run, scale[n/run:], zero[n/run:], signed)
	}
	return true
}

func differencesRuns(acc []sums, x, y []float32, run int) {
	switch active {
	case neon:
		differencesRunsNEON(acc, x, y[:len(x)], run)
	default:
		differencesRunsGeneric(acc, x, y, run)
	}
}

func usableParams(scale []float32, zero []int32) bool {
	n := 0
	if active == neon && len(scale) >= 8 {
		n = len(scale) &^ 3
		if unusableParamsNEON(scale[:n], zero[:n]) {
			return false
		}
	}
	return usableParamsGeneric(scale[n:], zero[n:])
}
