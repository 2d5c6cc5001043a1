package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// A Table is a table of a report for people, for whoever lays it out: in a
// document, on a page. Text in it is Clean.
type Table struct {
	Spans []Span // headings over several columns
	Head  []string
	Left  int // so many columns are text; those after it are numbers
	Rows  [][]Cell
	Sum   []Cell // a last row for what all come to; nil for none
	Note  string // what rows there are, if not all
}

// A Span is a heading over columns From to To.
type Span struct {
	From, To int
	Text     string
}

// A Cell is a number or a text of a table.
type Cell struct {
	Text string

	// Exact is a number in full precision, as JSON has it: to sort by and to
	// copy. It is empty for text, and for a number that is not finite.
	Exact string

	Best bool // the least error of a row
}

// digits is how many significant ones tables show.
const (
	digits        = 6
	channelDigits = 4
)

func textCell(s string) Cell { return Cell{Text: Clean(s)} }

func intCell(n int64) Cell { return Cell{Text: count(n), Exact: strconv.FormatInt(n, 10)} }

func numberCell(x Number, digits int) Cell {
	return Cell{Text: num(float64(x), digits), Exact: exact(x)}
}

func floatCell(x Float, digits int) Cell {
	return Cell{Text: num(float64(x), digits), Exact: exactFloat(float32(x))}
}

func decibelCell(x Number, decimals int) Cell {
	c := Cell{Text: decibels(float64(x)), Exact: exact(x)}
	if c.Exact != "" {
		c.Text = strconv.FormatFloat(float64(x), 'f', decimals, 64)
	}
	return c
}

// Inputs lists what was compared and how, as names and what they are.
func (r *Report) Inputs() [][2]string {
	o := r.Options
	codes := fmt.Sprintf("%d bits, signed", o.Bits)
	if o.Unsigned {
		codes = fmt.Sprintf("%d bits, unsigned", o.Bits)
	}
	mapping := o.Mapping
	if o.NarrowRange {
		mapping += ", narrow range"
	}
	if o.ZeroInRange {
		mapping += ", zero in range"
	}
	mapping += o.methodText()
	in := [][2]string{{"Source", Clean(r.Source)}, {"Codes", codes}, {"Mapping", mapping}, {"Channels", o.axisText()}}
	if o.GroupSize > 0 {
		groups := fmt.Sprintf("of %d, along the longest other axis", o.GroupSize)
		if o.GroupAxis != nil {
			groups = fmt.Sprintf("of %d, along axis %d", o.GroupSize, *o.GroupAxis)
		}
		in = append(in, [2]string{"Groups", groups})
	}
	s := r.Summary
	tensors := count(int64(s.Compared)) + " compared"
	if s.Skipped > 0 {
		tensors += fmt.Sprintf(", %s skipped", count(int64(s.Skipped)))
	}
	if s.Failed > 0 {
		tensors += fmt.Sprintf(", %s failed", count(int64(s.Failed)))
	}
	if len(o.Tensors) > 0 {
		tensors += ", named " + Clean(quoted(o.Tensors, " or "))
	}
	in = append(in, [2]string{"Tensors", tensors})
	if s.Compared > 1 {
		for k, t := range s.Totals {
			in = append(in, [2]string{upper(r.Tensors[0].Results[k].Scheme.Label()), fmt.Sprintf("%s, %s bits per weight, %s smaller than float32, SQNR %s",
				plural(t.Memory.Total, "byte"), num(float64(t.BitsPerWeight), 3), times(float64(t.Compression)), withUnit(t.SQNR))})
		}
	}
	if len(r.Tensors) == 1 {
		in = append(in, [2]string{"Tensor", Clean(r.Tensors[0].Name) + ", " + r.Tensors[0].About()})
	}
	return append(in,
		[2]string{"Values", fmt.Sprintf("%s, as float32 %s", count(s.Elements), plural(s.Float32Bytes, "byte"))})
}

// axisText says where the axis of the channels comes from.
func (o Options) axisText() string {
	if o.Axis == nil {
		return "on the axis that the operator of the file has, or else on axis 0"
	}
	return fmt.Sprintf("axis %d", *o.Axis)
}

