//go:build !purego

package quant

import "github.com/a01592f9/quant/internal/search"

// Kernels for the search for the least error.

//go:noescape
func lowAVX2(sums *search.PhaseSums, values []float64, s search.Steps, limit, down uint32, squares bool) (low uint64, least int)

//go:noescape
func atMostAVX2(sums *search.PhaseSums, low uint64, limit, down uint32) uint64

//go:noescape
func boundsAVX2(dst *search.StepBounds, sums *search.PhaseSums, between uint64, b search.Bounding) uint64

//go:noescape
func sortFewAVX2(dst []float64, x []float32)

//go:noescape
func lowAVX512(sums *search.PhaseSums, values []float64, s search.Steps, limit, down uint32, squares bool) (low uint64, least int)

//go:noescape
func atMostAVX512(sums *search.PhaseSums, low uint64, limit, down uint32) uint64

//go:noescape
func boundsAVX512(dst *search.StepBounds, sums *search.PhaseSums, between uint64, b search.Bounding) uint64

//go:noescape
func sortFewAVX512(dst []float64, x []float32)

// searchKernels returns the kernels of the active instruction set.
func searchKernels() search.Kernels {
	switch active {
	case avx2:
		return search.Kernels{Low: lowAVX2, AtMost: atMostAVX2, Bounds: boundsAVX2, SortFew: sortFewAVX2}
	case avx512:
		return search.Kernels{Low: lowAVX512, AtMost: atMostAVX512, Bounds: boundsAVX512, SortFew: sortFewAVX512}
	}
	return search.Kernels{}
}

// fewErrors is the largest number of elements for which the kernels of few elements are faster than
// those of errorsRuns.
const fewErrors = 256

// errorsFew returns the sums of errors of one run, if there is a kernel that is faster for so few
// elements than that of errorsRuns.
func errorsFew(src []float32, scale float32, zero, qmin, qmax int32) (abs, sq float64, ok bool) {
	if n := len(src); n == 0 || n > fewErrors {
		return 0, 0, false
	}
	switch lo, hi := float32(qmin-zero), float32(qmax-zero); {
	case active == avx512:
		abs, sq = errorsFewAVX512(src, scale, lo, hi)
	case active == avx2 && len(src)%16 == 0:
		abs, sq = errorsFewAVX2(src, scale, lo, hi)
	default:
		return 0, 0, false
	}
	return abs, sq, true
}
