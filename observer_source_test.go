package quant

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
)

// TestObserveFrom: a batch that is read leaves the same state as one at hand,
// and so does one that ends in an error.
func TestObserveFrom(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	broken := errors.New("the disk is gone")
	for i, shape := range thin([][]int{
		{40}, {70001}, {3, 30011}, {30, 2, 5003}, {70001, 1}, {2, 1100000}, // rows
		{130, 70, 40}, {66, 17, 97}, {20000, 3, 7}, {200, 300, 5}, {5, 20, 9, 81}, {70, 1300}, {301, 257}, {2, 300, 200}, {9, 9000}, // scattered
	}) {
		n, _ := elements(shape)
		runtime.GOMAXPROCS(1 + i%4)
		x := valuesOf(uint64(i), n, distributions[i%len(distributions)].of)
		bad := slices.Clone(x)
		for k, v := range []float32{nan, inf, -inf, nan, nan} {
			bad[n-1-k*n/7] = v
		}
		last := len(shape) - 1
		for k, g := range append(blocksOf(shape), PerTensor, PerChannel(0), PerChannel(last/2), PerChannel(last), PerGroup(last, 4001), PerGroup(0, 43), PerGroup(last/2, 100)) {
			l, err := newLayout(n, shape, g)
			if err != nil {
				t.Fatal(err)
			}
			if l.params > 5000 {
				continue
			}
			for j, m := range []Method{LeastSquares, MovingAverage(0.2), MinMax} {
				policy := NotFinitePolicy((i + j + k) % 2)
				s := Scheme{Bits: 8, Granularity: g, Method: m}
				at, read := newObserver(t, s, policy), newObserver(t, s, policy)
				check := func(x []float32) {
					t.Helper()
					for range 2 {
						want, got := at.Observe(Tensor{x, shape}), read.ObserveStream(Stream{sliceSource(x), shape})
						if (want == nil) != (got == nil) || want != nil && want.Error() != got.Error() {
							t.Fatalf("shape %v, %+v: error %v, want %v", shape, s, got, want)
						}
					}
					if !bytes.Equal(stateOf(t, read), stateOf(t, at)) || at.Counts() != read.Counts() {
						t.Fatalf("shape %v, %+v, %d goroutines: a batch that is read leaves another state", shape, s, runtime.GOMAXPROCS(0))
					}
				}
				check(bad)
				check(x)
				check(bad)
				state, src := stateOf(t, read), &failingSource{src: sliceSource(x), err: broken}
				for _, fail := range []int64{1, 2, max(1, int64(n/bufferLen))} {
					err := read.ObserveStream(Stream{src.failing(fail, nil), shape})
					var b *BatchError
					if err == nil && src.calls.Load() < fail {
						state = stateOf(t, read)
						continue
					}
					if !errors.Is(err, broken) || !errors.As(err, &b) || !bytes.Equal(state, stateOf(t, read)) {
						t.Fatalf("shape %v, %+v: call %d fails: %v", shape, s, fail, err)
					}
				}
			}
		}
	}
}

// TestObserveFromShapes: a shape that is none, or another's, is an error.
func TestObserveFromShapes(t *testing.T) {
	o := newObserver(t, Scheme{Bits: 8, Granularity: PerChannel(0)}, 0)
	src := sliceSource(make([]float32, 12))
	for _, test := range []struct {
		shape []int
		is    error
	}{{[]int{3, 4}, nil}, {[]int{4, 3}, ErrShape}, {[]int{3, 0}, nil}, {[]int{3, -1}, ErrShape}, {[]int{3, math.MaxInt}, ErrShape}} {
		if err := o.ObserveStream(Stream{src, test.shape}); !errors.Is(err, test.is) {
			t.Errorf("shape %v: %v, want %v", test.shape, err, test.is)
		}
	}
}

// TestObserveFromFickle: what is not finite is gone when it is looked for.
func TestObserveFromFickle(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	calls := 0
	fickle := sourceFunc(func(dst []float32, off int) error {
		clear(dst)
		if calls++; calls == 2 {
			dst[0] = nan
		}
		return nil
	})
	o := newObserver(t, Scheme{Bits: 8, Method: Entropy}, RefuseNotFinite)
	if err := o.ObserveStream(Stream{fickle, []int{1 << 18}}); !errors.Is(err, errFickle) || o.Len() != 0 {
		t.Errorf("a source that changes: %v", err)
	}
}

// TestObserveFromReads counts how often a batch is read, and what is allocated.
func TestObserveFromReads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	defer noCollections()()
	for _, shape := range [][]int{{300000}, {700, 300}, {3, 70000}, {20, 70, 80}} {
		n, _ := elements(shape)
		x := valuesOf(3, n, distributions[0].of)
		for _, g := range append(blocksOf(shape), PerTensor, PerChannel(0), PerChannel(-1), PerGroup(-1, 40), PerGroup(0, 10)) {
			for _, m := range []Method{LeastSquares, MovingAverage(0.2)} {
				if l, _ := newLayout(n, shape, g); l.params > 10000 {
					continue
				}
				src := countedSource{src: sliceSource(x)}
				o := newObserver(t, Scheme{Bits: 8, Granularity: g, Method: m}, RefuseNotFinite)
				if err := o.ObserveStream(Stream{&src, shape}); err != nil {
					t.Fatal(err)
				}
				if src.read.Load() != int64(n) || src.calls.Load() > int64(n/200+3) {
					t.Errorf("shape %v, %v, %v: %d elements in %d reads", shape, g, m, src.read.Load(), src.calls.Load())
				}
				if raceEnabled {
					continue
				}
				neverAllocates(t, fmt.Sprintf("shape %v, %v, %v", shape, g, m), func() error { return o.ObserveStream(Stream{&src, shape}) })
			}
		}
	}
}
