//go:build !purego

package quant

import (
	"math"
	"sync"

	"github.com/klauspost/cpuid/v2"
)

var usable = detect()

func init() { active = usable[len(usable)-1] }

// detect returns the sets of kernels that this processor can run. It checks every feature that
// their assembly uses.
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

const (
	bandRows     = math.MaxInt // a kernel of columns handles all rows in one call
	mergesNarrow = false       // narrow rows are not merged
)

// shortRange is the largest length of runs whose ranges are computed several at a time.
const shortRange = 256

func rangeRuns(lo, hi, src []float32, run int) bool {
	if active == generic {
		return rangeRunsGeneric(lo, hi, src, run)
	}
	return rangeRunsWith(lo, hi, src, run, false)
}

// rangeRunsFar is rangeRuns for elements that are not in a cache.
func rangeRunsFar(lo, hi, src []float32, run int) bool {
	if active == generic {
		return rangeRunsGeneric(lo, hi, src, run)
	}
	return rangeRunsWith(lo, hi, src, run, true)
}

func rangeRunsWith(lo, hi, src []float32, run int, far bool) bool {
	ok := true
	if len(src) > run {
		var n int
		n, ok = rangeShort(lo, hi, src, run, far)
		if lo, hi, src = lo[n:], hi[n:], src[n*run:]; len(src) == 0 {
			return ok
		}
	}
	if active == avx2 {
		return rangeRunsAVX2(lo, hi, src, run) && ok
	}
	return rangeRunsAVX512(lo, hi, src, run) && ok
}

// rangeShort computes the ranges of short runs, several at a time. n is the number of runs that
// it has handled. It does not use the kernel of groups for elements that are not in a cache
// (far): that kernel waits for all elements of 16 groups before it reads the next ones.
func rangeShort(lo, hi, src []float32, run int, far bool) (n int, ok bool) {
	n = len(src) / run
	switch {
	case active == avx2 && run >= 8 && run <= shortRange && n >= 8:
		n &^= 7
		return n, rangeShortAVX2(lo[:n], hi[:n], src, run)
	case active == avx512 && n >= 16 && groupRun(run) && !far:
		n &^= 15
		return n, rangeGroupsAVX512(lo[:n], hi[:n], src, run)
	case active == avx512 && run <= shortRange && n >= 4:
		n &^= 3
		return n, rangeShortAVX512(lo[:n], hi[:n], src, run)
	default:
		return 0, true
	}
}

func rangeColumns(lo, hi, src []float32, rows, stride int) bool {
	switch {
	case active == avx2 && rows > 0 && len(lo) >= 8:
		return rangeColumnsAVX2(lo, hi, &src[0], rows, stride)
	case active == avx512 && rows > 0:
		return rangeColumnsInCache(lo, hi, src, rows, stride)
	default:
		return rangeColumnsGeneric(lo, hi, src, rows, stride)
	}
}

