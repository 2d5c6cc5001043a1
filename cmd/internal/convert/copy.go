package convert

import (
	"context"
	"io"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
)

// copyLen is the number of bytes to copy at a time.
const copyLen = 1 << 20

// A copier has what copies of models in all formats share: the output, the result, and the
// progress.
type copier struct {
	ctx    context.Context
	out    *atomicfile.Set
	result Result

	mu          sync.Mutex
	progress    Progress // may be nil
	done, total int64    // bytes of the input, counted each time they are read
}

func newCopier(ctx context.Context, out *atomicfile.Set, p Progress) *copier {
	return &copier{ctx: ctx, out: out, progress: p}
}

// expect adds bytes to the total. It must be called before work begins.
func (c *copier) expect(n int64) { c.total += n }

// tick reports n more bytes to the progress.
func (c *copier) tick(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
	if c.progress != nil && n > 0 {
		c.progress(min(c.done, c.total), c.total)
	}
}

// finish reports all bytes as done. Some bytes, such as padding, are not read.
func (c *copier) finish() { c.tick(c.total - c.done) }

// leave adds a tensor to those left.
func (c *copier) leave(l Left) { c.result.Left = append(c.result.Left, l) }

// add adds a tensor to those converted.
func (c *copier) add(w Weight) { c.result.Weights = append(c.result.Weights, w) }

// copy copies n bytes of r from an offset on. It stops between pieces if the context ends.
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

// writer returns a writer to w that fails once the context ends.
func (c *copier) writer(w io.Writer) io.Writer { return &stoppable{c.ctx, w} }

// stoppable is a writer that fails once the context ends.
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

// A countedSource calls tick with the number of bytes read, at most left in total.
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

// rest counts the bytes that were not read.
func (s *countedSource) rest() { s.count(s.left) }
