package tensorfile

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
)

// TestOpenGGUFParts opens a model by its folder and by each of its parts.
func TestOpenGGUFParts(t *testing.T) {
	dir := t.TempDir()
	for no := range 3 {
		b := gguftest.New()
		b.Value("split.no", 2, []byte{byte(no), 0}).Value("split.count", 2, []byte{3, 0}).Number("split.tensors.count", 2)
		if no == 0 {
			b.Text("general.architecture", "llama")
		} else {
			b.Tensor(fmt.Sprint("t", no), uint32(gguf.F32), gguftest.Floats(float32(no), 7), 2)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("m-%05d-of-00003.gguf", no+1)), b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"", "m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "m-00003-of-00003.gguf"} {
		t.Run(name, func(t *testing.T) {
			f, err := Open(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if f.Kind != "gguf" || f.Metadata["general.architecture"] != "llama" || len(f.Tensors()) != 2 || len(f.Paths()) != 3 {
				t.Fatalf("%+v", f)
			}
			for i, info := range f.Tensors() {
				file := fmt.Sprintf("m-%05d-of-00003.gguf", i+2)
				if file == name {
					file = "" // the file that was opened
				}
				got, err := f.Load(i)
				if info.Name != fmt.Sprint("t", i+1) || info.File != file || err != nil || !slices.Equal(got, []float32{float32(i + 1), 7}) {
					t.Errorf("%+v is %v: %v", info, got, err)
				}
			}
		})
	}
	if err := os.Remove(filepath.Join(dir, "m-00003-of-00003.gguf")); err != nil {
		t.Fatal(err)
	}
	const want = `gguf: part 3 of 3 is missing: "m-00003-of-00003.gguf"`
	for _, name := range []string{"", "m-00001-of-00003.gguf"} {
		if _, err := Open(filepath.Join(dir, name)); err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
	// One part that does not come from a folder.
	data, err := os.ReadFile(filepath.Join(dir, "m-00002-of-00003.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	const alone = "gguf: it is part 2 of 3, by its metadata; the other parts are found by names such as model-00002-of-00003.gguf"
	if _, err := parseAt("m-00002-of-00003.gguf", strings.NewReader(string(data)), int64(len(data))); err == nil || err.Error() != alone {
		t.Errorf("error is %v, want %s", err, alone)
	}
}

// TestFolderGGUF opens folders that hold several models, or none.
func TestFolderGGUF(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.gguf", "b.gguf"} {
		if err := os.WriteFile(filepath.Join(dir, name), gguftest.New().Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
		f, err := Open(dir)
		if name == "a.gguf" {
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			continue
		}
		if want := `folder holds 2 GGUF models: name one of "a.gguf", "b.gguf"`; err == nil || err.Error() != want {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

// TestGGUFTypes opens tensors of types that are floating-point, blocks, integers,
// no longer used and not known.
func TestGGUFTypes(t *testing.T) {
	double := func(v float64) []byte { return gguftest.U64(math.Float64bits(v)) }
	b := gguftest.New().
		Tensor("f64", uint32(gguf.F64), gguftest.Cat(double(0.5), double(-3)), 2).
		Tensor("q6", uint32(gguf.Q6_K), make([]byte, 210), 256).
		Tensor("i32", uint32(gguf.I32), gguftest.U32(5), 1).
		Tensor("old", 31, make([]byte, 18), 32).
		Tensor("new", 99, make([]byte, 32), 32).
		Tensor("large", uint32(gguf.F64), double(1e300), 1)
	f, err := parseAt("", strings.NewReader(string(b.Bytes())), int64(len(b.Bytes())))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		dtype    string
		floating bool
		err      string
	}{
		{"F64", true, ""},
		{"Q6_K", true, ""},
		{"I32", false, `gguf: tensor "i32": elements are I32, not floating-point numbers`},
		{"Q4_0_4_4", false, `gguf: tensor "old": elements of Q4_0_4_4 (type 31 of ggml) are not read`},
		{"type 99", false, `gguf: tensor "new": elements are of type 99 of ggml, which is not known and not read`},
		{"F64", true, `gguf: tensor "large": 1e+300 at index 0 overflows float32`},
	} {
		info := f.Tensors()[i]
		_, err := f.Load(i)
		if info.DType != want.dtype || info.Floating != want.floating || (err == nil) != (want.err == "") || err != nil && err.Error() != want.err {
			t.Errorf("%+v: %v, want %+v", info, err, want)
		}
	}
}
