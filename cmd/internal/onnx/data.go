package onnx

import (
	"errors"
	"fmt"
	"io"
)

// Data returns a reader of the elements: t.Bytes bytes in row-major order and little-endian,
// four-bit elements with the low nibble first. Several goroutines may read from it at once, until
// the model is closed. Errors do not name the tensor.
func (t *Tensor) Data() (io.ReaderAt, error) {
	switch {
	case t.sparse:
		return nil, errors.New(SparseNote)
	case elemTypes[t.elem].bits == 0:
		return nil, fmt.Errorf("data of type %s are not read", t.DType)
	case t.isExternal:
		return t.model.externals.section(t.model.dir, t.external, t.Bytes)
	case t.rawOffset >= 0:
		return io.NewSectionReader(t.model.r, t.rawOffset, t.Bytes), nil
	}
	return newTypedData(t)
}

// ErrDuplicate is the error for a tensor if two values of its graph have the same name. Runtimes
// do not agree on which value the name means.
var ErrDuplicate = errors.New("two values of its graph have the same name")

// Replaceable returns nil if t can be replaced by another tensor, or else the reason as an error.
func (t *Tensor) Replaceable() error {
	switch {
	case t.sparse:
		return errors.New(SparseNote)
	case t.value == "":
		return errors.New("it has no name")
	case len(t.frames) != 1:
		return errors.New("its message is in several pieces")
	case t.graph.defined[t.value] > 1:
		return ErrDuplicate
	case t.graph.defs[t.value].tensor != t:
		return errors.New("another value of its graph has the same name")
	case !t.graph.root().live():
		return fmt.Errorf("no node calls the function %s", quote(t.graph.root().fn.name))
	case t.graph.owner != nil && t.graph.defs[t.value].input:
		return errors.New("it is an input of a subgraph")
	}
	return nil
}
