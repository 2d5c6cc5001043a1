package feedback

import (
	"math"
	"slices"
	"testing"

	"github.com/a01592f9/quant"
)

// plain is the algorithm as the papers have it, without a factor: the inverse of the
// matrix of second moments, from which each input is removed after it has been rounded
// (Hassibi and Stork; Frantar et al., equations 2 and 3).
func plain(t *testing.T, w quant.Tensor, h [][]float64, s quant.Scheme, damping float64, order []int) ([]int, quant.Params) {
	t.Helper()
	out, n := w.Shape[0], w.Shape[1]
	mean := 0.0
	for i := range n {
		mean += h[i][i] / float64(n)
	}
	params, err := quant.Calibrate(w, s)
	if err != nil {
		t.Fatal(err)
	}
	size, groups := s.Granularity.GroupSize()
	codes := make([]int, out*n)
	damped := make([][]float64, n)
	for i := range n {
		damped[i] = slices.Clone(h[i])
		if h[i][i] == 0 {
			damped[i][i] = 1
		} else {
			damped[i][i] += damping * mean
		}
	}
	damped = inverse(damped)
	perRow := len(params.Scale) / out
	for r := range out {
		inv := make([][]float64, n)
		for i := range n {
			inv[i] = slices.Clone(damped[i])
		}
		row := make([]float64, n)
		for i := range n {
			row[i] = float64(w.Data[r*n+i])
		}
		for at, j := range order {
			p := 0
			switch {
			case groups:
				p = r*perRow + j/size
				if j%size == 0 && order[at] == at {
					group := row[j:min(n, j+size)]
					x := make([]float32, len(group))
					for i, v := range group {
						x[i] = float32(v)
					}
					of := s
					of.Granularity = quant.PerTensor
					made, err := quant.Calibrate(quant.Tensor{Data: x}, of)
					if err != nil {
						t.Fatal(err)
					}
					params.Scale[p], params.ZeroPoint[p] = made.Scale[0], made.ZeroPoint[0]
				}
			case perRow > 0:
				p = r * perRow
			}
			qmin, qmax := s.Grid()
			scale, zero := params.Scale[p], float64(params.ZeroPoint[p])
			q := math.RoundToEven(float64(float32(row[j])/scale)) + zero
			q = max(float64(qmin), min(float64(qmax), q))
			codes[r*n+j] = int(q)
			e := (row[j] - float64(float32(q-zero)*scale)) / inv[j][j]
			column := make([]float64, n)
			for k := range n {
				column[k] = inv[k][j]
			}
			for k := range n {
				row[k] -= e * column[k]
			}
			d := column[j]
			for i := range n {
				for k := range n {
					inv[i][k] -= column[i] * column[k] / d
				}
			}
			inv[j][j] = 1 // it is used no more
		}
	}
	return codes, params
}

// inverse is Gauss and Jordan's, with pivots.
func inverse(a [][]float64) [][]float64 {
	n := len(a)
	m := make([][]float64, n)
	for i := range m {
		m[i] = append(slices.Clone(a[i]), make([]float64, n)...)
		m[i][n+i] = 1
	}
	for j := range n {
		p := j
		for i := j; i < n; i++ {
			if math.Abs(m[i][j]) > math.Abs(m[p][j]) {
				p = i
			}
		}
		m[j], m[p] = m[p], m[j]
		for k := 2*n - 1; k >= j; k-- {
			m[j][k] /= m[j][j]
		}
		for i := range n {
			if f := m[i][j]; i != j && f != 0 {
				for k := j; k < 2*n; k++ {
					m[i][k] -= f * m[j][k]
				}
			}
		}
	}
	for i := range m {
		m[i] = m[i][n:]
	}
	return m
}

// matrixOf returns H.
func matrixOf(m *Moments) [][]float64 {
	h := make([][]float64, m.Inputs())
	for i := range h {
		for j := range h {
			h[i] = append(h[i], m.At(i, j))
		}
	}
	return h
}
