// Package work runs the parts of a job on several goroutines, and allocates
// nothing for it.
//
// A job is cut into parts at places that only the shape of a tensor decides, and
// every part writes to memory of its own, or adds what commutes. So the number
// of goroutines changes no result.
package work

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A Pool runs jobs of one kind. What a job needs is pooled, and so is the func
// value that a goroutine begins with: starting a job allocates nothing.
type Pool[A any] struct{ jobs sync.Pool }

// job is a job that runs.
type job[A any] struct {
	args  A
	do    func(*A, int)
	parts int64
	next  atomic.Int64 // part that no goroutine has begun
	wg    sync.WaitGroup
	run   func()
}

// New returns a Pool whose jobs call do for each part.
func New[A any](do func(args *A, part int)) *Pool[A] {
	p := new(Pool[A])
	p.jobs.New = func() any {
		j := &job[A]{do: do}
		j.run = func() {
			defer j.wg.Done()
			j.work()
		}
		return j
	}
	return p
}

// work does parts until none is left.
func (j *job[A]) work() {
	for {
		i := j.next.Add(1) - 1
		if i >= j.parts {
			return
		}
		j.do(&j.args, int(i))
	}
}

// Do calls the function of p with a copy of args for each of so many parts, on
// up to GOMAXPROCS goroutines, the calling one among them, and returns when all
// are done. The slices in args must be on the heap: see Hide.
func (p *Pool[A]) Do(args *A, parts int) {
	j := p.jobs.Get().(*job[A])
	j.args, j.parts = *args, int64(parts)
	j.next.Store(0)
	if Several(parts) {
		others := min(runtime.GOMAXPROCS(0), parts) - 1
		j.wg.Add(others)
		for range others {
			go j.run()
		}
	}
	j.work()
	j.wg.Wait()
	var none A
	j.args = none
	p.jobs.Put(j)
}

// Several reports whether several goroutines would do a job of so many parts. It
// is false where the bounds of stacks are not known: see OnHeap.
func Several(parts int) bool { return parts > 1 && trusted && runtime.GOMAXPROCS(0) > 1 }
