package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	library "github.com/a01592f9/quant"
)

// importantFiles returns a model with two weights and a file with the importance of the inputs
// of one of them.
func importantFiles(t *testing.T) (model, file string, x library.Tensor, i library.Importance) {
	t.Helper()
	const out, in = 8, 64
	x = library.Tensor{Data: waves(out * in), Shape: []int{out, in}}
	values := make([]float32, in)
	i = library.Importance{Axis: 1, Values: make([]float64, in)}
	for k := range values {
		values[k] = float32(k%9) * float32(k%9)
		i.Values[k] = float64(values[k])
	}
	model = safetensors(t, weight{name: "a.weight", shape: x.Shape, data: x.Data}, weight{name: "b.weight", shape: []int{4, 32}, data: waves(128)})
	file = safetensors(t, weight{name: "a.weight", shape: []int{in}, data: values})
	return model, file, x, i
}

// weightedDoc is what the tests read of the JSON of a comparison.
type weightedDoc struct {
	Options struct{ Importance string }
	Tensors []struct {
		Name    string
		Results []struct {
			Scale    []float32
			Weighted *struct {
				RMSE float64
				SQNR float64 `json:"sqnr_db"`
			}
			Channels []struct{ Weighted *struct{ RMSE float64 } }
		}
	}
}

// TestCompareImportance: the report has what the library returns.
func TestCompareImportance(t *testing.T) {
	model, file, x, i := importantFiles(t)
	args := []string{"compare", model, "--importance", file, "--bits", "4", "--method", "mse", "--mapping", "symmetric"}
	var doc weightedDoc
	if err := json.Unmarshal([]byte(ok(t, append(args, "--format", "json")...)), &doc); err != nil {
		t.Fatal(err)
	}
	s := library.Scheme{Bits: 4, Mapping: library.Symmetric, Method: library.LeastSquares}
	channel := s
	channel.Granularity = library.PerChannel(0)
	c, err := library.CompareWeighted(x, i, s, channel)
	if err != nil {
		t.Fatal(err)
	}
	if doc.Options.Importance != filepath.Base(file) {
		t.Errorf("importance of %q", doc.Options.Importance)
	}
	for k := range c.Weighted {
		got, want := doc.Tensors[0].Results[k], c.Weighted[k]
		if got.Weighted == nil || got.Weighted.RMSE != want.RMSE || got.Weighted.SQNR != want.SQNR {
			t.Errorf("scheme %d: %+v, want %+v", k, got.Weighted, want.WeightedMetrics)
		}
		if scale := c.Comparison.Results[k].Scale; got.Scale[0] != scale[0] || got.Channels[3].Weighted.RMSE != want.Channels[3].RMSE {
			t.Errorf("scheme %d: %+v, want %+v", k, got, want)
		}
		if doc.Tensors[1].Results[k].Weighted != nil {
			t.Error("a weight without an importance has weighted errors")
		}
	}
	out := ok(t, args...)
	narrow(t, out)
	for _, want := range []string{"weighted RMSE", "weighted SQNR, dB", "Of 2 weights 1 has an importance in " + filepath.Base(file)} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	csv := ok(t, append(args, "--format", "csv", "--channels")...)
	lines := strings.Split(strings.TrimSpace(csv), "\n")
	if !strings.HasSuffix(strings.TrimSpace(lines[0]), ",weighted_rmse,weighted_sqnr_db") {
		t.Errorf("head of the CSV: %s", lines[0])
	}
	for _, line := range lines[1:] {
		if got, want := strings.Count(line, ","), strings.Count(lines[0], ","); got != want {
			t.Errorf("%d fields, want %d: %s", got+1, want+1, line)
		}
	}
}

// TestQuantizeImportance: the scales of the file are those of the library.
func TestQuantizeImportance(t *testing.T) {
	model, file, x, i := importantFiles(t)
	out := filepath.Join(t.TempDir(), "out.safetensors")
	text := ok(t, "quantize", model, "-o", out, "--bits", "4", "--group-size", "32", "--method", "mse", "--importance", file, "--include", "*")
	narrow(t, text)
	if want := "Scales of 1 weight have the least error weighted by"; !strings.Contains(strings.Join(strings.Fields(text), " "), want) {
		t.Errorf("no %q in\n%s", want, text)
	}
	s := library.Scheme{Bits: 4, Mapping: library.Symmetric, Granularity: library.PerGroup(1, 32), Method: library.LeastSquares, ZeroInRange: true}
	want, err := library.CalibrateWeighted(x, s, i)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := library.Calibrate(x, s)
	if err != nil {
		t.Fatal(err)
	}
	scales, _ := load(t, out, "a.weight_scale")
	other := 0
	for k, v := range scales {
		if v != want.Scale[k] {
			t.Errorf("scale %d is %v, want %v", k, v, want.Scale[k])
		}
		if v != plain.Scale[k] {
			other++
		}
	}
	if other == 0 || len(scales) != len(want.Scale) {
		t.Errorf("%d scales, of which %d are not those without importance", len(scales), other)
	}
	var doc struct {
		Importance string
		Weights    []struct {
			Importance bool
			Weighted   *struct{ RMSE float64 } `json:"weighted_errors"`
		}
	}
	if err := json.Unmarshal([]byte(ok(t, "quantize", model, "--dry-run", "--method", "mse", "--importance", file, "--include", "*", "--format", "json")), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Importance != filepath.Base(file) || !doc.Weights[0].Importance || doc.Weights[0].Weighted == nil || doc.Weights[1].Importance || doc.Weights[1].Weighted != nil {
		t.Errorf("%+v", doc)
	}
}

func TestImportanceErrors(t *testing.T) {
	model, file, _, _ := importantFiles(t)
	short := safetensors(t, weight{name: "a.weight", shape: []int{3}, data: ramp(3)})
	negative := waves(64)
	negative[5] = -1
	bad := safetensors(t, weight{name: "a.weight", shape: []int{64}, data: negative})
	other := safetensors(t, weight{name: "c.weight", shape: []int{3}, data: ramp(3)})
	gguf := ggufModel(t, false)
	out := filepath.Join(t.TempDir(), "out.safetensors")
	for _, c := range []struct {
		name string
		code int
		want string
		args []string
	}{
		{"no name", exitUsage, "--importance needs the name of a file", []string{"compare", model, "--importance", ""}},
		{"no file", exitFailed, "no such file", []string{"compare", model, "--importance", "none"}},
		{"length", exitFailed, `entry "a.weight": invalid importance: 3 values, but axis 1 of [8 64] has 64 indices`, []string{"compare", model, "--tensor", "a*", "--importance", short}},
		{"negative", exitFailed, `entry "a.weight": invalid importance: `, []string{"quantize", model, "-o", out, "--method", "mse", "--importance", bad, "--include", "*"}},
		{"other names", exitFailed, `has no importance of any weight`, []string{"compare", model, "--importance", other}},
		{"other names", exitFailed, `no weight that is quantized has an importance in`, []string{"quantize", model, "-o", out, "--method", "mse", "--importance", other, "--include", "*"}},
		{"method", exitUsage, "--importance goes with --method mse", []string{"quantize", model, "-o", out, "--importance", file}},
		{"GGUF", exitUsage, "--importance does not go with GGUF", []string{"quantize", gguf, "-o", "x.gguf", "--importance", file}},
		{"schemes", exitUsage, "--importance does not go with --schemes", []string{"compare", model, "--schemes", "int4", "--importance", file}},
		{"against", exitUsage, "--importance", []string{"compare", model, "--against", model, "--importance", file}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fails(t, c.code, c.want, "", c.args...)
		})
	}
}
