package quant

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/a01592f9/quant/internal/search"
)

// TestLowAtLimits checks sums that are known, with the kernels and the definition. A sum equal to the
// limit is low, and a sum one above the limit is not.
func TestLowAtLimits(t *testing.T) {
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
				low := searchKernels().Low
				if low == nil {
					low = func(sums *search.PhaseSums, values []float64, s search.Steps, limit, down uint32, squares bool) (uint64, int) {
						return search.Low(sums, nil, values, s, limit, down, squares)
					}
				}
				values := make([]float64, 2*c.pairs)
				for i := range values {
					values[i] = float64(c.phase) / (1 << 16)
				}
				var sums search.PhaseSums
				for _, n := range []int{1, 15, 31, 32, 63} {
					s := search.Steps{Mid: 1 << 16, N: n}
					got, least := low(&sums, values, s, c.sum, 0, c.squares)
					if got != 2<<n-1 || least != 0 || sums[n] != c.sum {
						t.Errorf("%d steps at the limit: %#x, least %d, sum %d", n+1, got, least, sums[n])
					}
					if c.sum == 0 {
						continue
					}
					if got, least := low(&sums, values, s, c.sum-1, 0, c.squares); got != 0 || least != 0 {
						t.Errorf("%d steps above the limit: %#x, least %d", n+1, got, least)
					}
				}
			})
		})
	}
}

// TestLow compares the kernels with search.Low: all numbers of steps, and numbers of values around
// those that a kernel takes at a time. Some sums are above their limits and some are not, and some
// are equal. The kernels read nothing beyond the values.
func TestLow(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		kernel := searchKernels().Low
		if kernel == nil {
			if active != generic {
				t.Fatal("no kernel")
			}
			t.Skip("no kernel")
		}
		rng := rand.New(rand.NewPCG(5, 1))
		area := newArea(t, 1<<13)
		for _, squares := range []bool{true, false} {
			mean := 1.0 / 4 * (1 << 16)
			if squares {
				mean = 1.0 / 12 * (1 << 19)
			}
			set, all := 0, 0
			for n := 1; n < search.PhasesMost; n++ {
				for _, values := range []int{1, 2, 7, 8, 9, 15, 16, 17, 24, 25, 31, 32, 33, 40, 63, 64, 65, 100, 255, 256, 257, 290, 600} {
					v := place[float64](area, values, atEnd)
					for i := range v {
						v[i] = rng.NormFloat64() * math.Ldexp(1, rng.IntN(20)-10)
						if rng.IntN(8) == 0 {
							v[i] = [...]float64{0, math.Copysign(0, -1), 1, -1, 0.5, 1 << 20}[rng.IntN(6)]
						}
					}
					s := search.Steps{Mid: math.Ldexp(rng.Float64(), 16+rng.IntN(8)), Move: math.Ldexp(-rng.Float64(), 16-rng.IntN(10)), N: n}
					if rng.IntN(6) == 0 {
						s.Move = 0 // all sums are equal
					}
					limit := uint32(float64(values) * mean * (0.6 + rng.Float64()))
					down := limit / search.PhasesMost / (1 + rng.Uint32N(20))
					var got, want search.PhaseSums
					low, least := kernel(&got, v, s, limit, down, squares)
					wantLow, wantLeast := search.Low(&want, nil, v, s, limit, down, squares)
					if low != wantLow || least != wantLeast {
						t.Fatalf("%d values, %+v, limit %d, down %d, squares %v: %#x, least %d, want %#x, least %d", values, s, limit, down, squares, low, least, wantLow, wantLeast)
					}
					if low != 0 && !slices.Equal(got[:n+1], want[:n+1]) {
						t.Fatalf("%d values, %+v, squares %v: sums %v, want %v", values, s, squares, got[:n+1], want[:n+1])
					}
					set, all = set+bits.OnesCount64(low), all+n+1
				}
			}
			if set < all/8 || set > all*7/8 {
				t.Errorf("squares %v: %d of %d sums are low: the limits do not suit", squares, set, all)
			}
		}
	})
}

// TestAtMost compares the kernels with search.AtMost. Some sums are equal to their limits.
func TestAtMost(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		kernel := searchKernels().AtMost
		if kernel == nil {
			t.Skip("no kernel")
		}
		rng := rand.New(rand.NewPCG(7, 1))
		for range 2000 {
			limit := rng.Uint32N(1<<31 - 1)
			down := limit / search.PhasesMost / (1 + rng.Uint32N(20))
			var sums search.PhaseSums
			for j := range sums {
				sums[j] = limit - down*uint32(j) + rng.Uint32N(3) - 1
				if rng.IntN(4) == 0 {
					sums[j] = rng.Uint32N(1 << 31)
				}
			}
			low := rng.Uint64()
			if got, want := kernel(&sums, low, limit, down), search.AtMost(&sums, low, limit, down); got != want {
				t.Fatalf("sums %v, low %#x, limit %d, down %d: %#x, want %#x", sums, low, limit, down, got, want)
			}
		}
	})
}