func quantizeInt8Runs(dst []uint8, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	switch active {
	case avx2:
		if inGroups(len(src), run) { // its kernel of runs stores short runs to the caches, too
			quantizeInt8InGroups(dst[:len(src)], src, run, scale, zero[:len(scale)], qmin, qmax)
			return
		}
		quantizeInt8RunsAVX2(dst[:len(src)], src, run, scale, zero[:len(scale)], qmin, qmax, stream)
	case avx512:
		// Where codes are stored without using the caches, the kernel of groups is slower, but not
		// in a dynamic call, for which it fetches the next elements.
		if (!stream || len(src) <= dynamicLen) && inGroups(len(src), run) {
			quantizeInt8InGroups(dst[:len(src)], src, run, scale, zero[:len(scale)], qmin, qmax)
			return
		}
		quantizeInt8RunsAVX512(dst[:len(src)], src, run, scale, zero[:len(scale)], qmin, qmax, stream)
	default:
		quantizeRunsGeneric(dst, src, run, scale, zero, qmin, qmax)
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

func dequantizeInt8Runs(dst []float32, src []uint8, run int, scale []float32, zero []int32, signed, stream bool) {
	switch active {
	case avx2:
		dequantizeInt8RunsAVX2(dst[:len(src)], src, run, scale, zero, signed, stream)
	case avx512:
		dequantizeInt8RunsAVX512(dst[:len(src)], src, run, scale, zero, signed, stream)
	default:
		dequantizeRunsGeneric(dst, src, run, scale, zero, signed)
	}
}

func dequantizeInt16Runs(dst []float32, src []uint16, run int, scale []float32, zero []int32, signed, stream bool) {
	switch active {
	case avx2:
		dequantizeInt16RunsAVX2(dst[:len(src)], src, run, scale, zero, signed, stream)
	case avx512:
		dequantizeInt16RunsAVX512(dst[:len(src)], src, run, scale, zero, signed, stream)
	default:
		dequantizeRunsGeneric(dst, src, run, scale, zero, signed)
	}
}

func usableParams(scale []float32, zero []int32) bool {
	n := 0
	if active != generic && len(scale) >= 8 {
		n = len(scale) &^ 7
		if unusableParamsAVX2(scale[:n], zero[:n]) {
			return false
		}
	}
	return usableParamsGeneric(scale[n:], zero[n:])
}

// dequantize4Runs has a kernel for AVX-512. Otherwise it returns false.
func dequantize4Runs(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed, stream bool) bool {
	if active != avx512 {
		return false
	}
	dequantize4RunsAVX512(dst, packed[:packedLen(int64(len(dst)), 4)], run, scale, zero, signed, stream)
	return true
}

// quantizeWhole quantizes complete rows. rows is their number.
func quantizeWhole[T uint8 | uint16](dst []T, src []float32, rows int, scale []float32, zero []int32, qmin, qmax int32, stream bool) {
	switch dst := any(dst).(type) {
	case []uint8:
		if active == avx2 {
			quantizeInt8WholeAVX2(dst, src, rows, scale, zero, qmin, qmax, stream)
		} else {
			quantizeInt8WholeAVX512(dst, src, rows, scale, zero, qmin, qmax, stream)
		}
	case []uint16:
		if active == avx2 {
			quantizeInt16ColumnsAVX2(&dst[0], &src[0], rows, scale, zero, qmin, qmax)
		} else {
			quantizeInt16ColumnsAVX512(&dst[0], &src[0], rows, scale, zero, qmin, qmax)
		}
	}
}

// dequantizeWhole dequantizes complete rows. rows is their number.
func dequantizeWhole[T uint8 | uint16](dst []float32, src []T, rows int, scale []float32, zero []int32, signed, stream bool) {
	switch src := any(src).(type) {
	case []uint8:
		if active == avx2 {
			dequantizeInt8ColumnsAVX2(&dst[0], &src[0], rows, scale, zero, signed, stream && len(scale) >= 64)
		} else {
			dequantizeInt8WholeAVX512(dst, src, rows, scale, zero, signed, stream)
		}
	case []uint16:
		if active == avx2 {
			dequantizeInt16ColumnsAVX2(&dst[0], &src[0], rows, scale, zero, signed)
		} else {
			dequantizeInt16ColumnsAVX512(&dst[0], &src[0], rows, scale, zero, signed)
		}
	}
}

// errorsUntil sets acc to the errors of the first n runs. The kernel does not handle the next run;
// the definition must handle up to step runs there.
func errorsUntil(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) (n, step int) {
	if active == avx2 {
		return errorsRunsAVX2(acc, src, run, scale, zero, qmin, qmax), 8
	}
	return errorsRunsAVX512(acc, sq, src, run, scale, zero, qmin, qmax), 16
}

// errorsInsideRuns has kernels for AVX-512 and AVX2. It returns the number of runs that it has
// handled.
func errorsInsideRuns(acc []sums, sq []float64, src []float32, run int, scale []float32, zero []int32) int {
	if active == generic || len(acc) == 0 {
		return 0
	}
	scale, zero = scale[:len(acc)], zero[:len(acc)]
	if active == avx512 {
		return errorsInsideRunsAVX512(acc, sq, src, run, scale, zero)
	}
	n := errorsInsideRunsAVX2(acc, src, run, scale, zero)
	if sq != nil && n > 0 {
		squaresRuns(sq[:n], src[:min(n*run, len(src))], run)
	}
	return n
}

// errorsInsideTwo has a kernel for AVX-512. It returns the number of runs that it has handled.
func errorsInsideTwo(acc1, acc2 []sums, sq []float64, src []float32, run int, scale1 []float32, zero1 []int32, scale2 []float32, zero2 []int32) int {
	n := len(acc1)
	if active != avx512 || n == 0 {
		return 0
	}
	return errorsInsideTwoAVX512(acc1, acc2[:n], sq, src, run, scale1[:n], zero1[:n], scale2[:n], zero2[:n])
}

// errorsColumnsUntil is errorsUntil for columns.
func errorsColumnsUntil(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) (n, step int) {
	switch {
	case active == avx512:
		return errorsColumnsAVX512(&acc.abs[0], &acc.sq[0], &acc.max[0], &acc.clipped[0], &src[0], rows, stride, scale, zero, qmin, qmax), 16
	case len(scale) >= 8:
		return errorsColumnsAVX2(&acc.abs[0], &acc.sq[0], &acc.max[0], &acc.clipped[0], &src[0], rows, stride, scale, zero, qmin, qmax), 8
	default:
		return 0, 8
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

func differencesRuns(acc []sums, x, y []float32, run int) {
	switch {
	case active == avx2 && len(acc) > 0:
		differencesRunsAVX2(acc, x, y[:len(x)], run)
	case active == avx512 && len(acc) > 0:
		differencesRunsAVX512(acc, x, y[:len(x)], run)
	default:
		differencesRunsGeneric(acc, x, y, run)
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

// packWhole packs codes with a kernel. It returns the number of packed codes.
func packWhole(dst []byte, codes []uint8, bits int, stream bool) int {
	n := len(codes)
	if active == avx2 {
		n &^= 7
	}
	dst, codes = dst[:packedLen(int64(n), bits)], codes[:n]
	switch {
	case bits == 4 && active == avx2:
		pack4AVX2(dst, codes, stream)
	case bits == 4:
		pack4AVX512(dst, codes, stream)
	case bits == 2 && active == avx2:
		pack2AVX2(dst, codes)
	case bits == 2:
		pack2AVX512(dst, codes)
	default:
		return 0
	}
	return n
}

// unpackWhole unpacks codes with a kernel. It returns the number of unpacked codes.
func unpackWhole(dst []uint8, packed []byte, bits int, signed bool) int {
	n := len(dst)
	if active == avx2 {
		n &^= 7
	}
	dst, packed = dst[:n], packed[:packedLen(int64(n), bits)]
	switch {
	case bits == 4 && active == avx2:
		unpack4AVX2(dst, packed, signed)
	case bits == 4:
		unpack4AVX512(dst, packed, signed)
	case bits == 2 && active == avx2:
		unpack2AVX2(dst, packed, signed)
	case bits == 2:
		unpack2AVX512(dst, packed, signed)
	default:
		return 0
	}
	return n
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

// longHistogram is the least number of elements for which it is faster to count in tables of all
// bins first, and then to add the tables to the counters of the octaves.
const longHistogram = 1 << 15

// A histogramTable has room for histogramLanes tables of all bins: see histogramLongAVX2.
type histogramTable [3*(bins+0x440/4) + bins]uint32

// histogramTables is a pool of tables. All their counters are 0.
var histogramTables = sync.Pool{New: func() any { return new(histogramTable) }}

func histogramRuns(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int {
	if active == generic {
		return histogramRunsGeneric(counts, at, src)
	}
	n := 0
	if len(src) >= longHistogram {
		t := histogramTables.Get().(*histogramTable)
		n = histogramLongAVX2(counts, at, &t[0], src)
		histogramTables.Put(t)
	}
	return n + histogramRunsAVX2(counts, at, src[n:])
}

func transpose(dst, src []float32, rows, cols, stride int) {
	if active == generic || rows < 8 || cols < 8 {
		transposeGeneric(dst, src, rows, cols, stride)
		return
	}
	transposeAVX2(&dst[:rows*cols][0], &src[:(rows-1)*stride+cols][0], rows, cols, stride)
}

func fence() { storeFence() }

// storeFence makes stores that did not use the caches visible to other cores before later stores.
func storeFence()
