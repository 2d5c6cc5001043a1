package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// heads lists the schemes for the heads of narrow columns.
func heads(results []Result) []string {
	var all []string
	for _, r := range results {
		all = append(all, r.Scheme.short())
	}
	return all
}

// SummaryTable has a row for each tensor, in the order of Sort. If short is true, the beginning
// and the end that all names share are left out, and the Note says so.
func (r *Report) SummaryTable(short bool) *table.Table {
	results := r.Tensors[0].Results
	n := len(results)
	t := &table.Table{Columns: table.Texts("weight", "shape", "axis")}
	over := func(group string, results []Result) (first int) {
		first = len(t.Columns)
		if len(results) == 1 {
			t.Columns = append(t.Columns, table.Numbers("", group)...)
		} else {
			t.Columns = append(t.Columns, table.Numbers(group, heads(results)...)...)
		}
		return first
	}
	over("RMSE per", results)
	sqnr := over("SQNR, dB per", results)
	if r.weighted() > 0 {
		over("weighted SQNR, dB", results)
	}
	over("gain", results[1:])
	clipped := over(ClippedGroup, results)
	bytes := over("bytes per", results)
	prefix, suffix := "", ""
	if short {
		prefix, suffix = text.Common(r.names())
	}
	t.Note = text.LeftOut(prefix, suffix)
	for _, i := range r.Order() {
		x := &r.Tensors[i]
		name := strings.TrimSuffix(strings.TrimPrefix(x.Name, prefix), suffix)
		t.Add(append([]table.Cell{table.Name(name), table.Text(text.Shape(x.Shape)), table.Text(x.UseText())}, x.summaryCells(r.weighted() > 0)...)...)
	}
	t.Sum = r.sumCells()
	// If the table is too wide, the least important columns are dropped first: the use, numbers
	// that are nearly equal for all schemes, and shapes.
	t.Optional = []int{clipped, 2, bytes, 1}
	for k := 2; k < n; k++ {
		t.Optional = append(t.Optional, clipped+k, bytes+k-1)
		t.Pressed = append(t.Pressed, sqnr+k)
	}
	if n > 2 {
		t.Optional = append(t.Optional, clipped+1)
		t.Pressed = append(t.Pressed, sqnr)
	} else {
		t.Pressed = []int{clipped + 1}
	}
	return t
}

// ClippedGroup is the group of the columns of a summary that count clipped values.
const ClippedGroup = "clipped per"

// names lists the names of the tensors.
func (r *Report) names() []string {
	var names []string
	for _, t := range r.Tensors {
		names = append(names, t.Name)
	}
	return names
}

// summaryCells are the numbers of a tensor's row.
func (t *Tensor) summaryCells(weighted bool) []table.Cell {
	var row []table.Cell
	for k, res := range t.Results {
		c := table.Measure(res.RMSE)
		c.Best = k == t.Best
		row = append(row, c)
	}
	for _, res := range t.Results {
		row = append(row, table.Decibels(res.SQNR, 1))
	}
	if weighted {
		row = append(row, t.weightedCells()...)
	}
	for _, res := range t.Results[1:] {
		row = append(row, table.Factor(res.Gain.RMSEFactor))
	}
	for _, res := range t.Results {
		row = append(row, table.Brief(res.Clipped))
	}
	for _, res := range t.Results {
		row = append(row, table.Brief(res.Memory.Total))
	}
	return row
}

// sumCells are the row of all tensors together, with gaps where there is no sum.
func (r *Report) sumCells() []table.Cell {
	n := len(r.Summary.Totals)
	sum := append([]table.Cell{{Text: "all together"}, {}, {}}, make([]table.Cell, n)...)
	for _, total := range r.Summary.Totals {
		sum = append(sum, table.Decibels(total.SQNR, 1))
	}
	if r.weighted() > 0 {
		sum = append(sum, make([]table.Cell, n)...)
	}
	sum = append(sum, make([]table.Cell, n-1)...)
	for _, total := range r.Summary.Totals {
		sum = append(sum, table.Count(total.Clipped))
	}
	for _, total := range r.Summary.Totals {
		sum = append(sum, table.Count(total.Memory.Total))
	}
	return sum
}

