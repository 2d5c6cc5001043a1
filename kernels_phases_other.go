//go:build purego || !amd64

package quant

import "github.com/a01592f9/quant/internal/search"

// searchKernels returns no kernels. There are none on this architecture.
func searchKernels() search.Kernels { return search.Kernels{} }
