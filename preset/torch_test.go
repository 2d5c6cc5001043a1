package preset

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/a01592f9/quant"
)

// TestPyTorch compares parameters, codes and values with PyTorch's own. QUANT_TORCH names a
// Python with torch; .ci/run makes sure that there is one.
func TestPyTorch(t *testing.T) {
	python := os.Getenv("QUANT_TORCH")
	if python == "" {
		t.Skip("QUANT_TORCH names no Python with torch")
	}
	type job struct {
		Preset   string `json:"preset"`
		Values   []byte `json:"values"`
		Channels int    `json:"channels"`
	}
	type result struct {
		Version string
		Scale   []float64
		Zero    []int32
		Codes   []byte
		Values  []byte
	}
	var jobs []job
	var inputs []quant.Tensor
	var names []string
	var in bytes.Buffer
	const rows = 24
	for _, name := range []string{"pytorch-int8", "pytorch-uint8", "pytorch-uint8-symmetric", "pytorch-fake-quantize", "pytorch-dynamic"} {
		all := tensors(7)
		delete(all, "huge") // whose ranges overflow
		delete(all, "octaves")
		all["rows"] = quant.Tensor{Data: oracleValues(rows, 512), Shape: []int{rows, 512}}
		all["scalar tail"] = quant.Tensor{Data: oracleValues(6, 13), Shape: []int{6, 13}}
		for kind, x := range all {
			for _, channels := range []int{0, x.Shape[0]} {
				if channels > 0 && name == "pytorch-dynamic" {
					continue
				}
				b, _ := binary.Append(nil, binary.LittleEndian, x.Data)
				jobs = append(jobs, job{name, b, channels})
				inputs, names = append(inputs, x), append(names, kind)
			}
		}
	}
	encoder := json.NewEncoder(&in)
	for _, j := range jobs {
		if err := encoder.Encode(j); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python, "-B", filepath.Join("testdata", "torch_judge.py"))
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(out))
	compared, version := map[string]int{}, ""
	for k, j := range jobs {
		var want result
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		version = want.Version
		p := must(Parse(j.Preset))
		if j.Channels > 0 {
			p = must(p.With(quant.PerChannel(0)))
		}
		got, err := p.Calibrate(inputs[k])
		if err != nil {
			t.Fatalf("%s, %s: %v", j.Preset, names[k], err)
		}
		scale := make([]float32, len(want.Scale))
		for i, s := range want.Scale {
			scale[i] = float32(s)
		}
		if !slices.Equal(got.Scale, scale) || !slices.Equal(got.ZeroPoint, want.Zero) {
			t.Errorf("%s, %s, %d channels: scales %v and zero points %v, by PyTorch %v and %v",
				j.Preset, names[k], j.Channels, got.Scale, got.ZeroPoint, scale, want.Zero)
			continue
		}
		codes, err := p.Quantize(inputs[k], got)
		if err != nil {
			t.Fatal(err)
		}
		values, err := p.Dequantize(codes, inputs[k].Shape, got)
		if err != nil {
			t.Fatal(err)
		}
		theirs, back := make([]int16, len(codes)), make([]float32, len(codes))
		binary.Decode(want.Codes, binary.LittleEndian, theirs)
		binary.Decode(want.Values, binary.LittleEndian, back)
		for i, q := range codes {
			if q != theirs[i] || math.Float32bits(values[i])<<1 != math.Float32bits(back[i])<<1 {
				t.Errorf("%s, %s, %d channels: %v at index %d has the code %d, by PyTorch %d; it becomes %v, by PyTorch %v",
					j.Preset, names[k], j.Channels, inputs[k].Data[i], i, q, theirs[i], values[i], back[i])
				break
			}
		}
		compared[j.Preset] += len(codes)
	}
	t.Logf("PyTorch %s: codes compared %v", version, compared)
}
