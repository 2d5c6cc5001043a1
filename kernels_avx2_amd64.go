//go:build !purego

package quant

// The AVX2 kernels. Those of columns take at least 8 columns.

//go:noescape
func rangeRunsAVX2(lo, hi, src []float32, run int) bool

//go:noescape
func rangeShortAVX2(lo, hi, src []float32, run int) bool

// Kernels of parameters take len(scale) ranges, a multiple of 8.

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
func differencesRunsAVX2(acc []sums, x, y []float32, run int)

//go:noescape
func squaresRunsAVX2(acc []float64, src []float32, run int)

//go:noescape
func errorsInsideRunsAVX2(acc []sums, src []float32, run int, scale []float32, zero []int32) int

//go:noescape
func errorsInsideColumnsAVX2(abs, sq *float64, max *float32, src *float32, rows, stride int, scale []float32, zero []int32) int

//go:noescape
func errorsFewAVX2(src []float32, scale, lo, hi float32) (abs, sq float64)

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

// wideRowAVX2 is the least length of rows that are handled one after the other, if the tensor is
// too large for the caches.
const wideRowAVX2 = 256

func quantizeInt8WholeAVX2(dst []uint8, src []float32, rows int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	if cols := len(scale); stream && cols >= wideRowAVX2 && smallZeros(zero) {
		quantizeInt8RowsAVX2(&dst[0], &src[0], rows, cols, &scale[0], &zero[0], qmin, qmax)
	} else {
		quantizeInt8ColumnsAVX2(&dst[0], &src[0], rows, scale, zero, qmin, qmax)
	}
}

// smallZeros reports whether all zero points are small enough for kernels that saturate words.
func smallZeros(zero []int32) bool {
	most := uint32(0)
	for _, z := range zero {
		most = max(most, uint32(z+32000))
	}
	return most <= 64000
}

//go:noescape
func unusableParamsAVX2(scale []float32, zero []int32) bool
