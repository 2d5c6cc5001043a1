package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/preset"
)

// WriteText writes d for a terminal of the given number of columns, 0 if there is none.
// Tensors that are equal are counted, and not listed.
func (d *Codes) WriteText(w io.Writer, color bool, columns int) error {
	p := table.NewTerminal(w, color, columns)
	p.Title(text.Clean(d.Source))
	if d.files {
		p.Line(table.Plain, text.Shorten("against "+text.Clean(d.Between[1]), p.Columns))
	} else {
		p.Paragraph(table.Plain, fmt.Sprintf("between %s and %s", text.Clean(d.Between[0]), text.Clean(d.Between[1])))
	}
	for _, s := range d.Sides {
		p.Hanging(table.Plain, fmt.Sprintf("%s %s: %s", s.Name, s.Purpose, s.Source), "  ")
	}
	d.writeReading(p)
	p.Blank()
	if t := d.Table(); len(t.Rows) > 0 {
		p.Table(t)
		p.Blank()
	}
	writeSkipped(p, &d.base)
	p.Gap()
	for _, s := range d.summaryLines() {
		p.Paragraph(table.Plain, s)
	}
	d.writeLeftOut(p)
	writeFailed(p, &d.base)
	return p.Flush()
}

// summaryLines are the summary of d.
func (d *Codes) summaryLines() []string {
	s := d.Summary
	all := fmt.Sprintf("%s of %s values", text.Plural(s.Compared, "tensor"), text.Count(s.Elements))
	if s.Equal == s.Compared {
		return []string{all + ": no code and no value differs."}
	}
	var list []string
	if s.ChangedCodes != nil {
		line := fmt.Sprintf("%s: %s codes differ (%s)", all, text.Count(*s.ChangedCodes), text.Percent(text.Share(*s.ChangedCodes, s.Elements)))
		if len(s.Steps) > 0 {
			line += ", by " + stepsText(s.Steps)
		}
		list = append(list, line+".")
		all = "Of the values"
	}
	list = append(list, fmt.Sprintf("%s: %s differ (%s), by at most %s.", all, text.Count(s.ChangedValues),
		text.Percent(text.Share(s.ChangedValues, s.Elements)), text.Digits(s.MaxDifference, 4)))
	if d.files {
		return append(list, fmt.Sprintf("The SQNR of the second file against the first is %s.", text.DecibelsWithUnit(s.SQNR[0])))
	}
	line := fmt.Sprintf("The SQNR is %s and %s", text.DecibelsWithUnit(s.SQNR[0]), text.DecibelsWithUnit(s.SQNR[1]))
	switch c := *s.Cost; {
	case c > 0:
		line += fmt.Sprintf(": %s costs %s dB beside %s", d.Between[1], text.Digits(c, 3), d.Between[0])
	case c < 0:
		line += fmt.Sprintf(": %s costs %s dB beside %s", d.Between[0], text.Digits(-c, 3), d.Between[1])
	}
	return append(list, line+".")
}

// stepsText lists differences with their counts: those of one step, and the others together.
func stepsText(steps []CodeStep) string {
	var parts []string
	more, most := int64(0), 0
	for _, s := range steps {
		switch s.Difference {
		case -1, 1:
			parts = append(parts, fmt.Sprintf("%+d: %s", s.Difference, text.Count(s.Count)))
		default:
			more += s.Count
			most = max(most, s.Difference, -s.Difference)
		}
	}
	if more > 0 {
		parts = append(parts, fmt.Sprintf("more, up to %d: %s", most, text.Count(more)))
	}
	return strings.Join(parts, ", ")
}

