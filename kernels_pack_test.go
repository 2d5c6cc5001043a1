package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestPackKernels(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		wide, narrow := newArea(t, longest), newArea(t, longest)
		rng := rand.New(rand.NewPCG(15, 16))
		check := func(codes []uint8, bits, codesAt, packedAt, extra int) {
			t.Helper()
			n, size := len(codes), PackedLen(len(codes), bits)
			want := make([]byte, size)
			pack8Generic(want, codes, bits)
			for _, stream := range []bool{false, true} {
				src, got := put(wide, codes, codesAt), place[byte](narrow, size+extra, packedAt)
				pack8(got, src, bits, stream)
				if stream {
					fence()
				}
				if i := differ(got[:size], want); i >= 0 {
					t.Fatalf("byte %d of %d codes of %d bits is %#x, want %#x (stream %t)", i, n, bits, got[i], want[i], stream)
				}
				if !narrow.intact() || !isUntouched(got[size:]) || differ(src, codes) >= 0 {
					t.Fatalf("packing %d codes of %d bits stores outside its slice (placed at %d, %d, stream %t)", n, bits, codesAt, packedAt, stream)
				}
			}
			// Bits behind the last code and further bytes mean nothing.
			packed := append(want, canaries[:extra]...)
			if used := n * bits % 8; used > 0 {
				packed[size-1] |= 0xff << used
			}
			back := make([]uint8, n)
			for _, signed := range []bool{false, true} {
				src, got := put(narrow, packed, packedAt), place[uint8](wide, n, codesAt)
				unpack8(got, src, bits, signed)
				unpack8Generic(back, packed, bits, signed)
				if i := differ(got, back); i >= 0 {
					t.Fatalf("code %d of %d of %d bits is %#x, want %#x (signed %t)", i, n, bits, got[i], back[i], signed)
				}
				if !wide.intact() || differ(src, packed) >= 0 {
					t.Fatalf("unpacking %d codes of %d bits stores outside its slice (placed at %d, %d)", n, bits, codesAt, packedAt)
				}
				for i, c := range back { // the definition itself
					d := 8 - bits
					if signed && int8(c) != int8(codes[i]<<d)>>d || !signed && c != codes[i]<<d>>d {
						t.Fatalf("code %d of %d of %d bits, %#x, comes back as %#x (signed %t)", i, n, bits, codes[i], c, signed)
					}
				}
			}
		}
		for bits := 2; bits <= 8; bits++ {
			for i, n := range thin(append([]int{0}, lengths(400, 511, 512, 513, 1000, 1023, bufLen, 4096, 10007)...)) {
				codes := anyCodes[uint8](rng, n)
				for _, end := range ends {
					check(codes, bits, end, end, 0)
					check(codes, bits, end, 0, 1+i%67)
				}
			}
			for _, n := range thin([]int{300, 129, 64}) {
				codes := anyCodes[uint8](rng, n)
				for wideAt := range 64 {
					for narrowAt := range 64 {
						if bits == 2 || bits == 4 || (wideAt+narrowAt)%8 == 0 {
							check(codes, bits, wideAt, narrowAt, 0)
						}
					}
				}
			}
		}
	})
}

func TestWidenKernels(t *testing.T) {
	all := make([]uint16, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	want := make([]float32, len(all))
	for _, k := range []struct {
		name               string
		kernel, definition func(dst []float32, src []uint16)
	}{
		{"bfloat16", widenBFloat16, widenBFloat16Generic},
		{"float16", widenFloat16, widenFloat16Generic},
	} {
		t.Run(k.name, func(t *testing.T) {
			forEachISA(t, func(t *testing.T) {
				k.definition(want, all)
				src, dst := newArea(t, 2<<16), newArea(t, 4<<16)
				check := func(from, n, srcAt, dstAt int) {
					t.Helper()
					got := place[float32](dst, n, dstAt)
					k.kernel(got, put(src, all[from:from+n], srcAt))
					if i := differ(got, want[from:from+n]); i >= 0 {
						t.Fatalf("%#04x becomes %#08x, want %#08x (%d elements, placed at %d, %d)",
							all[from+i], math.Float32bits(got[i]), math.Float32bits(want[from+i]), n, srcAt, dstAt)
					}
					if !dst.intact() {
						t.Fatalf("%d elements: stores outside its slice (placed at %d, %d)", n, srcAt, dstAt)
					}
				}
				check(0, len(all), 0, 0)
				for n := range 300 {
					for _, end := range ends {
						check(n*211, n, end, end) // a different part of all patterns each time
					}
				}
				for from := 0; from < len(all)-47; from += 47 { // all patterns in tails too
					check(from, 47, atEnd, atEnd)
				}
				for srcAt := range 32 {
					for dstAt := range 16 {
						check(31600+srcAt, 100, srcAt, dstAt) // around 0x7c00, the infinities
					}
				}
			})
		})
	}
}

// TestWidenDefinitions compares the definitions with the meaning of the formats.
func TestWidenDefinitions(t *testing.T) {
	all, b, h := make([]uint16, 1<<16), make([]float32, 1<<16), make([]float32, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	widenBFloat16Generic(b, all)
	widenFloat16Generic(h, all)
	for i := range all {
		if got := math.Float32bits(b[i]); got != uint32(i)<<16 {
			t.Fatalf("bfloat16 %#04x becomes %#08x", i, got)
		}
		sign, exp, man := uint32(i)>>15<<31, i>>10&31, i&0x3ff
		want := uint32(0)
		switch {
		case exp == 31 && man != 0:
			want = sign | 0x7fc00000 | uint32(man)<<13
		case exp == 31:
			want = sign | 0x7f800000
		case exp == 0:
			want = sign | math.Float32bits(float32(math.Ldexp(float64(man), -24)))
		default:
			want = sign | math.Float32bits(float32(math.Ldexp(float64(man|0x400), exp-25)))
		}
		if got := math.Float32bits(h[i]); got != want {
			t.Fatalf("float16 %#04x becomes %#08x, want %#08x", i, got, want)
		}
	}
}
