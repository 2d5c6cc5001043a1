package quant

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"
	"unsafe"

	"github.com/a01592f9/quant/internal/work"
)

// matrixGranularities are kinds that a matrix can have, of every walk.
var matrixGranularities = []Granularity{
	PerTensor, PerChannel(0), PerChannel(-1), PerGroup(1, 8), PerGroup(0, 3), PerGroup(-1, 7), PerBlock(0, 3, -1, 7),
}

// TestNoEscape calls everything that writes into its caller's memory with
// memory on the caller's stack: none of it may be moved to the heap, nor
// anything else allocated.
func TestNoEscape(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if !stacksAreKnown() {
		t.Skip("callers' slices escape here")
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
			ranges [160]Range
		)
		p := Params{Scale: scale[:0], ZeroPoint: zero[:0]}
		errs := [...]error{
			CalibrateInto(&p, Tensor{x[:], []int{4, 40}}, s),
			RangesInto(ranges[:], Tensor{x[:], []int{4, 40}}, s.Granularity),
			QuantizeInto(packed[:], Tensor{x[:], []int{4, 40}}, p),
			DequantizeInto(y[:], Quantized{packed[:PackedLen(160, s.Bits)], []int{4, 40}, p}),
			QuantizeCodes(wide[:], Tensor{x[:], []int{4, 40}}, p),
			DequantizeCodes(y[:], wide[:], []int{4, 40}, p),
			QuantizePart(wide[:], x[3:77], 3, []int{4, 40}, p),
			DequantizePart(y[:], wide[3:77], 3, []int{4, 40}, p),
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
	p, err := Calibrate(Tensor{make([]float32, 160), []int{4, 40}}, s)
	if err != nil {
		t.Fatal(err)
	}
	evaluate := func() {
		var x [160]float32
		x[3] = 1
		if CompareParamsInto(&c, Tensor{x[:], []int{4, 40}}, p) != nil {
			failed++
		}
	}
	if n := testing.AllocsPerRun(100, evaluate); n != 0 || failed > 0 {
		t.Errorf("CompareParamsInto: %v allocations and %d errors, want none", n, failed)
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
				neverAllocates(t, fmt.Sprintf("%s, %v, %d bits", name, g, bits), call)
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

// stacksAreKnown reports whether the library can tell where a stack is.
// Elsewhere its callers' slices escape.
func stacksAreKnown() bool {
	var v [1]float32
	return !work.OnHeap(v[:])
}

// bigArray is an array as large as several parts.
type bigArray [1 << 19]float32

//go:noinline
func dequantizeBig(q Quantized) (v bigArray, err error) {
	err = DequantizeInto(v[:], q)
	return
}

// TestMovingStacks has a result on the stack that is as large as several
// parts, while garbage collections shrink the stack: what the library writes
// must not end up where the stack was.
func TestMovingStacks(t *testing.T) {
	if !stacksAreKnown() {
		t.Skip("callers' slices escape here")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	x := Tensor{Data: make([]float32, len(bigArray{}))}
	for i := range x.Data {
		x.Data[i] = float32(i % 251)
	}
	q, err := Quantize(x, Params{Scheme: Scheme{Bits: 8}, Scale: []float32{1}, ZeroPoint: []int32{-128}})
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan bool)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				runtime.GC()
			}
		}
	})
	bad := 0
	for range 30 {
		done := make(chan bool)
		go func() {
			defer close(done)
			grow(24 << 10)
			v, err := dequantizeBig(q)
			if err != nil || differ(v[:], x.Data) >= 0 {
				bad++
			}
		}()
		<-done
	}
	close(stop)
	wg.Wait()
	if bad > 0 {
		t.Errorf("%d of 30 results are wrong", bad)
	}
}

// TestComparisonOnStack has a Comparison on the stack: what goroutines share of
// it must not be there.
func TestComparisonOnStack(t *testing.T) {
	if !stacksAreKnown() {
		t.Skip("nothing is said to be on a stack here")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	x := Tensor{make([]float32, 1<<18), []int{64, 1 << 12}}
	var c Comparison
	if err := CompareInto(&c, x, Scheme{Bits: 8}, Scheme{Bits: 8, Granularity: PerChannel(0)}); err != nil {
		t.Fatal(err)
	}
	if work.OnHeap(unsafe.Slice(&c, 1)) {
		t.Error("the comparison is not on the stack, so the test shows nothing")
	}
	if !work.OnHeap(unsafe.Slice(c.walk, 1)) || !work.OnHeap(c.Results) || !work.OnHeap(c.Results[0].Scale) {
		t.Error("goroutines share memory that is on the caller's stack")
	}
}

// grow makes the stack large for a moment, at least n KiB.
//
//go:noinline
func grow(n int) byte {
	var v [1024]byte
	if n > 0 {
		v[n%1024] = grow(n - 1)
	}
	return v[0]
}

// noCollections keeps garbage collections from emptying pools until what it
// returns is called.
func noCollections() func() {
	percent := debug.SetGCPercent(-1)
	return func() { debug.SetGCPercent(percent) }
}
