package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
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
	p := table.NewTerminal(w, o.Color, o.Columns)
	p.Title(named(s.Source, o.Note))
	p.Paragraph(table.Dim, s.About())
	s.writeReading(p)
	if o.Weights {
		for _, series := range s.Series() {
			p.Gap()
			p.Table(s.weightsTable(series, false))
			if s.Summary.Weighted > 0 {
				p.Blank()
				p.Table(s.weightsTable(series, true))
			}
		}
	}
	writeSkipped(p, &s.base)
	p.Gap()
	p.Table(s.SchemesTable())
	p.Blank()
	sum := s.Summary
	about := fmt.Sprintf("%s of %s values, as float32 %s; bytes include scales and zero points. ● marks a scheme if no other is as small and as exact.",
		text.Plural(sum.Compared, "weight"), text.Count(sum.Elements), text.Plural(sum.Float32Bytes, "byte"))
	if len(s.Weights) > 1 {
		about += " SQNR is of all values together, mean is over the weights, worst is the weight with the lowest."
	}
	if padded := s.padded(); padded > 0 {
		about += fmt.Sprintf(" Blocks are filled up with zeros in %s, whose rows are no whole blocks: the zeros take bytes too.", text.Plural(padded, "weight"))
	}
	if words := s.weightedText(); words != "" {
		about += " " + words
	}
	p.Paragraph(table.Plain, about)
	if v := s.Verdict(); v != "" {
		p.Blank()
		p.Paragraph(table.Bold, v)
	}
	s.writeLeftOut(p)
	writeFailed(p, &s.base)
	return p.Flush()
}

// weightedText says what weighted errors are of; "" without an importance.
func (s *Sweep) weightedText() string {
	words := weightedWords(s.Options.Importance, s.Summary.Weighted, len(s.Weights))
	if words == "" {
		return ""
	}
	return words + " In the weighted SQNR each squared error counts with the importance of its input."
}

// padded returns the greatest number of weights in which a scheme fills up blocks.
func (s *Sweep) padded() int {
	most := 0
	for i := range s.Schemes {
		most = max(most, s.Schemes[i].Padded)
	}
	return most
}

// About describes the options in a line.
func (s *Sweep) About() string {
	if len(s.Options.Bits) == 0 {
		words := fmt.Sprintf("%s side by side", text.Plural(len(s.Schemes), "scheme"))
		if s.Options.Importance != "" {
			words += ", importance of " + s.Options.Importance
		}
		return words
	}
	sign := "Signed"
	if s.Options.Unsigned {
		sign = "Unsigned"
	}
	return fmt.Sprintf("%s codes of %s bits, %s mapping", sign, text.Integers(s.Options.Bits), s.Options.Mapping) + s.Options.options().restText()
}

// SchemesTable has a row for each scheme, from the smallest to the largest.
func (s *Sweep) SchemesTable() *table.Table {
	t := &table.Table{Columns: table.Texts("  scheme"), Optional: []int{7}}
	t.Columns = append(t.Columns, table.Numbers("", "bytes", "bits/weight", "smaller", "SQNR, dB", "mean", "worst", "worst weight")...)
	t.Columns[7].Limit = 48
	if s.Summary.Weighted > 0 {
		t.Columns = slices.Insert(t.Columns, 5, table.Numbers("", "weighted")...)
		t.Optional = []int{8}
	}
	for _, k := range s.BySize() {
		c := &s.Schemes[k]
		style, mark := table.Dim, " "
		if c.Pareto {
			style, mark = table.Plain, "●"
		}
		if s.Summary.Chosen != nil && k == *s.Summary.Chosen {
			style, mark = table.Green, "▶"
		}
		cells := []table.Cell{
			table.Text(mark + " " + c.Label()), table.Brief(c.Memory.Total), table.Digits(c.BitsPerWeight, 3), table.Factor(c.Compression),
			table.Decibels(c.SQNR, 1), table.Decibels(c.MeanSQNR, 1), table.Decibels(c.MinSQNR, 1), table.Name(s.Weights[c.Worst].Name),
		}
		if c.WeightedSQNR != nil {
			cells = slices.Insert(cells, 5, table.Decibels(*c.WeightedSQNR, 1))
		}
		t.Rows = append(t.Rows, table.Row{Style: style, Cells: cells})
	}
	if len(s.Weights) == 1 {
		for range 3 {
			t.Drop(len(t.Columns) - 1)
		}
	}
	return t
}

// weightsTable has the ratios of all weights for the schemes of a series: the plain or the weighted
// ones.
func (s *Sweep) weightsTable(series SweepSeries, weighted bool) *table.Table {
	ratio := "SQNR, dB, "
	if weighted {
		ratio = "weighted " + ratio
	}
	first, schemes := series.First, s.Schemes[series.First:series.End]
	t := &table.Table{Columns: table.Texts("weight", "shape", "axis"), Optional: []int{2, 1}}
	for _, c := range schemes {
		group, name := c.GranularityLabel(), fmt.Sprintf("%d bits", c.Bits)
		if series.Listed {
			group, name = series.Label, c.Name
		}
		t.Columns = append(t.Columns, table.Numbers(ratio+group, name)...)
	}
	for i := range s.Weights {
		x := &s.Weights[i]
		row := []table.Cell{table.Name(x.Name), table.Text(text.Shape(x.Shape)), table.Text(useText(x.Use, x.Axis))}
		for k, r := range x.Results[first : first+len(schemes)] {
			c := table.Decibels(r.SQNR, 1)
			if weighted {
				c = r.Weighted.cell()
			}
			c.Best = !weighted && x.Choice != nil && *x.Choice == first+k
			row = append(row, c)
		}
		t.Add(row...)
	}
	return t
}

