//go:build !purego

package quant

import "github.com/a01592f9/quant/internal/search"

// Low sums of phases, for searches for the least error.

//go:noescape
func lowPhasesAVX2(sums *search.PhaseSums, all []search.Phases, steps int, limit, down uint32, squares bool) uint64

//go:noescape
func lowPhasesAVX512(sums *search.PhaseSums, all []search.Phases, steps int, limit, down uint32, squares bool) uint64

// lowPhases is search.LowPhases. all has at least one element.
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
