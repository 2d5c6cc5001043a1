package convert

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
)

// A countedSource tells of the elements that are read, as far as left goes.
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

func (s *countedSource) rest() { s.count(s.left) }

// An onnxCopy is a model on its way into another.
type onnxCopy struct {
	ctx      context.Context
	model    *onnx.Model
	rewriter *onnx.Rewriter
	out      *atomicfile.Set
	result   Result

	mu          sync.Mutex
	progress    Progress
	done, total int64
}

func newONNXCopy(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*onnxCopy, error) {
	m, err := onnx.Open(in)
	if err != nil {
		return nil, err
	}
	c := &onnxCopy{ctx: ctx, model: m, out: out, progress: p}
	c.rewriter = m.Rewrite(filepath.Base(out.Path()) + ".data")
	read := []string{in}
	for _, name := range m.Files() {
		read = append(read, filepath.Join(filepath.Dir(in), filepath.FromSlash(name)))
	}
	for _, t := range m.Tensors {
		c.total += t.Bytes
	}
	c.result.Read = sizeOf(read...)
	if err := out.Protect(read...); err != nil {
		m.Close()
		return nil, err
	}
	return c, nil
}

// check returns an error if a pattern of o matches none of the names.
func (o *Options) check(names []string) error {
	if none := o.unmatched(names); len(none) > 0 {
		return fmt.Errorf("no tensor matches %q", none[0])
	}
	return nil
}

func (c *onnxCopy) leave(t *onnx.Tensor, why string) {
	c.result.Left = append(c.result.Left, Left{Name: t.Name, DType: t.DType, Shape: onnxInfo(t).Shape, Bytes: t.Bytes, Reason: why})
	c.tick(t.Bytes)
}

// tick tells of progress.
func (c *onnxCopy) tick(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
	if c.progress != nil && n > 0 {
		c.progress(min(c.done, c.total), c.total)
	}
}

// write writes what is planned.
func (c *onnxCopy) write() error {
	r := c.rewriter
	if err := r.Plan(); err != nil {
		return err
	}
	if r.DataSize() > 0 {
		w, err := c.out.Create(filepath.Base(c.out.Path()) + ".data")
		if err != nil {
			return err
		}
		if err := r.WriteData(&stoppable{c.ctx, w}); err != nil {
			return err
		}
	}
	w, err := c.out.Main()
	if err != nil {
		return err
	}
	if err := r.WriteModel(&stoppable{c.ctx, w}); err != nil {
		return err
	}
	c.tick(c.total - c.done)
	return nil
}

// stoppable is a writer that an interrupt stops.
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
