package gguf

import (
	"bytes"
	"errors"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, version := range []uint32{2, 3} {
		b := newBuilder()
		b.Version = version
		b.value("general.architecture", String, str("llama")).
			value("general.alignment", Uint32, u32(64)).
			value("a.nested", Array, u32(uint32(Array)), u64(2),
				u32(uint32(String)), u64(2), str("x"), str(""), u32(uint32(Int16)), u64(1), []byte{1, 2}).
			value("a.int8", Int8, []byte{0xff})
		b.Align = 64
		b.tensor("w", F32, floats(1, 2, 3, 4, 5, 6), 3, 2).
			tensor("norm", F32, floats(7), 1).
			tensor("scalar", F32, floats(8)).
			tensor("q", 31, make([]byte, 2*144), 256, 2)
		data := b.Bytes()
		f := mustParse(t, data)
		if f.Version != version || f.Align != 64 || len(f.Metadata) != 4 || f.DataStart%64 != 0 {
			t.Errorf("file is %+v", f)
		}
		start := f.DataStart
		want := []Tensor{
			{"w", F32, []int{2, 3}, 24, start, 0},
			{"norm", F32, []int{1}, 4, start + 64, 0},
			{"scalar", F32, []int{}, 4, start + 128, 0},
			{"q", 31, []int{2, 256}, 288, start + 192, 0},
		}
		if !slices.EqualFunc(f.Tensors, want, func(a, b Tensor) bool {
			return a.Name == b.Name && a.Type == b.Type && slices.Equal(a.Shape, b.Shape) && a.Bytes == b.Bytes && a.Offset == b.Offset
		}) {
			t.Errorf("tensors are %v, want %v", f.Tensors, want)
		}
		got := make([]float32, 3)
		if err := f.ReadFloats(0, got, 2); err != nil || !slices.Equal(got, []float32{3, 4, 5}) {
			t.Errorf("elements are %v: %v", got, err)
		}
		if err := f.ReadFloats(2, got[:1], 0); err != nil || got[0] != 8 {
			t.Errorf("scalar is %v: %v", got[0], err)
		}
		if err := f.ReadFloats(3, got, 0); err == nil || err.Error() != `tensor "q": elements of Q4_0_4_4 (type 31 of ggml) are not read` {
			t.Errorf("reading Q4_0_4_4: %v", err)
		}
	}
}

func TestText(t *testing.T) {
	f := mustParse(t, newBuilder().
		value("uint8", Uint8, []byte{200}).
		value("int8", Int8, []byte{200}).
		value("uint16", Uint16, []byte{0, 200}).
		value("int16", Int16, []byte{0, 200}).
		value("uint32", Uint32, u32(4e9)).
		value("int32", Int32, u32(4e9)).
		value("float32", Float32, u32(math.Float32bits(0.1))).
		value("bool", Bool, []byte{1}).
		value("string", String, str("gr\u00fc\u00df")).
		value("array", Array, u32(uint32(Uint64)), u64(2), u64(1), u64(2)).
		value("uint64", Uint64, u64(math.MaxUint64)).
		value("int64", Int64, u64(math.MaxUint64)).
		value("float64", Float64, u64(math.Float64bits(0.1))).
		Bytes())
	want := map[string]string{
		"uint8": "200", "int8": "-56", "uint16": "51200", "int16": "-14336", "uint32": "4000000000", "int32": "-294967296",
		"float32": "0.1", "bool": "true", "string": "gr\u00fc\u00df", "array": "uint64[2]",
		"uint64": "18446744073709551615", "int64": "-1", "float64": "0.1", "none": "",
	}
	for key, text := range want {
		if got, err := f.Text(key); err != nil || got != text {
			t.Errorf("%s is %q, want %q: %v", key, got, text, err)
		}
		if v := f.find(key); v != nil && v.Type.String() != key {
			t.Errorf("type of %s is %s", key, v.Type)
		}
	}
}

