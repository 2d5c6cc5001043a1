package convert

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// A staticTrial is a real model that is quantized statically.
type staticTrial struct {
	name, file string
	inputs     func(t *testing.T, run int) map[string]value // of a batch
	least      float64                                      // SQNR of the first output over other batches than those of the calibration, in dB; 0 for any
	dynamic    float64                                      // SQNR of the first output after dynamic quantization, in dB; 0 for any
}

// strokes are lines of dark strokes on light ground, as peers/models has them.
func strokes(r *rand.Rand, height, width int) value {
	ink := make([]bool, height*width)
	for line := 8; line+20 < height; line += 44 {
		for at := 16; at+12 < width-16; at += 9 + r.IntN(6) {
			top, bar := r.IntN(8), r.IntN(20)
			for y := top; y < 20; y++ {
				for x := range 3 {
					ink[(line+y)*width+at+x] = true
				}
			}
			for x := range 8 {
				for y := range 3 {
					ink[(line+min(bar+y, 19))*width+at+x] = true
				}
			}
		}
	}
	data := make([]float32, 3*len(ink))
	for i := range data {
		data[i] = 2.2 + 0.05*(r.Float32()-0.5)
		if ink[i%len(ink)] {
			data[i] -= 4
		}
	}
	return floatValue(data, 1, 3, height, width)
}

// stairs are steps and noise around 0.
func stairs(r *rand.Rand, shape ...int) value {
	data := make([]float32, elements(shape))
	level := float32(0)
	for i := range data {
		if i%17 == 0 {
			level = 2*r.Float32() - 1
		}
		data[i] = level + 0.2*(r.Float32()-0.5)
	}
	return floatValue(data, shape...)
}

func staticTrials() []staticTrial {
	of := func(name string, make func(r *rand.Rand) value) func(*testing.T, int) map[string]value {
		return func(_ *testing.T, run int) map[string]value {
			return map[string]value{name: make(rand.New(rand.NewPCG(77, uint64(run))))}
		}
	}
	sound := func(run, n int) value { return floatValue(speech(16000, 40*n)[(4+run)*n:(5+run)*n], 1, n) }
	return []staticTrial{
		{"PP-OCRv4, finds text", "ch_PP-OCRv4_det_infer.onnx", func(t *testing.T, run int) map[string]value {
			return map[string]value{"x": page(t, 160+32*(run%3), 128+32*(run%2))}
		}, 5, 8},
		{"PP-OCRv4, reads text", "ch_PP-OCRv4_rec_infer.onnx", of("x", func(r *rand.Rand) value { return strokes(r, 48, 160) }), 0, 0},
		{"Silero VAD, 16 kHz", "silero_vad_16k_op15.onnx", func(_ *testing.T, run int) map[string]value {
			return map[string]value{"input": sound(run, 576), "state": floatValue(make([]float32, 256), 2, 1, 128), "sr": intValue([]int64{16000})}
		}, 0, 0},
		{"PP-OCR, turns text", "ch_ppocr_mobile_v2.0_cls_infer.onnx", of("x", func(r *rand.Rand) value { return strokes(r, 48, 192) }), 0, 12},
		{"openWakeWord, spectrogram", "melspectrogram.onnx", func(_ *testing.T, run int) map[string]value { return map[string]value{"input": sound(run, 1760)} }, 0, 0},
		{"openWakeWord, embedding of speech", "embedding_model.onnx", of("input_1", func(r *rand.Rand) value { return stairs(r, 1, 76, 32, 1) }), 0, 25},
		{"openWakeWord, hey Jarvis", "hey_jarvis_v0.1.onnx", of("x.1", func(r *rand.Rand) value { return stairs(r, 1, 16, 96) }), 0, 40},
		{"openWakeWord, timer", "timer_v0.1.onnx", of("onnx::Flatten_0", func(r *rand.Rand) value { return stairs(r, 1, 34, 96) }), 0, 50},
	}
}

// find returns the path of a file in a folder or in folders of it, or "".
func find(folder, file string) (path string) {
	filepath.WalkDir(folder, func(p string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == file && !d.IsDir() {
			path = p
			return fs.SkipAll
		}
		return nil
	})
	return path
}

// TestONNXRuntimeStaticModels observes real models, quantizes them statically, and runs
// them beside the originals, over batches of the calibration and others. It logs a table.
// QUANT_MODELS has the first of the models. QUANT_STATIC, the folder that peers/models/run
// downloads to, has the others, which are tried if it is set.
func TestONNXRuntimeStaticModels(t *testing.T) {
	ortFolder(t)
	const calibration, all = 3, 6
	for i, trial := range staticTrials() {
		if i > 0 && os.Getenv("QUANT_STATIC") == "" {
			break
		}
		t.Run(trial.name, func(t *testing.T) {
			path := trial.path()
			if path == "" {
				t.Fatal("neither QUANT_MODELS nor QUANT_STATIC has " + trial.file)
			}
			trial.run(t, path, calibration, all)
		})
	}
}

