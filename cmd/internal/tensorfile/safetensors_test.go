package tensorfile

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"
)

func TestSafetensors(t *testing.T) {
	// Listed in another order than the data; with blanks after the header.
	data := safetensors(`{"__metadata__":{"format":"pt","x":""},
		"half":{"dtype":"F16","shape":[2],"data_offsets":[12,16]},
		"scalar":{"dtype":"F64","shape":[],"data_offsets":[0,8],"unknown":{"a":[1,{"b":null}]}},
		"none":{"dtype":"F32","shape":[0,2147483647,9],"data_offsets":[12,12]},
		"brain":{"data_offsets":[8,12],"shape":[1,2],"dtype":"BF16"},
		"new":{"dtype":"F99","shape":[7],"data_offsets":[16,19]}}   `,
		"\x00\x00\x00\x00\x00\x00\x1c\x40"+"\x80\x3f\xc0\xff"+"\x00\x3c\x01\x80"+"new")
	f, err := parse("", data)
	if err != nil {
		t.Fatal(err)
	}
	if f.Kind != "safetensors" || len(f.Metadata) != 2 || f.Metadata["format"] != "pt" {
		t.Errorf("%s with %v", f.Kind, f.Metadata)
	}
	wantTensor(t, f, 0, "scalar", []int{1}, []float32{7})
	wantTensor(t, f, 1, "brain", []int{1, 2}, []float32{1, math.Float32frombits(0xffc00000)})
	wantTensor(t, f, 2, "none", []int{0, math.MaxInt32, 9}, []float32{})
	wantTensor(t, f, 3, "half", []int{2}, []float32{1, -0x1p-24})
	want := Info{Name: "new", DType: "F99", Shape: []int{7}, Bytes: 3}
	if got := f.Tensors()[4]; got.DType != want.DType || got.Bytes != 3 || got.Floating {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestSafetensorsEmpty(t *testing.T) {
	f, err := parse("", safetensors("{}      ", ""))
	if err != nil || len(f.Tensors()) != 0 || f.Metadata != nil {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestSafetensorsTypes(t *testing.T) {
	for dtype, bits := range safetensorsBits {
		size := bits // of eight elements
		header := fmt.Sprintf(`{"x":{"dtype":%q,"shape":[2,4],"data_offsets":[0,%d]}}`, dtype, size)
		f, err := parse("", safetensors(header, strings.Repeat("\x00", size)))
		if err != nil {
			t.Errorf("%s: %v", dtype, err)
			continue
		}
		floating := dtype[0] == 'F' || dtype == "BF16"
		if got := f.Tensors()[0]; got.DType != dtype || got.Bytes != int64(size) || got.Floating != floating {
			t.Errorf("%+v", got)
		}
		if _, err := f.Load(0); (err == nil) != floating {
			t.Errorf("%s: %v", dtype, err)
		}
	}
}

func TestSafetensorsErrors(t *testing.T) {
	// tensor returns an entry of a header.
	tensor := func(name, dtype, shape string, begin, end int64) string {
		return fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, name, dtype, shape, begin, end)
	}
	length := func(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }
	for _, c := range []struct{ header, data, err string }{
		{"{}", "x", "1 bytes after the data of the last tensor"},
		{"", "", "zeros where the length of the header should be: the file is damaged; download it again"},
		{" {}", "", "header does not begin with {"},
		{"[]", "", "header does not begin with {"},
		{"{", "", "header ends too early"},
		{`{"a`, "", "header ends too early"},
		{`{"a":`, "", "tensor \"a\": header ends too early"},
		{`{"a"`, "", "tensor \"a\": header ends too early"},
		{"{} {}", "", "header goes on after its closing }"},
		{"{}\x00", "", "header goes on after its closing }"},
		{"{\"\xff\":1}", "", "header is not UTF-8"},
		{`{"a":1}`, "", `tensor "a": 1 where { should be`},
		{`{"a":{}}`, "", `tensor "a": no dtype`},
		{`{"a":{"dtype":"F32"}}`, "", `tensor "a": no shape`},
		{`{"a":{"dtype":"F32","shape":[]}}`, "", `tensor "a": no data_offsets`},
		{`{"a":{"dtype":null}}`, "", `tensor "a": dtype: null where a string should be`},
		{`{"a":{"shape":{}}}`, "", `tensor "a": shape: { where [ should be`},
		{`{"a":{"shape":["1"]}}`, "", `tensor "a": shape: "1" where a number should be`},
		{`{"a":{"shape":[-1]}}`, "", `tensor "a": shape: -1 is not a natural number`},
		{`{"a":{"shape":[1.0]}}`, "", `tensor "a": shape: 1.0 is not a natural number`},
		{`{"a":{"shape":[9223372036854775808]}}`, "", `tensor "a": shape: 9223372036854775808 is too large`},
		{`{"a":{"shape":[` + strings.Repeat("1,", 64) + `1]}}`, "", `tensor "a": shape: more than 64 axes`},
		{`{"a":{"data_offsets":[0]}}`, "", `tensor "a": data_offsets: fewer than two`},
		{`{"a":{"data_offsets":[0,1,2]}}`, "", `tensor "a": data_offsets: more than two`},
		{`{"a":{"data_offsets":[0,18446744073709551616]}}`, "", `tensor "a": data_offsets: 18446744073709551616 is too large`},
		{`{"__metadata__":{"a":1}}`, "", `__metadata__: 1 where a string should be`},
		{`{"__metadata__":{"a":"","a":""}}`, "", `__metadata__: key "a" twice`},
		{`{"__metadata__":{},"__metadata__":{}}`, "", `key "__metadata__" twice`},
		{`{"a":{"dtype":"F32","dtype":"F32"}}`, "", `tensor "a": key "dtype" twice`},
		{`{"a":{"x":[{"b":1,"\u0062":1}]}}`, "", `tensor "a": key "b" twice`},
		{`{"a":{"x":` + strings.Repeat("[", 100), "", `tensor "a": header is nested too deeply`},
		{"{" + tensor("a", "U8", "[1]", 0, 1) + "," + tensor("a", "U8", "[1]", 1, 2) + "}", "xx", `key "a" twice`},
		{"{" + tensor("a", "U8", "[1]", 0, 1) + ",}", "x", "header: invalid character '}' looking for beginning of object key string near byte 53"},
		{"{" + tensor("a", "F32", "[2]", 0, 4) + "}", "0123",
			`tensor "a": F32 of shape [2] takes 8 bytes, data_offsets span 4`},
		{"{" + tensor("a", "F4", "[3]", 0, 2) + "}", "01", `tensor "a": 3 elements of 4 bits are not whole bytes`},
		{"{" + tensor("a", "F32", "[4294967296,4294967296]", 0, 0) + "}", "",
			`tensor "a": shape [4294967296 4294967296] has too many elements`},
		{"{" + tensor("a", "U8", "[8]", 8, 0) + "}", "01234567", `tensor "a": data_offsets [8, 0] are reversed`},
		{"{" + tensor("a", "U8", "[4]", 4, 8) + "}", "01234567", `tensor "a": data begins at 4, after a hole that begins at 0`},
		{"{" + tensor("a", "U8", "[4]", 0, 4) + "," + tensor("b", "U8", "[2]", 6, 8) + "}", "01234567",
			`tensor "b": data begins at 6, after a hole that begins at 4`},
		{"{" + tensor("a", "U8", "[4]", 0, 4) + "," + tensor("b", "U8", "[5]", 3, 8) + "}", "01234567",
			`tensor "b": data begins at 3, inside tensor "a"`},
		{"{" + tensor("a", "U8", "[9]", 0, 9) + "}", "01234567",
			`truncated: tensor "a" is cut off, the file has 69 of at least 70 bytes; download or copy it again`},
		{"{" + tensor("a", "F32", "[1000000000000]", 0, 4000000000000) + "}", "0123",
			`truncated: tensor "a" is cut off, the file has 90 of at least 4000000000086 bytes; download or copy it again`},
		{"{" + tensor("a", "U8", "[1]", 0, 1) + "," + tensor("b", "U8", "[9]", 1, 10) + "}", "01234567",
			`truncated: tensor "b" is cut off, the file has 122 of at least 124 bytes; download or copy it again`},
		{"{" + tensor("a", "F32", "[1]", 0, 9223372036854775807) + "}", "0123",
			`tensor "a": data ends at 9223372036854775807, which no file does`},
		{"{" + tensor("a", "U8", "[4]", 0, 4) + "}", "01234567", "4 bytes after the data of the last tensor"},
		{"{" + tensor(strings.Repeat("n", 99), "U8", "[4]", 0, 3) + "}", "012",
			`tensor "` + strings.Repeat("n", 64) + `…": U8 of shape [4] takes 4 bytes, data_offsets span 3`},
	} {
		_, err := parse("x.safetensors", safetensors(c.header, c.data))
		wantError(t, err, "safetensors: "+c.err)
	}
	for _, c := range []struct{ data, err string }{
		{"1234567", "truncated: the length of the header is cut off, the file has 7 of at least 8 bytes; download or copy it again"},
		{length(100_000_001) + "{}", "it does not begin as such a file: a header of 100000001 bytes would be longer than 100000000"},
		{length(1<<63) + "{}", "it does not begin as such a file: a header of 9223372036854775808 bytes would be longer than 100000000"},
		{length(3) + "{}", "truncated: the header is cut off, the file has 10 of at least 11 bytes; download or copy it again"},
		{length(3) + "xy", "it does not begin as such a file: a header of 3 bytes is longer than the file of 10"},
	} {
		_, err := parse("x.safetensors", c.data)
		wantError(t, err, "safetensors: "+c.err)
	}
}

func TestSafetensorsOverflow(t *testing.T) {
	data := binary.LittleEndian.AppendUint64(make([]byte, 8), math.Float64bits(-1e40))
	f, err := parse("", safetensors(`{"w":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}}`, string(data)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Load(0)
	wantError(t, err, `safetensors: tensor "w": -1e+40 at index 1 overflows float32`)
}
