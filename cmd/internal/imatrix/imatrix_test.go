package imatrix

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
)

const f32 = 0 // the number of the type in GGUF

// entry returns an entry in the binary form.
func entry(name string, calls uint32, values ...float32) []byte {
	return gguftest.Cat(gguftest.U32(uint32(len(name))), []byte(name), gguftest.U32(calls), gguftest.U32(uint32(len(values))), gguftest.Floats(values...))
}

// legacy returns a file in the binary form, without what follows the entries.
func legacy(entries ...[]byte) []byte {
	return gguftest.Cat(gguftest.U32(uint32(len(entries))), gguftest.Cat(entries...))
}

// builder begins a file in GGUF.
func builder() *gguftest.Builder {
	return gguftest.New().Text("general.type", "imatrix").Number("imatrix.chunk_count", 7).Number("imatrix.chunk_size", 512)
}

// with adds an entry with a row of sums for each count.
func with(b *gguftest.Builder, name string, counts []float32, sums ...float32) *gguftest.Builder {
	n := uint64(len(counts))
	b.Tensor(name+".in_sum2", f32, gguftest.Floats(sums...), uint64(len(sums))/n, n)
	return b.Tensor(name+".counts", f32, gguftest.Floats(counts...), 1, n)
}

func parse(data []byte) (*File, error) { return Parse(bytes.NewReader(data), int64(len(data))) }

