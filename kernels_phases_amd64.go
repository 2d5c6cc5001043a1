//go:build !purego

package quant

import "github.com/a01592f9/quant/internal/search"

// Kernels for the search for the least error.

//go:noescape
func lowPhasesAVX2(sums *search.PhaseSums, all []search.Phases, steps int, limit, down uint32, squares bool) uint64

//go:noescape
func lowAVX512(sums *search.PhaseSums, values []float64, s search.Steps, limit, down uint32, squares bool) (low uint64, least int)

//go:noescape
func atMostAVX512(sums *search.PhaseSums, low uint64, limit, down uint32) uint64

//go:noescape
func sortFewAVX512(dst []float64, x []float32)

// searchKernels returns the kernels of the active instruction set.
func searchKernels() search.Kernels {
	switch active {
	case avx2:
		return search.Kernels{LowPhases: lowPhasesAVX2}
	case avx512:
		return search.Kernels{Low: lowAVX512, AtMost: atMostAVX512, SortFew: sortFewAVX512}
	}
	return search.Kernels{}
}
