package convert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/calibration"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// observe writes the model that returns the activations of another.
func observe(t *testing.T, in string, o ObserveOptions) (path string, r *Observation) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "observed.onnx")
	set, err := atomicfile.New(path, false)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Abort()
	if r, err = Observe(t.Context(), in, set, o, nil); err != nil {
		t.Fatal(err)
	}
	if err := set.Commit(); err != nil {
		t.Fatal(err)
	}
	return path, r
}

// shallow is a network of three products whose names no file could have. Its input is
// "in/x", [1, 4, 8, 8], and its output "C:y".
func shallow() []byte {
	r := rand.New(rand.NewPCG(3, 4))
	node := onnxtest.Node
	in := func(s ...string) []string { return s }
	return onnxtest.Model(13, onnxtest.Graph{
		Inputs:  []onnxtest.Message{onnxtest.Value("in/x", onnxtest.Float, 1, 4, 8, 8)},
		Outputs: []onnxtest.Message{onnxtest.Value("C:y", onnxtest.Float, 1, 4, 8, 8)},
		Tensors: []onnxtest.Message{onnxtest.Floats("w", onnxtest.Random(r, 16, 4, 0.5), 4, 4, 1, 1)},
		Nodes: []onnxtest.Message{
			node("Conv", in("in/x", "w"), in("/a/../b:0")),
			node("Relu", in("/a/../b:0"), in("__MACOSX/._r")),
			node("Conv", in("__MACOSX/._r", "w"), in("file")),
			node("Transpose", in("file"), in(`back\slash.npy`), onnxtest.AttrInts("perm", 0, 1, 3, 2)),
			node("Sigmoid", in(`back\slash.npy`), in("ünï ☃")),
			node("Conv", in("ünï ☃", "w"), in("C:y")),
		},
	})
}

// TestObserve lists what needs a range, and why the rest does not.
func TestObserve(t *testing.T) {
	in := writeONNX(t, shallow())
	for _, test := range []struct {
		name    string
		options ObserveOptions
		want    string
	}{
		{"all", ObserveOptions{}, `in/x input, /a/../b:0 added, __MACOSX/._r added, file added, ünï ☃ added, C:y output; back\slash.npy of file;`},
		{"by operator", ObserveOptions{Nodes: []string{"Conv"}}, `in/x input, /a/../b:0 added, __MACOSX/._r added, file added, ünï ☃ added, C:y output;; excluded 3`},
		{"by name", ObserveOptions{Nodes: []string{"Conv C*"}}, `ünï ☃ added, C:y output;; excluded 5`},
		{"without", ObserveOptions{Exclude: []string{"Conv file", "Conv C:y"}}, `in/x input, /a/../b:0 added, __MACOSX/._r added;; excluded 2`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, r := observe(t, in, test.options)
			var values, shared []string
			for _, v := range r.Values {
				values = append(values, v.Name+" "+v.As)
			}
			for _, s := range r.Shared {
				shared = append(shared, s.Name+" of "+s.Of)
			}
			excluded := 0
			for _, n := range r.Left {
				if n.Reason == "excluded" {
					excluded++
				}
			}
			got := strings.Join(values, ", ") + "; " + strings.Join(shared, ", ") + ";"
			if len(shared) == 0 {
				got = strings.Join(values, ", ") + ";;"
			}
			if excluded > 0 {
				got += fmt.Sprintf(" excluded %d", excluded)
			}
			if got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
}

// TestObserveOutside observes a model with data in another file, which go to one beside
// the new model.
func TestObserveOutside(t *testing.T) {
	dir := t.TempDir()
	model, data := onnxtest.Outside()
	in := filepath.Join(dir, "outside.onnx")
	for name, content := range map[string][]byte{in: model, filepath.Join(dir, "weights.bin"): data} {
		if err := os.WriteFile(name, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	path, _ := observe(t, in, ObserveOptions{})
	before, _ := tensors(t, in)
	after, _ := tensors(t, path)
	for name, x := range before {
		if !slices.Equal(x, after[name]) {
			t.Errorf("%s has other values", name)
		}
	}
	if _, err := os.Stat(path + ".data"); err != nil || len(after) != len(before) {
		t.Errorf("%d tensors, %v", len(after), err)
	}
}

func TestObserveRefuses(t *testing.T) {
	node := onnxtest.Node
	in := func(s ...string) []string { return s }
	model := func(nodes ...onnxtest.Message) []byte {
		return onnxtest.Model(13, onnxtest.Graph{
			Nodes: nodes, Inputs: []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 4, 4)}, Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float)},
		})
	}
	for _, test := range []struct {
		name, want string
		model      []byte
		options    ObserveOptions
	}{
		{"quantized already", `it is quantized already: node "DynamicQuantizeLinear q" is DynamicQuantizeLinear`, model(node("DynamicQuantizeLinear", in("x"), in("q", "s", "z")), node("DequantizeLinear", in("q", "s", "z"), in("y"))), ObserveOptions{}},
		{"no product", "no tensor needs a range: 1 node stays in floating point, of which 1: no node before it makes codes", model(node("Relu", in("x"), in("y"))), ObserveOptions{}},
		{"no node", "no tensor needs a range: the model has no operator", model(node("Identity", in("x"), in("y"))), ObserveOptions{}},
		{"pattern", `no node or operator matches "Gemm"; there are "Conv /a/../b:0", "Relu __MACOSX/._r"`, shallow(), ObserveOptions{Nodes: []string{"Conv", "Gemm"}}},
		{"exclude", `no node or operator matches "*7"; there are`, shallow(), ObserveOptions{Exclude: []string{"*7"}}},
		{"all excluded", "no tensor needs a range: 6 nodes stay in floating point, of which 6: excluded", shallow(), ObserveOptions{Exclude: []string{"*"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "observed.onnx")
			set, err := atomicfile.New(path, false)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Observe(t.Context(), writeONNX(t, test.model), set, test.options, nil)
			set.Abort()
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
			if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("there is a file: %v", err)
			}
		})
	}
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := Observe(ctx, writeONNX(t, shallow()), atomicfile.Dry("o.onnx", false), ObserveOptions{}, nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// TestONNXRuntimeObserve runs models with and without the further outputs: the outputs that the
// model had keep their bits if no BatchNormalization is folded, and the others are there.
func TestONNXRuntimeObserve(t *testing.T) {
	ortFolder(t)
	r := rand.New(rand.NewPCG(5, 6))
	network := map[string]value{"image": floatValue(onnxtest.Random(r, 3*24*24, 24*24, 1), 1, 3, 24, 24), "tokens": intValue(make([]int64, 9), 1, 9), "flag": {"bool", []int{}, []byte{1}}}
	for _, test := range []struct {
		name   string
		model  string
		inputs map[string]value
	}{
		{"names", writeONNX(t, shallow()), map[string]value{"in/x": floatValue(random(256), 1, 4, 8, 8)}},
		{"network", writeONNX(t, onnxtest.Network(13)), network},
		{"text", "ch_PP-OCRv4_det_infer.onnx", map[string]value{"x": page(t, 160, 96)}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !filepath.IsAbs(test.model) {
				test.model = models(t, test.model)
			}
			path, o := observe(t, test.model, ObserveOptions{Unfolded: true})
			steps := []map[string]value{test.inputs}
			results := onnxruntime(t, ortJob{Model: test.model, Level: "disabled", Steps: steps}, ortJob{Model: path, Level: "disabled", Steps: steps},
				ortJob{Model: path, Level: "all", Steps: steps})
			sameBits(t, test.name, results[0], results[1])
			for _, v := range o.Values {
				for _, result := range results[1:] {
					x, isOutput := result[0][v.Name]
					if isOutput != (v.As != ObservedInput) || isOutput && (x.Type != "float32" || len(x.Data) == 0) {
						t.Errorf("%s is there as %s: %t, %s, %d bytes", v.Name, v.As, isOutput, x.Type, len(x.Data))
					}
				}
			}
		})
	}
}

