//go:build ggml && linux && amd64

// Tests against ggml itself, by way of its library:
//
//	QUANT_GGML=folder/with/libggml-base.so go test -tags=ggml ./internal/gguf
package gguf

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/ebitengine/purego"
)

var (
	ggmlRows  = flag.Int("rows", 500_000, "random rows of 32 elements that each comparison with ggml takes")
	ggmlExact = flag.Bool("halves", false, "compare the conversion to float16 of all float32 instead of a sample")
)

// ggml is the functions of the library that the tests call.
type ggml struct {
	quantizeChunk  func(t Type, src *float32, dst *byte, start, rows, perRow int64, imatrix *float32) uint64
	halves, brains func(x *byte, y *float32, n int64)
	toHalf         func(x *float32, y *uint16, n int64)
	valid          func(t Type, data *byte, n uint64) bool
	typeName       func(t Type) string
	blockLen       func(t Type) int64
	typeSize       func(t Type) uint64
}

func loadGGML(t *testing.T) *ggml {
	t.Helper()
	lib := openGGML(t)
	g := new(ggml)
	for name, f := range map[string]any{
		"ggml_quantize_chunk":    &g.quantizeChunk,
		"ggml_fp16_to_fp32_row":  &g.halves,
		"ggml_bf16_to_fp32_row":  &g.brains,
		"ggml_fp32_to_fp16_row":  &g.toHalf,
		"ggml_validate_row_data": &g.valid,
		"ggml_type_name":         &g.typeName,
		"ggml_blck_size":         &g.blockLen,
		"ggml_type_size":         &g.typeSize,
	} {
		purego.RegisterLibFunc(f, lib, name)
	}
	return g
}

func openGGML(t *testing.T) uintptr {
	t.Helper()
	folder := os.Getenv("QUANT_GGML")
	if folder == "" {
		t.Fatal("QUANT_GGML does not say where libggml-base.so is")
	}
	lib, err := purego.Dlopen(filepath.Join(folder, "libggml-base.so"), purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		t.Fatal(err)
	}
	return lib
}

// rows makes rows of 32 elements, of many kinds.
type rows struct{ r *rand.Rand }

func newRows(seed uint64) rows { return rows{rand.New(rand.NewPCG(seed, 32))} }

// fill makes x one row and returns what kind it is.
func (r rows) fill(x []float32) string {
	normal := func() float32 { return float32(r.r.NormFloat64()) }
	kind := r.r.IntN(16)
	switch kind {
	case 0, 1, 2:
		s := float32(math.Exp2(float64(r.r.IntN(30) - 20)))
		for i := range x {
			x[i] = normal() * s
		}
		return "normal"
	case 3:
		for i := range x {
			x[i] = r.r.Float32()*2 - 1
		}
		return "uniform"
	case 4:
		for i := range x {
			x[i] = normal() * float32(math.Exp(3*r.r.NormFloat64()))
		}
		return "heavy tails"
	case 5, 6:
		// Multiples of half a step, of which the largest makes the scale.
		s := float32(math.Exp2(float64(r.r.IntN(40) - 26)))
		most, steps := float32(127), 254
		if kind == 6 {
			most, steps = 8, 16
		}
		for i := range x {
			x[i] = float32(r.r.IntN(2*steps+1)-steps) / 2 * s
		}
		x[r.r.IntN(len(x))] = most * s * float32(1-2*r.r.IntN(2))
		return "ties"
	case 7:
		// Next to ties.
		for i := range x {
			v := float32(r.r.IntN(509)-254) / 2
			x[i] = math.Float32frombits(math.Float32bits(v) + uint32(r.r.IntN(3)) - 1)
			if v == 0 {
				x[i] = 0
			}
		}
		x[r.r.IntN(len(x))] = 127
		return "next to ties"
	case 8:
		for i := range x {
			x[i] = math.Float32frombits(math.Float32bits(normal()) &^ 0xffff)
		}
		return "bfloat16"
	case 9:
		for i := range x {
			x[i] = halves[toHalf(normal())]
		}
		return "float16"
	case 10:
		e := r.r.IntN(60) // of subnormals and what is near them
		for i := range x {
			x[i] = normal() * float32(math.Exp2(float64(e-149)))
		}
		return "tiny"
	case 11:
		for i := range x {
			x[i] = normal() * float32(math.Exp2(float64(r.r.IntN(20)+10)))
		}
		return "huge"
	case 12:
		// The same magnitude with both signs.
		v := normal()
		for i := range x {
			x[i] = v * float32(1-2*r.r.IntN(2)) * float32(r.r.IntN(2))
		}
		return "two values"
	case 13:
		for i := range x {
			x[i] = math.Float32frombits(uint32(r.r.IntN(2)) << 31)
		}
		if r.r.IntN(2) == 0 {
			x[r.r.IntN(len(x))] = normal()
		}
		return "zeros"
	case 14:
		v := normal()
		for i := range x {
			x[i] = v
		}
		return "constant"
	}
	// Any finite values below a random exponent.
	most := r.r.Uint32N(0x4b000000)
	for i := range x {
		x[i] = math.Float32frombits(r.r.Uint32()&(1<<31) | r.r.Uint32N(most+1))
	}
	return "any bits"
}

