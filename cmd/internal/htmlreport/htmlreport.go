// Package htmlreport writes a report as one HTML file with the verdict, tables that can be
// sorted, and interactive graphs. The page needs no other file and connects to no host; its
// Content-Security-Policy forbids it.
package htmlreport

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/a01592f9/quant/cmd/internal/plotly"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/table"
	"github.com/a01592f9/quant/cmd/internal/text"
)

//go:embed report.html
var pageText string

//go:embed report.css
var style string

//go:embed report.js
var script string

var page = template.Must(template.New("page").Parse(pageText))

// Options say how Write writes.
type Options struct {
	Channels bool // whether all channels of large tensors are listed
	Full     bool // whether every tensor of a model has a section
	Origin   report.Origin
}

// The page of a model has at most maxSections sections unless Options.Full is set, and only the
// worst channels of each tensor. A single tensor has all channels if there are at most maxRows.
const (
	maxSections = 40
	maxRows     = 5000
)

// maxDrawn is the largest number of tensors in the overview of a model, which can be scrolled.
const maxDrawn = 1000

// The numbers of worst tensors, and of worst channels of each, that are named.
const (
	worstTensors  = 10
	worstChannels = 3
)

// A tableView is a table.Table for the page.
type tableView struct {
	*table.Table
	Head     []string
	Left     int
	Label    string
	Spans    []span // groups of columns; a group without a text has no heading
	Sortable bool
}

type span struct {
	Columns int
	Text    string
}

func newTable(t *table.Table, label string, sortable bool) *tableView {
	if t == nil {
		return nil
	}
	r := &tableView{Table: t, Head: t.Head(), Left: t.Left(), Label: label, Sortable: sortable}
	at := 0
	for _, s := range t.Spans() {
		if s.From > at {
			r.Spans = append(r.Spans, span{s.From - at, ""})
		}
		r.Spans = append(r.Spans, span{s.To - s.From + 1, s.Text})
		at = s.To + 1
	}
	if rest := len(r.Head) - at; at > 0 && rest > 0 {
		r.Spans = append(r.Spans, span{rest, ""})
	}
	return r
}

// A tensor is a section of the page.
type tensor struct {
	Name, About, Verdict, Note string
	Schemes, Channels          *tableView
	HasGraphs, Open            bool
	Detail                     int
	Choices                    []choice
}

// A choice is a channel whose histogram can be shown.
type choice struct {
	Channel int
	Focus   bool
}

// data is the data for the script of the page. Tensors have their numbers in the report, and
// details are in the order of the list.
type data struct {
	Bits     int              `json:"bits"`
	Names    []string         `json:"names"` // of the schemes
	Details  []*report.Detail `json:"details"`
	Overview []overview       `json:"overview"`
}

type overview struct {
	Name  string        `json:"name"`
	Short string        `json:"short"` // the name on the axis
	SQNR  []text.Number `json:"sqnr_db"`
	Gain  string        `json:"gain"`
}

// shortName is the number of characters for a name on the axis of the overview.
const shortName = 36

// tensorSections returns the sections of the page. all says whether they list all channels.
func tensorSections(r *report.Report, details []*report.Detail, graphs map[int]int, all bool, o Options) []tensor {
	var tensors []tensor
	for n, i := range sections(r, graphs, o) {
		t := &r.Tensors[i]
		x := tensor{
			Name: text.Clean(t.Name), About: t.About(), Verdict: t.Verdict, Open: n == 0,
			Schemes:  newTable(t.SchemeTable(), "Schemes of "+text.Clean(t.Name), false),
			Channels: newTable(t.ChannelTable(all), "Channels of "+text.Clean(t.Name), true),
		}
		if k, ok := graphs[i]; ok {
			d := details[k]
			x.HasGraphs, x.Detail, x.Note = true, k, d.Note()
			for _, h := range d.Histograms {
				x.Choices = append(x.Choices, choice{*h.Channel, *h.Channel == d.Focus})
			}
		}
		tensors = append(tensors, x)
	}
	return tensors
}

