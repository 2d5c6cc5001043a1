package report

import (
	"fmt"
	"io"
	"slices"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// WriteText writes v for a terminal of the given number of columns, 0 if there is
// none.
func (v *Inventory) WriteText(w io.Writer, color bool, columns int) error {
	p := table.NewTerminal(w, color, columns)
	p.Print(table.Bold, text.Shorten(text.Clean(v.Source), p.Columns-16))
	p.Line(table.Plain, "  "+text.Clean(v.Kind))
	v.writeReading(p)
	p.Blank()
	tensors := v.Table()
	if len(v.Tensors) > 0 {
		p.Table(tensors)
		p.Blank()
	}
	if len(v.Activations) > 0 {
		p.Line(table.Bold, "activations with codes")
		p.Table(v.ActivationTable())
		p.Blank()
	}
	if len(v.DTypes) > 1 {
		p.Table(v.typesTable())
		p.Blank()
	}
	sum := fmt.Sprintf("%s, %s, %s.", text.Plural(len(v.Tensors), "tensor"), text.Plural(v.Elements, "value"), text.Plural(v.Bytes, "byte"))
	if len(v.Tensors) > 0 {
		sum += fmt.Sprintf(" Outliers are values more than %d standard deviations from the mean.", OutlierDevs)
	}
	p.ParagraphAbout(tensors, table.Plain, sum)
	for _, x := range v.Tensors {
		if x.Error != "" {
			p.Paragraph(table.Red, text.Clean(x.Name+": "+x.Error))
		}
	}
	var layouts layoutList
	for _, x := range v.Tensors {
		layouts.add(x.Name, x.Layout, x.PartOf)
	}
	layouts.write(p)
	v.writeUnread(p)
	v.writeLeftOut(p)
	return p.Flush()
}

// writeUnread lists the tensors that are not read, by the reasons why.
func (v *Inventory) writeUnread(p *table.Terminal) {
	var all []Item
	for _, x := range v.Tensors {
		if x.Unread != "" {
			all = append(all, x)
		}
	}
	writeReasons(p, "not read", all, func(all []Item) string { return text.Plural(len(all), "tensor") },
		func(x Item) string { return x.Unread }, func(x Item) string { return x.Name })
}

// used reports whether the file names an operator or an axis for any tensor.
func (v *Inventory) used() bool {
	return slices.ContainsFunc(v.Tensors, func(x Item) bool { return x.Use != "" || x.Axis != nil })
}

// Table has a row for each tensor.
func (v *Inventory) Table() *table.Table {
	t := &table.Table{Columns: table.Texts("tensor", "type", "shape", "use"), Optional: []int{7}, Pressed: []int{3, 9}}
	t.Columns[2].Limit = 16
	if slices.ContainsFunc(v.Tensors, func(x Item) bool { return x.Axis != nil }) {
		t.Columns[3].About = "The number after an operator is the axis of the output channels."
	}
	t.Columns = append(t.Columns, table.Numbers("", "bytes", "min", "max", "std dev", "outliers", "zeros", "NaN", "Inf")...)
	for _, x := range v.Tensors {
		use := text.Clean(x.Use)
		if x.Axis != nil {
			use += fmt.Sprintf(" %d", *x.Axis)
		}
		t.Add(table.Name(x.Name), table.Text(x.DType), table.Text(text.Shape(x.Shape)), table.Text(use),
			table.Brief(x.Bytes), known(x.Min, table.Float), known(x.Max, table.Float), known(x.StdDev, table.Measure),
			known(x.Outliers, table.Brief[int64]), known(x.Zeros, table.Brief[int64]), known(x.NaN, alarming), known(x.Inf, alarming))
	}
	if !v.used() {
		t.Drop(3)
	}
	return t
}

// ActivationTable has a row for each activation that the model quantizes.
func (v *Inventory) ActivationTable() *table.Table {
	t := &table.Table{Columns: table.Texts("activation", "of", "type"), Optional: []int{1}}
	t.Columns = append(t.Columns, table.Numbers("range", "from", "to")...)
	t.Columns = append(t.Columns, table.Numbers("", "scale", "zero point")...)
	for _, x := range v.Activations {
		from, to, scale, zero := table.Text("-"), table.Text("-"), table.Text("-"), table.Text("-")
		if len(x.Min) > 0 {
			lo, _ := text.MinMax(x.Min)
			_, hi := text.MinMax(x.Max)
			from, to = table.Float(text.Float(lo)), table.Float(text.Float(hi))
		}
		if len(x.Scale) > 0 {
			scale, zero = table.Text(text.Span(x.Scale, text.Scale)), table.Text(text.Span(x.ZeroPoint, text.ZeroPoint))
		}
		t.Add(table.Name(x.Name), table.Text(x.Made), table.Text(x.DType), from, to, scale, zero)
	}
	return t
}

// known returns the cell of a value that may not be known.
func known[T any](x *T, cell func(T) table.Cell) table.Cell {
	if x == nil {
		return table.Text("-")
	}
	return cell(*x)
}

// alarming returns the cell of a count. It is marked unless the count is 0.
func alarming(n int64) table.Cell {
	c := table.Brief(n)
	if n > 0 {
		c.Style = table.Red
	}
	return c
}

// typesTable has a row for each type. The bits of a value include the scales of its
// block.
func (v *Inventory) typesTable() *table.Table {
	t := &table.Table{Columns: append(table.Texts("type"), table.Numbers("", "tensors", "values", "bytes", "bits/value", "of all")...)}
	for _, d := range v.DTypes {
		part := table.Text("0%")
		if v.Bytes > 0 {
			part = table.Percent(text.Share(d.Bytes, v.Bytes))
		}
		bits := table.Text("-")
		if d.Elements > 0 {
			bits = table.Measure(text.Number(8 * float64(d.Bytes) / float64(d.Elements)))
		}
		t.Add(table.Text(d.DType), table.Count(d.Tensors), table.Count(d.Elements), table.Count(d.Bytes), bits, part)
	}
	return t
}
