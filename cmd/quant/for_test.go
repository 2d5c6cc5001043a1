package main

import (
	"encoding/json"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	lib "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// lost are the errors of a weight as JSON has them.
type lost struct {
	MAE     float64
	RMSE    float64
	Max     float64 `json:"max_error"`
	SQNR    float64 `json:"sqnr_db"`
	Clipped int
}

// madeFor is the JSON of quant quantize.
type madeFor struct {
	For     struct{ System, Scheme string }
	Weights []struct {
		Name   string
		Shape  []int
		Errors lost
		Scheme json.RawMessage
	}
}

// as reports whether l and x are the same errors. Their sums are added in different orders, and so
// may differ in the last digits.
func (l lost) as(x lost) bool {
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-13*math.Abs(b) }
	return near(l.MAE, x.MAE) && near(l.RMSE, x.RMSE) && near(l.SQNR, x.SQNR) && l.Max == x.Max && l.Clipped == x.Clipped
}

// TestForSystems compares, quantizes and dequantizes models with --for: the comparison has the
// scheme, the errors, the codes and the values of the file. Codes and values are the same to the
// last bit.
func TestForSystems(t *testing.T) {
	network := write(t, "network.onnx", string(onnxtest.Network(21)))
	groups := write(t, "groups.onnx", string(products(t, 21, map[string][]int{"a": {256, 128}, "b": {128, 64}})))
	layers := safetensors(t, weight{name: "model.layers.0.mlp.up_proj.weight", shape: []int{64, 128}, data: waves(64 * 128)},
		weight{name: "model.layers.0.mlp.down_proj.weight", shape: []int{128, 256}, data: waves(128 * 256)})
	for _, test := range []struct{ model, flags, scheme string }{
		{network, "onnxruntime", "int8:sym:channel:narrow"},
		{network, "onnxruntime --granularity per_tensor", "int8:sym:narrow"},
		{network, "onnxruntime --bits 4", "int4:sym:g32:divisor=half"},
		{network, "tensorrt --method mse", "int8:sym:channel:mse:narrow"},
		{groups, "tensorrt --bits 4", "int4:sym:g128:narrow"},
		{groups, "tensorrt --bits 4 --group-size 64 --method mse", "int4:sym:g64:mse:narrow"},
		{layers, "vllm", "int8:sym:channel:divisor=half"},
		{layers, "vllm --bits 4", "int4:sym:g128:divisor=half"},
		{layers, "vllm --bits 4 --group-size 32 --method mse", "int4:sym:g32:mse:divisor=half"},
	} {
		t.Run(test.flags, func(t *testing.T) {
			flags := append([]string{"--for"}, strings.Fields(test.flags)...)
			out := filepath.Join(t.TempDir(), "out"+filepath.Ext(test.model))
			var q madeFor
			decodeFlat(t, &q, append([]string{"quantize", test.model, "-o", out, "--format", "json"}, flags...)...)
			if q.For.Scheme != test.scheme || q.For.System != flags[1] || len(q.Weights) < 2 {
				t.Fatalf("%d weights for %v, want %s", len(q.Weights), q.For, test.scheme)
			}
			back := filepath.Join(t.TempDir(), "back"+filepath.Ext(test.model))
			ok(t, "dequantize", out, "-o", back)
			if i := slices.Index(flags, "--granularity"); i > 0 { // compare has all granularities
				flags = slices.Delete(flags, i, i+2)
			}
			c := comparedFor(t, test.model, flags)
			values, codes := loader(t, back), codesIn(t, out)
			found := 0
			for _, w := range q.Weights {
				own, there := c[w.Name+string(w.Scheme)]
				if !there {
					t.Errorf("%s: no result of compare has the scheme %s", w.Name, w.Scheme)
					continue
				}
				if !own.as(w.Errors) || w.Errors.RMSE == 0 {
					t.Errorf("%s: compare has %+v, quantize %+v", w.Name, own.lost, w.Errors)
				}
				if x := values(w.Name); !slices.Equal(x, own.Reconstructed) {
					t.Errorf("%s: the values of the file are not those of compare", w.Name)
				}
				if x := codes(w.Name, len(own.Codes)); x != nil {
					if found++; !slices.Equal(x, own.Codes) {
						t.Errorf("%s: the codes of the file are not those of compare", w.Name)
					}
				}
			}
			if found == 0 && !strings.Contains(test.flags, "vllm --bits 4") { // whose rows of codes are packed
				t.Error("no codes were compared")
			}
		})
	}
}

