package quant

import (
	"math/rand/v2"
	"testing"
)

// packedBooks are the codebooks of 4 bits.
func packedBooks() []Format { return []Format{NF4, E2M1, crowded, even} }

// TestQuantizeBookPacked compares the kernel with its definition at every length, next to guard
// pages and at all alignments, with special values and scales that are not served.
func TestQuantizeBookPacked(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		if quantizeBookPacked(make([]byte, 1), []float32{0}, 1, []float32{1}, NF4.book()) != (active == avx512) {
			t.Fatalf("a kernel is there, or not, for %v", active)
		} else if active != avx512 {
			return
		}
		rng := rand.New(rand.NewPCG(21, 22))
		h := bookPacked{t, newArea(t, 4*longest), newArea(t, longest), newArea(t, 4*longest)}
		var shapes []shape
		for _, n := range lengths(150, 511, 512, 513, 1000, blockLen) {
			shapes = append(shapes, shape{n: n, run: n}, shape{n: n, run: 1 << 30})
		}
		for _, run := range []int{16, 32, 48, 64, 80, 128} {
			for _, n := range []int{run - 1, run + 1, 2 * run, 3*run + 5, 15*run + 8, 16 * run, 17*run + 17, 37 * run} {
				shapes = append(shapes, shape{n: n, run: run})
			}
		}
		for _, f := range packedBooks() {
			for i, s := range shapes {
				p := newProblem(rng, s, grids(8)[0])
				for _, end := range ends {
					h.check(f.book(), p, end, end)
					h.check(f.book(), p, end, i%67)
				}
			}
			p := newProblem(rng, shape{n: 333, run: 48}, grids(8)[0])
			for at := range 65 {
				h.check(f.book(), p, at%17, at)
			}
		}
		if p := newProblem(rng, shape{n: 60, run: 20}, grids(8)[0]); quantizeBookPacked(make([]byte, 30), p.src, 20, p.scale, NF4.book()) {
			t.Error("a kernel serves runs of 20")
		}
	})
}

type bookPacked struct {
	t                *testing.T
	src, dst, scales *area
}

func (h *bookPacked) check(b *codebook, p *problem, srcAt, dstAt int) {
	h.t.Helper()
	want := make([]byte, PackedLen(p.n, 4))
	quantizeBookPackedGeneric(want, p.src, p.run, p.scale, b)
	src, dst := put(h.src, p.src, srcAt), place[byte](h.dst, len(want), dstAt)
	if !quantizeBookPacked(dst, src, p.run, put(h.scales, p.scale, srcAt), b) {
		h.t.Fatalf("%s: no kernel for %v", b.name, p)
	}
	if i := differ(dst, want); i >= 0 {
		h.t.Fatalf("%s: byte %d is %#x, want %#x, of %v (placed at %d, %d)", b.name, i, dst[i], want[i], p.at(2*i), srcAt, dstAt)
	}
	if !h.dst.intact() || !h.src.intact() || differ(src, p.src) >= 0 {
		h.t.Fatalf("%s: memory beside the codes was changed: %v (placed at %d, %d)", b.name, p, srcAt, dstAt)
	}
}

// TestQuantizeBookPackedDefinition compares the definition with quantizing and packing.
func TestQuantizeBookPackedDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	for _, f := range packedBooks() {
		for n := 1; n < 70; n++ {
			p := newProblem(rng, shape{n: n, run: 1 + n%9}, grids(8)[0])
			codes, got, want := make([]uint8, n), make([]byte, PackedLen(n, 4)), make([]byte, PackedLen(n, 4))
			quantizeBookRunsGeneric(codes, p.src, p.run, p.scale, f.book())
			pack8Generic(want, codes, 4)
			quantizeBookPackedGeneric(got, p.src, p.run, p.scale, f.book())
			if i := differ(got, want); i >= 0 {
				t.Fatalf("%v: byte %d is %#x, want %#x, of %v", f, i, got[i], want[i], p)
			}
		}
	}
}

// TestQuantizePackedFormats compares packed codes of whole tensors with codes that are not
// packed, for every granularity and for several parts.
func TestQuantizePackedFormats(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	lengths := []int{1, 15, 16, 17, 40, 63, 64, 65, 250, 1024, 1500}
	if !testing.Short() {
		lengths = append(lengths, partLen/3+8)
	}
	for _, f := range packedBooks() {
		for _, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(1), PerGroup(1, 16), PerGroup(1, 32), PerGroup(1, 64), PerGroup(1, 20)} {
			for _, cols := range lengths {
				x := Tensor{Data: make([]float32, 4*cols), Shape: []int{4, cols}}
				for i := range x.Data {
					x.Data[i] = float32(rng.NormFloat64())
				}
				p, err := Calibrate(x, Scheme{Format: f, Granularity: g})
				if err != nil {
					t.Fatal(err)
				}
				codes, want := make([]uint8, len(x.Data)), make([]byte, PackedLen(len(x.Data), 4))
				if err := QuantizeCodes(codes, x, p); err != nil {
					t.Fatal(err)
				}
				Pack(want, codes, 4)
				q, err := Quantize(x, p)
				if err != nil {
					t.Fatal(err)
				}
				if i := differ(q.Codes, want); i >= 0 {
					t.Fatalf("%v, %v, rows of %d: byte %d is %#x, want %#x", f, g, cols, i, q.Codes[i], want[i])
				}
			}
		}
	}
}

// FuzzQuantizeBookPacked compares the kernel with its definition for any elements, runs and scales.
func FuzzQuantizeBookPacked(f *testing.F) {
	f.Add(seeds(), uint32(0x3dcccccd), uint16(16), uint8(0))
	f.Add(seeds()[40:], uint32(0x17800000), uint16(32), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, scale uint32, run uint16, format uint8) {
		x := floatsOf(data)
		if len(x) == 0 {
			return
		}
		b := packedBooks()[int(format)%len(packedBooks())].book()
		p := fuzzProblem(len(x), scale, 0, 0, run, 0)
		got, want := make([]byte, PackedLen(len(x), 4)), make([]byte, PackedLen(len(x), 4))
		quantizeBookPackedGeneric(want, x, p.run, p.scale, b)
		forEachUsable(func() {
			if quantizeBookPacked(got, x, p.run, p.scale, b) && differ(got, want) >= 0 {
				t.Fatalf("%s, runs of %d, scale %x of %v: %x, want %x", b.name, p.run, p.scale[0], x, got, want)
			}
		})
	})
}