// Write writes r with the graphs of the given tensors, see report.Details. The same report
// gives the same bytes.
func Write(w io.Writer, r *report.Report, details []*report.Detail, o Options) error {
	all := o.Channels || len(r.Tensors) == 1 && r.Tensors[0].Channels <= maxRows
	graphs := map[int]int{}
	for i, d := range details {
		graphs[d.Tensor] = i
	}
	tensors := tensorSections(r, details, graphs, all, o)

	view := struct {
		Source, Verdict, Policy, OverviewNote, Version, License string
		SectionsNote, Origin                                    string
		Style                                                   template.CSS
		Inputs, Glossary                                        [][2]string
		Reading                                                 []string
		Summary, Skipped, LeftOut, Worst                        *tableView
		Tensors                                                 []tensor
		OverviewHeight                                          int
		Data, Plotly, Script                                    template.JS
	}{
		Source: report.Title(r.Source), Origin: o.Origin.String(), Verdict: r.Verdict(), Inputs: r.Inputs(), Glossary: report.Glossary,
		Reading: r.Sentences(), LeftOut: newTable(r.LeftOutTable(), "Not tensors", false),
		Skipped: newTable(r.SkippedTable(), "Not compared", false), Tensors: tensors,
		Version: plotly.Version, License: plotly.License, Policy: policy(),
		Style: template.CSS(style), Plotly: template.JS(plotly.Script), Script: template.JS(script),
	}
	d := data{Bits: r.Options.Bits, Details: details, Overview: []overview{}}
	if details == nil {
		d.Details = []*report.Detail{}
	}
	for _, res := range r.Tensors[0].Results {
		d.Names = append(d.Names, res.Scheme.Label())
	}
	if len(r.Tensors) > 1 {
		view.Summary = newTable(r.SummaryTable(false), "Summary", true)
		view.Worst = newTable(r.WorstTable(worstTensors, worstChannels), "The channels that suffer most", false)
		view.OverviewNote = overviewNote(len(r.Tensors))
		if n := len(tensors); n < len(r.Tensors) {
			view.SectionsNote = fmt.Sprintf("%d of %d tensors: those that gain most, and those with the lowest SQNR per channel. quant compare --full writes all.", n, len(r.Tensors))
		}
		var names []string
		for _, i := range r.Summary.ByGain[:min(len(r.Summary.ByGain), maxDrawn)] {
			t := &r.Tensors[i]
			o := overview{Name: text.Clean(t.Name), Gain: text.Times(t.Results[1].Gain.RMSEFactor)}
			for _, res := range t.Results {
				o.SQNR = append(o.SQNR, res.SQNR)
			}
			d.Overview = append(d.Overview, o)
			names = append(names, o.Name)
		}
		for i, short := range text.Elide(names, text.Columns(shortName)) {
			d.Overview[i].Short = short
		}
		view.OverviewHeight = 130 + 20*len(d.Overview)
	}
	text, err := json.Marshal(d) // <, > and & are escaped, so that no name can end the element
	if err != nil {
		return err
	}
	view.Data = template.JS(visible(text))
	b := bufio.NewWriter(w)
	if err := page.Execute(b, view); err != nil {
		return err
	}
	return b.Flush()
}

// sections returns the tensors that have a section, in the order of the tables.
func sections(r *report.Report, graphs map[int]int, o Options) []int {
	order := r.Order()
	if o.Full || len(order) <= maxSections {
		return order
	}
	picked := map[int]bool{}
	for i := range graphs {
		picked[i] = true
	}
	for _, s := range r.WorstTensors(maxSections-len(picked), 0) {
		picked[s.Tensor] = true
	}
	return slices.DeleteFunc(slices.Clone(order), func(i int) bool { return !picked[i] })
}

// overviewNote says what the overview shows.
func overviewNote(tensors int) string {
	if tensors > maxDrawn {
		return fmt.Sprintf("The %d of %d tensors are shown whose RMSE one scale for each channel divides by most (the gain); 6 dB are a factor of 2.", maxDrawn, tensors)
	}
	return fmt.Sprintf("All %d tensors, first those whose RMSE one scale for each channel divides by most (the gain); 6 dB are a factor of 2.", tensors)
}

// visible returns JSON in which invisible characters, and those that change the order of text,
// are escaped. They can occur in strings only.
func visible(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		switch hi, lo := utf16.EncodeRune(r); {
		case r < 0x80 || unicode.IsPrint(r):
			b.WriteRune(r)
		case hi != utf8.RuneError:
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// policy returns the Content-Security-Policy. It allows the two scripts of the page, the styles
// that Plotly sets, and the images that it makes of graphs, and nothing else.
func policy() string {
	return "default-src 'none'; script-src " + hash(plotly.Script) + " " + hash(script) +
		"; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
