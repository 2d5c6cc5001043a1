package tensorfile

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// A file is recognised by its content, whatever its name is.
func TestOtherExtension(t *testing.T) {
	model, tensors := string(onnxtest.Network(13)), shard("x", fileOne)
	for _, test := range []struct{ name, content, want string }{
		{"model.onnx", model, "onnx"},
		{"model.safetensors", model, "onnx"},
		{"model.bin", model, "onnx"},
		{"model.safetensors", tensors, "safetensors"},
		{"model.onnx", tensors, "safetensors"},
		{"model.csv", tensors, "safetensors"},
	} {
		path := filepath.Join(t.TempDir(), test.name)
		if err := os.WriteFile(path, []byte(test.content), 0o666); err != nil {
			t.Fatal(err)
		}
		if kind, folder, err := Sniff(path); kind != test.want || folder || err != nil {
			t.Errorf("%s: %s, folder %t, %v; want %s", test.name, kind, folder, err, test.want)
		}
		f, err := Open(path)
		if err != nil {
			t.Errorf("%s of %s: %v", test.name, test.want, err)
			continue
		}
		if f.Kind != test.want {
			t.Errorf("%s: %s, want %s", test.name, f.Kind, test.want)
		}
		f.Close()
	}
}

// A folder without a model is of no kind, and a model of safetensors least of all.
func TestSniffFolder(t *testing.T) {
	for _, test := range []struct {
		files, kind string
		err         string
	}{
		{"a.safetensors", "safetensors", ""},
		{"model.safetensors.index.json", "safetensors", ""},
		{"a.GGUF", "gguf", ""},
		{"a.onnx", "", `it is a folder without safetensors files or GGUF files; name the file of another format, such as "a.onnx"`},
		{".a.safetensors", "", "it is a folder without safetensors files or GGUF files; name the file of another format"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, test.files), nil, 0o666); err != nil {
			t.Fatal(err)
		}
		kind, folder, err := Sniff(dir)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if kind != test.kind || folder != (kind == "safetensors") || said != test.err {
			t.Errorf("%s: %q, folder %t, %v", test.files, kind, folder, err)
		}
	}
}
