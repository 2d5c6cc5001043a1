package tensorfile

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sample is the array in most of testdata.
var sample = []float32{0.5, -1.25, 3, 1024, float32(math.Copysign(0, -1)), 0x1p-14}

func TestNPY(t *testing.T) {
	for _, pattern := range []string{"f?_?e_?.npy", "version?.npy"} {
		paths, _ := filepath.Glob(filepath.Join("testdata", pattern))
		if len(paths) == 0 {
			t.Fatalf("no %s", pattern)
		}
		for _, path := range paths {
			f, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.Kind != "npy" {
				t.Errorf("%s is %s", path, f.Kind)
			}
			dtype, size := "F32", int64(24)
			switch filepath.Base(path)[:2] {
			case "f2":
				dtype, size = "F16", 12
			case "f8":
				dtype, size = "F64", 48
			}
			if info := f.Tensors()[0]; info.DType != dtype || info.Bytes != size {
				t.Errorf("%s: %+v", path, info)
			}
			wantTensor(t, f, 0, "", []int{2, 3}, sample)
		}
	}
}

func TestNPYShapes(t *testing.T) {
	var counting [24]float32
	for i := range counting {
		counting[i] = float32(i)
	}
	for _, c := range []struct {
		name  string
		shape []int
		want  []float32
	}{
		{"scalar", []int{1}, []float32{2.5}},
		{"empty", []int{0, 3}, []float32{}},
		{"fortran3d", []int{2, 3, 4}, counting[:]},
	} {
		f, err := Open("testdata/" + c.name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		wantTensor(t, f, 0, "", c.shape, c.want)
	}
}

func TestNPYNotFloating(t *testing.T) {
	for _, want := range []struct {
		name string
		Info
	}{
		{"i8", Info{DType: "<i8", Shape: []int{3}, Bytes: 24}},
		{"bool", Info{DType: "|b1", Shape: []int{2}, Bytes: 2}},
		{"c8", Info{DType: "<c8", Shape: []int{2}, Bytes: 16}},
		{"struct", Info{DType: "[('a', '<f4'), ('b', '<i4', (2,))]", Shape: []int{2}, Bytes: 24,
			Unread: `records of "a", "b"; save a field by itself, as a["a"]`}},
		{"object", Info{DType: "|O", Shape: []int{2}, Bytes: 163,
			Unread: "pickled Python objects; save it as numbers, with a.astype(numpy.float32)"}},
		{"unicode", Info{DType: "<U3", Shape: []int{2}, Bytes: 24}},
		{"time", Info{DType: "<M8[ns]", Shape: []int{2}, Bytes: 16}},
	} {
		f, err := Open("testdata/" + want.name + ".npy")
		if err != nil {
			t.Errorf("%s: %v", want.name, err)
			continue
		}
		defer f.Close()
		got := f.Tensors()[0]
		if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) || got.Bytes != want.Bytes || got.Floating {
			t.Errorf("%s: %+v, want %+v", want.name, got, want.Info)
		}
		_, err = f.Load(0)
		if got.Unread != want.Unread {
			t.Errorf("%s: %q, want %q", want.name, got.Unread, want.Unread)
		}
		if want.Unread != "" {
			wantError(t, err, "npy: elements of type "+want.DType+" are not read: "+want.Unread)
			continue
		}
		wantError(t, err, "npy: elements are "+want.DType+", not floating-point numbers")
	}
}

func TestNPYHeaders(t *testing.T) {
	for _, header := range []string{
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1L,), }   \n",
		"{\"shape\":(1,),\"fortran_order\":True,\"descr\":\"<f4\"}",
		" {'shape' : ( 1 , 1 ) , 'descr' : '<f4' , 'fortran_order' : False} ",
	} {
		f, err := parse("", npy(header, "\x00\x00\x80\x3f"))
		if err != nil {
			t.Errorf("%q: %v", header, err)
			continue
		}
		if x, err := f.Load(0); err != nil || !slices.Equal(x, []float32{1}) {
			t.Errorf("%q: %v, %v", header, x, err)
		}
	}
}

