package web

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
)

// layersFile is a safetensors file of n weights of 64×128 values, of which some have
// channels of other ranges than others, and a bias.
func layersFile(n int) []byte {
	r := rand.New(rand.NewPCG(17, 1))
	const rows, columns = 64, 128
	head := map[string]any{}
	var data []byte
	add := func(name string, shape []int, scale func(row int) float64) {
		from := len(data)
		for row := range shape[0] {
			for range shape[len(shape)-1] {
				bits := math.Float32bits(float32(r.NormFloat64() * scale(row)))
				data = append(data, byte(bits), byte(bits>>8), byte(bits>>16), byte(bits>>24))
			}
		}
		head[name] = map[string]any{"dtype": "F32", "shape": shape, "data_offsets": []int{from, len(data)}}
	}
	for i := range n {
		add(fmt.Sprintf("layers.%d.weight", i), []int{rows, columns}, func(row int) float64 { return math.Pow(2, -float64(i)-float64(row%(1+3*i))) })
	}
	add("layers.0.bias", []int{1}, func(int) float64 { return 1 })
	words, _ := json.Marshal(head)
	words = append(words, strings.Repeat(" ", -len(words)&7)...)
	file := []byte{byte(len(words)), byte(len(words) >> 8), byte(len(words) >> 16), 0, 0, 0, 0, 0}
	return append(append(file, words...), data...)
}

// shownPlan is what the page reads of a plan.
type shownPlan struct {
	Options struct {
		Bytes      *int64
		Candidates []string
		For        string
	}
	Summary struct {
		Bytes, Elements int64
		SQNR            float64 `json:"sqnr_db"`
		Worst           string
	}
	Weights []struct {
		Name, Candidate, Scheme string
		Bytes                   int64
		SQNR                    *float64 `json:"sqnr_db"`
	}
	Front []struct {
		Bytes int64
		SQNR  *float64 `json:"sqnr_db"`
	}
	Recipes []struct{ Name string }
	Choices *struct {
		Weights [][]struct {
			Candidate string
			Bytes     int64
			SQNR      *float64 `json:"sqnr_db"`
		}
		Points []struct {
			Changes [][2]int
			Worst   string
		}
	}
	Written bool
}

// choice returns the candidates of the weights at point k of the front.
func (p *shownPlan) choice(k int) []int {
	now := make([]int, len(p.Weights))
	for _, point := range p.Choices.Points[:k+1] {
		for _, c := range point.Changes {
			now[c[0]] = c[1]
		}
	}
	return now
}

// TestPlan: each point of the front comes with what it chooses, and its file is what quant
// quantize follows.
func TestPlan(t *testing.T) {
	site := serve(t, testConfig(t))
	model := layersFile(3)
	p := answered[shownPlan](t, upload(t, site+"/api/plan", "m.safetensors", model, ""))
	if !p.Written || p.Options.For != "vllm" || len(p.Weights) != 3 || len(p.Front) < 10 || len(p.Choices.Points) != len(p.Front) || len(p.Recipes) < 4 {
		t.Fatalf("%+v", p)
	}
	for k, f := range p.Front {
		bytes := int64(0)
		for i, c := range p.choice(k) {
			bytes += p.Choices.Weights[i][c].Bytes
		}
		if bytes != f.Bytes {
			t.Errorf("point %d: the choices take %d bytes, and the point says %d", k, bytes, f.Bytes)
		}
	}
	at := slices.IndexFunc(p.Front, func(f struct {
		Bytes int64
		SQNR  *float64 `json:"sqnr_db"`
	}) bool {
		return f.Bytes == p.Summary.Bytes
	})
	if at < 0 || at+1 < len(p.Front) && float64(p.Front[at+1].Bytes) <= firstBits*float64(p.Summary.Elements)/8 {
		t.Errorf("the first plan is point %d of the front, with %d bytes", at, p.Summary.Bytes)
	}
	for i, c := range p.choice(at) {
		if want := p.Choices.Weights[i][c]; p.Weights[i].Candidate != want.Candidate || p.Weights[i].Bytes != want.Bytes {
			t.Errorf("weight %d: %+v, want %+v", i, p.Weights[i], want)
		}
	}

	at = len(p.Front) / 2
	a := upload(t, site+"/api/plan.json", "m.safetensors", model, fmt.Sprintf(`{"plan":{"bytes":%d}}`, p.Front[at].Bytes))
	if got := a.header.Get("Content-Disposition"); got != "attachment; filename=quant-m-plan.json" {
		t.Errorf("Content-Disposition: %s", got)
	}
	file := answered[shownPlan](t, a)
	if file.Choices != nil || file.Summary.Bytes != p.Front[at].Bytes {
		t.Errorf("the file has choices, or %d bytes instead of %d", file.Summary.Bytes, p.Front[at].Bytes)
	}
	for i, c := range p.choice(at) {
		if want := p.Choices.Weights[i][c].Candidate; file.Weights[i].Candidate != want {
			t.Errorf("weight %d is %s in the file, and %s on the page", i, file.Weights[i].Candidate, want)
		}
	}
	quantizeBy(t, model, a.body, len(file.Weights))
}

