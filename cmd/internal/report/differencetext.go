package report

import (
	"fmt"
	"io"
	"strconv"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// WriteText writes d for a terminal of the given number of columns, 0 if there is
// none. Tensors that are equal are counted, and not listed.
func (d *Difference) WriteText(w io.Writer, color bool, columns int) error {
	p := table.NewTerminal(w, color, columns)
	p.Title(text.Clean(d.Source))
	p.Line(table.Plain, text.Shorten("against "+text.Clean(d.Against), p.Columns))
	d.writeReading(p)
	p.Blank()
	if t := d.Table(); len(t.Rows) > 0 {
		p.Table(t)
		p.Blank()
	}
	writeSkipped(p, &d.base)
	p.Gap()
	s := d.Summary
	equal := fmt.Sprintf("%s the same", text.Count(s.Equal))
	if s.Equal == s.Compared {
		equal = "all the same"
	}
	about := fmt.Sprintf("%s of %s values, %s", text.Plural(s.Compared, "tensor"), text.Count(s.Elements), equal)
	if s.Equal < s.Compared {
		about += fmt.Sprintf("; over all values the RMSE is %s, the largest error %s and the SQNR %s",
			text.Digits(s.RMSE, 4), text.Digits(s.MaxError, 4), text.DecibelsWithUnit(s.SQNR))
	}
	p.Paragraph(table.Plain, about+".")
	d.writeLeftOut(p)
	writeFailed(p, &d.base)
	return p.Flush()
}

// Table has a row for each tensor that is not the same in both sources.
func (d *Difference) Table() *table.Table {
	t := &table.Table{Columns: table.Texts("tensor", "shape", "axis", "types"), Optional: []int{2, 1}, Pressed: []int{3, 4}}
	t.Columns = append(t.Columns, table.Numbers("", "MAE", "RMSE", "max error", "SQNR, dB", "worst channel", "SQNR, dB")...)
	for _, i := range d.order {
		x := &d.Tensors[i]
		if x.MaxError == 0 {
			continue
		}
		var channel, ratio table.Cell
		if len(x.Channels) > 1 {
			worst := 0
			for c := range x.Channels {
				if x.Channels[c].SQNR < x.Channels[worst].SQNR {
					worst = c
				}
			}
			channel, ratio = indexCell(worst), table.Decibels(x.Channels[worst].SQNR, 1)
		}
		types := x.DType
		if x.AgainstDType != x.DType {
			types += ", " + x.AgainstDType
		}
		t.Add(table.Name(x.Name), table.Text(text.Shape(x.Shape)), table.Text(useText(x.Use, x.Axis)), table.Text(types),
			table.Measure(x.MAE), table.Measure(x.RMSE), table.Measure(x.MaxError), table.Decibels(x.SQNR, 1), channel, ratio)
	}
	return t
}

var differenceHead = []string{
	"source", "against", "row", "tensor", "dtype", "against_dtype", "shape", "use", "axis", "axis_from", "channel", "elements",
	"mae", "rmse", "max_error", "sqnr_db",
}

// WriteCSV writes a row for each tensor and, if channels is true, for each of its
// channels. It has the form of Report.WriteCSV.
func (d *Difference) WriteCSV(w io.Writer, channels bool) error {
	c := table.NewCSV(w, differenceHead)
	for i := range d.Tensors {
		t := &d.Tensors[i]
		row := func(kind, channel string, elements int64, m Differs) {
			c.Row([]string{
				table.Inert(d.Source), table.Inert(d.Against), kind, table.Inert(t.Name), table.Inert(t.DType), table.Inert(t.AgainstDType),
				table.Shape(t.Shape), table.Inert(t.Use), table.Integer(t.Axis), t.AxisFrom, channel,
				strconv.FormatInt(elements, 10), text.Exact(m.MAE), text.Exact(m.RMSE), text.Exact(m.MaxError), text.Exact(m.SQNR),
			})
		}
		row(rowTensor, "", t.Elements, Differs{t.MAE, t.RMSE, t.MaxError, t.SQNR})
		for k, m := range t.Channels {
			if channels {
				row(rowChannel, strconv.Itoa(k), t.Elements/int64(len(t.Channels)), m)
			}
		}
	}
	return c.Flush()
}