func TestNPYErrors(t *testing.T) {
	const tail = ", 'fortran_order': False, 'shape': (2,)}"
	shape := func(s string) string {
		return npy("{'descr': '<f4', 'fortran_order': False, 'shape': "+s+"}", "")
	}
	for _, c := range []struct{ data, err string }{
		{npyMagic, "truncated: the file ends in the header"},
		{npyMagic + "\x02\x00\x01\x00", "truncated: the file ends in the header"},
		{npyMagic + "\x01\x01\x01\x00", "version 1.1 is not 1.0, 2.0 or 3.0"},
		{npyMagic + "\x04\x00\x01\x00", "version 4.0 is not 1.0, 2.0 or 3.0"},
		{npyMagic + "\x01\x00\xff\xff{", "truncated: header of 65535 bytes is longer than the file of 11"},
		{npyMagic + "\x02\x00\xff\xff\xff\xff{", "header of 4294967295 bytes is longer than 65536"},
		{npy("", ""), `header: it ends where '{' should be`},
		{npy("[1]", ""), `header: "[1]" where '{' should be`},
		{npy("{}", ""), `header: no key "descr"`},
		{npy("{'descr'", ""), "header: it ends where a colon should be"},
		{npy("{'descr': '<f4", ""), "header: string has no end"},
		{npy("{'descr': '<f4\\", ""), "header: string has no end"},
		{npy("{1: 2}", ""), `header: "1: 2}" where a string should be`},
		{npy("{'descr': '<f4' 'shape'", ""), `header: "'shape'" where '}' should be`},
		{npy("{'descr': '<f4', 'descr': '<f4'}", ""), `header: key "descr" twice`},
		{npy("{'descr': '<f4', 'x': 1}", ""), `header: unknown key "x"`},
		{npy("{'fortran_order': 1}", ""), `header: "1}" where True or False should be`},
		{npy("{'descr': __import__('os')}", ""), `header: "__import__('os')}" where a natural number should be`},
		{npy("{'descr': "+strings.Repeat("[", 40), ""), "header: type is nested too deeply"},
		{npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0,)} + 1", ""), `header: "+ 1" where nothing should be`},
		{shape("(-1,)"), `header: "-1,)}" where a natural number should be`},
		{shape("(1.5,)"), `header: ".5,)}" where ')' should be`},
		{shape("(,)"), `header: ",)}" where a natural number should be`},
		{shape("3"), `header: "3}" where '(' should be`},
		{shape("(99999999999999999999,)"), "header: 99999999999999999999 is too large"},
		{shape("(4294967296, 4294967296)"), "header: shape [4294967296 4294967296] has too many elements"},
		{shape("(" + strings.Repeat("1,", 65) + ")"), "header: shape has more than 64 axes"},
		{shape("(1000000000000,)"), "truncated: <f4 of shape [1000000000000] takes 4000000000000 bytes, 0 are there"},
		{npy("{'descr': '<f4'"+tail, "1234"), "truncated: <f4 of shape [2] takes 8 bytes, 4 are there"},
		{npy("{'descr': '>f8'"+tail, strings.Repeat("1", 17)), ">f8 of shape [2] takes 16 bytes, 17 are there"},
		{npy("{'descr': '|b1'"+tail, ""), "truncated: |b1 of shape [2] takes 2 bytes, 0 are there"},
		{npy("{'descr': '|V2147483647', 'fortran_order': False, 'shape': (1152921504606846975,)}", ""), "size overflows"},
	} {
		_, err := parse("", c.data)
		wantError(t, err, "npy: "+c.err)
	}
}

// What a file calls a type cannot break a line of output, or fill the screen.
func TestDTypePrintable(t *testing.T) {
	const descr = "[('a\x1b[2J',\n '<f4')]"
	for _, data := range []string{
		npy("{'descr': "+descr+", 'fortran_order': False, 'shape': (1,)}", "1234"),
		safetensors(`{"a":{"dtype":"[('a\u001b[2J',\n '<f4')]","shape":[1],"data_offsets":[0,4]}}`, "1234"),
	} {
		f, err := parse("", data)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := f.Tensors()[0].DType, "[('a\uFFFD[2J',\uFFFD '<f4')]"; got != want {
			t.Errorf("type %q, want %q", got, want)
		}
	}
}

