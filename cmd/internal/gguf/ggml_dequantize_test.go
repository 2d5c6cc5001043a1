//go:build ggml && linux && amd64

package gguf

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/ebitengine/purego"
)

var (
	ggmlBlocks    = flag.Int("blocks", 1<<18, "blocks of each type that are dequantized with ggml")
	ggmlCodebooks = flag.Bool("codebooks", false, "print the codebooks of ggml as words of Go")
)

// symbol returns the name of t in the functions of ggml.
func symbol(t Type) string {
	name := strings.ToLower(t.String())
	if strings.HasSuffix(name, "_k") {
		name = name[:len(name)-1] + "K"
	}
	return name
}

// dequantizer returns ggml's function for t. There is none for Q8_1: its blocks
// are those of Q8_0 with a sum after the scale.
func dequantizer(lib uintptr, t Type) func(x *byte, y *float32, n int64) {
	name := symbol(t)
	if t == Q8_1 {
		name = symbol(Q8_0)
	}
	var f func(x *byte, y *float32, n int64)
	purego.RegisterLibFunc(&f, lib, "dequantize_row_"+name)
	if t != Q8_1 {
		return f
	}
	return func(x *byte, y *float32, n int64) {
		blocks := unsafe.Slice(x, int(n)/32*36)
		var b []byte
		for ; len(blocks) > 0; blocks = blocks[36:] {
			b = append(append(b, blocks[:2]...), blocks[4:36]...)
		}
		f(&b[0], y, n)
	}
}

// TestGGMLDequantize compares the values of random blocks, bit for bit. Any NaN
// equals any other: which one results depends on the processor.
func TestGGMLDequantize(t *testing.T) {
	lib := openGGML(t)
	for _, typ := range blockTypes() {
		reference := dequantizer(lib, typ)
		block, size := typ.Block()
		blocks := *ggmlBlocks
		if typ == MXFP4 || typ == NVFP4 || typ == IQ4_NL {
			blocks = max(blocks, formatBlocks) // formats whose codes are tables of 16 values
		}
		t.Run(typ.String(), func(t *testing.T) {
			for core := range runtime.GOMAXPROCS(0) {
				t.Run(fmt.Sprint(core), func(t *testing.T) {
					t.Parallel()
					r := rand.New(rand.NewPCG(uint64(core), uint64(typ)))
					const batch = 64
					src := make([]byte, batch*size)
					got, want := make([]float32, batch*block), make([]float32, batch*block)
					special := 0
					for range (blocks/runtime.GOMAXPROCS(0) + batch - 1) / batch {
						for i := range batch {
							fillBlock(r, typ, src[i*size:][:size])
						}
						reference(&src[0], &want[0], int64(len(want)))
						typ.Dequantize(got, src)
						for i, v := range got {
							if v-v != 0 {
								special++
							}
							if math.Float32bits(v) != math.Float32bits(want[i]) && (v == v || want[i] == want[i]) {
								t.Fatalf("element %d of %x is %v, by ggml %v", i%block, src[i/block*size:][:size], v, want[i])
							}
						}
					}
					if special == 0 && numbersOf(typ) != nil {
						t.Error("no value was NaN or infinite")
					}
				})
			}
		})
	}
}

// TestGGMLGolden compares ggml with the checksums of TestGoldenBlocks.
func TestGGMLGolden(t *testing.T) {
	lib := openGGML(t)
	for _, typ := range blockTypes() {
		blocks := goldenBlocks(typ)
		block, _ := typ.Block()
		want := make([]float32, goldenCount*block)
		dequantizer(lib, typ)(&blocks[0], &want[0], int64(len(want)))
		if sum := checksum(want); sum != goldenSums[typ] {
			t.Errorf("%s: %#08x,", typ, sum)
		}
	}
}

// TestGGMLCodebooks compares the codebooks of IQ1, IQ2 and IQ3 with those that
// ggml dequantizes with.
func TestGGMLCodebooks(t *testing.T) {
	lib := openGGML(t)
	for _, book := range []struct {
		t      Type
		n      int     // of entries
		vector int     // elements of an entry
		d      float32 // the scale that makes values those of the codebook
		low    int     // offset of the low byte of the first index
		high   int     // offset of its other bits; -1 if there are none
		shift  float32 // of all values
		set    []uint64
		levels []float32
	}{
		{IQ2_XXS, 256, 8, 8, 2, -1, 0, setIQ2XXS[:], levelsIQ2},
		{IQ2_XS, 512, 8, 8, 2, 3, 0, setIQ2XS[:], levelsIQ2},
		{IQ2_S, 1024, 8, 8, 2, 66, 0, setIQ2S[:], levelsIQ2},
		{IQ3_XXS, 256, 4, 4, 2, -1, 0, setIQ3XXS[:], levelsIQ3XXS},
		{IQ3_S, 512, 4, 1, 2, 66, 0, setIQ3S[:], levelsIQ3S},
		{IQ1_S, 2048, 8, 1, 2, 34, shiftIQ1, setIQ1[:], levelsIQ1},
	} {
		t.Run(book.t.String(), func(t *testing.T) {
			dequantize := dequantizer(lib, book.t)
			_, size := book.t.Block()
			words := make([]uint64, len(book.set))
			previous := -1
			for index := range book.n {
				b := make([]byte, size)
				binary.LittleEndian.PutUint16(b, toHalf(book.d))
				b[book.low] = byte(index)
				if book.high >= 0 {
					b[book.high] = byte(index >> 8)
				}
				var x [SuperBlockLen]float32
				dequantize(&b[0], &x[0], int64(len(x)))
				number, unit := 0, 1
				for _, v := range x[:book.vector] {
					level := slices.Index(book.levels, v-book.shift)
					if level < 0 {
						t.Fatalf("entry %d has the value %v", index, v-book.shift)
					}
					number += level * unit
					unit *= len(book.levels)
				}
				if number <= previous {
					t.Fatalf("entry %d is number %d, after %d", index, number, previous)
				}
				previous = number
				words[number/64] |= 1 << (number % 64)
			}
			if *ggmlCodebooks {
				fmt.Printf("%s %#016x\n", book.t, words)
			}
			if !slices.Equal(words, book.set) {
				t.Errorf("words are %#016x", words)
			}
		})
	}
}
