package quant

import (
	"math/rand/v2"
	"testing"
)

// packedGrids are the grids of packed codes with kernels, by their bits.
var packedGrids = map[int][]grid{4: {{-8, 7}, {0, 15}, {-7, 7}}, 2: {{-2, 1}, {0, 3}, {-1, 1}}}

// servesPacked reports whether quantizePacked has a kernel for the parameters.
func servesPacked(scale float32, zero int32) bool {
	return quantizePacked(make([]byte, 1), []float32{0}, scale, zero, -8, 7, 4)
}

// TestQuantizePacked compares the kernel with its definition at every length, next to guard pages
// and at all alignments.
func TestQuantizePacked(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		if want := active == avx512; servesPacked(1, 0) != want {
			t.Fatalf("a kernel is there: %t, want %t", !want, want)
		} else if !want {
			return
		}
		for bits, grids := range packedGrids {
			h := packedHarness{t, newArea(t, 4*longest), newArea(t, longest), bits, 0}
			rng := rand.New(rand.NewPCG(101, 102))
			for i, n := range lengths(300, 511, 512, 513, 1000, blockLen) {
				p := newGroupProblem(rng, shape{n: n, run: n}, grids[i%len(grids)], 0)
				for _, end := range ends {
					h.check(p, end, end)
					h.check(p, end, 0)
				}
			}
			p := newGroupProblem(rng, shape{n: 333, run: 333}, grids[0], 0)
			for at := range 65 {
				h.check(p, at%17, at)
			}
			if h.served < 600 {
				t.Errorf("%d bits: the kernel served %d problems", bits, h.served)
			}
		}
	})
}

type packedHarness struct {
	t        *testing.T
	src, dst *area
	bits     int
	served   int
}

func (h *packedHarness) check(p *problem, srcAt, dstAt int) {
	h.t.Helper()
	want := make([]byte, PackedLen(p.n, h.bits))
	quantizePackedGeneric(want, p.src, p.scale[0], p.zero[0], p.qmin, p.qmax, h.bits)
	src, dst := put(h.src, p.src, srcAt), place[byte](h.dst, len(want), dstAt)
	if !quantizePacked(dst, src, p.scale[0], p.zero[0], p.qmin, p.qmax, h.bits) {
		if !isUntouched(dst) || !h.dst.intact() {
			h.t.Fatalf("stores without a kernel for %v", p)
		}
		return
	}
	h.served++
	if i := differ(dst, want); i >= 0 {
		h.t.Fatalf("%d bits: byte %d is %#x, want %#x, of %v (placed at %d, %d)", h.bits, i, dst[i], want[i], p.at(i*8/h.bits), srcAt, dstAt)
	}
	if !h.dst.intact() {
		h.t.Fatalf("stores outside its slice: %v (placed at %d, %d)", p, srcAt, dstAt)
	}
	if differ(src, p.src) >= 0 {
		h.t.Fatalf("stores in its source: %v (placed at %d, %d)", p, srcAt, dstAt)
	}
}

// TestQuantizePackedDefinition compares the definition with quantizing and packing.
func TestQuantizePackedDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(103, 104))
	for bits, grids := range packedGrids {
		for n := 1; n < 70; n++ {
			p := newProblem(rng, shape{n: n, run: n}, grids[n%len(grids)])
			codes, got, want := make([]uint8, n), make([]byte, PackedLen(n, bits)), make([]byte, PackedLen(n, bits))
			quantizeRunsGeneric(codes, p.src, n, p.scale, p.zero, p.qmin, p.qmax)
			pack8Generic(want, codes, bits)
			quantizePackedGeneric(got, p.src, p.scale[0], p.zero[0], p.qmin, p.qmax, bits)
			if i := differ(got, want); i >= 0 {
				t.Fatalf("%d bits: byte %d is %#x, want %#x, of %v", bits, i, got[i], want[i], p)
			}
		}
	}
}

// TestQuantizePackedBoundaries has scales at and next to those that the kernel does not serve, zero
// points as far away as it serves and farther, and the values where codes change.
func TestQuantizePackedBoundaries(t *testing.T) {
	scales := 600
	if *exhaustive {
		scales = 1 << 18
	} else if testing.Short() {
		scales = 60
	}
	rng := rand.New(rand.NewPCG(105, 106))
	served := 0
	for i := range scales {
		bits := 4 - i%2*2
		g := packedGrids[bits][i/2%3]
		m := rng.Uint32N(1<<14)<<9 + uint32(rng.IntN(27)-13)
		if i%3 == 0 {
			m = rng.Uint32N(1 << 23)
		}
		scale := ulps(0, int(uint32(127-101+rng.IntN(203))<<23|m&(1<<23-1)))
		zero := []int32{0, g.qmin, g.qmax, 255, -32000, 32000, 32001, rng.Int32N(64001) - 32000, maxZeroPoint}[rng.IntN(9)]
		p := boundaries(scale, zero, g)
		got, want := make([]byte, PackedLen(len(p.src), bits)), make([]byte, PackedLen(len(p.src), bits))
		quantizePackedGeneric(want, p.src, scale, zero, g.qmin, g.qmax, bits)
		forEachFast(func() {
			if !quantizePacked(got, p.src, scale, zero, g.qmin, g.qmax, bits) {
				return
			}
			served++
			if i := differ(got, want); i >= 0 {
				t.Fatalf("scale %x, zero point %d, %v: byte %d is %#x, want %#x", scale, zero, g, i, got[i], want[i])
			}
		})
	}
	if served == 0 && tested[len(tested)-1].String() == "avx512" {
		t.Error("the kernel served no scale")
	}
}

func FuzzQuantizePacked(f *testing.F) {
	f.Add(seeds(), uint32(0x3dcccccd), int32(3), uint8(0))
	f.Add(seeds()[40:], uint32(0x3dcc8003), int32(-128), uint8(5))
	f.Fuzz(func(t *testing.T, data []byte, scale uint32, zero int32, kind uint8) {
		x := floatsOf(data)
		if len(x) == 0 {
			return
		}
		bits := 4 - int(kind&1)*2
		g := packedGrids[bits][kind/2%3]
		p := fuzzProblem(len(x), scale, zero, 0, 0, 0)
		got, want := make([]byte, PackedLen(len(x), bits)), make([]byte, PackedLen(len(x), bits))
		quantizePackedGeneric(want, x, p.scale[0], p.zero[0], g.qmin, g.qmax, bits)
		forEachUsable(func() {
			if quantizePacked(got, x, p.scale[0], p.zero[0], g.qmin, g.qmax, bits) && differ(got, want) >= 0 {
				t.Fatalf("%d bits, %v of %v: %x, want %x", bits, x, p, got, want)
			}
		})
	})
}
