//go:build purego || !(amd64 || arm64)

package quant

// Dispatchers for machines without assembly. They ignore the hint stream.

var usable = []isa{generic}

func init() { active = usable[len(usable)-1] }

func rangeRuns(lo, hi, src []float32, run int) bool { return rangeRunsGeneric(lo, hi, src, run) }

func rangeRunsFar(lo, hi, src []float32, run int) bool { return rangeRunsGeneric(lo, hi, src, run) }

func rangeColumns(lo, hi, src []float32, rows, stride int) bool {
	return rangeColumnsGeneric(lo, hi, src, rows, stride)
}

func quantizeInt8Runs(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	quantizeRunsGeneric(dst, src, run, scale, zero, qmin, qmax)
}

func quantizeInt8Columns(dst []uint8, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
}

func quantizeInt16Runs(dst []uint16, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	quantizeRunsGeneric(dst, src, run, scale, zero, qmin, qmax)
}

func quantizeInt16Columns(dst []uint16, src []float32, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	quantizeColumnsGeneric(dst, src, scale, zero, qmin, qmax)
}

func dequantizeInt8Runs(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed bool, stream bool) {
	dequantizeRunsGeneric(dst, src, run, scale, zero, signed)
}

func dequantizeInt8Columns(dst []float32, src []uint8, scale []float32, zero []int32, signed bool, stream bool) {
	dequantizeColumnsGeneric(dst, src, scale, zero, signed)
}

func dequantizeInt16Runs(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed bool, stream bool) {
	dequantizeRunsGeneric(dst, src, run, scale, zero, signed)
}

func dequantizeInt16Columns(dst []float32, src []uint16, scale []float32, zero []int32, signed bool, stream bool) {
	dequantizeColumnsGeneric(dst, src, scale, zero, signed)
}

func errorsRuns(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	errorsRunsGeneric(acc, src, run, scale, zero, qmin, qmax)
}

func errorsSquaresRuns(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	errorsRuns(acc, src, run, scale, zero, qmin, qmax)
	squaresRuns(sq[:len(acc)], src, run)
}

func errorsInsideRuns([]sums, []float64, []float32, int, []float32, []int32) int { return 0 }

func errorsInsideTwo([]sums, []sums, []float64, []float32, int, []float32, []int32, []float32, []int32) int {
	return 0
}

func errorsInsideColumns(columnSums, []float32, int, int, []float32, []int32) int { return 0 }

func errorsColumns(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) {
	errorsColumnsGeneric(acc, src, rows, stride, scale, zero, qmin, qmax)
}

func squaresRuns(acc []float64, src []float32, run int) { squaresRunsGeneric(acc, src, run) }

func squaresColumns(acc []float64, src []float32, rows, stride int) {
	squaresColumnsGeneric(acc, src, rows, stride)
}

func pack8(dst []byte, codes []uint8, bits int, stream bool) { pack8Generic(dst, codes, bits) }

func unpack8(dst []uint8, packed []byte, bits int, signed bool) {
	unpack8Generic(dst, packed, bits, signed)
}

func widenBFloat16(dst []float32, src []uint16) { widenBFloat16Generic(dst, src) }

func widenFloat16(dst []float32, src []uint16) { widenFloat16Generic(dst, src) }

func asymmetricParams(scale []float32, zero []int32, lo, hi []float32, qmin, steps float32) {
	asymmetricParamsGeneric(scale, zero, lo, hi, qmin, steps)
}

func symmetricParams(scale, lo, hi []float32, steps float32) {
	symmetricParamsGeneric(scale, lo, hi, steps)
}

func histogramRuns(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int {
	return histogramRunsGeneric(counts, at, src)
}

func transpose(dst, src []float32, rows, cols, stride int) {
	transposeGeneric(dst, src, rows, cols, stride)
}

func fence() {}

func quantizeBookRuns(dst []uint8, src []float32, run int, scale []float32, b *codebook, _ bool) {
	quantizeBookRunsGeneric(dst, src, run, scale, b)
}

func dequantizeBookRuns(dst []float32, src []uint8, run int, scale []float32, b *codebook, _ bool) {
	dequantizeBookRunsGeneric(dst, src, run, scale, b)
}

func quantize4Runs([]byte, []float32, int, []float32, []int32, int32, int32) bool { return false }

func dequantize4Runs([]float32, []byte, int, []float32, []int32, bool, bool) bool { return false }

func differencesRuns(acc []sums, x, y []float32, run int) { differencesRunsGeneric(acc, x, y, run) }

func usableParams(scale []float32, zero []int32) bool { return usableParamsGeneric(scale, zero) }

func quantizeBookColumns(dst []uint8, src []float32, scale []float32, b *codebook) {
	quantizeBookColumnsGeneric(dst, src, scale, b)
}

func dequantizeBookColumns(dst []float32, src []uint8, scale []float32, b *codebook) {
	dequantizeBookColumnsGeneric(dst, src, scale, b)
}
