package report

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/team"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A work reads tensors of a source in pieces. It reports the progress over all tensors, and ends
// when its context does.
type work struct {
	ctx  context.Context
	src  Source
	jobs []job

	mu          sync.Mutex
	progress    text.Progress
	done, total int64 // bytes
}

func newWork(ctx context.Context, src Source, progress text.Progress, jobs []job) *work {
	w := &work{ctx: ctx, src: src, jobs: jobs, progress: progress}
	for _, j := range jobs {
		w.total += j.info.Bytes
	}
	w.tell()
	return w
}

// tell reports the progress. The caller holds the lock or is the only goroutine.
func (w *work) tell() {
	if w.progress != nil {
		w.progress(w.done, w.total)
	}
}

// large is the number of elements from which tensors are processed one at a time. The library
// uses all cores for such a tensor, and a reader that has to load whole tensors holds only one in
// memory.
const large = 1 << 20

// each calls f with the index of each job: for small tensors on several goroutines, then for the
// large ones one at a time. It skips the remaining jobs when the context ends.
func (w *work) each(f func(i int)) {
	var small, big []int
	for i, j := range w.jobs {
		if j.elements < large {
			small = append(small, i)
		} else {
			big = append(big, i)
		}
	}
	var next atomic.Int64
	var all team.Team
	for range min(runtime.GOMAXPROCS(0), len(small)) {
		all.Go(func() {
			for w.ctx.Err() == nil {
				k := int(next.Add(1)) - 1
				if k >= len(small) {
					return
				}
				f(small[k])
			}
		})
	}
	all.Wait()
	for _, i := range big {
		if w.ctx.Err() != nil {
			return
		}
		f(i)
	}
}

// open returns the elements of a tensor that will be read the given number of times.
func (w *work) open(j job, passes int) (*reading, error) {
	r := &reading{work: w, job: j, passes: passes}
	var err error
	if r.src, err = w.src.Source(j.index); err != nil {
		r.finish()
		return nil, err
	}
	return r, nil
}

// readsOf returns about how often comparisons read a tensor, each of some schemes.
func readsOf(rounds ...[]quant.Scheme) (n int) {
	for _, schemes := range rounds {
		n += 2
		for _, s := range schemes {
			if s.Method != quant.MinMax {
				n += 3 // once, or for large tensors up to ten times
			}
		}
	}
	return n
}

// A reading is a quant.Source that counts what is read of it. It fails once the context ends: when
// it is read, and during a long search, which asks Err.
type reading struct {
	*work
	job    job
	src    quant.Source
	passes int

	read int64 // elements, in all passes
	told int64 // bytes that the progress has of them
}

func (r *reading) ReadFloats(dst []float32, off int) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	if err := r.src.ReadFloats(dst, off); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read += int64(len(dst))
	part := float64(r.read) / (float64(r.job.elements) * float64(r.passes))
	r.advance(int64(min(part, 1) * float64(r.job.info.Bytes)))
	return nil
}

// Err returns the error of the context.
func (r *reading) Err() error { return r.ctx.Err() }

func (r *reading) advance(bytes int64) {
	if bytes > r.told {
		r.done += bytes - r.told
		r.told = bytes
		r.tell()
	}
}

// finish counts the elements that were not read, so that the tensor is complete in the progress.
func (r *reading) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.advance(r.job.info.Bytes)
}
