package feedback

import (
	"fmt"
	"math"
)

// A factor is a triangular factor of the matrix of second moments. The corrections of a row of
// weights are computed from it.
//
// Let H be the damped matrix of second moments, with its inputs in the order in which they are
// rounded. R is the upper triangular matrix with H = R·Rᵀ. The paper on GPTQ uses its inverse
// U = R⁻¹, the Cholesky factor of the inverse H⁻¹ = Uᵀ·U. It rounds the weights w of a row to ŵ
// one after the other, and corrects the weights that follow:
//
//	e[j] = (w[j]-ŵ[j]) / U[j][j],   w[k] -= e[j]·U[j][k] for all k > j
//
// Let d be the original weights minus the rounded ones. The sum of the corrections gives
// d = e·U, so e = d·R. Hence the corrected weight at j is
//
//	w[j] + (Σ over i<j of d[i]·R[i][j]) / R[j][j]
//
// This needs no inverse, and has fewer roundings. Let w + c be the corrected weights of the
// inputs from g on before any of these is rounded. They are the weights for which e is 0 from g
// on:
//
//	c[k] = (Σ over i<g of d[i]·R[i][k] - Σ over g≤i<k of c[i]·R[i][k]) / R[k][k]
type factor struct {
	n    int       // number of inputs
	cols []float64 // the columns of R, one after the other; column k has the rows 0 to k
}

// col returns column k of R: the elements of the rows 0 to k.
func (f *factor) col(k int) []float64 { return f.cols[k*(k+1)/2:][:k+1] }

// at returns the element in row i and column j of a symmetric matrix. h is its lower triangle,
// row after row.
func at(h []float64, i, j int) float64 {
	if i < j {
		i, j = j, i
	}
	return h[i*(i+1)/2+j]
}

// newFactor returns the factor of a symmetric matrix. h is its lower triangle, and order is the
// order of its inputs in the factor. newFactor first adds damping times the mean of the diagonal
// to the diagonal. The diagonal element of an input whose second moment is 0 becomes 1 instead,
// so this input causes and gets no corrections. An error wraps ErrDamping.
func newFactor(h []float64, order []int, damping float64) (*factor, error) {
	n := len(order)
	mean := 0.0
	for i := range n {
		mean += at(h, i, i) / float64(n)
	}
	add := float64(damping * mean)
	// a has the rows of R, each from the diagonal on. At first it has the rows of H.
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

// factorBand is the number of rows of the factor that one goroutine computes at a time.
const factorBand = 64

// dot returns the sum of the products of a and b. The order of the additions is fixed: sum k, for
// k from 0 to 3, adds the products k, k+4, k+8 and so on. The sums are added as (0+1) + (2+3).
// Then the last products are added, of which there are at most three.
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
