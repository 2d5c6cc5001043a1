//go:build !purego

package quant

import "github.com/a01592f9/quant/internal/search"

// Kernels for search.LowPhases, which the search for the least error uses.

//go:noescape
func lowPhasesAVX2(sums *search.PhaseSums, all []search.Phases, steps int, limit, down uint32, squares bool) uint64

//go:noescape
func lowPhasesAVX512(sums *search.PhaseSums, all []search.Phases, steps int, limit, down uint32, squares bool) uint64

// lowPhases computes search.LowPhases with the active instruction set. all must have at least one
// element.
func lowPhases(sums *search.PhaseSums, all []search.Phases, steps int, limit, down uint32, squares bool) uint64 {
	switch active {
	case avx2:
		return lowPhasesAVX2(sums, all, steps, limit, down, squares)
	case avx512:
		return lowPhasesAVX512(sums, all, steps, limit, down, squares)
	default:
		return search.LowPhases(sums, all, steps, limit, down, squares)
	}
}
