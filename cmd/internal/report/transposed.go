package report

import (
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// transposes reports whether one of two tensors of the same name is the weight of a Gemm that
// transposes it, and the other one the weight of a MatMul. The operators for codes are kinds of
// MatMul, so quantizing a Gemm exchanges the axes of its weight.
func transposes(a, b tensorfile.Info) bool {
	gemm := func(x tensorfile.Info) bool { return x.Use == "Gemm" && x.Axis == 0 }
	product := func(x tensorfile.Info) bool { return strings.Contains(x.Use, "MatMul") && x.Axis != 0 }
	return len(a.Shape) == 2 && len(b.Shape) == 2 && a.Shape[0] == b.Shape[1] && a.Shape[1] == b.Shape[0] &&
		(gemm(a) && product(b) || product(a) && gemm(b))
}

// transposed returns src, a matrix of rows × columns, as columns × rows. All values are in memory.
func transposed(src quant.Source, rows, columns int) (quant.Source, error) {
	from, to := make([]float32, rows*columns), make(floats, rows*columns)
	if err := src.ReadFloats(from, 0); err != nil {
		return nil, err
	}
	for i, v := range from {
		to[i%columns*rows+i/columns] = v
	}
	return to, nil
}

// floats are elements in memory, as a quant.Source.
type floats []float32

// ReadFloats implements quant.Source.
func (x floats) ReadFloats(dst []float32, off int) error {
	copy(dst, x[off:][:len(dst)])
	return nil
}
