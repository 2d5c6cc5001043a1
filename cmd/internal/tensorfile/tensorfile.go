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
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/sniff"
)

// Info says what a tensor is, without its data.
type Info struct {
	Name     string // "" in text, CSV and npy files, which hold one tensor; any characters elsewhere
	DType    string // F64, F32, F16, BF16 or F8_E4M3, say; or the file's own name of another type, shortened, as Q8_0
	Shape    []int  // at least one axis: a scalar is [1]
	Bytes    int64  // that the elements take, uncompressed
	Floating bool   // whether Load can read it
	Unread   string // why Load cannot, such as "records"; "" if that is because the type is none of floating-point numbers

	Use  string // the operator that uses it, as "Conv"; "" if the file does not tell
	Axis int    // of the output channels, as Use has it; NoAxis if the file does not tell

	Left string // why it is no weight, such as "bias of Conv"; "" for a weight, and if the file does not tell

	Layout string // how several tensors of the file make one weight, as "GPTQ: 4-bit integers …"; "" if this one is all of it
	PartOf string // the weight that it is a part of, such as its scales; "" if it is none

	File   string // the file that holds the data, if it is not the one that was opened
	Offset int64  // of the data in that file; -1 if they are not there as they are
}

// Reason says why Load cannot read the tensor, as "I32 is not a floating-point
// type"; "" if it can.
func (i Info) Reason() string {
	switch {
	case i.Floating:
		return ""
	case i.Unread != "":
		return i.Unread
	case i.PartOf != "":
		return i.Left
	}
	return i.DType + " is not a floating-point type"
}

// Skipped is something in a file that is no tensor, and was left out.
type Skipped struct {
	Name   string // any characters
	Reason string // what it is, as "not an array"
}

// NoAxis is the Axis of an Info that knows none.
const NoAxis = -1

// A File is an open tensor file. Its methods may be called concurrently,
// except for Close.
type File struct {
	Kind     string            // text, csv, npy, npz, safetensors, onnx or gguf
	Metadata map[string]string // of a model, if it has any
	Shards   []Shard           // of a safetensors model in several files, in the order of their names
	Text     *Text             // how a text or CSV file was read; nil for other files
	Skipped  []Skipped         // what else the file holds

	entries []entry
	paths   []string // of the files that are open
	closers []io.Closer
}

// entry is a tensor and the way to its data.
type entry struct {
	Info
	elements int
	open     func() (quant.Source, error) // nil if it is not floating
	shared   bool                         // what open returns is the only copy
	raw      *io.SectionReader            // the data as they are; nil if they are not there as they are
	scalar   bool                         // the file has no axes for it
	stored   *Info                        // what the file holds, if Info is the weight that several tensors make
}

// newEntry describes a tensor of which no more is known.
func newEntry(name, dtype string, shape []int, bytes int64) entry {
	info := Info{Name: name, DType: dtype, Shape: axes(shape), Bytes: bytes, Axis: NoAxis, Offset: -1}
	return entry{Info: info, scalar: len(shape) == 0}
}

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

// Tensors describes every tensor of the file: those of a safetensors file in
// the order of their data, those of other files in the order of the file.
func (f *File) Tensors() []Info {
	infos := make([]Info, len(f.entries))
	for i, e := range f.entries {
		infos[i] = e.Info
		infos[i].Shape = slices.Clone(e.Shape)
	}
	return infos
}

// Described returns how a text was read, nil for other files, and what else the
// file holds.
func (f *File) Described() (*Text, []Skipped) { return f.Text, f.Skipped }

// Stored describes every tensor as the file holds it, where Tensors describes
// the weights that several tensors make. Both have the same order: the weight is
// in the place of its codes, which Stored describes, and which are not floating.
func (f *File) Stored() []Info {
	infos := f.Tensors()
	for i, e := range f.entries {
		if e.stored != nil {
			infos[i] = *e.stored
			infos[i].Shape = slices.Clone(e.stored.Shape)
		}
	}
	return infos
}

// Load reads tensor i of Tensors in row-major order. F16 and BF16 are widened
// exactly, F64 is rounded to the nearest float32; a finite value that this
// would make infinite is an error. NaN and infinities pass. It panics if there
// is no tensor i.
//
// A tensor of a compressed npz file may be a thousand times larger than the
// file: whoever reads the files of strangers looks at Info.Bytes first.
func (f *File) Load(i int) ([]float32, error) {
	src, err := f.source(i)
	if err != nil {
		return nil, err
	}
	e := &f.entries[i]
	if data, ok := src.Source.(floats); ok && !e.shared {
		return data, nil
	}
	data := make([]float32, e.elements)
	if err := src.ReadFloats(data, 0); err != nil {
		return nil, err
	}
	return data, nil
}

// Source gives the elements of tensor i of Tensors piece by piece, under the
// rules of Load, for as long as the File is open. Pieces are read from the file
// and widened as they are asked for. There are exceptions, which Source reads
// as a whole: a member of an npz file that is compressed, and column-major
// (Fortran) arrays unless they are large.
func (f *File) Source(i int) (quant.Source, error) {
	src, err := f.source(i)
	if err != nil {
		return nil, err
	}
	return src, nil
}

func (f *File) source(i int) (named, error) {
	e := &f.entries[i]
	if e.open == nil {
		err := fmt.Errorf("elements are %s, not floating-point numbers", e.DType)
		if e.Unread != "" {
			err = fmt.Errorf("elements of type %s are not read: %s", e.DType, e.Unread)
		}
		return named{}, f.errorIn(e, err)
	}
	src, err := e.open()
	if err != nil {
		return named{}, f.errorIn(e, err)
	}
	return named{src, f, e}, nil
}

// Raw returns the bytes of tensor i of Stored as the file holds them; nil if
// they are compressed, in column-major order, or text.
func (f *File) Raw(i int) *io.SectionReader { return f.entries[i].raw }

// Scalar reports whether tensor i of Tensors has no axes in the file.
func (f *File) Scalar(i int) bool { return f.entries[i].scalar }

// Paths returns the files that Open opened.
func (f *File) Paths() []string { return slices.Clone(f.paths) }

// errorIn says where an error happened: in what file, if there are several, and
// in which tensor.
func (f *File) errorIn(e *entry, err error) error {
	err = inTensor(e.Name, err)
	if e.File != "" {
		err = fmt.Errorf("%s: %w", printable(e.File), err)
	}
	return fmt.Errorf("%s: %w", f.Kind, err)
}

// Close closes the file that Open opened; otherwise it does nothing.
func (f *File) Close() error {
	var errs []error
	for _, c := range f.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// inTensor says which tensor an error is about, if tensors have names and the
// error does not say so itself.
func inTensor(name string, err error) error {
	if name == "" || strings.HasPrefix(err.Error(), "tensor \"") {
		return err
	}
	return fmt.Errorf("tensor %s: %w", quote(name), err)
}

// quote quotes a string of a file for an error message that stays on one line
// of sensible length.
func quote(s string) string { return fmt.Sprintf("%q", shorten(s)) }

// printable is for a string of a file that is shown without quotes.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, shorten(s))
}

func shorten(s string) string {
	const most = 64
	n := 0
	for i := range s {
		if n == most {
			return s[:i] + "…"
		}
		n++
	}
	return s
}
