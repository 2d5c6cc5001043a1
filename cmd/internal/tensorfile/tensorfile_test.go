package tensorfile

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

func parse(name, data string) (*File, error) {
	return parseAt(name, strings.NewReader(data), int64(len(data)))
}

// parseAt is the method Parse with no options.
func parseAt(name string, r io.ReaderAt, size int64) (*File, error) {
	var o Options
	return o.Parse(name, r, size)
}

// wantError fails the test unless err says exactly want.
func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %q", want)
	}
	if got := err.Error(); got != want && !tooLarge(err) {
		t.Errorf("error %q, want %q", got, want)
	}
}

// tooLarge reports whether an int of 32 bits cannot hold a number of a file,
// or the count of its elements: that is found before what else is wrong with it.
func tooLarge(err error) bool {
	return strconv.IntSize == 32 &&
		(strings.HasSuffix(err.Error(), " is too large") || strings.HasSuffix(err.Error(), " has too many elements"))
}

func wantTensor(t *testing.T, f *File, i int, name string, shape []int, want []float32) {
	t.Helper()
	info := f.Tensors()[i]
	if info.Name != name || !slices.Equal(info.Shape, shape) || !info.Floating {
		t.Errorf("tensor %d is %+v, want name %q and shape %v", i, info, name, shape)
	}
	got, err := f.Load(i)
	if err != nil {
		t.Fatal(err)
	}
	if !sameBits(got, want) {
		t.Errorf("tensor %q is %v, want %v", name, got, want)
	}
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool {
		return math.Float32bits(x) == math.Float32bits(y)
	})
}

