package gguf

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"
)

// blockTypes returns the types that have blocks and are read.
func blockTypes() (list []Type) {
	for i := range types {
		if t := Type(i); t.Readable() && t.Quantized() {
			list = append(list, t)
		}
	}
	return list
}

// numbersOf returns where the float16 numbers of a block of t are.
func numbersOf(t Type) []int {
	switch _, size := t.Block(); t {
	case Q4_1, Q5_1, Q4_K, Q5_K:
		return []int{0, 2}
	case Q2_K:
		return []int{size - 4, size - 2}
	case Q3_K, Q6_K, TQ1_0, TQ2_0:
		return []int{size - 2}
	case Q8_K, MXFP4, NVFP4, IQ1_M:
		return nil
	}
	return []int{0}
}

// hostile are float16 numbers that are no ordinary scales: zeros, subnormals,
// the largest numbers, infinities and NaN.
var hostile = []uint16{0, 0x8000, 1, 0x83ff, 0x0400, 0x7bff, 0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xfe01, 0x7c01}

// fillBlock makes b a block of random bits, with scales of all kinds.
func fillBlock(r *rand.Rand, t Type, b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	switch r.IntN(16) {
	case 0:
		fill := []byte{0, 0xff, 0x80, 0x7f, 0x0f, 0xf0}[r.IntN(6)]
		for i := range b {
			b[i] = fill
		}
	case 1, 2, 3:
		for _, at := range numbersOf(t) {
			binary.LittleEndian.PutUint16(b[at:], hostile[r.IntN(len(hostile))])
		}
	case 4:
		if t == Q8_K {
			x := []uint32{0, 1 << 31, 1, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x00800000}[r.IntN(9)]
			binary.LittleEndian.PutUint32(b, x)
		}
	}
}

// goldenCount is the number of blocks of each type in TestGoldenBlocks.
const goldenCount = 1024

// goldenBlocks makes the same blocks every time.
func goldenBlocks(t Type) []byte {
	r := rand.New(rand.NewPCG(20, uint64(t)))
	_, size := t.Block()
	b := make([]byte, goldenCount*size)
	for i := range goldenCount {
		fillBlock(r, t, b[i*size:][:size])
	}
	return b
}

// checksum returns the CRC-32 of the bytes of values, NaN being all the same.
func checksum(x []float32) uint32 {
	b := make([]byte, 0, 4*len(x))
	for _, v := range x {
		bits := math.Float32bits(v)
		if v != v {
			bits = 0x7fc00000
		}
		b = binary.LittleEndian.AppendUint32(b, bits)
	}
	return crc32.ChecksumIEEE(b)
}

// goldenSums are the checksums of the values that ggml's dequantize_row functions
// make of goldenBlocks. TestGGMLGolden computes them.
var goldenSums = map[Type]uint32{
	Q4_0:    0x8e2aeaf6,
	Q4_1:    0x2f758222,
	Q5_0:    0x6a14576d,
	Q5_1:    0x747476a4,
	Q8_0:    0xffce4bf7,
	Q8_1:    0x6e9e1fa8,
	Q2_K:    0xe458b92f,
	Q3_K:    0xd5c0a2f7,
	Q4_K:    0xe8770ea8,
	Q5_K:    0x0b325d1f,
	Q6_K:    0xffcc2dbb,
	Q8_K:    0x8618bb76,
	IQ2_XXS: 0xee5e4eb3,
	IQ2_XS:  0xde0f5d5c,
	IQ3_XXS: 0x8e8f48dd,
	IQ1_S:   0xe09fb7b3,
	IQ4_NL:  0x28da1b3e,
	IQ3_S:   0x1ad65cc5,
	IQ2_S:   0x3f5394cd,
	IQ4_XS:  0xdebfb812,
	IQ1_M:   0xc3df408c,
	TQ1_0:   0xd2040a5b,
	TQ2_0:   0xf441cbd8,
	MXFP4:   0xcf98e9dd,
	NVFP4:   0xfa625086,
	Q1_0:    0xebbadc97,
	Q2_0:    0x84f1aaf3,
}

// TestGoldenBlocks dequantizes blocks of random bits, and of scales that are NaN,
// infinite and subnormal, to the values of ggml.
func TestGoldenBlocks(t *testing.T) {
	for _, typ := range blockTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			block, _ := typ.Block()
			got := make([]float32, goldenCount*block)
			typ.Dequantize(got, goldenBlocks(typ))
			if sum := checksum(got); sum != goldenSums[typ] {
				t.Errorf("checksum is %#08x, of ggml %#08x", sum, goldenSums[typ])
			}
		})
	}
}
