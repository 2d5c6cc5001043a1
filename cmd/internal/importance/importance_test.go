package importance

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
	"github.com/a01592f9/quant/feedback"
)

// save writes a file with the given contents.
func save(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// tensors returns a safetensors file with vectors of three float32.
func tensors(name string, values ...float32) []byte {
	header := `{"` + name + `":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}`
	return gguftest.Cat(gguftest.U32(uint32(len(header))), gguftest.U32(0), []byte(header), gguftest.Floats(values...))
}

// matrix returns an importance matrix in the binary form.
func matrix(name string, values ...float32) []byte {
	return gguftest.Cat(gguftest.U32(1), gguftest.U32(uint32(len(name))), []byte(name), gguftest.U32(1), gguftest.U32(uint32(len(values))), gguftest.Floats(values...))
}

// batch are two rows of three inputs, whose mean squares are 1, 10 and 0.5.
var batch = quant.Tensor{Data: []float32{1, 4, 1, -1, -2, 0}, Shape: []int{2, 3}}

// moments returns the state of moments of batch.
func moments(t *testing.T) []byte {
	t.Helper()
	m, err := feedback.NewMoments(3, feedback.Diagonal, quant.RefuseNotFinite)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Observe(batch); err != nil {
		t.Fatal(err)
	}
	data, err := m.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// state returns a state of quant calibrate with batch.
func state(t *testing.T, method quant.Method) []byte {
	t.Helper()
	o, err := quant.NewObserver(quant.Scheme{Bits: 8, Granularity: quant.PerChannel(-1), Method: method}, quant.RefuseNotFinite)
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Observe(batch); err != nil {
		t.Fatal(err)
	}
	data, err := calibfile.State(map[string]*calibfile.Seen{"w": {Observer: o, Shape: []int{2, 3}, Batches: 1}})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestOpen(t *testing.T) {
	gguf := gguftest.New().Text("general.type", "imatrix").
		Tensor("w.in_sum2", 0, gguftest.Floats(2, 20, 1), 3, 1).Tensor("w.counts", 0, gguftest.Floats(2), 1, 1).Bytes()
	for _, c := range []struct {
		name, file string
		data       []byte
		within     float64
	}{
		{"importance matrix", "a.dat", matrix("w", 1, 10, 0.5), 0},
		{"importance matrix in GGUF", "a.gguf", gguf, 0},
		{"safetensors", "a.safetensors", tensors("w", 1, 10, 0.5), 0},
		{"moments", "w.moments", moments(t), 0},
		{"state of quant calibrate", "a.state", state(t, quant.LeastSquares), 0.01},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := Open(save(t, c.file, c.data))
			if err != nil {
				t.Fatal(err)
			}
			i, err := f.Of("w", []int{4, 3}, 0)
			if err != nil || i == nil {
				t.Fatalf("%v, %v", i, err)
			}
			for k, want := range []float64{1, 10, 0.5} {
				if math.Abs(i.Values[k]-want) > c.within*want {
					t.Errorf("importance %v, want 1, 10 and 0.5", i.Values)
				}
			}
			if other, err := f.Of("v", []int{4, 3}, 0); other != nil || err != nil {
				t.Errorf("of another weight: %v, %v", other, err)
			}
			if got := f.Names(); !slices.Equal(got, []string{"w"}) {
				t.Errorf("names %q", got)
			}
		})
	}
}

func TestAxis(t *testing.T) {
	vectors, err := Open(save(t, "a.safetensors", tensors("w", 1, 2, 3)))
	if err != nil {
		t.Fatal(err)
	}
	llama, err := Open(save(t, "a.dat", matrix("w", 1, 2, 3)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name     string
		file     *File
		shape    []int
		channels int
		axis     int
	}{
		{"out, in", vectors, []int{4, 3}, 0, 1},
		{"in, out", vectors, []int{3, 4}, 1, 0},
		{"convolution", vectors, []int{4, 3, 5, 5}, 0, 1},
		{"transposed convolution", vectors, []int{3, 4, 5}, 1, 0},
		{"experts", vectors, []int{2, 4, 3}, 0, -1},
		{"one dimension", vectors, []int{3}, 0, 0},
		{"llama.cpp", llama, []int{3, 3}, 1, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			i, err := c.file.Of("w", c.shape, c.channels)
			if err != nil || i.Axis != c.axis {
				t.Errorf("%+v, %v; want axis %d", i, err, c.axis)
			}
		})
	}
	_, err = llama.Of("w", []int{3, 4}, 0)
	if err == nil || !strings.Contains(err.Error(), `a.dat: entry "w": invalid importance: 3 values, but axis 1 of [3 4] has 4 indices`) {
		t.Error(err)
	}
}

func TestNamesOfTransformers(t *testing.T) {
	for name, want := range map[string]string{
		"model.layers.12.self_attn.q_proj.weight": "blk.12.attn_q.weight",
		"model.layers.0.mlp.down_proj.weight":     "blk.0.ffn_down.weight",
		"lm_head.weight":                          "output.weight",
	} {
		f, err := Open(save(t, "a.dat", matrix(want, 1, 2, 3)))
		if err != nil {
			t.Fatal(err)
		}
		if i, err := f.Of(name, []int{2, 3}, 0); i == nil || err != nil {
			t.Errorf("%s: %v, %v", name, i, err)
		}
		if i, _ := f.Of("model.layers.0.other.weight", []int{2, 3}, 0); i != nil {
			t.Errorf("another weight has an importance")
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name, file string
		data       []byte
		want       string
	}{
		{"without histograms", "a.state", state(t, quant.MinMax), `tensor "w" has no histograms`},
		{"model", "a.gguf", gguftest.New().Text("general.architecture", "llama").Bytes(), "a.gguf: importance matrix: "},
		{"damaged moments", "w.moments", moments(t)[:40], "w.moments: "},
		{"no tensors", "a.safetensors", gguftest.Cat(gguftest.U32(2), gguftest.U32(0), []byte("{}")), "there are no importances in it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := save(t, c.file, c.data)
			_, err := Open(path)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}
