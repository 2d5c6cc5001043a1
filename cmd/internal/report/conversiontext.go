package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// WriteText writes c for a terminal of the given number of columns, 0 if there is
// none.
func (c *Conversion) WriteText(w io.Writer, color bool, columns int) error {
	p := table.NewTerminal(w, color, columns)
	p.Print(table.Bold, text.Shorten(text.Clean(c.Source), p.Columns-16))
	p.Line(table.Plain, "  "+c.Kind)
	if c.Output != "" {
		p.Line(table.Plain, "→ "+text.Shorten(text.Clean(c.Output), p.Columns-2))
	}
	if c.DryRun {
		p.Line(table.Dim, "nothing is written")
	}
	p.Blank()
	weights := c.Table()
	if len(c.Weights) > 0 {
		p.Table(weights)
		p.Blank()
	}
	c.writeNearest(p)
	c.writeLeft(p)
	if c.Static != nil {
		c.Static.write(p)
	}
	p.Gap()
	if c.Static != nil {
		p.Paragraph(table.Plain, c.Static.sentence())
	}
	if c.For != nil {
		p.Paragraph(table.Plain, fmt.Sprintf("For %s: %s.", c.For.Title, c.For.Scheme))
	}
	p.ParagraphAbout(weights, table.Plain, c.totalText())
	if c.Note != "" {
		p.Paragraph(table.Plain, c.Note)
	}
	c.writeLeftOut(p)
	return p.Flush()
}

// Table has a row for each tensor that was converted.
func (c *Conversion) Table() *table.Table {
	t := &table.Table{Columns: table.Texts("weight", "type", "shape", "use")}
	t.Columns[2].Limit = 16
	if c.axes() {
		t.Columns[3].About = "The number after an operator is the axis of the scales, or along which groups run."
	}
	t.Columns = append(t.Columns, table.Numbers("", "before", "after")...)
	measured := slices.ContainsFunc(c.Weights, func(x Converted) bool { return x.Metrics != nil })
	if measured {
		t.Columns = append(t.Columns, table.Numbers("", "RMSE", "SQNR, dB", "clipped")...)
		t.Optional = []int{8, 6}
	}
	weighted := slices.ContainsFunc(c.Weights, func(x Converted) bool { return x.Weighted != nil })
	if weighted {
		t.Columns = append(t.Columns, table.Numbers("", "weighted SQNR")...)
	}
	used := false
	for _, x := range c.Weights {
		use := text.Clean(x.Use)
		if x.Scheme.Axis != nil {
			use = strings.TrimSpace(fmt.Sprintf("%s %d", use, *x.Scheme.Axis))
		}
		used = used || use != ""
		row := []table.Cell{table.Name(x.Name), table.Text(x.DType), table.Text(text.Shape(x.Shape)), table.Text(use), table.Brief(x.Before), table.Brief(x.After)}
		switch m := x.Metrics; {
		case m != nil:
			row = append(row, table.Measure(m.RMSE), table.Decibels(m.SQNR, 1), table.Brief(m.Clipped))
		case measured:
			row = append(row, table.Text("-"), table.Text("-"), table.Text("-"))
		}
		switch {
		case x.Weighted != nil:
			row = append(row, table.Decibels(x.Weighted.SQNR, 1))
		case weighted:
			row = append(row, table.Text("-"))
		}
		t.Add(row...)
	}
	if !used {
		t.Drop(3)
	}
	return t
}

// writeLeft lists the tensors that were left, by the reasons why.
func (c *Conversion) writeLeft(p *table.Terminal) {
	writeReasons(p, "left as they are", c.Left, func(all []Left) string {
		bytes := int64(0)
		for _, l := range all {
			bytes += l.Bytes
		}
		return fmt.Sprintf("%s, %s", text.Plural(len(all), "tensor"), text.Plural(bytes, "byte"))
	}, func(l Left) string { return l.Reason }, func(l Left) string { return l.Name })
}

// writeNearest lists the weights that were to be rounded with error feedback, or searched by hqq,
// and were not, by the reasons why.
func (c *Conversion) writeNearest(p *table.Terminal) {
	var all []Converted
	for _, x := range c.Weights {
		if x.Nearest != "" {
			all = append(all, x)
		}
	}
	writeReasons(p, "rounded to the nearest values", all, func(all []Converted) string { return text.Plural(len(all), "weight") },
		func(x Converted) string { return x.Nearest }, func(x Converted) string { return x.Name })
}

// totalText returns the totals as a text.
func (c *Conversion) totalText() string {
	t := c.Total
	verb := "quantized"
	if c.Dequantized {
		verb = "turned into floating-point numbers"
	}
	about := fmt.Sprintf("%s %s", text.Plural(int64(len(c.Weights)), "weight"), verb)
	if len(c.Weights) > 0 {
		about += fmt.Sprintf(": %s → %s bytes", text.Count(t.Before), text.Count(t.After))
		if !c.Dequantized {
			about += fmt.Sprintf(" (%s bits per weight, scales included; %s smaller)", text.Digits(float64(t.BitsPerWeight), 3), text.Times(float64(t.Compression)))
		}
		if t.SQNR == t.SQNR {
			about += fmt.Sprintf(", SQNR %s dB", text.Decibels(float64(t.SQNR)))
		}
	}
	if n := c.calibrated(); n > 0 {
		about += fmt.Sprintf(". Of %s, scales and zero points are those of the calibration", text.Count(int64(n)))
	}
	if n := c.feedback(); n > 0 {
		about += fmt.Sprintf(". Of %s, codes are rounded with error feedback, for small errors of outputs", text.Count(int64(n)))
	}
	if c.Importance != "" {
		n := 0
		for _, w := range c.Weights {
			if w.Important {
				n++
			}
		}
		about += fmt.Sprintf(". Scales of %s have the least error weighted by %s", text.Plural(n, "weight"), text.Clean(c.Importance))
	}
	about += "."
	switch n := int64(len(c.Left)); n {
	case 0:
	case 1:
		about += " 1 tensor left as it is."
	default:
		about += fmt.Sprintf(" %s left as they are.", text.Plural(n, "tensor"))
	}
	if t.FilesAfter > 0 {
		about += fmt.Sprintf(" The files: %s → %s bytes.", text.Count(t.FilesBefore), text.Count(t.FilesAfter))
	}
	if n := c.ungrouped(); n > 0 {
		about += fmt.Sprintf(" Axes too short for groups: %s got a scale for each channel instead.", text.Plural(n, "weight"))
	}
	return about
}

// ungrouped counts the weights that have no groups where others have some.
func (c *Conversion) ungrouped() int64 {
	grouped, n := false, int64(0)
	for _, x := range c.Weights {
		grouped = grouped || x.Scheme.GroupSize != nil
		if x.Scheme.Axis != nil && x.Scheme.GroupSize == nil {
			n++
		}
	}
	if !grouped || c.Dequantized || c.Planned {
		return 0
	}
	return n
}

// calibrated is how many weights have the parameters of a calibration file.
func (c *Conversion) calibrated() int {
	n := 0
	for _, x := range c.Weights {
		if x.Calibrated {
			n++
		}
	}
	return n
}

// feedback is how many weights are rounded with error feedback.
func (c *Conversion) feedback() int {
	n := 0
	for _, x := range c.Weights {
		if x.Feedback {
			n++
		}
	}
	return n
}

// axes reports whether any weight has several scales.
func (c *Conversion) axes() bool {
	return slices.ContainsFunc(c.Weights, func(x Converted) bool { return x.Scheme.Axis != nil && x.Use != "" })
}
