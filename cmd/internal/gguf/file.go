package gguf

import "io"

// The parts of a GGUF file.

// Magic is the beginning of a GGUF file.
const Magic = "GGUF"

// Limits of the format.
const (
	headerLen       = 24 // magic, version and two counts
	maxAxes         = 4
	maxName         = 65535 // bytes of the name of a tensor or of a key; ggml's limit for tensors is 63, and other programs raise it
	defaultAlign    = 32    // alignment of the data of tensors, if the metadata have no other
	keyAlignment    = "general.alignment"
	keyFileType     = "general.file_type"
	keyQuantVersion = "general.quantization_version"
)

// A File is a GGUF file whose header was read, or a model of several such files. Its methods
// may be called concurrently, except for Close.
type File struct {
	Version  uint32
	Align    int64    // of the data of every tensor, relative to DataStart
	Metadata []Value  // in the order of the file
	Tensors  []Tensor // in the order of the header

	DataStart int64 // offset of the data of the first tensor, if there is one

	// LeftOut lists data of the file that are neither metadata nor a tensor, and metadata of
	// later parts that contradict those of the first part.
	LeftOut []LeftOut

	r       io.ReaderAt // the file, or the first part
	size    int64
	parts   []part // the parts, or the file alone
	closers []io.Closer
}

// A Tensor is one of the tensors of a File.
type Tensor struct {
	Name   string
	Type   Type
	Shape  []int // row-major: the last axis is contiguous (the header has the reverse order)
	Bytes  int64 // size of its data; for an unknown type, the distance to the next tensor's data
	Offset int64 // offset of its data in the file, or in its part
	Part   int   // index of its part in the model; 0 in a single file
}

// Elements returns the number of elements of t.
func (t *Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// RowLen returns the length of a row of t, which is that of its last axis.
func (t *Tensor) RowLen() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[len(t.Shape)-1]
}

// A LeftOut is data in a file that are not read.
type LeftOut struct {
	Name   string
	Reason string // why
}

// A part is one of the files of a File.
type part struct {
	path string // "" if it is not known
	r    io.ReaderAt
	size int64
}

// dataEnd returns the offset after the data of the tensors and their padding.
func (f *File) dataEnd() int64 {
	end := f.DataStart
	for i := range f.Tensors {
		end = max(end, f.Tensors[i].Offset+f.Tensors[i].Bytes)
	}
	return end + -end&(f.Align-1)
}

// joined reports whether another GGUF file follows the data of the tensors.
func (f *File) joined() bool {
	magic := make([]byte, len(Magic))
	n, _ := f.r.ReadAt(magic, f.dataEnd())
	return string(magic[:n]) == Magic
}
