//go:build !purego && (amd64 || arm64)

package work

import (
	"math"
	"runtime"
	"sync"
	"testing"
)

// TestOnHeap has memory of every kind that can be on a stack, of sizes that
// variables do not have there, and memory that cannot be.
func TestOnHeap(t *testing.T) {
	check := func(what string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: on the heap is %t, want %t", what, got, want)
		}
	}
	var v [1000]float32
	check("a variable", OnHeap(v[:]), false)
	check("the end of a variable", OnHeap(v[1000:]), false)
	check("a short make", OnHeap(make([]float32, 1000)), false)
	check("a literal", OnHeap([]float32{1 << 18: 1}), false)
	check("a parameter", parameterOnHeap(bigArray{}), false)
	_, result := resultOnHeap()
	check("a result", result, false)
	check("a long make", OnHeap(make([]float32, 1<<18)), true)
	check("a package variable", OnHeap(static[:]), true)
	check("no slice", OnHeap[float32](nil), true)
	done := make(chan bool)
	go func() { // another stack
		defer close(done)
		var w [10]float32
		check("a goroutine's variable", OnHeap(w[:]), false)
		check("a long make", OnHeap(make([]float32, 1<<18)), true)
	}()
	<-done
}

type bigArray [1 << 19]float32

//go:noinline
func parameterOnHeap(v bigArray) bool { return OnHeap(v[:]) }

//go:noinline
func resultOnHeap() (v bigArray, ok bool) {
	ok = OnHeap(v[:])
	return
}

// wrongBounds are what a Go runtime that lays out a goroutine otherwise might
// show in place of the bounds of the stack.
var wrongBounds = []struct {
	name   string
	bounds func() (lo, hi uintptr)
}{
	{"nothing", func() (lo, hi uintptr) { return 0, 0 }},
	{"all memory", func() (lo, hi uintptr) { return 0, math.MaxUint }},
	{"the other way round", func() (lo, hi uintptr) { lo, hi = stack(); return hi, lo }},
	{"the lower bound twice", func() (lo, hi uintptr) { lo, _ = stack(); return lo, lo }},
	{"the upper bound and a pointer to elsewhere", func() (lo, hi uintptr) { _, hi = stack(); return hi, hi + 1<<20 }},
	{"the lower end only", func() (lo, hi uintptr) { lo, _ = stack(); return lo, lo + 256 }},
	{"the stack as it was at first", atFirst()},
	{"the stack of the main goroutine", func(lo, hi uintptr) func() (lo, hi uintptr) {
		return func() (uintptr, uintptr) { return lo, hi }
	}(stack())},
	{"up to 8 KiB of a stack", func() (lo, hi uintptr) { lo, hi = stack(); return max(lo, hi-8<<10), hi }},
	{"the heap beside the stack", func() (lo, hi uintptr) { lo, hi = stack(); return lo - 1<<40, hi + 1<<40 }},
}

// atFirst returns a function that goes on returning the bounds which a goroutine
// had when it asked first.
func atFirst() func() (lo, hi uintptr) {
	var known sync.Map
	return func() (lo, hi uintptr) {
		lo, hi = stack()
		v, _ := known.LoadOrStore(goroutine(), [2]uintptr{lo, hi})
		b := v.([2]uintptr)
		return b[0], b[1]
	}
}

func TestVerify(t *testing.T) {
	if !trusted || !verify(stack) {
		t.Error("the bounds of stacks are not trusted")
	}
	for _, tt := range wrongBounds {
		t.Run(tt.name, func(t *testing.T) {
			if verify(tt.bounds) {
				t.Error("the check did not notice")
			}
		})
	}
}

// TestUntrusted: where the check fails, nothing counts as being on the heap, and
// the calling goroutine does all parts.
func TestUntrusted(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	defer Verify(func() (lo, hi uintptr) { return 0, 0 })()
	if OnHeap(make([]float32, 1<<18)) || OnHeap(static[:]) || OnHeap[int](nil) {
		t.Error("something is on the heap")
	}
	if Several(1000) {
		t.Error("a job is worth several goroutines")
	}
	me := goroutine()
	n := 0
	p := New(func(*struct{}, int) {
		n++
		if by := goroutine(); by != me {
			t.Errorf("goroutine %s does a part, want %s", by, me)
		}
	})
	p.Do(&struct{}{}, 100)
	if n != 100 {
		t.Errorf("%d parts were done, want 100", n)
	}
}

func TestVerifyRestores(t *testing.T) {
	Verify(func() (lo, hi uintptr) { return 0, 0 })()
	if !trusted {
		t.Error("the bounds of stacks are not trusted any more")
	}
}
