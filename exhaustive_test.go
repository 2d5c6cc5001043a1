package quant

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

var exhaustive = flag.Bool("exhaustive", false, "let exhaustive tests leave nothing out: "+
	"all 2^32 inputs, which takes many minutes (so say -timeout too), and many more scales")

// An affine is one scale and zero point, and the grid they serve.
type affine struct {
	scale float32
	zero  int32
	grid
}

// affines are chosen so that an inexact quotient, product or bound shows.
var affines = []affine{
	{0x1.7ae148p-2, 11, grid{-128, 127}},        // 0.37
	{0x1.fffffep-7, 0, grid{0, 255}},            // mantissa all ones
	{0x1.fffffep3, -5, grid{-8, 7}},             // the same, four bits
	{0x1.19b6a2p-9, -128, grid{-128, 127}},      // about 0.00215: see the documentation of numerics
	{1, 0, grid{-127, 127}},                     // narrow range
	{0x1.000002p-3, 255, grid{0, 255}},          // just above a power of two, all codes but one clamped from below
	{0x1.fffffcp-5, -529, grid{-128, 127}},      // just below one, zero point outside the grid
	{0x1p-126, 3, grid{-128, 127}},              // the smallest that calibration yields
	{0x1.6a09e6p-140, 1, grid{-2, 1}},           // subnormal: the reciprocal overflows
	{0x1.0624dep120, 7, grid{0, 255}},           // huge: the reciprocal is subnormal
	{0x1.921fb6p-20, 1 << 22, grid{-128, 127}},  // far zero points: halves are just representable
	{0x1.5bf0a8p1, -maxZeroPoint, grid{0, 255}}, // here they are not
}

// everyInput calls f with chunks of float32 bit patterns: all of them if asked
// to, else every stride-th. A prime stride meets all exponents and all kinds
// of mantissas.
func everyInput(stride uint64, f func(src []float32)) {
	if *exhaustive {
		stride = 1
	} else if testing.Short() {
		stride = stride*16 + 1
	}
	src := make([]float32, blockLen)
	for v := uint64(0); v < 1<<32; {
		n := 0
		for ; n < len(src) && v < 1<<32; n++ {
			src[n] = math.Float32frombits(uint32(v))
			v += stride
		}
		f(src[:n])
	}
}

// forEachFast runs f for every tested set but generic, for what the definition
// is expensive to compute and need not be compared with itself.
func forEachFast(f func()) {
	saved := active
	defer func() { active = saved }()
	for _, active = range tested {
		if active != generic {
			f()
		}
	}
}

func TestQuantizeExhaustive(t *testing.T) {
	for _, a := range affines {
		t.Run(fmt.Sprintf("scale=%x/zero=%d", a.scale, a.zero), func(t *testing.T) {
			scale, zero := []float32{a.scale}, []int32{a.zero}
			got, want := make([]uint8, blockLen), make([]uint8, blockLen)
			got16, want16 := make([]uint16, blockLen), make([]uint16, blockLen)
			everyInput(1021, func(src []float32) {
				n := len(src)
				quantizeRunsGeneric(want, src, n, scale, zero, a.qmin, a.qmax)
				for i, c := range want {
					want16[i] = uint16(c)
					if a.qmin < 0 {
						want16[i] = uint16(int8(c))
					}
				}
				forEachFast(func() {
					quantizeInt8Runs(got[:n], src, n, scale, zero, a.qmin, a.qmax, false)
					quantizeInt16Runs(got16[:n], src, n, scale, zero, a.qmin, a.qmax, false)
					if i := differ(got[:n], want[:n]); i >= 0 {
						t.Fatalf("%v: the code of %x (%#08x) is %d, want %d", active, src[i], math.Float32bits(src[i]), got[i], want[i])
					}
					if i := differ(got16[:n], want16[:n]); i >= 0 {
						t.Fatalf("%v: the 16-bit code of %x (%#08x) is %d, want %d", active, src[i], math.Float32bits(src[i]), got16[i], want16[i])
					}
				})
			})
		})
	}
}

// TestQuantizeDefinition compares the definition with integer arithmetic: the
// code is the integer nearest to the quotient that float32 rounds to, and that
// quotient comes from float64, whose rounding cannot spoil it.
func TestQuantizeDefinition(t *testing.T) {
	for _, a := range affines {
		scale, zero := []float32{a.scale}, []int32{a.zero}
		want := make([]uint8, blockLen)
		everyInput(65537, func(src []float32) {
			quantizeRunsGeneric(want, src, len(src), scale, zero, a.qmin, a.qmax)
			for i, x := range src {
				// A quotient of 24-bit significands rounds alike in two
				// steps, 53 bits being more than 2*24+1.
				v := float64(float32(float64(x) / float64(a.scale)))
				q := a.qmin
				if v == v {
					q = int32(min(max(math.RoundToEven(v)+float64(a.zero), float64(a.qmin)), float64(a.qmax)))
				}
				if uint8(q) != want[i] {
					t.Fatalf("the code of %x (%#08x) with scale %x and zero point %d is %d, want %d",
						x, math.Float32bits(x), a.scale, a.zero, want[i], uint8(q))
				}
			}
		})
	}
}

