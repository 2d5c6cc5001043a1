package quant

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// Work is cut into parts at places that only the shape decides, and every part
// writes to places of its own, or merges what commutes. So the number of
// goroutines changes no result.

// partLen is about how many elements make a part: a few microseconds of work,
// and a multiple of 8, so that a part's packed codes begin at a byte.
const partLen = 1 << 16

// A team is goroutines that do one job. Teams are pooled and keep their func
// value, so that starting one allocates nothing.
type team[A any] struct {
	args  A
	do    func(*A, int)
	parts int64
	next  atomic.Int64
	wg    sync.WaitGroup
	run   func()
}

// teams is a pool of them.
type teams[A any] struct{ pool sync.Pool }

func newTeams[A any](do func(args *A, part int)) *teams[A] {
	t := new(teams[A])
	t.pool.New = func() any {
		m := &team[A]{do: do}
		m.run = func() {
			defer m.wg.Done()
			m.work()
		}
		return m
	}
	return t
}

func (m *team[A]) work() {
	for {
		i := m.next.Add(1) - 1
		if i >= m.parts {
			return
		}
		m.do(&m.args, int(i))
	}
}

// do calls the teams' function for each of parts, on up to GOMAXPROCS
// goroutines. The slices in args must be on the heap: see hide.
func (t *teams[A]) do(args *A, parts int) {
	m := t.pool.Get().(*team[A])
	m.args, m.parts = *args, int64(parts)
	m.next.Store(0)
	helpers := min(runtime.GOMAXPROCS(0), parts) - 1
	m.wg.Add(helpers)
	for range helpers {
		go m.run()
	}
	m.work()
	m.wg.Wait()
	var none A
	m.args = none
	t.pool.Put(m)
}

// several reports whether a job of so many parts is worth a team.
func several(parts int) bool { return parts > 1 && runtime.GOMAXPROCS(0) > 1 }
