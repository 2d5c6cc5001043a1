package tensorfile

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// one shard with a tensor of one element.
func shard(name string, value string) string {
	return safetensors(fmt.Sprintf(`{%q:{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"__metadata__":{"format":"pt","of":%q}}`, name, name), value)
}

const (
	fileOne = "\x00\x00\x80\x3f"
	fileTwo = "\x00\x00\x00\x40"
)

// files writes files into a new folder, those with a / into folders below.
func files(t *testing.T, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range contents {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func index(weights ...string) string {
	m := make(map[string]string)
	for i := 0; i < len(weights); i += 2 {
		m[weights[i]] = weights[i+1]
	}
	b, err := json.Marshal(map[string]any{"metadata": map[string]any{"total_size": 8.0, "x": nil}, "weight_map": m})
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestShards(t *testing.T) {
	two := map[string]string{
		"model.safetensors.index.json": index("a", "s-1.safetensors", "b", "sub/s-2.safetensors"),
		"s-1.safetensors":              shard("a", fileOne),
		"sub/s-2.safetensors":          shard("b", fileTwo),
		"other.safetensors":            "not looked at",
		"README.md":                    "",
	}
	dir := files(t, two)
	for _, path := range []string{dir, filepath.Join(dir, "model.safetensors.index.json")} {
		var told []string
		f, err := OpenProgress(path, func(done, total int64) { told = append(told, fmt.Sprint(done, "/", total)) })
		if err != nil {
			t.Fatal(err)
		}
		wantTensor(t, f, 0, "a", []int{1}, []float32{1})
		wantTensor(t, f, 1, "b", []int{1}, []float32{2})
		if f.Kind != "safetensors" || f.Metadata["format"] != "pt" || len(f.Paths()) != 3 || len(told) != 2 {
			t.Errorf("%+v, progress %v", f, told)
		}
		infos := f.Tensors()
		if infos[0].File != "s-1.safetensors" || infos[1].File != "sub/s-2.safetensors" || infos[1].Offset < 8 {
			t.Errorf("%+v", infos)
		}
		if len(f.Shards) != 2 || f.Shards[1].Metadata["of"] != "b" || f.Shards[1].Path != filepath.Join(dir, "sub", "s-2.safetensors") {
			t.Errorf("%+v", f.Shards)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestFolder(t *testing.T) {
	const a, b = "a.safetensors", "b.safetensors"
	for _, c := range []struct {
		files map[string]string
		names string
		err   string
	}{
		{map[string]string{a: shard("x", fileOne)}, "x", ""},
		{map[string]string{b: shard("x", fileOne), a: shard("y", fileTwo), ".c.safetensors": "?"}, "y x", ""},
		{map[string]string{"v.safetensors.index.json": index("x", b), b: shard("x", fileOne), a: "?"}, "x", ""},
		{map[string]string{a: shard("x", fileOne), b: shard("x", fileTwo)}, "",
			`tensor "x" is in two files, "a.safetensors" and "b.safetensors"`},
		{map[string]string{"x.bin": ""}, "", "it is a folder without safetensors files or GGUF files; name the file of another format"},
		{map[string]string{"config.json": "{}", "model.onnx": "x", "w.csv": ""}, "", `it is a folder without safetensors files or GGUF files; name the file of another format, such as "model.onnx"`},
		{nil, "", "it is a folder without safetensors files or GGUF files; name the file of another format"},
		{map[string]string{"v.safetensors.index.json": "", "w.safetensors.index.json": ""}, "",
			`folder holds 2 indices of safetensors files: name one of "v.safetensors.index.json", "w.safetensors.index.json"`},
		{map[string]string{"m-00001-of-00002.safetensors": shard("x", fileOne)}, "",
			`part 2 of 2 is missing beside "m-00001-of-00002.safetensors"; download the rest of the model`},
		{map[string]string{"m-00003-of-00004.safetensors": shard("x", fileOne)}, "",
			`part 1, 2, 4 of 4 are missing beside "m-00003-of-00004.safetensors"; download the rest of the model`},
		{map[string]string{"m-00002-of-99999.safetensors": shard("x", fileOne)}, "",
			`part 1, 3, 4, 5, … of 99999 are missing beside "m-00002-of-99999.safetensors"; download the rest of the model`},
		{map[string]string{"m-1-of-2.safetensors": shard("x", fileOne)}, "",
			`part 2 of 2 is missing beside "m-1-of-2.safetensors"; download the rest of the model`},
		{map[string]string{"m_00002-of-00002.safetensors": shard("x", fileOne)}, "",
			`part 1 of 2 is missing beside "m_00002-of-00002.safetensors"; download the rest of the model`},
		{map[string]string{"m-00000-of-00003.safetensors": shard("x", fileOne), "m-00001-of-00003.safetensors": shard("y", fileOne)}, "",
			`part 2 of 3 is missing beside "m-00000-of-00003.safetensors"; download the rest of the model`},
		{map[string]string{"m-0-of-2.safetensors": shard("x", fileOne), "m-1-of-2.safetensors": shard("y", fileOne)}, "x y", ""},
		{map[string]string{"m-00001-of-00002.safetensors": shard("x", fileOne), "m-00002-of-00002.safetensors": shard("y", fileOne)}, "x y", ""},
		{map[string]string{a: "version https://git-lfs.github.com/spec/v1\nsize 12\n"}, "",
			`shard "a.safetensors": it is a Git LFS pointer to a file of 12 bytes, not the tensors themselves: fetch the file with git lfs pull`},
		{map[string]string{a: "?"}, "", `safetensors: shard "a.safetensors": truncated: the length of the header is cut off, the file has 1 of at least 8 bytes; download or copy it again`},
	} {
		f, err := Open(files(t, c.files))
		if c.err != "" {
			wantError(t, err, c.err)
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		var names []string
		for _, info := range f.Tensors() {
			names = append(names, info.Name)
		}
		if got := strings.Join(names, " "); got != c.names {
			t.Errorf("tensors %s, want %s", got, c.names)
		}
		f.Close()
	}
}

func TestIndexErrors(t *testing.T) {
	const a, b = "a.safetensors", "b.safetensors"
	for _, c := range []struct{ index, err string }{
		{index("x", a, "y", b), ""},
		{index("x", a), ""}, // what else is in a shard, is in the model
		{index("x", "c.safetensors"), `shard "c.safetensors" is missing; download the rest of the model`},
		{index("z", a), `index: tensor "z" is not in shard "a.safetensors"`},
		{index("x", b, "y", a), `index: tensor "x" is not in shard "b.safetensors" but in "a.safetensors"`},
		{index("x", "../a.safetensors"), `index: tensor "x": shard "../a.safetensors" is not a file below the folder`},
		{index("x", "/etc/passwd"), `index: tensor "x": shard "/etc/passwd" is not a file below the folder`},
		{index("x", "sub/../../a"), `index: tensor "x": shard "sub/../../a" is not a file below the folder`},
		{index("x", "./a.safetensors"), `index: tensor "x": shard "./a.safetensors" is not a file below the folder`},
		{index("x", `..\a`), `index: tensor "x": shard "..\\a" is not a file below the folder`},
		{index("x", ""), `index: tensor "x": shard "" is not a file below the folder`},
		{index("x", "."), `index: tensor "x": shard "." is not a file below the folder`},
		{index("x", "a\x00b"), `index: tensor "x": shard "a\x00b" is not a file below the folder`},
		{index("x", "sub"), `shard "sub": not a regular file`},
		{index(), "index: weight_map is empty"},
		{`{"weight_map":{"x":"a","x":"b"}}`, `index: key "x" twice`},
		{`{"weight_map":{"x":1}}`, `index: tensor "x": 1 where a string should be`},
		{`{"weight_map":[]}`, "index: [ where { should be"},
		{`{}`, "index: no weight_map: it is not the index of safetensors files"},
		{`[]`, "index: [ where { should be"},
		{`{"weight_map":{"x":"a"}} 1`, "index: goes on after its closing }"},
		{``, "index: file ends too early"},
		{`{"weight_map":{"x":a}}`, `index: tensor "x": file: invalid character 'a' looking for beginning of value near byte 19`},
	} {
		f, err := Open(files(t, map[string]string{
			"model.safetensors.index.json": c.index,
			a:                              shard("x", fileOne),
			b:                              shard("y", fileTwo),
			"sub/file":                     "",
		}))
		switch {
		case c.err != "":
			wantError(t, err, c.err)
		case err != nil:
			t.Error(err)
		default:
			f.Close()
		}
	}
}

// Links may lead to files of the folder, and to where the cache of Hugging
// Face's tools keeps them, but not elsewhere.
func TestShardLinks(t *testing.T) {
	dir := files(t, map[string]string{
		"model/real.safetensors":              shard("x", fileOne),
		"model/snapshots/blobs/1234":          shard("x", fileOne),
		"model/model.safetensors.index.json":  index("x", "linked.safetensors"),
		"hub/blobs/1234":                      shard("x", fileTwo),
		"hub/snapshots/abcd/config.json":      "{}",
		"hub/model.safetensors":               shard("x", fileTwo),
		"outside.safetensors":                 shard("x", fileTwo),
		"not-hub/blobs/1234":                  shard("x", fileTwo),
		"not-hub/shots/abcd/config.json":      "{}",
		"hub/snapshots/abcd/real.safetensors": shard("y", fileTwo),
	})
	link := func(target, name string) string {
		path := filepath.Join(dir, name)
		os.Remove(path)
		if err := os.Symlink(target, path); err != nil {
			t.Skip(err)
		}
		return filepath.Dir(path)
	}
	for _, c := range []struct{ target, name, err string }{
		{"real.safetensors", "model/linked.safetensors", ""},
		{"../outside.safetensors", "model/linked.safetensors", "escapes"},
		{filepath.Join(dir, "outside.safetensors"), "model/linked.safetensors", "escapes"},
		{"nothing", "model/linked.safetensors", "is missing"},
		{"../../blobs/1234", "hub/snapshots/abcd/linked.safetensors", ""},
		{"../../../outside.safetensors", "hub/snapshots/abcd/linked.safetensors", "escapes"},
		{"../../blobs/1234", "not-hub/shots/abcd/linked.safetensors", "escapes"},
	} {
		f, err := Open(link(c.target, c.name))
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s to %s: %v", c.name, c.target, err)
		}
		if err == nil {
			f.Close()
		}
	}
}

// A model may have more shards than a process may have files.
func TestManyShards(t *testing.T) {
	const n = 500
	contents := make(map[string]string)
	var weights []string
	for i := range n {
		name := fmt.Sprintf("s-%03d.safetensors", i)
		contents[name] = shard(fmt.Sprint("t", i), fileOne)
		weights = append(weights, fmt.Sprint("t", i), name)
	}
	contents["model.safetensors.index.json"] = index(weights...)
	dir := files(t, contents)
	lower(t, 100)
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, info := range f.Tensors() {
		if x, err := f.Load(i); err != nil || !slices.Equal(x, []float32{1}) {
			t.Fatalf("%+v: %v, %v", info, x, err)
		}
	}
}

func FuzzIndex(f *testing.F) {
	for _, s := range []string{index("x", "a", "y", "sub/b"), index("x", "../a"), "{}", `{"weight_map":{"a":"b","a":"c"}}`, `{"metadata":[{}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := parseIndex(data)
		if err != nil {
			checkError(t, err)
			return
		}
		if len(x.tensors) == 0 || len(x.shards) != len(x.tensors) {
			t.Errorf("%+v", x)
		}
		for _, s := range x.shards {
			if !filepath.IsLocal(s) || filepath.Clean(s) != filepath.FromSlash(s) {
				t.Errorf("shard %q", s)
			}
		}
	})
}
