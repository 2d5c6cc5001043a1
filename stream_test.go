package quant

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// A sliceSource is a tensor in memory, read as if it were not.
type sliceSource []float32

func (s sliceSource) ReadFloats(dst []float32, off int) error {
	if cap(dst) > len(dst) || len(dst) == 0 || len(dst) > bufferLen {
		return fmt.Errorf("asked for %d elements, and could write %d", len(dst), cap(dst))
	}
	if n := copy(dst, s[off:]); n != len(dst) {
		return fmt.Errorf("there are no elements from %d up to %d", off, off+len(dst))
	}
	return nil
}

// A sourceFunc is a function as a Source.
type sourceFunc func(dst []float32, off int) error

func (f sourceFunc) ReadFloats(dst []float32, off int) error { return f(dst, off) }

// sourceShapes are of every walk and size of an item.
func sourceShapes() [][]int {
	shapes := [][]int{
		{}, {1}, {40}, {3, 5}, {2, 3, 3}, {700, 3}, // read at once
		{300000}, {1, 70001}, {70001, 1}, {3, 90001}, {2, 3, 20011}, {70, 2, 5003}, // long runs
		{8200, 9}, {5, 2000, 9}, {130, 70, 40}, {2, 40000, 1}, {2000, 3, 40}, {66, 17, 97}, {3, 1, 30000}, // short runs
		{40001, 3}, {1100, 70}, {2100, 700}, {20, 5000}, {1025, 513}, {700, 77, 3, 3}, {3, 41, 777, 1}, {9, 70000}, {7, 1200, 31}, // columns
	}
	if testing.Short() {
		return thin(shapes)
	}
	return shapes
}

func sourceSchemes(rank int) (s []Scheme) {
	for i, g := range goldenGranularities(max(rank, 1)) {
		s = append(s, Scheme{Bits: 2 + i*3%15, Granularity: g, Mapping: Mapping(i % 2), ZeroInRange: i%3 == 0})
	}
	return s
}

// difference compares two results. cmp.Diff, which says where they differ, is
// too slow to find out whether they do.
func difference(want, got any) string {
	a, b := want, got
	if c, ok := want.(*Comparison); ok {
		a = Comparison{c.Axis, c.Shape, c.Range, c.ChannelRanges, c.Results, nil}
	}
	if c, ok := got.(*Comparison); ok {
		b = Comparison{c.Axis, c.Shape, c.Range, c.ChannelRanges, c.Results, nil}
	}
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return "different" + cmp.Diff(want, got, cmpopts.IgnoreUnexported(Comparison{}), cmp.Comparer(func(a, b Granularity) bool { return a == b }))
}

// TestSource checks that nothing depends on where a tensor is.
func TestSource(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	defer func(n, m int) { slotBytes, copyLen = n, m }(slotBytes, copyLen)
	r := splitmix(5)
	var c Comparison
	for i, shape := range sourceShapes() {
		x := goldenTensor(&r, i%4, shape...)
		slotBytes = []int{8 << 20, 600, 9000}[i%3]
		copyLen = []int{1 << 20, 0}[i/3%2]
		runtime.GOMAXPROCS(1 + i%4)
		testSource(t, x, &c)
	}
}

func testSource(t *testing.T, x Tensor, into *Comparison) {
	t.Helper()
	src := sliceSource(x.Data)
	schemes := sourceSchemes(len(x.Shape))
	fail := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s, shape %v, %d goroutines: %v", what, x.Shape, runtime.GOMAXPROCS(0), err)
		}
	}
	same := func(what string, want, got any) {
		t.Helper()
		if diff := difference(want, got); diff != "" {
			t.Fatalf("%s, shape %v, %d goroutines, waves of %d bytes (-in memory +read)\n%s", what, x.Shape, runtime.GOMAXPROCS(0), slotBytes, diff)
		}
	}
	var all []Params
	for _, s := range schemes {
		want, err := Ranges(x, s.Granularity)
		fail("Ranges", err)
		got, err := Stream{src, x.Shape}.Ranges(s.Granularity)
		fail("Stream.Ranges", err)
		same("Stream.Ranges "+s.Granularity.String(), want, got)
		p, err := Calibrate(x, s)
		fail("Calibrate", err)
		q, err := Stream{src, x.Shape}.Calibrate(s)
		fail("Stream.Calibrate", err)
		same("Stream.Calibrate "+s.Granularity.String(), p, q)
		all = append(all, p)
	}
	// Other schemes first, so that every axis is that of the channels once.
	for axis := range max(1, len(x.Shape)) {
		i := 2 + 2*axis
		some := append(slices.Clone(schemes[i:]), schemes[:i]...)[:4]
		want, err := Compare(x, some...)
		fail("Compare", err)
		fail("Stream.CompareInto", Stream{src, x.Shape}.CompareInto(into, some...))
		same("Stream.CompareInto", want, into)
	}
	want, err := CompareParams(x, all...)
	fail("CompareParams", err)
	got, err := Stream{src, x.Shape}.CompareParams(all...)
	fail("Stream.CompareParams", err)
	same("Stream.CompareParams", want, got)
}

