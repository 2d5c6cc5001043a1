// Package work runs the parts of a job on several goroutines without allocation.
//
// The shape of a tensor alone decides how a job is divided into parts. Every part writes to its
// own memory, or adds numbers whose order does not matter. So the number of goroutines does not
// change results.
package work

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// A Pool runs jobs of one kind. It reuses the memory of jobs and the func values of goroutines,
// so that starting a job allocates nothing.
type Pool[A any] struct{ jobs sync.Pool }

// job is a running job.
type job[A any] struct {
	args  A
	do    func(*A, int)
	parts int64
	next  atomic.Int64 // the next part to be done
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

// work does parts until all parts are taken.
func (j *job[A]) work() {
	for {
		i := j.next.Add(1) - 1
		if i >= j.parts {
			return
		}
		j.do(&j.args, int(i))
	}
}

// Do calls the function of p with a copy of args for each of the given number of parts. It uses
// up to GOMAXPROCS goroutines, including the calling one, and returns when all parts are done.
// The slices in args must be on the heap: see Hide.
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

// Several reports whether a job with the given number of parts uses several goroutines. It is
// false if the bounds of stacks are not known: see OnHeap.
func Several(parts int) bool { return parts > 1 && trusted && runtime.GOMAXPROCS(0) > 1 }
