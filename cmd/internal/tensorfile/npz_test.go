package tensorfile

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

func TestNPZ(t *testing.T) {
	for _, path := range []string{"testdata/stored.npz", "testdata/deflated.npz"} {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.Kind != "npz" || len(f.Tensors()) != 5 {
			t.Fatalf("%s is %s with %+v", path, f.Kind, f.Tensors())
		}
		wantTensor(t, f, 0, "weight", []int{2, 3}, sample)
		wantTensor(t, f, 1, "bias", []int{2}, []float32{1, -2})
		wantTensor(t, f, 3, "fortran", []int{2, 3}, sample)
		wantTensor(t, f, 4, "scalar", []int{1}, []float32{7})
		if info := f.Tensors()[2]; info.Name != "steps" || info.DType != "<i8" || info.Bytes != 32 || info.Floating {
			t.Errorf("%+v", info)
		}
	}
}

type member struct {
	name, data string
	change     func(*zip.FileHeader)
}

// archive returns a zip archive. What change does to a header is not checked.
func archive(t testing.TB, members ...member) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		// The packed data are made apart, so that the header may lie.
		var raw bytes.Buffer
		zw := zip.NewWriter(&raw)
		fw, err := zw.Create(m.name)
		if err != nil {
			t.Fatal(err)
		}
		fw.Write([]byte(m.data))
		zw.Close()
		zr, err := zip.NewReader(bytes.NewReader(raw.Bytes()), int64(raw.Len()))
		if err != nil {
			t.Fatal(err)
		}
		h := zr.File[0].FileHeader
		off, err := zr.File[0].DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		packed := raw.Bytes()[off:][:h.CompressedSize64]
		h.Flags &^= 8 // sizes are in the header, not after the data
		if m.change != nil {
			m.change(&h)
		}
		fw, err = w.CreateRaw(&h)
		if err != nil {
			t.Fatal(err)
		}
		fw.Write(packed)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const oneHeader = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"

var one = npy(oneHeader, "\x00\x00\x80\x3f")

func TestNPZNames(t *testing.T) {
	f, err := parse("", archive(t, member{"folder/", "", nil}, member{"folder/a.npy", one, nil}, member{"b", one, nil}))
	if err != nil {
		t.Fatal(err)
	}
	wantTensor(t, f, 0, "folder/a", []int{1}, []float32{1})
	wantTensor(t, f, 1, "b", []int{1}, []float32{1})
}

// Tensors of a model may have any name: that of a member is taken as it is, and what
// macOS notes about a file is told by what it holds.
func TestNPZAnyName(t *testing.T) {
	for _, name := range []string{"/a/../b:0", "__MACOSX/._r", "._r", "a.npy", `back\slash`, "C:y", "file", "ünï ☃", "a/", "", ".."} {
		t.Run(name, func(t *testing.T) {
			f, err := parse("", archive(t, member{name + ".npy", one, nil}, member{"other.npy", one, nil}))
			if err != nil {
				t.Fatal(err)
			}
			wantTensor(t, f, 0, name, []int{1}, []float32{1})
		})
	}
}

// Members that are no arrays are skipped, and listed.
func TestNPZSkipped(t *testing.T) {
	f, err := parse("", archive(t, member{"a.npy", one, nil}, member{"notes/read me.txt", "hello", nil}, member{"__MACOSX/._a.npy", "\x00\x05", nil},
		member{"b", one, nil}, member{"c.npy", "words", nil}, member{"d.npy", "", nil}, member{"secret", one, func(h *zip.FileHeader) { h.Flags |= 1 }}, member{"x.bz2", "x", func(h *zip.FileHeader) { h.Method = 12 }}))
	if err != nil {
		t.Fatal(err)
	}
	wantTensor(t, f, 0, "a", []int{1}, []float32{1})
	wantTensor(t, f, 1, "b", []int{1}, []float32{1})
	want := []Skipped{
		{"notes/read me.txt", "not an array"},
		{"__MACOSX/._a.npy", "what macOS notes about a file"},
		{"c.npy", "not an array, though it is called .npy"},
		{"d.npy", "an empty file"},
		{"secret", "encrypted, and not called .npy"},
		{"x.bz2", "compressed by a method that is not read, and not called .npy"},
	}
	if !slices.Equal(f.Skipped, want) || len(f.Tensors()) != 2 {
		t.Errorf("skipped %+v, want %+v", f.Skipped, want)
	}
}

