package web

import (
	"context"
	"errors"
	"fmt"

	"github.com/a01592f9/quant/cmd/internal/convert"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/report"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/plan"
)

// Plans of a model: which weight gets how many bits.

const (
	// firstBits is the budget of a request without a budget, in bits for each value. A model for
	// which no plan is that small gets its smallest plan.
	firstBits = 4.5

	maxCandidates = 64
	leastGroup    = 8 // values that share a scale; fewer would take much memory
)

// targets has the target of each kind of model.
var targets = map[convert.Kind]report.PlanTarget{
	convert.KindONNX: report.PlanONNXRuntime, convert.KindSafetensors: report.PlanVLLM, convert.KindGGUF: report.PlanLlamaCPP,
}

// A planAnswer is a plan with all plans of its front.
type planAnswer struct {
	*report.Plan
	Choices *report.PlanChoices `json:"choices"`

	// Written reports whether quant quantize can follow the plan. Files of other kinds, and
	// models without weights of layers, have plans too, of all tensors.
	Written bool `json:"written"`
}

// plan answers with the plan for a budget, and with what every other plan of the front
// chooses.
func (s *Server) plan(ctx context.Context, q *request) (*answer, error) {
	p, written, err := q.buildPlan(ctx)
	if err != nil {
		return nil, err
	}
	a := &answer{kind: jsonType}
	return a, text.WriteJSON(&a.body, planAnswer{p, p.Choices(), written})
}

// planJSON answers with the file that quant plan writes.
func (s *Server) planJSON(ctx context.Context, q *request) (*answer, error) {
	p, _, err := q.buildPlan(ctx)
	if err != nil {
		return nil, err
	}
	a := &answer{kind: jsonType, filename: filename(q.Name, "-plan.json")}
	return a, text.WriteJSON(&a.body, p)
}

// buildPlan measures the candidates, and chooses for the budget of the request.
func (q *request) buildPlan(ctx context.Context) (p *report.Plan, written bool, err error) {
	o := report.PlanOptions{}
	if q.Plan != nil {
		o = *q.Plan
	}
	if err := checkCandidates(o.Candidates); err != nil {
		return nil, false, err
	}
	src, err := q.pick()
	if err != nil {
		return nil, false, err
	}
	if written, err = q.selectWeights(src, &o); err != nil {
		return nil, false, err
	}
	if q.importances != nil {
		o.SetImportance(q.importances)
	}
	free := o.BitsPerWeight == nil && o.Bytes == nil && o.SQNR == nil
	if free {
		most := int64(1) << 53 // of any plan
		o.Bytes = &most
	}
	p, err = report.BuildPlan(ctx, q.Name, src, o, nil)
	switch {
	case errors.Is(err, plan.ErrLimit):
		return nil, false, of("budget", err)
	case err != nil:
		return nil, false, q.ofBuild(err)
	case free:
		p.TakeUpTo(int64(firstBits * float64(p.Summary.Elements) / 8))
	case o.Bytes != nil && o.MaxKinds == 0:
		p.TakeUpTo(*o.Bytes) // of equally good plans use the one in the front
	}
	return p, written, nil
}

// selectWeights sets the weights of o to those that quant quantize would quantize, and the target
// to that of the kind of file. It reports false for a file without such weights: then all tensors
// are planned.
func (q *request) selectWeights(src *source, o *report.PlanOptions) (written bool, err error) {
	asked, target := o.Target, targets[convert.Kind(src.file.Kind)]
	if asked != report.PlanAny && asked.File() != src.file.Kind {
		return false, bad("for", "the file is %s, which is not for %s", src.file.Kind, text.Clean(string(asked)))
	}
	if target == report.PlanAny {
		return false, nil
	}
	s, err := convert.SelectIn(src.file, src.memory, convert.Options{})
	if err != nil {
		return false, of("file", err)
	}
	if len(s.Names) == 0 || q.Tensor != nil {
		return false, nil
	}
	if o.Names = s.Names; asked == report.PlanAny {
		o.Target = target
	}
	for _, l := range s.Left {
		o.Left = append(o.Left, report.Skipped{Name: l.Name, DType: l.DType, Shape: l.Shape, Bytes: l.Bytes, Reason: l.Reason})
	}
	return true, nil
}

// checkCandidates refuses candidates that would take too much memory.
func checkCandidates(names []string) error {
	if len(names) > maxCandidates {
		return bad("candidates", "%d candidates: a plan of this page has at most %d", len(names), maxCandidates)
	}
	for _, name := range names {
		s, _, err := option.ParseScheme(name)
		if err != nil {
			continue // a type of GGUF, or an error that the plan has too
		}
		size, grouped := s.Granularity.GroupSize()
		_, size0, _, size1, blocks := s.Granularity.Block()
		if grouped && size < leastGroup || blocks && min(size0, leastGroup)*min(size1, leastGroup) < leastGroup {
			return bad("candidates", "candidate %s", text.Clean(fmt.Sprintf("%q: this page has groups and blocks of at least %d values", name, leastGroup)))
		}
	}
	return nil
}