// totalsTable has the size and the errors of all tensors together under each scheme.
func (r *Report) totalsTable() *table.Table {
	s := r.Summary
	t := &table.Table{Columns: table.Texts(text.Plural(s.Compared, "weight")), Optional: []int{2, 7}}
	t.Columns = append(t.Columns, table.Numbers("", "bytes", "of float32", "bits/weight", "smaller", "SQNR, dB", "mean", "clipped")...)
	add := func(label string, bytes int64, bits, smaller text.Number, rest ...table.Cell) {
		row := []table.Cell{
			table.Text(label), table.Count(bytes), table.Percent(text.Share(bytes, s.Float32Bytes)), table.Digits(bits, 3), table.Factor(smaller),
		}
		t.Add(append(append(row, rest...), make([]table.Cell, 3-len(rest))...)...)
	}
	t.Add(table.Text("float32"), table.Count(s.Float32Bytes), table.Text("100%"), table.Text("32"), table.Text("1×"), table.Cell{}, table.Cell{}, table.Cell{})
	if s.SourceBytes != s.Float32Bytes {
		add("in the file", s.SourceBytes, text.Number(8*float64(s.SourceBytes)/float64(s.Elements)), text.Number(float64(s.Float32Bytes)/float64(s.SourceBytes)))
	}
	for k, total := range s.Totals {
		add(r.Tensors[0].Results[k].Scheme.Label(), total.Memory.Total, total.BitsPerWeight, total.Compression,
			table.Decibels(total.SQNR, 1), table.Decibels(total.MeanSQNR, 1), table.Count(total.Clipped))
	}
	return t
}

// WorstTable names the n worst tensors by SQNR per channel, and the given number
// of the worst channels of each.
func (r *Report) WorstTable(n, channels int) *table.Table {
	results := r.Tensors[0].Results
	m := len(results)
	t := &table.Table{Columns: table.Texts("weight"), Optional: []int{4}}
	t.Columns = slices.Concat(t.Columns, table.Numbers("", "channel", "min", "max"),
		table.Numbers("RMSE per", heads(results)...), table.Numbers("SQNR, dB per", heads(results)...))
	for k := 2; k < m; k++ {
		t.Optional = append(t.Optional, 3+k, 4+m)
	}
	for _, s := range r.WorstTensors(n, channels) {
		x := &r.Tensors[s.Tensor]
		add := func(channel table.Cell, lo, hi text.Float, minor bool, of func(k int) Metrics) {
			row := []table.Cell{table.Name(x.Name), channel, table.Float(lo), table.Float(hi)}
			for k := range x.Results {
				row = append(row, table.Measure(of(k).RMSE))
			}
			for k := range x.Results {
				row = append(row, table.Decibels(of(k).SQNR, 1))
			}
			t.Rows = append(t.Rows, table.Row{Cells: row, Minor: minor})
		}
		add(table.Text("all"), x.Min, x.Max, false, func(k int) Metrics { return x.Results[k].Metrics })
		for _, c := range s.Channels {
			ch := x.main().Channels[c]
			add(indexCell(x.channel(c)), ch.Min, ch.Max, true, func(k int) Metrics { return x.Results[k].Channels[c].Metrics })
		}
	}
	return t
}

// indexCell has an index, which is written without commas.
func indexCell(i int) table.Cell { return table.Cell{Text: strconv.Itoa(i), Exact: strconv.Itoa(i)} }

// failedTable lists the tensors that failed. It has no rows if none did.
func (r *Report) failedTable() *table.Table {
	t := skippedTable("failed", "because")
	for _, s := range r.Skipped {
		if s.Failed {
			addSkipped(t, table.Name(s.Name), s, s.Reason, table.Red)
		}
	}
	return t
}

