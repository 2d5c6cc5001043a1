package convert

import (
	"context"
	"os"
	"path/filepath"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/sniff"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// An onnxCopy copies a model to another file.
type onnxCopy struct {
	*copier
	model    *onnx.Model
	rewriter *onnx.Rewriter

	forms    map[string]moments.Form // of weights as matrices, by name; nil if not needed
	formless map[string]string       // why others have none
}

func newONNXCopy(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*onnxCopy, error) {
	m, err := onnx.Open(in)
	if err != nil {
		return nil, cutOff(in, err)
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

// keep records that a tensor is left.
func (c *onnxCopy) keep(t *onnx.Tensor, reason string) {
	c.leave(Left{Name: t.Name, DType: t.DType, Shape: tensorfile.InfoONNX(t).Shape, Bytes: t.Bytes, Reason: reason})
	c.tick(t.Bytes)
}

// write writes the planned model.
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

// cutOff returns an error that says that the file is truncated, if it is, and err otherwise.
func cutOff(path string, err error) error {
	f, openErr := os.Open(path)
	if openErr != nil {
		return err
	}
	defer f.Close()
	st, statErr := f.Stat()
	if statErr != nil || !st.Mode().IsRegular() {
		return err
	}
	if cut := sniff.Protobuf(f, st.Size()); cut != nil {
		return cut
	}
	return err
}