// upper begins a label with a capital letter.
func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// withUnit writes a ratio in dB with its unit, or "exact".
func withUnit(x Number) string {
	if math.IsInf(float64(x), 0) {
		return decibels(float64(x))
	}
	return decibels(float64(x)) + " dB"
}

// Verdict is one sentence about the whole report.
func (r *Report) Verdict() string {
	if len(r.Tensors) == 1 {
		return r.Tensors[0].Verdict
	}
	better := 0
	for _, t := range r.Tensors {
		if float64(t.main().Gain.RMSEFactor) > 1+same {
			better++
		}
	}
	best := &r.Tensors[r.Summary.ByGain[0]]
	base, own := r.Summary.Totals[0].Memory.Total, r.Summary.Totals[1].Memory.Total
	cost := fmt.Sprintf("%s more (+%s)", plural(own-base, "byte"), percent(share(own-base, base)))
	if better == 0 {
		return fmt.Sprintf("Per-channel lowers the RMSE of none of %d tensors, for %s.", len(r.Tensors), cost)
	}
	return fmt.Sprintf("Per-channel lowers the RMSE of %d of %d tensors, at best by a factor of %s (%s), for %s.",
		better, len(r.Tensors), num(float64(best.main().Gain.RMSEFactor), 3), Clean(best.Name), cost)
}

// SummaryTable has a row for each tensor, in the order of Sort. If short is
// true, what all names begin and end with is in its Note and not in the rows.
func (r *Report) SummaryTable(short bool) *Table {
	var names []string
	for _, t := range r.Tensors {
		names = append(names, t.Name)
	}
	prefix, suffix := "", ""
	if short {
		prefix, suffix = common(names)
	}
	results := r.Tensors[0].Results
	n := len(results)
	t := &Table{Left: 3, Head: []string{"tensor", "shape", "axis"}}
	if left := without(prefix, suffix); left != "" {
		t.Note = "Names are without " + left + "."
	}
	over := func(text string, results []Result) {
		if len(results) > 1 {
			t.Spans = append(t.Spans, Span{len(t.Head), len(t.Head) + len(results) - 1, text})
			text = ""
		}
		for _, res := range results {
			if text == "" {
				t.Head = append(t.Head, res.Scheme.short())
			} else {
				t.Head = append(t.Head, text)
			}
		}
	}
	over("RMSE", results)
	over("SQNR, dB", results)
	over("gain", results[1:])
	clipped := results
	if n > 2 {
		clipped = results[1:2] // names need the room
	}
	over("clipped", clipped)
	over("bytes", results)
	for _, i := range r.Order() {
		x := &r.Tensors[i]
		name := strings.TrimSuffix(strings.TrimPrefix(x.Name, prefix), suffix)
		row := []Cell{textCell(name), textCell(shapeText(x.Shape)), {Text: x.UseText()}}
		for k, res := range x.Results {
			c := numberCell(res.RMSE, channelDigits)
			c.Best = k == x.Best
			row = append(row, c)
		}
		for _, res := range x.Results {
			row = append(row, decibelCell(res.SQNR, 1))
		}
		for _, res := range x.Results[1:] {
			row = append(row, gainCell(res.Gain.RMSEFactor))
		}
		for k, res := range x.Results {
			if k == 1 || n == len(clipped) {
				row = append(row, intCell(int64(res.Clipped)))
			}
		}
		for _, res := range x.Results {
			row = append(row, intCell(res.Memory.Total))
		}
		t.Rows = append(t.Rows, row)
	}
	sum := []Cell{{Text: "all together"}, {}, {}}
	sum = append(sum, make([]Cell, n)...)
	for _, total := range r.Summary.Totals {
		sum = append(sum, decibelCell(total.SQNR, 1))
	}
	sum = append(sum, make([]Cell, n-1)...)
	for k, total := range r.Summary.Totals {
		if k == 1 || n == len(clipped) {
			sum = append(sum, intCell(total.Clipped))
		}
	}
	for _, total := range r.Summary.Totals {
		sum = append(sum, intCell(total.Memory.Total))
	}
	t.Sum = sum
	return t
}

