package main

import (
	"encoding/json"
	"math"
	"testing"

	lib "github.com/a01592f9/quant"
)

// codesDoc is the JSON of quant diff, as far as tests look at it.
type codesDoc struct {
	Between [2]string
	Summary struct {
		Compared, Equal, Failed int
		Elements                int64
		ChangedCodes            *int64 `json:"changed_codes"`
		Steps                   []struct{ Difference, Count int }
		ChangedValues           int64    `json:"changed_values"`
		Cost                    *float64 `json:"cost_db"`
	}
	Tensors []struct {
		Name         string
		ChangedCodes *int64 `json:"changed_codes"`
		First        *struct {
			Index, Channel int
			Codes          []int
			Values         [2]float64
		}
		SQNR     []any `json:"sqnr_db"`
		Channels []int `json:"changed_by_channel"`
	}
	Presets []struct{ Name, Source string }
}

func diffOf(t *testing.T, args ...string) codesDoc {
	t.Helper()
	var d codesDoc
	if err := json.Unmarshal([]byte(ok(t, append(append([]string{"diff"}, args...), "--format", "json")...)), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestDiffTies has ties under the scale 1, which systems round to even or away from zero.
func TestDiffTies(t *testing.T) {
	file := safetensors(t,
		weight{name: "ties", shape: []int{2, 3}, data: []float32{127, 1, 2, -127, 2.5, -4.5}},
		weight{name: "whole", shape: []int{2, 2}, data: []float32{127, 1, 2, -3}})
	d := diffOf(t, file, "--between", "onnxruntime-int8,tflite-int8")
	s := d.Summary
	if s.Compared != 2 || s.Equal != 1 || s.Elements != 10 || s.ChangedCodes == nil || *s.ChangedCodes != 2 || s.ChangedValues != 2 ||
		len(s.Steps) != 2 || s.Steps[0].Difference != -1 || s.Steps[1].Difference != 1 || *s.Cost != 0 {
		t.Errorf("%+v", s)
	}
	x := d.Tensors[0]
	if x.First == nil || x.First.Index != 4 || x.First.Channel != 1 || x.First.Codes[0] != 2 || x.First.Codes[1] != 3 || x.Channels[0] != 0 || x.Channels[1] != 2 {
		t.Errorf("%+v", x)
	}
	if len(d.Presets) != 2 || d.Presets[1].Name != "tflite-int8" || d.Presets[0].Source == "" {
		t.Errorf("%+v", d.Presets)
	}
	// Patterns pick and leave out tensors.
	if d := diffOf(t, file, "--between", "onnxruntime-int8,tflite-int8", "--exclude", "t*"); d.Summary.Compared != 1 || d.Summary.Equal != 1 {
		t.Errorf("--exclude: %+v", d.Summary)
	}
	if d := diffOf(t, file, "--between", "onnxruntime-int8,tflite-int8", "--tensor", "t*"); d.Summary.Compared != 1 || d.Summary.Equal != 0 {
		t.Errorf("--tensor: %+v", d.Summary)
	}
}

// TestDiffCost compares the cost with that of the library's own functions.
func TestDiffCost(t *testing.T) {
	x := make([]float32, 64*8)
	for i := range x {
		x[i] = float32(math.Sin(float64(i*i)) * math.Exp(float64(i%13)/4))
	}
	file := safetensors(t, weight{name: "w", shape: []int{8, 64}, data: x})
	d := diffOf(t, file, "--between", "int8:channel,int4:g32")
	var sqnr [2]float64
	for i, g := range []lib.Scheme{{Bits: 8, Granularity: lib.PerChannel(0)}, {Bits: 4, Granularity: lib.PerGroup(1, 32)}} {
		c, err := lib.Compare(lib.Tensor{Data: x, Shape: []int{8, 64}}, g)
		if err != nil {
			t.Fatal(err)
		}
		sqnr[i] = c.Results[0].SQNR
	}
	if d.Summary.ChangedCodes != nil || d.Summary.ChangedValues == 0 || math.Abs(*d.Summary.Cost-(sqnr[0]-sqnr[1])) > 1e-5 {
		t.Errorf("%+v, want a cost of %v", d.Summary, sqnr[0]-sqnr[1])
	}
}

// TestDiffFiles compares two files.
func TestDiffFiles(t *testing.T) {
	a := safetensors(t, weight{name: "w", shape: []int{2, 2}, data: []float32{1, 2, 3, 4}}, weight{name: "v", shape: []int{1, 2}, data: []float32{1, 2}})
	b := safetensors(t, weight{name: "w", shape: []int{2, 2}, data: []float32{1, 2, 3.5, 4}}, weight{name: "v", shape: []int{1, 2}, data: []float32{1, 2}})
	d := diffOf(t, a, b)
	if d.Summary.Compared != 2 || d.Summary.Equal != 1 || d.Summary.ChangedCodes != nil || d.Summary.ChangedValues != 1 || d.Summary.Cost != nil {
		t.Errorf("%+v", d.Summary)
	}
	for _, x := range d.Tensors {
		if x.Name == "w" && (x.First == nil || x.First.Index != 2 || x.First.Channel != 1 || x.First.Values != [2]float64{3, 3.5} || len(x.SQNR) != 1) {
			t.Errorf("%+v", x)
		}
	}
	ok(t, "diff", a, b)
	ok(t, "diff", a, b, "--format", "csv")
}

// TestDiffErrors has wrong uses, and tensors that cannot be compared.
func TestDiffErrors(t *testing.T) {
	file := safetensors(t, weight{name: "w", shape: []int{2, 33}, data: ramp(66)})
	nan := safetensors(t, weight{name: "w", shape: []int{2, 2}, data: []float32{1, 2, 3, float32(math.NaN())}})
	for _, test := range []struct {
		code int
		want string
		args []string
	}{
		{exitUsage, "there is no FILE", nil},
		{exitUsage, "--between needs two", []string{file}},
		{exitUsage, "--between needs two", []string{file, "--between", "int8"}},
		{exitUsage, "--between goes with one FILE", []string{file, file, "--between", "int8,int4"}},
		{exitUsage, `there is no part "onnx"`, []string{file, "--between", "onnx,int4"}},
		{exitUsage, `"mse" is no granularity`, []string{file, "--between", "pytorch-int8:mse,int4"}},
		{exitUsage, "mlx-4bit has groups of 32, 64, 128", []string{file, "--between", "mlx-4bit:g16,int4"}},
		{exitUsage, `format "pdf" is none of`, []string{file, "--between", "int8,int4", "--format", "pdf"}},
		{exitFailed, "axis 1 has 33 elements, which ggml-q8_0 cannot cut into groups of 32", []string{file, "--between", "ggml-q8_0,int8"}},
		{exitFailed, "NaN in channel 1, at index 3", []string{nan, "--between", "pytorch-int8,onnxruntime-int8"}},
		{exitFailed, "--exclude leaves no tensor", []string{file, "--between", "int8,int4", "--exclude", "*"}},
		{exitFailed, "there is no axis 5", []string{file, "--between", "int8:channel,int4", "--axis", "5"}},
	} {
		fails(t, test.code, test.want, "", append([]string{"diff"}, test.args...)...)
	}
}
