// Package onnx reads the weights of ONNX models, and writes quantized models.
//
// The package parses the protobuf wire format in place. It keeps names, nodes and shapes, and
// skips tensor data, which it reads on demand. So a model may be larger than memory.
//
// Files are not trusted. Invalid content causes a one-line error with the tensor and the offset,
// and never a panic. The package does not allocate memory by a size that a file merely declares.
package onnx

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/a01592f9/quant/cmd/internal/mapfile"
)

// Open opens the model at path. The folder of the model may hold external data.
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

// Parse reads a model of size bytes from r. The model reads from r until it is closed. The folder
// dir may hold external data; without a folder (""), external data cannot be read.
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

// Files returns the names of the files of external data, relative to the model's folder.
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

// Close closes the files that the model has opened.
func (m *Model) Close() error {
	err := m.externals.close()
	if m.closer != nil {
		if e := m.closer.Close(); err == nil {
			err = e
		}
	}
	return err
}

// Looks reports whether a file that begins with head may be an ONNX model. ONNX has no magic
// number, but a model begins with a field of ModelProto.
func Looks(head []byte) bool {
	return looks(head)
}

// Rounding returns the number of nodes that quantize values while the model runs.
func (m *Model) Rounding() int {
	count := 0
	for _, g := range m.graphs {
		for _, n := range g.nodes {
			makes := n.op == "QuantizeLinear" && n.isQDQ() || n.is("DynamicQuantizeLinear")
			if makes && n.constant(0) == nil && g.root().live() {
				count++
			}
		}
	}
	return count
}

// Operators returns the operators of the nodes of the main graph, in order.
func (m *Model) Operators() []string {
	var ops []string
	for _, n := range m.main.nodes {
		ops = append(ops, n.op)
	}
	return ops
}

// Outputs returns the names of the model's outputs.
func (m *Model) Outputs() []string {
	var names []string
	for _, out := range m.main.outputs {
		names = append(names, out.name)
	}
	return names
}
