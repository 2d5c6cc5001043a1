//go:build !purego && (amd64 || arm64)

package quant

import (
	"bytes"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"

	"github.com/a01592f9/quant/internal/work"
)

// TestUntrustedStack has a Go runtime that does not show where a stack is: all
// results are as otherwise, and the calling goroutine does all work.
func TestUntrustedStack(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	defer noCollections()() // they have goroutines
	_, canCount := goroutinesStarted()
	goroutinesCreated := func() uint64 { n, _ := goroutinesStarted(); return n }
	x := Tensor{valuesOf(91, 9*256*257, byName("normal")), []int{9, 256, 257}}
	results := map[string]func(t *testing.T, src Source) any{
		"Calibrate and Quantize": func(t *testing.T, _ Source) any {
			var all []Quantized
			for _, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(1), PerChannel(2), PerGroup(2, 32)} {
				p, err := Calibrate(x, Scheme{Bits: 4, Granularity: g})
				if err != nil {
					t.Fatal(err)
				}
				q, err := Quantize(x, p)
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, q)
			}
			return all
		},
		"Dequantize": func(t *testing.T, _ Source) any {
			y, err := Dequantize(Quantized{make([]byte, len(x.Data)), x.Shape, Params{Scheme: Scheme{Bits: 8}, Scale: []float32{3}, ZeroPoint: []int32{5}}})
			if err != nil {
				t.Fatal(err)
			}
			return y
		},
		"Compare": func(t *testing.T, _ Source) any {
			c, err := Compare(x, Scheme{Bits: 4, Granularity: PerChannel(1), Method: LeastSquares}, Scheme{Bits: 8, Method: Percentile(99)})
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
		"Stream.Compare": func(t *testing.T, src Source) any {
			c, err := Stream{src, x.Shape}.Compare(Scheme{Bits: 4, Granularity: PerChannel(-1), Method: Entropy}, Scheme{Bits: 8, Method: Percentile(99)})
			if err != nil {
				t.Fatal(err)
			}
			return c
		},
		"Observer": func(t *testing.T, src Source) any {
			o := newObserver(t, Scheme{Bits: 8, Granularity: PerChannel(1), Method: LeastAbsolute}, RefuseNotFinite)
			mustObserve(t, o, x)
			if err := o.ObserveStream(Stream{src, x.Shape}); err != nil {
				t.Fatal(err)
			}
			p, err := o.Params(o.Scheme())
			if err != nil {
				t.Fatal(err)
			}
			return []any{stateOf(t, o), p}
		},
	}
	for name, result := range results {
		t.Run(name, func(t *testing.T) {
			var by sync.Map // goroutines that read
			src := sourceFunc(func(dst []float32, off int) error {
				var b [64]byte
				by.Store(string(bytes.Fields(b[:runtime.Stack(b[:], false)])[1]), true)
				copy(dst, x.Data[off:])
				return nil
			})
			readers := func() (n int) {
				by.Range(func(any, any) bool { n++; return true })
				by.Clear()
				return n
			}
			created := goroutinesCreated()
			want := result(t, src)
			if n := goroutinesCreated() - created; n == 0 && canCount {
				t.Error("no goroutine was started where the stack is known, so the test shows nothing")
			}
			wanted := readers()
			defer work.Verify(func() (lo, hi uintptr) { return 0, 0 })()
			if work.Several(100) || work.OnHeap(x.Data) {
				t.Fatal("the stack is trusted")
			}
			created = goroutinesCreated()
			got := result(t, src)
			if n := goroutinesCreated() - created; n > 0 {
				t.Errorf("%d goroutines were started, want none", n)
			}
			if n := readers(); n > min(wanted, 1) {
				t.Errorf("%d goroutines read, want 1 (%d where the stack is known)", n, wanted)
			}
			if diff := difference(want, got); diff != "" {
				t.Errorf("results differ (-known +unknown):\n%.2000s", diff)
			}
		})
	}
}

// goroutinesStarted returns how many goroutines the program has started. Before
// Go 1.26 the runtime does not say, and known is false.
func goroutinesStarted() (n uint64, known bool) {
	s := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0, false
	}
	return s[0].Value.Uint64(), true
}