// A comparedWeight is a result of a weight in the JSON of quant compare.
type comparedWeight struct {
	lost
	Scheme        json.RawMessage
	Codes         []int32
	Reconstructed []float32
}

// comparedFor returns the results of quant compare, by the name of the tensor and the scheme.
func comparedFor(t *testing.T, model string, flags []string) map[string]comparedWeight {
	t.Helper()
	var c struct {
		Tensors []struct {
			Name    string
			Results []comparedWeight
		}
	}
	decodeFlat(t, &c, append([]string{"compare", model, "--format", "json", "--codes"}, flags...)...)
	all := map[string]comparedWeight{}
	for _, x := range c.Tensors {
		for _, r := range x.Results {
			// Files keep zero points in the type of codes. Of a symmetric scheme this changes nothing.
			all[x.Name+strings.Replace(string(r.Scheme), `"zero_in_range":false`, `"zero_in_range":true`, 1)] = r
		}
	}
	return all
}

// decodeFlat runs a command and reads its JSON. Objects that are kept raw have no spaces.
func decodeFlat(t *testing.T, to any, args ...string) {
	t.Helper()
	if err := json.Unmarshal([]byte(strings.NewReplacer("\n", "", ": ", ":").Replace(stripped(ok(t, args...)))), to); err != nil {
		t.Fatal(err)
	}
}

// stripped removes spaces at the starts of lines.
func stripped(js string) string {
	var lines []string
	for line := range strings.Lines(js) {
		lines = append(lines, strings.TrimLeft(line, " \t"))
	}
	return strings.Join(lines, "")
}

// loader returns a function that loads a tensor of a file.
func loader(t *testing.T, path string) func(name string) []float32 {
	t.Helper()
	f, err := tensorfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return func(name string) []float32 {
		for i, info := range f.Tensors() {
			if info.Name == name {
				x, err := f.Load(i)
				if err != nil {
					t.Fatal(err)
				}
				return x
			}
		}
		return nil
	}
}

// codesIn returns a function that reads the codes of a weight from a file: nil for a file whose
// codes are not in the order of the values.
func codesIn(t *testing.T, path string) func(name string, n int) []int32 {
	t.Helper()
	data := map[string]io.ReaderAt{}
	four := map[string]bool{}
	switch filepath.Ext(path) {
	case ".onnx":
		m, err := onnx.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Close() })
		for _, x := range m.Tensors {
			if name, is := strings.CutSuffix(x.Name, "_quantized"); is {
				if data[name], err = x.Data(); err != nil {
					t.Fatal(err)
				}
				four[name] = x.DType == "I4"
			}
		}
	default:
		f, err := tensorfile.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		for i, x := range f.Stored() {
			if x.DType == "I8" {
				data[x.Name] = f.Raw(i)
			}
		}
	}
	return func(name string, n int) []int32 {
		r := data[name]
		if r == nil {
			return nil
		}
		width := map[bool]int{false: 8, true: 4}[four[name]]
		raw, codes, all := make([]byte, lib.PackedLen(n, width)), make([]int8, n), make([]int32, n)
		if k, err := r.ReadAt(raw, 0); k < len(raw) {
			t.Fatal(err)
		}
		lib.Unpack(codes, raw, width)
		for i, q := range codes {
			all[i] = int32(q)
		}
		return all
	}
}

