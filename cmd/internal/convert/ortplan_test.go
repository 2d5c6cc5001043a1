package convert

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

var allPlans = flag.Bool("plans", false, "run models by plans of more sizes")

// planFor returns the plan of an ONNX model for so many bytes, and what one candidate
// for all its weights takes, by the name of the candidate.
func planFor(t *testing.T, model, objective string, bytes int64) (Plan, *report.Plan) {
	t.Helper()
	picked, err := Select(KindONNX, model, Options{})
	if err != nil {
		t.Fatal(err)
	}
	src, err := tensorfile.Open(model)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	p, err := report.BuildPlan(t.Context(), model, src, report.PlanOptions{
		Bytes: &bytes, Objective: objective, Target: report.PlanONNXRuntime, Names: picked.Names,
		Candidates: []string{"int4:channel", "int4:g128", "int4:g32", "int4:g16", "int8:channel"},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	choices := make(Plan)
	for _, w := range p.Weights {
		if choices[w.Name], err = ParseChoice(w.Scheme); err != nil {
			t.Fatal(err)
		}
	}
	return choices, p
}

// TestONNXRuntimePlans runs real models with a plan of each objective, and with the
// same candidate for all weights, which takes as many bytes: what a plan gains in the
// weights, next to what it gains in the outputs. docs/planning.md has the figures
// of more plans, which the flag -plans runs.
func TestONNXRuntimePlans(t *testing.T) {
	ortFolder(t)
	chunk, context := 512, 64
	audio := append(make([]float32, context), speech(16000, 32000)...)
	var steps []map[string]value
	for at := 0; at+context+chunk <= len(audio); at += chunk {
		steps = append(steps, map[string]value{
			"input": floatValue(audio[at:at+context+chunk], 1, context+chunk),
			"sr":    intValue([]int64{16000}),
			"state": floatValue(make([]float32, 2*128), 2, 1, 128),
		})
	}
	for _, m := range []trial{
		{model: models(t, "silero_vad_v5.onnx"), steps: steps, carry: map[string]string{"stateN": "state"}, outputs: []string{"output"}, threshold: 0.5},
		{model: models(t, "ch_PP-OCRv4_det_infer.onnx"), steps: []map[string]value{{"x": page(t, 448, 320)}}, outputs: []string{"sigmoid_0.tmp_0"}, threshold: 0.3},
	} {
		t.Run(filepath.Base(m.model), func(t *testing.T) { m.plans(t) })
	}
}

func (m trial) plans(t *testing.T) {
	_, all := planFor(t, m.model, report.PlanSum, 1<<40)
	jobs := []ortJob{{Model: m.model}}
	var names []string
	var ratios []float64
	add := func(name string, plan Plan, ratio float64) {
		out := filepath.Join(t.TempDir(), "planned.onnx")
		produce(t, out, func(set *atomicfile.Set) (*Result, error) {
			return Quantize(t.Context(), KindONNX, m.model, set, Options{Plan: plan}, nil)
		})
		jobs, names, ratios = append(jobs, ortJob{Model: out}), append(names, name), append(ratios, ratio)
	}
	for _, r := range all.Recipes {
		if r.Name != "int4:g32" && (!*allPlans || r.Name != "int4:g128" && r.Name != "int4:g16") {
			continue
		}
		uniform := make(Plan)
		for _, w := range all.Weights {
			text, err := w.SchemeOf(r.Name)
			if err != nil {
				t.Fatal(err)
			}
			if uniform[w.Name], err = ParseChoice(text); err != nil {
				t.Fatal(err)
			}
		}
		bits := fmt.Sprintf("%.2f bits per weight, ", float64(r.BitsPerWeight))
		add(bits+r.Name+" for all", uniform, float64(r.SQNR))
		for _, objective := range report.PlanObjectives {
			if objective != report.PlanSum && !*allPlans {
				continue
			}
			plan, p := planFor(t, m.model, objective, r.Bytes)
			if objective == report.PlanSum && p.Summary.SQNR < r.SQNR {
				t.Errorf("%s: the plan has %v dB, and one candidate for all %v", r.Name, p.Summary.SQNR, r.SQNR)
			}
			add(bits+"planned by "+objective, plan, float64(p.Summary.SQNR))
		}
	}
	for i := range jobs {
		jobs[i].Level, jobs[i].Session, jobs[i].Steps, jobs[i].Carry = "basic", precise, m.steps, m.carry
	}
	results := onnxruntime(t, jobs...)
	for i, name := range names {
		d := distanceOf(results[i+1], results[0], m.outputs[0])
		n, of := decisions(results[i+1], results[0], m.outputs[0], m.threshold)
		t.Logf("%s: weights %.2f dB, outputs %.2f dB, %d of %d decisions differ", name, ratios[i], d.sqnr, n, of)
	}
}
