package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// The report of quant quantize and quant dequantize: its contents, its notes and its hints.

// conversion returns the report of a result.
func conversion(r *convert.Result, in string, kind convert.Kind, f *convertFlags) *report.Conversion {
	c := &report.Conversion{
		Source: in, Kind: string(kind), Output: f.output, DryRun: f.dry,
		Weights: []report.Converted{}, Left: []report.Left{},
	}
	for _, w := range r.Weights {
		x := report.Converted{
			Name: w.Name, Use: w.Use, DType: w.Type, Shape: w.Shape, Calibrated: w.Calibrated, Important: w.Important, Before: w.Before, After: w.After,
			Feedback: w.Feedback, Nearest: w.Nearest,
		}
		if w.Weighted != nil {
			x.Weighted = report.NewWeighted(*w.Weighted)
		}
		c.Add(x, w.Scheme, w.Metrics)
	}
	if f.importance != "" {
		c.Importance = filepath.Base(f.importance)
	}
	for _, l := range r.Left {
		c.Left = append(c.Left, report.Left{
			Name: l.Name, DType: l.DType, Shape: slices.Clone(l.Shape), Bytes: l.Bytes, Reason: l.Reason,
		})
	}
	for _, x := range r.LeftOut {
		c.LeftOut = append(c.LeftOut, report.LeftOut{Name: x.Name, Reason: x.Reason})
	}
	addStatic(c, r)
	c.Sum()
	return c
}

// stored returns the kind of file as system.Costs takes it: MatMulNBits stores codes of 2 bits in 2.
func (f *convertFlags) stored(kind convert.Kind) string {
	if f.static.nbits && f.options.Bits == 2 {
		return ""
	}
	return string(kind)
}

// float4 returns a note if a weight of an ONNX model has floating-point codes of 4 bits, else "".
func float4(weights []convert.Weight) string {
	if !slices.ContainsFunc(weights, func(w convert.Weight) bool { return w.Type == "fp4_e2m1" }) {
		return ""
	}
	return "ONNX Runtime 1.30 does not run this model on a CPU: its DequantizeLinear has no FLOAT4E2M1 there."
}

// choices returns a hint: that the weights are codes, or the --include that quantizes tensors which
// are left by default.
func choices(names []string, left []convert.Left, kind convert.Kind) string {
	codes := 0
	for _, l := range left {
		if l.Quantized() {
			codes++
		}
	}
	switch {
	case codes == 1:
		return "; a tensor is quantized already, and quant dequantize turns it into floating-point numbers"
	case codes > 1:
		return fmt.Sprintf("; %s are quantized already, and quant dequantize turns them into floating-point numbers", text.Plural(codes, "tensor"))
	case len(names) == 0:
		return ""
	}
	prefix := names[0]
	for _, name := range names {
		for !strings.HasPrefix(name, prefix) {
			prefix = prefix[:len(prefix)-1]
		}
	}
	prefix = prefix[:strings.LastIndexByte(prefix, '.')+1]
	layer := func(l convert.Left) bool {
		return strings.HasPrefix(l.Name, prefix) && strings.HasSuffix(l.Name, ".weight")
	}
	if kind == convert.KindSafetensors && len(names) > 1 && !slices.ContainsFunc(left, layer) && prefix != "" && !strings.ContainsAny(prefix, `*?[\`) {
		return fmt.Sprintf("; --include '%s*' picks %s that are left", prefix, text.Plural(len(names), "tensor"))
	}
	if len(names) > 1 {
		return fmt.Sprintf("; --include '%s' picks one of %s that are left", names[0], text.Plural(len(names), "tensor"))
	}
	return fmt.Sprintf("; --include '%s' picks the one that is left", names[0])
}