// SkippedTable lists what was not compared, failures first. It is nil if all was.
func (r *Report) SkippedTable() *table.Table {
	if len(r.Skipped) == 0 {
		return nil
	}
	t := skippedTable("tensor", "not compared because")
	var left []Skipped
	for _, s := range r.Skipped {
		if s.Failed {
			addSkipped(t, table.Name(s.Name), s, "failed: "+s.Reason, table.Red)
		} else {
			left = append(left, s)
		}
	}
	eachAlike(left, func(s Skipped) string { return s.Reason },
		func(s Skipped) { addSkipped(t, table.Name(s.Name), s, s.Reason, table.Dim) },
		func(s Skipped, others int) { addSkipped(t, andMore(others), Skipped{}, s.Reason, table.Dim) })
	return t
}

// skippedTable returns a table without rows for tensors that were not compared.
func skippedTable(name, because string) *table.Table {
	t := &table.Table{Columns: table.Texts(name, "type", "shape", because)}
	t.Columns[2].Limit, t.Columns[3].Limit, t.Columns[3].Wrap = 20, 40, true
	return t
}

// addSkipped adds a row for s, or, if s is zero, for several tensors with one reason.
func addSkipped(t *table.Table, name table.Cell, s Skipped, reason string, style table.Style) {
	cells := []table.Cell{name, {}, {}, table.Text(reason)}
	if s.Name != "" {
		cells[1], cells[2] = table.Text(s.DType), table.Text(text.Shape(s.Shape))
	}
	cells[0].Style, cells[3].Style = style, style
	t.Rows = append(t.Rows, table.Row{Cells: cells, Style: table.Dim})
}

// A schemeRow is a row of a SchemeTable.
type schemeRow struct {
	label  string
	detail bool
	cell   func(r *Result) table.Cell
}

// SchemeTable has the schemes side by side, a column for each.
func (t *Tensor) SchemeTable() *table.Table {
	none := table.Cell{Text: "–"}
	rows := []schemeRow{
		{"scale", false, func(r *Result) table.Cell { return scalesCell(r.scales) }},
		{"zero point", false, func(r *Result) table.Cell { return zerosCell(r.zeros) }},
		{"MAE", false, func(r *Result) table.Cell { return table.Precise(r.MAE) }},
		{rowRMSE, false, func(r *Result) table.Cell { return table.Precise(r.RMSE) }},
		{"max error", false, func(r *Result) table.Cell { return table.Precise(r.MaxError) }},
		{"SQNR, dB", false, func(r *Result) table.Cell { return table.Decibels(r.SQNR, 3) }},
		{"clipped", false, func(r *Result) table.Cell { return table.Count(r.Clipped) }},
		{"payload, bytes", true, func(r *Result) table.Cell { return table.Count(r.Memory.Payload) }},
		{"metadata, bytes", true, func(r *Result) table.Cell { return table.Count(r.Memory.Metadata) }},
		{"bytes", false, func(r *Result) table.Cell { return table.Count(r.Memory.Total) }},
		{"of float32", false, func(r *Result) table.Cell { return table.Percent(text.Share(r.Memory.Total, 4*t.Elements)) }},
		{"gain in RMSE", true, func(r *Result) table.Cell {
			if r.Gain == nil {
				return none
			}
			return table.Factor(r.Gain.RMSEFactor)
		}},
		{"gain in SQNR, dB", true, func(r *Result) table.Cell {
			if r.Gain == nil {
				return none
			}
			return table.Cell{Text: text.Signed(r.Gain.SQNR, 3), Exact: text.Exact(r.Gain.SQNR)}
		}},
	}
	if t.Results[0].Weighted != nil {
		rows = slices.Insert(rows, 6,
			schemeRow{"weighted RMSE", false, func(r *Result) table.Cell { return table.Precise(r.Weighted.RMSE) }},
			schemeRow{"weighted SQNR, dB", false, func(r *Result) table.Cell { return table.Decibels(r.Weighted.SQNR, 3) }})
	}
	tab := &table.Table{Columns: table.Texts("scheme")}
	for _, r := range t.Results {
		tab.Columns = append(tab.Columns, table.Numbers("", r.Scheme.Label())...)
	}
	for _, row := range rows {
		cells := []table.Cell{table.Text(row.label)}
		for i := range t.Results {
			c := row.cell(&t.Results[i])
			c.Best = row.label == rowRMSE && i == t.Best
			cells = append(cells, c)
		}
		tab.Rows = append(tab.Rows, table.Row{Cells: cells, Detail: row.detail})
	}
	return tab
}

