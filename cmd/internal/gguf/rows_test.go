package gguf

import (
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"
)

// writtenTypes returns the types that have blocks and are written.
func writtenTypes() (list []Type) {
	for _, t := range blockTypes() {
		if t.Writable() {
			list = append(list, t)
		}
	}
	return list
}

// canonical returns blocks with the codes of IQ4_NL that ggml leaves to chance,
// those of blocks whose scale is 0, set to 0.
func canonical(t Type, b []byte) []byte {
	if t != IQ4_NL {
		return b
	}
	b = append([]byte(nil), b...)
	_, size := t.Block()
	for off := 0; off < len(b); off += size {
		if half(b[off:]) == 0 {
			clear(b[off+2 : off+size])
		}
	}
	return b
}

// goldenRows makes the same rows every time, and on every machine: there are only
// sums and powers of two. Groups of 16 elements are of different kinds.
func goldenRows(t Type) []float32 {
	r := rand.New(rand.NewPCG(21, uint64(t)))
	block, _ := t.Block()
	x := make([]float32, 1024*block)
	bell := func() float32 {
		sum := -6 * 1000
		for range 12 {
			sum += r.IntN(1000)
		}
		return float32(sum) / 1024
	}
	for off := 0; off < len(x); off += 16 {
		group := x[off:][:16]
		kind := r.IntN(12)
		scale, constant := float32(math.Ldexp(1, r.IntN(20)-16)), bell()
		switch kind {
		case 8:
			scale = float32(math.Ldexp(1, r.IntN(80)-110)) // tiny
		case 9:
			scale = float32(math.Ldexp(1, r.IntN(8)+6)) // huge
		}
		for i := range group {
			switch kind {
			case 0:
				group[i] = 0
			case 1:
				group[i] = constant
			case 2:
				group[i] = float32(r.IntN(31)-15) / 2 * scale // ties
			case 3:
				group[i] = absolute(bell()) * scale
			case 4:
				group[i] = constant + bell()/16
			default:
				group[i] = bell() * scale
			}
		}
		if kind == 5 {
			group[r.IntN(16)] *= 64 // an outlier
		}
	}
	return x
}

// goldenRowSums are the checksums of the blocks that ggml's quantize_row_*_ref
// functions make of goldenRows. TestGGMLGoldenRows computes them.
var goldenRowSums = map[Type]uint32{
	Q4_0:   0x1ee31d5f,
	Q4_1:   0x232fd34d,
	Q5_0:   0x06b3f4d4,
	Q5_1:   0x33699f82,
	Q8_0:   0xb38fd41a,
	Q4_K:   0x348098f6,
	Q5_K:   0xda9641a9,
	Q6_K:   0x18fb68bd,
	IQ4_NL: 0x530e374f,
	MXFP4:  0xe029d94b,
}

// TestGoldenRows quantizes rows of many kinds to the bytes of ggml.
func TestGoldenRows(t *testing.T) {
	for _, typ := range writtenTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			block, size := typ.Block()
			x := goldenRows(typ)
			b := make([]byte, len(x)/block*size)
			if err := typ.Quantize(b, x); err != nil {
				t.Fatal(err)
			}
			if sum := crc32.ChecksumIEEE(canonical(typ, b)); sum != goldenRowSums[typ] {
				t.Errorf("checksum is %#08x, of ggml %#08x", sum, goldenRowSums[typ])
			}
		})
	}
}
