package convert

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/option"
)

// TestBlocksOfONNX: a model of ONNX has no blocks of two axes.
func TestBlocksOfONNX(t *testing.T) {
	in := filepath.Join("testdata", "cases", "weight_scaled.onnx")
	var scheme Options
	if err := scheme.SetScheme("fp8_e4m3:8x8"); err != nil {
		t.Fatal(err)
	}
	plan := Plan{"w": Choice{Scheme: quant.Scheme{Bits: 8, Granularity: quant.PerBlock(-2, 8, -1, 8)}}}
	for name, o := range map[string]Options{"scheme": scheme, "plan": {Plan: plan, Bits: 8, Granularity: option.PerChannel}} {
		set, err := atomicfile.New(filepath.Join(t.TempDir(), "out.onnx"), false)
		if err != nil {
			t.Fatal(err)
		}
		_, err = Quantize(t.Context(), KindONNX, in, set, o, nil)
		set.Abort()
		if err == nil || !strings.Contains(err.Error(), `tensor "w"`) || !strings.Contains(err.Error(), "lock") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