// rowRMSE is the row of a SchemeTable whose best cell is marked.
const rowRMSE = "RMSE"

// scalesCell has the least and the greatest of several scales, or the only one.
func scalesCell(scales [2]float32) table.Cell {
	c := table.Cell{Short: text.Span(scales[:], text.Scale)}
	first, last := text.Digits(scales[0], 6), text.Digits(scales[1], 6)
	if scales[0] == scales[1] {
		c.Text, c.Exact = first, text.ExactFloat(scales[0])
	} else {
		c.Text = first + " … " + last
	}
	return c
}

// zerosCell is scalesCell for zero points.
func zerosCell(zeros [2]int32) table.Cell {
	c := table.Cell{Short: text.Span(zeros[:], text.ZeroPoint)}
	first, last := text.ZeroPoint(zeros[0]), text.ZeroPoint(zeros[1])
	if zeros[0] == zeros[1] {
		c.Text, c.Exact = first, first
	} else {
		c.Text = first + " … " + last
	}
	return c
}

// ChannelTable has a row for each channel. If there are many, it has only the worst, unless all
// is true.
func (t *Tensor) ChannelTable(all bool) *table.Table {
	index := t.channelOrder(all)
	short := heads(t.Results)
	tab := &table.Table{Columns: slices.Concat(
		table.Numbers("", "channel", "min", "max"), table.Numbers("per channel", "scale", "zero point"),
		table.Numbers("RMSE per", short...), table.Numbers("max error per", short...), table.Numbers("SQNR, dB", short...),
		table.Numbers("", "gain"))}
	for i := range tab.Columns {
		c := &tab.Columns[i]
		c.Detail = c.Group == "per channel" || c.Group == "max error per"
	}
	// Very large and very small numbers may leave no room for the SQNR.
	for k := range t.Results {
		tab.Pressed = append(tab.Pressed, 5+2*len(t.Results)+k)
	}
	if len(index) < t.Channels {
		tab.Note = fmt.Sprintf("The %d worst of %s channels, by RMSE per tensor.", len(index), text.Count(t.Channels))
	}
	for _, i := range index {
		tab.Add(t.channelCells(i)...)
	}
	return tab
}

// channelCells are the row of the channel at a place in the results.
func (t *Tensor) channelCells(i int) []table.Cell {
	c := t.Results[0].Channels[i]
	scale, zero := t.params(t.main(), i)
	row := []table.Cell{
		indexCell(t.channel(i)), table.Float(c.Min), table.Float(c.Max), table.Float(text.Float(scale[0])), indexCell(int(zero[0])),
	}
	lowest := 0
	for k, r := range t.Results {
		if r.Channels[i].RMSE < t.Results[lowest].Channels[i].RMSE {
			lowest = k
		}
	}
	for k, r := range t.Results {
		x := table.Measure(r.Channels[i].RMSE)
		x.Best = k == lowest
		row = append(row, x)
	}
	for _, r := range t.Results {
		row = append(row, table.Measure(r.Channels[i].MaxError))
	}
	for _, r := range t.Results {
		row = append(row, table.Decibels(r.Channels[i].SQNR, 1))
	}
	factor := text.Number(1)
	if own := t.main().Channels[i].RMSE; own != c.RMSE {
		factor = c.RMSE / own
	}
	return append(row, table.Factor(factor))
}

// channelOrder lists the places of the channels of a table: all in their order, or, if there are
// many, the worst under the scheme per tensor.
func (t *Tensor) channelOrder(all bool) []int {
	index := upTo(t.listed())
	if all || len(index) <= listedChannels {
		return index
	}
	base := t.Results[0].Channels
	slices.SortStableFunc(index, func(a, b int) int { return cmp.Compare(base[b].RMSE, base[a].RMSE) })
	return index[:listedChannels]
}

// codesOf lists the codes and the reconstructed values of a result.
func codesOf(r *Result) (codes, values []string) {
	for _, q := range r.Codes {
		codes = append(codes, strconv.Itoa(int(q)))
	}
	for _, x := range r.Reconstructed {
		values = append(values, text.Digits(x, 4))
	}
	return codes, values
}