func (trial staticTrial) run(t *testing.T, model string, calibration, all int) {
	dir := t.TempDir()
	observed := filepath.Join(dir, "observed.onnx")
	set, err := atomicfile.New(observed, false)
	if err != nil {
		t.Fatal(err)
	}
	defer set.Abort()
	seen, err := Observe(t.Context(), model, set, ObserveOptions{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Commit(); err != nil {
		t.Fatal(err)
	}
	var steps []map[string]value
	for run := range all {
		steps = append(steps, trial.inputs(t, run))
	}
	var batches []map[string][]float32
	for i, out := range onnxruntime(t, ortJob{Model: observed, Level: "disabled", Steps: steps[:calibration]})[0] {
		batch := map[string][]float32{}
		for _, v := range seen.Values {
			if x, ok := out[v.Name]; ok {
				batch[v.Name] = x.floats()
			} else {
				batch[v.Name] = steps[i][v.Name].floats()
			}
		}
		batches = append(batches, batch)
	}
	o := Options{Granularity: option.PerChannel, Static: &Static{Type: "uint8"}, Calibration: calibrationOf(t, batches)}
	if o.Exclude = constantNodes(t, observed, batches); len(o.Exclude) > 0 {
		t.Logf("excluded, as a value was one number in the calibration: %q", o.Exclude)
	}
	out, saved := filepath.Join(dir, "q.onnx"), filepath.Join(dir, "saved.onnx")
	r := produce(t, out, func(set *atomicfile.Set) (*Result, error) { return onnxStatic(t.Context(), model, set, o, nil) })
	runs := 0
	if os.Getenv("QUANT_STATIC") != "" {
		runs = 20
	}
	results := onnxruntime(t, ortJob{Model: model, Level: "all", Steps: steps, Runs: runs}, ortJob{Model: out, Level: "all", Steps: steps, Runs: runs},
		ortJob{Model: out, Level: "extended", Steps: steps[:1], Saved: saved})
	m, err := onnx.Open(saved)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	output := firstOutput(t, model)
	seenDB := distanceOf(results[1][:calibration], results[0][:calibration], output)
	other := distanceOf(results[1][calibration:all], results[0][calibration:all], output)
	integer, floating, expected := trial.operators(t, m, r)
	speed := ""
	if runs > 0 {
		before, after := results[0][all]["ms"].floats()[0], results[1][all]["ms"].floats()[0]
		speed = fmt.Sprintf(" %.2f | %.2f |", before, after)
	}
	t.Logf("| %s | %d of %d | %.1f dB | %.1f dB |%s", trial.name, integer, integer+floating, seenDB.sqnr, other.sqnr, speed)
	if integer < expected {
		t.Errorf("the optimized model has %d operators with codes, and %d are reported", integer, expected)
	}
	if trial.least > 0 && other.sqnr < trial.least {
		t.Errorf("SQNR %.1f dB over batches that the calibration has not seen, want %v", other.sqnr, trial.least)
	}
}

// operators counts the operators with codes in the optimized model, of those with an
// integer form of their own, and those that are reported; and the others that are reported.
func (trial staticTrial) operators(t *testing.T, m *onnx.Model, r *Result) (integer, floating, expected int) {
	t.Helper()
	own := func(op string) bool {
		return strings.HasPrefix(op, "QLinear") || op == "QGemm" || op == "MatMulIntegerToFloat"
	}
	for _, op := range m.Operators() {
		if own(op) {
			integer++
		}
	}
	var reasons []string
	for _, x := range r.Operators {
		switch {
		case own(x.Integer):
			expected++
		case x.Integer == "":
			floating++
			if !slices.Contains(reasons, x.Reason) {
				reasons = append(reasons, x.Reason)
			}
		}
	}
	t.Logf("in floating point: %s", strings.Join(reasons, "; "))
	return integer, floating, expected
}

// firstOutput is the name of the first output of a model.
func firstOutput(t *testing.T, path string) string {
	t.Helper()
	m, err := onnx.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	return m.Outputs()[0]
}

// constantNodes are the nodes that take or make a value that has one number in all batches:
// such a range is refused.
func constantNodes(t *testing.T, path string, batches []map[string][]float32) (names []string) {
	t.Helper()
	m, err := onnx.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	constant := func(name string) bool {
		found := false
		var first float32
		for _, batch := range batches {
			for _, v := range batch[name] {
				if !found {
					first, found = v, true
				}
				if v != first {
					return false
				}
			}
		}
		return found
	}
	for _, x := range m.Activations(onnx.ActivationChoice{}).Nodes {
		if (x.Quantized() || x.Op == "Relu" || x.Op == "Clip") && (constant(x.Input()) || constant(x.Output())) {
			names = append(names, x.Name)
		}
	}
	return names
}
