package plot

import (
	"bytes"
	"fmt"
	"image/png"
	"strings"
	"testing"

	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/report/reporttest"
)

func TestSweep(t *testing.T) {
	target := 25.0
	names := func(n int) []string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf("layer.%d.weight", i)
		}
		return all
	}
	for name, test := range map[string]struct {
		src    report.Source
		groups []int
		target *float64
		want   []string
		listed []string
	}{
		"one":      {reporttest.Tensors([]string{"w"}, []int{12, 20}, reporttest.Wave(240)), []int{5}, nil, []string{"per channel", "groups of 5", "bits per weight"}, nil},
		"target":   {reporttest.Tensors(names(9), []int{12, 20}, reporttest.Wave(240)), []int{5, 4, 3, 2}, &target, []string{"target", "The smallest scheme that reaches 25.0 dB", "layer.8.weight"}, nil},
		"constant": {reporttest.Tensors(names(2), []int{2, 3}, make([]float32, 6)), nil, &target, []string{"Nothing is lost under any scheme.", "ex."}, nil},
		"few":      {reporttest.Tensors(names(300), []int{2, 3}, reporttest.Wave(6)), nil, nil, []string{"layer.299.weight", "in the order of the file"}, nil},
		"many":     {reporttest.Tensors(names(450), []int{2, 3}, reporttest.Wave(6)), nil, nil, []string{"SQNR of the 400 of 450 weights that lose most"}, nil},
		"listed":   {reporttest.Tensors(names(3), []int{12, 20}, reporttest.Wave(240)), []int{5}, nil, []string{"listed schemes", "mxfp4", "q4_k", "bits per weight"}, []string{"mxfp4", "q4_k", "nf4:g64"}},
		"hostile":  {reporttest.Tensors([]string{"</text><script>β"}, []int{2, 3}, reporttest.Wave(6)), nil, nil, []string{"</text><script>β"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := report.BuildSweep(t.Context(), "test", test.src, report.SweepOptions{Bits: []int{2, 4, 8}, GroupSizes: test.groups, Target: test.target, Schemes: test.listed}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			f := Sweep(s, Options{Title: true})
			if err := f.WriteSVG(&b); err != nil {
				t.Fatal(err)
			}
			words := spoken(t, b.Bytes())
			for _, w := range test.want {
				if !strings.Contains(words, w) {
					t.Errorf("the SVG does not say %q", w)
				}
			}
			for _, bad := range []string{"NaN", "Inf"} {
				if strings.Contains(b.String(), bad) {
					t.Errorf("the SVG has %s in it", bad)
				}
			}
			if name != "target" {
				return
			}
			b.Reset()
			if err := f.WritePNG(&b); err != nil {
				t.Fatal(err)
			}
			if _, err := png.Decode(&b); err != nil {
				t.Error(err)
			}
		})
	}
}
