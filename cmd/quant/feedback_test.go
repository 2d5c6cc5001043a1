package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/feedback"
)

// related returns rows of inputs of which neighbours are correlated.
func related(r *rand.Rand, rows, n int) []float32 {
	x := make([]float32, rows*n)
	for i := range x {
		if x[i] = float32(r.NormFloat64()); i%n > 0 {
			x[i] = x[i]/2 + x[i-1]*7/8
		}
	}
	return x
}

// layerBatches writes batches of values of onnxtest.Network.
func layerBatches(t *testing.T, n int) (paths []string) {
	t.Helper()
	r := rand.New(rand.NewPCG(9, 10))
	for range n {
		paths = append(paths, safetensors(t,
			weight{name: "image", shape: []int{2, 3, 12, 12}, data: related(r, 2*3*12, 12)},
			weight{name: "a10", shape: []int{80, 64}, data: related(r, 80, 64)},
			weight{name: "b2", shape: []int{9, 4, 40}, data: related(r, 36, 40)},
			weight{name: "b3", shape: []int{9, 1, 4, 32}, data: related(r, 36, 32)},
			weight{name: "then.weight", shape: []int{50, 40}, data: related(r, 50, 40)},
			weight{name: "unknown", shape: []int{4, 4}, data: related(r, 4, 4)}))
	}
	return paths
}

// converted is the JSON of quant quantize as these tests read it.
type convertedFile struct {
	Weights []struct {
		Name, Nearest string
		Feedback      bool
		Errors        *struct {
			SQNR float64 `json:"sqnr_db"`
		}
	}
}