// TestForLlama compares and quantizes a model for llama.cpp.
func TestForLlama(t *testing.T) {
	model := write(t, "model.gguf", string(gguftest.New().Text("general.architecture", "llama").
		Tensor("blk.0.attn_q.weight", 0, gguftest.Floats(waves(64*96)...), 64, 96).Bytes()))
	for flags, kind := range map[string]string{"": "q8_0", "--bits 4": "q4_0", "--bits 5": "q5_0"} {
		all := append([]string{"--for", "llama.cpp"}, strings.Fields(flags)...)
		var q madeFor
		decodeFlat(t, &q, append([]string{"quantize", model, "--dry-run", "--format", "json"}, all...)...)
		var c struct {
			Schemes []struct{ Name string }
			Weights []struct{ Results []lost }
		}
		decodeFlat(t, &c, append([]string{"compare", model, "--format", "json"}, all...)...)
		w, own := q.Weights[0].Errors, c.Weights[0].Results[0]
		if w.MAE = 0; !own.as(w) || w.RMSE == 0 || c.Schemes[0].Name != kind || q.For.Scheme != kind {
			t.Errorf("%s: compare has %+v for %v, quantize %+v for %v", flags, own, c.Schemes, w, q.For)
		}
	}
}

// TestForActivations calibrates for systems, and quantizes activations.
func TestForActivations(t *testing.T) {
	batch := write(t, "batch.txt", "-1 2\n3 4\n")
	for name, want := range map[string]string{
		"onnxruntime": "8-bit unsigned codes, asymmetric mapping, per tensor, method minmax, zero in range",
		"tensorrt":    "8-bit signed codes, symmetric mapping, per tensor, method minmax, narrow range",
		"tflite":      "8-bit signed codes, asymmetric mapping, per tensor, method minmax, zero in range",
		"pytorch":     "8-bit unsigned codes, asymmetric mapping, per tensor, method minmax, zero in range",
	} {
		out := filepath.Join(t.TempDir(), "c.json")
		if got := ok(t, "calibrate", batch, "-o", out, "--for", name); !strings.Contains(strings.Join(strings.Fields(got), " "), want) {
			t.Errorf("%s: no %q in\n%s", name, want, got)
		}
	}
	// A state has a scheme, which --for replaces.
	dir := t.TempDir()
	state := filepath.Join(dir, "x.state")
	ok(t, "calibrate", batch, "--state", state, "--format", "json")
	if got := ok(t, "calibrate", "--merge", state, "-o", filepath.Join(dir, "c.json"), "--for", "tensorrt"); !strings.Contains(strings.Join(strings.Fields(got), " "), "symmetric mapping, per tensor, method minmax, narrow range") {
		t.Error(got)
	}
}

// TestForSweep has all schemes of a system.
func TestForSweep(t *testing.T) {
	out := ok(t, "sweep", layersFile(t), "--for", "torchao", "--method", "mse", "--format", "csv")
	for _, scheme := range []string{"int8:sym:channel:mse:divisor=half", "int4:sym:g64:mse:divisor=half"} {
		if strings.Count(out, ","+scheme+"\r\n") != 2 {
			t.Errorf("no %s in\n%s", scheme, out)
		}
	}
	if out := ok(t, "sweep", ggufModel(t, false), "--for", "llama.cpp"); !strings.Contains(out, "q5_0") {
		t.Error(out)
	}
}

