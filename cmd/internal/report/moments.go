package report

import (
	"fmt"
	"io"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// An ObservedMoments is a weight whose inputs' second moments quant calibrate observed.
type ObservedMoments struct {
	Name          string
	Inputs        int
	Extent        string // "full" or "diagonal"
	Rows, Skipped uint64 // rows with NaN or infinities are skipped
}

// WriteMoments lists the weights whose inputs were observed, for a terminal of the given number of
// columns, 0 if there is none. skipped says what was not observed, and why.
func WriteMoments(w io.Writer, all []ObservedMoments, skipped []string, color bool, columns int) error {
	p := table.NewTerminal(w, color, columns)
	p.Paragraph(table.Bold, "second moments of the inputs of weights")
	p.Blank()
	t := &table.Table{Columns: table.Texts("weight", "moments")}
	t.Columns = append(t.Columns, table.Numbers("", "inputs", "rows")...)
	others := uint64(0)
	few := 0
	for _, x := range all {
		t.Add(table.Name(x.Name), table.Text(x.Extent), table.Count(int64(x.Inputs)), table.Count(int64(x.Rows)))
		others += x.Skipped
		if x.Rows < uint64(x.Inputs) && x.Extent == "full" {
			few++
		}
	}
	p.Table(t)
	p.Blank()
	sum := text.Plural(len(all), "weight") + "."
	if few > 0 {
		sum += fmt.Sprintf(" Of %s there are fewer rows than inputs: more batches make the moments better.", text.Count(int64(few)))
	}
	if others > 0 {
		sum += fmt.Sprintf(" %s with NaN or infinities left out.", text.Plural(int64(others), "row"))
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
