package quant

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// startedColumnSums returns sums of n columns that are not 0.
func startedColumnSums(n int) columnSums {
	c := columnSums{make([]float64, n), make([]float64, n), make([]float32, n), make([]uint32, n)}
	for j := range n {
		c.abs[j], c.sq[j], c.max[j], c.clipped[j] = float64(j)/3, float64(j)/7, float32(j%5)/4, uint32(j)
	}
	return c
}

// sameColumns returns the first column whose sums in a and b differ, or -1.
func sameColumns(a, b columnSums) int {
	for j := range a.abs {
		if math.Float64bits(a.abs[j]) != math.Float64bits(b.abs[j]) || math.Float64bits(a.sq[j]) != math.Float64bits(b.sq[j]) ||
			a.max[j] != b.max[j] || a.clipped[j] != b.clipped[j] {
			return j
		}
	}
	return -1
}

// columnCases calls f for numbers of columns and rows, and distances between rows.
func columnCases(f func(cols, rows, stride int)) {
	for _, cols := range []int{1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300} {
		for _, rows := range []int{1, 2, 3, 15, 16, 17, 33} {
			for _, more := range []int{0, 5} {
				f(cols, rows, cols+more)
			}
		}
	}
}

// TestDifferencesColumnsKernels compares the kernels with their definition for all shapes and
// both places beside a guard page, with infinities.
func TestDifferencesColumnsKernels(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(13, 14))
		first, second := newArea(t, 1<<18), newArea(t, 1<<18)
		columnCases(func(cols, rows, stride int) {
			n := (rows-1)*stride + cols
			x, y := make([]float32, n), make([]float32, n)
			for j := range x {
				x[j] = float32(rng.NormFloat64())
				y[j] = x[j] + float32(rng.NormFloat64()*0.01)
			}
			if rows%2 == 1 {
				y[rng.IntN(n)] = inf
			}
			want := startedColumnSums(cols)
			differencesColumnsGeneric(want, x, y, rows, stride)
			for _, at := range []int{0, atEnd, 1 + cols%31} {
				got := startedColumnSums(cols)
				differencesColumns(got, put(first, x, at), put(second, y, at), rows, stride)
				if j := sameColumns(got, want); j >= 0 || !first.intact() || !second.intact() {
					t.Fatalf("%d columns, %d rows, %d apart, at %d: column %d differs (or memory was changed)", cols, rows, stride, at, j)
				}
			}
			y[n-1] = nan
			got, want := startedColumnSums(cols), startedColumnSums(cols)
			differencesColumnsGeneric(want, x, y, rows, stride)
			differencesColumns(got, x, y, rows, stride)
			if last := cols - 1; got.max[last] != want.max[last] || got.abs[last] == got.abs[last] {
				t.Fatalf("%d columns, %d rows, with NaN: %v, want %v", cols, rows, got.max[last], want.max[last])
			}
		})
	})
}

// TestErrorsBookColumnsKernels compares the errors of columns with their definition. Some
// elements are clipped.
func TestErrorsBookColumnsKernels(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(15, 16))
		src := newArea(t, 1<<18)
		for _, f := range kernelBooks() {
			b := f.book()
			columnCases(func(cols, rows, stride int) {
				x, scale := make([]float32, (rows-1)*stride+cols), make([]float32, cols)
				for i := range x {
					x[i] = float32(rng.NormFloat64())
				}
				for j := range scale {
					scale[j] = float32(rng.ExpFloat64()+0.2) * 2 / b.largest
				}
				want := startedColumnSums(cols)
				errorsBookColumnsGeneric(want, x, rows, stride, scale, b)
				for _, at := range []int{0, atEnd} {
					got := startedColumnSums(cols)
					errorsBookColumns(got, put(src, x, at), rows, stride, scale, b)
					if j := sameColumns(got, want); j >= 0 {
						t.Fatalf("%v, %d columns, %d rows, %d apart: column %d differs", f, cols, rows, stride, j)
					}
				}
			})
		}
	})
}

// hardScales are scales that the fast paths to floats do not serve, and those next to them: with
// significands beside a multiple of 2^20, too small, too large, and not valid.
func hardScales() (all []float32) {
	for _, s := range []float32{1, 1.125, 1.5, 1.875} {
		for d := range uint32(9) {
			all = append(all, math.Float32frombits(math.Float32bits(s)+d), math.Float32frombits(math.Float32bits(s)-d))
		}
	}
	return append(all, 0x1p-100, 0x1.fffffep-101, 0x1p100, 0x1.000002p100, 0x1p-149, 0x1.8p-130, math.MaxFloat32, 0, minusZero, -1, -0.37, inf, -inf, nan)
}

