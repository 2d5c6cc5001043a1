package convert

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// A process is ONNX, DequantizeONNX or one of their likes.
type process = func(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error)

var (
	quantizers   = map[Kind]process{KindONNX: quantizeONNX, KindGGUF: GGUF, KindSafetensors: Safetensors}
	dequantizers = map[Kind]process{KindONNX: DequantizeONNX, KindGGUF: DequantizeGGUF, KindSafetensors: DequantizeSafetensors}
)

// Quantize writes the model at in to out with its weights quantized. It is for
// the caller to Commit or Abort out.
func Quantize(ctx context.Context, kind Kind, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	return run(ctx, quantizers[kind], kind, in, out, o, p)
}

// Dequantize writes the quantized model at in to out as float32. Of the
// options only those that pick tensors matter.
func Dequantize(ctx context.Context, kind Kind, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	return run(ctx, dequantizers[kind], kind, in, out, o, p)
}

// quantizeONNX is ONNX or, with o.Static, onnxStatic.
func quantizeONNX(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	if o.Static != nil {
		return onnxStatic(ctx, in, out, o, p)
	}
	return ONNX(ctx, in, out, o, p)
}

func run(ctx context.Context, f process, kind Kind, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	if f == nil {
		return nil, fmt.Errorf("%s: files of this kind are not written", kind)
	}
	out.Bind(ctx)
	read, err := Files(in)
	if err != nil {
		return nil, err
	}
	if err := out.Protect(read...); err != nil {
		return nil, err
	}
	if p == nil {
		p = func(int64, int64) {}
	}
	r, err := f(ctx, in, out, o, p)
	if err != nil || o.Static != nil {
		return r, err
	}
	return r, o.honoured(r.Left)
}

// honoured returns an error if a tensor was left whose name Include has in full.
func (o *Options) honoured(left []Left) error {
	for _, l := range left {
		if s := o.selection(); s.Spells(l.Name) && s.Picks(l.Name) {
			return inTensor(l.Name, fmt.Errorf("it is included by its name, but cannot be converted: %s", l.Reason))
		}
	}
	return nil
}

// Files returns the files that a model may be in: the one at path, or those
// of the folder that is there or that an index is in.
func Files(path string) ([]string, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	files := []string{path}
	dir := path
	switch {
	case st.IsDir():
	case strings.HasSuffix(path, ".json"):
		dir = filepath.Dir(path)
	default:
		return files, nil
	}
	inside, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range inside {
		files = append(files, filepath.Join(dir, e.Name()))
	}
	return files, nil
}

// KindOf tells what a model file is, by what it holds; and whether it is a
// folder of files, or the index of one.
func KindOf(path string) (kind Kind, folder bool, err error) {
	name, folder, err := tensorfile.Sniff(path)
	kind = Kind(name)
	if err == nil && quantizers[kind] == nil {
		err = fmt.Errorf("%s: not a model: neither ONNX nor GGUF nor safetensors", name)
	}
	return kind, folder, err
}
