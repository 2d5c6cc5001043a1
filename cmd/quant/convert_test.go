package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// waves are n numbers of some spread.
func waves(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)*0.7) * (1 + float64(i%7)))
	}
	return x
}

// ggufModel is a file with a weight, a norm and one with numbers that are none.
func ggufModel(t *testing.T, bad bool) string {
	t.Helper()
	b := gguftest.New().Text("general.architecture", "llama").
		Tensor("blk.0.attn_q.weight", 0, gguftest.Floats(waves(64*96)...), 64, 96).
		Tensor("blk.0.attn_norm.weight", 0, gguftest.Floats(waves(64)...), 64)
	if bad {
		x := waves(64 * 4)
		x[70] = float32(math.NaN())
		b.Tensor("blk.0.bad.weight", 0, gguftest.Floats(x...), 64, 4)
	}
	return write(t, "model.gguf", string(b.Bytes()))
}

// folder lists what is in a folder.
func folder(t *testing.T, dir string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path != dir {
			names = append(names, d.Name())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func TestQuantizeCommand(t *testing.T) {
	in := ggufModel(t, false)
	dir := t.TempDir()
	out := filepath.Join(dir, "small.gguf")
	text := ok(t, "quantize", in, "-o", out)
	narrow(t, text)
	for _, want := range []string{"→ ", `Names are without "blk.0." at the start and ".weight" at the end.`, "attn_q", "Q8_0", "96×64", "24.6k", "6528", "of one dimension", "attn_norm", "1 weight quantized", "8.50 bits per weight"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	old := read(t, out)

	// A file that exists is replaced only by force.
	fails(t, exitFailed, "--force", "", "quantize", in, "-o", out, "--bits", "4")
	if !bytes.Equal(read(t, out), old) {
		t.Error("a file is overwritten")
	}
	var c struct {
		Kind    string
		DryRun  bool `json:"dry_run"`
		Weights []struct {
			Name, DType string
			Shape       []int
			Before      int64 `json:"bytes_before"`
			After       int64 `json:"bytes_after"`
			Errors      *struct{ RMSE float64 }
			Scheme      struct {
				Bits, Axis int
				Size       int `json:"group_size"`
			}
		}
		Left  []struct{ Name, Reason string }
		Total struct {
			Bits  float64  `json:"bits_per_weight"`
			Files int64    `json:"file_bytes_after"`
			SQNR  *float64 `json:"sqnr_db"`
		}
	}
	js := ok(t, "quantize", in, "-o", out, "--bits", "4", "--force", "--format", "json", "--no-errors")
	if err := json.Unmarshal([]byte(js), &c); err != nil {
		t.Fatal(err)
	}
	w := c.Weights[0]
	if c.Kind != "gguf" || c.DryRun || len(c.Weights) != 1 || w.DType != "Q4_0" || w.Before != 64*96*4 || w.After != 64*96/32*18 ||
		w.Errors != nil || w.Scheme.Bits != 4 || w.Scheme.Axis != 1 || w.Scheme.Size != 32 {
		t.Errorf("got %s", js)
	}
	if len(c.Left) != 1 || c.Total.Bits != 4.5 || c.Total.SQNR != nil || c.Total.Files != int64(len(read(t, out))) {
		t.Errorf("got %s", js)
	}

	// Back again.
	back := filepath.Join(dir, "back.gguf")
	text = ok(t, "dequantize", out, "-o", back)
	if !strings.Contains(text, "F32") || !strings.Contains(text, "turned into floating-point") {
		t.Errorf("got %s", text)
	}
	if got, want := folder(t, dir), "back.gguf small.gguf"; got != want {
		t.Errorf("the folder has %s, want %s", got, want)
	}
}

// TestInspectBits shows the bits of a value, with its share of scales.
func TestInspectBits(t *testing.T) {
	b := gguftest.New().
		Tensor("a.weight", 14, make([]byte, 210), 256). // Q6_K
		Tensor("b.weight", 0, gguftest.Floats(waves(64)...), 64)
	text := ok(t, "inspect", write(t, "model.gguf", string(b.Bytes())))
	for _, want := range []string{"bits/value", "6.56", "32.0"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

// TestQuantizeTypes gives the weights of a GGUF model types by name.
func TestQuantizeTypes(t *testing.T) {
	in := ggufModel(t, false)
	out := filepath.Join(t.TempDir(), "small.gguf")
	// Its rows of 64 are no blocks of 256: Q4_K falls back to Q5_0, and Q6_K to Q8_0.
	for _, test := range []struct {
		want string
		args []string
	}{
		{"Q4_1", []string{"--type", "q4_1"}},
		{"Q5_0", []string{"--type", "Q4_K"}},
		{"Q8_0", []string{"--type", "q4_k", "--tensor-type", `attn_[qv]=q6_k`}},
	} {
		args := append([]string{"quantize", in, "-o", out, "--force"}, test.args...)
		if text := ok(t, args...); !strings.Contains(text, test.want) {
			t.Errorf("%q: no %s in\n%s", args, test.want, text)
		}
	}
	fails(t, exitFailed, `no tensor matches "ffn"`, "", "quantize", in, "-o", out, "--force", "--tensor-type", "ffn=q4_1")
}

func TestQuantizeDryRun(t *testing.T) {
	in := ggufModel(t, false)
	dir := filepath.Dir(in)
	for _, args := range [][]string{{}, {"-o", filepath.Join(dir, "out.gguf")}, {"-o", in}} {
		text := ok(t, append([]string{"quantize", in, "--dry-run"}, args...)...)
		if !strings.Contains(text, "nothing is written") || !strings.Contains(text, "Q8_0") {
			t.Errorf("got %s", text)
		}
	}
	if got := folder(t, dir); got != "model.gguf" {
		t.Errorf("the folder has %s", got)
	}
}

func TestQuantizeUsage(t *testing.T) {
	in := ggufModel(t, false)
	dir := filepath.Dir(in)
	out := filepath.Join(dir, "out")
	for _, test := range []struct {
		want string
		args []string
	}{
		{"MODEL is missing", []string{}},
		{"one MODEL at a time", []string{in, in}},
		{"--output is missing", []string{in}},
		{"--output is missing", []string{in, "-o", ""}},
		{"neither table nor json", []string{in, "-o", out, "--format", "csv"}},
		{"neither asymmetric nor symmetric", []string{in, "-o", out, "--mapping", "log"}},
		{"is not positive", []string{in, "-o", out, "--group-size", "0"}},
		{"goes with --granularity group", []string{in, "-o", out, "--granularity", "per_tensor", "--group-size", "32"}},
		{"does not go with GGUF", []string{in, "-o", out, "--mapping", "asymmetric"}},
		{"does not go with GGUF", []string{in, "-o", out, "--axis", "1"}},
		{"does not go with --bits", []string{in, "-o", out, "--type", "q4_k", "--bits", "4"}},
		{`--tensor-type: "attn_v": want PATTERN=TYPE`, []string{in, "-o", out, "--tensor-type", "attn_v"}},
		{`"q9" is no type of ggml`, []string{in, "-o", out, "--tensor-type", "attn_v=q9"}},
		{"the model is gguf", []string{in, "-o", out + ".onnx"}},
		{"not a folder", []string{in, "-o", out + "/"}},
	} {
		fails(t, exitUsage, test.want, "", append([]string{"quantize"}, test.args...)...)
	}
	fails(t, exitUsage, "--output is missing", "", "dequantize", in)
	for _, test := range []struct {
		want string
		args []string
	}{
		{"no such file", []string{filepath.Join(dir, "none.onnx"), "-o", out}},
		{"not a model", []string{write(t, "x.txt", "1 2 3"), "-o", out}},
		{"32", []string{in, "-o", out, "--group-size", "64"}},
		{"would overwrite a file that is read", []string{in, "-o", in, "--force"}},
		{"the file exists", []string{in, "-o", in}},
		{"no such file", []string{in, "-o", filepath.Join(dir, "none", "x")}},
		{"blk.0.bad.weight", []string{ggufModel(t, true), "-o", out}},
	} {
		fails(t, exitFailed, test.want, "", append([]string{"quantize"}, test.args...)...)
	}
	if got := folder(t, dir); got != "model.gguf" {
		t.Errorf("the folder has %s", got)
	}
	// What cannot be quantized can be excluded.
	ok(t, "quantize", ggufModel(t, true), "-o", out, "--exclude", "*bad*")
}

func TestQuantizeInterrupted(t *testing.T) {
	in := ggufModel(t, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errout bytes.Buffer
	code := run(ctx, []string{"quantize", in, "-o", filepath.Join(filepath.Dir(in), "out.gguf")}, nil, &out, &errout)
	if code != exitInterrupted || errout.String() != "quant: interrupted\n" {
		t.Errorf("exit code %d, %s", code, &errout)
	}
	if got := folder(t, filepath.Dir(in)); got != "model.gguf" {
		t.Errorf("the folder has %s", got)
	}
}

func TestQuantizeFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full")
	}
	fails(t, exitFailed, "cannot write /dev/full: no space left on device", "", "quantize", ggufModel(t, false), "-o", "/dev/full")
}

// TestQuantizeONNX quantizes a network, and lets inspect and compare see what
// became of it.
func TestQuantizeONNX(t *testing.T) {
	in := write(t, "network.onnx", string(onnxtest.Network(13)))
	dir := t.TempDir()
	out, back := filepath.Join(dir, "int8.onnx"), filepath.Join(dir, "float.onnx")
	text := ok(t, "quantize", in, "-o", out)
	narrow(t, text)
	for _, want := range []string{"17 weights quantized", "conv.weight", "Conv 0", "ConvTranspose 1", "LSTM 1", "MatMul 1", "bias of Conv", "axis of the scales"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	text = ok(t, "dequantize", out, "-o", back)
	if !strings.Contains(text, "17 weights turned") {
		t.Errorf("got %s", text)
	}
	for _, args := range [][]string{
		{"--granularity", "per_tensor"}, {"--bits", "4", "--group-size", "16"}, {"--bits", "4", "--granularity", "group"},
		{"--bits", "16", "--mapping", "asymmetric", "--unsigned"}, {"--axis", "-1"}, {"--narrow-range"},
		{"--include", "lstm.*", "--exclude", "*.R"}, {"--include", "conv.bias"},
	} {
		ok(t, append([]string{"quantize", in, "-o", out, "--force"}, args...)...)
	}
	fails(t, exitUsage, "narrow range", "", "quantize", in, "-o", out, "--narrow-range", "--unsigned")
	fails(t, exitFailed, "nothing*", "", "quantize", in, "-o", out, "--force", "--include", "nothing*")
	old := read(t, out)
	r := fails(t, exitFailed, "there is no weight to quantize", "", "quantize", in, "-o", out, "--force", "--exclude", "*")
	if !strings.Contains(r.out, "excluded") || !bytes.Equal(old, read(t, out)) {
		t.Errorf("it is written: %s", r.out)
	}
	fails(t, exitFailed, "there is no weight to dequantize", "", "dequantize", in, "-o", filepath.Join(dir, "x.onnx"))
	if got, want := folder(t, dir), "float.onnx int8.onnx"; got != want {
		t.Errorf("the folder has %s, want %s", got, want)
	}
}

func TestQuantizeSafetensors(t *testing.T) {
	in := safetensors(t,
		weight{name: "layers.0.up.weight", shape: []int{16, 64}, data: waves(16 * 64)},
		weight{name: "layers.0.up.bias", shape: []int{16}, data: waves(16)})
	dir := t.TempDir()
	out := filepath.Join(dir, "quantized")
	text := ok(t, "quantize", in, "-o", out, "--bits", "4", "--group-size", "32")
	narrow(t, text)
	if !strings.Contains(text, "1 weight quantized") || !strings.Contains(text, "1 tensor left as it is.") || !strings.Contains(string(read(t, out, "config.json")), "pack-quantized") {
		t.Errorf("got %s", text)
	}
	fails(t, exitFailed, "--force", "", "quantize", in, "-o", out)
	ok(t, "quantize", in, "-o", out, "--force")
	ok(t, "dequantize", out, "-o", filepath.Join(dir, "float")+"/")
	if got, want := folder(t, filepath.Join(dir, "float")), "model.safetensors"; !strings.Contains(got, want) {
		t.Errorf("the folder has %s, not %s", got, want)
	}
	fails(t, exitUsage, "to a folder", "", "quantize", out, "-o", filepath.Join(dir, "x.safetensors"))
}

// TestQuantizeOver does not write a model into the folder of another, of which
// files would stay.
func TestQuantizeOver(t *testing.T) {
	in := safetensors(t, weight{name: "up.weight", shape: []int{16, 64}, data: waves(16 * 64)})
	out := filepath.Join(t.TempDir(), "q")
	ok(t, "quantize", in, "-o", out)
	for _, stale := range []string{"model-00002-of-00002.safetensors", "model.safetensors.index.json"} {
		path := filepath.Join(out, stale)
		if err := os.WriteFile(path, []byte("old"), 0o666); err != nil {
			t.Fatal(err)
		}
		old := folder(t, out)
		fails(t, exitFailed, "cannot write "+path+": a file of another model", "", "quantize", in, "-o", out, "--force")
		if got := folder(t, out); got != old {
			t.Errorf("the folder has %s, had %s", got, old)
		}
		os.Remove(path)
	}
	if err := os.WriteFile(filepath.Join(out, "notes.txt"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	ok(t, "quantize", in, "-o", out, "--force") // notes do no harm
	quantized := filepath.Join(t.TempDir(), "r")
	ok(t, "quantize", in, "-o", quantized)
	// Its configuration would say that what is turned back is quantized.
	fails(t, exitFailed, "config.json: a file of another model", "", "dequantize", quantized, "-o", out, "--force")
}

// TestCompareLeaves compares what quantize would quantize.
func TestCompareLeaves(t *testing.T) {
	in := write(t, "add.onnx", string(onnxtest.Model(13, onnxtest.Graph{
		Nodes: []onnxtest.Message{
			onnxtest.Node("MatMul", []string{"x", "w"}, []string{"y"}), onnxtest.Node("Add", []string{"y", "b"}, []string{"z"})},
		Tensors: []onnxtest.Message{onnxtest.Floats("w", waves(64*64), 64, 64), onnxtest.Floats("b", waves(64*64), 64, 64)},
		Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 64, 64)}, Outputs: []onnxtest.Message{onnxtest.Value("z", onnxtest.Float, 64, 64)},
	})))
	for _, command := range []string{"compare", "sweep"} {
		if text := ok(t, command, in); !strings.Contains(text, "operand of Add") {
			t.Errorf("%s says\n%s", command, text)
		}
		if text := ok(t, command, in, "--tensor", "b"); strings.Contains(text, "operand of Add") {
			t.Errorf("%s --tensor says\n%s", command, text)
		}
	}
}

// TestShortAxes has kernels that are too small for groups.
func TestShortAxes(t *testing.T) {
	in := write(t, "depthwise.onnx", string(onnxtest.Model(13, onnxtest.Graph{
		Nodes: []onnxtest.Message{
			onnxtest.Node("Conv", []string{"x", "k"}, []string{"y"}), onnxtest.Node("MatMul", []string{"y", "w"}, []string{"z"})},
		Tensors: []onnxtest.Message{onnxtest.Floats("k", waves(32*25), 32, 1, 5, 5), onnxtest.Floats("w", waves(64*64), 64, 64)},
		Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, 32, 9, 68)}, Outputs: []onnxtest.Message{onnxtest.Value("z", onnxtest.Float, 1, 32, 5, 64)},
	})))
	out := filepath.Join(t.TempDir(), "q.onnx")
	text := strings.Join(strings.Fields(ok(t, "quantize", in, "-o", out, "--bits", "4", "--group-size", "32")), " ")
	if !strings.Contains(text, "Axes too short for groups: 1 weight got a scale for each channel instead.") {
		t.Errorf("got %s", text)
	}
	if text := ok(t, "dequantize", out, "-o", out+".float.onnx"); strings.Contains(text, "too short") {
		t.Errorf("got %s", text)
	}
}

// TestPredicted has three commands tell how far weights are from where they
// were: compare before, quantize, and compare afterwards. To the last digit it
// is the same.
func TestPredicted(t *testing.T) {
	in := write(t, "network.onnx", string(onnxtest.Network(13)))
	out, back := filepath.Join(t.TempDir(), "int8.onnx"), filepath.Join(t.TempDir(), "float.onnx")
	type errs struct {
		MAE, RMSE float64
		MaxError  float64 `json:"max_error"`
		SQNR      float64 `json:"sqnr_db"`
	}
	var told struct {
		Weights []struct {
			Name   string
			Errors errs
		}
	}
	var predicted struct {
		Tensors []struct {
			Name    string
			Results []errs
		}
	}
	var found struct {
		Tensors []struct {
			Name string
			errs
		}
	}
	decode := func(text string, v any) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), v); err != nil {
			t.Fatal(err)
		}
	}
	decode(ok(t, "quantize", in, "-o", out, "--format", "json"), &told)
	ok(t, "dequantize", out, "-o", back)
	decode(ok(t, "compare", in, "--mapping", "symmetric", "--zero-in-range", "--format", "json"), &predicted)
	decode(ok(t, "compare", in, "--against", back, "--format", "json"), &found)
	before, after := map[string]errs{}, map[string]errs{}
	for _, x := range predicted.Tensors {
		before[x.Name] = x.Results[1] // per channel
	}
	for _, x := range found.Tensors {
		after[x.Name] = x.errs
	}
	if len(told.Weights) != 17 {
		t.Errorf("%d weights", len(told.Weights))
	}
	for _, w := range told.Weights {
		if w.Errors.RMSE == 0 || before[w.Name] != w.Errors || after[w.Name] != w.Errors {
			t.Errorf("%s: %v, predicted %v, found %v", w.Name, w.Errors, before[w.Name], after[w.Name])
		}
	}
}

// Whoever has a model whose weights are codes learns that, and what to do: a bias, which is left too,
// is no answer.
func TestQuantizedAlready(t *testing.T) {
	model := filepath.Join("..", "internal", "convert", "testdata", "cases", "flat_weight.onnx")
	dir := t.TempDir()
	coded := filepath.Join(dir, "coded.onnx")
	ok(t, "quantize", model, "-o", coded)
	again := "a tensor is quantized already, and quant dequantize turns it into floating-point numbers"
	floats := `tensor "f_quantized": cannot be compared: quantized already: codes of DequantizeLinear (nor can 2 tensors more); ` +
		"quant dequantize turns codes into floating-point numbers, and quant compare ORIGINAL --against FILE measures what they lost"
	for _, test := range []struct{ want, args string }{
		{"so nothing is written; " + again, "quantize -o " + filepath.Join(dir, "again.onnx")},
		{"there is no weight to quantize; " + again, "plan --bits-per-weight 4"},
		{floats, "compare"},
		{floats, "sweep"},
		{floats, "diff --between int8,int4"},
	} {
		fails(t, exitFailed, test.want, "", append(strings.Fields(test.args), coded)...)
	}
	ok(t, "compare", model, "--against", coded)
}
