package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// TestTextNotes has texts that can be read otherwise, and the flags that do so.
func TestTextNotes(t *testing.T) {
	for _, test := range []struct {
		name, file, content string
		says                string   // in tables
		flags               []string // of the other reading
		shape               string   // in JSON, as it is and with the flags
		otherwise           string
	}{
		{"plain", "w.csv", "1,2,3\n4,5,6\n", "", nil, "[2,3]", ""},
		{"array", "w.txt", "[[1, 2], [3, 4.5]]\n", "Read as a 2×2 array (nested brackets).", nil, "[2,2]", ""},
		{"header", "w.csv", "a,b\n1,2\n3,4\n", `Line 1 is a header and was left out: "a", "b".`, nil, "[2,2]", ""},
		{"semicolons in CSV", "w.csv", "1;2;3\n4;5;6\n", "Semicolons separate the values", []string{"--separator", "comma"}, "[2,3]", "[6,1]"},
		{"semicolons in text", "w.txt", "1;2;3\n4;5;6\n", "Semicolons end channels", []string{"--separator", "semicolon"}, "[6,1]", "[2,3]"},
		{"decimal commas", "w.csv", "1,5;2,5;3,25\n4,5;5,5;6,25\n", "Commas are decimal signs", []string{"--separator", "comma", "--decimal", "point"}, "[2,3]", "[6,2]"},
		{"a line that counts", "w.csv", "0,1,2\n0.5,1.5,2.5\n0.25,0.75,1.25\n", "Line 1 was read as values", []string{"--skip-rows", "1"}, "[3,3]", "[2,3]"},
		{"values that count", "w.csv", "0,0.5,2.5\n1,0.75,1.25\n2,0.5,0.25\n", "The first value of each line was read", []string{"--skip-columns", "1"}, "[3,3]", "[3,2]"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := write(t, test.file, test.content)
			for _, command := range []string{"inspect", "compare", "sweep"} {
				out := strings.Join(strings.Fields(ok(t, command, path)), " ")
				if !strings.Contains(out, test.says) || (test.says == "") == strings.Contains(out, "Read as") {
					t.Errorf("%s: no %q in\n%s", command, test.says, out)
				}
				if flags := strings.Join(test.flags, " "); !strings.Contains(out, flags) {
					t.Errorf("%s: no %q in\n%s", command, flags, out)
				}
				if test.flags != nil {
					ok(t, append([]string{command, path}, test.flags...)...)
				}
			}
			if got := shapeOf(t, "inspect", path); got != test.shape {
				t.Errorf("shape %s, want %s", got, test.shape)
			}
			if test.flags != nil {
				if got := shapeOf(t, append([]string{"inspect", path}, test.flags...)...); got != test.otherwise {
					t.Errorf("with %s shape %s, want %s", test.flags, got, test.otherwise)
				}
			}
			var v report.Inventory
			if err := json.Unmarshal([]byte(ok(t, "inspect", path, "--format", "json")), &v); err != nil {
				t.Fatal(err)
			}
			if (v.ReadAs == "") != (test.says == "") || len(test.flags) > 0 && v.Notes[len(v.Notes)-1].Other != strings.Join(test.flags, " ") {
				t.Errorf("JSON says %q, %+v", v.ReadAs, v.Notes)
			}
		})
	}
	fails(t, exitUsage, "a comma cannot be both", "", "compare", "--separator", "comma", "--decimal", "comma")
	fails(t, exitUsage, `--separator: separator "x" is none of`, "", "inspect", write(t, "w.csv", "1\n"), "--separator", "x")
}

// shapeOf returns the shape of the first tensor in JSON.
func shapeOf(t *testing.T, args ...string) string {
	t.Helper()
	var v struct{ Tensors []struct{ Shape []int } }
	if err := json.Unmarshal([]byte(ok(t, append(args, "--format", "json")...)), &v); err != nil {
		t.Fatal(err)
	}
	shape, _ := json.Marshal(v.Tensors[0].Shape)
	return string(shape)
}

// TestLeftOut has an archive with members that are no arrays.
func TestLeftOut(t *testing.T) {
	array, err := os.ReadFile(filepath.Join("..", "internal", "tensorfile", "testdata", "f4_le_c.npy"))
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "a.npz", zipped(t, map[string]string{"w.npy": string(array), "readme.txt": "words"}))
	for _, command := range []string{"inspect", "compare", "sweep"} {
		if out := ok(t, command, path); !strings.Contains(out, "readme.txt  not an array") || !strings.Contains(out, "1 other part of the file left out.") {
			t.Errorf("%s:\n%s", command, out)
		}
		if out := ok(t, command, path, "--format", "json"); !strings.Contains(out, `"readme.txt"`) || !strings.Contains(out, `"left_out"`) {
			t.Errorf("%s:\n%s", command, out)
		}
	}
}

