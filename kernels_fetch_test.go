package quant

import (
	"math/rand/v2"
	"testing"
)

// fetchedLengths are lengths next to those that decide what a kernel fetches, in elements: runs of
// 256 store past the caches, a dynamic call has at most 8,192 elements, and 4,096 elements, which
// are 16 KiB, are what most kernels fetch ahead.
var fetchedLengths = []int{1, 63, 255, 256, 257, 319, 320, 321, 511, 512, 513, 4095, 4096, 4097, 4351, 4352, 4353, 8191, 8192, 8193, 8255, 8256, 8257, longest}

// TestFetches has kernels of runs that fetch elements they do not use. The source ends where memory
// ends, so that a fetch is of memory that is not there, or begins where memory begins.
func TestFetches(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		src, codes, ends1, ends2 := newArea(t, 4*longest), newArea(t, 2*longest), newArea(t, 4*longest), newArea(t, 4*longest)
		rng := rand.New(rand.NewPCG(131, 132))
		for _, n := range fetchedLengths {
			for _, run := range []int{n, 64, 100, 256, 512, 1000} {
				k := (n + run - 1) / run
				values := make([]float32, n)
				for i := range values {
					values[i] = rng.Float32()*4 - 1
				}
				scale, zero := make([]float32, k), make([]int32, k)
				for i := range scale {
					scale[i], zero[i] = 0.01+rng.Float32()/100, rng.Int32N(200)-100
				}
				wantLo, wantHi := make([]float32, k), make([]float32, k)
				rangeRunsGeneric(wantLo, wantHi, values, run)
				want := make([]uint8, n)
				quantizeRunsGeneric(want, values, run, scale, zero, -128, 127)
				want16 := make([]uint16, n)
				quantizeRunsGeneric(want16, values, run, scale, zero, -32768, 32767)
				for _, end := range ends {
					x := put(src, values, end)
					lo, hi := place[float32](ends1, k, end), place[float32](ends2, k, end)
					if !rangeRuns(lo, hi, x, run) || differ(lo, wantLo) >= 0 || differ(hi, wantHi) >= 0 {
						t.Fatalf("ranges of %d elements in runs of %d differ (placed at %d)", n, run, end)
					}
					testFetchesRuns(t, codes, run, end, want, func(dst []uint8) {
						quantizeInt8Runs(dst, x, run, scale, zero, -128, 127, true)
					})
					testFetchesRuns(t, codes, run, end, want16, func(dst []uint16) {
						quantizeInt16Runs(dst, x, run, scale, zero, -32768, 32767, true)
					})
				}
			}
			testFetchesPacked(t, rng, src, codes, n)
		}
	})
}

// testFetchesRuns compares the codes that quantize stores with those wanted.
func testFetchesRuns[T uint8 | uint16](t *testing.T, codes *area, run, end int, want []T, quantize func(dst []T)) {
	t.Helper()
	for k := range 3 {
		// Codes from the beginning of a line of a cache on, and from elsewhere on.
		dst := place[T](codes, len(want), []int{end, 64, 65}[k])
		quantize(dst)
		fence()
		if i := differ(dst, want); i >= 0 || !codes.intact() {
			t.Fatalf("%d elements in runs of %d: code %d, a %T, differs (placed at %d)", len(want), run, i, dst[i], end)
		}
	}
}

// testFetchesPacked is TestFetches for packed codes.
func testFetchesPacked(t *testing.T, rng *rand.Rand, src, codes *area, n int) {
	values := make([]float32, n)
	for i := range values {
		values[i] = rng.Float32()*4 - 1
	}
	for bits, grids := range packedGrids {
		g := grids[0]
		want := make([]byte, PackedLen(n, bits))
		quantizePackedGeneric(want, values, 0.3, 1, g.qmin, g.qmax, bits)
		for _, end := range ends {
			x, dst := put(src, values, end), place[byte](codes, len(want), end)
			if !quantizePacked(dst, x, 0.3, 1, g.qmin, g.qmax, bits) {
				continue
			}
			if i := differ(dst, want); i >= 0 || !codes.intact() {
				t.Fatalf("%d elements, %d bits: byte %d differs (placed at %d)", n, bits, i, end)
			}
		}
	}
}

// TestFetchesColumns is TestFetches for ranges of columns: of up to 8 rows, of which the kernel fetches
// elements farther right or the next rows, and of more.
func TestFetchesColumns(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		h := newRangeHarness(t)
		rng := rand.New(rand.NewPCG(133, 134))
		for rows := 1; rows <= 9; rows++ {
			for _, cols := range []int{63, 64, 127, 128, 192, 447, 448, 511, 512, 513, 576, 1024} {
				for _, stride := range []int{cols, cols + 1, cols + 64} {
					n := (rows-1)*stride + cols
					h.solve(shape{n: n, run: cols, rows: rows, stride: stride}, finiteValues(rng, n))
					for _, end := range ends {
						h.check(end, end)
					}
				}
			}
		}
	})
}