// TestSourceLarge has more elements than any cache holds, and as many segments
// as make several waves.
func TestSourceLarge(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	shapes := [][]int{{5300, 4096}, {3, 1700000, 4}, {22000001}}
	if testing.Short() {
		shapes = [][]int{{1100, 1300}, {3, 100000, 4}, {2000003}}
	}
	r := splitmix(6)
	for _, shape := range shapes {
		x := goldenTensor(&r, 0, shape...)
		axis := PerChannel(-1)
		if len(shape) == 1 {
			axis = PerGroup(0, 100)
		}
		schemes := []Scheme{{Bits: 8}, {Bits: 8, Granularity: axis}, {Bits: 4, Granularity: PerGroup(0, 32), Mapping: Symmetric}}
		want, err := Compare(x, schemes...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Stream{sliceSource(x.Data), shape}.Compare(schemes...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := difference(want, got); diff != "" {
			t.Fatalf("shape %v (-in memory +read)\n%s", shape, diff)
		}
	}
}

// TestSourceReads counts how often elements are read.
func TestSourceReads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	s := []Scheme{{Bits: 8}, {Bits: 4, Granularity: PerChannel(-1)}, {Bits: 4, Granularity: PerGroup(0, 32)}}
	for _, shape := range sourceShapes() {
		r := splitmix(7)
		x := goldenTensor(&r, 0, shape...)
		var read, calls, inside, most atomic.Int64
		src := sourceFunc(func(dst []float32, off int) error {
			n := inside.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			defer inside.Add(-1)
			read.Add(int64(len(dst)))
			calls.Add(1)
			return sliceSource(x.Data).ReadFloats(dst, off)
		})
		check := func(what string, err error, times int) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			n := len(x.Data)
			if n <= bufferLen {
				times = 1
			}
			if read.Load() != int64(times*n) {
				t.Errorf("%s, shape %v: %d elements are read, want %d times %d", what, shape, read.Load(), times, n)
			}
			if calls.Load() > int64(times*(n/900+3)) {
				t.Errorf("%s, shape %v: %d reads of %d elements", what, shape, calls.Load(), times*n)
			}
			if most.Load() > 4 {
				t.Errorf("%s, shape %v: %d calls at once", what, shape, most.Load())
			}
			read.Store(0)
			calls.Store(0)
		}
		c, err := Stream{src, shape}.Compare(s...)
		check("Stream.Compare", err, 2)
		_, err = Stream{src, shape}.CompareParams(c.Results[0].Params, c.Results[1].Params)
		check("Stream.CompareParams", err, 1)
		for _, s := range s {
			_, err = Stream{src, shape}.Ranges(s.Granularity)
			check("Stream.Ranges", err, 1)
		}
	}
}

// everyFrom is each function that reads from a source.
func everyFrom(src Source, shape []int) map[string]func() error {
	s := []Scheme{{Bits: 8}, {Bits: 8, Granularity: PerChannel(-1)}, {Bits: 4, Granularity: PerGroup(0, 32)}}
	p := []Params{{Scheme: s[0], Scale: []float32{1}, ZeroPoint: []int32{0}}}
	return map[string]func() error{
		"Stream.Ranges":        func() error { return second(Stream{src, shape}.Ranges(PerChannel(0))) },
		"Stream.Calibrate":     func() error { return second(Stream{src, shape}.Calibrate(s[2])) },
		"Stream.Compare":       func() error { return second(Stream{src, shape}.Compare(s...)) },
		"Stream.CompareParams": func() error { return second(Stream{src, shape}.CompareParams(p...)) },
	}
}

// TestSourceErrors has every call fail.
func TestSourceErrors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	broken := errors.New("the disk is gone")
	for _, shape := range [][]int{{20}, {300, 300}, {70000, 3}, {3, 90000}, {100, 50, 40}} {
		var calls, fail atomic.Int64
		src := sourceFunc(func(dst []float32, off int) error {
			if calls.Add(1) == fail.Load() {
				return fmt.Errorf("at %d: %w", off, broken)
			}
			clear(dst)
			return nil
		})
		for what, call := range everyFrom(src, shape) {
			for _, procs := range []int{1, 4} {
				runtime.GOMAXPROCS(procs)
				calls.Store(0)
				fail.Store(-1)
				if err := call(); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				for n := calls.Load(); n > 0; n /= 2 {
					calls.Store(0)
					fail.Store(n)
					err := call()
					if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "quant: reading elements ") {
						t.Fatalf("%s, shape %v: call %d fails, but the error is %v", what, shape, n, err)
					}
					if procs == 1 && calls.Load() != n {
						t.Errorf("%s, shape %v: %d more calls after one that failed", what, shape, calls.Load()-n)
					}
				}
			}
		}
	}
}

