package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestRangeRuns(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		h := newRangeHarness(t)
		rng := rand.New(rand.NewPCG(5, 6))
		for _, s := range runShapes() {
			h.solve(s, finiteValues(rng, s.n))
			for _, end := range ends {
				h.check(end, end)
			}
		}
		for _, s := range thin([]shape{{n: 300, run: 300}, {n: 100, run: 9}, {n: 163, run: 32}, {n: 40, run: 1}}) {
			h.solve(s, finiteValues(rng, s.n))
			for src := range 16 {
				for dst := range 16 {
					h.check(src, dst)
				}
			}
		}
	})
}

func TestRangeColumns(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		h := newRangeHarness(t)
		rng := rand.New(rand.NewPCG(7, 8))
		for _, s := range strideShapes() {
			h.solve(s, finiteValues(rng, s.n))
			for _, end := range ends {
				h.check(end, end)
			}
		}
		for _, s := range thin([]shape{
			{n: 201, run: 67, rows: 3, stride: 67}, {n: 200, run: 7, rows: 22, stride: 9}, {n: 500, run: 128, rows: 2, stride: 333},
		}) {
			h.solve(s, finiteValues(rng, s.n))
			for src := range 16 {
				for dst := range 16 {
					h.check(src, dst)
				}
			}
		}
	})
}

// finiteValues returns values of one of several kinds, among them some with
// only zeros, one sign, or the same element all over.
func finiteValues(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	kind, sign := rng.IntN(6), rng.Uint32()&0x80000000
	for i := range x {
		switch kind {
		case 0:
			x[i] = math.Float32frombits(rng.Uint32())
		case 1:
			x[i] = rng.Float32()*4 - 1
		case 2: // zeros of both signs
			x[i] = math.Float32frombits(rng.Uint32() & 0x80000000)
		case 3: // one sign, zeros among them
			x[i] = math.Float32frombits(sign | rng.Uint32N(0x7f800000)*(rng.Uint32()&1))
		case 4: // the same element, one apart
			x[i] = math.Float32frombits(sign | 0x3f9abcde)
		case 5:
			x[i] = specials[rng.IntN(len(specials))]
		}
	}
	if kind == 4 {
		x[rng.IntN(n)] = rng.Float32()*4 - 2
	}
	toFinite(x)
	return x
}

// A rangeHarness compares the kernel of a shape's walk with the definition.
type rangeHarness struct {
	t              *testing.T
	s              shape
	x              []float32
	from           [2][]float32 // what columns begin with
	wantLo, wantHi []float32
	src, lo, hi    *area
}

func newRangeHarness(t *testing.T) *rangeHarness {
	return &rangeHarness{t: t, src: newArea(t, 4*longest), lo: newArea(t, 4*longest), hi: newArea(t, 4*longest)}
}

func (h *rangeHarness) kernel(lo, hi, src []float32) bool {
	if h.s.rows > 0 {
		return rangeColumns(lo, hi, src, h.s.rows, h.s.stride)
	}
	return rangeRuns(lo, hi, src, h.s.run)
}

func (h *rangeHarness) definition(lo, hi, src []float32) bool {
	if h.s.rows > 0 {
		return rangeColumnsGeneric(lo, hi, src, h.s.rows, h.s.stride)
	}
	return rangeRunsGeneric(lo, hi, src, h.s.run)
}

func (h *rangeHarness) solve(s shape, x []float32) {
	h.t.Helper()
	h.s, h.x = s, x
	h.wantLo, h.wantHi = make([]float32, s.params()), make([]float32, s.params())
	resetRanges(h.wantLo, h.wantHi)
	if s.rows%2 == 1 { // ranges of earlier rows
		for i := range h.wantLo {
			h.wantLo[i], h.wantHi[i] = float32(i%5-3), float32(i%7)
		}
	}
	h.from = [2][]float32{append([]float32(nil), h.wantLo...), append([]float32(nil), h.wantHi...)}
	if !h.definition(h.wantLo, h.wantHi, x) {
		h.t.Fatalf("the definition finds what is not finite where there is none: %v", s)
	}
}

func (h *rangeHarness) check(srcAt, dstAt int) {
	h.t.Helper()
	src, lo, hi := put(h.src, h.x, srcAt), put(h.lo, h.from[0], dstAt), put(h.hi, h.from[1], dstAt)
	if !h.kernel(lo, hi, src) {
		h.t.Fatalf("finds what is not finite where there is none: %v (placed at %d, %d)", h.s, srcAt, dstAt)
	}
	if i := differ(lo, h.wantLo); i >= 0 {
		h.t.Fatalf("minimum %d is %x, want %x: %v (placed at %d, %d)", i, lo[i], h.wantLo[i], h.s, srcAt, dstAt)
	}
	if i := differ(hi, h.wantHi); i >= 0 {
		h.t.Fatalf("maximum %d is %x, want %x: %v (placed at %d, %d)", i, hi[i], h.wantHi[i], h.s, srcAt, dstAt)
	}
	if !h.lo.intact() || !h.hi.intact() || differ(src, h.x) >= 0 {
		h.t.Fatalf("stores outside its slices: %v (placed at %d, %d)", h.s, srcAt, dstAt)
	}
}

// TestRangeNotFinite has one value that is not finite at each place of a
// tensor, or none of those that a kernel is to see: between rows.
func TestRangeNotFinite(t *testing.T) {
	var bad []float32
	for _, v := range specials {
		if !finite(v) {
			bad = append(bad, v)
		}
	}
	forEachISA(t, func(t *testing.T) {
		h := newRangeHarness(t)
		shapes := []shape{
			{n: 1000, run: 128, rows: 3, stride: 300}, {n: 201, run: 67, rows: 3, stride: 67}, {n: 300, run: 9, rows: 4, stride: 40},
			{n: 1025, run: 1025}, {n: 300, run: 300}, {n: 300, run: 9}, {n: 300, run: 27}, {n: 330, run: 32}, {n: 333, run: 100},
		}
		for n := 1; n < 100; n++ {
			shapes = append(shapes, shape{n: n, run: n}, shape{n: n, run: n, rows: 1, stride: n})
		}
		x := make([]float32, 2000)
		for _, h.s = range thin(shapes) {
			k := h.s.params()
			lo, hi := make([]float32, k), make([]float32, k)
			for i := range h.s.n {
				v := bad[i%len(bad)]
				src := put(h.src, x[:h.s.n], atEnd)
				src[i] = v
				resetRanges(lo, hi)
				got := h.kernel(lo, hi, src)
				resetRanges(lo, hi)
				if want := h.definition(lo, hi, src); got != want {
					t.Fatalf("reports %t for %x (%#08x) at index %d: %v", got, v, math.Float32bits(v), i, h.s)
				}
			}
		}
		// More than one of them, and nothing else.
		for _, v := range bad {
			for n := range 100 {
				h.s = shape{n: n + 1, run: n + 1}
				src := place[float32](h.src, n+1, atEnd)
				fill(src, v)
				if h.kernel(make([]float32, 1), make([]float32, 1), src) {
					t.Fatalf("%d elements of %#08x are said to be finite", n+1, math.Float32bits(v))
				}
			}
		}
	})
}