func quantized(t *testing.T, args ...string) convertedFile {
	t.Helper()
	var f convertedFile
	if err := json.Unmarshal([]byte(ok(t, slices.Concat([]string{"quantize", "--format", "json"}, args)...)), &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// tensorOf reads a tensor of a model.
func tensorOf(t *testing.T, path, name string) []float32 {
	t.Helper()
	f, err := tensorfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, info := range f.Tensors() {
		if info.Name == name {
			x, err := f.Load(i)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
	}
	t.Fatalf("%s: no tensor %s", path, name)
	return nil
}

// TestMomentsMerge observes batches at once and in parts: the files must be the same.
func TestMomentsMerge(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model.onnx")
	if err := os.WriteFile(model, onnxtest.Network(21), 0o644); err != nil {
		t.Fatal(err)
	}
	in := layerBatches(t, 3)
	at := func(name string) string { return filepath.Join(dir, name) }
	text := ok(t, "calibrate", in[0], in[1], in[2], "--layers", model, "--moments", at("all"))
	narrow(t, text)
	for _, want := range []string{"conv.weight", "lstm.R", "full", "unknown: neither a weight nor an input of a layer", "gemm1.weight: no batch has its inputs"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	ok(t, "calibrate", in[2], "--layers", model, "--moments", at("c"))
	ok(t, "calibrate", in[1], "--layers", model, "--moments", at("b"))
	ok(t, "calibrate", in[0], at("c"), "--layers", model, "--moments", at("ac"))
	ok(t, "calibrate", "--merge", at("b"), at("ac"), "--moments", at("joint"))
	if !bytes.Equal(read(t, dir, "all"), read(t, dir, "joint")) {
		t.Error("merged moments differ from those of all batches")
	}
	// Little memory: the largest layers keep the diagonal.
	ok(t, "calibrate", in[0], "--layers", model, "--moments", at("small"), "--moments-memory", "20k")
	s, err := moments.Open(at("small"))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]feedback.Extent{"conv.weight": feedback.Full, "lstm.R": feedback.Full, "lstm.W": feedback.Diagonal, "gemm2.weight": feedback.Diagonal} {
		if got := s[name].Extent(); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	// The ranges as well, from the same batches.
	ok(t, "calibrate", in[0], "--layers", model, "--moments", at("beside"), "-o", at("ranges.json"))
	if len(read(t, dir, "ranges.json")) == 0 || len(read(t, dir, "beside")) == 0 {
		t.Error("one of two files is empty")
	}
}

// TestMomentsNames tests that tensors without a name in their file have that of --name.
func TestMomentsNames(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ flag, want string }{{"", "batch"}, {"--name=fc", "fc"}} {
		path := filepath.Join(dir, test.want+".moments")
		args := []string{"calibrate", write(t, "batch.csv", "1 2 3\n4 5 6\n"), "--moments", path}
		if test.flag != "" {
			args = append(args, test.flag)
		}
		ok(t, args...)
		s, err := moments.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if names := s.Names(); len(names) != 1 || names[0] != test.want {
			t.Errorf("%s: names %q, want %q", test.flag, names, test.want)
		}
	}
}

// TestFeedback quantizes models with second moments: the errors of outputs must be lower than those
// of the nearest values.
func TestFeedback(t *testing.T) {
	dir := t.TempDir()
	onnxModel, state := filepath.Join(dir, "model.onnx"), filepath.Join(dir, "onnx.moments")
	if err := os.WriteFile(onnxModel, onnxtest.Network(21), 0o644); err != nil {
		t.Fatal(err)
	}
	ok(t, slices.Concat([]string{"calibrate", "--layers", onnxModel, "--moments", state}, layerBatches(t, 3))...)
	r := rand.New(rand.NewPCG(11, 12))
	rows := related(r, 200, 64)
	st := safetensors(t,
		weight{name: "model.layers.0.q.weight", shape: []int{24, 64}, data: related(r, 24, 64)},
		weight{name: "model.layers.0.k.weight", shape: []int{24, 64}, data: related(r, 24, 64)})
	used := []string{"conv.weight", "gemm2.weight", "lstm.W", "lstm.R", "then.weight"}
	for _, c := range []struct {
		name, model, state string
		used               []string
		flags              []string
		nearest            string // of a weight without moments
	}{
		{"onnx, channels", onnxModel, state, used, []string{"--bits", "4"}, "gemm1.weight: there are no second moments of its inputs"},
		{"onnx, groups", onnxModel, state, used, []string{"--bits", "4", "--group-size", "16", "--mapping", "asymmetric"}, "depthwise.weight: there are no second moments of its inputs"},
		{"onnx, tensor", onnxModel, state, used, []string{"--bits", "8", "--granularity", "per_tensor"}, "gemm1.weight: there are no second moments of its inputs"},
		{"onnx, another axis", onnxModel, state, nil, []string{"--bits", "8", "--include", "lstm.W", "--axis", "2"}, "lstm.W: scales per channel (axis 2) are not those of output channels"},
		{"safetensors", st, momentsFile(t, feedback.Full, rows, 64, "model.layers.0.q"), []string{"model.layers.0.q.weight"},
			[]string{"--bits", "4", "--group-size", "32"}, "model.layers.0.k.weight: there are no second moments of its inputs"},
		{"safetensors, diagonal", st, momentsFile(t, feedback.Diagonal, rows, 64, "model.layers.0.q"), nil,
			[]string{"--bits", "8"}, "model.layers.0.q.weight: only the mean squares of its inputs are known"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ext := filepath.Ext(c.model)
			near, out, back := filepath.Join(t.TempDir(), "near"+ext), filepath.Join(t.TempDir(), "out"+ext), filepath.Join(t.TempDir(), "back"+ext)
			args := slices.Concat([]string{c.model}, c.flags)
			quantized(t, slices.Concat(args, []string{"-o", near})...)
			f := quantized(t, slices.Concat(args, []string{"-o", out, "--feedback", c.state})...)
			var got []string
			found := false
			for _, w := range f.Weights {
				if w.Feedback {
					got = append(got, w.Name)
				}
				found = found || fmt.Sprintf("%s: %s", w.Name, w.Nearest) == c.nearest
			}
			want := slices.Clone(c.used)
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) || !found {
				t.Errorf("feedback for %q, want %q; no %q in %+v", got, want, c.nearest, f.Weights)
			}
			s, err := moments.Open(c.state)
			if err != nil {
				t.Fatal(err)
			}
			in, err := formsOf(c.model)
			if err != nil {
				t.Fatal(err)
			}
			var restored [2]string
			for i, path := range []string{near, out} {
				restored[i] = fmt.Sprint(i, filepath.Base(back))
				restored[i] = filepath.Join(filepath.Dir(back), restored[i])
				ok(t, "dequantize", path, "-o", restored[i])
			}
			for _, name := range c.used {
				w := tensorOf(t, c.model, name)
				x, err := moments.FromMoments(in(name, len(w)), s.Find(name))
				if err != nil {
					t.Fatal(err)
				}
				var noise [2]float64
				for i := range noise {
					if noise[i], _, err = x.Error(w, tensorOf(t, restored[i], name)); err != nil {
						t.Fatal(err)
					}
				}
				if !(noise[1] < 0.8*noise[0]) {
					t.Errorf("%s: error of outputs %v with feedback, %v without", name, noise[1], noise[0])
				}
			}
			for _, w := range f.Weights {
				x, y := tensorOf(t, c.model, w.Name), tensorOf(t, restored[1], w.Name)
				d, err := library.Difference(library.Tensor{Data: x}, library.Tensor{Data: y}, library.PerTensor, library.PerTensor)
				if err != nil {
					t.Fatal(err)
				}
				if w.Errors == nil || math.Abs(w.Errors.SQNR-d.SQNR) > 1e-9*d.SQNR {
					t.Errorf("%s: the report has %v dB, the file %v", w.Name, w.Errors, d.SQNR)
				}
			}
			text := ok(t, slices.Concat([]string{"quantize"}, args, []string{"--feedback", c.state, "--dry-run"})...)
			narrow(t, text)
			if !containsWords(text, "rounded to the nearest values") || len(c.used) > 0 && !containsWords(text, fmt.Sprintf("Of %d, codes are rounded with error feedback", len(c.used))) {
				t.Errorf("the table does not say what was rounded how:\n%s", text)
			}
		})
	}
}

// TestFeedbackPlan quantizes by a plan with error feedback.
func TestFeedbackPlan(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	dir := t.TempDir()
	st := safetensors(t, weight{name: "a.weight", shape: []int{24, 64}, data: related(r, 24, 64)}, weight{name: "b.weight", shape: []int{24, 64}, data: related(r, 24, 64)})
	state := momentsFile(t, feedback.Full, related(r, 200, 64), 64, "a", "b")
	plan, out := filepath.Join(dir, "plan.json"), filepath.Join(dir, "out.safetensors")
	ok(t, "plan", st, "--bits-per-weight", "6.5", "--sensitivity", state, "-o", plan)
	for _, w := range quantized(t, st, "--plan", plan, "--feedback", state, "-o", out).Weights {
		if !w.Feedback {
			t.Errorf("%s: %s", w.Name, w.Nearest)
		}
	}
}

// TestHQQ compares the sum of |error|^(3/4), which the search makes small, with that of mse.
func TestHQQ(t *testing.T) {
	dir := t.TempDir()
	model := filepath.Join(dir, "model.onnx")
	if err := os.WriteFile(model, onnxtest.Network(21), 0o644); err != nil {
		t.Fatal(err)
	}
	cost := func(method, name string) float64 {
		out, back := filepath.Join(dir, method+".onnx"), filepath.Join(dir, method+".back.onnx")
		ok(t, "quantize", model, "--bits", "4", "--group-size", "16", "--mapping", "asymmetric", "--method", method, "-o", out, "--force")
		ok(t, "dequantize", out, "-o", back, "--force")
		x, y, sum := tensorOf(t, model, name), tensorOf(t, back, name), 0.0
		for i := range x {
			sum += math.Pow(math.Abs(float64(x[i])-float64(y[i])), 0.75)
		}
		return sum
	}
	for _, name := range []string{"gemm1.weight", "gemm2.weight", "conv.weight", "lstm.R"} {
		if hqq, mse := cost("hqq", name), cost("mse", name); !(hqq < mse) {
			t.Errorf("%s: %v by hqq, %v by mse", name, hqq, mse)
		}
	}
	f := quantized(t, model, "--method", "hqq", "--dry-run")
	for _, w := range f.Weights {
		if (w.Nearest == "") == (w.Name == "embedding" || w.Name == "depthwise.weight" || w.Name == "up.weight" || w.Name == "gru.R") {
			t.Errorf("%s: %q", w.Name, w.Nearest)
		}
	}
}

func TestFeedbackErrors(t *testing.T) {
	dir := t.TempDir()
	models := planModels(t)
	st, state := models["safetensors"], momentsFile(t, feedback.Full, make([]float32, 8), 4, "x", "model.layers.0.q")
	none := momentsFile(t, feedback.Full, make([]float32, 8), 4, "x")
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte("QCMO\x01 is damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.safetensors")
	for _, c := range []struct {
		name string
		code int
		want string
		args []string
	}{
		{"another number of inputs", exitFailed, `tensor "model.layers.0.q.weight": second moments of 4 inputs`, []string{"quantize", st, "-o", out, "--feedback", state}},
		{"no weight", exitFailed, "no weight that is quantized has second moments", []string{"quantize", st, "-o", out, "--feedback", none}},
		{"damaged", exitFailed, "checksum", []string{"quantize", st, "-o", out, "--feedback", bad}},
		{"not moments", exitFailed, "not a file of second moments", []string{"quantize", st, "-o", out, "--feedback", st}},
		{"gguf", exitUsage, "does not go with GGUF", []string{"quantize", models["gguf"], "-o", filepath.Join(dir, "o.gguf"), "--feedback", state}},
		{"gguf, hqq", exitUsage, "does not go with GGUF", []string{"quantize", models["gguf"], "-o", filepath.Join(dir, "o.gguf"), "--method", "hqq"}},
		{"both", exitUsage, "without --feedback", []string{"quantize", st, "-o", out, "--feedback", state, "--method", "hqq"}},
		{"static", exitUsage, "--activations", []string{"quantize", models["onnx"], "-o", filepath.Join(dir, "o.onnx"), "--activations", "--calibration", "x", "--feedback", state}},
		{"moments without a file", exitUsage, "--moments is missing", []string{"calibrate", state, "-o", filepath.Join(dir, "c.json")}},
		{"moments alone", exitUsage, "there are no batches to calibrate", []string{"calibrate", state, "--moments", filepath.Join(dir, "m"), "-o", filepath.Join(dir, "c.json")}},
		{"layers alone", exitUsage, "go with --moments", []string{"calibrate", st, "--layers", models["onnx"], "-o", filepath.Join(dir, "c.json")}},
		{"memory", exitUsage, "--moments-memory", []string{"calibrate", st, "--moments", filepath.Join(dir, "m"), "--moments-memory", "much"}},
		{"stdin", exitUsage, "not standard input", []string{"calibrate", "-", "--moments", filepath.Join(dir, "m")}},
		{"same file", exitUsage, "same file", []string{"calibrate", st, "--moments", filepath.Join(dir, "m"), "--state", filepath.Join(dir, "m")}},
		{"layers of another model", exitFailed, "cannot be observed", []string{"calibrate", st, "--layers", models["onnx"], "--moments", filepath.Join(dir, "m")}},
	} {
		t.Run(c.name, func(t *testing.T) { fails(t, c.code, c.want, "", c.args...) })
	}
}

// TestObserveLayers lists the inputs of layers, and weights without.
func TestObserveLayers(t *testing.T) {
	dir := t.TempDir()
	model, out := filepath.Join(dir, "model.onnx"), filepath.Join(dir, "observed.onnx")
	if err := os.WriteFile(model, onnxtest.Network(21), 0o644); err != nil {
		t.Fatal(err)
	}
	var f struct {
		Tensors []struct{ Name, As string }
		Left    []struct{ Name, Reason string }
	}
	if err := json.Unmarshal([]byte(ok(t, "observe", model, "--layers", "-o", out, "--format", "json")), &f); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range f.Tensors {
		got = append(got, x.Name+" "+x.As)
	}
	slices.Sort(got)
	want := []string{"a10 added", "a3 added", "a8 added", "b2 added", "b3 added", "b5 added", "b7 added", "image input", "text added"}
	if !slices.Equal(got, want) {
		t.Errorf("inputs of layers %q, want %q", got, want)
	}
	found := false
	for _, x := range f.Left {
		found = found || x.Name == "embedding" && x.Reason == "the inputs of Gather are not observed"
	}
	if !found {
		t.Errorf("weights that are left: %v", f.Left)
	}
	if len(read(t, dir, "observed.onnx")) <= len(read(t, dir, "model.onnx")) {
		t.Error("the observed model has no more outputs")
	}
	fails(t, exitUsage, "do not go with --layers", "", "observe", model, "--layers", "--nodes", "Conv", "-o", out, "--force")
}
