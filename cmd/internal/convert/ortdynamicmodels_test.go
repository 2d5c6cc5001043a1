package convert

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// TestONNXRuntimeDynamicModels quantizes real models dynamically, and runs them beside the
// originals. It logs a table. The models are those of TestONNXRuntimeStaticModels, and Silero VAD,
// all of whose products are in subgraphs.
func TestONNXRuntimeDynamicModels(t *testing.T) {
	ortFolder(t)
	for _, trial := range append(staticTrials()[:1:1], append([]staticTrial{sileroTrial()}, staticTrials()[1:]...)...) {
		path := trial.path()
		if path == "" {
			if os.Getenv("QUANT_STATIC") != "" {
				t.Errorf("neither QUANT_MODELS nor QUANT_STATIC has %s", trial.file)
			}
			continue
		}
		t.Run(trial.name, func(t *testing.T) {
			var steps []map[string]value
			for run := range 3 {
				steps = append(steps, trial.inputs(t, run))
			}
			quantized, r := dynamically(t, path, Options{Bits: 8, Mapping: quant.Symmetric, Granularity: option.PerChannel})
			runs := 0
			if os.Getenv("QUANT_STATIC") != "" {
				runs = 20
			}
			all := onnxruntime(t, ortJob{Model: path, Level: "all", Steps: steps, Runs: runs}, ortJob{Model: quantized, Level: "all", Steps: steps, Runs: runs})
			d := distanceOf(all[1][:3], all[0][:3], firstOutput(t, path))
			integer := 0
			var reasons []string
			for _, o := range r.Operators {
				if o.Integer != "" {
					integer++
				} else {
					reasons = append(reasons, o.Op+": "+o.Reason)
				}
			}
			speed := ""
			if runs > 0 {
				speed = fmt.Sprintf(" %.2f | %.2f |", all[0][3]["ms"].floats()[0], all[1][3]["ms"].floats()[0])
			}
			t.Logf("| %s | %d of %d | %.1f dB |%s (%s)", trial.name, integer, len(r.Operators), d.sqnr, speed, strings.Join(reasons, "; "))
			if integer == 0 {
				t.Error("no operator takes codes")
			}
			if trial.dynamic > 0 && !(d.sqnr > trial.dynamic) {
				t.Errorf("SQNR %.1f dB, want %v", d.sqnr, trial.dynamic)
			}
		})
	}
}

// path is the path of the model, or "".
func (trial staticTrial) path() string {
	for _, folder := range []string{os.Getenv("QUANT_MODELS"), os.Getenv("QUANT_STATIC")} {
		if folder == "" {
			continue
		}
		if path := find(folder, filepath.Base(trial.file)); path != "" {
			return path
		}
	}
	return ""
}

// sileroTrial hears one second of speech.
func sileroTrial() staticTrial {
	return staticTrial{name: "Silero VAD, hears speech", file: "silero_vad_v5.onnx", dynamic: 40, inputs: func(_ *testing.T, run int) map[string]value {
		return map[string]value{"input": floatValue(speech(16000, 16000)[(3+run)*2048:(3+run)*2048+512], 1, 512), "state": floatValue(make([]float32, 256), 2, 1, 128), "sr": intValue([]int64{16000})}
	}}
}
