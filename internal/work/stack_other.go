//go:build purego || !(amd64 || arm64)

package work

// Nothing says here where a stack ends. So the compiler sees that slices can
// reach other goroutines, and puts all that callers pass on the heap.

// trusted is true: nothing is hidden from the compiler.
const trusted = true

// OnHeap reports whether s may be used by other goroutines, as all slices may.
func OnHeap[T any]([]T) bool { return true }

// Hide returns p.
func Hide[T any](p *T) *T { return p }
