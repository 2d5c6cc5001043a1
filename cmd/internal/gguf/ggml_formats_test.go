//go:build ggml && linux && amd64

package gguf

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/a01592f9/quant"
)

// formatBlocks is the number of random blocks that the formats of the library are compared for.
const formatBlocks = 1 << 20

// TestGGMLFormats compares the values of random blocks of ggml's MXFP4 and NVFP4 with those that
// the library has for the same codes and scales of its format E2M1. They are equal, but ggml reads
// the code of -0 as 0.
func TestGGMLFormats(t *testing.T) {
	lib := openGGML(t)
	e4m3, codes := make([]float32, 256), make([]uint8, 256)
	for i := range codes {
		codes[i] = uint8(i)
	}
	if err := quant.WidenFloat8(e4m3, codes, quant.E4M3FN); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		typ   Type
		group int
		scale func(b byte) (float32, bool) // false if the library has no such scale
		at    func(i int) int              // offset in a block of the code of element i
	}{
		{MXFP4, 32, func(b byte) (float32, bool) { return float32(math.Ldexp(1, int(b)-127)), b > 0 && b < 255 },
			func(i int) int { return 1 + i%16 }},
		{NVFP4, 16, func(b byte) (float32, bool) { return e4m3[b&0x7f], b > 0 && b < 0x7f },
			func(i int) int { return 4 + i/16*8 + i%8 }},
	} {
		t.Run(test.typ.String(), func(t *testing.T) {
			reference := dequantizer(lib, test.typ)
			block, size := test.typ.Block()
			groups := block / test.group
			r := rand.New(rand.NewPCG(4, uint64(test.typ)))
			const batch = 1024
			src := make([]byte, batch*size)
			want, got, elements := make([]float32, batch*block), make([]float32, batch*block), make([]uint8, batch*block)
			scales := make([]float32, batch*groups)
			s := quant.Scheme{Bits: 4, Format: quant.E2M1, Mapping: quant.Symmetric, Granularity: quant.PerGroup(1, test.group)}
			p := quant.Params{Scheme: s, Scale: scales, ZeroPoint: make([]int32, len(scales))}
			for range formatBlocks / batch {
				for i := range src {
					src[i] = byte(r.Uint32())
				}
				for b := range batch {
					x := src[b*size:][:size]
					for g := range groups {
						scale, ok := test.scale(x[g])
						for !ok {
							x[g] = byte(r.Uint32())
							scale, ok = test.scale(x[g])
						}
						scales[b*groups+g] = scale
					}
					for i := range block {
						half := i % test.group / (test.group / 2) // the first half is in the low bits
						elements[b*block+i] = x[test.at(i)] >> (4 * half) & 15
					}
				}
				reference(&src[0], &want[0], int64(len(want)))
				if err := quant.DequantizeCodes(got, elements, []int{batch, block}, p); err != nil {
					t.Fatal(err)
				}
				for i, v := range got {
					if v != want[i] {
						t.Fatalf("element %d of %x is %v, by ggml %v", i%block, src[i/block*size:][:size], v, want[i])
					}
				}
			}
			t.Logf("%d blocks", formatBlocks)
		})
	}
}