// TestDocumentsSay has what tables say of the reading in every other form of a
// report too.
func TestDocumentsSay(t *testing.T) {
	text := write(t, "w.csv", "a;b\n1;2\n3;4\n")
	array, err := os.ReadFile(filepath.Join("..", "internal", "tensorfile", "testdata", "f4_le_c.npy"))
	if err != nil {
		t.Fatal(err)
	}
	archive := write(t, "a.npz", zipped(t, map[string]string{"w.npy": string(array), "readme.txt": "words"}))
	model := filepath.Join("..", "internal", "convert", "testdata", "cases", "qdq_already.onnx")
	for _, test := range []struct {
		file string
		says []string
	}{
		{text, []string{"Semicolons separate the values", "Line 1 is a header and was left out"}},
		{archive, []string{"Not tensors", "readme.txt", "not an array"}},
		{model, []string{"Quantized already: 1 weight is codes of DequantizeLinear; 1 node rounds what is computed."}},
	} {
		dir := t.TempDir()
		html, pdf := filepath.Join(dir, "r.html"), filepath.Join(dir, "r.pdf")
		markdown := ok(t, "compare", test.file, "--format", "markdown", "--html", html, "--pdf", pdf)
		page, err := os.ReadFile(html)
		if err != nil {
			t.Fatal(err)
		}
		documents := map[string]string{"Markdown": strings.ReplaceAll(markdown, "\\", ""), "HTML": string(page), "PDF": pdfText(t, pdf)}
		for name, document := range documents {
			document = strings.Join(strings.Fields(document), " ")
			for _, s := range test.says {
				if !strings.Contains(document, s) {
					t.Errorf("%s of %s does not say %q", name, filepath.Base(test.file), s)
				}
			}
		}
	}
}

// TestCalibrateSays has batches that are text, and what is left out of them.
func TestCalibrateSays(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "c.json")
	array, err := os.ReadFile(filepath.Join("..", "internal", "tensorfile", "testdata", "f4_le_c.npy"))
	if err != nil {
		t.Fatal(err)
	}
	archive := write(t, "a.npz", zipped(t, map[string]string{"w.npy": string(array), "readme.txt": "words"}))
	if got := ok(t, "calibrate", archive, "-o", out); !strings.Contains(got, "readme.txt: not an array") {
		t.Errorf("nothing is said of readme.txt:\n%s", got)
	}
	text := write(t, "w.txt", "1;2;3\n4;5;6\n")
	const note = "semicolons end channels"
	if got := ok(t, "calibrate", text, "--force", "-o", out); !strings.Contains(got, "left out") || !strings.Contains(got, note) {
		t.Errorf("nothing is said of semicolons:\n%s", got)
	}
	if got := ok(t, "calibrate", text, "--force", "-o", out, "--axis", "0", "--separator", "semicolon"); strings.Contains(got, note) || !strings.Contains(got, "0.01176…0.02353") {
		t.Errorf("--separator does nothing:\n%s", got)
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"calibrate", text, "--force", "-o", out, "--format", "json"}, nil, &stdout, &stderr); code != exitDone || !strings.Contains(stderr.String(), note) {
		t.Errorf("exit code %d, standard error %q", code, &stderr)
	}
	fails(t, exitUsage, "--separator does not go with --merge", "", "calibrate", "--merge", text, "-o", out, "--separator", "tab")
}

// zipped is an archive of files.
func zipped(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestJoined has a weight of 8-bit floats with a scale beside it, and a type that is
// not read.
func TestJoined(t *testing.T) {
	codes := make([]byte, 64)
	for i := range codes {
		codes[i] = byte(i)
	}
	path := rawSafetensors(t, []rawTensor{
		{"l.weight", "F8_E4M3", []int{8, 8}, codes},
		{"l.weight_scale", "F32", []int{8, 1}, bytes.Repeat([]byte{0, 0, 0, 0x3f}, 8)},
		{"u", "U16", []int{2}, make([]byte, 4)},
	})
	for _, command := range []string{"inspect", "compare"} {
		if out := ok(t, command, path); !strings.Contains(out, `"l.weight" is made of codes and 1 other tensor: 8-bit floats`) {
			t.Errorf("%s:\n%s", command, out)
		}
		if out := ok(t, command, path, "--format", "json"); !strings.Contains(out, `"layout": "8-bit floats`) || !strings.Contains(out, `"part_of": "l.weight"`) {
			t.Errorf("%s:\n%s", command, out)
		}
	}
	r := quant(t, "", "quantize", path, "--dry-run", "--include", "*")
	for _, want := range []string{"quantized already, codes of 8-bit floats", "of l.weight\n  l.weight_scale"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("quantize: no %q in\n%s", want, r.out)
		}
	}
	if out := ok(t, "compare", path); !strings.Contains(out, "of l.weight") || !strings.Contains(out, "U16 is not a floating-point type") {
		t.Errorf("compare does not say of what the scales are a part:\n%s", out)
	}
}

