package quant

import (
	"math/rand/v2"
	"testing"
)

// A packedKernel dequantizes packed codes.
type packedKernel struct {
	bits       int
	kernel     func(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed, stream bool) bool
	definition func(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed bool)
	least      map[isa]int // of each set with a kernel, the shortest run that it serves
}

// packedKernels are all such kernels, with the sets that have them.
var packedKernels = []packedKernel{
	{4, dequantize4Runs, dequantize4RunsGeneric, map[isa]int{neon: 16, avx512: 1}},
	{2, dequantize2Runs, dequantize2RunsGeneric, map[isa]int{avx512: 1}},
}

// serves reports whether the set in use has a kernel for runs of this shape.
func (k *packedKernel) serves(s shape) bool {
	least, ok := k.least[active]
	return ok && min(s.run, s.n) >= least
}

// dequantizePackedShapes are one run of every length, and runs that begin at bytes.
func dequantizePackedShapes(bits int) (s []shape) {
	for _, n := range lengths(300, 511, 512, 513, 1000, blockLen) {
		s = append(s, shape{n: n, run: n}, shape{n: n, run: n + 1})
	}
	for _, run := range []int{2, 4, 6, 8, 14, 16, 18, 24, 32, 34, 48, 62, 64, 66, 80, 96, 100, 128, 130, 256, 1000} {
		if run*bits%8 != 0 {
			continue
		}
		for _, k := range []int{1, 2, 3, 17} {
			for _, rest := range []int{0, 1, 2, run - 1} {
				if n := k*run + rest; n <= longest {
					s = append(s, shape{n: n, run: run})
				}
			}
		}
	}
	return thin(s)
}

// TestDequantizePackedKernels compares the kernels with their definitions at all shapes, next to
// guard pages and at all alignments, where they are there.
func TestDequantizePackedKernels(t *testing.T) {
	for _, k := range packedKernels {
		forEachISA(t, func(t *testing.T) {
			served := 0
			h := dequantizePackedHarness{t, newArea(t, 1<<17), newArea(t, 1<<19), newArea(t, 1<<17), newArea(t, 1<<17), k}
			rng := rand.New(rand.NewPCG(81, 82))
			problem := func(s shape) (*problem, []byte) {
				return newProblem(rng, s, grid{-8, 7}), anyCodes[uint8](rng, PackedLen(s.n, k.bits))
			}
			for i, s := range dequantizePackedShapes(k.bits) {
				p, packed := problem(s)
				got, want := k.kernel(make([]float32, s.n), packed, s.run, p.scale, p.zero, false, false), k.serves(s)
				if got != want {
					t.Fatalf("a kernel for %d bits is there for %v: %t, want %t", k.bits, s, got, want)
				}
				if !got {
					continue // its callers unpack codes
				}
				served++
				for _, signed := range []bool{false, true} {
					for _, end := range ends {
						h.check(p, packed, placing{end, end, end, 0}, signed, i%2 == 0)
						h.check(p, packed, placing{end, 0, end, 1 + i%67}, signed, i%2 == 1)
					}
				}
			}
			for _, s := range []shape{{n: 333, run: 333}, {n: 100, run: 12}, {n: 163, run: 32}, {n: 640, run: 128}} {
				if !k.serves(s) {
					continue
				}
				p, packed := problem(s)
				for src := range 64 {
					for dst := range 17 {
						h.check(p, packed, placing{src, dst, (src + dst) % 16, 0}, src&1 == 0, dst&1 == 0)
					}
				}
			}
			if _, ok := k.least[active]; ok != (served > 0) {
				t.Fatalf("%d shapes are served for %d bits; a kernel is there: %t", served, k.bits, ok)
			} else if !ok {
				return
			}
			p, packed := problem(shape{n: 1<<16 - 5, run: 4096})
			h.check(p, packed, placing{0, 0, 0, 0}, true, true)
			h.check(p, packed, placing{atEnd, atEnd, atEnd, 0}, false, true)
		})
	}
}

type dequantizePackedHarness struct {
	t                     *testing.T
	src, dst, scale, zero *area
	packedKernel
}

