package gguf

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestReadParts reads parts that begin and end inside blocks, of every type that
// has blocks.
func TestReadParts(t *testing.T) {
	for _, typ := range blockTypes() {
		t.Run(typ.String(), func(t *testing.T) {
			block, _ := typ.Block()
			n := goldenCount * block
			f := mustParse(t, newBuilder().tensor("w", typ, goldenBlocks(typ), uint64(block), goldenCount).Bytes())
			whole := make([]float32, n)
			if err := f.ReadFloats(0, whole, 0); err != nil {
				t.Fatal(err)
			}
			if sum := checksum(whole); sum != goldenSums[typ] {
				t.Fatalf("checksum of all elements is %#08x, want %#08x", sum, goldenSums[typ])
			}
			for _, part := range [][2]int{
				{0, 1}, {1, 2}, {block - 1, block + 1}, {block, 2 * block}, {block / 2, 5*block/2 + 1},
				{1, n}, {0, n - 1}, {n - 1, n}, {n - block, n}, {n, n}, {7, 7},
			} {
				got := make([]float32, part[1]-part[0])
				if err := f.ReadFloats(0, got, part[0]); err != nil || checksum(got) != checksum(whole[part[0]:part[1]]) {
					t.Errorf("elements %v differ, or %v", part, err)
				}
			}
		})
	}
}

// TestReadNumbers reads the types of numbers.
func TestReadNumbers(t *testing.T) {
	u16 := func(v ...int16) (b []byte) {
		for _, v := range v {
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		}
		return b
	}
	i32 := func(v ...int32) (b []byte) {
		for _, v := range v {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
		return b
	}
	i64 := func(v ...int64) (b []byte) {
		for _, v := range v {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
		return b
	}
	f64 := func(v ...float64) (b []byte) {
		for _, v := range v {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
		return b
	}
	inf := float32(math.Inf(1))
	for _, test := range []struct {
		name  string
		t     Type
		bytes []byte
		want  []float32
		err   string
	}{
		{"bytes", I8, []byte{0, 127, 128, 255}, []float32{0, 127, -128, -1}, ""},
		{"words", I16, u16(32767, -32768), []float32{32767, -32768}, ""},
		{"rounded to even", I32, i32(1<<24+1, 1<<24+3, math.MinInt32), []float32{1 << 24, 1<<24 + 4, math.MinInt32}, ""},
		{"large", I64, i64(math.MaxInt64, -1<<40-1), []float32{1 << 63, -1 << 40}, ""},
		{"doubles", F64, f64(0.1, math.Inf(-1), 1e-50, math.MaxFloat32), []float32{0.1, -inf, 0, math.MaxFloat32}, ""},
		{"too large", F64, f64(1, math.Inf(1), -1e39), nil, `tensor "w": -1e+39 at index 2 overflows float32`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, size := test.t.Block()
			n := len(test.bytes) / size
			f := mustParse(t, newBuilder().tensor("w", test.t, test.bytes, uint64(n)).Bytes())
			got := make([]float32, n)
			err := f.ReadFloats(0, got, 0)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("error is %v, want %s", err, test.err)
				}
				return
			}
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("elements are %v, want %v: %v", got, test.want, err)
			}
		})
	}
}

// TestTypes checks what is known of types beside the table.
func TestTypes(t *testing.T) {
	for i := range types {
		typ := Type(i)
		block, size := typ.Block()
		got, err := ParseType(strings.ToLower(typ.String()))
		if size > 0 && (err != nil || got != typ) || size == 0 && err == nil {
			t.Errorf("%s is parsed as %s: %v", typ, got, err)
		}
		if block > SuperBlockLen {
			t.Errorf("%s has blocks of %d elements", typ, block)
		}
	}
	for typ, want := range map[Type]float64{
		F32: 32, Q4_0: 4.5, Q4_K: 4.5, Q6_K: 6.5625, IQ1_S: 1.5625, IQ2_XXS: 2.0625, TQ1_0: 1.6875, MXFP4: 4.25, NVFP4: 4.5, I64: 64, 4: 0, 99: 0,
	} {
		if got := typ.BitsPerWeight(); got != want {
			t.Errorf("%s has %v bits per weight, want %v", typ, got, want)
		}
	}
	for typ, want := range map[Type]string{
		31: "elements of Q4_0_4_4 (type 31 of ggml) are not read",
		99: "elements are of type 99 of ggml, which is not known and not read",
	} {
		f := mustParse(t, newBuilder().tensor("w", typ, make([]byte, 18), 32).Bytes())
		if err := f.ReadFloats(0, make([]float32, 32), 0); err == nil || err.Error() != `tensor "w": `+want {
			t.Errorf("error of %s is %v, want %s", typ, err, want)
		}
	}
}
