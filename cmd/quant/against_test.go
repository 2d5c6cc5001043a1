package main

import (
	"encoding/json"
	"math"
	"path/filepath"
	"strings"
	"testing"

	lib "github.com/a01592f9/quant"
)

// differences is the JSON of quant compare --against, as far as tests look at it.
type differences struct {
	Summary struct{ Compared, Equal, Failed, Skipped int }
	Tensors []struct {
		Name      string
		Axis      *int
		MAE, RMSE float64
		MaxError  float64  `json:"max_error"`
		SQNR      *float64 `json:"sqnr_db"`
		Channels  []numbers
	}
}

// TestForetold quantizes and dequantizes the weights of a model, and measures
// what a comparison has foretold: to the last bit.
func TestForetold(t *testing.T) {
	shapes := [][]int{{12, 8}, {3, 40, 5}, {300, 7}}
	var original []weight
	for i, shape := range shapes {
		w := weight{name: string(rune('a' + i)), shape: shape}
		n := 1
		for _, d := range shape {
			n *= d
		}
		for k := range n {
			w.data = append(w.data, float32(math.Sin(float64(k*k))*math.Exp(float64(k%17)/5)))
		}
		original = append(original, w)
	}
	file := safetensors(t, original...)
	for result, args := range [][]string{{}, {}, {"--group-size", "4"}} {
		var foretold doc
		if err := json.Unmarshal([]byte(ok(t, append([]string{"compare", file, "--bits", "4", "--format", "json"}, args...)...)), &foretold); err != nil {
			t.Fatal(err)
		}
		var restored []weight
		for _, w := range original {
			along := 1
			for i, d := range w.shape {
				if i > 0 && d >= w.shape[along] {
					along = i
				}
			}
			g := []lib.Granularity{lib.PerTensor, lib.PerChannel(0), lib.PerGroup(along, 4)}[result]
			x := lib.Tensor{Data: w.data, Shape: w.shape}
			p, err := lib.Calibrate(x, lib.Scheme{Bits: 4, Granularity: g})
			if err != nil {
				t.Fatal(err)
			}
			q, err := lib.Quantize(x, p)
			if err != nil {
				t.Fatal(err)
			}
			back, err := lib.Dequantize(q)
			if err != nil {
				t.Fatal(err)
			}
			restored = append(restored, weight{name: w.name, shape: w.shape, data: back.Data})
		}
		var got differences
		out := ok(t, append([]string{"compare", file, "--against", safetensors(t, restored...), "--format", "json"}, args...)...)
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		for i, x := range got.Tensors {
			want := foretold.Tensors[i].Results[result]
			if x.MAE != want.MAE || x.RMSE != want.RMSE || x.MaxError != want.MaxError || *x.SQNR != *want.SQNR {
				t.Errorf("result %d of %s: RMSE %v, SQNR %v; foretold %v, %v", result, x.Name, x.RMSE, *x.SQNR, want.RMSE, *want.SQNR)
			}
			for c, y := range x.Channels {
				if w := want.Channels[c]; y.RMSE != w.RMSE || y.MaxError != w.MaxError {
					t.Errorf("result %d of %s, channel %d: RMSE %v; foretold %v", result, x.Name, c, y.RMSE, w.RMSE)
				}
			}
		}
	}
}

func TestAgainst(t *testing.T) {
	nan := ramp(6)
	nan[3] = float32(math.NaN())
	moved := ramp(6)
	moved[4] += 0.5
	file := safetensors(t,
		weight{name: "same", shape: []int{2, 3}, data: ramp(6)}, weight{name: "moved", shape: []int{2, 3}, data: ramp(6)},
		weight{name: "bias", shape: []int{2}, data: ramp(2)}, weight{name: "nan", shape: []int{2, 3}, data: nan},
		weight{name: "shape", shape: []int{2, 3}, data: ramp(6)}, weight{name: "alone", shape: []int{2, 3}, data: ramp(6)},
		weight{name: "step", dtype: "I32", shape: []int{1}, data: ramp(1)})
	other := safetensors(t,
		weight{name: "moved", shape: []int{2, 3}, data: moved}, weight{name: "same", shape: []int{2, 3}, data: ramp(6)},
		weight{name: "bias", shape: []int{2}, data: ramp(2)}, weight{name: "nan", shape: []int{2, 3}, data: nan},
		weight{name: "shape", shape: []int{3, 2}, data: ramp(6)}, weight{name: "step", dtype: "I32", shape: []int{1}, data: ramp(1)})
	csv := filepath.Join(t.TempDir(), "d.csv")
	r := fails(t, exitFailed, `tensor "shape": shape 3×2 in`, "", "compare", file, "--against", other, "--format", "json", "--csv", csv)
	var d differences
	if err := json.Unmarshal([]byte(r.out), &d); err != nil {
		t.Fatal(err)
	}
	if s := d.Summary; s.Compared != 3 || s.Equal != 2 || s.Failed != 2 || s.Skipped != 2 {
		t.Errorf("%+v", s)
	}
	if x := d.Tensors[1]; x.Name != "moved" || x.MaxError != 0.5 || *x.Axis != 0 || len(x.Channels) != 2 || x.Channels[0].RMSE != 0 {
		t.Errorf("%+v", x)
	}
	if rows := strings.Count(string(read(t, csv)), "\r\n"); rows != 1+3+5 {
		t.Errorf("%d rows of CSV", rows)
	}
	r = quant(t, "", "compare", file, "--against", other)
	narrow(t, r.out)
	for _, want := range []string{"3 tensors of 14 values, 2 the same", "not in", "NaN in channel 1"} {
		if !strings.Contains(r.out, want) {
			t.Errorf("no %q in\n%s", want, r.out)
		}
	}
	if out := ok(t, "compare", file, "--against", other, "--tensor", "same"); !strings.Contains(out, "all the same") {
		t.Errorf("%s", out)
	}
	// Two files of one tensor each need no names.
	a, b := write(t, "a.txt", "1 2\n3 4\n"), write(t, "b.txt", "1 2\n3 5\n")
	if out := ok(t, "compare", a, "--against", b, "--format", "csv"); !strings.Contains(out, ",a,") {
		t.Errorf("%s", out)
	}
	fails(t, exitUsage, "--bits does not go with --against", "", "compare", file, "--against", other, "--bits", "4")
	fails(t, exitUsage, "not gain", "", "compare", file, "--against", other, "--sort", "gain")
	fails(t, exitUsage, "would overwrite", "", "compare", file, "--against", other, "-o", other)
	fails(t, exitFailed, "no such file", "", "compare", file, "--against", file+"x")
}
