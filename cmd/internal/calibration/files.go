package calibration

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/a01592f9/quant/cmd/internal/team"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// Name returns the name of a tensor that has none in the file at path. In the pattern, {stem}
// stands for the name of the file without its extension, and {folder} for the name of its
// folder.
func Name(pattern, path string) string {
	base := filepath.Base(path)
	folder := "."
	if abs, err := filepath.Abs(path); err == nil {
		folder = filepath.Base(filepath.Dir(abs))
	}
	return strings.NewReplacer("{stem}", strings.TrimSuffix(base, filepath.Ext(base)), "{folder}", folder).Replace(pattern)
}

// A Skipped is something that was not observed: a tensor of a file, or other data in it.
// Without a Tensor it is a note on how a text was read.
type Skipped struct{ File, Tensor, Reason string }

// A walk reads files and the tensors in them.
type walk struct {
	c        *Calibration
	ctx      context.Context
	stop     context.Context // when it is done, no more jobs are started
	progress text.Progress
	work     chan job
	skipped  []Skipped

	mu          sync.Mutex
	done, total int64 // bytes of the files
	failed      int   // number of the first job with an error
	err         error
}

// A job is a part of a tensor of a file.
type job struct {
	number   int
	file     *source
	index    int // of the tensor in its file
	info     tensorfile.Info
	of       []int
	tensor   *tensor
	cut      cut
	from, to int // first piece of the cut, and the end
}

// A source is an open file. It is closed when all jobs on it are done.
type source struct {
	*tensorfile.File
	name  string
	size  int64 // of the file
	bytes int64 // of all its tensors
	told  int64 // the part of size that progress knows of
	read  int64 // the part of bytes that was read
	jobs  sync.WaitGroup
}

// partSteps is the approximate number of pieces of a cut in a job.
const partSteps = 64

// Files observes the tensors of files. It observes several at once unless the results depend on
// their order. It returns the tensors that were skipped because they are not floating point or
// have no elements. The error names the file and the tensor. A panic of a goroutine is raised again
// in that of the caller.
func (c *Calibration) Files(ctx context.Context, paths []string, progress text.Progress) ([]Skipped, error) {
	// After an error no more jobs are started, but running jobs are finished. So the first
	// error in the order of the files is always the same.
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &walk{c: c, ctx: ctx, stop: stop, progress: progress, work: make(chan job)}
	for _, p := range paths {
		w.total += sizeOf(p)
	}
	workers := runtime.GOMAXPROCS(0)
	var observers team.Team
	for range workers {
		observers.Go(func() {
			for j := range w.work {
				w.observe(&j, cancel)
			}
		})
	}
	// A file is closed when it is no longer needed. At most as many files are open as there are
	// workers.
	var open team.Team
	slots := make(chan struct{}, workers+1)
	number := 0
	for _, p := range paths {
		if stop.Err() != nil {
			break
		}
		slots <- struct{}{}
		f, err := w.file(p, &number)
		if err != nil {
			w.fail(number+1, "", err)
			cancel()
		}
		if f == nil {
			<-slots
			continue
		}
		finish := func() {
			defer func() { <-slots }()
			defer f.Close()
			f.jobs.Wait()
			w.tell(f, f.bytes)
		}
		if c.ordered() {
			finish()
		} else {
			open.Go(finish)
		}
	}
	close(w.work)
	open.Wait()
	observers.Wait()
	if w.err != nil {
		return w.skipped, w.err
	}
	return w.skipped, ctx.Err()
}

