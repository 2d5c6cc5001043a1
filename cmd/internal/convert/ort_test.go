package convert

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A value is a tensor that ONNX Runtime takes or gives.
type value struct {
	Type string `json:"type"`
	Dims []int  `json:"dims"`
	Data []byte `json:"data"` // little-endian
}

func floatValue(data []float32, dims ...int) value {
	b, _ := binary.Append(nil, binary.LittleEndian, data)
	return value{"float32", dims, b}
}

func intValue(data []int64, dims ...int) value {
	b, _ := binary.Append(nil, binary.LittleEndian, data)
	return value{"int64", append([]int{}, dims...), b}
}

// floats are the numbers of a value.
func (v value) floats() []float32 {
	x := make([]float32, len(v.Data)/4)
	binary.Decode(v.Data, binary.LittleEndian, x)
	return x
}

// An ortJob is a model to run.
type ortJob struct {
	Model   string             `json:"model"`
	Level   string             `json:"level"`   // of optimizations: disabled, basic, extended or all
	Session map[string]string  `json:"session"` // further settings, without the "session." they begin with
	Steps   []map[string]value `json:"steps"`   // inputs, run after run
	Carry   map[string]string  `json:"carry"`   // outputs that are an input of the next step
	Saved   string             `json:"saved"`   // where the optimized model is written; "" for nowhere
	Runs    int                `json:"runs"`    // how often the first step is timed; the fastest is in a step "ms"
}

// onnxruntime runs models in ONNX Runtime and returns the outputs of each step.
func onnxruntime(t *testing.T, jobs ...ortJob) [][]map[string]value {
	t.Helper()
	all, err := tryONNXRuntime(t, jobs...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// tryONNXRuntime is onnxruntime for models that it may refuse.
func tryONNXRuntime(t *testing.T, jobs ...ortJob) ([][]map[string]value, error) {
	t.Helper()
	folder := ortFolder(t)
	for i := range jobs {
		if jobs[i].Carry == nil {
			jobs[i].Carry = map[string]string{}
		}
		if jobs[i].Session == nil {
			jobs[i].Session = map[string]string{}
		}
	}
	in, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "ort.js"), folder)
	cmd.Stdin = bytes.NewReader(in)
	var errout bytes.Buffer
	cmd.Stderr = &errout
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, &errout)
	}
	var results []struct {
		Error string
		Steps []map[string]value
	}
	if err := json.Unmarshal(out, &results); err != nil {
		t.Fatalf("%v\n%.1000s", err, out)
	}
	all := make([][]map[string]value, len(jobs))
	for i, r := range results {
		if r.Error != "" {
			return nil, fmt.Errorf("ONNX Runtime refuses %s: %s", jobs[i].Model, r.Error)
		}
		all[i] = r.Steps
	}
	return all, nil
}

// ortFolder is the folder that has node_modules/onnxruntime-node. The test is
// skipped if there is none; .ci/run makes sure that there is.
func ortFolder(t *testing.T) string {
	folder := os.Getenv("QUANT_ORT")
	if folder == "" {
		t.Skip("QUANT_ORT names no folder with node_modules/onnxruntime-node")
	}
	return folder
}

// sameBits compares outputs bit by bit, except that any NaN is like another.
func sameBits(t *testing.T, what string, a, b []map[string]value) {
	t.Helper()
	for i := range a {
		for name, v := range a[i] {
			if bytes.Equal(v.Data, b[i][name].Data) {
				continue
			}
			x, y := v.floats(), b[i][name].floats()
			n := 0
			for k := range x {
				if math.Float32bits(x[k]) != math.Float32bits(y[k]) {
					n++
				}
			}
			d := distanceOf(a[i:i+1], b[i:i+1], name)
			t.Errorf("%s: %d of %d values of %s differ in step %d, %v", what, n, len(x), name, i, d)
		}
	}
}

// A distance is how far outputs are from others.
type distance struct {
	max, rmse, sqnr float64 // dB
}

// distanceOf compares an output over all steps.
func distanceOf(got, want []map[string]value, name string) distance {
	var d distance
	noise, signal, n := 0.0, 0.0, 0
	for i := range want {
		x, y := want[i][name].floats(), got[i][name].floats()
		for k := range x {
			e := float64(y[k]) - float64(x[k])
			if e != e {
				e = math.Inf(1)
			}
			d.max = max(d.max, math.Abs(e))
			noise += e * e
			signal += float64(x[k]) * float64(x[k])
			n++
		}
	}
	d.rmse = math.Sqrt(noise / float64(n))
	d.sqnr = 10 * math.Log10(signal/noise)
	return d
}
