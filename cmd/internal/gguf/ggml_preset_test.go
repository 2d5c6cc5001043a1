//go:build ggml && linux && amd64

package gguf

import "testing"

// TestGGMLPresets compares the presets of the library with ggml, byte for byte. A block that a
// preset refuses has a scale beyond float16 in ggml.
func TestGGMLPresets(t *testing.T) {
	lib := openGGML(t)
	for name, typ := range presetTypes {
		reference := quantizer(lib, typ)
		_, size := typ.Block()
		r, want := newRows(uint64(typ)), make([]byte, size)
		x := make([]float32, BlockLen)
		n := *ggmlRows / 10
		for range n {
			kind := r.fill(x)
			reference(&x[0], &want[0], BlockLen)
			got, _, err := presetBlocks(t, name, typ, x)
			if err != nil {
				if !infiniteScale(typ, want) {
					t.Fatalf("%s, %s: %v, and %x by ggml: %v", name, kind, err, want, x)
				}
				continue
			}
			if string(canonical(typ, got)) != string(canonical(typ, want)) {
				t.Fatalf("%s, %s: %x, and %x by ggml: %v", name, kind, got, want, x)
			}
		}
		t.Logf("%s: %d codes", name, n*BlockLen)
	}
}
