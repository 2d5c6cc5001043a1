package feedback

import (
	"fmt"
	"math"
)

// The factor of the matrix of second moments, and what follows from it for a row of
// weights.
//
// H is the matrix of second moments, damped, with its inputs in the order in which they
// are rounded. R is the upper triangular matrix with H = R·Rᵀ. Its inverse U = R⁻¹ is the
// Cholesky factor of the inverse, H⁻¹ = Uᵀ·U, that the paper on GPTQ works with. There the
// weights w of a row become, one after the other,
//
//	e[j] = (w[j]-ŵ[j]) / U[j][j],   w[k] -= e[j]·U[j][k] for all k > j
//
// Let d be the original weights minus the rounded ones. The corrections add up to
// d = e·U, so that e = d·R. Hence the corrected weight at j is
//
//	w[j] + (Σ over i<j of d[i]·R[i][j]) / R[j][j]
//
// which needs no inverse, and has fewer roundings. The corrected weights w + c of inputs
// g, g+1 …, before any of them is rounded, are those for which e is 0 from g on:
//
//	c[k] = (Σ over i<g of d[i]·R[i][k] - Σ over g≤i<k of c[i]·R[i][k]) / R[k][k]
type factor struct {
	n    int
	cols []float64 // column k of R, from the diagonal of row 0 to row k: cols[k·(k+1)/2:][:k+1]
}

func (f *factor) col(k int) []float64 { return f.cols[k*(k+1)/2:][:k+1] }

// at returns element i, j of a lower triangle of a symmetric matrix.
func at(h []float64, i, j int) float64 {
	if i < j {
		i, j = j, i
	}
	return h[i*(i+1)/2+j]
}

// newFactor returns the factor of h, a lower triangle, with its inputs in the given order,
// after the diagonal has grown by damping times its mean. An input whose second moment is
// 0 has 1 on the diagonal instead, so that it neither gives nor takes corrections.
func newFactor(h []float64, order []int, damping float64) (*factor, error) {
	n := len(order)
	mean := 0.0
	for i := range n {
		mean += at(h, i, i) / float64(n)
	}
	add := float64(damping * mean)
	// a is R by rows: row i has its elements from the diagonal on. It begins as H.
	a := make([][]float64, n)
	all := make([]float64, n*(n+1)/2)
	for i := range a {
		a[i], all = all[:n-i:n-i], all[n-i:]
		for k := range a[i] {
			a[i][k] = at(h, order[i], order[i+k])
		}
		if a[i][0] == 0 {
			a[i][0] = 1
		} else {
			a[i][0] += add
		}
	}
	for j := n - 1; j >= 0; j-- {
		pivot := a[j][0] - dot(a[j][1:], a[j][1:])
		if !(pivot > 0) || math.IsInf(pivot, 0) {
			return nil, fmt.Errorf("%w: at input %d, with a damping of %v", ErrDamping, order[j], damping)
		}
		r := math.Sqrt(pivot)
		parallel((j+factorBand-1)/factorBand, j*(n-j) > 1<<16, func(part int) {
			for i := part * factorBand; i < min(j, (part+1)*factorBand); i++ {
				row := a[i][j-i:]
				row[0] = (row[0] - dot(row[1:], a[j][1:])) / r
			}
		})
		a[j][0] = r
	}
	f := &factor{n, make([]float64, n*(n+1)/2)}
	for k := range n {
		for i, c := 0, f.col(k); i <= k; i++ {
			c[i] = a[i][k-i]
		}
	}
	return f, nil
}

// factorBand is how many rows of the factor one goroutine has.
const factorBand = 64

// dot returns the sum of products, of four sums: of elements 0, 4, 8 …, of 1, 5, 9 … and
// so on, which are added as (0+1) + (2+3), and last the up to three elements that remain.
func dot(a, b []float64) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		x, y := a[i:i+4:i+4], b[i:i+4:i+4]
		s0 += float64(x[0] * y[0])
		s1 += float64(x[1] * y[1])
		s2 += float64(x[2] * y[2])
		s3 += float64(x[3] * y[3])
	}
	s := s0 + s1 + (s2 + s3)
	for ; i < len(a); i++ {
		s += float64(a[i] * b[i])
	}
	return s
}