// Table has a row for each tensor with a difference.
func (d *Codes) Table() *table.Table {
	t := &table.Table{Columns: table.Texts("tensor", "shape", "axis"), Optional: []int{1, 2}, Pressed: []int{5, 6, 8}}
	t.Columns = append(t.Columns, table.Numbers("codes", "changed", "%", "by ±1", "by more")...)
	t.Columns = append(t.Columns, table.Numbers("values", "changed", "largest")...)
	t.Columns = append(t.Columns, table.Numbers("first", "channel", "index")...)
	if d.files {
		t.Columns = append(t.Columns, table.Numbers("", "SQNR, dB")...)
	} else {
		t.Columns = append(t.Columns, table.Numbers("SQNR, dB", "first", "second")...)
	}
	for _, i := range d.order {
		x := &d.Tensors[i]
		if x.First == nil && x.ChangedValues == 0 {
			continue
		}
		cells := []table.Cell{table.Name(x.Name), table.Text(text.Shape(x.Shape)), table.Text(useText(x.Use, x.Axis))}
		if x.ChangedCodes != nil {
			one := x.byOne()
			cells = append(cells, table.Count(*x.ChangedCodes), table.Percent(text.Share(*x.ChangedCodes, x.Elements)), table.Count(one), table.Count(*x.ChangedCodes-one))
		} else {
			cells = append(cells, table.Cell{}, table.Cell{}, table.Cell{}, table.Cell{})
		}
		cells = append(cells, table.Count(x.ChangedValues), table.Measure(x.MaxDifference))
		if x.First != nil {
			cells = append(cells, table.Count(x.First.Channel), table.Count(x.First.Index))
		} else {
			cells = append(cells, table.Cell{}, table.Cell{})
		}
		for _, s := range x.SQNR {
			cells = append(cells, table.Decibels(s, 1))
		}
		t.Add(cells...)
	}
	return t
}

// byOne returns how many codes differ by one step.
func (t *CodedTensor) byOne() int64 {
	n := int64(0)
	for _, s := range t.Steps {
		if s.Difference == 1 || s.Difference == -1 {
			n += s.Count
		}
	}
	return n
}

var codesHead = []string{
	"source", "first", "second", "tensor", "dtype", "shape", "use", "axis", "axis_from", "elements", "changed_codes", "by_one", "by_more",
	"changed_values", "max_difference", "first_channel", "first_index", "sqnr_db_first", "sqnr_db_second", "cost_db",
}

// WriteCSV writes a row for each tensor. It has the form of Report.WriteCSV. The SQNR of two
// files is in the column of the second.
func (d *Codes) WriteCSV(w io.Writer) error {
	c := table.NewCSV(w, codesHead)
	for i := range d.Tensors {
		t := &d.Tensors[i]
		row := []string{
			table.Inert(d.Source), table.Inert(d.Between[0]), table.Inert(d.Between[1]), table.Inert(t.Name), table.Inert(t.DType),
			table.Shape(t.Shape), table.Inert(t.Use), table.Integer(t.Axis), t.AxisFrom, strconv.FormatInt(t.Elements, 10),
		}
		if t.ChangedCodes != nil {
			one := t.byOne()
			row = append(row, strconv.FormatInt(*t.ChangedCodes, 10), strconv.FormatInt(one, 10), strconv.FormatInt(*t.ChangedCodes-one, 10))
		} else {
			row = append(row, "", "", "")
		}
		row = append(row, strconv.FormatInt(t.ChangedValues, 10), text.Exact(t.MaxDifference))
		if t.First != nil {
			row = append(row, strconv.Itoa(t.First.Channel), strconv.Itoa(t.First.Index))
		} else {
			row = append(row, "", "")
		}
		if t.Cost != nil {
			row = append(row, text.Exact(t.SQNR[0]), text.Exact(t.SQNR[1]), text.Exact(*t.Cost))
		} else {
			row = append(row, "", text.Exact(t.SQNR[0]), "")
		}
		c.Row(row)
	}
	return c.Flush()
}

// WritePresets writes a table of all presets for a terminal of the given number of columns.
func WritePresets(w io.Writer, color bool, columns int) error {
	p := table.NewTerminal(w, color, columns)
	for i, x := range preset.All() {
		if i > 0 {
			p.Blank()
		}
		p.Line(table.Bold, x.Name)
		scheme, err := x.Scheme.MarshalText()
		if err != nil {
			return err
		}
		s := fmt.Sprintf("%s: %s. The nearest scheme is %s", x.System, x.Purpose, scheme)
		if x.Exact {
			s += fmt.Sprintf(", which has the same codes for ranges from %s on", text.Digits(x.From, 4))
		}
		p.Paragraph(table.Plain, s+".")
		p.Paragraph(table.Plain, "Source: "+x.Source)
	}
	return p.Flush()
}