func TestNPZErrors(t *testing.T) {
	zeros := strings.Repeat("\x00", 1<<20)
	big := npy("{'descr': '<f4', 'fortran_order': False, 'shape': (262144,)}", zeros)
	lie := func(size uint64) func(*zip.FileHeader) {
		return func(h *zip.FileHeader) { h.UncompressedSize64 = size }
	}
	bomb := func(elements string, data string) string {
		return npy("{'descr': '<f4', 'fortran_order': False, 'shape': ("+elements+",)}", data)
	}
	head := uint64(len(bomb("262144", "")))
	for _, c := range []struct{ name, data, err string }{
		{"no archive", "PK\x03\x04 and so on", "truncated or damaged: the directory is missing that a zip archive has at its end; download or copy it again"},
		{"twice", archive(t, member{"a.npy", one, nil}, member{"a", one, nil}), `two tensors are called "a"`},
		{"other file", archive(t, member{"a.txt", "some other file", nil}, member{"b", "", nil}),
			`a zip archive without arrays: it holds "a.txt", "b"`},
		{"called an array", archive(t, member{"a.npy", "some other file", nil}),
			`a zip archive without arrays: it holds "a.npy"`},
		{"an array cut off", archive(t, member{"a.npy", one[:len(one)-1], nil}, member{"b.npy", one, nil}),
			`tensor "a": truncated: <f4 of shape [1] takes 4 bytes, 3 are there`},
		{"encrypted", archive(t, member{"a.npy", one, func(h *zip.FileHeader) { h.Flags |= 1 }}), `tensor "a": encrypted`},
		{"method", archive(t, member{"a.npy", one, func(h *zip.FileHeader) { h.Method = 12 }}),
			`tensor "a": compression method 12 is not supported`},
		{"claims terabytes", archive(t, member{"a", bomb("262144", ""), lie(1 << 42)}),
			`tensor "a": claims to hold 4398046511104 bytes, more than its data can`},
		{"claims stored terabytes", archive(t, member{"a", one, func(h *zip.FileHeader) {
			h.Method, h.UncompressedSize64 = zip.Store, 1<<42
		}}), `tensor "a": claims to hold 4398046511104 bytes, more than its data can`},
		{"shape claims more than the archive", archive(t, member{"a", bomb("9999999999", "1234"), nil}),
			`tensor "a": truncated: <f4 of shape [9999999999] takes 39999999996 bytes, 4 are there`},
		{"more data than the shape", archive(t, member{"a", npy(oneHeader, zeros), nil}),
			`tensor "a": <f4 of shape [1] takes 4 bytes, 1048576 are there`},
		{"claims less than there is", archive(t, member{"a", npy(oneHeader, zeros), lie(uint64(len(one)))}),
			`load: tensor "a": damaged zip archive`},
		{"claims more than there is", archive(t, member{"a", bomb("16384", "1234"), lie(head - 1 + 65536)}),
			`load: tensor "a": data ends after 0 of 16384 elements`},
		{"checksum", archive(t, member{"a", one, func(h *zip.FileHeader) { h.CRC32++ }}),
			`load: tensor "a": checksum does not match`},
		{"overlap", overlap(archive(t, member{"a", big, nil}), 100), "members are larger than the file"},
	} {
		f, err := parse("", c.data)
		want := "npz: " + c.err
		if rest, ok := strings.CutPrefix(c.err, "load: "); ok {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			want = "npz: " + rest
			_, err = f.Load(0)
		}
		if err == nil || err.Error() != want && !tooLarge(err) {
			t.Errorf("%s: error %q, want %q", c.name, err, want)
		}
	}
}

// overlap lists the only member of an archive n times, under other names.
func overlap(data string, n int) string {
	end := len(data) - 22
	dir := int(binary.LittleEndian.Uint32([]byte(data[end+16:])))
	out := []byte(data[:dir])
	for i := range n {
		entry := []byte(data[dir:end])
		entry[46] = byte(i)
		out = append(out, entry...)
	}
	tail := []byte(data[end:])
	binary.LittleEndian.PutUint16(tail[8:], uint16(n))
	binary.LittleEndian.PutUint16(tail[10:], uint16(n))
	binary.LittleEndian.PutUint32(tail[12:], uint32(len(out)-dir))
	return string(append(out, tail...))
}
