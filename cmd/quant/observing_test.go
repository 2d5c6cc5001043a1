package main

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/documented"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// npz writes an archive of tensors of 20 values.
func npz(t *testing.T, path string, scale float32, names ...string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for _, name := range names {
		w, err := z.Create(name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		x := waves(20)
		for i := range x {
			x[i] *= scale
		}
		if _, err := w.Write([]byte(npy(x, 4, 5))); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestObservingDocument runs the commands of docs/observing.md, from a model to the errors
// of its activations. Archives of the test take the place of what a runtime returns.
func TestObservingDocument(t *testing.T) {
	doc := documented.Text(t, "../..", "observing.md")
	t.Chdir(t.TempDir())
	if err := os.WriteFile("model.onnx", onnxtest.Network(13), 0o600); err != nil {
		t.Fatal(err)
	}
	var names []string
	ran := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(doc, -1) {
		for _, line := range strings.Split(strings.TrimSpace(block[1]), "\n") {
			if strings.HasPrefix(line, "node ") {
				names = observedNames(t)
				if err := os.Mkdir("activations", 0o700); err != nil {
					t.Fatal(err)
				}
				for i := range 3 {
					npz(t, fmt.Sprintf("activations/%06d.npz", i), float32(i+1), names...)
				}
				continue
			}
			args, isQuant := strings.CutPrefix(line, "quant ")
			if !isQuant {
				t.Fatalf("%s is no command of quant", line)
			}
			args = strings.ReplaceAll(args, "activations/*.npz", "activations/000000.npz activations/000001.npz activations/000002.npz")
			ok(t, strings.Fields(strings.ReplaceAll(args, "'", ""))...)
			ran++
		}
	}
	if ran < 8 {
		t.Errorf("%d commands were run", ran)
	}
	for _, path := range []string{"ranges.json", "clipped.json", "merged.json"} {
		file, err := calibfile.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if x := file.Find(name); x == nil || x.Batches != 3 {
				t.Errorf("%s: %s has no range of three batches", path, name)
			}
		}
	}
}

// observedNames lists the tensors that need ranges.
func observedNames(t *testing.T) (names []string) {
	t.Helper()
	var v struct{ Tensors []struct{ Name string } }
	if err := json.Unmarshal([]byte(ok(t, "observe", "model.onnx", "--dry-run", "--format", "json")), &v); err != nil {
		t.Fatal(err)
	}
	for _, x := range v.Tensors {
		names = append(names, x.Name)
	}
	return names
}
