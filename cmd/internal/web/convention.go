package web

import (
	"bytes"
	"context"
	"net/http"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/preset"
)

// A conventionChoice is a preset: how a system quantizes.
type conventionChoice struct {
	Name        string         `json:"name"`
	System      string         `json:"system"`
	Purpose     string         `json:"purpose"` // as the end of a sentence that begins with the name
	Says        string         `json:"says"`    // the rule, in a sentence
	Source      string         `json:"source"`
	Link        string         `json:"link"` // to the source
	Granularity string         `json:"granularity"`
	Options     report.Options `json:"options"` // the nearest scheme of the library
}

// conventions lists all presets.
func conventions() []conventionChoice {
	var all []conventionChoice
	for _, p := range preset.All() {
		s := p.Scheme
		o := report.DefaultOptions()
		o.Bits, o.Unsigned, o.Mapping, o.NarrowRange, o.ZeroInRange = s.Bits, s.Unsigned, s.Mapping.String(), s.NarrowRange, s.ZeroInRange
		o.SignedScale = s.SignedScale
		o.GroupSize, _ = s.Granularity.GroupSize()
		if s.Divisor != quant.FarEnd {
			o.Divisor = s.Divisor.String()
		}
		if s.Scales != quant.Float32Scale {
			o.Scales = s.Scales.String()
		}
		all = append(all, conventionChoice{p.Name, p.System, p.Purpose, p.Says(), p.Source, p.Link(), option.Granularity(s.Granularity), o})
	}
	return all
}

// listConventions answers with all presets. The page asks for them after the first verdict.
func (s *Server) listConventions(w http.ResponseWriter, _ *http.Request) {
	var body bytes.Buffer
	err := text.WriteJSON(&body, struct {
		Conventions []conventionChoice `json:"conventions"`
	}{conventions()})
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Type", jsonType)
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(body.Bytes()) // an error means that the connection is closed
}

// diff answers with the JSON of quant diff between two presets or schemes, for one tensor.
func (s *Server) diff(ctx context.Context, q *request) (*answer, error) {
	if q.Between == [2]string{} {
		return nil, bad("between", "between has to name two presets or schemes, such as int8:symmetric and pytorch-int8")
	}
	if err := report.CheckBetween(q.Between); err != nil {
		return nil, of("between", err)
	}
	src, err := q.pick()
	if err != nil {
		return nil, err
	}
	if len(src.infos) != 1 {
		return nil, bad("tensor", "codes are compared of one tensor: say which")
	}
	o := report.CodesOptions{Axis: q.Options.Axis, GroupAxis: q.Options.GroupAxis}
	if n := report.ScalesBetween(q.Between, src.infos[0], o); int64(n) > q.limits.Groups {
		return nil, tooLarge("between", int64(n), "scales", q.limits.Groups)
	}
	d, err := report.BuildCodes(ctx, q.Name, q.Between, src, o, nil)
	if err != nil {
		return nil, of("between", err)
	}
	a := &answer{kind: jsonType}
	return a, text.WriteJSON(&a.body, d)
}
