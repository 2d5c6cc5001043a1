package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A dequantizer is a kernel of either walk with its definition: they read the
// codes from src, and everything else from p.
type dequantizer[T uint8 | uint16] func(dst []float32, src []T, p *problem, signed, stream bool)

func dequantize8(dst []float32, src []uint8, p *problem, signed, stream bool) {
	if p.rows > 0 {
		dequantizeInt8Columns(dst, src, p.scale, p.zero, signed, stream)
	} else {
		dequantizeInt8Runs(dst, src, p.run, p.scale, p.zero, signed, stream)
	}
}

func dequantize8Definition(dst []float32, src []uint8, p *problem, signed, _ bool) {
	if p.rows > 0 {
		dequantizeColumnsGeneric(dst, src, p.scale, p.zero, signed)
	} else {
		dequantizeRunsGeneric(dst, src, p.run, p.scale, p.zero, signed)
	}
}

func dequantize16(dst []float32, src []uint16, p *problem, signed, stream bool) {
	if p.rows > 0 {
		dequantizeInt16Columns(dst, src, p.scale, p.zero, signed, stream)
	} else {
		dequantizeInt16Runs(dst, src, p.run, p.scale, p.zero, signed, stream)
	}
}

func dequantize16Definition(dst []float32, src []uint16, p *problem, signed, _ bool) {
	if p.rows > 0 {
		dequantizeColumnsGeneric(dst, src, p.scale, p.zero, signed)
	} else {
		dequantizeRunsGeneric(dst, src, p.run, p.scale, p.zero, signed)
	}
}

func TestDequantizeKernels(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		t.Run("bits=8", func(t *testing.T) { testDequantizer(t, dequantize8, dequantize8Definition) })
		t.Run("bits=16", func(t *testing.T) { testDequantizer(t, dequantize16, dequantize16Definition) })
	})
}

func testDequantizer[T uint8 | uint16](t *testing.T, kernel, definition dequantizer[T]) {
	h := newDequantizerHarness(t, kernel, definition, longest)
	rng := rand.New(rand.NewPCG(3, 4))
	for i, s := range append(runShapes(), columnShapes()...) {
		p, codes := newProblem(rng, s, grid{-128, 127}), anyCodes[T](rng, s.n)
		h.solve(p, codes, i%2 == 0)
		for _, end := range ends {
			for _, stream := range []bool{false, true} {
				h.check(p, codes, placing{end, end, end, 0}, stream)
				h.check(p, codes, placing{end, 0, end, 1 + i%67}, stream)
			}
		}
	}
	for i, s := range thin([]shape{
		{n: 333, run: 333}, {n: 100, run: 9}, {n: 163, run: 32}, {n: 31, run: 31}, {n: 340, run: 130},
		{n: 201, run: 67, rows: 3, stride: 67}, {n: 99, run: 33, rows: 3, stride: 33}, {n: 150, run: 7, rows: 22, stride: 7},
	}) {
		p, codes := newProblem(rng, s, grid{-128, 127}), anyCodes[T](rng, s.n)
		h.solve(p, codes, i%2 == 1)
		for src := range 64 {
			for dst := range 16 {
				h.check(p, codes, placing{src, dst, (src + dst) % 16, 0}, (src^dst)&1 == 0)
			}
		}
	}
	h = newDequantizerHarness(t, kernel, definition, 1<<18)
	for _, s := range []shape{{n: 1 << 18, run: 1 << 18}, {n: 1<<18 - 5, run: 4096}, {n: 1<<18 - 7, run: 27}, {n: 1<<18 - 9, run: 100, rows: 2622, stride: 100}} {
		p, codes := newProblem(rng, s, grid{-128, 127}), anyCodes[T](rng, s.n)
		h.solve(p, codes, s.run == 27)
		for dst := range 3 {
			h.check(p, codes, placing{atEnd, 3 * dst, atEnd, 0}, true)
			h.check(p, codes, placing{dst, atEnd, dst, 0}, true)
		}
	}
}

// anyCodes returns codes of all bits, the extremes more often.
func anyCodes[T uint8 | uint16](rng *rand.Rand, n int) []T {
	codes := make([]T, n)
	for i := range codes {
		codes[i] = T(rng.Uint32())
		if rng.IntN(8) == 0 {
			codes[i] = []T{0, 1, ^T(0), ^T(0) >> 1, ^T(0)>>1 + 1}[rng.IntN(5)]
		}
	}
	return codes
}

type dequantizerHarness[T uint8 | uint16] struct {
	t                     *testing.T
	kernel, definition    dequantizer[T]
	src, dst, scale, zero *area
	want                  []float32
	signed                bool
}

