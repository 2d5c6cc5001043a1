package web

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/pdf"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// build makes the report that a request asks for.
func (q *request) build(ctx context.Context) (*report.Report, *source, error) {
	s, err := q.pick()
	if err != nil {
		return nil, nil, err
	}
	r, err := report.Build(ctx, q.Name, s, q.Options, nil)
	if err != nil {
		return nil, nil, q.ofBuild(err)
	}
	return r, s, nil
}

func (s *Server) compare(ctx context.Context, q *request) (*answer, error) {
	r, src, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	a := &answer{kind: jsonType, reading: newReading(src.file.Text)}
	return a, text.WriteJSON(&a.body, r)
}

// histograms is the number of channels with a histogram in an answer. The page sends another
// request for other channels.
const histograms = 16

// graphs answers with the data for the graphs of a tensor.
func (s *Server) graphs(ctx context.Context, q *request) (*answer, error) {
	r, src, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	if len(r.Tensors) != 1 || len(src.infos) != 1 {
		return nil, bad("tensor", "graphs are of one tensor: say which")
	}
	if n := r.Tensors[0].Channels; q.Channel != nil && (*q.Channel < 0 || *q.Channel >= n) {
		return nil, bad("channel", "there is no channel %d: they are 0 to %d", *q.Channel, n-1)
	}
	d, err := r.Detail(ctx, src, 0, report.DetailOptions{Histograms: histograms, Focus: q.Channel})
	if err != nil {
		return nil, of(q.field(), err)
	}
	a := &answer{kind: jsonType}
	return a, text.WriteJSON(&a.body, d)
}

// tensors lists the tensors of a file, without reading their data.
func (s *Server) tensors(ctx context.Context, q *request) (*answer, error) {
	src, err := q.open()
	if err != nil {
		return nil, err
	}
	v := report.NewInventory(q.Name, src.file.Kind, src.infos)
	v.FileNotes = report.NotesOf(src)
	a := &answer{kind: jsonType}
	return a, text.WriteJSON(&a.body, v)
}

// elements answers with the values of a stretch of a tensor, for a graph that is
// zoomed.
func (s *Server) elements(ctx context.Context, q *request) (*answer, error) {
	r, src, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	if len(r.Tensors) != 1 || len(src.infos) != 1 {
		return nil, bad("tensor", "graphs are of one tensor: say which")
	}
	n := int(r.Tensors[0].Elements)
	to := n
	if q.Count > 0 && q.Count < n-q.From {
		to = q.From + q.Count
	}
	e, err := r.Stretch(ctx, src, 0, q.From, to, 0)
	if err != nil {
		return nil, of("from", err)
	}
	a := &answer{kind: jsonType}
	return a, text.WriteJSON(&a.body, e)
}

// sweepBits are the widths that all weights of a file are compared at.
var sweepBits = []int{2, 3, 4, 5, 6, 8}

// sweep answers with the JSON of quant sweep for all weights of a file: with integers of several
// widths or, if the options have a format, with all formats.
func (s *Server) sweep(ctx context.Context, q *request) (*answer, error) {
	src, err := q.pick()
	if err != nil {
		return nil, err
	}
	o := q.Options
	options := report.SweepOptions{
		Bits: sweepBits, Unsigned: o.Unsigned, Mapping: o.Mapping, Axis: o.Axis, GroupAxis: o.GroupAxis,
		NarrowRange: o.NarrowRange, ZeroInRange: o.ZeroInRange, Method: o.Method, Tensors: o.Tensors, Divisor: o.Divisor, Scales: o.Scales, SignedScale: o.SignedScale,
	}
	switch {
	case o.Format != "":
		options.Bits, options.Schemes = nil, s.formatSchemes(&o)
	case o.GroupSize > 0:
		options.GroupSizes = []int{o.GroupSize}
	}
	if q.importances != nil {
		options.SetImportance(q.importances)
	}
	x, err := report.BuildSweep(ctx, q.Name, src, options, nil)
	if err != nil {
		return nil, q.ofBuild(err)
	}
	a := &answer{kind: jsonType}
	return a, text.WriteJSON(&a.body, x)
}

// formatSchemes lists the schemes of a sweep of all formats: per tensor, per channel and,
// if o has groups, in groups.
func (s *Server) formatSchemes(o *report.Options) []string {
	granularities := []string{"tensor", "channel"}
	if o.GroupSize > 0 {
		granularities = append(granularities, fmt.Sprintf("g%d", o.GroupSize))
	}
	var all []string
	for _, g := range granularities {
		for _, f := range s.choices.Formats {
			parts := []string{f.Name, g, cmp.Or(o.Method, quant.MinMax.String())}
			if o.Scales != "" {
				parts = append(parts, "scale="+o.Scales)
			}
			all = append(all, strings.Join(parts, ":"))
		}
	}
	return all
}

func (s *Server) reportJSON(ctx context.Context, q *request) (*answer, error) {
	r, _, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	a := &answer{kind: jsonType, filename: filename(q.Name, ".json")}
	return a, text.WriteJSON(&a.body, r)
}

func (s *Server) reportCSV(ctx context.Context, q *request) (*answer, error) {
	r, _, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	a := &answer{kind: "text/csv; charset=utf-8", filename: filename(q.Name, ".csv")}
	return a, report.WriteCSV(&a.body, r, true)
}

// drawn is the number of tensors with graphs in a PDF.
const drawn = 8

func (s *Server) reportPDF(ctx context.Context, q *request) (*answer, error) {
	r, src, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	d, err := r.Details(ctx, src, drawn, report.DetailOptions{}, nil)
	if err != nil {
		return nil, of(q.field(), err)
	}
	a := &answer{kind: "application/pdf", filename: filename(q.Name, ".pdf")}
	var origin report.Origin
	if s.config.Origin != nil {
		origin = s.config.Origin()
	}
	return a, pdf.Write(&a.body, r, d, pdf.Options{Full: true, Origin: origin})
}

// examples lists the examples of the page, the choices, and the limits of a request.
func (s *Server) examples(w http.ResponseWriter, _ *http.Request) {
	var body bytes.Buffer
	err := text.WriteJSON(&body, struct {
		Examples []Example `json:"examples"`
		Limits   sizes     `json:"limits"`
		choices
	}{s.config.Examples, sizes{s.limits.Body, s.limits.Text, s.limits.Codes}, s.choices})
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(body.Bytes()) // an error means that the connection is closed
}

// sizes are the limits that the page checks before it sends a request.
type sizes struct {
	File int64 `json:"file_bytes"`
	Text int64 `json:"text_bytes"`

	Codes int64 `json:"codes"` // elements whose codes are written
}