func TestParse(t *testing.T) {
	tail := gguftest.Cat(gguftest.U32(7), gguftest.U32(4), []byte("text"))
	first := legacy(entry("blk.0.attn_q.weight", 2, 4, 0, 1), entry("output.weight", 3, 1))
	plain := []Entry{
		{Name: "blk.0.attn_q.weight", Squares: []float32{2, 0, 0.5}, Counts: []float64{2}},
		{Name: "output.weight", Squares: []float32{float32(1) / 3}, Counts: []float64{3}},
	}
	for _, c := range []struct {
		name   string
		data   []byte
		chunks int
		legacy bool
		want   []Entry
	}{
		{"binary", gguftest.Cat(first, tail), 7, true, plain},
		{"binary, without a text", first, 0, true, plain},
		{"binary, chunks alone", gguftest.Cat(first, gguftest.U32(9)), 9, true, plain},
		{"binary, no calls", legacy(entry("w", 0, 5, 6)), 0, true, []Entry{{"w", []float32{5, 6}, []float64{0}}}},
		{"gguf", with(with(builder(), "blk.0.attn_q.weight", []float32{2}, 4, 0, 1), "output.weight", []float32{3}, 1).Bytes(), 7, false, plain},
		{"gguf, experts", with(builder(), "e", []float32{4, 0, 2}, 4, 8, 0, 0, 1, 2).Bytes(), 7, false,
			[]Entry{{"e", []float32{1, 2, 1, 1, 0.5, 1}, []float64{4, 0, 2}}}},
		{"gguf, tensors of other names", with(builder(), "w", []float32{1}, 3).Tensor("w.in_sum", f32, gguftest.Floats(1), 1).Bytes(), 7, false,
			[]Entry{{"w", []float32{3}, []float64{1}}}},
		{"gguf, without a type", with(gguftest.New(), "w", []float32{1}, 3).Bytes(), 0, false,
			[]Entry{{"w", []float32{3}, []float64{1}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !Is(c.data[:min(len(c.data), 512)]) {
				t.Error("Is does not recognise the file")
			}
			f, err := parse(c.data)
			if err != nil {
				t.Fatal(err)
			}
			if f.Chunks != c.chunks || f.Legacy != c.legacy {
				t.Errorf("%d chunks, legacy %v; want %d, %v", f.Chunks, f.Legacy, c.chunks, c.legacy)
			}
			equal := func(a, b Entry) bool {
				return a.Name == b.Name && slices.Equal(a.Squares, b.Squares) && slices.Equal(a.Counts, b.Counts)
			}
			if !slices.EqualFunc(f.Entries, c.want, equal) {
				t.Errorf("entries %v, want %v", f.Entries, c.want)
			}
			for i := range c.want {
				if e := f.Entry(c.want[i].Name); e != &f.Entries[i] {
					t.Errorf("entry of %s is %v", c.want[i].Name, e)
				}
			}
			if e := f.Entry("none"); e != nil {
				t.Errorf("entry of a weight without one: %v", e)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	nan := float32(math.NaN())
	good := legacy(entry("w", 1, 1, 2))
	for _, c := range []struct {
		name string
		data []byte
		want []string
	}{
		{"empty", nil, []string{"0 bytes"}},
		{"text", []byte("*attn*,2.5 and more than twenty bytes"), []string{"at byte 0", "number of entries"}},
		{"no entries", gguftest.Cat(gguftest.U32(0), make([]byte, 30)), []string{"at byte 0", "is 0"}},
		{"a name of no bytes", gguftest.Cat(gguftest.U32(1), make([]byte, 30)), []string{"entry 0 of 1", "at byte 4", "length of the name is 0"}},
		{"a name past the end", gguftest.Cat(gguftest.U32(1), gguftest.U32(100), make([]byte, 20)), []string{"entry 0 of 1", "at byte 8", "name of 100 bytes in a file of 28"}},
		{"a zero byte", legacy(entry("w\x00x", 1, 1)), []string{"zero byte"}},
		{"values past the end", good[:len(good)-1], []string{`entry "w"`, "at byte 17", "values of 8 bytes in a file of 24"}},
		{"no values", legacy(entry("w", 1), entry("v", 1, 1, 2)), []string{`entry "w"`, "number of values is 0"}},
		{"negative calls", legacy(entry("w", 1<<31, 1)), []string{`entry "w"`, "number of calls is -2147483648"}},
		{"negative", legacy(entry("v", 1, 1), entry("w", 1, 1, -2)), []string{"entry 1 of 2", `entry "w"`, "mean square -2 at index 1"}},
		{"not finite", legacy(entry("w", 1, nan)), []string{`entry "w"`, "mean square NaN at index 0"}},
		{"twice", legacy(entry("w", 1, 1), entry("w", 1, 1)), []string{`entry "w"`, "two entries"}},
		{"bytes after the end", gguftest.Cat(good, gguftest.U32(1), gguftest.U32(0), []byte{1}), []string{"at byte 33", "1 bytes follow"}},
		{"a text past the end", gguftest.Cat(good, gguftest.U32(1), gguftest.U32(9)), []string{"at byte 33", "name of the text of 9 bytes"}},
		{"gguf, a model", gguftest.New().Text("general.type", "model").Tensor("w", f32, gguftest.Floats(1), 1).Bytes(), []string{`general.type is "model"`}},
		{"gguf, no entries", builder().Bytes(), []string{"no entries"}},
		{"gguf, no counts", builder().Tensor("w.in_sum2", f32, gguftest.Floats(1), 1).Bytes(), []string{`entry "w"`, "no tensor w.counts"}},
		{"gguf, no sums", with(builder(), "v", []float32{1}, 1).Tensor("w.counts", f32, gguftest.Floats(1), 1).Bytes(), []string{`entry "w"`, "no tensor w.in_sum2"}},
		{"gguf, counts that do not divide", builder().Tensor("w.in_sum2", f32, gguftest.Floats(1, 2, 3), 3).Tensor("w.counts", f32, gguftest.Floats(1, 1), 2).Bytes(),
			[]string{`entry "w"`, "3 sums of squares are not those of 2 matrices"}},
		{"gguf, a negative count", with(builder(), "w", []float32{1, -1}, 1, 1).Bytes(), []string{`entry "w"`, "count -1 of matrix 1"}},
		{"gguf, infinite", with(builder(), "w", []float32{0.5}, 1, math.MaxFloat32).Bytes(), []string{`entry "w"`, "+Inf at index 1"}},
		{"gguf, float16", with(builder(), "w", []float32{1}, 1).Tensor("v.in_sum2", 1, []byte{0, 0x3c}, 1).Tensor("v.counts", f32, gguftest.Floats(1), 1).Bytes(),
			[]string{`entry "v"`, `tensor "v.in_sum2"`, "F16"}},
		{"gguf, empty", builder().Tensor("w.in_sum2", f32, nil, 0).Tensor("w.counts", f32, gguftest.Floats(1), 1).Bytes(), []string{`tensor "w.in_sum2" is empty`}},
		{"gguf, truncated", with(builder(), "w", []float32{1}, 1).Bytes()[:200], []string{"truncated"}},
		{"gguf, chunks", with(gguftest.New().Text("imatrix.chunk_count", "many"), "w", []float32{1}, 1).Bytes(), []string{"imatrix.chunk_count", `"many"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(c.data)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q has no %q", err, want)
				}
			}
		})
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good.dat"), filepath.Join(dir, "bad.gguf")
	for path, data := range map[string][]byte{good: legacy(entry("w", 1, 1)), bad: []byte("GGUF")} {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if f, err := Open(good); err != nil || f.Entry("w") == nil {
		t.Errorf("%v, %v", f, err)
	}
	if _, err := Open(bad); err == nil || !strings.Contains(err.Error(), bad) {
		t.Errorf("error %v does not name the file", err)
	}
	if _, err := Open(filepath.Join(dir, "none")); err == nil {
		t.Error("no error for a file that does not exist")
	}
}

func TestFor(t *testing.T) {
	e := Entry{Name: "w", Squares: []float32{1, 2, 3, 4}}
	for _, c := range []struct {
		name  string
		shape []int
		wrong bool
	}{
		{"a matrix", []int{7, 4}, false},
		{"a vector", []int{4}, false},
		{"experts", []int{2, 7, 2}, false},
		{"one row for all experts", []int{3, 7, 4}, false},
		{"another length", []int{4, 7}, true},
		{"another number of experts", []int{3, 7, 2}, true},
		{"no axes", nil, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			x, err := e.For(c.shape)
			if c.wrong != (err != nil) {
				t.Fatalf("error %v", err)
			}
			if err == nil && !slices.Equal(x, e.Squares) {
				t.Errorf("%v", x)
			}
			if err != nil && !strings.Contains(err.Error(), `"w"`) {
				t.Errorf("error %q does not name the entry", err)
			}
		})
	}
}

func TestIs(t *testing.T) {
	for _, head := range []string{"", "*attn*,2.5\n", "pattern,factor\n*,1\n", "\x01\x00\x00\x00\x03\x00\x00\x00a\x01b", "\x01\x00\x00\x00\x00\x00\x00\x00abc"} {
		if Is([]byte(head)) {
			t.Errorf("%q is no importance matrix", head)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(gguftest.Cat(legacy(entry("w", 2, 4, 0, 1), entry("v", 3, 1)), gguftest.U32(7), gguftest.U32(4), []byte("text")))
	f.Add(with(builder(), "w", []float32{4, 0, 2}, 4, 8, 0, 0, 1, 2).Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := parse(data)
		if err != nil {
			if s := err.Error(); strings.ContainsAny(s, "\n\r") {
				t.Errorf("error of several lines: %q", s)
			}
			return
		}
		values := 0
		for i := range file.Entries {
			e := &file.Entries[i]
			values += len(e.Squares)
			if file.Entry(e.Name) != e || len(e.Squares) == 0 || len(e.Counts) == 0 {
				t.Errorf("entry %+v", e)
			}
			for _, v := range e.Squares {
				if !(v >= 0) || math.IsInf(float64(v), 0) {
					t.Errorf("mean square %v", v)
				}
			}
		}
		if 4*values > len(data) {
			t.Errorf("%d values of %d bytes", values, len(data))
		}
	})
}
