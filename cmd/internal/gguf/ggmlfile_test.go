package gguf

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"os"
	"slices"
	"testing"
)

// TestWrittenByGGML reads a file that ggml wrote. The values are what ggml
// reads, by their checksums.
func TestWrittenByGGML(t *testing.T) {
	data, err := os.ReadFile("testdata/ggml.gguf")
	if err != nil {
		t.Fatal(err)
	}
	f := mustParse(t, data)
	for key, want := range map[string]string{
		"general.architecture": "llama", "general.name": "Größe", "general.file_type": "0",
		"a.u8": "200", "a.i8": "-100", "a.u16": "60000", "a.i16": "-30000", "a.i32": "-2000000000",
		"a.u64": "18446744073709551615", "a.i64": "-9223372036854775808", "a.f32": "0.1", "a.f64": "0.1", "a.bool": "true",
		"tokenizer.ggml.tokens": "string[4]", "tokenizer.ggml.scores": "float32[4]", "a.bools": "bool[3]",
	} {
		if got, err := f.Text(key); err != nil || got != want {
			t.Errorf("%s is %q, want %q: %v", key, got, want, err)
		}
	}
	want := []struct {
		name  string
		shape []int
		sum   uint32
	}{
		{"0.F32.weight", []int{5, 64}, 0xe6f38bb8},
		{"1.F16.weight", []int{3, 96}, 0x90a511ff},
		{"2.BF16.weight", []int{7, 32}, 0xb1dbb2d0},
		{"3.F32.weight", []int{2, 3, 32}, 0xe97b84ea},
		{"4.F32.weight", []int{2, 2, 2, 64}, 0xa2f0d5ac},
		{"5.F32.weight", []int{45}, 0xea107fe9},
		{"6.F32.weight", []int{3, 45}, 0x56d8d7e0},
		{"7.Q8_0.weight", []int{2, 64}, 0xb596f189},
		{"8.Q4_0.weight", []int{2, 64}, 0x45f2f455},
		{"9.Q4_1.weight", []int{2, 64}, 0x8cfd9dba},
		{"10.Q5_0.weight", []int{2, 64}, 0x9dc72345},
		{"11.Q5_1.weight", []int{2, 64}, 0x5bae606f},
		{"12.Q4_K.weight", []int{2, 256}, 0x40e2cb63},
		{"13.I32.weight", []int{3}, 0xa7559ba6},
	}
	if len(f.Tensors) != len(want) {
		t.Fatalf("%d tensors, want %d", len(f.Tensors), len(want))
	}
	for i, w := range want {
		got := f.Tensors[i]
		if got.Name != w.name || !slices.Equal(got.Shape, w.shape) {
			t.Errorf("tensor %d is %+v, want %+v", i, got, w)
		}
		x := make([]float32, got.Elements())
		if err := f.ReadFloats(i, x, 0); err != nil {
			t.Fatal(err)
		}
		var b []byte
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		if sum := crc32.ChecksumIEEE(b); sum != w.sum {
			t.Errorf("values of %s have the checksum %#x, want %#x", w.name, sum, w.sum)
		}
	}
}
