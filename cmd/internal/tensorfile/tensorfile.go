// Package tensorfile reads floating-point tensors out of files: text, CSV,
// NumPy's npy and npz, ONNX, GGUF, and safetensors in one file or in shards. The
// format is told by what a file holds; its name only decides between formats
// that no byte tells apart.
//
// Files are mapped into memory. Tensors are listed without reading their data,
// and read piece by piece, so a file may be larger than memory (text excepted,
// which is parsed at once).
// Files are not trusted: a file that breaks the rules of its format is a
// one-line error that names the format and the tensor, never a panic, and
// never an allocation that the size of the file does not warrant.
package tensorfile

import (
	"bytes"
	"fmt"
	"io"

	"github.com/a01592f9/quant/cmd/internal/sniff"
)

// Read reads all of r into memory, and then is Parse. Input of more than limit
// bytes is an error, and no more than that is read; no limit is imposed if
// limit is not positive.
func Read(name string, r io.Reader, limit int64) (*File, error) {
	return Options{}.Read(name, r, limit)
}

// Options say how a file is read. The zero Options are those of Read, Parse
// and Open.
type Options struct {
	Reading  Reading                 // of text
	Progress func(done, total int64) // is told how much is read of what takes long to open; nil for nobody
}

// Read is the function Read with options.
func (o Options) Read(name string, r io.Reader, limit int64) (*File, error) {
	if limit > 0 {
		r = io.LimitReader(r, max(limit, limit+1)) // one more, unless that overflows
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

// A LimitError reports input that is longer than the limit given to Read.
type LimitError struct {
	Limit int64 // in bytes
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("input is longer than %d bytes", e.Limit)
}

// Parse reads the size bytes of r as a tensor file. The File reads tensors
// from r for as long as it is used. The name, which may be empty, only matters
// for its extension.
func Parse(name string, r io.ReaderAt, size int64) (*File, error) {
	return Options{}.Parse(name, r, size)
}

// Parse is the function Parse with options.
func (o Options) Parse(name string, r io.ReaderAt, size int64) (*File, error) {
	return o.parse(name, r, size, "")
}

// parse is Parse of a file in the folder dir, which may be "". It tells of
// progress how much of a text it has read.
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
