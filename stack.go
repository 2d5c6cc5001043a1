//go:build !purego && (amd64 || arm64)

package quant

import "unsafe"

// Callers may keep their slices on their stack, and most calls stay on one
// goroutine, so the compiler must not see that slices can reach others: it
// would move them to the heap in every caller. But a stack can move while its
// goroutine waits. So slices that are on it are never shared. How large they
// are does not tell: parameters, results and slice literals of any size can be
// on a stack.

// stack returns the bounds of the calling goroutine's stack.
func stack() (lo, hi uintptr)

// onHeap reports whether s is not on the calling goroutine's stack.
func onHeap[T any](s []T) bool {
	lo, hi := stack()
	return uintptr(unsafe.Pointer(unsafe.SliceData(s)))-lo >= hi-lo
}

// hide returns p without the compiler's noticing. All slices in it must be on
// the heap.
func hide[T any](p *T) *T {
	u := uintptr(unsafe.Pointer(p))
	return *(**T)(unsafe.Pointer(&u))
}
