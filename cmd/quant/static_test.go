package main

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// staticFiles writes a model of two products, its calibration and that of another model.
func staticFiles(t *testing.T) (model, ranges, other string) {
	t.Helper()
	dir := t.TempDir()
	w := make([]float32, 64)
	for i := range w {
		w[i] = float32(i%7) - 3
	}
	g := onnxtest.Graph{
		Nodes: []onnxtest.Message{
			onnxtest.Node("MatMul", []string{"x", "w"}, []string{"a"}), onnxtest.Node("Relu", []string{"a"}, []string{"z"}), onnxtest.Node("MatMul", []string{"z", "w"}, []string{"y"})},
		Tensors: []onnxtest.Message{onnxtest.Floats("w", w, 8, 8)},
		Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, 8)}, Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 1, 8)},
	}
	calibration := func(names ...string) string {
		var b strings.Builder
		b.WriteString(`{"format":"quant calibration","version":1,"tensors":[`)
		for i, name := range names {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`{"name":"` + name + `","scheme":{"bits":8,"unsigned":false,"mapping":"asymmetric","narrow_range":false,"zero_in_range":false,"method":"minmax","granularity":"per_tensor","axis":null,"group_size":null},` +
				`"shape":[1,8],"batches":1,"counts":{"finite":8,"nan":0,"pos_inf":0,"neg_inf":0},"seen_min":[0],"seen_max":[2],"min":[0],"max":[2],"scale":[0.01],"zero_point":[0],"clipped":null}`)
		}
		return b.String() + "]}"
	}
	model, ranges, other = filepath.Join(dir, "m.onnx"), filepath.Join(dir, "r.json"), filepath.Join(dir, "o.json")
	for path, content := range map[string]string{model: string(onnxtest.Model(13, g)), ranges: calibration("a", "x", "z"), other: calibration("logits")} {
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return model, ranges, other
}

// TestQuantizeActivations quantizes a model statically, and says how many operators run in
// integers.
func TestQuantizeActivations(t *testing.T) {
	model, ranges, other := staticFiles(t)
	out := filepath.Join(t.TempDir(), "q.onnx")
	stdout := ok(t, "quantize", model, "-o", out, "--activations", "--calibration", ranges)
	for _, want := range []string{"1 MatMul → QLinearMatMul, 1 MatMul → MatMulIntegerToFloat", "2 of 2 operators computed with codes", "1 Relu or Clip folded", "2 activations with codes"} {
		if !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
			t.Errorf("the report lacks %q:\n%s", want, stdout)
		}
	}
	stdout = ok(t, "quantize", model, "-o", out, "--force", "--activations", "--calibration", ranges, "--activation-type", "int8", "--format", "json")
	var c report.Conversion
	if err := json.Unmarshal([]byte(stdout), &c); err != nil {
		t.Fatal(err)
	}
	if c.Static == nil || len(c.Static.Operators) != 3 || c.Static.Operators[1].Reason == "" || len(c.Static.Activations) != 3 || c.Static.Activations[0].DType != "int8" {
		t.Errorf("%+v", c.Static)
	}
	for _, test := range []struct {
		args []string
		code int
		err  string
	}{
		{[]string{"--activations"}, 2, "--activations needs --calibration"},
		{[]string{"--operators", "Conv"}, 2, "--operators goes with --activations or --dynamic"},
		{[]string{"--reduce-range"}, 2, "--reduce-range goes with --activations or --dynamic"},
		{[]string{"--no-fold"}, 2, "--no-fold goes with --activations"},
		{[]string{"--activations", "--calibration", ranges, "--scheme", "fp8_e4m3"}, 2, "--scheme does not go with --activations"},
		{[]string{"--activations", "--calibration", ranges, "--bits", "4"}, 2, "--bits does not go with --activations"},
		{[]string{"--activations", "--calibration", ranges, "--activation-type", "int4"}, 2, `--activation-type "int4" is none of uint8`},
		{[]string{"--activations", "--calibration", ranges, "--activation-mapping", "even"}, 2, `--activation-mapping "even" is neither`},
		{[]string{"--activations", "--calibration", ranges, "--operators", "Convolution"}, 2, `ONNX has no operator "Convolution"`},
		{[]string{"--activations", "--calibration", ranges, "--granularity", "group"}, 2, `--granularity "group" does not go with --activations`},
		{[]string{"--activations", "--calibration", other}, 1, "the calibration has none of the model's activations"},
		{[]string{"--activations", "--calibration", ranges, "--operators", "Conv"}, 1, "there is no operator that can compute with codes, so nothing is written"},
	} {
		path := filepath.Join(t.TempDir(), "q.onnx")
		fails(t, test.code, test.err, "", append([]string{"quantize", model, "-o", path}, test.args...)...)
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%q: a file was written", test.args)
		}
	}
}

