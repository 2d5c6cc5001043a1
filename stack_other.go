//go:build purego || !(amd64 || arm64)

package quant

// Nothing says here where a stack ends. So the compiler sees that slices can
// reach other goroutines, and puts all that callers pass on the heap.

func onHeap[T any]([]T) bool { return true }

func hide[T any](p *T) *T { return p }
