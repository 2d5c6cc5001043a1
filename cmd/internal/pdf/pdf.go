// Package pdf writes a report as a PDF with the options, the verdict, tables over several
// pages, and graphs as vectors.
package pdf

import (
	"fmt"
	"io"
	"slices"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"gonum.org/v1/plot/vg"

	"github.com/a01592f9/quant/cmd/internal/plot"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/cmd/internal/typeface"
)

// Options say how Write writes.
type Options struct {
	Channels bool // whether all channels of large tensors are listed
	Full     bool // whether every tensor of a model has a section, and a row in a graph
	Origin   report.Origin
}

// Write writes r with the graphs of the given tensors, see report.Details. For a model it draws
// the graphs of tensors only with Options.Full. The same report and options give the same
// bytes.
func Write(w io.Writer, r *report.Report, details []*report.Detail, o Options) error {
	// The first pass counts the pages, and the second one numbers them.
	first := compose(r, details, o, 0)
	if err := first.Error(); err != nil {
		return fmt.Errorf("pdf: %w", err)
	}
	doc := compose(r, details, o, first.PageCount())
	if err := doc.Error(); err != nil {
		return fmt.Errorf("pdf: %w", err)
	}
	return doc.Output(w)
}

// compose returns the document. pages is the number of pages that it will have.
func compose(r *report.Report, details []*report.Detail, o Options, pages int) *writer {
	doc := &writer{Fpdf: fpdf.New("P", "pt", "A4", "")}
	// Only Origin may depend on the place and the time of writing.
	date := time.Unix(0, 0)
	if !o.Origin.Date.IsZero() {
		date = o.Origin.Date
	}
	doc.SetCatalogSort(true)
	doc.SetCreationDate(date.UTC())
	doc.SetModificationDate(date.UTC())
	doc.SetProducer("quant", true)
	doc.SetCreator("quant compare", true)
	doc.SetTitle("Quantization of "+report.Title(r.Source), true)
	doc.SetSubject(text.Clean(r.Verdict()), true)
	doc.SetLang("en")
	doc.SetDisplayMode("fullwidth", "continuous")
	doc.AddUTF8FontFromBytes(family, "", typeface.Regular())
	doc.AddUTF8FontFromBytes(family, "B", typeface.Bold())
	doc.SetMargins(0, 0, 0)
	doc.SetCellMargin(0)
	doc.SetAutoPageBreak(false, 0)
	doc.SetFooterFunc(func() {
		y := pageHeight - 30.0
		doc.font("", 8, muted)
		number := fmt.Sprintf("%d of %d", doc.PageNo(), pages)
		doc.Text(pageWidth-margin-doc.GetStringWidth(number), y, number)
		doc.Text(margin, y, doc.clip("Quantization of "+typeface.Legible(report.Title(r.Source)), inner-60))
		doc.font("", 7, muted)
		doc.Text(margin, y+11, doc.clip(typeface.Legible(o.Origin.String()), inner))
	})
	doc.page()
	doc.report(r, details, o)
	doc.Close()
	return doc
}

func (d *writer) report(r *report.Report, details []*report.Detail, o Options) {
	d.paragraph("", 9, muted, "Quantization report")
	d.paragraph("B", 20, ink, report.Title(r.Source))
	d.y += 10
	d.verdict(r.Verdict())
	d.inputs(r)
	for _, s := range r.Sentences() {
		d.paragraph("", 9, muted, s)
	}

	graphs := map[int]*report.Detail{}
	for _, x := range details {
		graphs[x.Tensor] = x
	}
	if len(r.Tensors) == 1 {
		d.tensor(r, 0, graphs[0], o)
		d.skipped(r)
		return
	}
	d.summary(r, o)
	d.skipped(r)
	if o.Full {
		d.sections(r, graphs, o)
	}
	d.glossary()
}

// summary writes what is about all tensors of a model.
func (d *writer) summary(r *report.Report, o Options) {
	many := len(r.Tensors) > plot.MaxRows
	d.Bookmark("Summary", 0, d.y)
	if !o.Full {
		d.paragraph("", 9, muted, "A section with graphs of each tensor is in the full report, which quant compare --full writes.")
		d.y += 2
	}
	if many { // the most important part comes before long tables
		d.suffering(r)
		d.overview(r)
	}
	d.heading(13, "Summary", 80)
	summary := r.SummaryTable(len(r.Tensors) > 20)
	if len(r.Tensors[0].Results) > 2 {
		dropClipped(summary)
	}
	if summary.Note != "" {
		d.paragraph("", 8.5, muted, summary.Note)
		d.y += 3
	}
	d.table(summary)
	switch {
	case !many:
		d.suffering(r)
		d.overview(r)
	case o.Full:
		d.rows(r)
	}
}

// skipped lists the tensors that were not compared.
func (d *writer) skipped(r *report.Report) {
	if t := r.SkippedTable(); t != nil {
		d.heading(13, "Not compared", 60)
		d.table(t)
	}
	if t := r.LeftOutTable(); t != nil {
		d.heading(13, "Not tensors", 60)
		d.table(t)
	}
}

// sections writes a section for each tensor of a model.
func (d *writer) sections(r *report.Report, graphs map[int]*report.Detail, o Options) {
	sections := r.Order()
	if len(sections) > maxSections {
		sections = d.pick(r, graphs)
	}
	for _, i := range sections {
		if graphs[i] != nil {
			d.page()
		} else { // there may be many of these
			d.need(330)
			d.y += 16
		}
		d.tensor(r, i, graphs[i], o)
	}
}

