package report

import (
	"fmt"
	"io"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// mostSections is the greatest number of tensors that get a section each in Markdown.
const mostSections = 40

// WriteMarkdown writes r as tables of GitHub's Markdown. If a tensor has many channels, only the
// worst are listed, unless channels is true.
func WriteMarkdown(w io.Writer, r *Report, channels bool, o Origin) error {
	m := table.NewMarkdown(w)
	writeMarkdown(m, r, channels)
	if made := o.String(); made != "" {
		m.Paragraph("---")
		m.Paragraph(table.Literal(made) + ".")
	}
	return m.Flush()
}

func writeMarkdown(m *table.Markdown, r *Report, channels bool) {
	m.Heading(1, "Quantization of "+Title(r.Source))
	m.Paragraph(r.Options.About() + ".")
	if r.For != nil {
		m.Paragraph(table.Literal(r.For.text()))
	}
	for _, s := range r.Sentences() {
		m.Paragraph(table.Literal(s))
	}
	if r.Summary.Compared > 1 {
		m.Heading(2, "Summary")
		m.Table(r.SummaryTable(false))
		m.Heading(2, "Totals")
		m.Table(r.totalsTable())
		m.Paragraph(table.Literal(r.totalsText()))
		if about := r.weightedText(); about != "" {
			m.Paragraph(table.Literal(about))
		}
		m.Heading(2, "The channels that suffer most")
		m.Table(r.WorstTable(worstListed, worstChannels))
	}
	if t := r.SkippedTable(); t != nil {
		m.Heading(2, "Not compared")
		m.Table(t)
	}
	if t := r.LeftOutTable(); t != nil {
		m.Heading(2, "Not tensors")
		m.Table(t)
	}
	if len(r.Tensors) > mostSections && !channels {
		m.Paragraph(fmt.Sprintf("Sections of all %s follow with `--channels`, or of one with `--tensor`.", text.Plural(len(r.Tensors), "tensor")))
		return
	}
	for i := range r.Tensors {
		t := &r.Tensors[i]
		m.Heading(2, t.Name)
		m.Paragraph(table.Literal(t.About()) + ".")
		m.Table(t.SchemeTable())
		m.Paragraph(t.Verdict)
		m.Table(t.ChannelTable(channels))
	}
}
