package report

import (
	"runtime"
	"sync/atomic"

	"github.com/a01592f9/quant/cmd/internal/team"
)

// blockLen is how many values are read at a time.
const blockLen = 1 << 16

// eachBlock calls f with the blocks of a tensor that want picks, and with their values. It uses
// several goroutines if there are several blocks.
func eachBlock(r *reading, elements int64, want func(block int) bool, f func(block int, values []float32)) error {
	blocks := (elements + blockLen - 1) / blockLen
	var next atomic.Int64
	var failed atomic.Pointer[error]
	walk := func() {
		var buf []float32
		for failed.Load() == nil {
			i := next.Add(1) - 1
			if i >= blocks {
				return
			}
			if !want(int(i)) {
				continue
			}
			from := i * blockLen
			n := int(min(blockLen, elements-from))
			if buf == nil {
				buf = make([]float32, n)
			}
			if err := r.ReadFloats(buf[:n], int(from)); err != nil {
				failed.CompareAndSwap(nil, &err)
				return
			}
			f(int(i), buf[:n])
		}
	}
	var all team.Team
	for range min(int64(runtime.GOMAXPROCS(0)), blocks) - 1 {
		all.Go(walk)
	}
	walk()
	all.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}
