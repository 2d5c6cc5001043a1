package quant

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
)

// matrixGranularities are kinds that a matrix can have, of every walk.
var matrixGranularities = []Granularity{
	PerTensor, PerChannel(0), PerChannel(-1), PerGroup(1, 8), PerGroup(0, 3), PerGroup(-1, 7),
}

// TestNoEscape calls everything that writes into its caller's memory with
// memory on the caller's stack: none of it may be moved to the heap, nor
// anything else allocated.
func TestNoEscape(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	forEachISA(t, func(t *testing.T) {
		for _, g := range matrixGranularities {
			for _, bits := range []int{2, 3, 4, 8, 11, 16} {
				s := Scheme{Bits: bits, Granularity: g}
				t.Run(fmt.Sprintf("%v/bits=%d", g, bits), func(t *testing.T) { testNoEscape(t, s) })
			}
		}
	})
}

func testNoEscape(t *testing.T, s Scheme) {
	failed := 0
	calls := func() {
		var x, y [160]float32
		for i := range x {
			x[i] = float32(i*i%97) - 40
		}
		var (
			scale  [160]float32
			zero   [160]int32
			packed [320]byte
			wide   [160]int16
			bytes  [160]int8
		)
		p := Params{Scale: scale[:0], ZeroPoint: zero[:0]}
		errs := [...]error{
			CalibrateInto(&p, Tensor{x[:], []int{4, 40}}, s),
			QuantizeInto(packed[:], Tensor{x[:], []int{4, 40}}, p),
			DequantizeInto(y[:], Quantized{packed[:PackedLen(160, s.Bits)], []int{4, 40}, p}),
			QuantizeCodes(wide[:], Tensor{x[:], []int{4, 40}}, p),
			DequantizeCodes(y[:], wide[:], []int{4, 40}, p),
		}
		for _, err := range errs {
			if err != nil {
				failed++
			}
		}
		if s.Bits <= 8 {
			if QuantizeCodes(bytes[:], Tensor{x[:], []int{4, 40}}, p) != nil || DequantizeCodes(y[:], bytes[:], []int{4, 40}, p) != nil {
				failed++
			}
			Pack(packed[:], bytes[:], s.Bits)
			Unpack(bytes[:], packed[:], s.Bits)
		}
		Pack(packed[:], wide[:], s.Bits)
		Unpack(wide[:], packed[:], s.Bits)
		var halves [160]uint16
		WidenBFloat16(y[:], halves[:])
		WidenFloat16(y[:], halves[:])
	}
	if n := testing.AllocsPerRun(100, calls); n != 0 || failed > 0 {
		t.Errorf("%v allocations and %d errors, want none", n, failed)
	}
	// A Comparison is kept from one call to the next.
	var c Comparison
	compare := func() {
		var x [160]float32
		for i := range x {
			x[i] = float32(i*i%97) - 40
		}
		if CompareInto(&c, Tensor{x[:], []int{4, 40}}, Scheme{Bits: s.Bits}, s) != nil {
			failed++
		}
	}
	if n := testing.AllocsPerRun(100, compare); n != 0 || failed > 0 {
		t.Errorf("CompareInto: %v allocations and %d errors, want none", n, failed)
	}
}

// TestNoAllocations has tensors that several cores share. AllocsPerRun would
// leave them on one.
func TestNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // it empties pools
	x := Tensor{make([]float32, 675*400), []int{675, 400}}
	for i := range x.Data {
		x.Data[i] = float32(i*i%9973) - 4000
	}
	raise(200)
	y, packed, wide := make([]float32, len(x.Data)), make([]byte, 2*len(x.Data)), make([]int16, len(x.Data))
	for i, g := range thin(matrixGranularities) {
		for _, bits := range [][]int{{4, 11}, {8, 16}}[i%2] {
			s := Scheme{Bits: bits, Granularity: g}
			var p Params
			var c Comparison
			for name, call := range map[string]func() error{
				"CalibrateInto":   func() error { return CalibrateInto(&p, x, s) },
				"QuantizeInto":    func() error { return QuantizeInto(packed, x, p) },
				"DequantizeInto":  func() error { return DequantizeInto(y, Quantized{packed[:PackedLen(len(y), bits)], x.Shape, p}) },
				"QuantizeCodes":   func() error { return QuantizeCodes(wide, x, p) },
				"DequantizeCodes": func() error { return DequantizeCodes(y, wide, x.Shape, p) },
				"CompareInto":     func() error { return CompareInto(&c, x, Scheme{Bits: bits}, s) },
			} {
				if err := CalibrateInto(&p, x, s); err != nil {
					t.Fatal(err)
				}
				if n := allocations(t, call); n != 0 {
					t.Errorf("%s, %v, %d bits: %d allocations a call, want 0", name, g, bits, n)
				}
			}
		}
	}
}

// raise starts n goroutines that live at the same time, so that the runtime
// has so many to use again.
func raise(n int) {
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for range n {
		wg.Go(func() { <-gate })
	}
	close(gate)
	wg.Wait()
}

// allocations returns the objects that a call of f allocates, once f has run
// a few times. What the runtime allocates now and then rounds to nothing.
func allocations(t *testing.T, f func() error) uint64 {
	const warm, runs = 3, 10
	var before, after runtime.MemStats
	for i := range warm + runs {
		if i == warm {
			runtime.ReadMemStats(&before)
		}
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	return (after.Mallocs - before.Mallocs) / runs
}

// TestHeapBytes checks what the constant says: the compiler puts a variable of
// that many bytes on the heap.
func TestHeapBytes(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		var v [heapBytes]byte
		touch(v[:])
	}); n != 1 {
		t.Errorf("a variable of %d bytes: %v allocations, want 1", heapBytes, n)
	}
	if n := testing.AllocsPerRun(100, func() {
		var v [(heapBytes + 3) / 4]float32
		v[1] = 1
		touch(v[:])
	}); n != 1 {
		t.Errorf("a float32 variable of %d bytes: %v allocations, want 1", heapBytes, n)
	}
	if n := testing.AllocsPerRun(100, func() {
		touch(make([]byte, heapBytes))
	}); n != 1 {
		t.Errorf("make of %d bytes: %v allocations, want 1", heapBytes, n)
	}
}

// touch keeps the compiler from leaving a variable out.
//
//go:noinline
func touch[T byte | float32](s []T) {
	for i := range s {
		s[i]++
	}
}
