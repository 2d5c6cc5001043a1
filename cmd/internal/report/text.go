package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// TextOptions say how WriteText writes.
type TextOptions struct {
	Color    bool   // whether w takes the escape sequences of a terminal
	Columns  int    // of the terminal; 0 if there is none
	Channels bool   // whether all channels of large tensors are listed
	Worst    *int   // of a model, how many of the worst weights to list; nil for what suits it
	Note     string // what to add to the name of the source
}

// worst is how many channels of a larger tensor are listed.
const worst = 20

// Of a model of more than fewTensors, the worst weights are listed instead of a
// section for each.
const (
	fewTensors = 4
	worstOf    = 5
)

// WriteText writes r for a terminal.
func WriteText(w io.Writer, r *Report, o TextOptions) error {
	p := newPrinter(w, o.Color, o.Columns)
	source := Clean(r.Source)
	if o.Note != "" {
		source += " (" + o.Note + ")"
	}
	p.line(bold, shorten(source, p.columns))
	p.paragraph(dim, r.Options.About())
	if r.Summary.Compared > 1 {
		p.WriteByte('\n')
		r.writeSummary(p)
	}
	r.writeSkipped(p, true)
	sections := o.Channels || o.Worst == nil && len(r.Tensors) <= fewTensors || len(r.Tensors) == 1
	if !sections {
		n := worstOf
		if o.Worst != nil {
			n = *o.Worst
		}
		r.writeWorst(p, n)
	}
	r.writeSkipped(p, false)
	for i := range r.Tensors {
		if sections {
			p.WriteByte('\n')
			r.writeTensor(p, &r.Tensors[i], o)
		}
	}
	return p.Flush()
}

// About describes the options in a line.
func (o Options) About() string {
	sign := "signed"
	if o.Unsigned {
		sign = "unsigned"
	}
	s := fmt.Sprintf("%d-bit %s codes, %s mapping", o.Bits, sign, o.Mapping)
	if o.NarrowRange {
		s += ", narrow range"
	}
	if o.ZeroInRange {
		s += ", zero in range"
	}
	return s + o.methodText()
}

// methodText names the method that chooses ranges, if it is not the usual one.
func (o Options) methodText() string {
	if o.Method == "" || o.Method == methodMinMax {
		return ""
	}
	return ", method " + o.Method
}

// best is the style of a number that may be the best of its kind.
func best(is bool) style {
	if is {
		return green
	}
	return plain
}

// writeSkipped lists what was not compared: what failed, as that wants doing
// something about, or what was not meant to be.
func (r *Report) writeSkipped(p *printer, failed bool) {
	t := &table{left: 4, head: []string{"failed", "type", "shape", "because"}}
	if !failed {
		t.head[0] = "skipped"
	}
	seen := map[string]int{}
	for _, s := range r.Skipped {
		if s.Failed == failed {
			seen[s.Reason]++
		}
	}
	listed := map[string]int{}
	for _, s := range r.Skipped {
		if s.Failed != failed {
			continue
		}
		name := Clean(s.Name)
		listed[s.Reason]++
		// Of many for the same reason, the first few stand for all.
		if n := seen[s.Reason]; !failed && n > manyAlike {
			switch rest := n - fewAlike; {
			case listed[s.Reason] == fewAlike+1:
				t.rows = append(t.rows, []cell{{fmt.Sprintf("and %s more", count(int64(rest))), dim}, {"", dim}, {"", dim}, {shorten(Clean(s.Reason), 40), dim}})
				continue
			case listed[s.Reason] > fewAlike:
				continue
			}
		}
		row := []cell{{name, dim}, {Clean(s.DType), dim}, {shorten(shapeText(s.Shape), 20), dim}, {shorten(Clean(s.Reason), 40), dim}}
		if failed {
			row[0].style, row[3].style = red, red
		}
		t.rows = append(t.rows, row)
	}
	if len(t.rows) > 0 {
		p.WriteByte('\n')
		t.write(p)
	}
}

// Of more than manyAlike tensors that are skipped for the same reason, only
// fewAlike are named.
const (
	manyAlike = 8
	fewAlike  = 3
)

// About describes the tensor in a line: its shape, type, channels and groups.
func (t *Tensor) About() string {
	about := fmt.Sprintf("%s %s, %s", shapeText(t.Shape), Clean(t.DType), plural(int64(t.Channels), "channel"))
	if t.Axis != nil {
		about += fmt.Sprintf(" on axis %d", *t.Axis)
		if why := t.why(); why != "" {
			about += " (" + why + ")"
		}
	}
	if g := t.Results[len(t.Results)-1].Scheme; g.Granularity == PerGroup {
		about += fmt.Sprintf(", %s on axis %d", g.Label(), *g.Axis)
	}
	return about
}

// writeTensor writes the section of one tensor.
func (r *Report) writeTensor(p *printer, t *Tensor, o TextOptions) {
	about := t.About()
	name := Clean(t.Name)
	if width(name)+2+width(about) <= p.columns {
		p.print(bold, name)
		p.line(plain, "  "+about)
	} else {
		p.line(bold, shorten(name, p.columns))
		p.paragraph(plain, about)
	}
	p.WriteByte('\n')
	t.writeResults(p)
	p.WriteByte('\n')
	t.writeChannels(p, o.Channels)
	if r.Options.Codes {
		t.writeCodes(p)
	}
	p.WriteByte('\n')
	p.paragraph(plain, t.Verdict)
}

