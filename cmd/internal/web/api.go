package web

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/a01592f9/quant/cmd/internal/graph"
	"github.com/a01592f9/quant/cmd/internal/report"
)

const jsonType = "application/json"

// build makes the report that a request asks for.
func (q *request) build(ctx context.Context) (*report.Report, *source, error) {
	s, err := q.pick()
	if err != nil {
		return nil, nil, err
	}
	r, err := report.Build(ctx, q.Name, s, q.Options, nil)
	if err != nil {
		return nil, nil, of(q.field(), err)
	}
	return r, s, nil
}

// A comparison is a report with what graphs draw of its only tensor.
type comparison struct {
	*report.Report
	Graph *graph.Graph `json:"graph,omitempty"`
}

func (s *Server) compare(ctx context.Context, q *request) (*answer, error) {
	r, src, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	c := comparison{Report: r}
	if q.Graph {
		t, data, err := only(r, src)
		if err != nil {
			return nil, err
		}
		channel := -1
		if q.Channel != nil {
			if channel = *q.Channel; channel < 0 || channel >= t.Channels {
				return nil, bad("channel", "there is no channel %d: they are 0 to %d", channel, t.Channels-1)
			}
		}
		if c.Graph, err = graph.Build(ctx, data, t, channel); err != nil {
			return nil, err
		}
	}
	a := &answer{kind: jsonType}
	return a, report.WriteJSON(&a.body, c)
}

// only returns the tensor of a report that has one, with its data.
func only(r *report.Report, src *source) (*report.Tensor, []float32, error) {
	if len(r.Tensors) != 1 || len(src.infos) != 1 {
		return nil, nil, bad("tensor", "graphs are of one tensor: say which")
	}
	data, err := src.Load(0)
	return &r.Tensors[0], data, err
}

func (s *Server) sweep(ctx context.Context, q *request) (*answer, error) {
	r, src, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	t, data, err := only(r, src)
	if err != nil {
		return nil, err
	}
	sweep, err := graph.NewSweep(ctx, data, t)
	if err != nil {
		return nil, err
	}
	a := &answer{kind: jsonType}
	return a, report.WriteJSON(&a.body, sweep)
}

// tensors lists what is in a file, without reading its data.
func (s *Server) tensors(ctx context.Context, q *request) (*answer, error) {
	src, err := q.open()
	if err != nil {
		return nil, err
	}
	v := report.Inventory{Source: q.Name, Kind: src.file.Kind, Tensors: []report.Item{}}
	for _, t := range src.infos {
		n := int64(1)
		for _, d := range t.Shape {
			n *= int64(d)
		}
		v.Tensors = append(v.Tensors, report.Item{
			Name: t.Name, DType: t.DType, Shape: append([]int{}, t.Shape...), Elements: n, Bytes: t.Bytes, Floating: t.Floating,
		})
	}
	a := &answer{kind: jsonType}
	return a, report.WriteJSON(&a.body, v)
}

func (s *Server) reportJSON(ctx context.Context, q *request) (*answer, error) {
	r, _, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	a := &answer{kind: jsonType, filename: filename(q.Name, ".json")}
	return a, report.WriteJSON(&a.body, r)
}

func (s *Server) reportCSV(ctx context.Context, q *request) (*answer, error) {
	r, _, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	a := &answer{kind: "text/csv; charset=utf-8", filename: filename(q.Name, ".csv")}
	return a, report.WriteCSV(&a.body, r, true)
}

func (s *Server) reportPDF(ctx context.Context, q *request) (*answer, error) {
	if s.config.PDF == nil {
		return nil, &apiError{status: http.StatusNotImplemented, Message: "this build writes no PDF"}
	}
	r, _, err := q.build(ctx)
	if err != nil {
		return nil, err
	}
	a := &answer{kind: "application/pdf", filename: filename(q.Name, ".pdf")}
	return a, s.config.PDF(&a.body, r)
}

// filename returns a name for a download that is plain everywhere.
func filename(name, ext string) string {
	name = strings.TrimSuffix(name, filepath.Ext(name))
	plain := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("-_.", r) {
			return r
		}
		return '-'
	}, name)
	if plain = strings.Trim(plain, "-."); plain == "" {
		plain = "values"
	}
	return "quant-" + plain + ext
}

// examples lists what the page offers to begin with.
func (s *Server) examples(w http.ResponseWriter, r *http.Request) {
	a := &answer{kind: jsonType}
	if err := report.WriteJSON(&a.body, map[string][]Example{"examples": s.config.Examples}); err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(a.body.Bytes())
}
