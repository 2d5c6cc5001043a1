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

// A process converts a model: ONNX, DequantizeONNX and similar functions.
type process = func(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error)

var (
	quantizers   = map[Kind]process{KindONNX: quantizeONNX, KindGGUF: GGUF, KindSafetensors: Safetensors}
	dequantizers = map[Kind]process{KindONNX: DequantizeONNX, KindGGUF: DequantizeGGUF, KindSafetensors: DequantizeSafetensors}
)

// Quantize quantizes the weights of the model at in and writes the model to out. The caller has
// to Commit or Abort out.
func Quantize(ctx context.Context, kind Kind, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	return run(ctx, quantizers[kind], kind, in, out, o, p)
}

// Dequantize converts the quantized model at in to float32 and writes it to out. It uses only the
// options that select tensors.
func Dequantize(ctx context.Context, kind Kind, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	return run(ctx, dequantizers[kind], kind, in, out, o, p)
}

// quantizeONNX calls onnxStatic if o.Static is set, onnxDynamic if o.Dynamic is set, and ONNX
// otherwise.
func quantizeONNX(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	if o.Static != nil {
		return onnxStatic(ctx, in, out, o, p)
	}
	if o.Dynamic != nil {
		return onnxDynamic(ctx, in, out, o, p)
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
	if err != nil || o.Static != nil || o.Dynamic != nil {
		return r, err
	}
	return r, o.honoured(r.Left)
}

// honoured returns an error if a tensor was left although Include has its full name.
func (o *Options) honoured(left []Left) error {
	for _, l := range left {
		if s := o.selection(); s.Spells(l.Name) && s.Picks(l.Name) {
			return inTensor(l.Name, fmt.Errorf("it is included by its name, but cannot be converted: %s", l.Reason))
		}
	}
	return nil
}

// Files returns the files that a model may consist of: the file at path, or the files of the
// folder at path, or those of the folder of an index at path.
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

// KindOf returns the kind of a model by its content. folder reports whether path is a folder of
// files or an index of one.
func KindOf(path string) (kind Kind, folder bool, err error) {
	name, folder, err := tensorfile.Sniff(path)
	kind = Kind(name)
	if err == nil && quantizers[kind] == nil {
		err = fmt.Errorf("%s: not a model: neither ONNX nor GGUF nor safetensors", name)
	}
	return kind, folder, err
}
