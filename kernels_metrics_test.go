package quant

import (
	"math"
	"math/rand/v2"
	"testing"
	"unsafe"
)

// anyTally returns sums of the errors of a channel, and its sum x²: usual ones, or one of all
// kinds of numbers.
func anyTally(rng *rand.Rand, special bool) (t tally, squares float64) {
	t = tally{rng.Float64() * 100, math.Ldexp(rng.Float64(), rng.IntN(80)-40), rng.Float32(), int(rng.Int64N(1<<40) & math.MaxInt)}
	squares = math.Ldexp(rng.Float64(), rng.IntN(80)-40)
	if special {
		odd := []float64{0, math.Inf(1), math.NaN(), 0x1p-1074, 0x1p-1022, math.MaxFloat64, math.Sqrt2 / 2, 1, t.sq}
		switch rng.IntN(4) {
		case 0:
			t.sq = odd[rng.IntN(len(odd)-1)]
		case 1:
			squares = odd[rng.IntN(len(odd))]
		case 2:
			t.abs, t.max = math.Inf(1), float32(math.Inf(1))
		default:
			t.sq, squares = odd[rng.IntN(len(odd)-1)], odd[rng.IntN(len(odd))]
		}
	}
	return t, squares
}

// TestMetricsKernel compares the kernel with its definition at every number of channels, next to
// guard pages, with usual sums, special ones and those next to where the logarithm changes.
func TestMetricsKernel(t *testing.T) {
	if unsafe.Sizeof(int(0)) == 8 && (unsafe.Sizeof(tally{}) != 32 || unsafe.Sizeof(Metrics{}) != 48) {
		t.Fatal("the kernel expects other sizes")
	}
	forEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(111, 112))
		hasKernel, step := active != generic, metricsStep()
		ms, ts, sqs := newArea(t, 1<<16), newArea(t, 1<<16), newArea(t, 1<<16)
		handled := 0
		for k := range 200 {
			for _, odd := range []int{0, 3, 40} {
				n := 1 + rng.IntN(1<<20)
				tallies, squares := place[tally](ts, k, atEnd), place[float64](sqs, k, atEnd)
				for i := range tallies {
					tallies[i], squares[i] = anyTally(rng, odd > 0 && rng.IntN(odd) == 0)
					if rng.IntN(8) == 0 { // a quotient at or next to sqrt(1/2), or to 1
						c := []float64{math.Sqrt2 / 2, 1}[rng.IntN(2)]
						squares[i] = t64(math.Float64bits(c)+uint64(rng.IntN(5))-2) * 4
						tallies[i].sq = 4
					}
				}
				want := make([]Metrics, k)
				channelMetricsGeneric(want, tallies, squares, n)
				got := place[Metrics](ms, k, atEnd)
				for at := 0; at < k; {
					done := channelMetrics(got[at:], tallies[at:], squares[at:], n)
					handled += done
					if odd == 0 && hasKernel && done != (k-at)&^(step-1) {
						t.Fatalf("%d of %d channels handled", done, k)
					}
					at += done
					rest := min(step, k-at)
					channelMetricsGeneric(got[at:at+rest], tallies[at:], squares[at:], n)
					at += rest
				}
				if i := differ(got, want); i >= 0 {
					t.Fatalf("metrics %d of %d are %+v, want %+v, of %+v and %x", i, k, got[i], want[i], tallies[i], squares[i])
				}
				if !ms.intact() {
					t.Fatalf("stores outside its slice: %d channels", k)
				}
			}
		}
		if (handled > 0) != hasKernel {
			t.Errorf("a kernel handled %d channels", handled)
		}
	})
}

func t64(b uint64) float64 { return math.Float64frombits(b) }

func FuzzMetricsKernel(f *testing.F) {
	f.Add(1.0, 2.0, float32(1), 3.0, uint16(77))
	f.Add(0.1, 1e-300, float32(0), math.Sqrt2/2*1e-300, uint16(1))
	f.Fuzz(func(t *testing.T, abs, sq float64, greatest float32, squares float64, n uint16) {
		var tallies [8]tally
		var sums [8]float64
		for i := range tallies {
			tallies[i] = tally{abs + float64(i), math.Abs(sq) * float64(i+1), greatest, i}
			sums[i] = math.Abs(squares)
		}
		var got, want [8]Metrics
		channelMetricsGeneric(want[:], tallies[:], sums[:], 1+int(n))
		forEachUsable(func() {
			if channelMetrics(got[:], tallies[:], sums[:], 1+int(n)) == 8 && differ(got[:], want[:]) >= 0 {
				t.Fatalf("%+v, want %+v", got, want)
			}
		})
	})
}
