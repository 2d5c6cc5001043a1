package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	library "github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
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
		{"no name with schemes", exitUsage, "--importance needs the name of a file", []string{"compare", model, "--schemes", "int4", "--importance", ""}},
		{"sweep without name", exitUsage, "--importance needs the name of a file", []string{"sweep", model, "--importance", ""}},
		{"sweep length", exitFailed, `entry "a.weight": invalid importance: 3 values, but axis 1 of [8 64] has 64 indices`, []string{"sweep", model, "--tensor", "a*", "--importance", short}},
		{"sweep other names", exitFailed, `has no importance of any weight`, []string{"sweep", model, "--importance", other}},
		{"plan without name", exitUsage, "--importance needs the name of a file", []string{"plan", model, "--bits-per-weight", "5", "--importance", ""}},
		{"plan length", exitFailed, `entry "a.weight": invalid importance: 3 values, but axis 1 of [8 64] has 64 indices`, []string{"plan", model, "--include", "a*", "--bits-per-weight", "5", "--importance", short}},
		{"plan other names", exitFailed, `has no importance of any weight`, []string{"plan", model, "--include", "*", "--bits-per-weight", "5", "--importance", other}},
		{"against", exitUsage, "--importance", []string{"compare", model, "--against", model, "--importance", file}},
	} {
		t.Run(c.name, func(t *testing.T) {
			fails(t, c.code, c.want, "", c.args...)
		})
	}
}