// The spellings of types that NumPy reads, and those of ml_dtypes.
func TestNPYTypes(t *testing.T) {
	// Little-endian, also on a big-endian machine.
	const f2, f4, f8 = "\x00\xc0", "\x00\x00\x00\xc0", "\x00\x00\x00\x00\x00\x00\x00\xc0"
	for _, c := range []struct{ descr, dtype, minusTwo string }{
		{"<f4", "F32", "\x00\x00\x00\xc0"}, {">f4", "F32", "\xc0\x00\x00\x00"},
		{"=f4", "F32", f4}, {"|f4", "F32", f4}, {"f4", "F32", f4}, {"f", "F32", f4}, {"float32", "F32", f4}, {"single", "F32", f4},
		{"<f", "F32", "\x00\x00\x00\xc0"}, {">f", "F32", "\xc0\x00\x00\x00"}, {"=f", "F32", f4},
		{"<f2", "F16", "\x00\xc0"}, {">e", "F16", "\xc0\x00"}, {"e", "F16", f2}, {"float16", "F16", f2}, {"half", "F16", f2}, {"=f2", "F16", f2},
		{"<f8", "F64", "\x00\x00\x00\x00\x00\x00\x00\xc0"}, {">d", "F64", "\xc0\x00\x00\x00\x00\x00\x00\x00"},
		{"d", "F64", f8}, {"float64", "F64", f8}, {"double", "F64", f8}, {"float", "F64", f8}, {"float_", "F64", f8}, {"|f8", "F64", f8},
		{"bfloat16", "BF16", f2}, {"<bfloat16", "BF16", "\x00\xc0"}, {">bfloat16", "BF16", "\xc0\x00"},
		{"float8_e4m3fn", "F8_E4M3", "\xc0"}, {"float8_e5m2", "F8_E5M2", "\xc0"}, {"|float8_e4m3fnuz", "F8_E4M3FNUZ", "\xc8"},
		{"float8_e5m2fnuz", "F8_E5M2FNUZ", "\xc4"}, {"float6_e2m3fn", "F6_E2M3", "\x30"}, {"float4_e2m1fn", "F4", "\x0c"},
	} {
		f, err := parse("", npy("{'descr': '"+c.descr+"', 'fortran_order': False, 'shape': (2,)}", c.minusTwo+c.minusTwo))
		if err != nil {
			t.Errorf("%q: %v", c.descr, err)
			continue
		}
		if info := f.Tensors()[0]; info.DType != c.dtype {
			t.Errorf("%q: %+v", c.descr, info)
		}
		wantTensor(t, f, 0, "", []int{2}, []float32{-2, -2})
		s := NewStream(strings.NewReader(npy("{'descr': '"+c.descr+"', 'fortran_order': False, 'shape': (2,)}", c.minusTwo+c.minusTwo)))
		if _, err := s.Next(); err != nil {
			t.Error(err)
		} else if x, err := s.Read(2); err != nil || !slices.Equal(x, []float32{-2, -2}) {
			t.Errorf("%q in a stream: %v, %v", c.descr, x, err)
		}
	}
}

// Python 2 wrote strings of Unicode with a letter before them.
func TestNPYPython2(t *testing.T) {
	f, err := parse("", npy("{'descr': u'<f4', 'fortran_order': False, 'shape': (2L,)}", "\x00\x00\x80\x3f\x00\x00\x00\xc0"))
	if err != nil {
		t.Fatal(err)
	}
	wantTensor(t, f, 0, "", []int{2}, []float32{1, -2})
}