// WorstTable names the n worst tensors by SQNR per channel, and of each the
// channels that suffer most.
func (r *Report) WorstTable(n, channels int) *Table {
	results := r.Tensors[0].Results
	m := len(results)
	t := &Table{Left: 1, Head: []string{"tensor", "channel", "min", "max"},
		Spans: []Span{{2, 3, "range"}, {4, 3 + m, "RMSE"}, {4 + m, 3 + 2*m, "SQNR, dB"}}}
	for range 2 {
		for _, res := range results {
			t.Head = append(t.Head, res.Scheme.short())
		}
	}
	for _, s := range r.WorstTensors(n, channels) {
		x := &r.Tensors[s.Tensor]
		add := func(channel Cell, lo, hi Float, of func(k int) Metrics) {
			row := []Cell{textCell(x.Name), channel, floatCell(lo, channelDigits), floatCell(hi, channelDigits)}
			for k := range x.Results {
				row = append(row, numberCell(of(k).RMSE, channelDigits))
			}
			for k := range x.Results {
				row = append(row, decibelCell(of(k).SQNR, 1))
			}
			t.Rows = append(t.Rows, row)
		}
		add(Cell{Text: "all"}, x.Min, x.Max, func(k int) Metrics { return x.Results[k].Metrics })
		for _, c := range s.Channels {
			ch := x.main().Channels[c]
			add(intCell(int64(x.channel(c))), ch.Min, ch.Max, func(k int) Metrics { return x.Results[k].Channels[c].Metrics })
		}
	}
	return t
}

func gainCell(x Number) Cell { return Cell{Text: times(float64(x)), Exact: exact(x)} }

// SkippedTable lists what was not compared, failures first; nil if all was.
func (r *Report) SkippedTable() *Table {
	if len(r.Skipped) == 0 {
		return nil
	}
	t := &Table{Left: 4, Head: []string{"tensor", "type", "shape", "not compared because"}}
	seen, listed := map[string]int{}, map[string]int{}
	for _, s := range r.Skipped {
		seen[s.Reason]++
	}
	for _, failed := range []bool{true, false} {
		for _, s := range r.Skipped {
			if s.Failed != failed {
				continue
			}
			reason := s.Reason
			if failed {
				reason = "failed: " + reason
			} else if n := seen[s.Reason]; n > manyAlike {
				// As in the text: of many for the same reason, a few stand for all.
				listed[s.Reason]++
				if listed[s.Reason] == fewAlike+1 {
					t.Rows = append(t.Rows, []Cell{{Text: fmt.Sprintf("and %s more", count(int64(n-fewAlike)))}, {}, {}, textCell(reason)})
				}
				if listed[s.Reason] > fewAlike {
					continue
				}
			}
			t.Rows = append(t.Rows, []Cell{textCell(s.Name), textCell(s.DType), textCell(shapeText(s.Shape)), textCell(reason)})
		}
	}
	return t
}

// SchemeTable has the schemes side by side, a column for each.
func (t *Tensor) SchemeTable() *Table {
	rows := []struct {
		label string
		cell  func(r *Result) Cell
	}{
		{"scale", func(r *Result) Cell { return spanCell(r.scales[:], scaleCell) }},
		{"zero point", func(r *Result) Cell { return spanCell(r.zeros[:], zeroCell) }},
		{"MAE", func(r *Result) Cell { return numberCell(r.MAE, digits) }},
		{"RMSE", func(r *Result) Cell { return numberCell(r.RMSE, digits) }},
		{"max error", func(r *Result) Cell { return numberCell(r.MaxError, digits) }},
		{"SQNR, dB", func(r *Result) Cell { return decibelCell(r.SQNR, 3) }},
		{"clipped", func(r *Result) Cell { return intCell(int64(r.Clipped)) }},
		{"payload, bytes", func(r *Result) Cell { return intCell(r.Memory.Payload) }},
		{"metadata, bytes", func(r *Result) Cell { return intCell(r.Memory.Metadata) }},
		{"total, bytes", func(r *Result) Cell { return intCell(r.Memory.Total) }},
		{"compression of float32", func(r *Result) Cell { return gainCell(Number(float64(4*t.Elements) / float64(r.Memory.Total))) }},
		{"gain in RMSE", func(r *Result) Cell {
			if r.Gain == nil {
				return Cell{Text: "–"}
			}
			return gainCell(r.Gain.RMSEFactor)
		}},
		{"gain in SQNR, dB", func(r *Result) Cell {
			if r.Gain == nil {
				return Cell{Text: "–"}
			}
			return Cell{Text: signed(float64(r.Gain.SQNR), 3), Exact: exact(r.Gain.SQNR)}
		}},
	}
	tab := &Table{Left: 1, Head: []string{"scheme"}}
	for _, r := range t.Results {
		tab.Head = append(tab.Head, r.Scheme.Label())
	}
	for _, row := range rows {
		cells := []Cell{{Text: row.label}}
		for i := range t.Results {
			c := row.cell(&t.Results[i])
			c.Best = row.label == "RMSE" && i == t.Best
			cells = append(cells, c)
		}
		tab.Rows = append(tab.Rows, cells)
	}
	return tab
}

