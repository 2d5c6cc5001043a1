package report

import (
	"math"
	"testing"
)

// The sums of a block are those of its values one by one, for lengths that do
// not come out even, zeros of both signs and the smallest values there are.
func TestSumOf(t *testing.T) {
	negZero := float32(math.Copysign(0, -1))
	small := math.SmallestNonzeroFloat32
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	cycle := []float32{1, 0, -2.5, negZero, float32(small), -float32(small), 3, 0, 7}
	for n := 1; n <= 40; n++ {
		for _, bad := range [][]float32{nil, {nan}, {inf}, {-inf}, {nan, inf, nan}} {
			var x []float32
			for i := range n {
				x = append(x, cycle[i%len(cycle)])
			}
			x = append(x, bad...)
			want := blockSum{min: inf, max: -inf}
			for _, v := range x {
				want.add(v)
			}
			got := sumOf(x)
			if math.Abs(got.sum-want.sum) > 1e-12 || math.Abs(got.squares-want.squares) > 1e-12*want.squares {
				t.Errorf("%d values and %v: sums %v and %v, want %v and %v", n, bad, got.sum, got.squares, want.sum, want.squares)
			}
			got.sum, got.squares = want.sum, want.squares
			if got != want {
				t.Errorf("%d values and %v: %+v, want %+v", n, bad, got, want)
			}
		}
	}
}
