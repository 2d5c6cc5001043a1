//go:build purego || !(amd64 || arm64)

package work

// The bounds of stacks are not known here. So slices are not hidden from the compiler, which
// then puts all slices of callers on the heap.

// trusted is true, since nothing is hidden from the compiler.
const trusted = true

// OnHeap reports whether s may be used by other goroutines. Here that is true for every slice.
func OnHeap[T any]([]T) bool { return true }

// Hide returns p.
func Hide[T any](p *T) *T { return p }