// TestSweepImportance: the weighted errors are those of the library, for schemes and for blocks
// of GGUF, and the ratio over all weights is that of the sums.
func TestSweepImportance(t *testing.T) {
	model, file, x, i := importantFiles(t)
	args := []string{"sweep", model, "--importance", file, "--bits", "4", "--group-size", "0", "--method", "mse", "--mapping", "symmetric", "--schemes", "q4_0"}
	var doc struct {
		Options struct{ Importance string }
		Summary struct{ Weighted int }
		Schemes []struct {
			Weighted *float64 `json:"weighted_sqnr_db"`
		}
		Weights []struct {
			Results []struct {
				RMSE     float64
				Weighted *struct {
					RMSE float64
					SQNR float64 `json:"sqnr_db"`
				}
			}
		}
	}
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
	if doc.Options.Importance != filepath.Base(file) || doc.Summary.Weighted != 1 {
		t.Errorf("importance of %q for %d weights", doc.Options.Importance, doc.Summary.Weighted)
	}
	first := doc.Weights[0].Results
	for k, want := range c.Weighted {
		got := first[k].Weighted
		if got == nil || got.RMSE != want.RMSE || got.SQNR != want.SQNR || first[k].RMSE != c.Comparison.Results[k].RMSE {
			t.Errorf("scheme %d: %+v, want %+v", k, got, want.WeightedMetrics)
		}
	}
	for k, scheme := range doc.Schemes {
		if doc.Weights[1].Results[k].Weighted != nil {
			t.Error("a weight without an importance has weighted errors")
		}
		if got, want := *scheme.Weighted, first[k].Weighted.SQNR; math.Abs(got-want) > 2e-6 {
			t.Errorf("scheme %d: %v dB over all weights, want %v of the only one", k, got, want)
		}
	}
	figure(t, args, fmt.Sprintf(">%.0f<", first[0].Weighted.SQNR), "unweighted SQNR, dB", "weighted SQNR in dB of each weight under each scheme, in the order of the file; unweighted of 1 without an importance")
	figure(t, append(args, "--target", "20"), "a frame is on the smallest that reaches the target, which counts unweighted errors")
	// The blocks have the reconstructed values of a file with the importance as weights.
	blocks := doc.Weights[0].Results[2]
	noise, total := 0.0, 0.0
	codes, restored := make([]byte, len(x.Data)/32*18), make([]float32, len(x.Data))
	if err := gguf.Q4_0.Quantize(codes, x.Data); err != nil {
		t.Fatal(err)
	}
	gguf.Q4_0.Dequantize(restored, codes)
	for e, v := range x.Data {
		d := float64(restored[e]) - float64(v)
		noise, total = noise+d*d*i.Values[e%64], total+i.Values[e%64]
	}
	if want := math.Sqrt(noise / total); math.Abs(blocks.Weighted.RMSE-want) > 1e-12*want {
		t.Errorf("blocks: %v, want %v", blocks.Weighted.RMSE, want)
	}
	out := ok(t, append(args, "--weights")...)
	narrow(t, out)
	for _, want := range []string{"weighted", "Of 2 weights 1 has an importance in " + filepath.Base(file), "weighted SQNR, dB"} {
		if !strings.Contains(strings.Join(strings.Fields(out), " "), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	rectangular(t, ok(t, append(args, "--format", "csv")...))
	if out := ok(t, "compare", model, "--schemes", "int4:sym:channel:mse,q4_0", "--importance", file); !strings.Contains(out, "weighted") {
		t.Errorf("no weighted ratio in\n%s", out)
	}
}

// rectangular fails unless all rows of a CSV text have the fields of its head, of which the last
// is a weighted ratio.
func rectangular(t *testing.T, text string) {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last, filled := len(rows[0])-1, 0
	for _, row := range rows[1:] {
		if row[last] != "" {
			filled++
		}
	}
	if rows[0][last] != "weighted_sqnr_db" || filled == 0 {
		t.Errorf("last column %q with %d numbers", rows[0][last], filled)
	}
}

// testWeightedFront: the points of the front of a plan have weighted ratios, and figures show them. data
// is the plan, and args the command that made it.
func testWeightedFront(t *testing.T, args []string, data []byte) {
	t.Helper()
	type point struct {
		Bytes    int64
		Weighted *float64 `json:"weighted_sqnr_db"`
	}
	var doc struct {
		Summary        point
		Front, Recipes []point
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	same := 0
	for _, x := range append(doc.Front, doc.Recipes...) {
		switch {
		case x.Weighted == nil:
			t.Errorf("a point of %d bytes has no weighted ratio", x.Bytes)
		case x.Bytes == doc.Summary.Bytes:
			if same++; *x.Weighted != *doc.Summary.Weighted {
				t.Errorf("a point has %v dB, the plan %v", *x.Weighted, *doc.Summary.Weighted)
			}
		}
	}
	if same < 2 { // the plan is a point of the front, and a recipe
		t.Errorf("%d points are the plan", same)
	}
	figure(t, args, "weighted SQNR, dB", "weighted ratios of 1 of 2 weights; the plans have the best unweighted ratio")
}

// figure runs a command with --plot, and looks for texts in the figure.
func figure(t *testing.T, args []string, want ...string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "figure.svg")
	ok(t, append(slices.Clip(args), "--plot", path)...)
	svg, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range want {
		if !strings.Contains(string(svg), text) {
			t.Errorf("the figure of %q does not say %q", args, text)
		}
	}
}

// TestPlanImportance: a plan has the weighted errors of scales that are chosen by them, and quant
// quantize --plan makes these scales.
func TestPlanImportance(t *testing.T) {
	model, file, x, i := importantFiles(t)
	folder := t.TempDir()
	path, out := filepath.Join(folder, "plan.json"), filepath.Join(folder, "out.safetensors")
	args := []string{"plan", model, "--include", "*", "--bits-per-weight", "6", "--candidates", "int4:g32", "--importance", file}
	words := ok(t, append(args, "-o", path)...)
	narrow(t, words)
	for _, want := range []string{"weighted", "importance of " + filepath.Base(file), "Weighted by the importance of the inputs it is"} {
		if !strings.Contains(strings.Join(strings.Fields(words), " "), want) {
			t.Errorf("no %q in\n%s", want, words)
		}
	}
	rectangular(t, ok(t, append(args, "--format", "csv")...))
	var doc struct {
		Options struct{ Importance string }
		Summary struct {
			Weighted int
			SQNR     *float64 `json:"weighted_sqnr_db"`
		}
		Weights []struct {
			SQNR     float64  `json:"sqnr_db"`
			Weighted *float64 `json:"weighted_sqnr_db"`
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	s := library.Scheme{Bits: 4, Mapping: library.Symmetric, Granularity: library.PerGroup(1, 32), Method: library.LeastSquares, ZeroInRange: true}
	c, err := library.CompareWeighted(x, i, s)
	if err != nil {
		t.Fatal(err)
	}
	w := doc.Weights[0]
	if w.Weighted == nil || math.Abs(*w.Weighted-c.Weighted[0].SQNR) > 2e-6 || math.Abs(w.SQNR-c.Comparison.Results[0].SQNR) > 2e-6 || doc.Weights[1].Weighted != nil {
		t.Errorf("%+v, want %v and %v", w, c.Weighted[0].SQNR, c.Comparison.Results[0].SQNR)
	}
	if doc.Options.Importance != filepath.Base(file) || doc.Summary.Weighted != 1 || *doc.Summary.SQNR != *w.Weighted {
		t.Errorf("%+v", doc)
	}
	testWeightedFront(t, args, data)
	fails(t, exitUsage, "it was made with --importance "+filepath.Base(file), "", "quantize", model, "--plan", path, "-o", out)
	ok(t, "quantize", model, "--plan", path, "-o", out, "--importance", file)
	scales, _ := load(t, out, "a.weight_scale")
	for k, v := range scales {
		if v != c.Comparison.Results[0].Scale[k] {
			t.Errorf("scale %d is %v, want %v", k, v, c.Comparison.Results[0].Scale[k])
		}
	}
	// With both files the plan goes by the outputs, and its scales do too.
	squares := make([]float32, len(i.Values))
	for k, v := range i.Values {
		squares[k] = float32(v)
	}
	importance := legacyMatrix(t, squares, "a.weight")
	both := ok(t, append(args, "--sensitivity", importance)...)
	for _, want := range []string{"errors are those of the outputs of layers", "importance of " + filepath.Base(file)} {
		if !strings.Contains(strings.Join(strings.Fields(both), " "), want) {
			t.Errorf("no %q in\n%s", want, both)
		}
	}
}
