package convert

import (
	"context"
	"io"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
)

// copyLen is how many bytes of a tensor are copied at a time.
const copyLen = 1 << 20

// A copier is what copying a model has in common whatever its format: the files
// that are written, what became of each tensor, and the progress.
type copier struct {
	ctx    context.Context
	out    *atomicfile.Set
	result Result

	mu          sync.Mutex
	progress    Progress // may be nil
	done, total int64    // bytes of the input, each as often as it is read
}

func newCopier(ctx context.Context, out *atomicfile.Set, p Progress) *copier {
	return &copier{ctx: ctx, out: out, progress: p}
}

// expect adds bytes to the total, before work begins.
func (c *copier) expect(n int64) { c.total += n }

// tick tells the progress that n more bytes are done.
func (c *copier) tick(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
	if c.progress != nil && n > 0 {
		c.progress(min(c.done, c.total), c.total)
	}
}

// finish counts all bytes as done: padding, for instance, is not read.
func (c *copier) finish() { c.tick(c.total - c.done) }

// leave lists a tensor as left.
func (c *copier) leave(l Left) { c.result.Left = append(c.result.Left, l) }

// add lists a tensor as converted.
func (c *copier) add(w Weight) { c.result.Weights = append(c.result.Weights, w) }

// copy copies n bytes of r from an offset on, in pieces between which an interrupt
// is noticed.
func (c *copier) copy(w io.Writer, r io.ReaderAt, off, n int64) error {
	for end := off + n; off < end; {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		size := min(copyLen, end-off)
		if _, err := io.CopyN(w, io.NewSectionReader(r, off, size), size); err != nil {
			return err
		}
		off += size
		c.tick(size)
	}
	return nil
}

// writer returns a writer to w that an interrupt ends.
func (c *copier) writer(w io.Writer) io.Writer { return &stoppable{c.ctx, w} }

// stoppable is a writer that an interrupt ends.
type stoppable struct {
	ctx context.Context
	w   io.Writer
}

func (s *stoppable) Write(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.w.Write(b)
}

// interruptible is a source that an interrupt ends: a tensor may take minutes.
type interruptible struct {
	ctx context.Context
	quant.Source
}

func (s interruptible) ReadFloats(dst []float32, off int) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	return s.Source.ReadFloats(dst, off)
}

// A countedSource tells tick of the bytes that are read, up to left of them.
type countedSource struct {
	quant.Source
	mu   sync.Mutex
	left int64
	per  int64
	tick func(n int64)
}

func (s *countedSource) ReadFloats(dst []float32, off int) error {
	err := s.Source.ReadFloats(dst, off)
	s.count(int64(len(dst)) * s.per)
	return err
}

func (s *countedSource) count(n int64) {
	s.mu.Lock()
	n = min(n, s.left)
	s.left -= n
	s.mu.Unlock()
	s.tick(n)
}

// rest counts what was not read.
func (s *countedSource) rest() { s.count(s.left) }
