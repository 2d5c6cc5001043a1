package tensorfile

import (
	"bytes"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// fuzzFile parses data, loads what is not large, and checks what must hold of
// any input: errors are one line, tensors are what they say, and memory stays
// within a multiple of the input.
func fuzzFile(t *testing.T, kind, name string, data []byte, perByte uint64) {
	const fixed = 4 << 20 // buffers, decompressors, and other goroutines' use
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := parseAt(name, bytes.NewReader(data), int64(len(data)))
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > fixed+perByte*uint64(len(data)) {
		t.Errorf("%d bytes allocated for %d of input", used, len(data))
	}
	if err != nil {
		checkError(t, err)
		return
	}
	if f.Kind != kind {
		return
	}
	for i, info := range f.Tensors() {
		if len(info.Shape) == 0 || info.Bytes < 0 {
			t.Errorf("tensor %d is %+v", i, info)
		}
		if info.Bytes > 1<<20 {
			continue
		}
		runtime.ReadMemStats(&before)
		x, err := f.Load(i)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > fixed+16*uint64(info.Bytes) {
			t.Errorf("%d bytes allocated for %+v", used, info)
		}
		if err != nil {
			checkError(t, err)
			continue
		}
		if n, err := elements(info.Shape); err != nil || n != len(x) || !info.Floating {
			t.Errorf("%d values of %+v: %v", len(x), info, err)
		}
		for j, v := range x {
			if (kind == "text" || kind == "csv") && (v != v || math.IsInf(float64(v), 0)) {
				t.Errorf("value %d is %v", j, v)
			}
		}
	}
}

func checkError(t *testing.T, err error) {
	if s := err.Error(); s == "" || strings.ContainsAny(s, "\n\r") || len(s) > 2000 {
		t.Errorf("error %q", s)
	}
}

func addFiles(f *testing.F, pattern string) {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		f.Fatalf("%s: %v", pattern, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"1,2\n3,4", "1 2;3 4;", "# c\r\n1\t-2e3 # d\r3 4", "\ufeff1", "a,b\n\"1\",\" 2\"\n",
		"nan", "1e39", "1 2\n3", "\"a\n\"\"b\",2;3", "x y 1\n1 2 3", "\xff",
		"[[1,2],[3,4]]", "tensor([[1., 2.]], device='x', dtype=a)", "w = [1 2; 3 4];", "<tf.Tensor: shape=(1,), numpy=array([1.])>",
		"| a | b |\n|---|---|\n| 1 | 2 |", "a: 1 2\nb: 3 4", ",0,1\n0,1.5,2\n1,3,4", "1,5;2,5\n3;4", "x\t1\ny\t2", "#N/A,1",
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, csv bool) {
		if csv {
			fuzzFile(t, "csv", "x.csv", data, 64)
		} else {
			fuzzFile(t, "text", "", data, 64)
		}
	})
}

func FuzzNPY(f *testing.F) {
	addFiles(f, "testdata/*.npy")
	f.Add([]byte(npy("{'descr': [('a', '<f4')], 'fortran_order': True, 'shape': (1,1,0,)}", "")))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzFile(t, "npy", "x.npy", data, 64) })
}

func FuzzNPZ(f *testing.F) {
	addFiles(f, "testdata/*.npz")
	f.Add([]byte(archive(f, member{"a", one, nil}, member{"b.npy", one, nil})))
	f.Add([]byte(overlap(archive(f, member{"a", one, nil}), 3)))
	// A member of a hundred bytes may have a header of maxNPYHeader.
	f.Fuzz(func(t *testing.T, data []byte) { fuzzFile(t, "npz", "x.npz", data, 2*maxDeflate) })
}

func FuzzSafetensors(f *testing.F) {
	f.Add([]byte(safetensors("{}", "")))
	f.Add([]byte(safetensors(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "0123")))
	f.Add([]byte(safetensors(`{"__metadata__":{"a":"b"},"x":{"dtype":"F16","shape":[2,2],"data_offsets":[0,8]},`+
		`"y":{"dtype":"F64","shape":[],"data_offsets":[8,16],"z":[{}]}}  `, "0123456789abcdef")))
	f.Add([]byte(safetensors(`{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}`, "")))
	f.Fuzz(func(t *testing.T, data []byte) { fuzzFile(t, "safetensors", "x.safetensors", data, 256) })
}

// FuzzJoined is FuzzSafetensors for weights that several tensors make: the
// description of the tensors, and their data, change.
func FuzzJoined(f *testing.F) {
	for _, c := range slices.Concat(scaledCases()[8:], packedCases(), wordCases(), blockwiseCases()) {
		f.Add([]byte(stFile(c.tensors...)))
	}
	f.Fuzz(func(t *testing.T, data []byte) { fuzzFile(t, "safetensors", "x.safetensors", data, 256) })
}

// FuzzJoinedShapes gives one tensor of a weight another shape or type, and data
// of that size.
func FuzzJoinedShapes(f *testing.F) {
	cases := slices.Concat(scaledCases(), packedCases(), wordCases(), blockwiseCases())
	dtypes := slices.Sorted(maps.Keys(safetensorsBits))
	for i := range cases {
		f.Add(uint8(i), uint8(0), []byte{4, 8}, uint8(255), []byte{1, 2})
		f.Add(uint8(i), uint8(1), []byte{}, uint8(i), []byte{})
	}
	f.Fuzz(func(t *testing.T, c, which uint8, shape []byte, dtype uint8, data []byte) {
		tensors := slices.Clone(cases[int(c)%len(cases)].tensors)
		x := &tensors[int(which)%len(tensors)]
		if int(dtype) < len(dtypes) {
			x.dtype = dtypes[dtype]
		}
		x.shape = []int{}
		n := safetensorsBits[x.dtype]
		for _, d := range shape {
			x.shape = append(x.shape, int(d))
			if n *= int(d); n > 1<<20 {
				return
			}
		}
		x.data = slices.Repeat(append([]byte{0}, data...), n/8/(1+len(data))+1)[:n/8]
		fuzzFile(t, "safetensors", "x.safetensors", []byte(stFile(tensors...)), 256)
	})
}

// FuzzNotation gives a text to every reading, asked for or not.
func FuzzNotation(f *testing.F) {
	f.Add([]byte("1,5;2,5\n3;4"), uint8(1), uint8(2), uint8(1), uint8(0))
	f.Add([]byte("[[1,5 2],[3 4]]"), uint8(0), uint8(2), uint8(0), uint8(0))
	f.Add([]byte("\xff\xfea\x00\t\x001\x00"), uint8(0), uint8(0), uint8(0), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, sep, decimal, rows, columns uint8) {
		o := Options{Reading: Reading{
			Separator: []rune{0, ',', ';', '\t', ' ', '|'}[sep%6], Decimal: []rune{0, '.', ','}[decimal%3],
			SkipRows: int(rows % 4), SkipColumns: int(columns % 4),
		}}
		for _, name := range []string{"", "x.csv"} {
			file, err := o.Parse(name, bytes.NewReader(data), int64(len(data)))
			if err != nil {
				checkError(t, err)
				continue
			}
			if file.Text == nil {
				continue // another format
			}
			x, err := file.Load(0)
			if n, _ := elements(file.Text.Shape); err != nil || n != len(x) || n == 0 || file.Text.Summary() == "" {
				t.Errorf("%d values of %+v: %v", len(x), file.Text, err)
			}
			for _, note := range file.Text.Notes {
				if note.Text == "" || strings.ContainsAny(note.Text, "\n\r") || (note.Other == nil) != (note.OtherText == "") {
					t.Errorf("%+v", note)
				}
			}
		}
	})
}
