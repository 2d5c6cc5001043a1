package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestSensitivity calibrates activations, and measures them on other batches: as a
// table, JSON and CSV.
func TestSensitivity(t *testing.T) {
	batch := func(scale float32) string {
		x, y := waves(600), waves(20)
		for i := range x {
			x[i] *= scale
		}
		x[7] *= 40 // an outlier
		return safetensors(t, weight{name: "conv", shape: []int{3, 200}, data: x}, weight{name: "out", shape: []int{5, 4}, data: y},
			weight{name: "ids", dtype: "I32", shape: []int{2}, data: ramp(2)})
	}
	ranges := filepath.Join(t.TempDir(), "ranges.json")
	ok(t, "calibrate", batch(1), "-o", ranges)
	files := []string{batch(1), batch(1.5), safetensors(t, weight{name: "other", shape: []int{2}, data: ramp(2)})}
	args := slices.Concat([]string{"sensitivity", "--calibration", ranges}, files)
	text := ok(t, args...)
	narrow(t, text)
	for _, want := range []string{"on 3 files", "2 tensors of 1,240 values, those that lose most first.", "left out\nI32 is not a floating-point type:\n  ids\nnot in the calibration:\n  other"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if strings.Index(text, "\nconv") > strings.Index(text, "\nout") {
		t.Errorf("the tensor that loses least comes first:\n%s", text)
	}
	var v struct {
		Calibration string
		Files       int
		Tensors     []struct {
			Name     string
			Batches  int
			Elements int
			Scale    []float32
			SQNR     float64 `json:"sqnr_db"`
			Clipped  int
			Worst    struct {
				File string
				SQNR float64 `json:"sqnr_db"`
			} `json:"worst_batch"`
			Scheme struct{ Bits int }
		}
		Unseen  []string
		Skipped []struct{ File, Name, Reason string }
	}
	if err := json.Unmarshal([]byte(ok(t, append(args, "--format", "json")...)), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Tensors) != 2 || v.Files != 3 || v.Unseen == nil || len(v.Skipped) != 3 || v.Calibration != ranges {
		t.Fatalf("%+v", v)
	}
	x, y := v.Tensors[0], v.Tensors[1]
	if x.Name != "conv" || x.Batches != 2 || x.Elements != 1200 || x.Clipped == 0 || x.Worst.File != files[1] || x.Worst.SQNR >= x.SQNR || len(x.Scale) != 1 || x.Scheme.Bits != 8 {
		t.Errorf("%+v", x)
	}
	if y.Name != "out" || y.Clipped != 0 || !(y.SQNR > x.SQNR) {
		t.Errorf("%+v", y)
	}
	path := filepath.Join(t.TempDir(), "errors.csv")
	ok(t, append(args, "-o", path)...)
	rows, err := csv.NewReader(bytes.NewReader(read(t, path))).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][1] != "conv" || rows[2][1] != "out" {
		t.Fatalf("%q, %v", rows, err)
	}
	if at := slices.Index(rows[0], "sqnr_db"); rows[1][at] != strconv.FormatFloat(x.SQNR, 'g', -1, 64) {
		t.Errorf("SQNR %s in CSV, %v in JSON", rows[1][at], x.SQNR)
	}
	if one := ok(t, append(args, "--tensor", "o*")...); strings.Contains(one, "conv") || !strings.Contains(one, "\nout ") {
		t.Errorf("--tensor picks\n%s", one)
	}
}

func TestSensitivityErrors(t *testing.T) {
	file := safetensors(t, weight{name: "conv", shape: []int{20}, data: waves(20)})
	other := safetensors(t, weight{name: "cnv", shape: []int{20}, data: waves(20)})
	ranges := filepath.Join(t.TempDir(), "ranges.json")
	ok(t, "calibrate", file, "-o", ranges)
	for _, test := range []struct {
		name, want string
		args       []string
	}{
		{"other names", ranges + `: no tensor of it is in the files: it has "conv", and they have "cnv"`, []string{other, "--calibration", ranges}},
		{"a letter more", ranges + `: no tensor matches "convv": did you mean "conv"`, []string{file, "--calibration", ranges, "--tensor", "convv"}},
		{"no match", ranges + `: no tensor matches "x*"; there are "conv"`, []string{file, "--calibration", ranges, "--tensor", "x*"}},
		{"no calibration", file + ": not a calibration file", []string{file, "--calibration", file}},
		{"cut off", "cut.npz: npz: truncated", []string{write(t, "cut.npz", "PK\x03\x04 and so on"), "--calibration", ranges}},
		{"no such file", "none.npz: no such file", []string{"none.npz", "--calibration", ranges}},
		{"no such calibration", "none.json: no such file", []string{file, "--calibration", "none.json"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fails(t, exitFailed, test.want, "", append([]string{"sensitivity"}, test.args...)...)
		})
	}
}
