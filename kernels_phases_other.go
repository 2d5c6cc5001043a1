//go:build purego || !amd64

package quant

import "github.com/a01592f9/quant/internal/search"

// lowPhases calls search.LowPhases. There is no kernel for it on this architecture.
func lowPhases(sums *search.PhaseSums, all []search.Phases, steps int, limit, down uint32, squares bool) uint64 {
	return search.LowPhases(sums, all, steps, limit, down, squares)
}