// TestQuantizeDynamic quantizes a model dynamically.
func TestQuantizeDynamic(t *testing.T) {
	model, ranges, _ := staticFiles(t)
	out := filepath.Join(t.TempDir(), "q.onnx")
	stdout := ok(t, "quantize", model, "-o", out, "--dynamic")
	for _, want := range []string{"2 MatMul → MatMulInteger", "2 of 2 operators computed with codes", "2 activations quantized while the model runs", "1 weight quantized"} {
		if !strings.Contains(strings.Join(strings.Fields(stdout), " "), want) {
			t.Errorf("the report lacks %q:\n%s", want, stdout)
		}
	}
	stdout = ok(t, "compare", model, "--against", out)
	if !strings.Contains(stdout, "dB") {
		t.Errorf("compare:\n%s", stdout)
	}
	ok(t, "quantize", model, "-o", out, "--force", "--dynamic", "--unsigned", "--mapping", "asymmetric", "--granularity", "per_tensor", "--format", "json")
	for _, test := range []struct {
		args []string
		code int
		err  string
	}{
		{[]string{"--dynamic", "--calibration", ranges}, 2, "--calibration does not go with --dynamic"},
		{[]string{"--dynamic", "--bits", "4"}, 2, "--bits does not go with --dynamic"},
		{[]string{"--dynamic", "--activations"}, 2, "--activations does not go with --dynamic"},
		{[]string{"--dynamic", "--granularity", "group"}, 2, `--granularity "group" does not go with --dynamic`},
		{[]string{"--dynamic", "--operators", "Relu"}, 2, `--operators: --dynamic quantizes Conv, Gather, Gemm, LSTM, MatMul, not "Relu"`},
		{[]string{"--dynamic", "--reduce-range", "--unsigned"}, 2, "--reduce-range goes with symmetric int8 weights"},
		{[]string{"--dynamic", "--operators", "Conv"}, 1, "there is no operator that can compute with codes, so nothing is written"},
		{[]string{"--dynamic", "--exclude", "Softmax"}, 1, `no node or operator matches "Softmax"`},
	} {
		path := filepath.Join(t.TempDir(), "q.onnx")
		fails(t, test.code, test.err, "", append([]string{"quantize", model, "-o", path}, test.args...)...)
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%q: a file was written", test.args)
		}
	}
}

// TestQuantizeNBits writes weights for MatMulNBits, and compares them.
func TestQuantizeNBits(t *testing.T) {
	model, _, _ := staticFiles(t)
	out := filepath.Join(t.TempDir(), "q.onnx")
	stdout := ok(t, "quantize", model, "-o", out, "--matmulnbits", "--bits", "8", "--group-size", "16", "--accuracy-level", "4", "--include", "w")
	if !strings.Contains(stdout, "1 weight quantized") {
		t.Errorf("the report:\n%s", stdout)
	}
	if stdout = ok(t, "inspect", out); !strings.Contains(stdout, "MatMulNBits") {
		t.Errorf("inspect:\n%s", stdout)
	}
	if stdout = ok(t, "compare", model, "--against", out); !strings.Contains(stdout, "dB") {
		t.Errorf("compare:\n%s", stdout)
	}
	for _, test := range []struct {
		args []string
		err  string
	}{
		{[]string{"--accuracy-level", "1"}, "--accuracy-level goes with --matmulnbits"},
		{[]string{"--matmulnbits", "--dynamic"}, "--dynamic does not go with --matmulnbits"},
		{[]string{"--matmulnbits", "--granularity", "per_channel"}, "--matmulnbits needs --granularity group, not per_channel"},
		{[]string{"--matmulnbits", "--group-size", "24"}, "MatMulNBits has groups of a power of two of at least 16 values, not 24"},
		{[]string{"--matmulnbits", "--bits", "12"}, "MatMulNBits has codes of 2 to 8 bits, not 12"},
		{[]string{"--matmulnbits", "--accuracy-level", "7"}, "MatMulNBits has accuracy levels 0 to 4, not 7"},
	} {
		path := filepath.Join(t.TempDir(), "q.onnx")
		fails(t, 2, test.err, "", append([]string{"quantize", model, "-o", path}, test.args...)...)
	}
}