// TestSourcePanic has sources that panic or exit, which must reach the caller,
// whatever goroutine it happens on.
func TestSourcePanic(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, shape := range [][]int{{20}, {300, 300}, {3, 90000}, {100, 50, 40}} {
		var calls atomic.Int64
		bad := sourceFunc(func(dst []float32, off int) error {
			if calls.Add(1) > 1 || len(shape) == 1 {
				panic("no such element")
			}
			clear(dst)
			return nil
		})
		good := sourceFunc(func(dst []float32, off int) error { clear(dst); return nil })
		for what, call := range everyFrom(bad, shape) {
			for _, procs := range []int{1, 4} {
				runtime.GOMAXPROCS(procs)
				calls.Store(0)
				if v := recovered(call); v != "no such element" {
					t.Errorf("%s, shape %v: recovered %v", what, shape, v)
				}
				if err := everyFrom(good, shape)[what](); err != nil {
					t.Errorf("%s, shape %v, after a panic: %v", what, shape, err)
				}
			}
		}
	}
	// What exits in a helper's goroutine is an error; in the caller's it exits.
	runtime.GOMAXPROCS(4)
	for range 10 {
		exit := sourceFunc(func(dst []float32, off int) error {
			if off > 100000 {
				runtime.Goexit()
			}
			clear(dst)
			return nil
		})
		done := make(chan error)
		go func() {
			err := errors.New("exited")
			defer func() { done <- err }()
			err = second(Stream{exit, []int{1 << 20}}.Ranges(PerTensor))
		}()
		if err := <-done; err == nil {
			t.Fatal("elements that nobody has read are no error")
		}
	}
}

func recovered(f func() error) (v any) {
	defer func() { v = recover() }()
	return f()
}

// TestSourceNotFinite has NaN and infinities everywhere.
func TestSourceNotFinite(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	r := splitmix(8)
	for i, shape := range sourceShapes() {
		x := goldenTensor(&r, 0, shape...)
		n := len(x.Data)
		for k := range thin([]int{0, 1, 2, 3}) {
			at := []int{n - 1, int(r.next() % uint64(n)), int(r.next() % uint64(n)), 0}[k]
			x.Data[at] = []float32{nan, inf, -inf, nan}[k]
			runtime.GOMAXPROCS(1 + (i+k)%4)
			for _, s := range sourceSchemes(len(shape)) {
				reference := Scheme{Bits: 8}
				for what, errs := range map[string][2]error{
					"Stream.Ranges":    {second(Ranges(x, s.Granularity)), second(Stream{sliceSource(x.Data), shape}.Ranges(s.Granularity))},
					"Stream.Calibrate": {second(Calibrate(x, s)), second(Stream{sliceSource(x.Data), shape}.Calibrate(s))},
					"Stream.Compare":   {second(Compare(x, reference, s)), second(Stream{sliceSource(x.Data), shape}.Compare(reference, s))},
					"Stream.CompareParams": {
						second(CompareParams(x, Params{Scheme: reference, Scale: []float32{1}, ZeroPoint: []int32{0}})),
						second(Stream{sliceSource(x.Data), shape}.CompareParams(Params{Scheme: reference, Scale: []float32{1}, ZeroPoint: []int32{0}})),
					},
				} {
					if errs[0] == nil || errs[1] == nil || errs[0].Error() != errs[1].Error() || !errors.Is(errs[1], ErrNotFinite) {
						t.Fatalf("%s %v, shape %v: error %v, want %v", what, s.Granularity, shape, errs[1], errs[0])
					}
				}
			}
		}
	}
}

// TestSourceNoAllocations is TestNoAllocations for tensors that are read.
func TestSourceNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, procs := range []int{1, 2} {
		t.Run(fmt.Sprintf("procs=%d", procs), func(t *testing.T) { testSourceNoAllocations(t, procs) })
	}
}

