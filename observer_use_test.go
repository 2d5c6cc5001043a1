package quant

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// Observers in use: shared by goroutines, for very many values, for large
// batches, and without allocating.

// TestObserverConcurrent has goroutines that share an observer, and merge
// others into it and each other: the result is that of one.
func TestObserverConcurrent(t *testing.T) {
	s := Scheme{Bits: 8, Granularity: PerChannel(-1), Method: LeastSquares}
	x := valuesOf(5, 64*300, distributions[2].of)
	one := newObserver(t, s, RefuseNotFinite)
	mustObserve(t, one, Tensor{x, []int{300, 64}})
	shared := newObserver(t, s, RefuseNotFinite)
	var wg sync.WaitGroup
	for w := range 6 {
		wg.Go(func() {
			own := newObserver(t, s, RefuseNotFinite)
			for b := w; b < 30; b += 6 {
				o := shared
				if b%2 == 0 {
					o = own
				}
				if err := o.Observe(Tensor{x[b*640 : (b+1)*640], []int{10, 64}}); err != nil {
					t.Error(err)
				}
				paramsBy(shared, Percentile(99))
				shared.Counts()
			}
			if err := shared.Merge(own); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if !bytes.Equal(stateOf(t, shared), stateOf(t, one)) {
		t.Error("the states differ")
	}
	// Two that are merged with each other at the same time do not wait forever.
	a, b := newObserver(t, s, 0), newObserver(t, s, 0)
	for range 100 {
		wg.Go(func() { a.Merge(b) })
		wg.Go(func() { b.Merge(a) })
	}
	wg.Wait()
}

// TestObserverCarry has more values than 32 bits count.
func TestObserverCarry(t *testing.T) {
	s := Scheme{Bits: 8, Method: Percentile(50)}
	o := newObserver(t, s, RefuseNotFinite)
	x := Tensor{Data: []float32{1, 2, 3, 4}}
	mustObserve(t, o, x)
	for i := range 40 {
		b := new(Observer)
		if err := b.UnmarshalBinary(stateOf(t, o)); err != nil {
			t.Fatal(err)
		}
		if err := b.Merge(o); err != nil {
			t.Fatal(err)
		}
		o = b
		if i == 31 {
			mustObserve(t, o, x) // with counts next to their limit
		}
	}
	want := uint64(4<<40 + 4<<8)
	if n := o.Counts().Finite; n != want {
		t.Errorf("%d values, want %d", n, want)
	}
	for _, b := range o.Bins(0) {
		if b.Count != want/4 {
			t.Errorf("%v, want %d", b, want/4)
		}
	}
	for range 25 {
		b := new(Observer)
		if err := b.UnmarshalBinary(stateOf(t, o)); err != nil {
			t.Fatal(err)
		}
		if err := b.Merge(o); err != nil {
			if !errors.Is(err, ErrMerge) {
				t.Fatal(err)
			}
			return
		}
		o = b
	}
	t.Error("there is no limit to merging")
}

// TestObserverFew has batches of few values for each of several channels, which
// wait to be counted: whoever asks does not notice.
func TestObserverFew(t *testing.T) {
	const cols = 5
	s := Scheme{Bits: 8, Granularity: PerChannel(-1), Method: Percentile(90)}
	x := valuesOf(9, 3*waitingLen*cols, distributions[2].of)
	for _, rows := range []int{1, 7, waitingLen / 2, waitingLen - 1} {
		few, late := newObserver(t, s, RefuseNotFinite), newObserver(t, s, RefuseNotFinite)
		batch := Tensor{x[:rows*cols], []int{rows, cols}}
		for at := 0; at+rows*cols <= len(x); at += rows * cols {
			batch.Data = x[at : at+rows*cols]
			mustObserve(t, few, batch)
			mustObserve(t, late, batch)
			if at/cols > waitingLen && rows < 7 && at%11 > 0 {
				continue
			}
			n := at/cols + rows
			one := newObserver(t, s, RefuseNotFinite)
			mustObserve(t, one, Tensor{x[:n*cols], []int{n, cols}})
			if !bytes.Equal(stateOf(t, few), stateOf(t, one)) {
				t.Fatalf("%d rows at a time: the states of %d differ", rows, n)
			}
			if rows > 1 {
				if a, b := second2(paramsBy(late, s.Method)), second2(paramsBy(one, s.Method)); a != b {
					t.Fatalf("%d rows at a time: %v, want %v", rows, a, b)
				}
				if err := few.Merge(newObserver(t, s, RefuseNotFinite)); err != nil {
					t.Fatal(err)
				}
			}
		}
		bins := uint64(0)
		for _, b := range late.Bins(3) {
			bins += b.Count
		}
		if want := late.Counts().Finite / cols; bins != want {
			t.Errorf("%d rows at a time: bins of %d values, want %d", rows, bins, want)
		}
		if err := late.Merge(few); err != nil {
			t.Fatal(err)
		}
		if got, want := late.Counts().Finite, 2*few.Counts().Finite; got != want {
			t.Errorf("merged %d values, want %d", got, want)
		}
	}
}

func second2(p Params, err error) string { return fmt.Sprint(p, err) }

func TestObserverAllocates(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, s := range []Scheme{
		{Bits: 8}, {Bits: 8, Method: Entropy}, {Bits: 8, Method: Entropy, Granularity: PerChannel(-1)},
		{Bits: 8, Method: MovingAverage(0.1), Granularity: PerChannel(0)}, {Bits: 8, Method: LeastSquares, Granularity: PerGroup(-1, 32)},
	} {
		for _, p := range []NotFinitePolicy{RefuseNotFinite, IgnoreNotFinite} {
			x := valuesOf(6, 64*1024, distributions[0].of)
			if p == IgnoreNotFinite {
				x[17] = float32(math.Inf(1))
			}
			o := newObserver(t, s, p)
			batch := Tensor{x, []int{64, 1024}}
			mustObserve(t, o, batch)
			if n := testing.AllocsPerRun(20, func() { o.Observe(batch) }); n > 0.5 {
				t.Errorf("%v, %v, %d: %v allocations", s.Granularity, s.Method, p, n)
			}
		}
	}
}

// TestObserverShares has batches that are large enough to be shared out, one of
// which is refused because of its last value.
func TestObserverShares(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	s := Scheme{Bits: 8, Method: Entropy}
	x := valuesOf(8, 2*countLen+777, distributions[2].of)
	o, small := newObserver(t, s, RefuseNotFinite), newObserver(t, s, RefuseNotFinite)
	bad := slices.Clone(x)
	bad[len(bad)-1] = float32(math.NaN())
	var value *NotFiniteError
	if err := o.Observe(Tensor{Data: bad}); !errors.As(err, &value) || value.Index != len(bad)-1 || o.Len() != 0 {
		t.Fatal(err)
	}
	for e := 0; e < len(x); e += 100000 {
		mustObserve(t, small, Tensor{Data: x[e:min(e+100000, len(x))]})
	}
	want := stateOf(t, small)
	mustObserve(t, o, Tensor{Data: x})
	if !bytes.Equal(stateOf(t, o), want) {
		t.Error("a large batch is not what small ones are")
	}
	if err := o.Observe(Tensor{Data: bad}); err == nil || !bytes.Equal(stateOf(t, o), want) {
		t.Error("an error changed the state")
	}
	if !raceEnabled {
		if n := testing.AllocsPerRun(3, func() { o.Observe(Tensor{Data: x}) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
	ignore := newObserver(t, s, IgnoreNotFinite)
	mustObserve(t, ignore, Tensor{Data: bad})
	if c := ignore.Counts(); c != (Counts{Finite: uint64(len(x) - 1), NaN: 1}) {
		t.Errorf("counted %+v", c)
	}
}
