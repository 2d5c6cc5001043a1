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

// TestWideRows checks what large tensors with many columns go through, with
// parameters as calibration yields them, and values of every kind.
func TestWideRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	forEachISA(t, func(t *testing.T) {
		for _, n := range []int{511, 512, 576, 700, 1100} {
			for _, g := range []grid{{-128, 127}, {0, 255}, {-127, 127}, {-8, 7}, {0, 15}} {
				for _, most := range []int32{300, 32000, 32001, 1 << 19} {
					scale, zero := make([]float32, n), make([]int32, n)
					for j := range scale {
						scale[j] = float32(math.Exp(rng.NormFloat64()))
						zero[j] = rng.Int32N(2*most+1) - most
					}
					zero[n/2] = most
					src := make([]float32, 5*n+n/3)
					for i := range src {
						j := i % n
						// Codes of the grid and beyond, and the ties between them.
						k := float32(rng.Int32N(2*(g.qmax-g.qmin))+g.qmin-zero[j]) / 2
						src[i] = k * scale[j]
						if rng.IntN(8) == 0 {
							src[i] = anyValue(rng, scale[j], zero[j], g)
						}
					}
					for _, stream := range []bool{false, true} {
						got, want := make([]uint8, len(src)), make([]uint8, len(src))
						quantizeInt8Columns(got, src, scale, zero, g.qmin, g.qmax, stream)
						fence()
						quantizeColumnsGeneric(want, src, scale, zero, g.qmin, g.qmax)
						if i := differ(got, want); i >= 0 {
							t.Fatalf("%d columns, grid %v, stream %t: the code of %x with scale %x and zero point %d is %d, want %d",
								n, g, stream, src[i], scale[i%n], zero[i%n], got[i], want[i])
						}
						back, real := make([]float32, len(src)), make([]float32, len(src))
						dequantizeInt8Columns(back, got, scale, zero, g.qmin < 0, stream)
						fence()
						dequantizeColumnsGeneric(real, got, scale, zero, g.qmin < 0)
						if i := differ(back, real); i >= 0 {
							t.Fatalf("%d columns, grid %v, stream %t: the value of code %d is %v, want %v", n, g, stream, got[i], back[i], real[i])
						}
					}
				}
			}
		}
	})
}
