package quant

import (
	"math/rand/v2"
	"testing"
)

// TestDifferencesKernels compares the kernels with their definition for every shape of runs
// and place, with infinities and NaN in the second slice.
func TestDifferencesKernels(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(11, 12))
		first, second, results := newArea(t, 4*longest), newArea(t, 4*longest), newArea(t, 24*longest)
		for i, s := range bookShapes() {
			x, y := make([]float32, s.n), make([]float32, s.n)
			for j := range x {
				x[j] = float32(rng.NormFloat64())
				y[j] = x[j] + float32(rng.NormFloat64()*0.01)
			}
			if i%3 == 0 {
				y[rng.IntN(s.n)] = inf
			}
			if s.run > blockLen && s.n > blockLen {
				continue
			}
			want := make([]sums, s.params())
			differencesRunsGeneric(want, x, y, s.run)
			for _, at := range []int{0, atEnd, 1 + i%31} {
				got := place[sums](results, len(want), at)
				differencesRuns(got, put(first, x, at), put(second, y, at), s.run)
				for j := range want {
					if got[j] != want[j] || !results.intact() || !first.intact() || !second.intact() {
						t.Fatalf("%v, at %d, run %d: %+v, want %+v (or memory beside it was changed)", s, at, j, got[j], want[j])
					}
				}
			}
			y[s.n-1] = nan
			differencesRunsGeneric(want, x, y, s.run)
			got := make([]sums, len(want))
			differencesRuns(got, x, y, s.run)
			if last := len(got) - 1; got[last].max != want[last].max || got[last].abs == got[last].abs || got[last].sq == got[last].sq {
				t.Fatalf("%v, with NaN: %+v, want %+v", s, got[last], want[last])
			}
		}
	})
}
