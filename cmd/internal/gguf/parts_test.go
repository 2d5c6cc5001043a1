package gguf

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// partFile is part no of count, from 0 on, with the keys of parts and one tensor for
// each value.
func partFile(no, count, tensors int, values ...float32) *builder {
	b := newBuilder()
	if no == 0 {
		b.value("general.architecture", String, str("llama"))
	}
	u16 := func(n int) []byte { return []byte{byte(n), byte(n >> 8)} }
	b.value(keySplitNo, Uint16, u16(no)).value(keySplitCount, Uint16, u16(count)).value(keySplitTensors, Int32, u32(uint32(tensors)))
	for _, v := range values {
		b.tensor(fmt.Sprint("t", v), F32, floats(v, -v), 2)
	}
	return b
}

func writeFiles(t *testing.T, files map[string][]byte) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestOpenParts opens a model by any of its parts, of which the first has no
// tensors and the second has another alignment.
func TestOpenParts(t *testing.T) {
	aligned := newBuilder()
	aligned.Align = 128
	aligned.value(keyAlignment, Uint32, u32(128)).value(keySplitNo, Uint8, []byte{1}).value(keySplitCount, Uint8, []byte{3}).
		tensor("t1", F32, floats(1, -1), 2)
	dir := writeFiles(t, map[string][]byte{
		"m-00001-of-00003.gguf": partFile(0, 3, 3).Bytes(),
		"m-00002-of-00003.gguf": aligned.Bytes(),
		"m-00003-of-00003.gguf": partFile(2, 3, 3, 2, 3).Bytes(),
	})
	for _, name := range []string{"", "m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"} {
		t.Run(name, func(t *testing.T) {
			f, err := Open(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if len(f.Tensors) != 3 || len(f.Metadata) != 1 || f.Metadata[0].Key != "general.architecture" || f.Align != 32 {
				t.Fatalf("%+v", f)
			}
			size := int64(0)
			for i, path := range f.Paths() {
				if want := fmt.Sprintf("m-%05d-of-00003.gguf", i+1); filepath.Base(path) != want {
					t.Errorf("part %d is %s, want %s", i, path, want)
				}
				st, err := os.Stat(path)
				if err != nil {
					t.Fatal(err)
				}
				size += st.Size()
			}
			if f.Size() != size || len(f.Paths()) != 3 {
				t.Errorf("%d bytes in %q, want %d", f.Size(), f.Paths(), size)
			}
			for i, want := range []float32{1, 2, 3} {
				got := make([]float32, 2)
				if err := f.ReadFloats(i, got, 0); err != nil || got[0] != want || got[1] != -want {
					t.Errorf("tensor %d is %v, want %v: %v", i, got, want, err)
				}
				raw, err := io.ReadAll(f.Data(i))
				if err != nil || !bytes.Equal(raw, floats(want, -want)) {
					t.Errorf("data of tensor %d are %x: %v", i, raw, err)
				}
				if base := filepath.Base(f.PartPath(i)); base != []string{"m-00002-of-00003.gguf", "m-00003-of-00003.gguf", "m-00003-of-00003.gguf"}[i] {
					t.Errorf("tensor %d is in %s", i, base)
				}
			}
			checkWhole(t, f)
		})
	}
}

// checkWhole writes the parts of f as one file, and compares what it holds.
func checkWhole(t *testing.T, f *File) {
	t.Helper()
	types := make([]Type, len(f.Tensors))
	for i := range types {
		types[i] = f.Tensors[i].Type
	}
	l, err := f.Layout(types, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := l.WriteHeader(&b); err != nil {
		t.Fatal(err)
	}
	for i := range f.Tensors {
		if _, err := io.Copy(&b, f.Data(i)); err != nil {
			t.Fatal(err)
		}
		if err := l.Pad(&b, i); err != nil {
			t.Fatal(err)
		}
	}
	if int64(b.Len()) != l.Size {
		t.Errorf("%d bytes, want %d", b.Len(), l.Size)
	}
	whole := mustParse(t, b.Bytes())
	if len(whole.Metadata) != len(f.Metadata) || len(whole.Tensors) != len(f.Tensors) {
		t.Fatalf("%+v", whole)
	}
	for i, w := range whole.Tensors {
		if from := f.Tensors[i]; w.Name != from.Name || w.Type != from.Type || !slices.Equal(w.Shape, from.Shape) || w.Part != 0 {
			t.Errorf("%+v was written as %+v", from, w)
		}
		got, want := make([]float32, w.Elements()), make([]float32, w.Elements())
		if err := whole.ReadFloats(i, got, 0); err != nil {
			t.Fatal(err)
		}
		if err := f.ReadFloats(i, want, 0); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s has other elements: %v", w.Name, err)
		}
	}
}

// TestPartMetadata has metadata in later parts: the same as in the first, others, and
// other values of a key.
func TestPartMetadata(t *testing.T) {
	later := partFile(1, 2, 2, 2).value("general.architecture", String, str("llama")).value("later.key", String, str("kept")).
		value("shared.number", Uint32, u32(7))
	first := partFile(0, 2, 2, 1).value("shared.number", Uint32, u32(8))
	dir := writeFiles(t, map[string][]byte{"m-00001-of-00002.gguf": first.Bytes(), "m-00002-of-00002.gguf": later.Bytes()})
	f, err := Open(filepath.Join(dir, "m-00002-of-00002.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for key, want := range map[string]string{"general.architecture": "llama", "later.key": "kept", "shared.number": "8"} {
		if got, err := f.Text(key); err != nil || got != want {
			t.Errorf("%s is %q, want %q: %v", key, got, want, err)
		}
	}
	want := []LeftOut{{`part 2 of 2, key "shared.number"`, "part 1 has another value, which counts"}}
	if !slices.Equal(f.LeftOut, want) {
		t.Errorf("left out %+v, want %+v", f.LeftOut, want)
	}
	checkWhole(t, f)
}

// TestAfterTensors has bytes behind the last tensor, which padding is not.
func TestAfterTensors(t *testing.T) {
	whole := newBuilder().tensor("t", F32, floats(1, 2), 2).Bytes()
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", whole, ""},
		{"padding cut off", bytes.TrimRight(whole, "\x00"), ""},
		{"bytes", append(slices.Clone(whole), make([]byte, 5)...), fmt.Sprintf("5 bytes from byte %d on are no tensor's", len(whole))},
		{"another file", append(slices.Clone(whole), whole...), fmt.Sprintf("%d bytes from byte %d on are no tensor's: another GGUF file", len(whole), len(whole))},
	} {
		f := mustParse(t, c.data)
		got := ""
		for _, x := range f.LeftOut {
			got += x.Reason
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestCases reads files that were made after public reports.
func TestCases(t *testing.T) {
	for _, test := range []struct {
		name    string
		tensors []string // names and types
		parts   int
	}{
		{"38_type28.gguf", []string{"blk.0.attn_q.weight F32", "blk.0.ffn.weight F64", "blk.0.attn_norm.weight F32"}, 1},
		{"first-00001-of-00002.gguf", []string{"blk.0.attn_q.weight F32", "blk.0.attn_k.weight F16"}, 2},
		{"first-00002-of-00002.gguf", []string{"blk.0.attn_q.weight F32", "blk.0.attn_k.weight F16"}, 2},
		{"s-00001-of-00002.gguf", []string{"blk.0.attn_q.weight F32", "blk.0.attn_k.weight F16", "blk.0.attn_norm.weight F32"}, 2},
		{"s-00002-of-00002.gguf", []string{"blk.0.attn_q.weight F32", "blk.0.attn_k.weight F16", "blk.0.attn_norm.weight F32"}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := Open("testdata/cases/" + test.name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			var got []string
			for i := range f.Tensors {
				w := &f.Tensors[i]
				got = append(got, w.Name+" "+w.Type.String())
				if err := f.ReadFloats(i, make([]float32, w.Elements()), 0); err != nil {
					t.Error(err)
				}
			}
			if !slices.Equal(got, test.tensors) || len(f.Paths()) != test.parts {
				t.Errorf("tensors are %q in %q", got, f.Paths())
			}
			if text, err := f.Text("general.architecture"); err != nil || text != "llama" {
				t.Errorf("architecture is %q: %v", text, err)
			}
			checkWhole(t, f)
		})
	}
}

// TestPartErrors opens parts that do not make a model.
func TestPartErrors(t *testing.T) {
	for _, test := range []struct {
		name  string
		files map[string][]byte
		open  string
		want  string
	}{
		{"one missing", map[string][]byte{
			"m-00001-of-00003.gguf": partFile(0, 3, 2, 1).Bytes(), "m-00002-of-00003.gguf": partFile(1, 3, 2, 2).Bytes(),
		}, "m-00002-of-00003.gguf", `part 3 of 3 is missing: "m-00003-of-00003.gguf"`},
		{"two missing", map[string][]byte{"m-00002-of-00003.gguf": partFile(1, 3, 2, 2).Bytes()}, "m-00002-of-00003.gguf",
			`parts 1 and 3 of 3 are missing: "m-00001-of-00003.gguf", "m-00003-of-00003.gguf"`},
		{"many missing", map[string][]byte{"m-00002-of-60000.gguf": partFile(1, 60000, 2, 2).Bytes()}, "m-00002-of-60000.gguf",
			`parts 1, 3, 4, 5 and more of 60000 are missing: "m-00001-of-60000.gguf", "m-00003-of-60000.gguf", "m-00004-of-60000.gguf", "m-00005-of-60000.gguf", …`},
		{"another name", map[string][]byte{"m.gguf": partFile(1, 3, 2, 2).Bytes()}, "m.gguf",
			`it is part 2 of 3, by its metadata; the other parts are found by names such as model-00002-of-00003.gguf`},
		{"joined by their bytes", map[string][]byte{"m.gguf": cat(partFile(0, 2, 2, 1).Bytes(), partFile(1, 2, 2, 2).Bytes())}, "m.gguf",
			`it is one of 2 parts, by its metadata, with another GGUF file behind it: leave parts as files of their own`},
		{"another count", map[string][]byte{"m-00001-of-00002.gguf": partFile(0, 3, 2, 2).Bytes()}, "m-00001-of-00002.gguf",
			`it is named as one of 2 parts, and its key split.count says 3`},
		{"another number", map[string][]byte{
			"m-00001-of-00002.gguf": partFile(0, 2, 2, 1).Bytes(), "m-00002-of-00002.gguf": partFile(0, 2, 2, 2).Bytes(),
		}, "m-00001-of-00002.gguf", `part 2 of 2: key "split.no" says 0, where 1 is expected`},
		{"count of another part", map[string][]byte{
			"m-00001-of-00002.gguf": partFile(0, 2, 2, 1).Bytes(), "m-00002-of-00002.gguf": partFile(1, 4, 2, 2).Bytes(),
		}, "m-00001-of-00002.gguf", `part 2 of 2: key "split.count" says 4`},
		{"number beyond count", map[string][]byte{"m-00001-of-00002.gguf": partFile(7, 2, 2, 1).Bytes()}, "m-00001-of-00002.gguf",
			`key "split.no": part 7 of 2, where the first is 0`},
		{"tensors", map[string][]byte{
			"m-00001-of-00002.gguf": partFile(0, 2, 3, 1).Bytes(), "m-00002-of-00002.gguf": partFile(1, 2, 3, 2).Bytes(),
		}, "m-00001-of-00002.gguf", `part 2 of 2: key "split.tensors.count" says 3, and the parts have 2 tensors`},
		{"tensor twice", map[string][]byte{
			"m-00001-of-00002.gguf": partFile(0, 2, 2, 1).Bytes(), "m-00002-of-00002.gguf": partFile(1, 2, 2, 1).Bytes(),
		}, "m-00001-of-00002.gguf", `tensor "t1" is in part 1 and in part 2 of 2`},
		{"no GGUF file", map[string][]byte{
			"m-00001-of-00002.gguf": partFile(0, 2, 2, 1).Bytes(), "m-00002-of-00002.gguf": []byte("version https://git-lfs.github.com/spec/v1"),
		}, "m-00001-of-00002.gguf", `part 2 of 2: file does not begin with "GGUF"`},
		{"truncated", map[string][]byte{
			"m-00001-of-00002.gguf": partFile(0, 2, 2, 1).Bytes(), "m-00002-of-00002.gguf": partFile(1, 2, 2, 2).Header(),
		}, "m-00001-of-00002.gguf", `part 2 of 2: truncated: file ends at byte 140, before the data of its tensors`},
		{"type of count", map[string][]byte{"m.gguf": newBuilder().value(keySplitCount, String, str("2")).Bytes()}, "m.gguf",
			`key "split.count": value is string, not an integer`},
		{"large count", map[string][]byte{"m.gguf": newBuilder().value(keySplitCount, Uint32, u32(1<<31)).Bytes()}, "m.gguf",
			`key "split.count": 2147483648 is no number of parts`},
		{"no number", map[string][]byte{"m.gguf": newBuilder().value(keySplitCount, Uint32, u32(2)).Bytes()}, "m.gguf",
			`it is one of 2 parts, by its metadata; the others are found by names such as model-00001-of-00002.gguf`},
		{"named without keys", map[string][]byte{"m-00001-of-00002.gguf": newBuilder().Bytes()}, "m-00001-of-00002.gguf",
			`part 2 of 2 is missing: "m-00002-of-00002.gguf"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Open(filepath.Join(writeFiles(t, test.files), test.open))
			if err == nil || err.Error() != test.want {
				t.Errorf("error is %v, want %s", err, test.want)
			}
			if err != nil {
				checkError(t, err)
			}
		})
	}
}

// TestNoParts opens files that are whole in spite of keys or names.
func TestNoParts(t *testing.T) {
	for name, b := range map[string]*builder{
		"m.gguf":                partFile(0, 0, 0, 1), // as llama.cpp leaves it when it merges parts
		"m-00001-of-00001.gguf": partFile(0, 1, 1, 1),
		"m-00003-of-00002.gguf": newBuilder().tensor("t1", F32, floats(1, -1), 2), // no name of a part
		"m-1-of-2.gguf":         newBuilder().tensor("t1", F32, floats(1, -1), 2),
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Open(filepath.Join(writeFiles(t, map[string][]byte{name: b.Bytes()}), name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if len(f.Tensors) != 1 || len(f.Paths()) != 1 {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestPickModel(t *testing.T) {
	for _, test := range []struct {
		names string
		want  string
		err   string
	}{
		{"a.gguf b.txt .c.gguf", "a.gguf", ""},
		{"m-00003-of-00003.gguf m-00002-of-00003.gguf README.md", "m-00002-of-00003.gguf", ""},
		{"M.GGUF", "M.GGUF", ""},
		{"b.txt", "", "folder holds no GGUF file"},
		{"a.gguf m-00001-of-00002.gguf m-00002-of-00002.gguf", "", `folder holds 2 GGUF models: name one of "a.gguf", "m-00001-of-00002.gguf"`},
		{"a.gguf b.gguf c.gguf d.gguf e.gguf", "", `folder holds 5 GGUF models: name one of "a.gguf", "b.gguf", "c.gguf", "d.gguf", …`},
		{"m-00001-of-00002.gguf m-00001-of-00003.gguf", "", `folder holds 2 GGUF models: name one of "m-00001-of-00002.gguf", "m-00001-of-00003.gguf"`},
	} {
		got, err := PickModel(strings.Fields(test.names))
		if got != test.want || (err == nil) != (test.err == "") || err != nil && err.Error() != test.err {
			t.Errorf("%s: %q, %v", test.names, got, err)
		}
	}
}
