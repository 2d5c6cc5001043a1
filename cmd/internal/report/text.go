package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// TextOptions say how WriteText writes.
type TextOptions struct {
	Color    bool   // whether w takes the escape sequences of a terminal
	Columns  int    // of the terminal; 0 if there is none
	Channels bool   // whether all channels of large tensors are listed
	Worst    *int   // of a model, how many of the worst weights to list; nil for the default
	Note     string // what to add to the name of the source
}

// If a model has more than fewTensors tensors, there are no sections for them. The worstListed
// worst weights are listed instead, with up to worstChannels of their channels.
const (
	fewTensors    = 4
	worstListed   = 5
	worstChannels = 3
)

// WriteText writes r for a terminal.
func WriteText(w io.Writer, r *Report, o TextOptions) error {
	p := table.NewTerminal(w, o.Color, o.Columns)
	p.Title(named(r.Source, o.Note))
	p.Paragraph(table.Dim, r.Options.About())
	if r.For != nil {
		p.Paragraph(table.Plain, r.For.text())
	}
	r.writeReading(p)
	if about := r.weightedText(); about != "" {
		p.Paragraph(table.Dim, about)
	}
	sections := o.Channels || o.Worst == nil && len(r.Tensors) <= fewTensors || len(r.Tensors) == 1
	several := r.Summary.Compared > 1
	if several {
		p.Gap()
		p.Table(r.SummaryTable(false))
	}
	if !sections {
		n := worstListed
		if o.Worst != nil {
			n = *o.Worst
		}
		writeWorst(p, r, n)
	}
	writeSkipped(p, r)
	if several {
		p.Gap()
		p.Table(r.totalsTable())
		p.Blank()
		p.Paragraph(table.Plain, r.totalsText())
	}
	var layouts layoutList
	for _, t := range r.Tensors {
		layouts.add(t.Name, t.Layout, "")
	}
	for _, s := range r.Skipped {
		layouts.add(s.Name, "", s.PartOf)
	}
	layouts.write(p)
	r.writeLeftOut(p)
	writeFailed(p, r)
	if sections {
		for i := range r.Tensors {
			p.Gap()
			writeTensor(p, r, &r.Tensors[i], o)
		}
	}
	return p.Flush()
}

// named is the name of a source with a note.
func named(source, note string) string {
	if note == "" {
		return text.Clean(source)
	}
	return text.Clean(source) + " (" + note + ")"
}

// writeSkipped lists the tensors that were left out on purpose, by the reasons why.
func writeSkipped(p *table.Terminal, r *Report) {
	var all []Skipped
	for _, s := range r.Skipped {
		if !s.Failed {
			all = append(all, s)
		}
	}
	writeReasons(p, "left out", all, func(all []Skipped) string { return text.Plural(len(all), "tensor") },
		func(s Skipped) string { return s.Reason }, func(s Skipped) string { return s.Name })
}

// writeFailed lists the tensors that failed, each with its reason.
func writeFailed(p *table.Terminal, r *Report) {
	if t := r.failedTable(); len(t.Rows) > 0 {
		p.Gap()
		p.Table(t)
	}
}

// writeWorst names the weights, and the channels of each, that lose most.
func writeWorst(p *table.Terminal, r *Report, n int) {
	if n <= 0 {
		return
	}
	p.Gap()
	p.Paragraph(table.Bold, fmt.Sprintf("The worst %s by SQNR per channel, with the channels that suffer most:", text.Plural(min(n, len(r.Tensors)), "weight")))
	p.Blank()
	p.Table(r.WorstTable(n, worstChannels))
	p.Blank()
	p.Paragraph(table.Dim, "--tensor NAME shows all about one weight, --worst N lists more of them.")
}

// writeTensor writes the section of one tensor.
func writeTensor(p *table.Terminal, r *Report, t *Tensor, o TextOptions) {
	about := t.About()
	name := text.Clean(t.Name)
	if text.Width(name)+2+text.Width(about) <= p.Columns {
		p.Print(table.Bold, name)
		p.Line(table.Plain, "  "+about)
	} else {
		p.Title(name)
		p.Paragraph(table.Plain, about)
	}
	p.Blank()
	p.Table(t.SchemeTable())
	p.Blank()
	channels := t.ChannelTable(o.Channels)
	if channels.Note != "" {
		p.Paragraph(table.Dim, strings.TrimSuffix(channels.Note, ".")+" (--channels lists all):")
	}
	p.Table(channels)
	if r.Options.Codes {
		row := t.Shape[len(t.Shape)-1]
		for i := range t.Results {
			codes, values := codesOf(&t.Results[i])
			p.Grid("codes "+t.Results[i].Scheme.adverb(), codes, row)
			p.Grid("reconstructed "+t.Results[i].Scheme.adverb(), values, row)
		}
	}
	p.Blank()
	p.Paragraph(table.Plain, t.Verdict)
}
