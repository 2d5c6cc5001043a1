package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// TestForeign has files in place of an ONNX model, and in place of its external
// data: every command names them alike.
func TestForeign(t *testing.T) {
	const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n"
	whole := string(onnxtest.Network(13))
	external := func(data string) string {
		entry := func(key, value string) onnxtest.Message {
			return onnxtest.Message{}.Text(1, key).Text(2, value)
		}
		w := onnxtest.Message{}.Int(1, 64, 64).Int(2, onnxtest.Float).Text(8, "w").Bytes(13, entry("location", "w.bin")).Int(14, 1)
		path := write(t, "external.onnx", string(onnxtest.Model(13, onnxtest.Graph{
			Nodes:   []onnxtest.Message{onnxtest.Node("MatMul", []string{"x", "w"}, []string{"y"})},
			Tensors: []onnxtest.Message{w},
			Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 64, 64)}, Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 64, 64)},
		})))
		if err := os.WriteFile(filepath.Join(filepath.Dir(path), "w.bin"), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct{ name, path, want string }{
		{"pointer", write(t, "m.onnx", pointer), "a Git LFS pointer to a file of 12345 bytes"},
		{"page", write(t, "m.onnx", "<!DOCTYPE html>\n<html></html>"), "an HTML page"},
		{"pickle", write(t, "m.onnx", "\x80\x02}q\x00."), "a Python pickle"},
		{"gzip", write(t, "m.onnx", "\x1f\x8b\x08\x00\x00\x00\x00\x00"), "a gzip file"},
		{"checkpoint", write(t, "m.onnx", "PK\x03\x04"+string(make([]byte, 22))+"\x10\x00\x00\x00archive/data.pkl"), "a PyTorch checkpoint"},
		{"truncated", write(t, "m.onnx", whole[:len(whole)-100]), "truncated: field 7 of the model"},
		{"pointer for data", external(pointer), `"w.bin": it is a Git LFS pointer to a file of 12345 bytes`},
		{"page for data", external("<html></html>"), `"w.bin": it is an HTML page`},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.onnx")
			for _, args := range [][]string{{"inspect", test.path}, {"compare", test.path}, {"quantize", test.path, "-o", out}} {
				fails(t, exitFailed, test.want, "", args...)
			}
			if filepath.Base(test.path) == "m.onnx" {
				fails(t, exitFailed, test.want, "", "dequantize", test.path, "-o", out)
			}
		})
	}
}
