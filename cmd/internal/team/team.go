// Package team runs the parts of a job on several goroutines, and passes their panics on.
package team

import (
	"fmt"
	"runtime/debug"
	"sync"
)

// A Team is goroutines that do a job together. A panic of one of them is raised again by Wait: in
// the goroutine that quant serve guards.
type Team struct {
	members sync.WaitGroup

	mu       sync.Mutex
	panicked any // the first panic, with its stack; nil without one
}

// Go calls f in a new goroutine.
func (t *Team) Go(f func()) {
	t.members.Go(func() {
		defer func() {
			if v := recover(); v != nil {
				t.mu.Lock()
				defer t.mu.Unlock()
				if t.panicked == nil {
					t.panicked = fmt.Sprintf("%v at %s", v, debug.Stack())
				}
			}
		}()
		f()
	})
}

// Wait returns when all goroutines have ended.
func (t *Team) Wait() {
	t.members.Wait()
	if t.panicked != nil {
		panic(t.panicked)
	}
}
