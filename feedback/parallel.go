package feedback

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// parallel calls do for each part from 0 to parts-1, on several goroutines if worth is true.
// Parts must not depend on each other.
func parallel(parts int, worth bool, do func(part int)) {
	workers := min(runtime.GOMAXPROCS(0), parts)
	if !worth || workers < 2 {
		for i := range parts {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := next.Add(1) - 1; i < int64(parts); i = next.Add(1) - 1 {
				do(int(i))
			}
		}()
	}
	wg.Wait()
}