// TestQuantizeBookLimits compares the kernels with the definition for elements whose quotients
// are next to the limits between codes, where a quotient that is not rounded correctly would
// show. Scales are random and hard ones. The elements are in one run, in groups and in columns.
func TestQuantizeBookLimits(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	scales := hardScales()
	more := 300
	if *exhaustive {
		more = 300_000
	}
	for range more {
		scales = append(scales, float32(math.Ldexp(1+rng.Float64(), rng.IntN(60)-30)))
	}
	for _, f := range kernelBooks() {
		t.Run(f.String(), func(t *testing.T) {
			b := f.book()
			for _, s := range scales {
				var x []float32
				for _, k := range b.limits {
					middle := math.Float32bits(ofKey(k) * s)
					for d := range uint32(7) {
						x = append(x, math.Float32frombits(middle+d-3))
					}
				}
				x = append(x, b.largest*s, -b.largest*s, math.Nextafter32(b.largest*s, inf), 0, minusZero, inf, -inf, math.MaxFloat32, -math.MaxFloat32, 1e-45, -1e-45)
				for len(x)%64 != 0 {
					x = append(x, float32(rng.NormFloat64())*s)
				}
				if rng.IntN(4) == 0 { // NaN, in any of the elements that a kernel takes at a time
					x[rng.IntN(len(x))] = nan
				}
				checkQuotients(t, b, x, s)
			}
		})
	}
}

// checkQuotients compares the kernels with the definition for the elements x, a multiple of 64,
// under the scale s: as one run, as groups, and as columns.
func checkQuotients(t *testing.T, b *codebook, x []float32, s float32) {
	t.Helper()
	n := len(x)
	want, got := make([]uint8, n), make([]uint8, n)
	quantizeBookRunsGeneric(want, x, n, []float32{s}, b)
	forEachFast(func() {
		for _, run := range []int{n, 64, 48, 32, 16, 7} {
			scale := make([]float32, (n+run-1)/run)
			fill(scale, s)
			clear(got)
			quantizeBookRuns(got, x, run, scale, b, false)
			if i := differ(got, want); i >= 0 {
				t.Fatalf("%v, runs of %d: the code of %x (%#08x) with the scale %x is %#x, want %#x", active, run, x[i], math.Float32bits(x[i]), s, got[i], want[i])
			}
		}
		if n%2 == 1 {
			return
		}
		for _, cols := range []int{n / 2, n} {
			scale := make([]float32, cols)
			fill(scale, s)
			clear(got)
			quantizeBookColumns(got, x, scale, b)
			if i := differ(got, want); i >= 0 {
				t.Fatalf("%v, %d columns: the code of %x (%#08x) with the scale %x is %#x, want %#x", active, cols, x[i], math.Float32bits(x[i]), s, got[i], want[i])
			}
		}
	})
}

// TestDequantizeBookScales compares the kernels with the definition for scales whose product
// with a power of two is infinite, and for scales that are not valid.
func TestDequantizeBookScales(t *testing.T) {
	for _, f := range kernelBooks() {
		b := f.book()
		codes := make([]uint8, 512)
		for i := range codes {
			codes[i] = uint8(i) & uint8(len(b.values)-1)
			if !finite(b.values[codes[i]]) {
				codes[i] = 0
			}
		}
		for _, s := range append(hardScales(), 0x1p7, 0x1.fffffep7, 0x1p8, 0x1p9, 0x1p20, 0x1p127, 0x1.8p-149) {
			want, got := make([]float32, 512), make([]float32, 512)
			dequantizeBookRunsGeneric(want, codes, 512, []float32{s}, b)
			forEachFast(func() {
				for _, run := range []int{512, 64, 48, 32, 16} {
					scale := make([]float32, (512+run-1)/run)
					fill(scale, s)
					dequantizeBookRuns(got, codes, run, scale, b, false)
					if i := differ(got, want); i >= 0 {
						t.Fatalf("%v, %v, runs of %d: code %#x with the scale %x stands for %x, want %x", f, active, run, codes[i], s, got[i], want[i])
					}
				}
				for _, cols := range []int{256, 512} {
					scale := make([]float32, cols)
					fill(scale, s)
					dequantizeBookColumns(got, codes, scale, b)
					if i := differ(got, want); i >= 0 {
						t.Fatalf("%v, %v, %d columns: code %#x with the scale %x stands for %x, want %x", f, active, cols, codes[i], s, got[i], want[i])
					}
				}
			})
		}
	}
}

// FuzzQuantizeBook compares the kernels with the definition for any element and scale.
func FuzzQuantizeBook(f *testing.F) {
	f.Add(uint32(0x3f800000), uint32(0x3e99999a), uint8(3))
	f.Add(uint32(0x80000000), uint32(0x3f800001), uint8(0))
	f.Add(uint32(0x7fc00000), uint32(0x0d800000), uint8(63))
	f.Fuzz(func(t *testing.T, element, scale uint32, at uint8) {
		x := make([]float32, 128)
		for i := range x {
			x[i] = math.Float32frombits(element + uint32(i)*0x9e3779b1)
		}
		x[at%128] = math.Float32frombits(element)
		for _, g := range kernelBooks() {
			checkQuotients(t, g.book(), x, math.Float32frombits(scale))
		}
	})
}

// TestQuantizeBookColumnsExhaustive is TestQuantizeBookExhaustive for columns and groups.
func TestQuantizeBookColumnsExhaustive(t *testing.T) {
	for _, f := range kernelBooks() {
		for _, s := range []float32{0.37, 0x1.19b6a2p-9, 0x1p-126} {
			t.Run(fmt.Sprintf("%v/scale=%x", f, s), func(t *testing.T) {
				everyInput(262147, func(src []float32) {
					checkQuotients(t, f.book(), src[:len(src)&^63], s)
				})
			})
		}
	}
}
