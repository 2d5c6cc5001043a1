package tensorfile

import (
	"bytes"
	"errors"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// arrays returns some files of testdata one after the other.
func arrays(t testing.TB, names ...string) []byte {
	var all []byte
	for _, name := range names {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

func TestStream(t *testing.T) {
	all := arrays(t, "f4_le_c.npy", "f8_be_f.npy", "i8.npy", "scalar.npy", "empty.npy", "f2_le_c.npy", "f4_be_f.npy")
	for _, step := range []int{1, 4, 100} {
		s := NewStream(iotest.HalfReader(bytes.NewReader(all)))
		for i, want := range [][]float32{sample, sample, nil, {2.5}, {}, sample, sample} {
			info, err := s.Next()
			if err != nil {
				t.Fatal(err)
			}
			if info.Floating != (want != nil) {
				t.Errorf("array %d: %+v", i, info)
			}
			if want == nil || i == 5 { // what is not read is skipped
				continue
			}
			var got []float32
			for {
				x, err := s.Read(step)
				if err != nil {
					t.Fatal(err)
				}
				if len(x) == 0 {
					break
				}
				got = append(got, x...)
			}
			if !slices.Equal(got, want) {
				t.Errorf("steps of %d: array %d is %v, want %v", step, i, got, want)
			}
		}
		if _, err := s.Next(); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
}

func TestStreamErrors(t *testing.T) {
	good := string(arrays(t, "f4_le_c.npy"))
	for _, test := range []struct{ data, want string }{
		{"1 2 3", "does not begin with"},
		{good + "1", "array 2: truncated: the file ends in the header"},
		{good[:len(good)-5], "array 1: data ends after 4 of 6 elements"},
		{string(arrays(t, "i8.npy"))[:130], "bytes too early"},
		{string(arrays(t, "object.npy")), "array 1: elements of type |O have no size"},
		{npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9999999999,)}", "0123"), "array 1: data ends after 1 of 1048576"},
		{npy("{'descr': '<f8', 'fortran_order': True, 'shape': (99999,99999)}", "0123"), "array 1: data ends after 0 of 9999800001"},
	} {
		s := NewStream(strings.NewReader(test.data))
		var err error
		for err == nil {
			var info Info
			if info, err = s.Next(); err == nil && info.Floating {
				var x []float32
				for x, err = s.Read(1 << 20); err == nil && len(x) > 0; x, err = s.Read(1 << 20) {
				}
			}
		}
		if !strings.Contains(err.Error(), test.want) && !tooLarge(err) {
			t.Errorf("%.20q: %v, want %q", test.data, err, test.want)
		}
	}
}

func TestStreamOverflow(t *testing.T) {
	s := NewStream(strings.NewReader(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}",
		strings.Repeat("\x00", 16)+"\xff\xff\xff\xff\xff\xff\xef\x7f")))
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(2); err != nil {
		t.Fatal(err)
	}
	var o *overflowError
	if _, err := s.Read(2); !errors.As(err, &o) || o.Index != 2 {
		t.Errorf("%v", err)
	}
}

func FuzzStream(f *testing.F) {
	f.Add(arrays(f, "f4_le_c.npy", "f8_be_f.npy", "i8.npy"), 3)
	f.Add(arrays(f, "f2_le_f.npy", "object.npy"), 1)
	f.Fuzz(func(t *testing.T, data []byte, step int) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s, values := NewStream(bytes.NewReader(data)), 0
		var err error
		for err == nil {
			var info Info
			if info, err = s.Next(); err != nil || !info.Floating {
				continue
			}
			n := 0
			for err == nil {
				var x []float32
				if x, err = s.Read(max(step, 1)); len(x) == 0 {
					break
				}
				n += len(x)
			}
			if want, _ := elements(info.Shape); err == nil && n != want {
				t.Errorf("%d values of %+v", n, info)
			}
			values += n
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20+uint64(len(data))*200 && step > 64 {
			t.Errorf("%d bytes allocated for %d of input", used, len(data))
		}
		if values > len(data) {
			t.Errorf("%d values in %d bytes", values, len(data))
		}
		if err != io.EOF {
			checkError(t, err)
		}
	})
}