func (h *dequantizePackedHarness) check(p *problem, packed []byte, at placing, signed, stream bool) {
	h.t.Helper()
	want := make([]float32, p.n)
	h.definition(want, packed, p.run, p.scale, p.zero, signed)
	src := put(h.src, packed, at.src)
	scale, zero := place[float32](h.scale, len(p.scale)+at.extra, at.params), place[int32](h.zero, len(p.zero)+at.extra, at.params)
	copy(scale, p.scale)
	copy(zero, p.zero)
	dst := place[float32](h.dst, p.n, at.dst)
	h.kernel(dst, src, p.run, scale, zero, signed, stream)
	if stream {
		fence()
	}
	if i := differ(dst, want); i >= 0 {
		h.t.Fatalf("element %d is %x, want %x, of %v (placed at %+v, signed %t, stream %t)", i, dst[i], want[i], p, at, signed, stream)
	}
	if !h.dst.intact() {
		h.t.Fatalf("stores outside its slice: %v (placed at %+v, stream %t)", p, at, stream)
	}
	if differ(src, packed) >= 0 || differ(scale[:len(p.scale)], p.scale) >= 0 || differ(zero[:len(p.zero)], p.zero) >= 0 {
		h.t.Fatalf("stores in its source or parameters: %v (placed at %+v)", p, at)
	}
}

// TestDequantizePackedDefinition compares the definitions with unpacking and dequantizing.
func TestDequantizePackedDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(83, 84))
	for _, k := range packedKernels {
		for _, s := range dequantizePackedShapes(k.bits) {
			p, packed := newProblem(rng, s, grid{-8, 7}), anyCodes[uint8](rng, PackedLen(s.n, k.bits))
			for _, signed := range []bool{false, true} {
				codes, got, want := make([]uint8, s.n), make([]float32, s.n), make([]float32, s.n)
				unpack8Generic(codes, packed, k.bits, signed)
				dequantizeRunsGeneric(want, codes, s.run, p.scale, p.zero, signed)
				k.definition(got, packed, s.run, p.scale, p.zero, signed)
				if i := differ(got, want); i >= 0 {
					t.Fatalf("%d bits: element %d is %x, want %x, of %v", k.bits, i, got[i], want[i], p)
				}
			}
		}
	}
}

// TestDequantizePackedExponents has scales of every exponent, and all bytes of codes.
func TestDequantizePackedExponents(t *testing.T) {
	packed := make([]byte, 256)
	for i := range packed {
		packed[i] = byte(i)
	}
	for _, k := range packedKernels {
		n := 256 * 8 / k.bits
		got, want := make([]float32, n), make([]float32, n)
		forEachFast(func() {
			for _, scale := range thin(everyExponent()) {
				for _, zero := range []int32{0, -8, 7, 1000, -maxZeroPoint, maxZeroPoint} {
					for _, signed := range []bool{false, true} {
						if !k.kernel(got, packed, n, []float32{scale}, []int32{zero}, signed, false) {
							return
						}
						k.definition(want, packed, n, []float32{scale}, []int32{zero}, signed)
						if i := differ(got, want); i >= 0 {
							t.Fatalf("%d bits, scale %x, zero point %d, signed %t: element %d is %x, want %x", k.bits, scale, zero, signed, i, got[i], want[i])
						}
					}
				}
			}
		})
	}
}

func FuzzDequantizePacked(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz"), uint32(0x3dcccccd), int32(3), true, uint16(16))
	f.Fuzz(func(t *testing.T, packed []byte, scale uint32, zero int32, signed bool, run uint16) {
		if len(packed) == 0 {
			return
		}
		for _, k := range packedKernels {
			n := len(packed) * 8 / k.bits
			p := fuzzProblem(n, scale, zero, 0, run|3, 0) // which adds 1
			got, want := make([]float32, n), make([]float32, n)
			k.definition(want, packed, p.run, p.scale, p.zero, signed)
			forEachUsable(func() {
				if k.kernel(got, packed, p.run, p.scale, p.zero, signed, false) && differ(got, want) >= 0 {
					t.Fatalf("%d bits, %v of %v: %v, want %v", k.bits, packed, p, got, want)
				}
			})
		}
	})
}
