package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// anyRange returns the ends of a range: of usual values, of special ones, or of
// any that are finite.
func anyRange(rng *rand.Rand) (lo, hi float32) {
	one := func() float32 {
		var v float32
		switch rng.IntN(4) {
		case 0:
			v = specials[rng.IntN(len(specials))]
		case 1:
			v = math.Float32frombits(rng.Uint32())
		default:
			v = rng.Float32()*4 - 2
		}
		if !finite(v) {
			v = 0
		}
		return v
	}
	lo, hi = one(), one()
	switch rng.IntN(8) {
	case 0:
		hi = lo
	case 1:
		hi = ulps(lo, 1)
	}
	if !finite(hi) || hi < lo {
		lo, hi = hi, lo
	}
	if !finite(lo) {
		lo = hi
	}
	return lo, hi
}

// gridSteps are the steps of grids of 2 to 16 bits, and of their halves.
var gridSteps = []float32{1, 2, 3, 7, 8, 15, 127, 128, 254, 255, 32767, 32768, 65535}

func compareParams(t *testing.T, lo, hi []float32, qmin, steps float32, place func(s []float32) []float32, intact func() bool) {
	t.Helper()
	n := len(lo)
	wantScale, wantZero := make([]float32, n), make([]int32, n)
	asymmetricParamsGeneric(wantScale, wantZero, lo, hi, qmin, steps)
	scale, zero := place(make([]float32, n)), make([]int32, n)
	asymmetricParams(scale, zero, lo, hi, qmin, steps)
	for i := range lo {
		if math.Float32bits(scale[i]) != math.Float32bits(wantScale[i]) || zero[i] != wantZero[i] {
			t.Fatalf("%v: [%x, %x] gives %x and %d, want %x and %d (%v steps from %v on)",
				active, lo[i], hi[i], scale[i], zero[i], wantScale[i], wantZero[i], steps, qmin)
		}
	}
	symmetricParamsGeneric(wantScale, lo, hi, steps)
	symmetricParams(scale, lo, hi, steps)
	if i := differ(scale, wantScale); i >= 0 {
		t.Fatalf("%v: [%x, %x] gives %x, want %x (%v steps)", active, lo[i], hi[i], scale[i], wantScale[i], steps)
	}
	if !intact() {
		t.Fatalf("%v: stores outside its slice: %d ranges", active, n)
	}
}

func TestParamsKernels(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(25, 26))
		los, his, scales := newArea(t, 4*4096), newArea(t, 4*4096), newArea(t, 4*4096)
		for i, n := range append(lengths(70, 1000, 4096), 0) {
			lo, hi := make([]float32, n), make([]float32, n)
			for range 10 {
				for i := range lo {
					lo[i], hi[i] = anyRange(rng)
				}
				for _, at := range []int{0, atEnd, i % 16} {
					place := func(s []float32) []float32 { return put(scales, s, at) }
					compareParams(t, put(los, lo, at), put(his, hi, at), -float32(rng.IntN(3)*64), gridSteps[rng.IntN(len(gridSteps))], place, scales.intact)
				}
			}
		}
		// All pairs of special values.
		var lo, hi []float32
		for _, a := range specials {
			for _, b := range specials {
				if finite(a) && finite(b) && a <= b {
					lo, hi = append(lo, a), append(hi, b)
				}
			}
		}
		for _, steps := range gridSteps {
			for _, qmin := range []float32{0, -(steps + 1) / 2, 1} {
				compareParams(t, lo, hi, qmin, steps, func(s []float32) []float32 { return s }, func() bool { return true })
			}
		}
	})
}

func FuzzParams(f *testing.F) {
	f.Add(seeds(), uint8(9), false)
	f.Add(seeds()[40:300], uint8(3), true)
	f.Fuzz(func(t *testing.T, data []byte, steps uint8, signed bool) {
		x := floatsOf(data)
		toFinite(x)
		n := len(x) / 2
		lo, hi := x[:n], x[n:2*n]
		for i := range lo {
			lo[i], hi[i] = min(lo[i], hi[i]), max(lo[i], hi[i])
		}
		s, qmin := gridSteps[int(steps)%len(gridSteps)], float32(0)
		if signed {
			qmin = -float32(int(s+1) / 2)
		}
		forEachUsable(func() {
			compareParams(t, lo, hi, qmin, s, func(s []float32) []float32 { return s }, func() bool { return true })
		})
	})
}

// TestUsableParamsKernel has one parameter at each place that cannot be used, or just so.
func TestUsableParamsKernel(t *testing.T) {
	scaleArea, zeroArea := newArea(t, 4*200), newArea(t, 4*200)
	scales := append([]float32{0, nan, -1, 1, 0x1p-149, -0x1p-149}, specials...)
	zeros := []int32{0, maxZeroPoint, maxZeroPoint + 1, -maxZeroPoint, -maxZeroPoint - 1, math.MaxInt32, math.MinInt32}
	forEachISA(t, func(t *testing.T) {
		for _, n := range thin(lengths(70, 127, 128, 129)) {
			for _, end := range ends {
				scale, zero := place[float32](scaleArea, n, end), place[int32](zeroArea, n, end)
				fill(scale, 0.5)
				fill(zero, -3)
				for i := range n {
					for _, s := range scales {
						scale[i] = s
						if got, want := usableParams(scale, zero), s > 0 && finite(s); got != want {
							t.Fatalf("scale %v at %d of %d: %t, want %t", s, i, n, got, want)
						}
					}
					scale[i] = 0.5
					for _, z := range zeros {
						zero[i] = z
						if got, want := usableParams(scale, zero), z >= -maxZeroPoint && z <= maxZeroPoint; got != want {
							t.Fatalf("zero point %d at %d of %d: %t, want %t", z, i, n, got, want)
						}
					}
					zero[i] = -3
				}
			}
		}
	})
}
