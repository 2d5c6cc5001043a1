package calibration

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/calibfile"
)

// batchFile writes batches as text: a file for each, whose name is that of the tensor.
func batchFile(t *testing.T, name string, rows ...[]float32) string {
	t.Helper()
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(strings.Trim(fmt.Sprint(row), "[]") + "\n")
	}
	path := filepath.Join(t.TempDir(), name+".txt")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// calibrationOf calibrates tensors by the names of their files.
func calibrationOf(t *testing.T, s quant.Scheme, paths ...string) *calibfile.File {
	t.Helper()
	c, err := New(Options{Scheme: s, Name: "{stem}"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Files(t.Context(), paths, nil); err != nil {
		t.Fatal(err)
	}
	f, err := c.File(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestMeasure compares the errors over batches with those of one tensor that holds the
// values of all batches.
func TestMeasure(t *testing.T) {
	s := quant.Scheme{Bits: 4, ZeroInRange: true}
	first, second := []float32{0.5, -1.25, 3, 2.5}, []float32{-0.75, 9, 0.1, 1.7}
	exact := []float32{0, 15, 3, 8} // codes hold them
	paths := []string{batchFile(t, "a", first), batchFile(t, "a", second), batchFile(t, "b", exact), batchFile(t, "c", first)}
	f := calibrationOf(t, s, paths[0], paths[2], batchFile(t, "unseen", first))
	done := int64(0)
	m, err := Measure(t.Context(), f, paths, SensitivityOptions{Name: "{stem}"}, func(at, total int64) {
		if at < done || at > total {
			t.Errorf("%d of %d bytes are done, after %d", at, total, done)
		}
		done = at
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Errors) != 2 || m.Errors[0].Tensor.Name != "a" || m.Errors[1].Tensor.Name != "b" || m.Files != 4 {
		t.Fatalf("%+v", m)
	}
	want := []Skipped{{paths[3], "c", "not in the calibration"}}
	if !slices.Equal(m.Skipped, want) || !slices.Equal(m.Unseen, []string{"unseen"}) {
		t.Errorf("skipped %v, unseen %v", m.Skipped, m.Unseen)
	}
	p, err := f.Find("a").Params([]int{1, 4})
	if err != nil {
		t.Fatal(err)
	}
	c, err := quant.CompareParams(quant.Tensor{Data: slices.Concat(first, second)}, p)
	if err != nil {
		t.Fatal(err)
	}
	a, all := m.Errors[0], c.Results[0].Metrics
	for _, x := range []struct {
		name      string
		got, want float64
	}{
		{"MAE", a.MAE, all.MAE}, {"RMSE", a.RMSE, all.RMSE}, {"max error", a.MaxError, all.MaxError}, {"SQNR", a.SQNR, all.SQNR},
		{"clipped", float64(a.Clipped), float64(all.Clipped)}, {"values", float64(a.Values), 8}, {"batches", float64(a.Batches), 2},
	} {
		if math.Abs(x.got-x.want) > 1e-12*math.Abs(x.want) {
			t.Errorf("%s is %v, want %v", x.name, x.got, x.want)
		}
	}
	if a.Clipped == 0 || a.Worst != paths[1] || !(a.WorstSQNR < a.SQNR) {
		t.Errorf("%d clipped; worst %s, %v dB of %v", a.Clipped, a.Worst, a.WorstSQNR, a.SQNR)
	}
	if b := m.Errors[1]; !math.IsInf(b.SQNR, 1) || b.RMSE != 0 || b.signal != 0+15*15+3*3+8*8 {
		t.Errorf("%+v", b)
	}
}

// TestMeasureChannels has a scale for each channel, and batches of another shape.
func TestMeasureChannels(t *testing.T) {
	s := quant.Scheme{Bits: 8, ZeroInRange: true, Granularity: quant.PerChannel(0)}
	path := batchFile(t, "a", []float32{1, -2, 3}, []float32{100, -200, 300})
	f := calibrationOf(t, s, path)
	m, err := Measure(t.Context(), f, []string{path, batchFile(t, "a", []float32{1, 2}, []float32{50, 60})}, SensitivityOptions{Name: "{stem}"}, nil)
	if err != nil || len(m.Errors) != 1 || m.Errors[0].Values != 10 || !(m.Errors[0].SQNR > 40) {
		t.Fatalf("%+v, %v", m, err)
	}
	three := batchFile(t, "a", []float32{1}, []float32{2}, []float32{3})
	_, err = Measure(t.Context(), f, []string{three}, SensitivityOptions{Name: "{stem}"}, nil)
	if want := three + `: tensor "a": shape [3 1] has 3 scales per channel (axis 0), 2 were calibrated`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Measure(ctx, f, []string{path}, SensitivityOptions{Name: "{stem}"}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
