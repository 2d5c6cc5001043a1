package main

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/feedback"
)

// legacyMatrix writes an importance matrix in the binary form, with the same mean squares for all
// names.
func legacyMatrix(t *testing.T, squares []float32, names ...string) string {
	t.Helper()
	b := gguftest.U32(uint32(len(names)))
	for _, name := range names {
		b = gguftest.Cat(b, gguftest.U32(uint32(len(name))), []byte(name), gguftest.U32(1), gguftest.U32(uint32(len(squares))), gguftest.Floats(squares...))
	}
	path := filepath.Join(t.TempDir(), "imatrix.dat")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// momentsFile writes second moments of rows of inputs for each name.
func momentsFile(t *testing.T, e feedback.Extent, rows []float32, n int, names ...string) string {
	t.Helper()
	s := moments.State{}
	for _, name := range names {
		m, err := feedback.NewMoments(n, e, library.RefuseNotFinite)
		if err == nil {
			err = m.Observe(library.Tensor{Data: rows, Shape: []int{len(rows) / n, n}})
		}
		if err != nil {
			t.Fatal(err)
		}
		s[name] = m
	}
	b, err := s.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "inputs.moments")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPlanSensitivity plans by what is known of the inputs of layers.
func TestPlanSensitivity(t *testing.T) {
	models := planModels(t)
	model := models["gguf"]
	names := []string{"blk.0.attn_q.weight", "blk.0.attn_v.weight", "blk.0.ffn_up.weight", "blk.1.attn_q.weight"}
	get := func(model, path string) planFile {
		t.Helper()
		args := []string{"plan", model, "--format", "json", "--bits-per-weight", "6"}
		if model == models["onnx"] { // it has many weights
			args = append(args, "--candidates", "int4:channel,int8:channel")
		}
		if path != "" {
			args = append(args, "--sensitivity", path)
		}
		return planOf(t, []byte(ok(t, args...)))
	}
	same := func(x float32) []float32 { return slices.Repeat([]float32{x}, 512) }
	free := get(model, "")
	t.Run("mean squares that are all the same", func(t *testing.T) {
		p := get(model, legacyMatrix(t, same(3), names...))
		for i, w := range p.Weights {
			if math.Abs(*w.SQNR-*free.Weights[i].SQNR) > 1e-6 || w.Candidate != free.Weights[i].Candidate || w.Error != "diagonal" {
				t.Errorf("%+v, want %+v", w, free.Weights[i])
			}
		}
	})
	t.Run("weights that are not in the file", func(t *testing.T) {
		p := get(model, legacyMatrix(t, same(3), names[1]))
		for i, w := range p.Weights {
			if w.Candidate != free.Weights[i].Candidate || (w.Error == "diagonal") != (w.Name == names[1]) {
				t.Errorf("%+v, want %+v", w, free.Weights[i])
			}
		}
	})
	t.Run("inputs that are 0 but for some", func(t *testing.T) {
		squares := same(0)
		for i := range 32 {
			squares[i] = 1
		}
		p := get(model, legacyMatrix(t, squares, names...))
		differs := false
		for i, w := range p.Weights {
			differs = differs || *w.SQNR != *free.Weights[i].SQNR
		}
		if !differs {
			t.Error("the ratios are those of weights")
		}
	})
	t.Run("a layer whose inputs are large", func(t *testing.T) {
		large := legacyMatrix(t, same(1), names[1:]...)
		b := read(t, filepath.Dir(large), "imatrix.dat")
		b[0]++ // another entry
		b = gguftest.Cat(b, gguftest.U32(uint32(len(names[0]))), []byte(names[0]), gguftest.U32(1), gguftest.U32(512), gguftest.Floats(same(1e9)...))
		if err := os.WriteFile(large, b, 0o644); err != nil {
			t.Fatal(err)
		}
		if p := get(model, large); p.Weights[0].Bytes <= free.Weights[0].Bytes {
			t.Errorf("it has %s, and %s without", p.Weights[0].Candidate, free.Weights[0].Candidate)
		}
	})
	// Inputs are one of the unit vectors: the full moments are the diagonal.
	rows := make([]float32, 32*512)
	for i := range 32 {
		rows[i*512+16*i+i%16] = float32(i%7) / 2
	}
	t.Run("moments", func(t *testing.T) {
		st := models["safetensors"]
		layers := []string{"model.layers.0.q", "model.layers.0.v.weight", "model.layers.1.q", "model.layers.1.v"}
		full, diagonal := get(st, momentsFile(t, feedback.Full, rows, 512, layers...)), get(st, momentsFile(t, feedback.Diagonal, rows, 512, layers...))
		for i, w := range full.Weights {
			d := diagonal.Weights[i]
			if w.Error != "full" || d.Error != "diagonal" || w.Candidate != d.Candidate || math.Abs(*w.SQNR-*d.SQNR) > 1e-6 {
				t.Errorf("%+v with full moments, %+v with the diagonal", w, d)
			}
		}
	})
	t.Run("moments of an ONNX model", func(t *testing.T) {
		x := make([]float32, 8*40)
		for i := range x {
			x[i] = float32(i%11) - 5
		}
		p := get(models["onnx"], momentsFile(t, feedback.Full, x, 8, "gemm1.weight"))
		q := get(models["onnx"], momentsFile(t, feedback.Full, x, 40, "shared.weight"))
		for i, w := range p.Weights {
			if (w.Error == "full") != (w.Name == "gemm1.weight") || (q.Weights[i].Error == "full") != (w.Name == "shared.weight") {
				t.Errorf("%+v, %+v", w, q.Weights[i])
			}
		}
	})
	for _, c := range []struct{ name, model, path, want string }{
		{"another number of inputs", model, legacyMatrix(t, same(1)[:100], names...), "imatrix.dat: entry \"blk.0.attn_q.weight\": 100 mean squares"},
		{"no weight of the model", model, legacyMatrix(t, same(1), "x"), "of no weight of the model"},
		{"moments of another number", models["safetensors"], momentsFile(t, feedback.Full, rows[:512], 64, "model.layers.0.q"), "second moments of 64 inputs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fails(t, exitFailed, c.want, "", "plan", c.model, "--bits-per-weight", "6", "--sensitivity", c.path)
		})
	}
	if words := ok(t, "plan", model, "--bits-per-weight", "6", "--sensitivity", legacyMatrix(t, same(1), names[0])); !containsWords(words, "of 1 weight from mean squares of inputs, of 0 from all second moments, and of 3") {
		t.Errorf("the table does not say whose errors it has:\n%s", words)
	}
}

// containsWords reports whether text has words, however its lines are broken.
func containsWords(text, words string) bool {
	return strings.Contains(strings.Join(strings.Fields(text), " "), words)
}

// formsOf returns the forms of the weights of a model, by name and number of elements.
func formsOf(model string) (func(name string, n int) moments.Form, error) {
	if filepath.Ext(model) != ".onnx" {
		return func(_ string, n int) moments.Form { return moments.RowsForm([]int{n / 64, 64}) }, nil
	}
	m, err := onnx.Open(model)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	forms, _ := moments.Forms(m)
	return func(name string, _ int) moments.Form { return forms[name] }, nil
}
