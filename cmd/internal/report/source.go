package report

import (
	"errors"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// A Source provides tensors. A *tensorfile.File is a Source.
type Source interface {
	Tensors() []tensorfile.Info
	Source(i int) (quant.Source, error) // gives tensor i piece by piece
	Load(i int) ([]float32, error)      // gives all of it
}

// Values are the elements of a tensor in memory, as a quant.Source.
type Values []float32

// ReadFloats implements quant.Source.
func (v Values) ReadFloats(dst []float32, off int) error {
	if off > len(v) || len(dst) > len(v)-off {
		return errors.New("it has changed since it was listed")
	}
	copy(dst, v[off:])
	return nil
}