// TestDequantizeJoined turns weights back that several tensors make: what comes out
// are the values that every command reads.
func TestDequantizeJoined(t *testing.T) {
	codes := make([]byte, 64*8)
	for i := range codes {
		codes[i] = byte(i * 37 & 0x77)
	}
	const state = `{"quant_type": "nf4", "blocksize": 64, "dtype": "float16", "shape": [16, 64]}`
	half := func(n int) []byte { return bytes.Repeat([]byte{0, 0x38}, n) }
	for name, tensors := range map[string][]rawTensor{
		"FP8 with scales": {
			{"l.weight", "F8_E4M3", []int{8, 64}, codes},
			{"l.weight_scale_inv", "F32", []int{8, 1}, bytes.Repeat([]byte{0, 0, 0, 0x3f}, 8)}},
		"GPTQ": {
			{"l.qweight", "I32", []int{8, 16}, codes},
			{"l.qzeros", "I32", []int{1, 2}, codes[:8]},
			{"l.scales", "F16", []int{1, 16}, half(16)}},
		"MLX": {
			{"l.weight", "U32", []int{16, 8}, codes},
			{"l.scales", "F16", []int{16, 1}, half(16)},
			{"l.biases", "F16", []int{16, 1}, half(16)}},
		"AWQ": {
			{"l.qweight", "I32", []int{64, 2}, codes},
			{"l.qzeros", "I32", []int{1, 2}, codes[:8]},
			{"l.scales", "F16", []int{1, 16}, half(16)}},
		"bitsandbytes NF4": {
			{"l.weight", "U8", []int{512, 1}, codes},
			{"l.weight.absmax", "F32", []int{16}, bytes.Repeat([]byte{0, 0, 0, 0x3f}, 16)},
			{"l.weight.quant_map", "F32", []int{16}, bytes.Repeat([]byte{0, 0, 0, 0xbf, 0, 0, 0, 0x3f}, 8)},
			{"l.weight.quant_state.bitsandbytes__nf4", "U8", []int{len(state)}, []byte(state)}},
		"MXFP4": {
			{"l.weight_packed", "U8", []int{16, 32}, codes},
			{"l.weight_scale", "U8", []int{16, 2}, bytes.Repeat([]byte{126}, 32)}},
		"NVFP4": {
			{"l.weight_packed", "U8", []int{16, 32}, codes},
			{"l.weight_scale", "F8_E4M3", []int{16, 4}, bytes.Repeat([]byte{0x38}, 64)},
			{"l.weight_global_scale", "F32", []int{1}, []byte{0, 0, 0, 0x40}}},
		"compressed-tensors": {
			{"l.weight_packed", "I32", []int{16, 8}, codes},
			{"l.weight_scale", "F16", []int{16, 1}, half(16)},
			{"l.weight_shape", "I64", []int{2}, []byte{16, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0}}},
	} {
		t.Run(name, func(t *testing.T) {
			in := rawSafetensors(t, append(tensors, rawTensor{"norm.weight", "F32", []int{2}, make([]byte, 8)}))
			if name == "MLX" {
				config := `{"model_type": "x", "quantization": {"group_size": 64, "bits": 4}, "quantization_config": {"group_size": 64, "bits": 4}}`
				if err := os.WriteFile(filepath.Join(filepath.Dir(in), "config.json"), []byte(config), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			out := filepath.Join(t.TempDir(), "out.safetensors")
			if said := ok(t, "dequantize", in, "-o", out); !strings.Contains(said, "1 weight turned into floating-point numbers") {
				t.Error(said)
			}
			if config, err := os.ReadFile(filepath.Join(filepath.Dir(out), "config.json")); err == nil && strings.Contains(string(config), "quantization") {
				t.Errorf("the configuration says that the weights are quantized: %s", config)
			}
			if said := ok(t, "compare", in, "--against", out); !strings.Contains(said, "all the same") {
				t.Error(said)
			}
			var v report.Inventory
			if err := json.Unmarshal([]byte(ok(t, "inspect", out, "--format", "json")), &v); err != nil {
				t.Fatal(err)
			}
			if len(v.Tensors) != 2 || v.Tensors[0].Name != "l.weight" || v.Tensors[0].DType != "F32" {
				t.Errorf("the output has %+v", v.Tensors)
			}
		})
	}
}

// TestConversionLeavesOut has a GGUF file with bytes behind the last tensor.
func TestConversionLeavesOut(t *testing.T) {
	b := gguftest.New()
	b.Tensor("w.weight", 0, gguftest.Floats(make([]float32, 64)...), 32, 2)
	path := write(t, "m.gguf", string(b.Bytes())+"behind")
	out := filepath.Join(t.TempDir(), "q.gguf")
	for _, command := range [][]string{{"inspect", path}, {"compare", path}, {"quantize", path, "-o", out, "--dry-run"}} {
		if got := ok(t, command...); !strings.Contains(got, "after the last tensor") || !strings.Contains(got, "6 bytes from byte") {
			t.Errorf("%s:\n%s", command[0], got)
		}
		if got := ok(t, append(command, "--format", "json")...); !strings.Contains(got, `"left_out"`) {
			t.Errorf("%s:\n%s", command[0], got)
		}
	}
}
