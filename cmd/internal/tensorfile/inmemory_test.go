package tensorfile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
)

// inMemory are files with contents, in an order that names do not have.
func inMemory(contents map[string]string) []MemoryFile {
	var all []MemoryFile
	for name, data := range contents {
		all = append(all, MemoryFile{name, strings.NewReader(data), int64(len(data))})
	}
	slices.SortFunc(all, func(a, b MemoryFile) int { return strings.Compare(b.Name, a.Name) })
	return all
}

func ggufPart(no, count int) string {
	return string(gguftest.New().Number("split.no", uint32(no)).Number("split.count", uint32(count)).Number("split.tensors.count", uint32(count)).
		Tensor(fmt.Sprint("t", no), uint32(gguf.F32), gguftest.Floats(float32(no), 7), 2).Bytes())
}

// TestParseFiles: files in memory are read as the folder that holds them.
func TestParseFiles(t *testing.T) {
	both := map[string]string{"m/a-00001-of-00002.safetensors": shard("a", fileOne), "m/a-00002-of-00002.safetensors": shard("b", fileTwo), "m/config.json": "{}"}
	for _, test := range []struct {
		name     string
		contents map[string]string
		want     string // the names of the tensors, or the error
	}{
		{"one file", map[string]string{"x.safetensors": shard("a", fileOne)}, "a"},
		{"shards", both, "a b"},
		{"shards with an index", map[string]string{
			"model.safetensors.index.json": index("a", "s-1.safetensors", "b", "sub/s-2.safetensors"),
			"s-1.safetensors":              shard("a", fileOne), "sub/s-2.safetensors": shard("b", fileTwo), "other.safetensors": "not looked at",
		}, "a b"},
		{"parts of GGUF", map[string]string{"m-00001-of-00002.gguf": ggufPart(0, 2), "m-00002-of-00002.gguf": ggufPart(1, 2), "README.md": "x"}, "t0 t1"},
		{"a table among other files", map[string]string{"w.csv": "1,2\n3,4\n", "README.md": "x"}, ""},
		{"a shard is missing", map[string]string{"a-00001-of-00003.safetensors": shard("a", fileOne), "a-00003-of-00003.safetensors": shard("b", fileTwo)},
			`part 2 of 3 is missing beside "a-00001-of-00003.safetensors"; download the rest of the model`},
		{"a shard of the index is missing", map[string]string{"m.safetensors.index.json": index("a", "s-1.safetensors", "b", "s-2.safetensors"), "s-1.safetensors": shard("a", fileOne)},
			`shard "s-2.safetensors" of the index is missing: choose it with the others`},
		{"a part is missing", map[string]string{"m-00001-of-00003.gguf": ggufPart(0, 3), "m-00003-of-00003.gguf": ggufPart(2, 3)},
			`gguf: "m-00001-of-00003.gguf" is one of 3 parts, and 2 files are there: choose all of its parts and no other`},
		{"two models", map[string]string{"a.gguf": ggufPart(0, 1), "b.gguf": ggufPart(0, 1)},
			`2 GGUF files that are no parts of one model, as "a.gguf": choose one of them`},
		{"two names", map[string]string{"a/w.csv": "1", "b/w.csv": "2"}, `there are two files named "w.csv"`},
		{"no model", map[string]string{"a.csv": "1", "b.csv": "2"}, "2 files that are no parts of one model: choose one of them"},
		{"the same tensor twice", map[string]string{"a.safetensors": shard("a", fileOne), "b.safetensors": shard("a", fileTwo)},
			`tensor "a" is in two files, "a.safetensors" and "b.safetensors"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := Options{}.ParseFiles(inMemory(test.contents))
			if err != nil {
				if err.Error() != test.want {
					t.Errorf("error %v, want %s", err, test.want)
				}
				return
			}
			var names []string
			for i, info := range f.Tensors() {
				names = append(names, info.Name)
				if _, err := f.Load(i); err != nil {
					t.Error(err)
				}
			}
			if got := strings.Join(names, " "); got != test.want {
				t.Errorf("tensors %q, want %q", got, test.want)
			}
		})
	}
	// The same values as out of a folder.
	dir := files(t, map[string]string{"a-00001-of-00002.safetensors": both["m/a-00001-of-00002.safetensors"], "a-00002-of-00002.safetensors": both["m/a-00002-of-00002.safetensors"]})
	want, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	got, err := Options{}.ParseFiles(inMemory(both))
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Tensors() {
		x, _ := want.Load(i)
		y, _ := got.Load(i)
		if !slices.Equal(x, y) || want.Tensors()[i].File != got.Tensors()[i].File {
			t.Errorf("tensor %d: %v, want %v", i, y, x)
		}
	}
}

// TestParseFilesConfig: what lies beside a model in memory says how to read it, as it
// does in a folder.
func TestParseFilesConfig(t *testing.T) {
	contents := map[string]string{"model.safetensors": shard("a", fileOne), "quantize_config.json": `{"bits":4,"group_size":64,"checkpoint_format":"gptq_v2"}`}
	dir := files(t, contents)
	got, want := configIn(inMemory(contents)), readSTConfig(dir)
	if got.Format != "gptq_v2" || got.Bits != 4 || got.GroupSize != 64 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err == nil {
		t.Fatal("there is another configuration")
	}
}
