package tensorfile

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/internal/summary"
)

// The parts of a file, and the methods of an open file.

// Info describes a tensor without its data.
type Info struct {
	Name     string // "" in text, CSV and npy files, which hold one tensor; any characters elsewhere
	DType    string // such as F64, F32, F16, BF16 or F8_E4M3; or the file's name of another type, such as Q8_0
	Shape    []int  // at least one axis: a scalar is [1]
	Bytes    int64  // size of the elements, uncompressed
	Floating bool   // whether Load can read it
	Unread   string // why Load cannot, such as "records"; "" if that is because the type is none of floating-point numbers

	Use  string // the operator that uses it, as "Conv"; "" if the file does not tell
	Axis int    // axis of the output channels, as in Use; NoAxis if the file does not tell

	Left string // why it is no weight, such as "bias of Conv"; "" for a weight, and if the file does not tell

	Layout string // how several tensors of the file make one weight, as "GPTQ: 4-bit integers …"; "" if this one is all of it
	PartOf string // the weight that it is a part of, such as its scales; "" if it is none

	File   string // the file with the data, if it is not the opened file
	Offset int64  // offset of the data in that file; -1 if the data are not stored there unchanged
}

// Reason says why Load cannot read the tensor, such as "I32 is not a floating-point type". It
// is "" if Load can read it.
func (i Info) Reason() string {
	switch {
	case i.Floating:
		return ""
	case i.Unread != "":
		return i.Unread
	case i.PartOf != "":
		return i.Left
	}
	return summary.NotFloating(i.DType)
}

// Skipped is data in a file that is not a tensor and was left out.
type Skipped struct {
	Name   string // may have any characters
	Reason string // what it is, as "not an array"
}

// An Activation is a value that a model computes, or takes as an input, and rounds to
// codes with scales and zero points of its own.
type Activation struct {
	Name  string
	Made  string    // the operator that computes it; "" for an input
	DType string    // of the codes, such as U8; "" if the file does not tell
	Scale []float32 // one for the tensor, or for each index of Axis
	Zero  []int32   // as many
	Axis  int       // of the scales, or NoAxis
	Note  string    // why there is no scale; "" if there is one
}

// NoAxis is the Axis of an Info without a known axis.
const NoAxis = -1

// A File is an open tensor file. Its methods may be called concurrently,
// except for Close.
type File struct {
	Kind     string            // text, csv, npy, npz, safetensors, onnx or gguf
	Metadata map[string]string // of a model, if the file has it
	Shards   []Shard           // of a safetensors model in several files, in the order of their names
	Text     *Text             // how a text or CSV file was read; nil for other files
	Skipped  []Skipped         // what else the file holds

	// Quantized says how many weights of a model are codes, and of which operators, such as "12
	// weights are codes of MatMulNBits". It is "" if there are none.
	Quantized string

	// Activations are what an ONNX model makes codes of while it runs.
	Activations []Activation

	entries []entry
	paths   []string // of the open files
	closers []io.Closer
	config  *stConfig // configuration of a model in memory; nil if it is read from a folder
}

// entry is a tensor with access to its data.
type entry struct {
	Info
	elements int
	open     func() (quant.Source, error) // nil if the tensor is not floating-point
	shared   bool                         // whether open returns the same copy each time
	raw      *io.SectionReader            // the data; nil if they are not stored unchanged
	scalar   bool                         // whether the shape in the file has no axes
	stored   *Info                        // the tensor in the file, if Info is a weight that is joined from several tensors
}

// newEntry returns the entry of a tensor with the given description.
func newEntry(name, dtype string, shape []int, bytes int64) entry {
	info := Info{Name: name, DType: dtype, Shape: axes(shape), Bytes: bytes, Axis: NoAxis, Offset: -1}
	return entry{Info: info, scalar: len(shape) == 0}
}

// Tensors describes every tensor of the file. Those of a safetensors file are in the order of
// their data, others in the order of the file.
func (f *File) Tensors() []Info {
	infos := make([]Info, len(f.entries))
	for i, e := range f.entries {
		infos[i] = e.Info
		infos[i].Shape = slices.Clone(e.Shape)
	}
	return infos
}

// Described returns how a text was read, which is nil for other files, and the skipped data.
func (f *File) Described() (*Text, []Skipped) { return f.Text, f.Skipped }

// Rounded returns Activations.
func (f *File) Rounded() []Activation { return f.Activations }

// Coded returns f.Quantized.
func (f *File) Coded() string { return f.Quantized }

// Stored describes every tensor as the file stores it, where Tensors describes the weights that
// are joined from several tensors. Both have the same order. In the place of a joined weight,
// Stored describes its codes, which are not floating-point.
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

// Load reads tensor i of Tensors in row-major order. F16 and BF16 are widened exactly, and F64
// is rounded to the nearest float32. A finite value that would become infinite is an error; NaN
// and infinities are not. Load panics if there is no tensor i.
//
// A tensor of a compressed npz file may be a thousand times larger than the file. For files
// that are not trusted, check Info.Bytes first.
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

// Source returns a Source of tensor i of Tensors, with the rules of Load. It is valid until the
// File is closed. It reads the file in pieces, and widens them. Only two kinds of tensors are
// read as a whole: a compressed member of an npz file, and a column-major (Fortran) array
// unless it is large.
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

// Raw returns the bytes of tensor i of Stored in the file. It is nil if they are compressed, in
// column-major order, or text.
func (f *File) Raw(i int) *io.SectionReader { return f.entries[i].raw }

// Scalar reports whether tensor i of Tensors has no axes in the file.
func (f *File) Scalar(i int) bool { return f.entries[i].scalar }

// Paths returns the paths of the files that Open opened.
func (f *File) Paths() []string { return slices.Clone(f.paths) }

// errorIn adds the name of the tensor to an error, and the name of the file if there are
// several.
func (f *File) errorIn(e *entry, err error) error {
	err = inTensor(e.Name, err)
	if e.File != "" {
		err = fmt.Errorf("%s: %w", printable(e.File), err)
	}
	return fmt.Errorf("%s: %w", f.Kind, err)
}

// Close closes the file that Open opened. For other Files it does nothing.
func (f *File) Close() error {
	var errs []error
	for _, c := range f.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// named is a Source whose errors name the tensor.
type named struct {
	quant.Source
	file  *File
	entry *entry
}

func (s named) ReadFloats(dst []float32, off int) error {
	if off < 0 || len(dst) > s.entry.elements-off {
		panic(fmt.Sprintf("tensorfile: %d elements from %d on of %d", len(dst), off, s.entry.elements))
	}
	if len(dst) == 0 {
		return nil
	}
	if err := s.Source.ReadFloats(dst, off); err != nil {
		return s.file.errorIn(s.entry, err)
	}
	return nil
}

// A Shard is one of the files of a safetensors model.
type Shard struct {
	Name     string // path in the index, relative to its folder
	Path     string
	Metadata map[string]string
}