func TestParseErrors(t *testing.T) {
	good := func() *builder { return newBuilder().tensor("w", F32, floats(1, 2), 2) }
	array := func(elem ValueType, n uint64) []byte { return cat(u32(uint32(elem)), u64(n)) }
	var nested [][]byte
	for range 9 {
		nested = append(nested, array(Array, 1))
	}
	header := func(version uint32, tensors, values uint64) []byte {
		return cat([]byte(Magic), u32(version), u64(tensors), u64(values), make([]byte, 100))
	}
	whole := good().Bytes()
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "file of 0 bytes is shorter than a header"},
		{"magic", header(3, 0, 0)[4:], `file does not begin with "GGUF"`},
		{"version 1", header(1, 0, 0), "version 1 is not read, only 2 and 3"},
		{"version 4", header(4, 0, 0), "version 4 is not read, only 2 and 3"},
		{"big-endian", header(3<<24, 0, 0), "file of version 3 has the most significant byte first, which is not read"},
		{"tensors", header(3, 1<<60, 0), "truncated or damaged: header claims 1152921504606846976 tensors, in a file of 124 bytes"},
		{"pairs", header(3, 0, math.MaxUint64), "truncated or damaged: header claims 18446744073709551615 pairs of metadata, in a file of 124 bytes"},
		{"no key", good().value("", Uint8, []byte{1}).Bytes(), "metadata 0 of 1: at byte 24: key is empty"},
		{"long key", good().value(strings.Repeat("k", 1<<16), Uint8, []byte{1}).Bytes(), "metadata 0 of 1: at byte 24: a key of 65536 bytes, where 65535 are allowed"},
		{"same key", good().value("k", Uint8, []byte{1}).value("k", Uint8, []byte{1}).Bytes(), `key "k" occurs twice`},
		{"value type", good().value("k", 13, u64(0)).Bytes(), `key "k": at byte 37: values are of an unknown type, 13`},
		{"element type", good().value("k", Array, array(99, 1)).Bytes(), `key "k": at byte 49: values are of an unknown type, 99`},
		{"long array", good().value("k", Array, array(Uint64, 1<<61)).Bytes(), `key "k": at byte 49: truncated: file ends at 128`},
		{"long strings", good().value("k", Array, array(String, 1<<61)).Bytes(), `key "k": at byte 66: truncated: file ends at 128`},
		{"long string", good().value("k", String, u64(math.MaxUint64)).Bytes(), `key "k": at byte 45: truncated: file ends at 128`},
		{"deep array", good().value("k", Array, nested...).Bytes(), `key "k": at byte 121: arrays are nested more than 8 deep`},
		{"type of alignment", good().value("general.alignment", Uint64, u64(32)).Bytes(), `key "general.alignment": value is uint64, not uint32`},
		{"alignment", good().value("general.alignment", Uint32, u32(48)).Bytes(), `key "general.alignment": 48 is no power of two`},
		{"no alignment", good().value("general.alignment", Uint32, u32(0)).Bytes(), `key "general.alignment": 0 is no power of two`},
		{"long name", good().tensor(strings.Repeat("n", 1<<16), F32, floats(1), 1).Bytes(), "tensor 1 of 2: at byte 57: a name of 65536 bytes, where 65535 are allowed"},
		{"same name", good().tensor("w", F32, floats(1), 1).Bytes(), `two tensors are named "w"`},
		{"axes", good().tensor("x", F32, floats(1), 1, 1, 1, 1, 1).Bytes(), `tensor 1 of 2: tensor "x": 5 axes, where 4 are allowed`},
		{"elements", good().tensor("x", F32, floats(1), 1<<40, 1<<40).Bytes(), `tensor 1 of 2: tensor "x": shape [1099511627776 1099511627776] has too many elements`},
		{"rows", good().tensor("x", Q8_0, floats(1), 16, 2).Bytes(), `tensor 1 of 2: tensor "x": rows of 16 elements are not whole blocks of Q8_0, which have 32`},
		{"offset", good().info("x", F32, 16, 1).Bytes(), `tensor "x": data begin at 16, which is no multiple of 32`},
		{"far offset", good().info("x", F32, 1<<62, 1).Bytes(), `tensor "x": 4 bytes of data from 4611686018427388000 on are not in the file of 128 bytes, which is truncated`},
		{"huge offset", good().info("x", F32, 1<<63, 1).Bytes(), `tensor 1 of 2: tensor "x": data begins at 9223372036854775808, outside the file`},
		{"outside", good().info("x", F32, 32, 1).Bytes(), `tensor "x": 4 bytes of data from 128 on are not in the file of 128 bytes, which is truncated`},
		{"gap", cat(newBuilder().info("w", Q4_0, 0, 32).info("x", Q4_0, 64, 32).Bytes(), make([]byte, 128)),
			`tensor "w": data of Q4_0 end at 114, and the next tensor begins at 160: type 2 of this file is not that of ggml`},
		{"overlap", good().info("x", F32, 0, 1).Bytes(), `tensor "x": data end at 100, inside tensor "w"`},
		{"no data", good().Header(), "truncated: file ends at byte 57, before the data of its tensors"},
		{"cut name", whole[:50], "tensor 0 of 1: tensor \"w\": at byte 49: truncated: file ends at 50"},
	}
	for _, test := range tests {
		_, err := parse(test.data)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: error is %v, want %s", test.name, err, test.want)
		}
	}
}