// parallelRows calls f on every core, each with its share of the rows.
func parallelRows(t *testing.T, f func(t *testing.T, r rows, n int)) {
	cores := runtime.GOMAXPROCS(0)
	t.Run("rows", func(t *testing.T) {
		for i := range cores {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				f(t, newRows(uint64(i)), *ggmlRows/cores)
			})
		}
	})
}

// TestGGMLWiden compares what all values of 16 bits stand for.
func TestGGMLWiden(t *testing.T) {
	g := loadGGML(t)
	src := make([]byte, 1<<17)
	for i := range 1 << 16 {
		src[2*i], src[2*i+1] = byte(i), byte(i>>8)
	}
	got, want := make([]float32, 1<<16), make([]float32, 1<<16)
	for typ, reference := range map[Type]func(x *byte, y *float32, n int64){F16: g.halves, BF16: g.brains} {
		reference(&src[0], &want[0], 1<<16)
		typ.Dequantize(got, src)
		for i, v := range got {
			if math.Float32bits(v) != math.Float32bits(want[i]) && (v == v || want[i] == want[i]) {
				t.Errorf("%s %04x is %v, by ggml %v", typ, i, v, want[i])
			}
		}
	}
}

// TestGGMLHalf compares the conversion to float16.
func TestGGMLHalf(t *testing.T) {
	g := loadGGML(t)
	const batch = 1 << 16
	step := uint64(251) // of a sample, coprime to powers of two
	if *ggmlExact {
		step = 1
	}
	x, want := make([]float32, batch), make([]uint16, batch)
	for at := uint64(0); at < 1<<32; at += batch * step {
		for i := range x {
			x[i] = math.Float32frombits(uint32(at + uint64(i)*step))
		}
		g.toHalf(&x[0], &want[0], batch)
		for i, v := range x {
			if got := toHalf(v); got != want[i] {
				t.Fatalf("%v (%08x) is %04x, by ggml %04x", v, math.Float32bits(v), got, want[i])
			}
		}
	}
}

// TestGGMLTypes compares the table of types.
func TestGGMLTypes(t *testing.T) {
	g := loadGGML(t)
	for i := range types {
		typ := Type(i)
		block, size := typ.Block()
		if g.blockLen(typ) == 0 {
			continue // removed
		}
		// ggml's names are in small letters but for the K of some.
		if name := g.typeName(typ); !strings.EqualFold(name, typ.String()) || g.blockLen(typ) != int64(block) || g.typeSize(typ) != uint64(size) {
			t.Errorf("type %d is %s, %d elements in %d bytes; by ggml %s, %d in %d",
				i, typ, block, size, name, g.blockLen(typ), g.typeSize(typ))
		}
	}
}