func scaleCell(x float32) Cell { return floatCell(Float(x), digits) }
func zeroCell(z int32) Cell    { return Cell{Text: zeroText(z), Exact: zeroText(z)} }

// spanCell is one value, or the least and the greatest of several.
func spanCell[T int32 | float32](values []T, cell func(T) Cell) Cell {
	lo, hi := minMax(values)
	a, b := cell(lo), cell(hi)
	if lo == hi {
		return a
	}
	return Cell{Text: a.Text + " … " + b.Text}
}

// ChannelTable has a row for each channel, or of many for the worst only
// unless all is true.
func (t *Tensor) ChannelTable(all bool) *Table {
	n := len(t.Results)
	index := t.order(all)
	tab := &Table{
		Head: []string{"channel", "min", "max", "scale", "zero point"},
		Spans: []Span{
			{1, 2, "range"}, {3, 4, "per channel"},
			{5, 4 + n, "RMSE"}, {5 + n, 4 + 2*n, "max error"}, {5 + 2*n, 4 + 3*n, "SQNR, dB"},
		},
	}
	if len(index) < t.Channels {
		tab.Note = fmt.Sprintf("The %d worst of %s channels, by RMSE per tensor.", len(index), count(int64(t.Channels)))
	}
	for range 3 {
		for _, r := range t.Results {
			tab.Head = append(tab.Head, r.Scheme.short())
		}
	}
	tab.Head = append(tab.Head, "gain")
	for _, i := range index {
		c := t.Results[0].Channels[i]
		scale, zero := t.params(t.main(), i)
		row := []Cell{
			{Text: strconv.Itoa(t.channel(i)), Exact: strconv.Itoa(t.channel(i))},
			floatCell(c.Min, channelDigits), floatCell(c.Max, channelDigits),
			floatCell(Float(scale[0]), channelDigits), zeroCell(zero[0]),
		}
		lowest := 0
		for k, r := range t.Results {
			if r.Channels[i].RMSE < t.Results[lowest].Channels[i].RMSE {
				lowest = k
			}
		}
		for k, r := range t.Results {
			x := numberCell(r.Channels[i].RMSE, channelDigits)
			x.Best = k == lowest
			row = append(row, x)
		}
		for _, r := range t.Results {
			row = append(row, numberCell(r.Channels[i].MaxError, channelDigits))
		}
		for _, r := range t.Results {
			row = append(row, decibelCell(r.Channels[i].SQNR, 1))
		}
		factor := Number(1)
		if own := t.main().Channels[i].RMSE; own != c.RMSE {
			factor = c.RMSE / own
		}
		tab.Rows = append(tab.Rows, append(row, gainCell(factor)))
	}
	return tab
}

// Glossary explains what tables show.
var Glossary = [][2]string{
	{"scale, zero point", "a code q stands for the value (q − zero point) · scale"},
	{"MAE", "mean absolute error: the mean of |x′ − x| over the values x and what comes back of them, x′"},
	{"RMSE", "root mean squared error: √ of the mean of (x′ − x)²; large errors weigh more than in the MAE"},
	{"max error", "the largest |x′ − x|"},
	{"SQNR", "signal to quantization noise ratio: 10 · log10 of Σx² / Σ(x′ − x)², in decibels; 6 dB more halve the RMSE"},
	{"clipped", "values whose code had to be moved into the range of codes"},
	{"gain", "the RMSE per tensor divided by that of the other scheme: above 1 is better"},
	{"metadata", "8 bytes for each pair of a scale (float32) and a zero point (int32)"},
}
