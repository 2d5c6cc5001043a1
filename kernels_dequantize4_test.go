package quant

import (
	"math/rand/v2"
	"testing"
)

// dequantize4Shapes are one run of every length, and runs of even lengths.
func dequantize4Shapes() (s []shape) {
	for _, n := range lengths(300, 511, 512, 513, 1000, blockLen) {
		s = append(s, shape{n: n, run: n}, shape{n: n, run: n + 1})
	}
	for _, run := range []int{2, 4, 6, 8, 14, 16, 18, 24, 32, 34, 48, 62, 64, 66, 80, 96, 100, 128, 130, 256, 1000} {
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

// TestDequantize4Kernels compares the kernel with its definition at all shapes, next to
// guard pages and at all alignments, where it is there.
func TestDequantize4Kernels(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		served := 0
		h := dequantize4Harness{t, newArea(t, 1<<17), newArea(t, 1<<19), newArea(t, 1<<17), newArea(t, 1<<17)}
		rng := rand.New(rand.NewPCG(81, 82))
		for i, s := range dequantize4Shapes() {
			p, packed := newProblem(rng, s, grid{-8, 7}), anyCodes[uint8](rng, (s.n+1)/2)
			got, want := dequantize4Runs(make([]float32, s.n), packed, s.run, p.scale, p.zero, false, false), serves4(s)
			if got != want {
				t.Fatalf("a kernel is there for %v: %t, want %t", s, got, want)
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
		for _, s := range []shape{{n: 333, run: 333}, {n: 100, run: 10}, {n: 163, run: 32}, {n: 640, run: 128}} {
			if !serves4(s) {
				continue
			}
			p, packed := newProblem(rng, s, grid{-8, 7}), anyCodes[uint8](rng, (s.n+1)/2)
			for src := range 64 {
				for dst := range 17 {
					h.check(p, packed, placing{src, dst, (src + dst) % 16, 0}, src&1 == 0, dst&1 == 0)
				}
			}
		}
		if active == generic || active == avx2 {
			if served > 0 {
				t.Fatalf("%d shapes are served without a kernel", served)
			}
			return
		}
		s := shape{n: 1<<16 - 5, run: 4096}
		p, packed := newProblem(rng, s, grid{-8, 7}), anyCodes[uint8](rng, s.n/2+1)
		h.check(p, packed, placing{0, 0, 0, 0}, true, true)
		h.check(p, packed, placing{atEnd, atEnd, atEnd, 0}, false, true)
	})
}

// serves4 reports whether dequantize4Runs has a kernel for runs of this shape.
func serves4(s shape) bool { return active == avx512 || active == neon && min(s.run, s.n) >= 16 }

type dequantize4Harness struct {
	t                     *testing.T
	src, dst, scale, zero *area
}

func (h *dequantize4Harness) check(p *problem, packed []byte, at placing, signed, stream bool) {
	h.t.Helper()
	want := make([]float32, p.n)
	dequantize4RunsGeneric(want, packed, p.run, p.scale, p.zero, signed)
	src := put(h.src, packed, at.src)
	scale, zero := place[float32](h.scale, len(p.scale)+at.extra, at.params), place[int32](h.zero, len(p.zero)+at.extra, at.params)
	copy(scale, p.scale)
	copy(zero, p.zero)
	dst := place[float32](h.dst, p.n, at.dst)
	dequantize4Runs(dst, src, p.run, scale, zero, signed, stream)
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

// TestDequantize4Definition compares the definition with unpacking and dequantizing.
func TestDequantize4Definition(t *testing.T) {
	rng := rand.New(rand.NewPCG(83, 84))
	for _, s := range dequantize4Shapes() {
		p, packed := newProblem(rng, s, grid{-8, 7}), anyCodes[uint8](rng, (s.n+1)/2)
		for _, signed := range []bool{false, true} {
			codes, got, want := make([]uint8, s.n), make([]float32, s.n), make([]float32, s.n)
			unpack8Generic(codes, packed, 4, signed)
			dequantizeRunsGeneric(want, codes, s.run, p.scale, p.zero, signed)
			dequantize4RunsGeneric(got, packed, s.run, p.scale, p.zero, signed)
			if i := differ(got, want); i >= 0 {
				t.Fatalf("element %d is %x, want %x, of %v", i, got[i], want[i], p)
			}
		}
	}
}

// TestDequantize4Exponents has scales of every exponent, and all bytes of codes.
func TestDequantize4Exponents(t *testing.T) {
	packed := make([]byte, 256)
	for i := range packed {
		packed[i] = byte(i)
	}
	forEachFast(func() {
		for _, scale := range thin(everyExponent()) {
			for _, zero := range []int32{0, -8, 7, 1000, -maxZeroPoint, maxZeroPoint} {
				for _, signed := range []bool{false, true} {
					var got, want [512]float32
					if !dequantize4Runs(got[:], packed, 512, []float32{scale}, []int32{zero}, signed, false) {
						return
					}
					dequantize4RunsGeneric(want[:], packed, 512, []float32{scale}, []int32{zero}, signed)
					if i := differ(got[:], want[:]); i >= 0 {
						t.Fatalf("scale %x, zero point %d, signed %t: element %d is %x, want %x", scale, zero, signed, i, got[i], want[i])
					}
				}
			}
		}
	})
}

func FuzzDequantize4(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijklmnopqrstuvwxyz"), uint32(0x3dcccccd), int32(3), true, uint16(16))
	f.Fuzz(func(t *testing.T, packed []byte, scale uint32, zero int32, signed bool, run uint16) {
		n := 2 * len(packed)
		p := fuzzProblem(n, scale, zero, 0, run|1, 0) // which adds 1
		if n == 0 {
			return
		}
		got, want := make([]float32, n), make([]float32, n)
		dequantize4RunsGeneric(want, packed, p.run, p.scale, p.zero, signed)
		forEachUsable(func() {
			if dequantize4Runs(got, packed, p.run, p.scale, p.zero, signed, false) && differ(got, want) >= 0 {
				t.Fatalf("%v of %v: %v, want %v", packed, p, got, want)
			}
		})
	})
}