func newDequantizerHarness[T uint8 | uint16](t *testing.T, kernel, definition dequantizer[T], n int) *dequantizerHarness[T] {
	return &dequantizerHarness[T]{t: t, kernel: kernel, definition: definition,
		src: newArea(t, 2*n), dst: newArea(t, 4*n), scale: newArea(t, 4*n), zero: newArea(t, 4*n)}
}

func (h *dequantizerHarness[T]) solve(p *problem, codes []T, signed bool) {
	h.want, h.signed = make([]float32, p.n), signed
	h.definition(h.want, codes, p, signed, false)
}

func (h *dequantizerHarness[T]) check(p *problem, codes []T, at placing, stream bool) {
	h.t.Helper()
	q := *p
	src := put(h.src, codes, at.src)
	if p.rows > 0 {
		q.scale = put(h.scale, p.scale, at.params) // its length is the number of columns
	} else {
		q.scale = place[float32](h.scale, len(p.scale)+at.extra, at.params)
		copy(q.scale, p.scale)
	}
	q.zero = place[int32](h.zero, len(p.zero)+at.extra, at.params)
	copy(q.zero, p.zero)
	dst := place[float32](h.dst, p.n+at.extra, at.dst)
	h.kernel(dst, src, &q, h.signed, stream)
	if stream {
		fence()
	}
	if i := differ(dst[:p.n], h.want); i >= 0 {
		j := p.param(i)
		h.t.Fatalf("element %d is %x, want %x: code %#x (signed %t), scale %x, zero point %d of %v (placed at %+v, stream %t)",
			i, dst[i], h.want[i], codes[i], h.signed, p.scale[j], p.zero[j], p, at, stream)
	}
	if !h.dst.intact() || !isUntouched(dst[p.n:]) {
		h.t.Fatalf("stores outside its slice: %v (placed at %+v, stream %t)", p, at, stream)
	}
	if differ(src, codes) >= 0 || differ(q.scale[:len(p.scale)], p.scale) >= 0 || differ(q.zero[:len(p.zero)], p.zero) >= 0 {
		h.t.Fatalf("stores in its source or parameters: %v (placed at %+v, stream %t)", p, at, stream)
	}
}

// TestDequantizeEveryCode has all codes under scales of every exponent and
// zero points far and near. The definition itself is compared with arithmetic
// in float64, where the product is exact.
func TestDequantizeEveryCode(t *testing.T) {
	codes8, codes16 := make([]uint8, 1<<8), make([]uint16, 1<<16)
	for i := range codes16 {
		codes8[i&0xff], codes16[i] = uint8(i), uint16(i)
	}
	forEachISA(t, func(t *testing.T) {
		got, want := make([]float32, 1<<16), make([]float32, 1<<16)
		for i, scale := range thin(everyExponent()) {
			for _, zero := range []int32{0, -7, 1 << 15, -1 << 22, maxZeroPoint, -maxZeroPoint} {
				p := &problem{shape: shape{n: 1 << 8, run: 1 << 8}, scale: []float32{scale}, zero: []int32{zero}}
				signed := (i+int(zero))%2 == 0
				dequantize8Definition(want, codes8, p, signed, false)
				dequantize8(got, codes8, p, signed, false)
				if j := differ(got[:p.n], want[:p.n]); j >= 0 {
					t.Fatalf("code %#x (signed %t), scale %x, zero point %d: %x, want %x", j, signed, scale, zero, got[j], want[j])
				}
				for j, c := range codes8 {
					v := int32(c)
					if signed {
						v = int32(int8(c))
					}
					if e := float32(float64(v-zero) * float64(scale)); math.Float32bits(e) != math.Float32bits(want[j]) {
						t.Fatalf("the definition makes code %#x (signed %t), scale %x, zero point %d into %x, want %x", c, signed, scale, zero, want[j], e)
					}
				}
			}
		}
		for i, scale := range []float32{1, 0x1.fffffep-3, 0x1.234567p-149, 0x1.8p-120, 0x1.fffffep104, 0x1p127} {
			for _, zero := range []int32{0, 999, -1 << 15, maxZeroPoint, -maxZeroPoint} {
				p := &problem{shape: shape{n: 1 << 16, run: 1 << 16}, scale: []float32{scale}, zero: []int32{zero}}
				signed := (i+int(zero))%2 == 0
				dequantize16Definition(want, codes16, p, signed, false)
				dequantize16(got, codes16, p, signed, false)
				if j := differ(got, want); j >= 0 {
					t.Fatalf("code %#x (signed %t), scale %x, zero point %d: %x, want %x", j, signed, scale, zero, got[j], want[j])
				}
			}
		}
	})
}
