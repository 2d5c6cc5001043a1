package quant

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestRangesInOrder has the ranges of columns that are read in the order of memory: of blocks side
// by side, of a last block that is narrower, and of several segments.
func TestRangesInOrder(t *testing.T) {
	defer func(n int) { copyLen = n }(copyLen)
	copyLen = 0
	rng := rand.New(rand.NewPCG(107, 108))
	forEachISA(t, func(t *testing.T) {
		for _, shape := range [][]int{{1, 1100}, {7, 1100}, {8, 520}, {37, 4100}, {1030, 513}, {2050, 30}, {9, 600, 2}, {3, 5, 7}} {
			axis := min(1, len(shape)-1)
			t.Run(fmt.Sprint(shape), func(t *testing.T) {
				inner := 1
				for _, n := range shape[axis+1:] {
					inner *= n
				}
				channels := shape[axis]
				n := shape[0] * channels * inner
				x := finiteValues(rng, n)
				var p Params
				s := Scheme{Bits: 8, Granularity: PerChannel(axis)}
				must(CalibrateInto(&p, Tensor{x, shape}, s))
				want := make([]Range, channels)
				for c := range want {
					want[c] = Range{float32(math.Inf(1)), float32(math.Inf(-1))}
				}
				for i, v := range x {
					r := &want[i/inner%channels]
					r.Min, r.Max = min(r.Min, v), max(r.Max, v)
				}
				for c, r := range want {
					if scale, zero := s.params(r); p.Scale[c] != scale || p.ZeroPoint[c] != zero {
						t.Fatalf("channel %d has scale %v and zero point %d, want %v and %d", c, p.Scale[c], p.ZeroPoint[c], scale, zero)
					}
				}
				first := rng.IntN(n)
				x[first] = float32(math.NaN())
				x[first+rng.IntN(n-first)] = float32(math.NaN())
				var bad *NotFiniteError
				if err := CalibrateInto(&p, Tensor{x, shape}, s); !errors.As(err, &bad) || bad.Index != first {
					t.Errorf("error %v, want one for element %d", err, first)
				}
			})
		}
	})
}
