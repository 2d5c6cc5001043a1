package quant

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

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
		for _, g := range blocksOf(shape) {
			schemes = append(schemes, Scheme{Bits: 5, Granularity: g})
		}
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
		src := &countedSource{src: sliceSource(x.Data)}
		check := func(what string, err error, times int) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			n := len(x.Data)
			if n <= bufferLen {
				times = 1
			}
			if src.read.Load() != int64(times*n) {
				t.Errorf("%s, shape %v: %d elements are read, want %d times %d", what, shape, src.read.Load(), times, n)
			}
			if src.calls.Load() > int64(times*(n/900+3)) {
				t.Errorf("%s, shape %v: %d reads of %d elements", what, shape, src.calls.Load(), times*n)
			}
			if src.most.Load() > 4 {
				t.Errorf("%s, shape %v: %d calls at once", what, shape, src.most.Load())
			}
			src.read.Store(0)
			src.calls.Store(0)
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

// TestSourceErrors has every call fail.
func TestSourceErrors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	broken := errors.New("the disk is gone")
	for _, shape := range [][]int{{20}, {300, 300}, {70000, 3}, {3, 90000}, {100, 50, 40}} {
		src := &failingSource{src: zeros, err: fmt.Errorf("from the disk: %w", broken)}
		for what, call := range everyFrom(src, shape) {
			for _, procs := range []int{1, 4} {
				runtime.GOMAXPROCS(procs)
				src.failing(0, nil)
				if err := call(); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				for n := src.calls.Load(); n > 0; n /= 2 {
					src.failing(n, nil)
					err := call()
					if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "quant: reading elements ") {
						t.Fatalf("%s, shape %v: call %d fails, but the error is %v", what, shape, n, err)
					}
					if procs == 1 && src.calls.Load() != n {
						t.Errorf("%s, shape %v: %d more calls after one that failed", what, shape, src.calls.Load()-n)
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
		for what, call := range everyFrom(bad, shape) {
			for _, procs := range []int{1, 4} {
				runtime.GOMAXPROCS(procs)
				calls.Store(0)
				if v := recovered(call); v != "no such element" {
					t.Errorf("%s, shape %v: recovered %v", what, shape, v)
				}
				if err := everyFrom(zeros, shape)[what](); err != nil {
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
				neverAllocates(t, fmt.Sprintf("%s, %v, shape %v", name, g, shape), call)
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
