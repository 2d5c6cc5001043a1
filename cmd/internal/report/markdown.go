package report

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteMarkdown writes r as tables of GitHub's Markdown. Of a tensor with many
// channels the worst are listed unless channels is true.
func WriteMarkdown(w io.Writer, r *Report, channels bool) error {
	m := &markdown{bufio.NewWriter(w)}
	m.printf("# Quantization of %s\n\n%s.\n", literal(r.Source), r.Options.About())
	if r.Summary.Compared > 1 {
		m.summary(r)
	}
	if t := r.SkippedTable(); t != nil {
		m.printf("\n## Not compared\n\n")
		m.head("Tensor", "Type", "Shape", "-Reason")
		for _, row := range t.Rows {
			m.row(literal(row[0].Text), literal(row[1].Text), row[2].Text, literal(row[3].Text))
		}
	}
	if len(r.Tensors) > mostSections && !channels {
		m.printf("\nSections of all %s follow with `--channels`, or of one with `--tensor`.\n", plural(int64(len(r.Tensors)), "tensor"))
		return m.Flush()
	}
	for i := range r.Tensors {
		m.tensor(&r.Tensors[i], channels)
	}
	return m.Flush()
}

// mostSections is up to how many tensors have a section each.
const mostSections = 40

// A markdown writes tables; errors stay in the bufio.Writer until it is flushed.
type markdown struct{ *bufio.Writer }

func (m *markdown) printf(format string, args ...any) { fmt.Fprintf(m, format, args...) }

// head begins a table. A name that begins with a hyphen, and the first, are
// flush left.
func (m *markdown) head(names ...string) {
	rule := "|"
	for i, n := range names {
		if i == 0 || n[0] == '-' {
			rule += ":---|"
			names[i] = strings.TrimPrefix(n, "-")
		} else {
			rule += "---:|"
		}
	}
	m.row(names...)
	m.printf("%s\n", rule)
}

func (m *markdown) row(cells ...string) { m.printf("| %s |\n", strings.Join(cells, " | ")) }

func (m *markdown) summary(r *Report) {
	m.printf("\n## Summary\n\n")
	head := []string{"Tensor", "Shape", "Axis"}
	first := r.Tensors[0].Results
	for _, res := range first {
		head = append(head, "RMSE "+res.Scheme.Label())
	}
	for _, res := range first {
		head = append(head, "SQNR "+res.Scheme.Label()+", dB")
	}
	for _, res := range first[1:] {
		head = append(head, "Gain "+res.Scheme.Label())
	}
	for _, res := range first {
		head = append(head, "Clipped "+res.Scheme.Label())
	}
	for _, res := range first {
		head = append(head, "Bytes "+res.Scheme.Label())
	}
	m.head(head...)
	for _, i := range r.Order() {
		t := &r.Tensors[i]
		row := []string{literal(t.Name), shapeText(t.Shape), literal(t.UseText())}
		for _, res := range t.Results {
			row = append(row, num(float64(res.RMSE), 4))
		}
		for _, res := range t.Results {
			row = append(row, decibels(float64(res.SQNR)))
		}
		for _, res := range t.Results[1:] {
			row = append(row, times(float64(res.Gain.RMSEFactor)))
		}
		for _, res := range t.Results {
			row = append(row, count(int64(res.Clipped)))
		}
		for _, res := range t.Results {
			row = append(row, count(res.Memory.Total))
		}
		m.row(row...)
	}
	m.printf("\n## Totals\n\n")
	m.head("Scheme", "Bytes", "Of float32", "Bits per weight", "SQNR, dB", "Mean SQNR, dB", "Clipped")
	s := r.Summary
	for k, t := range s.Totals {
		m.row(first[k].Scheme.Label(), count(t.Memory.Total), percent(share(t.Memory.Total, s.Float32Bytes)),
			num(float64(t.BitsPerWeight), 3), decibels(float64(t.SQNR)), decibels(float64(t.MeanSQNR)), count(t.Clipped))
	}
	m.printf("\n## The channels that suffer most\n\n")
	table := r.WorstTable(worstOf, worstChannels)
	head = nil
	for i, h := range table.Head {
		for _, span := range table.Spans {
			if i >= span.From && i <= span.To && span.Text != "range" {
				h = span.Text + " per " + h
			}
		}
		head = append(head, h)
	}
	m.head(head...)
	for _, row := range table.Rows {
		cells := []string{literal(row[0].Text)}
		for _, c := range row[1:] {
			cells = append(cells, c.Text)
		}
		m.row(cells...)
	}
}

func (m *markdown) tensor(t *Tensor, all bool) {
	m.printf("\n## %s\n\n%s %s, %s", literal(t.Name), shapeText(t.Shape), literal(t.DType), plural(int64(t.Channels), "channel"))
	if t.Axis != nil {
		m.printf(" on axis %d", *t.Axis)
	}
	m.printf(".\n\n")
	m.head("Scheme", "Scale", "Zero point", "MAE", "RMSE", "Max error", "SQNR, dB", "Clipped", "Bytes")
	for _, r := range t.Results {
		m.row(r.Scheme.Label(), span(r.Scale, scaleText), span(r.ZeroPoint, zeroText),
			num(float64(r.MAE), 4), num(float64(r.RMSE), 4), num(float64(r.MaxError), 4),
			decibels(float64(r.SQNR)), count(int64(r.Clipped)), count(r.Memory.Total))
	}
	m.printf("\n%s\n\n", t.Verdict)

	index := t.order(all)
	if len(index) < t.Channels {
		m.printf("The %d worst of %s channels, by RMSE per tensor:\n\n", len(index), count(int64(t.Channels)))
	}
	head := []string{"Channel", "Min", "Max"}
	for _, r := range t.Results {
		label := r.Scheme.Label()
		head = append(head, "RMSE "+label, "Max error "+label, "SQNR, dB")
	}
	m.head(head...)
	for _, i := range index {
		c := t.Results[0].Channels[i]
		row := []string{strconv.Itoa(i), num(float64(c.Min), 4), num(float64(c.Max), 4)}
		for _, r := range t.Results {
			c := r.Channels[i]
			row = append(row, num(float64(c.RMSE), 4), num(float64(c.MaxError), 4), decibels(float64(c.SQNR)))
		}
		m.row(row...)
	}
}

// literal returns a text from a file so that Markdown shows it as it is.
func literal(s string) string {
	var b strings.Builder
	for _, r := range Clean(s) {
		if strings.ContainsRune("\\`*_{}[]<>()#+!|~&$", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
