package quant

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/a01592f9/quant/internal/search"
)

// TestLowPhases compares the kernels with search.LowPhases for random phases, including the
// smallest and the largest integers of 16 bits. Some sums are above their limits and some are
// not. The sums after the given number of steps must not change.
func TestLowPhases(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 1))
		some := func() uint16 {
			if rng.IntN(3) == 0 {
				return [...]uint16{0, 1, 1<<15 - 1, 1 << 15, 1<<15 + 1, 1<<16 - 1}[rng.IntN(6)]
			}
			return uint16(rng.Uint32())
		}
		for _, squares := range []bool{true, false} {
			mean := 1.0 / 4 * (1 << 16) // the mean term of a sum: a distance, or below its square
			if squares {
				mean = 1.0 / 12 * (1 << 19)
			}
			for steps := search.PhasesUnit; steps <= search.PhasesMost; steps += search.PhasesUnit {
				t.Run(fmt.Sprintf("squares=%v/steps=%d", squares, steps), func(t *testing.T) {
					set := 0
					for n := 1; n < 70; n++ {
						all := make([]search.Phases, n)
						for i := range all {
							all[i] = search.PhasesOf(some(), some(), some(), some())
						}
						limit := uint32(2 * float64(n) * mean * (0.7 + rng.Float64()))
						down := limit / uint32(steps) / (1 + rng.Uint32N(20))
						var sums search.PhaseSums
						for i := range sums {
							sums[i] = rng.Uint32()
						}
						wantSums := sums
						got, want := lowPhases(&sums, all, steps, limit, down, squares), search.LowPhases(&wantSums, all, steps, limit, down, squares)
						if got != want || sums != wantSums {
							t.Fatalf("%d pairs, limit %d, down %d: %#x and %v, want %#x and %v", n, limit, down, got, sums, want, wantSums)
						}
						set += bits.OnesCount64(want)
					}
					if set < 69*steps/8 || set > 69*steps*7/8 {
						t.Errorf("%d of %d sums are low: the limits do not suit", set, 69*steps)
					}
				})
			}
		}
	})
}

// TestLowPhasesAtLimits checks sums that are known. A sum equal to the limit is low, and a sum one
// above the limit is not.
func TestLowPhasesAtLimits(t *testing.T) {
	for _, c := range []struct {
		name    string
		pairs   int
		phase   uint16
		squares bool
		sum     uint32
	}{
		{"squares of half a step", 1, 1 << 15, true, 1 << 18},
		{"as many as there are", 1 << 12, 1 << 15, true, 1 << 30},
		{"half a step", 1, 1 << 15, false, 2 * (1<<15 - 1)},
		{"as many halves as there are", 1 << 12, 1 << 15, false, 1 << 13 * (1<<15 - 1)},
		{"a quarter", 3, 1 << 14, false, 6 << 14},
		{"a negative quarter", 3, 3 << 14, false, 6 * (1<<14 - 1)},
		{"squares are rounded down", 5, 63, true, 0},
		{"squares of pairs are added first", 5, 64, true, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			forEachISA(t, func(t *testing.T) {
				all := make([]search.Phases, c.pairs)
				for i := range all {
					all[i] = search.PhasesOf(c.phase, 0, c.phase, 0)
				}
				var sums search.PhaseSums
				for _, steps := range []int{16, 64} {
					if low := lowPhases(&sums, all, steps, c.sum, 0, c.squares); low != 1<<(steps-1)<<1-1 {
						t.Errorf("%d steps at the limit: %#x", steps, low)
					}
					if c.sum == 0 {
						continue
					}
					if low := lowPhases(&sums, all, steps, c.sum-1, 0, c.squares); low != 0 {
						t.Errorf("%d steps above the limit: %#x", steps, low)
					}
				}
			})
		})
	}
}
