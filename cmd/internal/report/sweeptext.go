package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// SweepTextOptions say how Sweep.WriteText writes.
type SweepTextOptions struct {
	Color   bool
	Columns int    // of the terminal; 0 if there is none
	Weights bool   // whether the weights are listed too
	Note    string // what to add to the name of the source
}

// WriteText writes s for a terminal.
func (s *Sweep) WriteText(w io.Writer, o SweepTextOptions) error {
	p := newPrinter(w, o.Color, o.Columns)
	source := Clean(s.Source)
	if o.Note != "" {
		source += " (" + o.Note + ")"
	}
	p.line(bold, shorten(source, p.columns))
	p.paragraph(dim, s.About())
	p.WriteByte('\n')
	s.writeSchemes(p)
	p.WriteByte('\n')
	sum := s.Summary
	text := fmt.Sprintf("%s of %s values, as float32 %s; bytes include scales and zero points. ● marks a scheme if no other is as small and as exact.",
		plural(int64(sum.Compared), "weight"), count(sum.Elements), plural(sum.Float32Bytes, "byte"))
	if len(s.Weights) > 1 {
		text += " SQNR is of all values together, mean is over the weights, worst is the weight with the lowest."
	}
	p.paragraph(plain, text)
	if v := s.Verdict(); v != "" {
		p.WriteByte('\n')
		p.paragraph(bold, v)
	}
	s.base.writeSkipped(p, true)
	if o.Weights {
		for first := 0; first < len(s.Schemes); first += len(s.Options.Bits) {
			s.writeWeights(p, first)
		}
	}
	s.base.writeSkipped(p, false)
	return p.Flush()
}

// About describes the options in a line.
func (s *Sweep) About() string {
	o := s.Options
	sign := "Signed"
	if o.Unsigned {
		sign = "Unsigned"
	}
	text := fmt.Sprintf("%s codes of %s bits, %s mapping", sign, numbers(o.Bits), o.Mapping)
	if o.NarrowRange {
		text += ", narrow range"
	}
	if o.ZeroInRange {
		text += ", zero in range"
	}
	return text + o.options().methodText()
}

// numbers lists integers: "2, 4 and 8".
func numbers(n []int) string {
	var b strings.Builder
	for i, x := range n {
		switch {
		case i > 0 && i == len(n)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(x))
	}
	return b.String()
}

func (s *Sweep) writeSchemes(p *printer) {
	t := &table{left: 1, head: []string{"  scheme", "bytes", "bits/weight", "smaller", "SQNR, dB", "mean", "worst", "worst weight"}, optional: []int{7}}
	for _, k := range s.BySize() {
		c := &s.Schemes[k]
		style, mark := plain, " "
		if c.Pareto {
			mark = "●"
		} else {
			style = dim
		}
		if s.Summary.Chosen != nil && k == *s.Summary.Chosen {
			style, mark = green, "▶"
		}
		t.rows = append(t.rows, []cell{
			{mark + " " + c.Label(), style}, {briefly(c.Memory.Total), style}, {num(float64(c.BitsPerWeight), 3), style},
			{times(float64(c.Compression)), style}, {decibels(float64(c.SQNR)), style}, {decibels(float64(c.MeanSQNR)), style},
			{decibels(float64(c.MinSQNR)), style}, {shorten(Clean(s.Weights[c.Worst].Name), 48), style},
		})
	}
	if len(s.Weights) == 1 {
		t.optional = nil
		for range 3 {
			t.drop(len(t.head) - 1)
		}
	}
	t.write(p)
}