// TestForErrors has flags that contradict a system, and files that it does not read.
func TestForErrors(t *testing.T) {
	network, layers := write(t, "network.onnx", string(onnxtest.Network(13))), layersFile(t)
	for _, test := range []struct{ args, want string }{
		{"compare --for ort", `--for: there is no system "ort"; there are onnxruntime, tensorrt, `},
		{"compare --for onnxruntime --mapping asymmetric", "--mapping asymmetric contradicts --for onnxruntime, which has symmetric"},
		{"compare --for onnxruntime --unsigned", "--unsigned=true contradicts --for onnxruntime, whose codes are signed"},
		{"compare --for onnxruntime --narrow-range=false", "which leaves out the lowest code"},
		{"compare --for vllm --divisor far", "--divisor far contradicts --for vllm, which has half"},
		{"compare --for vllm --scales float16", "--scales float16 contradicts --for vllm, which has float32"},
		{"compare --for mlx --zero-in-range", "whose ranges need not hold 0"},
		{"compare --for vllm --bits 5", "5 bits: the weights of vLLM have 8 or 4"},
		{"compare --for tensorrt --group-size 32", "TensorRT has a scale for each channel of 8-bit weights, and no groups"},
		{"compare --for tensorrt --bits 4 --group-size 32", "TensorRT has groups of 128 or 64"},
		{"quantize ONNX --dry-run --for tensorrt --bits 4 --granularity per_channel", "TensorRT has groups of 128 or 64"},
		{"compare --for mlx --group-size 16", "MLX has groups of 128, 64 or 32"},
		{"compare --for mlx --group-size 0", "--group-size 0 is not positive"},
		{"compare --for vllm --schemes int8", "--schemes does not go with --for"},
		{"compare --for llama.cpp --method mse", "--method does not go with --for llama.cpp"},
		{"sweep --for vllm --bits 4", "--bits does not go with --for"},
		{"sweep --for llama.cpp --method mse", "--method does not go with --for llama.cpp"},
		{"quantize ONNX --dry-run --for vllm", "--for vllm: the model is onnx, and vLLM reads safetensors"},
		{"quantize LAYERS --dry-run --for mlx", "quant quantize writes no file that MLX reads"},
		{"quantize LAYERS --dry-run --for vllm --scheme nvfp4", "--scheme does not go with --for"},
		{"quantize ONNX --dry-run --for onnxruntime --mapping asymmetric", "--mapping asymmetric contradicts --for onnxruntime"},
		{"quantize ONNX --dry-run --for onnxruntime --granularity none", `granularity "none" is none of`},
		{"quantize ONNX --dry-run --for tensorrt --activations --calibration c.json --activation-type uint8", "--activation-type uint8 contradicts --for tensorrt, which has int8"},
		{"calibrate LAYERS -o c.json --for vllm", "vLLM needs no calibration"},
		{"calibrate LAYERS -o c.json --for tensorrt --bits 4", "--bits 4 contradicts --for tensorrt, which has 8"},
		{"calibrate LAYERS -o c.json --for tflite --zero-in-range=false", "whose ranges hold 0"},
	} {
		args := strings.NewReplacer("ONNX", network, "LAYERS", layers).Replace(test.args)
		fails(t, exitUsage, test.want, "", strings.Fields(args)...)
	}
	// Flags that agree are no error.
	ok(t, "compare", "--for", "vllm", "--mapping", "symmetric", "--divisor", "half")
	ok(t, "compare", "--for", "onnxruntime", "--zero-in-range")
}

// TestForPlan has the codes of a plan, which are those that --for gives.
func TestForPlan(t *testing.T) {
	models := planModels(t)
	for _, test := range []struct{ kind, system, want string }{
		{"onnx", "onnxruntime", "int4:symmetric:group32@0:divisor=half:zero"},
		{"safetensors", "vllm", "int4:symmetric:group32@1:divisor=half:zero"},
	} {
		path := filepath.Join(t.TempDir(), "plan.json")
		ok(t, "plan", models[test.kind], "--for", test.system, "--bits-per-weight", "6", "--candidates", "int4:g32", "--method", "minmax", "-o", path)
		p := planOf(t, read(t, path))
		found := 0
		for _, w := range p.Weights {
			if w.Scheme == test.want {
				found++
			}
		}
		if found == 0 {
			t.Errorf("%s: no weight has %s: %v", test.system, test.want, p.Weights)
		}
		var planned, q struct{ Weights []struct{ Errors lost } }
		decodeFlat(t, &planned, "quantize", models[test.kind], "--plan", path, "--dry-run", "--format", "json")
		decodeFlat(t, &q, "quantize", models[test.kind], "--for", test.system, "--bits", "4", "--group-size", "32", "--dry-run", "--format", "json")
		if len(planned.Weights) == 0 || test.kind == "safetensors" && !slices.Equal(planned.Weights, q.Weights) {
			t.Errorf("%s: %v by the plan, %v by --for", test.system, planned.Weights, q.Weights)
		}
	}
}
