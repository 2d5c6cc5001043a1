package convert

import (
	"context"
	"path/filepath"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// An onnxCopy is a model that is copied into another.
type onnxCopy struct {
	*copier
	model    *onnx.Model
	rewriter *onnx.Rewriter
}

func newONNXCopy(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*onnxCopy, error) {
	m, err := onnx.Open(in)
	if err != nil {
		return nil, err
	}
	c := &onnxCopy{copier: newCopier(ctx, out, p), model: m}
	c.rewriter = m.Rewrite(filepath.Base(out.Path()) + ".data")
	read := []string{in}
	for _, name := range m.Files() {
		read = append(read, filepath.Join(filepath.Dir(in), filepath.FromSlash(name)))
	}
	for _, t := range m.Tensors {
		c.expect(t.Bytes)
	}
	c.result.Read = sizeOf(read...)
	if err := out.Protect(read...); err != nil {
		m.Close()
		return nil, err
	}
	return c, nil
}

// keep leaves a tensor in the model as it is.
func (c *onnxCopy) keep(t *onnx.Tensor, reason string) {
	c.leave(Left{Name: t.Name, DType: t.DType, Shape: tensorfile.InfoONNX(t).Shape, Bytes: t.Bytes, Reason: reason})
	c.tick(t.Bytes)
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
		if err := r.WriteData(c.writer(w)); err != nil {
			return err
		}
	}
	w, err := c.out.Main()
	if err != nil {
		return err
	}
	if err := r.WriteModel(c.writer(w)); err != nil {
		return err
	}
	c.finish()
	return nil
}