func TestErrorsExhaustive(t *testing.T) {
	for _, a := range affines {
		t.Run(fmt.Sprintf("scale=%x/zero=%d", a.scale, a.zero), func(t *testing.T) {
			const cols = 512
			scale, zero := make([]float32, cols), make([]int32, cols)
			fill(scale, a.scale)
			fill(zero, a.zero)
			var got, want [1]sums
			var gotc, wantc errorWork
			chunk := 0
			everyInput(1021, func(src []float32) {
				toFinite(src)
				errorsRunsGeneric(want[:], src, len(src), scale, zero, a.qmin, a.qmax)
				// The columns walk shares the arithmetic, but not the code.
				columns := len(src) == blockLen && (*exhaustive || chunk%4 == 0)
				chunk++
				if columns {
					errorsColumnsGeneric(wantc.columns(cols), src, blockLen/cols, cols, scale, zero, a.qmin, a.qmax)
				}
				forEachFast(func() {
					errorsRuns(got[:], src, len(src), scale, zero, a.qmin, a.qmax)
					if got != want {
						t.Fatalf("%v: sums from %x (%#08x) on are %x, want %x", active, src[0], math.Float32bits(src[0]), got, want)
					}
					if columns {
						errorsColumns(gotc.columns(cols), src, blockLen/cols, cols, scale, zero, a.qmin, a.qmax)
						if gotc != wantc {
							t.Fatalf("%v: sums of columns differ from %x (%#08x) on", active, src[0], math.Float32bits(src[0]))
						}
					}
				})
			})
		})
	}
}

// TestManyScales has random scales and zero points, and for each the values
// at and next to every place where the code changes. That is where a quotient
// that is not exact would show.
func TestManyScales(t *testing.T) {
	scales := 16000
	if *exhaustive {
		scales = 1 << 20
	} else if testing.Short() {
		scales /= 16
	}
	rng := rand.New(rand.NewPCG(17, 18))
	grids := append(grids(8), grids(16)...)
	kernel, definition := quantizers8()
	kernel16, definition16 := quantizers16()
	for i := range scales {
		g := grids[i%len(grids)]
		p := boundaries(anyScale(rng), anyZero(rng, g), g)
		if g.qmax-g.qmin < 1<<8 {
			quantizeAlike(t, p, kernel, definition)
		}
		quantizeAlike(t, p, kernel16, definition16)
		toFinite(p.src)
		forEachFast(func() { compareErrors(t, p) })
	}
}

func quantizeAlike[T uint8 | uint16](t *testing.T, p *problem, kernel, definition quantizer[T]) {
	t.Helper()
	got, want := make([]T, p.n), make([]T, p.n)
	definition(want, p, false)
	forEachFast(func() {
		kernel(got, p, false)
		if i := differ(got, want); i >= 0 {
			t.Fatalf("%v: code %d, want %d, of %s", active, got[i], want[i], p.at(i))
		}
	})
}

// TestCodesInOrder checks what users take for granted: a larger value never
// has a smaller code, and reconstruction is within half a step in the grid,
// but for the rounding of the quotient.
func TestCodesInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 20))
	grids := grids(8)
	for i := range 300 {
		g := grids[i%len(grids)]
		zero := g.qmin + rng.Int32N(g.qmax-g.qmin+1)
		scale := float32(1+rng.Uint32N(1<<24)) * 0x1p-30
		p := boundaries(scale, zero, g)
		slices.Sort(p.src)
		codes := make([]uint8, p.n)
		quantizeInt8Runs(codes, p.src, p.run, p.scale, p.zero, p.qmin, p.qmax, false)
		last := g.qmin
		for i, c := range codes {
			q := int32(c)
			if g.qmin < 0 {
				q = int32(int8(c))
			}
			if q < last || q > g.qmax {
				t.Fatalf("code %d after %d: %s", q, last, p.at(i))
			}
			if last = q; q == g.qmin || q == g.qmax {
				continue
			}
			if e := math.Abs(float64(q-zero)*float64(scale) - float64(p.src[i])); e > 0.5*float64(scale)+math.Abs(float64(p.src[i]))*0x1p-24 {
				t.Fatalf("code %d is off by %g steps: %s", q, e/float64(scale), p.at(i))
			}
		}
	}
}
