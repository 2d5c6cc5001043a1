//go:build !purego

package quant

import "github.com/a01592f9/quant/internal/search"

// Kernels for the search for the least error.

//go:noescape
func lowNEON(sums *search.PhaseSums, values []float64, s search.Steps, limit, down uint32, squares bool) (low uint64, least int)

//go:noescape
func sortFewNEON(dst []float64, x []float32)

// searchKernels returns the kernels of the active instruction set.
func searchKernels() search.Kernels {
	if active == neon {
		return search.Kernels{Low: lowNEON, SortFew: sortFewNEON}
	}
	return search.Kernels{}
}

// errorsFew has no kernel on this architecture.
func errorsFew([]float32, float32, int32, int32, int32) (abs, sq float64, ok bool) {
	return 0, 0, false
}
