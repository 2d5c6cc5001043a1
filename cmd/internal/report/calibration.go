package report

import (
	"fmt"
	"io"
	"math"
)

// A Calibrated is a tensor of a calibration, as WriteCalibration shows it.
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

// WriteCalibration writes what became of the tensors of a calibration, for a
// terminal of so many columns, 0 if there is none. About says how they were
// calibrated; skipped which were not, and why.
func WriteCalibration(w io.Writer, about string, all []Calibrated, skipped []string, color bool, columns int) error {
	p := newPrinter(w, color, columns)
	p.paragraph(bold, about)
	p.WriteByte('\n')
	t := &table{left: 2, names: true, head: []string{"tensor", "shape", "batches", "values", "min", "max", "from", "to", "scale", "zero point", "clipped"}}
	t.spanners = []spanner{{4, 5, "seen"}, {6, 7, "range"}}
	values, others := uint64(0), uint64(0)
	several := false
	for _, x := range all {
		values += x.Values
		others += x.Others
		several = several || len(x.Scale) > 1
		share := "-"
		if !math.IsNaN(x.Clipped) {
			share = percent(100 * x.Clipped)
		}
		t.rows = append(t.rows, []cell{
			{Clean(x.Name), plain}, {x.Shape, plain}, {count(int64(x.Batches)), plain}, {briefly(int64(x.Values)), plain},
			{fit(float64(x.Seen[0])), plain}, {fit(float64(x.Seen[1])), plain},
			{fit(float64(x.Range[0])), plain}, {fit(float64(x.Range[1])), plain},
			{span(x.Scale, scaleText), plain}, {span(x.ZeroPoint, zeroText), plain}, {share, plain},
		})
	}
	t.optional = []int{2, 1, 3, 9}
	t.write(p)
	p.WriteByte('\n')
	text := fmt.Sprintf("%s of %s values.", plural(int64(len(all)), "tensor"), count(int64(values)))
	if others > 0 {
		text += fmt.Sprintf(" %s more are not finite, and were left out.", count(int64(others)))
	}
	if several {
		text += " Where a tensor has several scales, the ranges are those of all together."
	}
	p.paragraph(plain, text)
	for i, s := range skipped {
		if i == 0 {
			p.WriteByte('\n')
			p.line(bold, "left out")
		}
		for _, l := range wrap(Clean(s), p.columns, "  ") {
			p.line(plain, l)
		}
	}
	return p.Flush()
}
