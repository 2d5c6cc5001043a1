// Package onnx reads the weights of ONNX models, and writes models whose
// weights are quantized.
//
// A model is walked as it lies in the file, in protobuf's wire format: names,
// nodes and shapes are kept, the data of tensors are passed over and read when
// they are asked for. So a model may be larger than memory.
//
// Files are not trusted: what breaks the rules is a one-line error that names
// the tensor and the offset, never a panic, and nothing is allocated that a
// file merely claims to hold.
package onnx

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/a01592f9/quant/cmd/internal/mapfile"
)

// NoAxis is the Axis of a tensor whose output channels are not known.
const NoAxis = -1

// A Tensor is a constant of a model: an initializer, or the value of a
// Constant node, of any graph.
type Tensor struct {
	// Name is that of the value in its graph. Where two graphs of the model
	// use one name for different tensors, it is preceded by the way to the
	// graph, as in "If_0.then_branch/W".
	Name string

	DType    string // as safetensors has it: F32, F16, BF16, F64, I8, …; else I4, U4, STRING, …
	Shape    []int  // none for a scalar
	Bytes    int64  // of the elements, stored plainly
	Floating bool   // F32, F16, BF16 or F64, with data

	Use    string // the operators that use it, with what for if not as weight: "Conv", "Conv bias", "Gather, MatMul"
	Axis   int    // of the output channels for those operators, or NoAxis
	Weight bool   // whether it is what quantization is for: a matrix that operators multiply with or look up in
	Note   string // what is special, such as why it is not a Weight; "" if nothing

	File   string // the file that holds the data, relative to the model's folder; "" for the model itself
	Offset int64  // of the data in that file; -1 if they are not there as they are

	model  *Model
	value  string // the name in its graph
	graph  *graph
	node   *node    // the Constant node; nil for an initializer
	frames []*frame // of the TensorProto; more than one if it was merged
	sparse bool

	elem elemType
	n    int // elements

	// Where the data are: in the file from rawOffset on, if that is not -1; or in
	// external; or in field of the messages typed, number by number.
	rawOffset, rawLen int64
	isExternal        bool
	external          *external
	field             int
	typed             []span
	chunks            int   // occurrences of that field
	chunk             field // the last
	mixed             bool  // there are several such fields
	inAttribute       bool  // they are fields of an attribute, not of a TensorProto
}

// An Import is an operator set that a model uses.
type Import struct {
	Domain  string // "" for ONNX's own
	Version int64
}

// A Model is an open ONNX model.
type Model struct {
	IR       int64
	Producer string
	Imports  []Import
	Tensors  []*Tensor // in the order of the file

	unlisted  []*Tensor // others with external data: attributes, and parts of sparse tensors
	r         io.ReaderAt
	size      int64
	dir       string // of external data
	root      frame
	graphs    []*graph // all, outer before inner
	main      *graph
	functions []*function
	byName    map[string]*function // by domain and name
	ints      map[*Tensor][]int64  // lists that were read; nil for what is none
	imports   []importSpan
	irSpan    span // of the field; empty if there is none
	externals externals
	closer    io.Closer
}

// Open opens the model at path. External data are looked for in its folder.
func Open(path string) (*Model, error) {
	st, err := os.Stat(path)
	if err == nil && !st.Mode().IsRegular() {
		err = fmt.Errorf("%s: not a regular file", path)
	}
	if err != nil {
		return nil, err
	}
	f, err := mapfile.Open(path)
	if err != nil {
		return nil, err
	}
	m, err := Parse(f, f.Size(), filepath.Dir(path))
	if err != nil {
		f.Close()
		return nil, err
	}
	m.closer = f
	return m, nil
}

// Parse reads a model of size bytes from r, which is used for as long as the
// model is. External data are looked for in dir; "" is for a model that has no
// folder, and whose external data cannot be read.
func Parse(r io.ReaderAt, size int64, dir string) (*Model, error) {
	m := &Model{r: r, size: size, dir: dir, root: frame{end: size}}
	p := &parser{wire: newWire(r), m: m, names: map[string]string{}}
	if err := p.model(); err != nil {
		return nil, err
	}
	m.nameTensors()
	m.traceUses()
	return m, nil
}

// Files returns the names of the files with external data, relative to the
// model's folder.
func (m *Model) Files() []string {
	var names []string
	seen := map[string]bool{}
	for _, t := range slices.Concat(m.Tensors, m.unlisted) {
		if t.isExternal && t.external != nil && !seen[t.external.location] {
			seen[t.external.location] = true
			names = append(names, t.external.location)
		}
	}
	return names
}

// Close closes the files that the model opened.
func (m *Model) Close() error {
	err := m.externals.close()
	if m.closer != nil {
		if e := m.closer.Close(); err == nil {
			err = e
		}
	}
	return err
}

// Looks reports whether a file of which head is the beginning may be an ONNX
// model: there is no magic number, but a model begins with a field of ModelProto.
func Looks(head []byte) bool {
	return looks(head)
}