// dropClipped leaves out the counts of clipped values except those per channel, since the names
// of tensors need the space.
func dropClipped(t *table.Table) {
	for i := len(t.Columns) - 1; i >= 0; i-- {
		if c := t.Columns[i]; c.Group == report.ClippedGroup && c.Head != "channel" {
			t.Drop(i)
		}
	}
}

// The numbers of worst tensors, and of worst channels of each, that are named.
const (
	worstTensors  = 7
	worstChannels = 3
)

// maxSections is the largest number of tensors of a model that have sections.
const maxSections = 40

// pick returns the tensors of a large model that have sections: those with graphs, those with
// the largest gain, and the worst. It writes a note about that.
func (d *writer) pick(r *report.Report, graphs map[int]*report.Detail) []int {
	var picked []int
	for _, i := range r.Summary.ByGain {
		if graphs[i] != nil {
			picked = append(picked, i)
		}
	}
	for _, s := range r.WorstTensors(maxSections/2, 0) {
		if !slices.Contains(picked, s.Tensor) {
			picked = append(picked, s.Tensor)
		}
	}
	d.page()
	d.paragraph("", 9, muted, fmt.Sprintf("The tables of channels that follow are of %d of %d tensors: those that gain most, and those with the lowest SQNR per channel.",
		len(picked), len(r.Tensors)))
	return picked
}

// verdict writes the verdict in a box.
func (d *writer) verdict(text string) {
	const size, pad = 11.5, 10.0
	d.font("B", size, ink)
	lines := d.wrap(typeface.Legible(text), inner-2*pad-3)
	height := float64(len(lines))*size*1.4 + 2*pad - 4
	d.rect(band, margin, d.y, inner, height)
	d.rect(accent, margin, d.y, 3, height)
	y := d.y + pad + size*0.8
	for _, l := range lines {
		d.Text(margin+pad+3, y, l)
		y += size * 1.4
	}
	d.y += height + 12
}

func (d *writer) inputs(r *report.Report) {
	for _, x := range r.Inputs() {
		d.term("", muted, x, 9, 70)
	}
	d.y += 4
}

// tensor writes the section of one tensor.
func (d *writer) tensor(r *report.Report, i int, x *report.Detail, o Options) {
	t := &r.Tensors[i]
	d.Bookmark(text.Clean(t.Name), 0, d.y)
	if len(r.Tensors) > 1 {
		d.paragraph("B", 15, ink, t.Name)
		d.y += 2
		d.paragraph("", 9, muted, t.About())
		d.y += 10
		d.verdict(t.Verdict)
	}
	d.heading(12, "Schemes", 120)
	d.table(t.SchemeTable())
	d.heading(12, "Channels", 80)
	channels := t.ChannelTable(o.Channels)
	if channels.Note != "" {
		d.paragraph("", 8.5, muted, channels.Note)
		d.y += 3
	}
	d.table(channels)
	if len(r.Tensors) == 1 {
		d.glossary()
	}
	if x != nil {
		d.graphs(r, t, x)
	}
}

// scale is the factor of text and lines compared with a figure of its own, which is wider than
// a page.
const scale = 0.86

// graphs draws the sheet of a tensor on a page.
func (d *writer) graphs(r *report.Report, t *report.Tensor, x *report.Detail) {
	d.page()
	d.paragraph("B", 12, ink, "Graphs of "+t.Name)
	d.y += 4
	d.font("", 8, muted)
	notes := d.wrap(typeface.Legible(x.Note()), inner)
	height := pageHeight - bottom - d.y - float64(len(notes))*8*1.4 - 8
	f := plot.Tensor(r, x, plot.Options{Width: inner, Height: vg.Length(height), Scale: scale})
	d.figure(f)
	d.y += 6
	d.paragraph("", 8, muted, x.Note())
}

func (d *writer) overview(r *report.Report) {
	// The sheet is as large as the page allows.
	room := pageHeight - top - bottom - 80
	f := plot.Overview(r, plot.Options{Width: inner, Scale: scale})
	if h := f.Height.Points(); h > room {
		f = plot.Overview(r, plot.Options{Width: inner, Scale: scale * room / h})
	}
	d.heading(13, "Gain by tensor", f.Height.Points()+20)
	d.paragraph("", 8.5, muted, plot.OverviewNote(r))
	d.y += 4
	d.figure(f)
}

// suffering lists the tensors and channels with the largest errors.
func (d *writer) suffering(r *report.Report) {
	d.heading(13, "The channels that suffer most", 120)
	d.paragraph("", 8.5, muted, "Of the tensors with the lowest SQNR per channel, those channels for which it is lowest.")
	d.y += 3
	d.table(r.WorstTable(worstTensors, worstChannels))
}

// rows draws a row for each tensor, on several pages.
func (d *writer) rows(r *report.Report) {
	all := r.Summary.ByGain[:min(len(r.Summary.ByGain), maxRows)]
	for from := 0; from < len(all); from += perPage {
		to := min(from+perPage, len(all))
		d.page()
		d.paragraph("B", 11, ink, fmt.Sprintf("Tensors by gain, %d to %d of %d", from+1, to, len(r.Tensors)))
		d.y += 2
		d.figure(plot.Rows(r, all[from:to], plot.Options{Width: inner, Scale: 0.72}))
	}
}

// The rows of a model's tensors can take several pages, but not very many.
const (
	perPage = 54
	maxRows = 20 * perPage
)

// figure draws f below the text on the page.
func (d *writer) figure(f *plot.Figure) {
	d.y += f.Height.Points()
	c := newCanvas(d.Fpdf, margin, d.y)
	f.Draw(c)
	c.done()
}

func (d *writer) glossary() {
	d.heading(13, "What the numbers mean", 115)
	for _, x := range report.Glossary {
		d.term("B", ink, x, 8.5, 92)
		d.y += 1.5
	}
}