// TestONNXRuntimeObserveScript runs the script of the documentation, and calibrates with
// what it writes: each tensor that needs a range has one under its own name.
func TestONNXRuntimeObserveScript(t *testing.T) {
	folder := ortFolder(t)
	script, err := filepath.Abs(filepath.Join("..", "..", "..", "examples", "observe", "observe.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	path, o := observe(t, writeONNX(t, shallow()), ObserveOptions{})
	dir := t.TempDir()
	batches := filepath.Join(dir, "batches.mjs")
	// The third batch takes an output of the second one.
	const source = `export default async function* batches() {
	const data = Float32Array.from({ length: 256 }, (_, i) => Math.sin(i));
	yield { 'in/x': { data, dims: [1, 4, 8, 8] } };
	const outputs = yield { 'in/x': { data: data.map((x) => 3 * x), dims: [1, 4, 8, 8] } };
	yield { 'in/x': outputs['C:y'] };
}
`
	if err := os.WriteFile(batches, []byte(source), 0o666); err != nil {
		t.Fatal(err)
	}
	run := func() (string, error) {
		cmd := exec.CommandContext(t.Context(), "node", script, path, batches, filepath.Join(dir, "out"))
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(); err != nil || !strings.HasPrefix(out, "3 batches in ") {
		t.Fatalf("%v\n%s", err, out)
	}
	first, err := os.ReadFile(filepath.Join(dir, "out", "000000.npz"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := run(); err == nil || !strings.Contains(out, "EEXIST") {
		t.Errorf("files are overwritten: %v\n%s", err, out)
	}
	if again, err := os.ReadFile(filepath.Join(dir, "out", "000000.npz")); err != nil || !bytes.Equal(first, again) {
		t.Errorf("a file has changed: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "out", "*.npz"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%q, %v", files, err)
	}
	s := quant.Scheme{Bits: 8, Unsigned: true, ZeroInRange: true, Method: quant.LeastSquares}
	c, err := calibration.New(calibration.Options{Scheme: s})
	if err != nil {
		t.Fatal(err)
	}
	if skipped, err := c.Files(t.Context(), files, nil); err != nil || len(skipped) > 0 {
		t.Fatalf("%v, %v", skipped, err)
	}
	file, err := c.File(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range o.Values {
		if x := file.Find(v.Name); x == nil || x.Batches != 3 || x.Counts.Finite != 3*256 {
			t.Errorf("%s: %+v", v.Name, x)
		}
	}
	if len(file.Tensors) != len(o.Values) {
		t.Errorf("%d tensors, want %d", len(file.Tensors), len(o.Values))
	}
}