// TestBounds compares the kernels with search.Bounds: bounds below and above the limit, of intervals
// on both sides of it, and sums that are 0 or below the error.
func TestBounds(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		kernel := searchKernels().Bounds
		if kernel == nil {
			t.Skip("no kernel")
		}
		rng := rand.New(rand.NewPCG(11, 1))
		set, all := 0, 0
		for range 20000 {
			var sums search.PhaseSums
			for j := range sums {
				if sums[j] = rng.Uint32N(1 << 21); rng.IntN(8) == 0 {
					sums[j] = rng.Uint32N(200)
				}
			}
			n := 1 + rng.IntN(search.PhasesMost-1)
			between := rng.Uint64() & (1<<n - 1)
			if rng.IntN(2) == 0 {
				between = 1<<n - 1
			}
			u := math.Ldexp(0.5+rng.Float64(), rng.IntN(40)-20)
			h := u / search.PhasesMost * rng.Float64()
			b := search.Bounding{U: u, H: h, Error: 0.01 * rng.Float64(), Curve: 4 * rng.Float64(), Share: 1, Most: 2 * rng.Float64() / (u * u)}
			switch rng.IntN(8) {
			case 0:
				b.Curve = 0
			case 1:
				b.Share = rng.Float64()
			}
			var got, want search.StepBounds
			below, wantBelow := kernel(&got, &sums, between, b), search.Bounds(&want, &sums, between, b)
			if below != wantBelow {
				t.Fatalf("sums %v, between %#x, %+v: %#x, want %#x", sums, between, b, below, wantBelow)
			}
			for j := range got {
				if between>>j&1 != 0 && got[j] != want[j] {
					t.Fatalf("sums %v, between %#x, %+v: bound %d is %v, want %v", sums, between, b, j, got[j], want[j])
				}
			}
			set, all = set+bits.OnesCount64(below), all+bits.OnesCount64(between)
		}
		if set < all/8 || set > all*7/8 {
			t.Errorf("%d of %d bounds are below: the limits do not suit", set, all)
		}
	})
}

// TestErrorsFew compares the kernels with errorsRunsGeneric, by bits: lengths, ends of the memory,
// scales that errorsRuns leaves to the definition, and elements between two codes and beyond the ends
// of the grid.
func TestErrorsFew(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		if _, _, ok := errorsFew(make([]float32, 16), 1, 0, -8, 7); !ok {
			t.Skip("no kernel")
		}
		rng := rand.New(rand.NewPCG(13, 1))
		area := newArea(t, 1<<10)
		for n := 1; n <= 256; n++ {
			for range 40 {
				x := place[float32](area, n, ends[rng.IntN(len(ends))])
				scale := []float32{float32(math.Ldexp(1+rng.Float64(), rng.IntN(60)-30))}
				if rng.IntN(8) == 0 {
					scale[0] = [...]float32{0x1p-126, 0x1p-120, 0x1.fffffep-3, 0x1p100, 1, 0x1p-149 * 3}[rng.IntN(6)]
				}
				bits := 2 + rng.IntN(15)
				qmin, qmax := -int32(1)<<(bits-1), int32(1)<<(bits-1)-1
				zero := []int32{rng.Int32N(1<<bits) + qmin}
				if rng.IntN(8) == 0 {
					zero[0] = rng.Int32N(maxZeroPoint)
				}
				for i := range x {
					x[i] = float32((float64(qmin-zero[0]) + float64(rng.IntN(1<<bits))*1.2 + 0.5*float64(rng.IntN(3)-1)) * float64(scale[0]))
					if rng.IntN(8) == 0 {
						x[i] = [...]float32{0, float32(math.Copysign(0, -1)), math.MaxFloat32, -math.MaxFloat32, 0x1p-149, scale[0], -scale[0] / 2}[rng.IntN(7)]
					}
				}
				var want [1]sums
				errorsRunsGeneric(want[:], x, n, scale, zero, qmin, qmax)
				abs, sq, ok := errorsFew(x, scale[0], zero[0], qmin, qmax)
				if !ok {
					continue
				}
				if math.Float64bits(abs) != math.Float64bits(want[0].abs) || math.Float64bits(sq) != math.Float64bits(want[0].sq) {
					t.Fatalf("%v, scale %v, zero point %d, codes %d to %d: %v and %v, want %v and %v", x, scale[0], zero[0], qmin, qmax, abs, sq, want[0].abs, want[0].sq)
				}
			}
		}
	})
}

// TestSortFew compares the kernels with search.SortFew, by bits. They access nothing outside their
// slices.
func TestSortFew(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		kernel := searchKernels().SortFew
		if kernel == nil {
			if active != generic {
				t.Fatal("no kernel")
			}
			t.Skip("no kernel")
		}
		rng := rand.New(rand.NewPCG(9, 1))
		source, result := newArea(t, 1<<10), newArea(t, 1<<10)
		for n := range 33 {
			for range 200 {
				at := ends[rng.IntN(len(ends))]
				x, dst := place[float32](source, n, at), place[float64](result, n, at)
				for i := range x {
					x[i] = float32(rng.NormFloat64())
					if rng.IntN(3) == 0 {
						x[i] = [...]float32{0, float32(math.Copysign(0, -1)), 1, -1, math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32}[rng.IntN(8)]
					}
				}
				want := make([]float64, n)
				search.SortFew(want, x)
				kernel(dst, x)
				if differ(dst, want) >= 0 || !result.intact() {
					t.Fatalf("%v: %v, want %v", x, dst, want)
				}
			}
		}
		for bits := range uint64(1) << 16 { // all orders of two values in the places of 16
			var x [32]float32
			for i := range x {
				x[i] = float32(bits >> (i / 2) & 1)
			}
			var got, want [32]float64
			search.SortFew(want[:], x[:])
			kernel(got[:], x[:])
			if got != want {
				t.Fatalf("%v: %v, want %v", x, got, want)
			}
		}
	})
}
