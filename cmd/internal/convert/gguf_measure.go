package convert

import (
	"math"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
)

// errorSums are what quant.Metrics come from, for values that the library
// does not quantize itself.
type errorSums struct {
	n, clipped       int
	abs, sq, squares float64
	max              float32
}

// of sets s to the sums over elements x of a tensor whose blocks are b. It
// dequantizes them into y.
func (s *errorSums) of(t gguf.Type, x, y []float32, b []byte) {
	t.Dequantize(y, b)
	*s = errorSums{n: len(x), clipped: t.Clipped(x, b)}
	for i, v := range x {
		e := float32(math.Abs(float64(y[i] - v)))
		s.abs += float64(e)
		s.sq += float64(float64(e) * float64(e))
		s.squares += float64(float64(v) * float64(v))
		s.max = max(s.max, e)
	}
}

func (s *errorSums) add(o errorSums) {
	s.n += o.n
	s.clipped += o.clipped
	s.abs += o.abs
	s.sq += o.sq
	s.squares += o.squares
	s.max = max(s.max, o.max)
}

func (s *errorSums) metrics() *quant.Metrics {
	n := float64(s.n)
	m := &quant.Metrics{N: s.n, MAE: s.abs / n, RMSE: math.Sqrt(s.sq / n), MaxError: float64(s.max), SQNR: math.Inf(1), Clipped: s.clipped}
	if s.sq > 0 {
		m.SQNR = 10 * math.Log10(s.squares/s.sq)
	}
	return m
}