func TestKind(t *testing.T) {
	st := safetensors(`{}`, "")
	for _, c := range []struct{ name, data, kind, err string }{
		{"", "1 2", "text", ""},
		{"x.TXT", "1 2", "text", ""},
		{"x.CSV", "a,b\n1,2", "csv", ""},
		{"x.tsv", "a\tb\n1\t2", "csv", ""},
		{"x.csv", st, "safetensors", ""},
		{"", st, "safetensors", ""},
		{"x.txt", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}", ""), "npy", ""},
		{"x.safetensors", "PK\x05\x06" + strings.Repeat("\x00", 18), "npz", ""},
		{"x", "\xff\xff\xff\xff\xff\xff\xff\xff{", "", "safetensors: it does not begin as such a file: a header of 18446744073709551615 bytes would be longer than 100000000"},
		{"x", "1 2 3 4 {", "", `text: line 1, column 9: "{" is not a number`},
		{"x.npy", "1 2", "", `npy: file does not begin with "\x93NUMPY"`},
		{"x.npz", "1 2", "", "npz: file does not begin as a zip archive does"},
		{"x.safetensors", "1 2", "", "safetensors: truncated: the length of the header is cut off, the file has 3 of at least 8 bytes; download or copy it again"},
		{"x.gguf", "1 2", "", `gguf: file does not begin with "GGUF"`},
		{"x.onnx", "\x3a\x00", "onnx", ""},
		{"x", "\x08\x07\x3a\x00", "onnx", ""},
		{"", "2 3", "text", ""}, // which might be a field of a message,
		{"x.txt", "\xff\xfe1\x00", "text", ""},
		{"x.csv", "\xfe\xff\x001", "csv", ""},
		{"x.bin", "\x90\x02}\x00", "", "not a tensor file: neither text nor npy, npz, safetensors, ONNX or GGUF"},
		{"", "", "", "text: line 1, column 1: no values"},
		{"x.bin", "", "", "it is an empty file, not the tensors themselves: it has 0 bytes; download or write it again"},
	} {
		f, err := parse(c.name, c.data)
		if c.err != "" {
			wantError(t, err, c.err)
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", c.name, err)
		} else if f.Kind != c.kind {
			t.Errorf("%q is %s, want %s", c.name, f.Kind, c.kind)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := Open(dir); err == nil {
		t.Error("a directory opens")
	}
	path := filepath.Join(dir, "x")
	if err := os.WriteFile(path, []byte("1;2"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	wantTensor(t, f, 0, "", []int{2, 1}, []float32{1, 2})
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	go func() {
		w.WriteString("1 2")
		w.Close()
	}()
	f, err := Open("/dev/fd/" + itoa(int(r.Fd())))
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("no /dev/fd")
	}
	if err != nil {
		t.Fatal(err)
	}
	wantTensor(t, f, 0, "", []int{1, 2}, []float32{1, 2})
}

func TestRead(t *testing.T) {
	for _, limit := range []int64{0, 3, 4, math.MaxInt64} {
		f, err := Read("-", iotest.OneByteReader(strings.NewReader("1 2")), limit)
		if err != nil {
			t.Fatal(err)
		}
		wantTensor(t, f, 0, "", []int{1, 2}, []float32{1, 2})
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	// Input without an end is not read to its end.
	_, err := Read("-", endless{}, 1000)
	var limit *LimitError
	if !errors.As(err, &limit) || limit.Limit != 1000 {
		t.Fatalf("error %v, want a LimitError", err)
	}
	wantError(t, err, "input is longer than 1000 bytes")
	if _, err := Read("-", iotest.ErrReader(os.ErrClosed), 10); !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v of the reader is lost", err)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func TestReadErrorsPassThrough(t *testing.T) {
	st := safetensors(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "0123")
	for _, data := range []string{"1 2", st} {
		r := failing{strings.NewReader(data), 0}
		if _, err := parseAt("", r, int64(len(data))); !errors.Is(err, os.ErrClosed) {
			t.Errorf("error %v of the reader is lost", err)
		}
	}
	f, err := parseAt("", failing{strings.NewReader(st), int64(len(st) - 2)}, int64(len(st)))
	if err == nil {
		_, err = f.Load(0)
	}
	if !errors.Is(err, os.ErrClosed) {
		t.Errorf("error %v of the reader is lost", err)
	}
	// A file that shrank since its size was asked for.
	f, err = parseAt("", shrunk{strings.NewReader(st), int64(len(st) - 2)}, int64(len(st)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Load(0)
	wantError(t, err, `safetensors: tensor "a": data ends after 0 of 1 elements, at offset 62 of the file`)
}

// failing fails to read what ends after the offset.
type failing struct {
	io.ReaderAt
	after int64
}

func (r failing) ReadAt(b []byte, off int64) (int, error) {
	if off+int64(len(b)) > r.after && (off > 8 || r.after == 0) {
		return 0, os.ErrClosed
	}
	return r.ReaderAt.ReadAt(b, off)
}

// shrunk ends at the offset once something is read from behind the header.
type shrunk struct {
	io.ReaderAt
	end int64
}

func (r shrunk) ReadAt(b []byte, off int64) (int, error) {
	if off > 8 && off+int64(len(b)) > r.end {
		return 0, io.EOF
	}
	return r.ReaderAt.ReadAt(b, off)
}

func TestNotFloating(t *testing.T) {
	f, err := parse("", safetensors(`{"a":{"dtype":"I64","shape":[1],"data_offsets":[0,8]}}`, "01234567"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.Load(0)
	wantError(t, err, `safetensors: tensor "a": elements are I64, not floating-point numbers`)
}

// TestExcerpt reads a piece of a real model.
func TestExcerpt(t *testing.T) {
	f, err := Open("../../quant/testdata/silero_vad_v5_excerpt.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, want := range []struct {
		name     string
		shape    []int
		at0      float32
		min, max float32
	}{
		{"decoder.decoder.2.weight", []int{1, 128, 1}, 0.60633224, -3.9244227, 1.771546},
		{"encoder.3.reparam_conv.weight", []int{128, 64, 3}, -0.0016024386, -1.260764, 5.247481},
	} {
		info := f.Tensors()[i]
		if info.Name != want.name || !slices.Equal(info.Shape, want.shape) || info.DType != "F32" {
			t.Errorf("tensor %d is %+v", i, info)
		}
		x, err := f.Load(i)
		if err != nil {
			t.Fatal(err)
		}
		if x[0] != want.at0 || slices.Min(x) != want.min || slices.Max(x) != want.max || int64(len(x)*4) != info.Bytes {
			t.Errorf("%s: %d values from %v to %v, first %v", info.Name, len(x), slices.Min(x), slices.Max(x), x[0])
		}
	}
}

// TestLoadConcurrently is for the race detector.
func TestLoadConcurrently(t *testing.T) {
	f, err := Open("testdata/deflated.npz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	done := make(chan error)
	for range 4 {
		go func() {
			_, err := f.Load(0)
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