var sweepHead = []string{
	"source", "row", "tensor", "dtype", "shape", "use", "axis", "axis_from", "elements", "source_bytes",
	"bits", "unsigned", "mapping", "granularity", "group_size", "narrow_range", "zero_in_range",
	"rmse", "max_error", "sqnr_db", "mean_sqnr_db", "min_sqnr_db", "clipped",
	"payload_bytes", "metadata_bytes", "total_bytes", "bits_per_weight", "compression", "pareto", "chosen",
	"method", "scheme",
}

// csvFields returns the fields of x in a row of CSV: those of the columns "bits" to "zero_in_range",
// the method, and those of rareColumns. The rules of a block format of GGUF have none of these names:
// only its bits and the size of its blocks are there.
func (x *SweepScheme) csvFields(o Options) (scheme []string, method string, rare []string) {
	s := Scheme{
		Unsigned: o.Unsigned, Mapping: o.Mapping, NarrowRange: o.NarrowRange, ZeroInRange: o.ZeroInRange, Method: o.Method,
		Divisor: o.Divisor, Scales: o.Scales, SignedScale: o.SignedScale,
	}
	columns := o.rareColumns()
	switch {
	case x.Name == "":
	case x.own == nil: // a block format
		return []string{strconv.Itoa(x.Bits), "", "", x.Granularity, table.Integer(x.GroupSize), "", ""}, "", make([]string, len(columns))
	default:
		s = *x.own
	}
	for _, column := range columns {
		switch column {
		case "divisor":
			rare = append(rare, cmp.Or(s.Divisor, quant.FarEnd.String()))
		case "scales":
			rare = append(rare, cmp.Or(s.Scales, quant.Float32Scale.String()))
		case "signed_scale":
			rare = append(rare, strconv.FormatBool(s.SignedScale))
		}
	}
	return []string{
		strconv.Itoa(x.Bits), strconv.FormatBool(s.Unsigned), s.Mapping, x.Granularity, table.Integer(x.GroupSize),
		strconv.FormatBool(s.NarrowRange), strconv.FormatBool(s.ZeroInRange),
	}, s.Method, rare
}

// WriteCSV writes a row for each scheme, of all weights together, and one for each
// weight and scheme. It has the form of Report.WriteCSV.
func (s *Sweep) WriteCSV(w io.Writer) error {
	o := s.Options
	head := append(slices.Clip(sweepHead), o.options().rareColumns()...)
	if o.Importance != "" {
		head = append(head, "weighted_rmse", "weighted_sqnr_db")
	}
	c := table.NewCSV(w, head)
	weighted := func(fields ...string) []string {
		if o.Importance == "" {
			return nil
		}
		return fields
	}
	size := func(m Memory, elements int64) []string {
		return []string{bitsPerWeight(m.Total, elements), text.Exact(text.Number(4 * float64(elements) / float64(m.Total)))}
	}
	chosen := func(k int, choice *int) string {
		if o.Target == nil {
			return ""
		}
		return strconv.FormatBool(choice != nil && *choice == k)
	}
	sum := s.Summary
	for k := range s.Schemes {
		x := &s.Schemes[k]
		scheme, method, rare := x.csvFields(o.options())
		c.Row([]string{table.Inert(s.Source), "total", "", "", "", "", "", "", strconv.FormatInt(sum.Elements, 10), strconv.FormatInt(sum.SourceBytes, 10)},
			scheme, []string{"", "", text.Exact(x.SQNR), text.Exact(x.MeanSQNR), text.Exact(x.MinSQNR), strconv.FormatInt(x.Clipped, 10)},
			x.Memory.fields(), size(x.Memory, sum.Elements), []string{strconv.FormatBool(x.Pareto), chosen(k, sum.Chosen), method, table.Inert(x.Name)}, rare, weighted("", exactOr(x.WeightedSQNR)))
	}
	for i := range s.Weights {
		x := &s.Weights[i]
		about := []string{
			table.Inert(s.Source), "weight", table.Inert(x.Name), table.Inert(x.DType), table.Shape(x.Shape),
			table.Inert(x.Use), table.Integer(x.Axis), x.AxisFrom, strconv.FormatInt(x.Elements, 10), strconv.FormatInt(x.Bytes, 10),
		}
		for k := range x.Results {
			r := &x.Results[k]
			scheme, method, rare := s.Schemes[k].csvFields(o.options())
			c.Row(about, scheme, []string{text.Exact(r.RMSE), text.Exact(r.MaxError), text.Exact(r.SQNR), "", "", strconv.Itoa(r.Clipped)},
				r.memory.fields(), size(r.memory, x.Elements), []string{"", chosen(k, x.Choice), method, table.Inert(s.Schemes[k].Name)}, rare, weighted(r.Weighted.fields()...))
		}
	}
	return c.Flush()
}
