//go:build !purego && (amd64 || arm64)

package work

import "unsafe"

// A caller may keep its slices on its stack, and most calls stay on one
// goroutine. So the compiler must not see that a slice can reach another
// goroutine: it would move the slice to the heap in every caller. But Go moves a
// stack that has to grow or to shrink, also while its goroutine waits, and knows
// nothing of pointers to it from elsewhere. So a slice that is on the stack is
// never shared. Its size does not tell: parameters, results and slice literals
// of any size can be on a stack.
//
// Where the stack begins and ends is read from the first two words of the
// runtime's description of the goroutine (runtime.g, field stack, in
// runtime/runtime2.go). The language does not promise that they are there. So
// verify looks, when the program starts, whether these bounds are right, and
// where they are not, nothing counts as being on the heap: all work stays on the
// calling goroutine, and no pointer is hidden.

// stack returns the bounds of the calling goroutine's stack.
func stack() (lo, hi uintptr)

// trusted is whether stack returns the bounds of stacks.
var trusted = verify(stack)

// OnHeap reports whether s is not on the calling goroutine's stack, and so may be
// used by other goroutines. It is false for every s if the bounds of stacks are
// not known.
func OnHeap[T any](s []T) bool {
	lo, hi := stack()
	return trusted && uintptr(unsafe.Pointer(unsafe.SliceData(s)))-lo >= hi-lo
}

// Hide returns p without the compiler's noticing. OnHeap must be true for all
// slices in it.
func Hide[T any](p *T) *T {
	u := uintptr(unsafe.Pointer(p))
	return *(**T)(unsafe.Pointer(&u))
}

// verify reports whether bounds returns the bounds of the calling goroutine's
// stack: variables of functions are between them, and allocated memory and
// package variables are not. That must hold on the calling goroutine, on a new
// one, whose stack is small, and on one whose stack has grown and was moved.
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

// A frame is a variable that takes much of a stack.
type frame [1 << 10]byte

const (
	// deepFrames is how many frames more than a stack has room for make it grow.
	deepFrames = 64

	// mostFrames is how many frames a new goroutine's stack has room for, at most:
	// it is a few KiB large when the program starts.
	mostFrames = 1 << 12
)

var (
	allocated *frame // what is assigned to it is on the heap
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

// correctDeep is correct after n more calls, when the stack must be larger than
// size. The variable of the first of them, which Go moves with the stack, must be
// between the bounds as well.
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

// Verify is for tests. It decides anew whether the bounds of stacks are known, as
// if bounds returned them, and returns a function that puts back what was decided
// when the program started. No job may run meanwhile.
func Verify(bounds func() (lo, hi uintptr)) (restore func()) {
	before := trusted
	trusted = verify(bounds)
	return func() { trusted = before }
}