// writeResults writes the schemes side by side: a column for each, since a
// range of scales and one of zero points are too wide to stand in one line
// with all the rest.
func (t *Tensor) writeResults(p *printer) {
	rows := []struct {
		label string
		text  func(r *Result) string
	}{
		{"scale", func(r *Result) string { return span(r.scales[:], scaleText) }},
		{"zero point", func(r *Result) string { return span(r.zeros[:], zeroText) }},
		{"MAE", func(r *Result) string { return num(float64(r.MAE), 4) }},
		{"RMSE", func(r *Result) string { return num(float64(r.RMSE), 4) }},
		{"max error", func(r *Result) string { return num(float64(r.MaxError), 4) }},
		{"SQNR, dB", func(r *Result) string { return decibels(float64(r.SQNR)) }},
		{"clipped", func(r *Result) string { return count(int64(r.Clipped)) }},
		{"bytes", func(r *Result) string { return count(r.Memory.Total) }},
		{"of float32", func(r *Result) string { return percent(share(r.Memory.Total, 4*t.Elements)) }},
	}
	tab := &table{left: 1, head: []string{"scheme"}}
	for _, res := range t.Results {
		tab.head = append(tab.head, res.Scheme.Label())
	}
	for _, row := range rows {
		cells := []cell{{row.label, plain}}
		for i := range t.Results {
			cells = append(cells, cell{row.text(&t.Results[i]), best(row.label == "RMSE" && i == t.Best)})
		}
		tab.rows = append(tab.rows, cells)
	}
	tab.write(p)
}

// order returns the places of the channels to list: all in their order, or of many the worst
// by what the scheme per tensor does to them.
func (t *Tensor) order(all bool) []int {
	index := upTo(t.listed())
	if all || len(index) <= worst {
		return index
	}
	base := t.Results[0].Channels
	slices.SortStableFunc(index, func(a, b int) int { return cmp.Compare(base[b].RMSE, base[a].RMSE) })
	return index[:worst]
}

// writeChannels writes the breakdown by channel.
func (t *Tensor) writeChannels(p *printer, all bool) {
	index := t.order(all)
	if len(index) < t.Channels {
		p.paragraph(dim, fmt.Sprintf("The %d worst of %s channels, by RMSE per tensor (--channels lists all):",
			len(index), count(int64(t.Channels))))
	}
	n := len(t.Results)
	tab := &table{
		head:     []string{"channel", "min", "max"},
		spanners: []spanner{{3, 2 + n, "RMSE per"}, {3 + n, 2 + 2*n, "SQNR, dB"}},
	}
	for range 2 {
		for _, r := range t.Results {
			tab.head = append(tab.head, r.Scheme.short())
		}
	}
	tab.head = append(tab.head, "gain")
	for _, i := range index {
		c := t.Results[0].Channels[i]
		row := []cell{{strconv.Itoa(t.channel(i)), plain}, {fit(float64(c.Min)), plain}, {fit(float64(c.Max)), plain}}
		lowest := 0
		for k, r := range t.Results {
			if r.Channels[i].RMSE < t.Results[lowest].Channels[i].RMSE {
				lowest = k
			}
		}
		for k, r := range t.Results {
			row = append(row, cell{fit(float64(r.Channels[i].RMSE)), best(k == lowest)})
		}
		for _, r := range t.Results {
			row = append(row, cell{decibels(float64(r.Channels[i].SQNR)), plain})
		}
		factor := 1.0
		if own := float64(t.main().Channels[i].RMSE); own != float64(c.RMSE) {
			factor = float64(c.RMSE) / own
		}
		tab.rows = append(tab.rows, append(row, cell{times(factor), plain}))
	}
	tab.write(p)
}

// writeCodes writes the codes of every scheme, and what they stand for, a line
// for each row of the last axis.
func (t *Tensor) writeCodes(p *printer) {
	row := t.Shape[len(t.Shape)-1]
	for _, r := range t.Results {
		codes := make([]string, len(r.Codes))
		for i, q := range r.Codes {
			codes[i] = strconv.Itoa(int(q))
		}
		writeGrid(p, "codes "+r.Scheme.adverb(), codes, row)
		values := make([]string, len(r.Reconstructed))
		for i, x := range r.Reconstructed {
			values[i] = num(float64(x), 4)
		}
		writeGrid(p, "reconstructed "+r.Scheme.adverb(), values, row)
	}
}

// writeGrid writes words in columns, a row after the other. A row that is too
// wide goes on in the next line, further in.
func writeGrid(p *printer, title string, words []string, row int) {
	cell := 0
	for _, w := range words {
		cell = max(cell, len(w))
	}
	indent := ""
	per := (p.columns + 1) / (cell + 1)
	if per < row {
		indent = "  "
		per = (p.columns - len(indent) + 1) / (cell + 1)
	}
	p.WriteByte('\n')
	p.line(bold, title)
	for start := 0; start < len(words); start += row {
		for i, w := range words[start : start+row] {
			switch {
			case i == 0:
			case i%per == 0:
				p.WriteString("\n" + indent)
			default:
				p.WriteByte(' ')
			}
			fmt.Fprintf(p, "%*s", cell, w)
		}
		p.WriteByte('\n')
	}
}
