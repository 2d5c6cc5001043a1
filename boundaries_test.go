package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestBoundaries has only parameters for which kernels need not divide, and
// values within a few steps of the boundaries between codes, where a quotient
// that is not correctly rounded shows. All numbers of columns leave blocks of
// every length.
func TestBoundaries(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for cols := 1; cols <= 50; cols++ {
		const rows = 300
		scale, zero := make([]float32, cols), make([]int32, cols)
		for i, g := range []grid{{-128, 127}, {0, 255}, {-8, 7}, {-32768, 32767}} {
			for j := range scale {
				bits := uint32(127-100+rng.IntN(200)) << 23
				switch rng.IntN(3) {
				case 0:
					bits |= rng.Uint32N(1 << 23)
				case 1:
					bits |= 1<<23 - 1 - rng.Uint32N(64)
				case 2:
					bits |= rng.Uint32N(64)
				}
				scale[j], zero[j] = math.Float32frombits(bits), rng.Int32N(1000)-500
			}
			src := make([]float32, rows*cols)
			for k := range src {
				s, lo, hi := scale[k%cols], g.qmin-zero[k%cols], g.qmax-zero[k%cols]
				b := float64(lo-2+rng.Int32N(hi-lo+4)) + 0.5
				bits := math.Float32bits(float32(b * float64(s)))
				src[k] = math.Float32frombits(bits + rng.Uint32N(7) - 3)
			}
			want8, want16 := make([]uint8, len(src)), make([]uint16, len(src))
			quantizeColumnsGeneric(want8, src, scale, zero, g.qmin, g.qmax)
			quantizeColumnsGeneric(want16, src, scale, zero, g.qmin, g.qmax)
			wantErrors := newColumnSums(cols)
			errorsColumnsGeneric(wantErrors, src, rows, cols, scale, zero, g.qmin, g.qmax)
			wantRuns, runs := make([]sums, cols), make([]sums, cols)
			errorsRunsGeneric(wantRuns, src, rows, scale, zero, g.qmin, g.qmax)
			forEachISA(t, func(t *testing.T) {
				got8, got16, errors := make([]uint8, len(src)), make([]uint16, len(src)), newColumnSums(cols)
				if i < 3 {
					quantizeInt8Columns(got8, src, scale, zero, g.qmin, g.qmax, false)
					if k := differ(got8, want8); k >= 0 {
						t.Fatalf("%d columns: element %d (%x) has code %#x, want %#x", cols, k, src[k], got8[k], want8[k])
					}
				}
				quantizeInt16Columns(got16, src, scale, zero, g.qmin, g.qmax, false)
				if k := differ(got16, want16); k >= 0 {
					t.Fatalf("%d columns: element %d (%x) has code %#x, want %#x", cols, k, src[k], got16[k], want16[k])
				}
				errorsColumns(errors, src, rows, cols, scale, zero, g.qmin, g.qmax)
				if differ(errors.abs, wantErrors.abs) >= 0 || differ(errors.sq, wantErrors.sq) >= 0 ||
					differ(errors.max, wantErrors.max) >= 0 || differ(errors.clipped, wantErrors.clipped) >= 0 {
					t.Fatalf("%d columns: errors %v, want %v", cols, errors, wantErrors)
				}
				errorsRuns(runs, src, rows, scale, zero, g.qmin, g.qmax)
				if k := differ(runs, wantRuns); k >= 0 {
					t.Fatalf("run %d of %d: errors %v, want %v", k, cols, runs[k], wantRuns[k])
				}
			})
		}
	}
}

func newColumnSums(n int) columnSums {
	return columnSums{make([]float64, n), make([]float64, n), make([]float32, n), make([]uint32, n)}
}
