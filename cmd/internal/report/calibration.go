package report

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A Calibrated is a tensor of a calibration, for CalibrationTable.
type Calibrated struct {
	Name           string
	Shape          string // lengths of axes, "?" for one that varies
	Batches        uint64
	Values, Others uint64 // others are not finite
	Seen, Range    [2]float32
	Scale          []float32
	ZeroPoint      []int32
	Clipped        float64 // share; NaN if it is not known
}

// CalibrationTable has a row for each tensor of a calibration.
func CalibrationTable(all []Calibrated) *table.Table {
	t := &table.Table{Columns: table.Texts("tensor", "shape"), Optional: []int{2, 1, 3, 9}}
	t.Columns = slices.Concat(t.Columns, table.Numbers("", "batches", "values"), table.Numbers("seen", "min", "max"),
		table.Numbers("range", "from", "to"), table.Numbers("", "scale", "zero point", "clipped"))
	for _, x := range all {
		clipped := table.Text("-")
		if !math.IsNaN(x.Clipped) {
			clipped = table.Percent(100 * x.Clipped)
		}
		t.Add(table.Name(x.Name), table.Text(x.Shape), table.Count(int64(x.Batches)), table.Brief(int64(x.Values)),
			table.Float(text.Float(x.Seen[0])), table.Float(text.Float(x.Seen[1])),
			table.Float(text.Float(x.Range[0])), table.Float(text.Float(x.Range[1])),
			table.Text(text.Span(x.Scale, text.Scale)), table.Text(text.Span(x.ZeroPoint, text.ZeroPoint)), clipped)
	}
	return t
}

// WriteCalibration lists the tensors of a calibration, for a terminal of the given number of
// columns, 0 if there is none. About says how they were calibrated; skipped says which were not,
// and why.
func WriteCalibration(w io.Writer, about string, all []Calibrated, skipped []string, color bool, columns int) error {
	p := table.NewTerminal(w, color, columns)
	p.Paragraph(table.Bold, about)
	p.Blank()
	p.Table(CalibrationTable(all))
	p.Blank()
	values, others := uint64(0), uint64(0)
	several := false
	for _, x := range all {
		values += x.Values
		others += x.Others
		several = several || len(x.Scale) > 1
	}
	sum := fmt.Sprintf("%s of %s values.", text.Plural(len(all), "tensor"), text.Count(int64(values)))
	if others > 0 {
		sum += fmt.Sprintf(" %s more are not finite, and were left out.", text.Count(int64(others)))
	}
	if several {
		sum += " Where a tensor has several scales, the ranges are those of all together."
	}
	p.Paragraph(table.Plain, sum)
	for i, s := range skipped {
		if i == 0 {
			p.Blank()
			p.Line(table.Bold, "left out")
		}
		p.Hanging(table.Plain, text.Clean(s), "  ")
	}
	return p.Flush()
}