// quantizeBy quantizes a safetensors model by a plan file, as quant quantize --plan does.
func quantizeBy(t *testing.T, model, file []byte, weights int) {
	t.Helper()
	choices, _, err := report.ReadPlan(file)
	if err != nil {
		t.Fatal(err)
	}
	plan, kept := convert.Plan{}, 0
	for _, c := range choices {
		if plan[c.Name], err = convert.ParseChoice(c.Scheme); err != nil {
			t.Fatal(err)
		}
		if c.Scheme == report.Keep {
			kept++
		}
	}
	dir := t.TempDir()
	in := filepath.Join(dir, "m.safetensors")
	if err := os.WriteFile(in, model, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := atomicfile.NewFolder(filepath.Join(dir, "out"), false)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Abort()
	r, err := convert.Quantize(t.Context(), convert.KindSafetensors, in, out, convert.Options{Bits: 8, Granularity: option.PerChannel, Plan: plan}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Weights) != weights-kept {
		t.Errorf("%d weights were quantized, of %d with %d kept", len(r.Weights), weights, kept)
	}
}

// TestPlanErrors: what is wrong with a plan is said of its field.
func TestPlanErrors(t *testing.T) {
	site := serve(t, testConfig(t))
	model := layersFile(2)
	for _, test := range []struct{ plan, field, says string }{
		{`{"bits_per_weight":1}`, "budget", "limit"},
		{`{"bits_per_weight":4,"bytes":9}`, "bits_per_weight", "one budget"},
		{`{"candidates":["int99"]}`, "candidates", "int99"},
		{`{"candidates":["int4:g1"]}`, "candidates", "at least 8"},
		{`{"candidates":["int4:group4@1"]}`, "candidates", "at least 8"},
		{`{"candidates":["int4:1x7"]}`, "candidates", "at least 8"},
		{`{"for":"llama.cpp"}`, "for", "safetensors"},
		{`{"objective":"luck"}`, "objective", "luck"},
		{`{"budget":1}`, "body", "unknown field"},
	} {
		a := upload(t, site+"/api/plan", "m.safetensors", model, `{"plan":`+test.plan+`}`)
		if a.status != 422 && a.status != 400 || a.err.Field != test.field || !strings.Contains(a.err.Message, test.says) {
			t.Errorf("%s: %d %+v", test.plan, a.status, a.err)
		}
	}
	// An axis that counts from the end, and one that no tensor has.
	axis := `{"text":"[[[1,2],[3,4]],[[5,6],[7,8]]]","plan":{"candidates":["int8:channel@%d"]}}`
	if a := post(t, site+"/api/plan", fmt.Sprintf(axis, -1)); a.status != 200 {
		t.Errorf("channels on the last axis: %d %+v", a.status, a.err)
	}
	if a := post(t, site+"/api/plan", fmt.Sprintf(axis, 5)); a.status != 422 || !strings.Contains(a.err.Message, "axis 5") {
		t.Errorf("channels on axis 5: %d %+v", a.status, a.err)
	}
	// Files that quant quantize writes none of have plans of all their tensors.
	p := answered[shownPlan](t, post(t, site+"/api/plan", `{"example":"convolution","plan":{"candidates":["int4","int8"]}}`))
	if p.Written || len(p.Weights) != 2 || len(p.Recipes) != 2 {
		t.Errorf("%+v", p)
	}
}
