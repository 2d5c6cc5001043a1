package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/gguf/gguftest"
	"github.com/a01592f9/quant/cmd/internal/onnx/onnxtest"
)

// planFile is a plan as these tests read it.
type planFile struct {
	Summary struct {
		Bytes    int64
		Elements int64
		SQNR     float64 `json:"sqnr_db"`
	}
	Weights []struct {
		Name, Scheme, Candidate, Error string
		Bytes                          int64
		SQNR                           *float64 `json:"sqnr_db"`
		Up, Down                       *struct{ Bytes int64 }
	}
	Front []struct {
		Bytes int64
		SQNR  *float64 `json:"sqnr_db"`
	}
	Recipes []struct {
		Name    string
		Bytes   int64
		SQNR    float64 `json:"sqnr_db"`
		Planned float64 `json:"planned_sqnr_db"`
	}
}

func planOf(t *testing.T, text []byte) planFile {
	t.Helper()
	var p planFile
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// planModels writes a model of each kind.
func planModels(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	random := func(spread float64) []float32 {
		x := make([]float32, 512*8)
		for k := range x {
			x[k] = float32(r.NormFloat64() * math.Exp(spread))
		}
		return x
	}
	var weights []weight
	for i, name := range []string{"model.layers.0.q.weight", "model.layers.0.v.weight", "model.layers.1.q.weight", "model.layers.1.v.weight"} {
		weights = append(weights, weight{name: name, shape: []int{8, 512}, data: random(float64(i))})
	}
	models := map[string]string{"safetensors": safetensors(t, weights...)}
	put := func(kind string, data []byte) {
		models[kind] = filepath.Join(dir, "model."+kind)
		if err := os.WriteFile(models[kind], data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("onnx", onnxtest.Network(21))
	b := gguftest.New()
	b.Text("general.architecture", "llama").Number("general.file_type", 0)
	for i, name := range []string{"blk.0.attn_q.weight", "blk.0.attn_v.weight", "blk.0.ffn_up.weight", "blk.1.attn_q.weight"} {
		b.Tensor(name, 0, gguftest.Floats(random(float64(i))...), 512, 8)
	}
	put("gguf", b.Bytes())
	return models
}

// TestPlan has a plan for a model of each kind, and a model by the plan: what
// the plan promises, the model has.
func TestPlan(t *testing.T) {
	for kind, model := range planModels(t) {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			file, out := filepath.Join(dir, "plan.json"), filepath.Join(dir, "out."+kind)
			narrow(t, ok(t, "plan", model, "--bits-per-weight", "5.5", "-o", file, "--plot", filepath.Join(dir, "p.svg"), "--csv", filepath.Join(dir, "p.csv")))
			p := planOf(t, read(t, dir, "plan.json"))
			if most := int64(5.5 * float64(p.Summary.Elements) / 8); p.Summary.Bytes > most || len(p.Weights) < 4 {
				t.Fatalf("%d weights in %d bytes, of %d", len(p.Weights), p.Summary.Bytes, most)
			}
			for _, r := range p.Recipes {
				if r.Planned < r.SQNR {
					t.Errorf("%s for all weights has %v dB, and the plan of its size %v", r.Name, r.SQNR, r.Planned)
				}
			}
			if mixes := strings.Contains(string(read(t, dir, "plan.json")), `"name": "Q4_K_M"`); mixes != (kind == "gguf") {
				t.Errorf("the mixture of llama.cpp is a recipe: %v", mixes)
			}
			for i := range p.Front[1:] {
				if a, b := p.Front[i], p.Front[i+1]; b.Bytes <= a.Bytes || b.SQNR != nil && *b.SQNR < *a.SQNR {
					t.Errorf("points %d and %d of the front are out of order", i, i+1)
				}
			}
			if again := ok(t, "plan", model, "--bits-per-weight", "5.5", "--format", "json"); again != string(read(t, dir, "plan.json")) {
				t.Error("what is printed is not what is written")
			}
			var made struct {
				Weights []struct {
					Name   string
					After  int64 `json:"bytes_after"`
					Errors *struct {
						SQNR *float64 `json:"sqnr_db"`
					}
				}
			}
			if err := json.Unmarshal([]byte(ok(t, "quantize", model, "--plan", file, "-o", out, "--format", "json")), &made); err != nil {
				t.Fatal(err)
			}
			found := make(map[string]int)
			for i, w := range made.Weights {
				found[w.Name] = i + 1
			}
			for _, w := range p.Weights {
				i := found[w.Name]
				if (i == 0) != (w.Scheme == "keep") {
					t.Errorf("%s: planned as %s, and quantized: %v", w.Name, w.Scheme, i > 0)
				}
				if i == 0 {
					continue
				}
				m := made.Weights[i-1]
				if over := m.After - w.Bytes; over < 0 || over > 16 { // a shape, in safetensors
					t.Errorf("%s takes %d bytes, and %d by the plan", w.Name, m.After, w.Bytes)
				}
				if m.Errors == nil || m.Errors.SQNR == nil || w.SQNR == nil {
					t.Fatalf("%s: no ratio", w.Name)
				}
				if math.Abs(*m.Errors.SQNR-*w.SQNR) > 1e-5 {
					t.Errorf("%s has %v dB, and %v by the plan", w.Name, *m.Errors.SQNR, *w.SQNR)
				}
			}
			ok(t, "compare", out, "--against", model)
		})
	}
}

// TestPlanOptions tries what narrows the choice.
func TestPlanOptions(t *testing.T) {
	model := planModels(t)["gguf"]
	get := func(args ...string) planFile {
		t.Helper()
		return planOf(t, []byte(ok(t, append([]string{"plan", model, "--format", "json"}, args...)...)))
	}
	candidates := func(p planFile) string {
		var all []string
		for _, w := range p.Weights {
			all = append(all, w.Candidate)
		}
		return strings.Join(all, " ")
	}
	free := get("--bits-per-weight", "6")
	if len(map[string]bool{free.Weights[0].Candidate: true, free.Weights[3].Candidate: true}) != 2 {
		t.Fatalf("small and large weights have the same: %s", candidates(free))
	}
	p := get("--bits-per-weight", "6", "--fix", "*attn_v*=q8_0")
	if p.Weights[1].Candidate != "q8_0" {
		t.Errorf("a fixed weight has %s", p.Weights[1].Candidate)
	}
	p = get("--bits-per-weight", "6", "--alike", "*attn_q*")
	if p.Weights[0].Candidate != p.Weights[3].Candidate {
		t.Errorf("weights that are to be alike are not: %s", candidates(p))
	}
	p = get("--bits-per-weight", "6", "--max-kinds", "1", "--candidates", "q4_0,q5_0,q8_0")
	if got := candidates(p); got != "q5_0 q5_0 q5_0 q5_0" {
		t.Errorf("one kind: %s", got)
	}
	p = get("--bytes", "1k", "--exclude", "*attn*", "--candidates", "q4_0,q8_0,keep", "--bytes", "17000")
	if len(p.Weights) != 1 || p.Weights[0].Candidate != "keep" || p.Weights[0].SQNR != nil || p.Weights[0].Up != nil || p.Weights[0].Down == nil {
		t.Errorf("a weight for which there is room: %+v", p.Weights)
	}
	target := get("--sqnr", "30")
	if target.Summary.SQNR < 30 {
		t.Errorf("%v dB of 30", target.Summary.SQNR)
	}
	if less := get("--bytes", "1"+strings.Repeat("0", 9)); less.Summary.Bytes < target.Summary.Bytes {
		t.Error("all bytes that there are make a smaller model")
	}
	table := filepath.Join(t.TempDir(), "s.csv")
	if err := os.WriteFile(table, []byte("pattern,factor\n*attn_v*,1e9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if p = get("--bits-per-weight", "6", "--sensitivity", table); p.Weights[1].Bytes <= free.Weights[1].Bytes {
		t.Errorf("a weight that counts most has %s, and %s otherwise", p.Weights[1].Candidate, free.Weights[1].Candidate)
	}
	worst, sum := get("--bits-per-weight", "6", "--objective", "worst"), math.Inf(1)
	for _, w := range worst.Weights {
		sum = min(sum, *w.SQNR)
	}
	for _, w := range free.Weights {
		if *w.SQNR > sum {
			continue
		}
		return // the sum's worst weight is worse, or the same
	}
	t.Error("the plan for the worst weight has a worse one than that for the sum")
}

// TestPlanErrors has what a plan cannot be.
func TestPlanErrors(t *testing.T) {
	models := planModels(t)
	model, dir := models["gguf"], t.TempDir()
	file := filepath.Join(dir, "plan.json")
	ok(t, "plan", model, "--bits-per-weight", "5", "-o", file)
	good := read(t, dir, "plan.json")
	altered := func(old, new string) string {
		path := filepath.Join(t.TempDir(), "altered.json")
		text := bytes.Replace(good, []byte(old), []byte(new), 1)
		if bytes.Equal(text, good) {
			t.Fatalf("no %q in the plan", old)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	out := filepath.Join(dir, "out.gguf")
	for name, test := range map[string]struct {
		code int
		want string
		args []string
	}{
		"no budget":          {exitUsage, "needs a budget", []string{"plan", model}},
		"two budgets":        {exitUsage, "one budget", []string{"plan", model, "--sqnr", "3", "--bits-per-weight", "4"}},
		"no candidate":       {exitUsage, `candidate "q4_z"`, []string{"plan", model, "--sqnr", "3", "--candidates", "q4_z"}},
		"twice":              {exitUsage, "twice", []string{"plan", model, "--sqnr", "3", "--candidates", "q4_0,q4_0"}},
		"too small":          {exitFailed, "the limit is too low", []string{"plan", model, "--bytes", "100"}},
		"size":               {exitUsage, "no size", []string{"plan", model, "--bytes", "many"}},
		"factor":             {exitUsage, "the factor 1e+308 of \"*\" is no number from 0 to 1e+100", []string{"plan", model, "--sqnr", "3", "--sensitivity", write(t, "s.csv", "*,1e308\n")}},
		"fix":                {exitUsage, "want PATTERN=CANDIDATE", []string{"plan", model, "--sqnr", "3", "--fix", "x"}},
		"fixed to none":      {exitUsage, "none of the candidates", []string{"plan", model, "--sqnr", "3", "--fix", "*=q2_k"}},
		"no such weight":     {exitUsage, `no weight matches "x"`, []string{"plan", model, "--sqnr", "3", "--alike", "x"}},
		"another's":          {exitUsage, "the model is gguf", []string{"plan", model, "--sqnr", "3", "--for", "vllm"}},
		"objective":          {exitUsage, "none of sum", []string{"plan", model, "--sqnr", "3", "--objective", "x"}},
		"ema":                {exitUsage, "of batches", []string{"plan", models["onnx"], "--sqnr", "3", "--candidates", "int4:ema=0.1"}},
		"not a plan":         {exitFailed, "not a plan", []string{"quantize", model, "-o", out, "--plan", altered("quant_plan", "quant_plot")}},
		"version":            {exitFailed, "version 2", []string{"quantize", model, "-o", out, "--plan", altered(`"quant_plan": 1`, `"quant_plan": 2`)}},
		"another weight":     {exitFailed, `names "blk.7.attn_q.weight"`, []string{"quantize", model, "-o", out, "--plan", altered(`"name": "blk.0.attn_q`, `"name": "blk.7.attn_q`)}},
		"twice in it":        {exitFailed, "twice", []string{"quantize", model, "-o", out, "--plan", altered(`"name": "blk.0.attn_q`, `"name": "blk.1.attn_q`)}},
		"no scheme":          {exitFailed, "blk.0.attn_q.weight", []string{"quantize", model, "-o", out, "--plan", altered(`"scheme": "Q`, `"scheme": "Z`)}},
		"beside --bits":      {exitUsage, "--bits does not go with --plan", []string{"quantize", model, "-o", out, "--plan", file, "--bits", "4"}},
		"a scheme for GGUF":  {exitFailed, "gguf files do not hold", []string{"quantize", model, "-o", out, "--plan", altered(`"scheme": "Q`, `"scheme": "int4:symmetric", "was": "Q`)}},
		"of another kind":    {exitFailed, "no such tensor", []string{"quantize", models["onnx"], "-o", filepath.Join(dir, "o.onnx"), "--plan", file}},
		"another shape":      {exitFailed, "the plan has the shape 9", []string{"quantize", model, "-o", out, "--plan", altered(`"shape": [`, `"shape": [9`)}},
		"no text":            {exitFailed, `the plan has a number for "weights.scheme"`, []string{"quantize", model, "-o", out, "--plan", altered(`"scheme": "Q`, `"scheme": 4, "was": "Q`)}},
		"a list":             {exitFailed, "not a plan: it is a JSON array", []string{"quantize", model, "-o", out, "--plan", write(t, "list.json", "[]")}},
		"blocks in ONNX":     {exitUsage, "a type of GGUF, and files for onnxruntime do not hold those", []string{"plan", models["onnx"], "--sqnr", "3", "--candidates", "q4_k"}},
		"blocks in TensorRT": {exitUsage, "a type of GGUF, and files for tensorrt do not hold those", []string{"plan", models["onnx"], "--sqnr", "3", "--for", "tensorrt", "--candidates", "q4_k"}},
		"too few bits":       {exitFailed, "bits per weight", []string{"plan", model, "--bits-per-weight", "0.5"}},
		"no such codes":      {exitUsage, "writes no such codes for onnxruntime", []string{"plan", models["onnx"], "--sqnr", "3", "--candidates", "mxfp4"}},
		"infinite bits":      {exitUsage, "+Inf bits per weight are more than 1024", []string{"plan", model, "--bits-per-weight", "inf"}},
		"infinite ratio":     {exitUsage, "the ratio +Inf is not a finite number", []string{"plan", model, "--sqnr", "inf"}},
		"no target":          {exitUsage, "--for tflite: it is none of onnxruntime, tensorrt", []string{"plan", models["onnx"], "--sqnr", "3", "--for", "tflite"}},
		"TensorRT of GGUF":   {exitUsage, "--for tensorrt: the model is gguf", []string{"plan", model, "--sqnr", "3", "--for", "tensorrt"}},
		"int4 of channels":   {exitUsage, "writes no such codes for tensorrt: it has symmetric int8", []string{"plan", models["onnx"], "--sqnr", "3", "--for", "tensorrt", "--candidates", "int4:channel"}},
		"groups of 32":       {exitUsage, "writes no such codes for tensorrt", []string{"plan", models["onnx"], "--sqnr", "3", "--for", "tensorrt", "--candidates", "int4:g32"}},
		"asymmetric":         {exitUsage, "writes no such codes for tensorrt", []string{"plan", models["onnx"], "--sqnr", "3", "--for", "tensorrt", "--mapping", "asymmetric"}},
		"int8 in groups":     {exitUsage, "writes no such codes for tensorrt", []string{"plan", models["onnx"], "--sqnr", "3", "--for", "tensorrt", "--candidates", "int8:g128"}},
		"not JSON":           {exitUsage, "ends in .json", []string{"plan", model, "--sqnr", "3", "-o", filepath.Join(dir, "p.txt")}},
	} {
		t.Run(name, func(t *testing.T) {
			fails(t, test.code, test.want, "", test.args...)
		})
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a plan that is none made a file")
	}
}

// TestPlanTensorRT: the codes of a plan for TensorRT are those that it has, and quant quantize writes
// them.
func TestPlanTensorRT(t *testing.T) {
	dir := t.TempDir()
	model := write(t, "m.onnx", string(products(t, 21, map[string][]int{"a": {256, 128}, "b": {100, 64}}))) // the columns of b are no whole groups
	path, out := filepath.Join(dir, "plan.json"), filepath.Join(dir, "out.onnx")
	ok(t, "plan", model, "--for", "tensorrt", "--bits-per-weight", "5.5", "-o", path)
	var doc struct {
		Options struct{ Candidates []string }
		Weights []struct{ Name, Scheme string }
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(doc.Options.Candidates, " "); got != "int4:g128 int4:g64 int8:channel keep" {
		t.Errorf("candidates %s", got)
	}
	for _, w := range doc.Weights {
		if want := map[string]string{"a": "int4:symmetric:group", "b": "int8:symmetric:channel@1"}[w.Name]; !strings.HasPrefix(w.Scheme, want) {
			t.Errorf("%s has %s, want %s", w.Name, w.Scheme, want)
		}
	}
	if !strings.Contains(string(data), `"int8:symmetric:channel@1:mse:narrow:zero"`) {
		t.Errorf("int8 is not that of TensorRT: %v", doc.Weights)
	}
	ok(t, "quantize", model, "--plan", path, "-o", out)
}

// products returns an ONNX model with a MatMul for each weight.
func products(t *testing.T, version int64, weights map[string][]int) []byte {
	t.Helper()
	var g onnxtest.Graph
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		shape := weights[name]
		g.Tensors = append(g.Tensors, onnxtest.Floats(name, waves(shape[0]*shape[1]), shape...))
		g.Nodes = append(g.Nodes, onnxtest.Node("MatMul", []string{"x" + name, name}, []string{"y" + name}))
		g.Inputs = append(g.Inputs, onnxtest.Value("x"+name, 1, 1, shape[0]))
		g.Outputs = append(g.Outputs, onnxtest.Value("y"+name, 1, 1, shape[1]))
	}
	return onnxtest.Model(version, g)
}

// TestTensorRTGroups: --for tensorrt --bits 4 quantizes the weights that have whole groups along one
// of the last two axes, and says why it leaves others. A plan makes the same scheme of them.
func TestTensorRTGroups(t *testing.T) {
	var g onnxtest.Graph
	add := func(name, op string, in []int, shape ...int) {
		n := 1
		for _, d := range shape {
			n *= d
		}
		g.Tensors = append(g.Tensors, onnxtest.Floats(name, waves(n), shape...))
		g.Nodes = append(g.Nodes, onnxtest.Node(op, []string{"x" + name, name}, []string{"y" + name}))
		g.Inputs = append(g.Inputs, onnxtest.Value("x"+name, 1, in...))
		g.Outputs = append(g.Outputs, onnxtest.Value("y"+name, 1))
	}
	add("whole", "MatMul", []int{1, 256}, 256, 128)
	add("short", "MatMul", []int{1, 100}, 100, 64)
	add("kernel", "Conv", []int{1, 128, 5, 5}, 8, 128, 3, 3)
	add("tiny", "Conv", []int{1, 4, 5, 5}, 64, 4, 3, 3)
	model, out := write(t, "m.onnx", string(onnxtest.Model(21, g))), filepath.Join(t.TempDir(), "out.onnx")
	var doc struct {
		Weights []struct{ Name string }
		Left    []struct{ Name, Reason string }
	}
	if err := json.Unmarshal([]byte(ok(t, "quantize", model, "--for", "tensorrt", "--bits", "4", "-o", out, "--format", "json")), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Weights) != 1 || doc.Weights[0].Name != "whole" {
		t.Errorf("quantized: %v", doc.Weights)
	}
	want := map[string]string{
		"short":  "axis 0 has 100 elements, which are not whole groups of 128",
		"kernel": "its groups would run along axis 1, which is not one of the last two",
		"tiny":   "no axis of it has groups of 128",
	}
	for _, l := range doc.Left {
		if l.Reason != want[l.Name] {
			t.Errorf("%s is left: %s, want %s", l.Name, l.Reason, want[l.Name])
		}
		delete(want, l.Name)
	}
	if len(want) > 0 {
		t.Errorf("not listed: %v", want)
	}
	plan := filepath.Join(t.TempDir(), "plan.json")
	ok(t, "plan", model, "--for", "tensorrt", "--bits-per-weight", "18", "--candidates", "int4:g128,keep", "--method", "minmax", "-o", plan)
	other := filepath.Join(t.TempDir(), "other.onnx")
	ok(t, "quantize", model, "--plan", plan, "-o", other)
	if a, b := codesIn(t, out), codesIn(t, other); !slices.Equal(a("whole", 256*128), b("whole", 256*128)) {
		t.Error("the plan has other codes")
	}
	fails(t, exitFailed, "it is included by its name, but cannot be converted: axis 0 has 100 elements", "", "quantize", model, "--for", "tensorrt", "--bits", "4", "--include", "short", "-o", out, "--force")
}

// TestPlanNotFinite: an error says where in its tensor a value is, whichever piece is read.
func TestPlanNotFinite(t *testing.T) {
	x := make([]float32, 512*144)
	x[70000] = float32(math.NaN())
	b := gguftest.New()
	b.Text("general.architecture", "llama").Tensor("blk.0.attn_q.weight", 0, gguftest.Floats(x...), 512, 144)
	model := filepath.Join(t.TempDir(), "model.gguf")
	if err := os.WriteFile(model, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	fails(t, exitFailed, "NaN in channel 136, at index 70000", "", "plan", model, "--sqnr", "3", "--candidates", "q8_0")
}
