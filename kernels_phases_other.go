//go:build purego || (!amd64 && !arm64)

package quant

import "github.com/a01592f9/quant/internal/search"

// searchKernels returns no kernels. There are none on this architecture.
func searchKernels() search.Kernels { return search.Kernels{} }

// errorsFew has no kernel on this architecture.
func errorsFew(src []float32, scale float32, zero, qmin, qmax int32) (abs, sq float64, ok bool) {
	return 0, 0, false
}