// TestTruncated cuts a file at every byte.
func TestTruncated(t *testing.T) {
	data := newBuilder().
		value("s", String, str("text")).
		value("a", Array, u32(uint32(String)), u64(2), str("x"), str("y")).
		tensor("w", F32, floats(1, 2), 2).Bytes()
	end := len(data) - 24 // of the tensor's data; padding may be absent
	for n := range data {
		_, err := parse(data[:n])
		if (err == nil) != (n >= end) {
			t.Errorf("%d of %d bytes: %v", n, len(data), err)
		}
		if err != nil {
			checkError(t, err)
		}
	}
}

// TestUnknownType lists tensors of types that came after this package.
func TestUnknownType(t *testing.T) {
	f := mustParse(t, newBuilder().tensor("new", 99, make([]byte, 64), 1000, 3).tensor("w", F32, floats(1), 1).Bytes())
	if got := f.Tensors[0]; got.Bytes != 64 || got.Type.String() != "type 99" || got.Type.Readable() {
		t.Errorf("tensor is %+v", got)
	}
}

// TestTokenizer checks that strings of the metadata take no memory.
func TestTokenizer(t *testing.T) {
	const n = 200_000
	tokens := cat(u32(uint32(String)), u64(n), bytes.Repeat(str("token of the vocabulary"), n))
	data := newBuilder().value("tokenizer.ggml.tokens", Array, tokens).tensor("w", F32, floats(1), 1).Bytes()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f := mustParse(t, data)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<18 {
		t.Errorf("%d bytes allocated", used)
	}
	if got, err := f.Text("tokenizer.ggml.tokens"); err != nil || got != "string[200000]" {
		t.Errorf("tokens are %s: %v", got, err)
	}
}

// failing is a file that cannot be read from an offset on.
type failing struct {
	data []byte
	from int64
}

var errDisk = errors.New("disk on fire")

func (f failing) ReadAt(b []byte, off int64) (int, error) {
	n := copy(b, f.data[min(off, f.from):f.from])
	if n < len(b) {
		return n, errDisk
	}
	return n, nil
}

func TestReadErrors(t *testing.T) {
	data := newBuilder().tensor("w", Q8_0, make([]byte, 34*4096), 64, 2048).Bytes()
	f, err := Parse(failing{data, int64(len(data))}, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	start := f.DataStart
	f.parts[0].r = failing{data, start + 34*3000}
	dst := make([]float32, 131072)
	if err := f.ReadFloats(0, dst, 0); !errors.Is(err, errDisk) || !strings.HasPrefix(err.Error(), `tensor "w": at byte `) {
		t.Errorf("error is %v", err)
	}
	if _, err := Parse(failing{data, 10}, int64(len(data))); !errors.Is(err, errDisk) {
		t.Errorf("error is %v", err)
	}
	if _, err := Parse(io.NewSectionReader(bytes.NewReader(data), 0, 100), int64(len(data))); err == nil {
		t.Error("a file shorter than it claimed was read")
	}
}
