package gguf

import "io"

// What a GGUF file consists of.

// Magic is what a GGUF file begins with.
const Magic = "GGUF"

// What the format limits.
const (
	headerLen       = 24 // magic, version and two counts
	maxAxes         = 4
	maxName         = 65535 // bytes, of a tensor or a key; ggml's own limit for tensors, 63, is raised by other programs
	defaultAlign    = 32    // of the data of tensors, where the metadata have no other
	keyAlignment    = "general.alignment"
	keyFileType     = "general.file_type"
	keyQuantVersion = "general.quantization_version"
)

// A File is a GGUF file whose header was read, or a model of several such files.
// Its methods may be called concurrently, except for Close.
type File struct {
	Version  uint32
	Align    int64    // of the data of every tensor, from DataStart
	Metadata []Value  // in the order of the file
	Tensors  []Tensor // in the order of the header

	DataStart int64 // offset of the data of the first tensor, if there is one

	// LeftOut is what the file holds that is neither metadata nor a tensor, and
	// metadata of later parts that contradict those of the first.
	LeftOut []LeftOut

	r       io.ReaderAt // of the header: the file, or the first part
	size    int64
	parts   []part // one for a file that is no part
	closers []io.Closer
}

// A Tensor is one of the tensors of a File.
type Tensor struct {
	Name   string
	Type   Type
	Shape  []int // row-major: the last axis is contiguous. The header has the reverse
	Bytes  int64 // of its data; of a type that is not known, up to the next tensor's
	Offset int64 // of its data in the file, or in its part
	Part   int   // of the model, from 0 on; 0 in a file that is no part
}

// Elements returns how many elements t has.
func (t *Tensor) Elements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// RowLen returns how many elements a row of t has: its last axis.
func (t *Tensor) RowLen() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[len(t.Shape)-1]
}

// A LeftOut is something in a file that is not read.
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

// dataEnd returns the offset behind the data of the tensors and their padding.
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
