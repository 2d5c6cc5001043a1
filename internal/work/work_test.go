package work

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// goroutine returns the number of the calling goroutine, which a trace of its
// stack begins with.
func goroutine() string {
	var b [64]byte
	return string(bytes.Fields(b[:runtime.Stack(b[:], false)])[1])
}

type sum struct {
	x     []int64
	total *atomic.Int64
}

var sums = New(func(s *sum, i int) { s.total.Add(s.x[i]) })

func TestPool(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	x := make([]int64, 1000)
	want := int64(0)
	for i := range x {
		x[i] = int64(i * i)
		want += x[i]
	}
	for _, procs := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(procs)
		var total atomic.Int64
		sums.Do(&sum{x, &total}, len(x))
		if got := total.Load(); got != want {
			t.Errorf("%d processors: the sum is %d, want %d", procs, got, want)
		}
		if got := Several(2); got != (procs > 1) {
			t.Errorf("%d processors: Several(2) is %t", procs, got)
		}
		if Several(1) {
			t.Errorf("%d processors: Several(1) is true", procs)
		}
	}
}

// TestPoolSeveral: parts that wait for each other only end if there is a
// goroutine for each.
func TestPoolSeveral(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	type meeting struct {
		all *sync.WaitGroup
		by  *sync.Map
	}
	p := New(func(m *meeting, _ int) {
		m.by.Store(goroutine(), true)
		m.all.Done()
		m.all.Wait()
	})
	m := meeting{new(sync.WaitGroup), new(sync.Map)}
	m.all.Add(3)
	p.Do(&m, 3)
	n := 0
	m.by.Range(func(any, any) bool { n++; return true })
	if n != 3 {
		t.Errorf("%d goroutines did 3 parts, want 3", n)
	}
}

func TestPoolAllocatesNothing(t *testing.T) {
	x := make([]int64, 10)
	var total atomic.Int64
	s := sum{x, &total}
	if n := testing.AllocsPerRun(100, func() { sums.Do(&s, len(x)) }); n > 0 {
		t.Errorf("%v allocations a job, want none", n)
	}
}
