package gguf

import (
	"bytes"
	"encoding/binary"
	"math"
	"runtime"
	"slices"
	"testing"
)

func FuzzGGUF(f *testing.F) {
	f.Add(newBuilder().Bytes())
	f.Add(newBuilder().tensor("w", F32, floats(1, 2, 3, 4, 5, 6), 3, 2).tensor("scalar", F16, []byte{0, 0x3c}).Bytes())
	f.Add(newBuilder().
		value("general.architecture", String, str("llama")).
		value("tokens", Array, u32(uint32(String)), u64(2), str("a"), str("b")).
		value("nested", Array, u32(uint32(Array)), u64(1), u32(uint32(Int16)), u64(1), []byte{1, 2}).
		value("general.alignment", Uint32, u32(8)).
		tensor("q", Q4_0, make([]byte, 36), 32, 2).tensor("k", 12, make([]byte, 144), 256).tensor("new", 99, make([]byte, 8), 3).Bytes())
	for _, typ := range append(blockTypes(), BF16, F64, I8, I16, I32, I64) {
		block, size := typ.Block()
		f.Add(newBuilder().tensor("w", typ, make([]byte, 3*size), uint64(3*block)).Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const fixed = 4 << 20 // other goroutines' use
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		file, err := parse(data)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > fixed+64*uint64(len(data)) {
			t.Errorf("%d bytes allocated for %d of input", used, len(data))
		}
		if err != nil {
			checkError(t, err)
			return
		}
		for i := range file.Metadata {
			if _, err := file.Text(file.Metadata[i].Key); err != nil {
				t.Errorf("key %q: %v", file.Metadata[i].Key, err)
			}
		}
		if file.Align <= 1<<16 {
			checkLayout(t, file)
		}
		for i := range file.Tensors {
			w := &file.Tensors[i]
			if w.Bytes < 0 || w.Offset < file.DataStart || w.Bytes > int64(len(data))-w.Offset {
				t.Errorf("tensor is %+v in %d bytes", w, len(data))
			}
			n := w.Elements()
			if !w.Type.decoded() || n > 1<<20 {
				continue
			}
			// A part from somewhere inside is the same as that part of the whole.
			x := make([]float32, n)
			if err := file.ReadFloats(i, x, 0); err != nil {
				if w.Type != F64 {
					t.Fatal(err)
				}
				checkError(t, err)
				continue
			}
			from := n / 3
			part := make([]float32, n-from-n/5)
			if err := file.ReadFloats(i, part, from); err != nil {
				t.Fatal(err)
			}
			for j, v := range part {
				if v != x[from+j] && (v == v || x[from+j] == x[from+j]) {
					t.Errorf("element %d of %+v is %v, and %v in a part", from+j, w, x[from+j], v)
				}
			}
		}
	})
}

// checkLayout writes the header of a file again, with its readable tensors as
// F32, and reads what was written.
func checkLayout(t *testing.T, f *File) {
	types := make([]Type, len(f.Tensors))
	for i := range types {
		types[i] = f.Tensors[i].Type
		if types[i].Readable() {
			types[i] = F32
		}
	}
	l, err := f.Layout(types, Settings(F32))
	if err != nil {
		checkError(t, err)
		return
	}
	var b bytes.Buffer
	if err := l.WriteHeader(&b); err != nil {
		t.Fatal(err)
	}
	if int64(b.Len()) != l.DataStart || l.Size < l.DataStart {
		t.Fatalf("header has %d bytes, data are from %d to %d", b.Len(), l.DataStart, l.Size)
	}
	// The data, which do not matter, need not be there.
	again, err := Parse(endless{b.Bytes()}, l.Size)
	if err != nil {
		t.Fatal(err)
	}
	if again.Align != f.Align || len(again.Metadata) < len(f.Metadata) || len(again.Tensors) != len(f.Tensors) {
		t.Fatalf("%+v was written as %+v", f, again)
	}
	for i, w := range again.Tensors {
		from := f.Tensors[i]
		if w.Name != from.Name || w.Type != types[i] || !slices.Equal(w.Shape, from.Shape) || w.Offset != l.Tensors[i].Offset {
			t.Errorf("%+v was written as %+v", from, w)
		}
	}
	if text, err := again.Text(keyFileType); err != nil || text != "0" {
		t.Errorf("file type is %s: %v", text, err)
	}
}

// endless is a file that goes on with zeros.
type endless struct{ head []byte }

func (f endless) ReadAt(b []byte, off int64) (int, error) {
	clear(b)
	if off < int64(len(f.head)) {
		copy(b, f.head[off:])
	}
	return len(b), nil
}

// FuzzJoin joins two files as the parts of a model.
func FuzzJoin(f *testing.F) {
	f.Add(partFile(0, 2, 2, 1).Bytes(), partFile(1, 2, 2, 2).Bytes())
	f.Add(partFile(0, 2, 1).Bytes(), partFile(1, 2, 1, 2).Bytes())
	f.Add(partFile(0, 3, 2, 1).Bytes(), newBuilder().Bytes())
	f.Fuzz(func(t *testing.T, a, b []byte) {
		first, err := parse(a)
		if err != nil {
			return
		}
		second, err := parse(b)
		if err != nil {
			return
		}
		n := len(first.Tensors)
		whole, err := Join([]*File{first, second})
		if err != nil {
			checkError(t, err)
			return
		}
		if len(whole.Tensors) != n+len(second.Tensors) || whole.Size() != int64(len(a)+len(b)) {
			t.Errorf("%d and %d tensors are %d, in %d bytes", n, len(second.Tensors), len(whole.Tensors), whole.Size())
		}
		for i, w := range whole.Tensors {
			data := [][]byte{a, b}[w.Part]
			got := make([]byte, w.Bytes)
			if k, err := whole.Data(i).ReadAt(got, 0); k < len(got) || !bytes.Equal(got, data[w.Offset:][:w.Bytes]) {
				t.Errorf("%+v has other data: %v", w, err)
			}
		}
		if whole.Align <= 1<<16 {
			checkLayout(t, whole)
		}
	})
}

// FuzzBlocks quantizes any elements: what is not refused is read as finite
// values, and is the same with zeros before it.
func FuzzBlocks(f *testing.F) {
	for i, typ := range writtenTypes() {
		block, _ := typ.Block()
		f.Add(byte(i), floats(goldenRows(typ)[:block]...))
	}
	f.Add(byte(0), floats(3e38, -3e38, 1e-45, -1e-38))
	f.Fuzz(func(t *testing.T, number byte, data []byte) {
		list := writtenTypes()
		typ := list[int(number)%len(list)]
		block, size := typ.Block()
		x := make([]float32, 2*block)
		for i := range x[:block] {
			if len(data) >= 4 {
				x[block+i] = math.Float32frombits(binary.LittleEndian.Uint32(data))
				data = data[4:]
			}
		}
		b, alone := make([]byte, 2*size), make([]byte, size)
		err := typ.Quantize(b, x)
		if err2 := typ.Quantize(alone, x[block:]); (err == nil) != (err2 == nil) {
			t.Fatalf("%s: %v, but alone %v", typ, err, err2)
		}
		if err != nil {
			checkError(t, err)
			return
		}
		if !bytes.Equal(b[size:], alone) {
			t.Errorf("%s: %x, and alone %x", typ, b[size:], alone)
		}
		back := make([]float32, len(x))
		typ.Dequantize(back, b)
		if i := notFinite(back); i >= 0 {
			t.Errorf("%s: element %d of %v comes back as %v", typ, i, x, back[i])
		}
	})
}
