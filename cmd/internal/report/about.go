package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// About describes the tensor in a line: its shape, type, channels and groups.
func (t *Tensor) About() string {
	about := fmt.Sprintf("%s %s, %s", text.Shape(t.Shape), text.Clean(t.DType), text.Plural(t.Channels, "channel"))
	if t.Axis != nil {
		about += fmt.Sprintf(" on axis %d", *t.Axis)
		if reason := t.axisReason(); reason != "" {
			about += " (" + reason + ")"
		}
	}
	if g := t.Results[len(t.Results)-1].Scheme; g.Granularity == option.PerGroup {
		about += fmt.Sprintf(", %s on axis %d", g.Label(), *g.Axis)
	}
	return about
}

// axisReason returns the origin of the axis in one or two words: "Conv", "asked for".
func (t *Tensor) axisReason() string {
	switch {
	case t.AxisFrom == AxisAsked && t.Use != "":
		return "asked for; " + text.Clean(t.Use)
	case t.AxisFrom == AxisAsked:
		return "asked for"
	}
	return text.Clean(t.Use) // the operator that has its channels on this axis, if it is known
}

// UseText names the operator that uses the tensor and the axis of its channels:
// "Conv 0", or "0" if no operator is known.
func (t *Tensor) UseText() string { return useText(t.Use, t.Axis) }

func useText(use string, axis *int) string {
	switch {
	case axis == nil:
		return text.Clean(use)
	case use == "":
		return fmt.Sprint(*axis)
	}
	return fmt.Sprintf("%s %d", text.Clean(use), *axis)
}

// totalsText says what the totals hold, and on which axes the channels are.
func (r *Report) totalsText() string {
	s := r.Summary
	about := fmt.Sprintf("%s of %s values; bytes and bits include scales and zero points. SQNR is of all values together, mean is over the weights.",
		text.Plural(s.Compared, "weight"), text.Count(s.Elements))
	if s.OtherBytes > 0 {
		about += fmt.Sprintf(" What was not compared takes %s more.", text.Plural(s.OtherBytes, "byte"))
	}
	return about + " " + r.axes()
}

// axes says on which axes the channels are, and why.
func (r *Report) axes() string {
	if a := r.Options.Axis; a != nil {
		return fmt.Sprintf("Channels are on axis %d, as was asked for.", *a)
	}
	seen := map[string]int{}
	var kinds []string
	for i := range r.Tensors {
		t := &r.Tensors[i]
		if t.Axis == nil {
			continue
		}
		kind := fmt.Sprintf("%d by default", *t.Axis)
		if t.AxisFrom == AxisFile {
			kind = fmt.Sprintf("%d for %s", *t.Axis, text.Clean(t.Use))
		}
		if seen[kind]++; seen[kind] == 1 {
			kinds = append(kinds, kind)
		}
	}
	slices.SortStableFunc(kinds, func(a, b string) int { return cmp.Compare(seen[b], seen[a]) })
	for i, k := range kinds {
		if len(kinds) > 1 {
			kinds[i] = fmt.Sprintf("%s (%s)", k, text.Count(seen[k]))
		}
	}
	return "Channels are on axis " + strings.Join(kinds, ", ") + "."
}

// Inputs lists what was compared and how, as names and values.
func (r *Report) Inputs() [][2]string {
	o := r.Options
	codes := fmt.Sprintf("%d bits, signed", o.Bits)
	if o.Unsigned {
		codes = fmt.Sprintf("%d bits, unsigned", o.Bits)
	}
	if o.Format != "" {
		codes = fmt.Sprintf("%s, %d bits", o.Format, o.Bits)
	}
	in := [][2]string{{"Source", text.Clean(r.Source)}, {"Codes", codes}, {"Mapping", o.mappingText()}, {"Channels", o.axisText()}}
	if r.For != nil {
		in = append(in, [2]string{"For", r.For.text()})
	}
	if o.GroupSize > 0 {
		groups := fmt.Sprintf("of %d, along the longest other axis", o.GroupSize)
		if o.GroupAxis != nil {
			groups = fmt.Sprintf("of %d, along axis %d", o.GroupSize, *o.GroupAxis)
		}
		in = append(in, [2]string{"Groups", groups})
	}
	s := r.Summary
	tensors := text.Count(s.Compared) + " compared"
	if s.Skipped > 0 {
		tensors += fmt.Sprintf(", %s skipped", text.Count(s.Skipped))
	}
	if s.Failed > 0 {
		tensors += fmt.Sprintf(", %s failed", text.Count(s.Failed))
	}
	if len(o.Tensors) > 0 {
		tensors += ", named " + text.Clean(text.Quoted(o.Tensors, " or "))
	}
	in = append(in, [2]string{"Tensors", tensors})
	if s.Compared > 1 {
		for k, t := range s.Totals {
			in = append(in, [2]string{text.Upper(r.Tensors[0].Results[k].Scheme.Label()), fmt.Sprintf("%s, %s bits per weight, %s smaller than float32, SQNR %s",
				text.Plural(t.Memory.Total, "byte"), text.Digits(t.BitsPerWeight, 3), text.Times(t.Compression), text.DecibelsWithUnit(t.SQNR))})
		}
	}
	if len(r.Tensors) == 1 {
		in = append(in, [2]string{"Tensor", text.Clean(r.Tensors[0].Name) + ", " + r.Tensors[0].About()})
	}
	return append(in,
		[2]string{"Values", fmt.Sprintf("%s, as float32 %s", text.Count(s.Elements), text.Plural(s.Float32Bytes, "byte"))})
}

// Glossary explains what tables show.
var Glossary = [][2]string{
	{"scale, zero point", "a code q stands for the value (q − zero point) · scale"},
	{"MAE", "mean absolute error: the mean of |x′ − x| over the values x and their reconstructed values x′"},
	{"RMSE", "root mean squared error: √ of the mean of (x′ − x)²; large errors weigh more than in the MAE"},
	{"max error", "the largest |x′ − x|"},
	{"SQNR", "signal to quantization noise ratio: 10 · log10 of Σx² / Σ(x′ − x)², in decibels; 6 dB more halve the RMSE"},
	{"clipped", "values whose code had to be moved into the range of codes"},
	{"gain", "the RMSE per tensor divided by that of the other scheme: above 1 is better"},
	{"metadata", "8 bytes for each pair of a scale (float32) and a zero point (int32)"},
}
