package quant

import (
	"fmt"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Sources for tests, and what the tests of tensors that are read share:
// stream_test.go has those of min and max, choose_source_test.go those of the other
// methods, and observer_source_test.go those of observers.

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

// zeros is a Source of nothing else.
var zeros = sourceFunc(func(dst []float32, _ int) error { clear(dst); return nil })

// A countedSource counts what is read.
type countedSource struct {
	src    Source
	read   atomic.Int64 // elements
	calls  atomic.Int64
	inside atomic.Int64 // calls that have not returned
	most   atomic.Int64 // that inside has been
}

func (c *countedSource) ReadFloats(dst []float32, off int) error {
	n := c.inside.Add(1)
	defer c.inside.Add(-1)
	for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
	}
	c.read.Add(int64(len(dst)))
	c.calls.Add(1)
	return c.src.ReadFloats(dst, off)
}

// A failingSource fails in one of its calls.
type failingSource struct {
	src   Source
	err   error // what the call returns,
	value any   // or what it panics with, if not nil
	at    int64 // which call, counted from 1; no call if it is 0
	calls atomic.Int64
}

func (f *failingSource) ReadFloats(dst []float32, off int) error {
	if f.calls.Add(1) != f.at {
		return f.src.ReadFloats(dst, off)
	}
	if f.value != nil {
		panic(f.value)
	}
	return f.err
}

// failing makes the call with the number at fail, counted from the next one, and
// returns f.
func (f *failingSource) failing(at int64, value any) *failingSource {
	f.at, f.value = at, value
	f.calls.Store(0)
	return f
}

// sourceShapes are of every walk and size of a part.
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

// sourceSchemes are of every granularity that a tensor of that rank can have.
func sourceSchemes(rank int) (s []Scheme) {
	for i, g := range goldenGranularities(max(rank, 1)) {
		s = append(s, Scheme{Bits: 2 + i*3%15, Granularity: g, Mapping: Mapping(i % 2), ZeroInRange: i%3 == 0})
	}
	return s
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

// recovered returns what f panics with.
func recovered(f func() error) (v any) {
	defer func() { v = recover() }()
	return f()
}

// neverAllocates fails if a call allocates every time. A goroutine that waits for a
// core may keep what a pool could give to another, so that one call in some does.
func neverAllocates(t *testing.T, what string, call func() error) {
	t.Helper()
	n := allocations(t, call)
	for i := 0; i < 5 && n > 0; i++ {
		n = allocations(t, call)
	}
	if n > 0 {
		t.Errorf("%s: %d allocations a call, want none", what, n)
	}
}
