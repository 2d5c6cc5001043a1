//go:build !purego && (amd64 || arm64)

package work

import "unsafe"

// A caller may keep its slices on its stack, and most calls use one goroutine only. So the
// compiler must not see that a slice can reach another goroutine: it would move the slice to
// the heap in every caller. But Go moves a stack that grows or shrinks, even while its
// goroutine waits, and does not update pointers to it from other goroutines. So a slice that is
// on the stack must not be shared. The length of a slice does not show where it is: slices of
// any length can be on a stack.
//
// The bounds of the stack are read from the first two words of the runtime's description of the
// goroutine (runtime.g, field stack, in runtime/runtime2.go). The language does not guarantee
// this. So verify checks the bounds when the program starts. If they are wrong, OnHeap is false
// for all slices: all work stays on the calling goroutine, and no pointer is hidden from the
// compiler.

// stack returns the bounds of the calling goroutine's stack.
func stack() (lo, hi uintptr)

// trusted reports whether stack returns the true bounds of stacks.
var trusted = verify(stack)

// OnHeap reports whether s is not on the calling goroutine's stack, so that other goroutines
// may use it. It is false for every s if the bounds of stacks are not known.
func OnHeap[T any](s []T) bool {
	lo, hi := stack()
	return trusted && uintptr(unsafe.Pointer(unsafe.SliceData(s)))-lo >= hi-lo
}

// Hide returns p, hidden from the compiler's escape analysis. OnHeap must be true for all
// slices in it.
func Hide[T any](p *T) *T {
	u := uintptr(unsafe.Pointer(p))
	return *(**T)(unsafe.Pointer(&u))
}

// verify reports whether bounds returns the bounds of the calling goroutine's stack: local
// variables must be inside them, and allocated memory and package variables outside. It checks
// the calling goroutine, a new goroutine with a small stack, and a goroutine whose stack has
// grown and moved.
func verify(bounds func() (lo, hi uintptr)) bool {
	if !correct(bounds) {
		return false
	}
	result := make(chan bool)
	go func() { result <- correct(bounds) }()
	if !<-result {
		return false
	}
	go func() {
		var first frame
		lo, hi := bounds()
		n := deepFrames + int(min((hi-lo)/unsafe.Sizeof(first), mostFrames))
		result <- correct(bounds) && correctDeep(bounds, &first, n, uintptr(n)*unsafe.Sizeof(first)) && correct(bounds)
	}()
	return <-result
}

// A frame is a variable that takes much space on a stack.
type frame [1 << 10]byte

const (
	// deepFrames is the number of frames after which a stack that was full must have grown.
	deepFrames = 64

	// mostFrames is the largest number of frames that a new goroutine's stack can hold; it has
	// a few KiB when the program starts.
	mostFrames = 1 << 12
)

var (
	allocated *frame // a value that is assigned to it is on the heap
	static    frame
)

// correct checks bounds in both directions.
//
//go:noinline
func correct(bounds func() (lo, hi uintptr)) bool {
	var local frame
	allocated = new(frame)
	lo, hi := bounds()
	between := func(f *frame) bool {
		first := uintptr(unsafe.Pointer(f))
		last := first + unsafe.Sizeof(*f) - 1
		return lo <= first && last < hi
	}
	apart := func(f *frame) bool {
		first := uintptr(unsafe.Pointer(f))
		last := first + unsafe.Sizeof(*f) - 1
		return last < lo || hi <= first
	}
	return lo < hi && between(&local) && apart(allocated) && apart(&static)
}

// correctDeep is correct after n more calls, when the stack must be larger than size. The
// variable first of the first call moves with the stack, and must be inside the bounds too.
//
//go:noinline
func correctDeep(bounds func() (lo, hi uintptr), first *frame, n int, size uintptr) bool {
	var local frame
	at := n % len(local)
	local[at] = byte(n)
	if n > 0 {
		return correctDeep(bounds, first, n-1, size) && local[at] == byte(n)
	}
	if !correct(bounds) {
		return false
	}
	lo, hi := bounds()
	u := uintptr(unsafe.Pointer(first))
	return lo <= u && u < hi && hi-lo > size
}

// Verify is for tests. It checks the bounds of stacks again with another function, and returns
// a function that restores the result from the start of the program. No job may run at the same
// time.
func Verify(bounds func() (lo, hi uintptr)) (restore func()) {
	before := trusted
	trusted = verify(bounds)
	return func() { trusted = before }
}
