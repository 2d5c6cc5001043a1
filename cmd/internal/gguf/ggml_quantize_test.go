//go:build ggml && linux && amd64

package gguf

import (
	"hash/crc32"
	"math"
	"testing"

	"github.com/ebitengine/purego"
)

// quantizer returns ggml's reference for t.
func quantizer(lib uintptr, t Type) func(x *float32, y *byte, n int64) {
	var f func(x *float32, y *byte, n int64)
	purego.RegisterLibFunc(&f, lib, "quantize_row_"+symbol(t)+"_ref")
	return f
}

// TestGGMLQuantize compares quantized blocks byte for byte. A block that is
// refused is one of which ggml makes scales that it does not accept itself, or
// one of Q6_K whose sums overflow.
func TestGGMLQuantize(t *testing.T) {
	g := loadGGML(t)
	lib := openGGML(t)
	for _, typ := range writtenTypes() {
		reference := quantizer(lib, typ)
		block, size := typ.Block()
		t.Run(typ.String(), func(t *testing.T) {
			parallelRows(t, func(t *testing.T, r rows, n int) {
				n = n * BlockLen / block
				const batch = 16
				x := make([]float32, batch*block)
				want, chunk, got := make([]byte, batch*size), make([]byte, batch*size), make([]byte, size)
				kinds := make([]string, batch)
				refused := 0
				for done := 0; done < n; done += batch {
					for i := range batch {
						kinds[i] = r.fillBlock(x[i*block:][:block])
					}
					reference(&x[0], &want[0], int64(len(x)))
					// llama.cpp's quantizer looks further for a scale of IQ4_NL than the reference.
					if typ != IQ4_NL {
						g.quantizeChunk(typ, &x[0], &chunk[0], 0, batch, int64(block), nil)
						if string(chunk) != string(want) {
							t.Fatalf("ggml differs from ggml: %x and %x of %v", want, chunk, x)
						}
					}
					for i := range batch {
						row, theirs := x[i*block:][:block], want[i*size:][:size]
						err := typ.Quantize(got, row)
						if err != nil {
							if refused++; !mayRefuse(typ, row, theirs) {
								t.Errorf("%s is refused, %v, and %x by ggml: %v", kinds[i], err, theirs, row)
							}
							continue
						}
						// ggml prints a line for each that it refuses.
						if infiniteScale(typ, got) || !g.valid(typ, &got[0], uint64(size)) {
							t.Errorf("%s: ggml refuses %x: %v", kinds[i], got, row)
						}
						if string(canonical(typ, got)) != string(canonical(typ, theirs)) && !(typ == MXFP4 && wraps(row)) {
							t.Errorf("%s: %x, and %x by ggml: %v", kinds[i], got, theirs, row)
						}
					}
					if t.Failed() {
						return
					}
				}
				t.Logf("%d blocks, of which %d were refused", n, refused)
			})
		})
	}
}

// infiniteScale reports whether a scale of a block is infinite or NaN.
func infiniteScale(t Type, b []byte) bool {
	for _, at := range numbersOf(t) {
		if b[at+1]&0x7c == 0x7c {
			return true
		}
	}
	return false
}

// wraps reports whether the exponent that ggml computes for MXFP4 is negative and
// becomes a large one.
func wraps(x []float32) bool {
	_, most := largest(x)
	return most != 0 && absolute(most) < 0x1p-125
}

func mayRefuse(t Type, x []float32, theirs []byte) bool {
	_, most := largest(x)
	return infiniteScale(t, theirs) || t == Q6_K && math.Abs(float64(most)) > 1e12
}

// fillBlock fills groups of 32 elements, most of one kind and some of any, and
// returns the kind of the first.
func (r rows) fillBlock(x []float32) string {
	kind := r.fill(x[:BlockLen])
	for off := BlockLen; off < len(x); off += BlockLen {
		group := x[off:][:BlockLen]
		switch r.r.IntN(8) {
		case 0:
			r.fill(group)
		case 1:
			clear(group)
		default:
			s := float32(math.Exp2(r.r.NormFloat64()))
			for i := range group {
				group[i] = x[r.r.IntN(BlockLen)] * s
			}
			if s > 1 { // an overflow is no element
				for i, v := range group {
					if v-v != 0 {
						group[i] = 1
					}
				}
			}
		}
	}
	return kind
}

// TestGGMLScaleMXFP4 compares the scales of MXFP4 where the logarithm is next to
// an integer.
func TestGGMLScaleMXFP4(t *testing.T) {
	quantize := quantizer(openGGML(t), MXFP4)
	for exponent := -125; exponent <= 128; exponent++ {
		power := math.Ldexp(1, exponent)
		for ulps := -200; ulps <= 200; ulps++ {
			v := float32(power * (1 - 1e-9)) // 2^128 is no float32
			v = math.Float32frombits(uint32(int64(math.Float32bits(v)) + int64(ulps)))
			if v-v != 0 || v < 0x1p-125 {
				continue
			}
			x := make([]float32, BlockLen)
			x[5] = v
			got, want := make([]byte, 17), make([]byte, 17)
			quantize(&x[0], &want[0], BlockLen)
			if err := MXFP4.Quantize(got, x); err != nil || string(got) != string(want) {
				t.Fatalf("%v is %x, and %x by ggml: %v", v, got, want, err)
			}
		}
	}
}

// TestGGMLGoldenRows compares ggml with the checksums of TestGoldenRows.
func TestGGMLGoldenRows(t *testing.T) {
	lib := openGGML(t)
	for _, typ := range writtenTypes() {
		block, size := typ.Block()
		x := goldenRows(typ)
		b := make([]byte, len(x)/block*size)
		quantizer(lib, typ)(&x[0], &b[0], int64(len(x)))
		if sum := crc32.ChecksumIEEE(canonical(typ, b)); sum != goldenRowSums[typ] {
			t.Errorf("%s: %#08x,", typ, sum)
		}
	}
}