// writeWeights writes the ratios of all weights for the schemes of one
// granularity, which begin at first.
func (s *Sweep) writeWeights(p *printer, first int) {
	n := len(s.Options.Bits)
	p.WriteByte('\n')
	t := &table{left: 3, names: true, head: []string{"weight", "shape", "axis"}, optional: []int{2, 1}}
	t.spanners = []spanner{{3, 2 + n, "SQNR, dB, " + s.Schemes[first].GranularityLabel()}}
	for _, c := range s.Schemes[first : first+n] {
		t.head = append(t.head, fmt.Sprintf("%d bits", c.Bits))
	}
	for i := range s.Weights {
		x := &s.Weights[i]
		row := []cell{{Clean(x.Name), plain}, {shapeText(x.Shape), plain}, {x.UseText(), plain}}
		for k, r := range x.Results[first : first+n] {
			row = append(row, cell{decibels(float64(r.SQNR)), best(x.Choice != nil && *x.Choice == first+k)})
		}
		t.rows = append(t.rows, row)
	}
	t.write(p)
}

// UseText is that of a Tensor.
func (x *SweepWeight) UseText() string {
	t := Tensor{Use: x.Use, Axis: x.Axis}
	return t.UseText()
}

var sweepHead = []string{
	"source", "row", "tensor", "dtype", "shape", "use", "axis", "axis_from", "elements", "source_bytes",
	"bits", "unsigned", "mapping", "granularity", "group_size", "narrow_range", "zero_in_range",
	"rmse", "max_error", "sqnr_db", "mean_sqnr_db", "min_sqnr_db", "clipped",
	"payload_bytes", "metadata_bytes", "total_bytes", "bits_per_weight", "compression", "pareto", "chosen",
	"method",
}

// WriteCSV writes a row for each scheme, of all weights together, and one for
// each weight and scheme; see Report.WriteCSV for its form.
func (s *Sweep) WriteCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	if err := c.Write(sweepHead); err != nil {
		return err
	}
	o := s.Options
	scheme := func(x *SweepScheme) []string {
		return []string{
			strconv.Itoa(x.Bits), strconv.FormatBool(o.Unsigned), o.Mapping, x.Granularity, optional(x.GroupSize),
			strconv.FormatBool(o.NarrowRange), strconv.FormatBool(o.ZeroInRange),
		}
	}
	bytes := func(m Memory, elements int64) []string {
		return []string{
			strconv.FormatInt(m.Payload, 10), strconv.FormatInt(m.Metadata, 10), strconv.FormatInt(m.Total, 10),
			bitsPerWeight(m.Total, elements), exact(Number(4 * float64(elements) / float64(m.Total))),
		}
	}
	chosen := func(k int, choice *int) string {
		if o.Target == nil {
			return ""
		}
		return strconv.FormatBool(choice != nil && *choice == k)
	}
	write := func(parts ...[]string) error {
		var row []string
		for _, p := range parts {
			row = append(row, p...)
		}
		return c.Write(row)
	}
	sum := s.Summary
	for k := range s.Schemes {
		x := &s.Schemes[k]
		err := write([]string{inert(s.Source), "total", "", "", "", "", "", "", strconv.FormatInt(sum.Elements, 10), strconv.FormatInt(sum.SourceBytes, 10)},
			scheme(x), []string{"", "", exact(x.SQNR), exact(x.MeanSQNR), exact(x.MinSQNR), strconv.FormatInt(x.Clipped, 10)},
			bytes(x.Memory, sum.Elements), []string{strconv.FormatBool(x.Pareto), chosen(k, sum.Chosen), o.Method})
		if err != nil {
			return err
		}
	}
	for i := range s.Weights {
		x := &s.Weights[i]
		about := []string{
			inert(s.Source), "weight", inert(x.Name), inert(x.DType), strings.ReplaceAll(shapeText(x.Shape), "×", "x"),
			inert(x.Use), optional(x.Axis), x.AxisFrom, strconv.FormatInt(x.Elements, 10), strconv.FormatInt(x.Bytes, 10),
		}
		for k := range x.Results {
			r := &x.Results[k]
			err := write(about, scheme(&s.Schemes[k]), []string{exact(r.RMSE), exact(r.MaxError), exact(r.SQNR), "", "", strconv.Itoa(r.Clipped)},
				bytes(r.memory, x.Elements), []string{"", chosen(k, x.Choice), o.Method})
			if err != nil {
				return err
			}
		}
	}
	c.Flush()
	return c.Error()
}