func testSourceNoAllocations(t *testing.T, procs int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	defer noCollections()()
	raise(200)
	for _, shape := range [][]int{{30, 40}, {675, 400}} {
		r := splitmix(9)
		x := goldenTensor(&r, 0, shape...)
		var src Source = sliceSource(x.Data)
		for _, g := range thin(matrixGranularities) {
			s := Scheme{Bits: 8, Granularity: g}
			var p Params
			var c Comparison
			ranges := make([]Range, len(x.Data))
			for name, call := range map[string]func() error{
				"Stream.RangesInto":        func() error { return Stream{src, shape}.RangesInto(ranges, g) },
				"Stream.CalibrateInto":     func() error { return Stream{src, shape}.CalibrateInto(&p, s) },
				"Stream.CompareInto":       func() error { return Stream{src, shape}.CompareInto(&c, Scheme{Bits: 8}, s) },
				"Stream.CompareParamsInto": func() error { return Stream{src, shape}.CompareParamsInto(&c, p) },
			} {
				if err := (Stream{src, shape}).CalibrateInto(&p, s); err != nil {
					t.Fatal(err)
				}
				// A goroutine that waits for a core may keep what a pool could give another.
				n := allocations(t, call)
				for i := 0; i < 5 && n > 0; i++ {
					n = allocations(t, call)
				}
				if n > 0 {
					t.Errorf("%s, %v, shape %v: %d allocations a call, want 0", name, g, shape, n)
				}
			}
		}
	}
}

// TestSourceMemory has tensors that no memory would hold: what is allocated
// before the first read must not grow with them.
func TestSourceMemory(t *testing.T) {
	if strconv.IntSize < 64 {
		t.Skip("an int counts no more elements than memory could hold")
	}
	broken := errors.New("read")
	src := sourceFunc(func(dst []float32, _ int) error { return broken })
	k := 10 // a constant would not compile there
	for _, shape := range [][]int{{1 << (4 * k)}, {1 << (3 * k), 1 << k}, {1 << k, 1 << (3 * k)}, {1 << (3 * k), 4, 40}, {1 << (2 * k), 2, 1 << (2 * k)}} {
		axis := 0
		if len(shape) > 1 && shape[0] > shape[1] {
			axis = 1
		}
		s := []Scheme{{Bits: 8}, {Bits: 8, Granularity: PerChannel(axis)}}
		if len(shape) == 1 {
			s = s[:1]
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for what, err := range map[string]error{
			"Stream.Compare":    second(Stream{src, shape}.Compare(s...)),
			"Stream.Ranges":     second(Stream{src, shape}.Ranges(s[len(s)-1].Granularity)),
			"Stream.Difference": second(Stream{src, shape}.Difference(src, s[len(s)-1].Granularity, PerTensor)),
		} {
			if !errors.Is(err, broken) {
				t.Errorf("%s, shape %v: error %v", what, shape, err)
			}
		}
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
			t.Errorf("shape %v: %d MiB are allocated", shape, n>>20)
		}
	}
}

// TestSourceShapes has shapes that Tensors could not have either.
func TestSourceShapes(t *testing.T) {
	src := sliceSource(make([]float32, 12))
	for _, test := range []struct {
		shape []int
		s     Scheme
		is    error
		text  string
	}{
		{[]int{2, 0}, Scheme{Bits: 8}, ErrEmpty, "axis 1 has length 0"},
		{[]int{2, -1}, Scheme{Bits: 8}, ErrShape, "axis 1 has length -1"},
		{[]int{math.MaxInt, 2}, Scheme{Bits: 8}, ErrShape, "more elements than an int can count"},
		{[]int{3, 4}, Scheme{Bits: 8, Granularity: PerChannel(2)}, ErrAxis, "axis 2 of a tensor with 2"},
		{[]int{300, 400}, Scheme{Bits: 8, Granularity: PerChannel(2)}, ErrAxis, "axis 2 of a tensor with 2"},
		{[]int{300, 400}, Scheme{Bits: 8, Granularity: PerGroup(-3, 2)}, ErrAxis, "axis -3"},
		{[]int{3, 4}, Scheme{Bits: 1}, ErrBits, "1 is not in [2, 16]"},
		{[]int{3, 4}, Scheme{Bits: 8, Granularity: PerGroup(0, 0)}, ErrGroupSize, "0 is not positive"},
	} {
		for what, err := range map[string]error{
			"Stream.Calibrate":     second(Stream{src, test.shape}.Calibrate(test.s)),
			"Stream.Compare":       second(Stream{src, test.shape}.Compare(test.s)),
			"Stream.CompareParams": second(Stream{src, test.shape}.CompareParams(Params{Scheme: test.s, Scale: []float32{1}, ZeroPoint: []int32{0}})),
		} {
			if !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.text) {
				t.Errorf("%s, shape %v: %v, want %q with %q in it", what, test.shape, err, test.is, test.text)
			}
		}
	}
	for what, err := range map[string]error{
		"Stream.Compare":       second(Stream{src, []int{3, 4}}.Compare()),
		"Stream.CompareParams": second(Stream{src, []int{3, 4}}.CompareParams()),
	} {
		if !errors.Is(err, ErrScheme) {
			t.Errorf("%s without schemes: %v", what, err)
		}
	}
	if v := recovered(func() error { return Stream{src, []int{3, 4}}.RangesInto(make([]Range, 2), PerChannel(0)) }); v == nil {
		t.Error("RangesFromInto does not panic for too short a destination")
	}
}
