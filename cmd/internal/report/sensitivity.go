package report

import (
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/internal/summary"
)

// A Sensitivity says how much the quantization of each activation loses. Marshalled, it
// is the JSON of `quant sensitivity`, which docs/json.md describes.
type Sensitivity struct {
	Calibration string            `json:"calibration"`
	Files       int               `json:"files"`
	Tensors     []SensitiveTensor `json:"tensors"` // the lowest SQNR first
	Unseen      []string          `json:"unseen"`  // names of the calibration that no file has
	Skipped     []SkippedBatch    `json:"skipped"`
}

// A SensitiveTensor is an activation with the errors over all of its batches.
type SensitiveTensor struct {
	Name      string      `json:"name"`
	Scheme    Scheme      `json:"scheme"`
	Batches   int         `json:"batches"`
	Elements  int64       `json:"elements"` // of all batches
	Min       text.Floats `json:"min"`      // of the calibrated range
	Max       text.Floats `json:"max"`
	Scale     text.Floats `json:"scale"`
	ZeroPoint []int32     `json:"zero_point"`
	MAE       text.Number `json:"mae"`
	RMSE      text.Number `json:"rmse"`
	MaxError  text.Number `json:"max_error"`
	SQNR      text.Number `json:"sqnr_db"`
	Clipped   int64       `json:"clipped"`
	Worst     WorstBatch  `json:"worst_batch"`
}

// A WorstBatch is the batch of a tensor with the lowest SQNR.
type WorstBatch struct {
	File string      `json:"file"`
	SQNR text.Number `json:"sqnr_db"`
}

// A SkippedBatch is a tensor of a file that was not measured.
type SkippedBatch struct {
	File   string `json:"file"`
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Sensitive returns the entry of a tensor that has the scheme s; its other fields are x's.
func Sensitive(x SensitiveTensor, s quant.Scheme) SensitiveTensor {
	x.Scheme = newScheme(s, false)
	x.MAE, x.RMSE = text.Number(rounded(float64(x.MAE))), text.Number(rounded(float64(x.RMSE)))
	x.SQNR, x.Worst.SQNR = text.Number(summary.Steady(float64(x.SQNR))), text.Number(summary.Steady(float64(x.Worst.SQNR)))
	return x
}

// Table has a row for each tensor, the worst first.
func (s *Sensitivity) Table() *table.Table {
	t := &table.Table{Columns: table.Texts("tensor"), Optional: []int{1, 5, 2}, Pressed: []int{7}}
	t.Columns = append(t.Columns, table.Numbers("", "batches", "values")...)
	t.Columns = append(t.Columns, table.Numbers("range", "from", "to")...)
	t.Columns = append(t.Columns, table.Numbers("", "scale", "RMSE", "max error", "clipped")...)
	t.Columns = append(t.Columns, table.Numbers("SQNR, dB", "all", "worst batch")...)
	for _, x := range s.Tensors {
		lo, _ := text.MinMax(x.Min)
		_, hi := text.MinMax(x.Max)
		t.Add(table.Name(x.Name), table.Count(x.Batches), table.Brief(x.Elements), table.Float(text.Float(lo)), table.Float(text.Float(hi)),
			table.Text(text.Span(x.Scale, text.Scale)), table.Measure(x.RMSE), table.Measure(x.MaxError),
			table.Percent(text.Share(x.Clipped, x.Elements)), table.Decibels(x.SQNR, 1), table.Decibels(x.Worst.SQNR, 1))
	}
	return t
}

// WriteText writes s for a terminal of the given number of columns, 0 if there is none.
func (s *Sensitivity) WriteText(w io.Writer, color bool, columns int) error {
	p := table.NewTerminal(w, color, columns)
	p.Title(text.Clean(s.Calibration))
	p.Line(table.Plain, "on "+text.Plural(s.Files, "file"))
	p.Blank()
	p.Table(s.Table())
	p.Blank()
	p.Paragraph(table.Plain, s.sum())
	s.writeOthers(p)
	return p.Flush()
}

// sum says which tensors lose most.
func (s *Sensitivity) sum() string {
	values, finite := int64(0), 0
	for _, x := range s.Tensors {
		values += x.Elements
		if !math.IsInf(float64(x.SQNR), 1) {
			finite++
		}
	}
	about := fmt.Sprintf("%s of %s, those that lose most first.", text.Plural(len(s.Tensors), "tensor"), text.Plural(values, "value"))
	if finite == 0 {
		return about + " Nothing is lost."
	}
	return about + fmt.Sprintf(" The SQNR is %s dB at worst, and %s dB in the middle. The errors are those of one tensor each, not of the model's outputs.",
		text.Decibels(s.Tensors[0].SQNR), text.Decibels(s.Tensors[(len(s.Tensors)-1)/2].SQNR))
}

// writeOthers lists what was not measured.
func (s *Sensitivity) writeOthers(p *table.Terminal) {
	if len(s.Unseen) > 0 {
		p.Blank()
		p.Hanging(table.Plain, fmt.Sprintf("in the calibration, and in no file: %s", text.Plural(len(s.Unseen), "tensor")), "  ")
		p.Names(cleanNames(s.Unseen, func(name string) string { return name }))
	}
	reasons, by := groupedBy(s.Skipped, func(x SkippedBatch) string { return x.Reason })
	for i, reason := range reasons {
		if i == 0 {
			p.Blank()
			p.Line(table.Bold, "left out")
		}
		p.Hanging(table.Plain, text.Clean(reason)+":", "  ")
		p.Names(distinct(cleanNames(by[reason], func(x SkippedBatch) string { return x.Name })))
	}
}

// distinct returns the names in their order, each once.
func distinct(names []string) []string {
	var all []string
	seen := map[string]bool{}
	for _, name := range names {
		if !seen[name] {
			seen[name] = true
			all = append(all, name)
		}
	}
	return all
}

var sensitivityHead = []string{
	"calibration", "tensor", "bits", "unsigned", "mapping", "granularity", "method", "batches", "elements", "min", "max",
	"scale_min", "scale_max", "zero_point_min", "zero_point_max", "mae", "rmse", "max_error", "sqnr_db", "clipped", "worst_file", "worst_sqnr_db",
}

// WriteCSV writes a row for each tensor, the worst first. It has the form of
// Report.WriteCSV.
func (s *Sensitivity) WriteCSV(w io.Writer) error {
	c := table.NewCSV(w, sensitivityHead)
	for _, x := range s.Tensors {
		lo, _ := text.MinMax(x.Min)
		_, hi := text.MinMax(x.Max)
		scaleMin, scaleMax := text.MinMax(x.Scale)
		zeroMin, zeroMax := text.MinMax(x.ZeroPoint)
		c.Row([]string{
			table.Inert(s.Calibration), table.Inert(x.Name), strconv.Itoa(x.Scheme.Bits), strconv.FormatBool(x.Scheme.Unsigned),
			x.Scheme.Mapping, x.Scheme.Granularity, x.Scheme.Method, strconv.Itoa(x.Batches), strconv.FormatInt(x.Elements, 10),
			text.ExactFloat(lo), text.ExactFloat(hi), text.ExactFloat(scaleMin), text.ExactFloat(scaleMax),
			text.ZeroPoint(zeroMin), text.ZeroPoint(zeroMax), text.Exact(x.MAE), text.Exact(x.RMSE), text.Exact(x.MaxError), text.Exact(x.SQNR),
			strconv.FormatInt(x.Clipped, 10), table.Inert(x.Worst.File), text.Exact(x.Worst.SQNR),
		})
	}
	return c.Flush()
}
