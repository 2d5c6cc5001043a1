// Package tensorfile reads floating-point tensors from files: text, CSV, NumPy's npy and npz,
// ONNX, GGUF, and safetensors in one file or in shards. It recognises the format by the content
// of a file. The name of a file only decides between formats that the content cannot
// distinguish.
//
// Files are mapped into memory. Tensors are listed without reading their data, and read in
// pieces, so a file may be larger than memory. (Text is an exception: it is parsed at once.)
// Files are not trusted. A file that violates the rules of its format gives a one-line error
// that names the format and the tensor. It never causes a panic, or an allocation that is out
// of proportion to the size of the file.
package tensorfile

import (
	"bytes"
	"fmt"
	"io"

	"github.com/a01592f9/quant/cmd/internal/sniff"
)

// Read reads all of r into memory and parses it as Options.Parse does. If limit is positive, longer
// input is an error, and Read reads at most limit+1 bytes.
func Read(name string, r io.Reader, limit int64) (*File, error) {
	return Options{}.Read(name, r, limit)
}

// Options say how a file is read. The zero Options are those of the functions Read and Open.
type Options struct {
	Reading  Reading                 // of text
	Progress func(done, total int64) // is called with the number of bytes read, for files that take long to open; may be nil
}

// Read is the function Read with options.
func (o Options) Read(name string, r io.Reader, limit int64) (*File, error) {
	if limit > 0 {
		r = io.LimitReader(r, max(limit, limit+1)) // one byte more than the limit, unless that overflows
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if limit > 0 && int64(len(data)) > limit {
		return nil, &LimitError{Limit: limit}
	}
	return o.Parse(name, bytes.NewReader(data), int64(len(data)))
}

// A LimitError reports input that is longer than the limit of Read.
type LimitError struct {
	Limit int64 // in bytes
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("input is longer than %d bytes", e.Limit)
}

// Parse reads the first size bytes of r as a tensor file. The File reads tensors from r, which
// must stay valid. Only the extension of the name matters; the name may be empty.
func (o Options) Parse(name string, r io.ReaderAt, size int64) (*File, error) {
	return o.parse(name, r, size, "")
}

// parse is Parse for a file in the folder dir, which may be "". It reports the progress of
// reading text.
func (o Options) parse(name string, r io.ReaderAt, size int64, dir string) (*File, error) {
	head := make([]byte, min(max(size, 0), sniff.HeadLen))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, err
	}
	kind, err := formatOf(name, head, size)
	if err != nil {
		return nil, err
	}
	f := &File{Kind: kind}
	switch kind {
	case "npy":
		f.entries, err = parseNPY(r, size)
	case "npz":
		f.entries, f.Skipped, err = parseNPZ(r, size)
	case "safetensors":
		if f.entries, f.Metadata, err = parseSafetensors(r, size); err == nil {
			f.joinParts(dir)
		}
	case "onnx":
		err = f.parseONNX(r, size, dir)
	case "gguf":
		err = f.parseGGUF(r, size, dir, name)
	default:
		var data []float32
		text := &counter{Reader: io.NewSectionReader(r, 0, size), size: size, progress: o.Progress}
		if f.Text, data, err = parseText(text, kind == "csv", o.Reading); err == nil {
			f.entries = []entry{textEntry(f.Text, data)}
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", kind, err)
	}
	return f, nil
}