// file opens a file and starts the jobs for its tensors. The result is nil if the file could
// not be opened.
func (w *walk) file(path string, number *int) (*source, error) {
	in, err := tensorfile.Options{Reading: w.c.o.Reading}.Open(path)
	if err != nil {
		var os *fs.PathError
		if errors.As(err, &os) {
			err = os.Err
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f := &source{File: in, name: path, size: sizeOf(path)}
	infos := in.Tensors()
	as, others := in.Described()
	for _, x := range others {
		w.skipped = append(w.skipped, Skipped{path, x.Name, x.Reason})
	}
	if as != nil {
		for _, n := range as.Notes {
			reason := n.Text
			if n.Line > 0 {
				reason = fmt.Sprintf("line %d: %s", n.Line, n.Text)
			}
			w.skipped = append(w.skipped, Skipped{File: path, Reason: reason})
		}
	}
	for i := range infos {
		if infos[i].Name == "" {
			infos[i].Name = Name(w.c.o.Name, path)
		}
		f.bytes += infos[i].Bytes
	}
	for i, info := range infos {
		if !w.c.picked(info.Name) {
			continue
		}
		if reason := skip(info); reason != "" {
			w.skipped = append(w.skipped, Skipped{path, info.Name, reason})
			continue
		}
		*number++
		if err := w.jobs(job{number: *number, file: f, index: i, info: info, of: info.Shape}); err != nil {
			return f, fmt.Errorf("%s: %w", path, inTensor(info.Name, err))
		}
	}
	return f, nil
}

// skip returns the reason why a tensor is not observed, or "".
func skip(info tensorfile.Info) string {
	if !info.Floating {
		return info.Reason()
	}
	for _, d := range info.Shape {
		if d == 0 {
			return "no elements"
		}
	}
	return ""
}

// jobs starts the jobs for the parts of a tensor.
func (w *walk) jobs(j job) error {
	var err error
	if j.tensor, err = w.c.find(j.info.Name, j.file.name, j.of); err != nil {
		return err
	}
	j.cut = newCut(j.of, w.c.granularity())
	parts := (j.cut.steps + partSteps - 1) / partSteps
	if w.c.wholesale() {
		parts = 1
	}
	for k := range parts {
		j.from, j.to = k*partSteps, min((k+1)*partSteps, j.cut.steps)
		j.file.jobs.Add(1)
		select {
		case w.work <- j:
		case <-w.stop.Done():
			j.file.jobs.Done()
			return nil
		}
	}
	return nil
}

// observe does a job. If that fails, it calls cancel, so that no more jobs are started.
func (w *walk) observe(j *job, cancel func()) {
	done := false
	defer func() {
		if !done { // a panic, or an error
			cancel()
		}
		j.file.jobs.Done()
	}()
	err := w.do(j)
	if err != nil {
		w.fail(j.number, j.file.name, inTensor(j.tensor.name, err))
	}
	done = err == nil
}

// do observes a part of a tensor.
func (w *walk) do(j *job) error {
	src, err := j.file.Source(j.index)
	if err != nil {
		return ofTensor(err, j.info.Name)
	}
	o := w.c.observer(j.tensor)
	defer w.c.done(j.tensor, o)
	per := j.info.Bytes / int64(elements(j.of))
	tick := func(n int) { w.tell(j.file, int64(n)*per) }
	if w.c.wholesale() {
		err = w.c.observeFrom(w.ctx, o, src, j.of, tick)
	} else {
		err = w.c.placed(j.cut.observe(w.ctx, o, src, j.from, j.to, tick), src, j.of)
	}
	return ofTensor(err, j.info.Name)
}

// ofTensor removes the name of the tensor from an error of a reader, since the caller adds it.
func ofTensor(err error, name string) error {
	if err == nil {
		return nil
	}
	if _, after, ok := strings.Cut(err.Error(), fmt.Sprintf("tensor %q: ", name)); ok && !errors.Is(err, context.Canceled) {
		return errors.New(after)
	}
	return err
}

// fail keeps the error of the first job in the order of files and tensors.
func (w *walk) fail(number int, file string, err error) {
	if file != "" {
		err = fmt.Errorf("%s: %w", file, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if errors.Is(err, context.Canceled) && w.ctx.Err() != nil {
		return
	}
	if w.err == nil || number < w.failed {
		w.failed, w.err = number, err
	}
}

// tell reports n more bytes of the tensors of f to the progress.
func (w *walk) tell(f *source, n int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f.read = min(f.read+n, f.bytes)
	at := f.size
	if f.bytes > 0 {
		at = int64(float64(f.size) * (float64(f.read) / float64(f.bytes)))
	}
	if at > f.told {
		w.done += at - f.told
		f.told = at
		if w.progress != nil {
			w.progress(w.done, w.total)
		}
	}
}

// sizeOf returns the length of a file, or 0 if it is not a regular file.
func sizeOf(path string) int64 {
	if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
		return st.Size()
	}
	return 0
}