// Types that are not read say what they are, and what may be done.
func TestNPYUnread(t *testing.T) {
	for _, c := range []struct {
		descr  string
		size   int
		unread string // a part of it
	}{
		{"|V2", 2, "bfloat16 of ml_dtypes"}, {"<V2", 2, "bfloat16 of ml_dtypes"}, {"|V1", 1, "8-bit floats of ml_dtypes"},
		{"<f16", 16, "extended precision"}, {"float128", 16, "extended precision"}, {"longdouble", 16, "extended precision"},
		{"object", 7, "pickled Python objects"},
		{"<i4", 4, ""}, {"int32", 4, ""}, {"?", 1, ""}, {"complex64", 8, ""}, {"uint8", 1, ""}, {"|S5", 5, ""}, {"int", 4, ""},
		{"", 3, "does not have"}, {"<", 3, "does not have"}, {"<f-4", 4, "does not have"}, {"<g2", 2, "does not have"}, {"<f1", 1, "numbers of 1 bytes"},
	} {
		f, err := parse("", npy("{'descr': '"+c.descr+"', 'fortran_order': False, 'shape': (1,)}", strings.Repeat("x", c.size)))
		if err != nil {
			t.Errorf("%q: %v", c.descr, err)
			continue
		}
		info := f.Tensors()[0]
		if info.Floating || info.DType != c.descr || info.Bytes != int64(c.size) || (info.Unread == "") != (c.unread == "") || !strings.Contains(info.Unread, c.unread) {
			t.Errorf("%q: %+v", c.descr, info)
		}
	}
}

// Headers are Latin-1 before version 3, and UTF-8 since.
func TestNPYEncodings(t *testing.T) {
	header := func(name string) string {
		return "{'descr': [('" + name + "', '<f4')], 'fortran_order': False, 'shape': (1,)}"
	}
	version := func(major byte, header string) string {
		head := npyMagic + string([]byte{major, 0}) + string(binary.LittleEndian.AppendUint32(nil, uint32(len(header))))
		return head + header + "1234"
	}
	for _, c := range []struct{ data, err string }{
		{npy(header("\xe9"), "1234"), ""},
		{version(2, header("\xe9")), ""},
		{version(3, header("é")), ""},
		{version(3, header("\xe9")), "npy: header is not UTF-8, as it must be in version 3.0"},
	} {
		f, err := parse("", c.data)
		if c.err != "" {
			wantError(t, err, c.err)
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if got := f.Tensors()[0]; got.DType != "[('é', '<f4')]" || got.Unread != `records of "é"; save a field by itself, as a["é"]` {
			t.Errorf("%+v", got)
		}
	}
}

// numpy.save appends to an open file, and numpy.load reads on from there.
func TestNPYSeveral(t *testing.T) {
	data := string(arrays(t, "f4_le_c.npy", "f8_be_f.npy", "i8.npy", "scalar.npy"))
	f, err := parse("x.npy", data)
	if err != nil {
		t.Fatal(err)
	}
	wantTensor(t, f, 0, "arr_0", []int{2, 3}, sample)
	wantTensor(t, f, 1, "arr_1", []int{2, 3}, sample)
	wantTensor(t, f, 3, "arr_3", []int{1}, []float32{2.5})
	if infos := f.Tensors(); len(infos) != 4 || infos[2].Floating || infos[2].Bytes != 24 {
		t.Errorf("%+v", infos)
	}
	_, err = parse("x.npy", data[:len(data)-2])
	wantError(t, err, `npy: tensor "arr_3": truncated: <f4 of shape [] takes 4 bytes, 2 are there`)
	_, err = parse("x.npy", data+"?")
	wantError(t, err, `npy: tensor "arr_3": <f4 of shape [] takes 4 bytes, 5 are there`)
}

func TestNPYOverflow(t *testing.T) {
	var data []byte
	for _, x := range []float64{1, 2, 3, 1e300, 5, 6} {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(x))
	}
	for order, want := range map[string]string{
		"False": "npy: 1e+300 at index 3 overflows float32",
		"True":  "npy: 1e+300 at index 4 overflows float32", // [[1 3 5] [2 1e300 6]]
	} {
		f, err := parse("", npy("{'descr': '<f8', 'fortran_order': "+order+", 'shape': (2, 3)}", string(data)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = f.Load(0)
		wantError(t, err, want)
	}
}

// Every beginning of a file is an error, and no more than that.
func TestTruncated(t *testing.T) {
	for _, path := range []string{
		"testdata/f4_le_c.npy", "testdata/version2.npy", "testdata/struct.npy",
		"testdata/stored.npz", "testdata/deflated.npz",
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := range data {
			f, err := parse(path, string(data[:n]))
			// How long a structure is, is not known.
			if err == nil && f.Tensors()[0].DType[0] != '[' {
				t.Errorf("%s: no error for the first %d bytes", path, n)
			}
		}
	}
}