// TestCompareTransposed compares weights of Gemm with transB, which the operators for codes have with
// exchanged axes, in both directions: one is square, one is not.
func TestCompareTransposed(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	g := onnxtest.Graph{
		Nodes:   []onnxtest.Message{onnxtest.Node("Gemm", []string{"x", "square"}, []string{"a"}, onnxtest.AttrInt("transB", 1)), onnxtest.Node("Gemm", []string{"a", "tall"}, []string{"y"}, onnxtest.AttrInt("transB", 1))},
		Tensors: []onnxtest.Message{onnxtest.Floats("square", onnxtest.Random(r, 32*32, 32, 1), 32, 32), onnxtest.Floats("tall", onnxtest.Random(r, 40*32, 32, 1), 40, 32)},
		Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, 32)}, Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 1, 40)},
	}
	model, dir := write(t, "m.onnx", string(onnxtest.Model(13, g))), t.TempDir()
	for name, args := range map[string][]string{"dynamic": {"--dynamic"}, "nbits": {"--matmulnbits", "--bits", "8", "--group-size", "16"}} {
		quantized, back := filepath.Join(dir, name+".onnx"), filepath.Join(dir, name+".float.onnx")
		ok(t, append([]string{"quantize", model, "-o", quantized}, args...)...)
		ok(t, "dequantize", quantized, "-o", back)
		for _, files := range [][2]string{{model, quantized}, {quantized, model}, {model, back}} {
			var d struct {
				Tensors []struct {
					Name string
					SQNR float64 `json:"sqnr_db"`
				}
			}
			if err := json.Unmarshal([]byte(ok(t, "compare", files[0], "--against", files[1], "--format", "json")), &d); err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, x := range d.Tensors {
				if x.Name == "square" || x.Name == "tall" {
					n++
					if !(x.SQNR > 38) {
						t.Errorf("%s: %s has %v dB", files, x.Name, x.SQNR)
					}
				}
			}
			if n != 2 {
				t.Errorf("%s: %d weights compared", files, n)
			}
		}
	}
}

// TestFoldedNormalization observes and quantizes a model with a BatchNormalization, folded and not.
func TestFoldedNormalization(t *testing.T) {
	dir := t.TempDir()
	model, ranges := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "r.json")
	ones := []float32{1, 2}
	g := onnxtest.Graph{
		Nodes:   []onnxtest.Message{onnxtest.Node("Conv", []string{"x", "w"}, []string{"a"}), onnxtest.Node("BatchNormalization", []string{"a", "s", "s", "s", "s"}, []string{"y"})},
		Tensors: []onnxtest.Message{onnxtest.Floats("w", []float32{1, 2, 3, 4}, 2, 2, 1, 1), onnxtest.Floats("s", ones, 2)},
		Inputs:  []onnxtest.Message{onnxtest.Value("x", onnxtest.Float, 1, 2, 4, 4)}, Outputs: []onnxtest.Message{onnxtest.Value("y", onnxtest.Float, 1, 2, 4, 4)},
	}
	tensor := func(name string) string {
		return `{"name":"` + name + `","scheme":{"bits":8,"unsigned":false,"mapping":"asymmetric","narrow_range":false,"zero_in_range":false,"method":"minmax","granularity":"per_tensor","axis":null,"group_size":null},` +
			`"shape":[1,8],"batches":1,"counts":{"finite":8,"nan":0,"pos_inf":0,"neg_inf":0},"seen_min":[0],"seen_max":[2],"min":[0],"max":[2],"scale":[0.01],"zero_point":[0],"clipped":null}`
	}
	content := `{"format":"quant calibration","version":1,"tensors":[` + tensor("a") + "," + tensor("x") + "," + tensor("y") + "]}"
	for path, content := range map[string]string{model: string(onnxtest.Model(13, g)), ranges: content} {
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		flag string
		fold bool
	}{{"--no-fold=false", true}, {"--no-fold", false}} {
		stdout := ok(t, "observe", model, "--dry-run", test.flag)
		if got := strings.Contains(stdout, "1 BatchNormalization folded into the products before"); got != test.fold {
			t.Errorf("observe %s:\n%s", test.flag, stdout)
		}
		stdout = ok(t, "quantize", model, "-o", filepath.Join(dir, "q.onnx"), "--force", "--activations", "--calibration", ranges, test.flag)
		stdout = strings.Join(strings.Fields(stdout), " ")
		if got := strings.Contains(stdout, "1 of 1 operator computed with codes in ONNX Runtime; 1 BatchNormalization folded into the products before"); got != test.fold {
			t.Errorf("quantize %s:\n%s", test.flag, stdout)
		}
	}
}
