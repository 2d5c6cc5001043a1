package report

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/internal/summary"
	"github.com/a01592f9/quant/plan"
)

// Validate returns an error if an option is out of its range.
func (o *PlanOptions) Validate() error {
	budgets := 0
	for _, there := range []bool{o.BitsPerWeight != nil, o.Bytes != nil, o.SQNR != nil} {
		if there {
			budgets++
		}
	}
	switch {
	case budgets != 1:
		return optionf("bits_per_weight", "a plan has one budget: bits per weight, bytes, or a ratio to reach")
	case o.BitsPerWeight != nil && !(*o.BitsPerWeight > 0):
		return optionf("bits_per_weight", "%v bits per weight are not positive", *o.BitsPerWeight)
	case o.Bytes != nil && *o.Bytes <= 0:
		return optionf("bytes", "%d bytes are not positive", *o.Bytes)
	case o.SQNR != nil && math.IsNaN(*o.SQNR):
		return optionf("sqnr_db", "the ratio is not a number")
	case !slices.Contains(PlanObjectives, o.Objective):
		return optionf("objective", "objective %q is none of %s", o.Objective, strings.Join(PlanObjectives, ", "))
	case o.Target != PlanAny && !slices.Contains(PlanTargets, string(o.Target)):
		return optionf("for", "%q is none of %s", o.Target, strings.Join(PlanTargets, ", "))
	case o.MaxKinds < 0:
		return optionf("max_kinds", "%d kinds are not positive", o.MaxKinds)
	}
	for _, f := range o.Factors {
		if !(f.Factor >= 0) || math.IsInf(f.Factor, 0) {
			return optionf("factors", "the factor %v of %q is no number from 0 up", f.Factor, f.Pattern)
		}
	}
	_, err := o.candidates()
	return err
}

// candidates parses Candidates.
func (o *PlanOptions) candidates() ([]planCandidate, error) {
	mapping, err := option.ParseMapping(o.Mapping)
	if err != nil {
		return nil, &OptionError{"mapping", err}
	}
	method, err := option.ParseMethod(o.Method)
	if err != nil {
		return nil, &OptionError{"method", err}
	}
	var all []planCandidate
	for _, name := range o.Candidates {
		c, err := o.planCandidate(name, mapping, method)
		if err != nil {
			return nil, &OptionError{"candidates", err}
		}
		if slices.ContainsFunc(all, func(a planCandidate) bool { return a.name == name }) {
			return nil, optionf("candidates", "candidate %q twice", name)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, optionf("candidates", "there are no candidates")
	}
	for _, r := range o.Fixed {
		if !slices.Contains(o.Candidates, r.Candidate) {
			return nil, optionf("fixed", "%q is none of the candidates, which are %s", r.Candidate, strings.Join(o.Candidates, ", "))
		}
	}
	return all, nil
}

// BuildPlan measures each candidate on each weight of src, and chooses.
func BuildPlan(ctx context.Context, name string, src Source, o PlanOptions, progress text.Progress) (*Plan, error) {
	if o.Candidates == nil {
		o.Candidates = o.Target.Candidates()
	}
	o.Mapping = cmp.Or(o.Mapping, quant.Symmetric.String())
	o.Method = cmp.Or(o.Method, quant.LeastSquares.String())
	o.Objective = cmp.Or(o.Objective, PlanSum)
	o.Fixed, o.Alike, o.Factors = orEmpty(o.Fixed), orEmpty(o.Alike), orEmpty(o.Factors)
	if err := o.Validate(); err != nil {
		return nil, err
	}
	candidates, err := o.candidates()
	if err != nil {
		return nil, err
	}
	p := &Plan{Version: PlanVersion, Source: name, Weights: []PlanWeight{}, FileNotes: NotesOf(src)}
	p.base = Report{Source: name, Options: Options{Bits: 8, Mapping: o.Mapping, Tensors: o.Names}, Skipped: []Skipped{}}
	jobs, err := p.base.plan(src.Tensors())
	if err != nil {
		return nil, err
	}
	p.base.Skipped, p.base.Summary.Skipped = append(p.base.Skipped, o.Left...), p.base.Summary.Skipped+len(o.Left)
	if o.importance == nil {
		o.Importance = ""
	}
	p.Options = o
	p.Weights, err = collect(newWork(ctx, src, progress, jobs), &p.base, func(w *work, i int) (*PlanWeight, error) {
		return planOne(w, jobs[i], candidates, &o)
	})
	p.Skipped = p.base.Skipped
	if err != nil {
		return nil, err
	}
	if err := p.sameUnit(); err != nil {
		return nil, err
	}
	if err := noImportance(o.importance, name, p.weighted()); err != nil {
		return nil, err
	}
	return p, p.choose()
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// planOne measures all candidates on one weight.
func planOne(w *work, j job, candidates []planCandidate, o *PlanOptions) (*PlanWeight, error) {
	x := &PlanWeight{Name: j.info.Name, Shape: dims(j.info.Shape), Elements: j.elements, source: j.info.Bytes, Error: PlanOfWeights}
	outputs, err := x.outputsOf(w, j, o)
	if err != nil {
		return nil, err
	}
	important, err := x.importanceOf(w, j, candidates, o)
	if err != nil {
		return nil, err
	}
	x.ways = make([]planWay, len(candidates))
	var schemes []quant.Scheme
	var at []int // index of each in candidates
	reads, k := 0, 0
	for i := range candidates {
		c := &candidates[i]
		x.ways[i] = planWay{name: c.name, noise: math.NaN()}
		if c.keep {
			x.ways[i] = planWay{name: c.name, scheme: Keep, bytes: j.info.Bytes}
			continue
		}
		if c.blocks {
			reads++
			continue
		}
		s, err := c.of(j, SweepOptions{Mapping: quant.Asymmetric.String()})
		if err != nil {
			return nil, err
		}
		if !o.Target.holds(s, j.shape) {
			continue
		}
		schemes, at = append(schemes, s), append(at, i)
	}
	rounds := batches(schemes, j)
	for _, round := range rounds {
		reads += readsOf(round)
	}
	src, err := w.open(j, reads)
	if err != nil {
		return nil, err
	}
	defer src.finish()
	for _, round := range rounds {
		c, weighted, err := compareBy(src, j, important.of(), round)
		if err != nil {
			return nil, err
		}
		for i, r := range c.Results {
			way := &x.ways[at[k]]
			if weighted != nil {
				x.weigh(way, weighted[i].WeightedMetrics)
			}
			way.noise = float64(j.elements) * r.RMSE * r.RMSE
			way.bytes = o.Target.bytes(r.Params.Scheme, j.elements, len(r.Params.Scale))
			text, err := schemes[k].MarshalText()
			if err != nil {
				return nil, err
			}
			way.scheme = string(text)
			x.signal = max(x.signal, signalOf(way.noise, r.SQNR))
			if err := outputs.params(x, way, r.Params); err != nil {
				return nil, fmt.Errorf("candidate %s: %w", way.name, err)
			}
			k++
		}
	}
	for i := range candidates {
		if c := &candidates[i]; c.blocks {
			if err := x.measureBlocks(src, j, c, i, outputs, important); err != nil {
				return nil, err
			}
		}
	}
	x.ways = slices.DeleteFunc(x.ways, func(w planWay) bool { return math.IsNaN(w.noise) })
	if len(x.ways) == 0 {
		return nil, errors.New("no candidate goes with its shape")
	}
	return x, nil
}

// measureBlocks measures candidate i, a type of GGUF. It leaves the type out if rows of this
// length are not whole blocks.
func (x *PlanWeight) measureBlocks(src *reading, j job, c *planCandidate, i int, outputs *planOutputs, important *planImportance) error {
	row := j.shape[len(j.shape)-1]
	t := c.block.Fallback(row)
	if block, _ := t.Block(); row%block != 0 || !t.Writable() {
		return nil
	}
	noise, signal, err := blockErrors(src, t, j.elements)
	if err != nil {
		return err
	}
	x.ways[i] = planWay{name: c.name, scheme: t.String(), bytes: blockBytes(t, j.elements), noise: noise}
	x.signal = max(x.signal, signal)
	if err := important.blocks(x, &x.ways[i], t); err != nil {
		return err
	}
	return outputs.blocks(x, &x.ways[i], t)
}

// factorOf returns how much the error of a weight counts: the factor of the last
// pattern that matches its name.
func (o *PlanOptions) factorOf(name string) float64 {
	factor := 1.0
	for _, f := range o.Factors {
		if option.Match(f.Pattern, name) {
			factor = f.Factor
		}
	}
	return factor
}

// errorOf returns the error of a candidate's noise by the objective.
func (x *PlanWeight) errorOf(noise float64, o *PlanOptions) float64 {
	if o.Objective != PlanSum && noise > 0 {
		signal := x.signal
		if x.gain > 0 {
			signal = float64(signal * x.gain)
		}
		noise /= max(signal, math.SmallestNonzeroFloat64)
	}
	return noise * o.factorOf(x.Name)
}

// choose computes the plan, its front, and the recipes.
func (p *Plan) choose() error {
	o := &p.Options
	problem := plan.Problem{MaxKinds: o.MaxKinds}
	if o.Objective == PlanWorst {
		problem.Objective = plan.Worst
	}
	elements := int64(0)
	for i := range p.Weights {
		x := &p.Weights[i]
		elements += x.Elements
		w := plan.Weight{Name: x.Name}
		for _, way := range x.ways {
			w.Candidates = append(w.Candidates, plan.Candidate{Name: way.name, Bytes: way.bytes, Error: x.errorOf(way.noise, o)})
		}
		for _, pattern := range o.Alike {
			if option.Match(pattern, x.Name) {
				w.Alike = pattern
			}
		}
		for _, r := range o.Fixed {
			if option.Match(r.Pattern, x.Name) {
				w.Fixed = r.Candidate
			}
		}
		problem.Weights = append(problem.Weights, w)
	}
	if err := p.unmatched(); err != nil {
		return err
	}
	best, err := p.solve(&problem, elements)
	if err != nil {
		return err
	}
	p.take(best.Choice)
	p.Summary = p.summary(elements)
	p.Summary.Gap = best.Gap
	return p.drawFront(&problem, elements)
}

// solve finds the plan for the budget.
func (p *Plan) solve(problem *plan.Problem, elements int64) (plan.Plan, error) {
	o := &p.Options
	switch {
	case o.BitsPerWeight != nil:
		best, err := problem.LeastError(int64(*o.BitsPerWeight * float64(elements) / 8))
		if errors.Is(err, plan.ErrLimit) {
			if least, e := problem.LeastBytes(math.MaxFloat64); e == nil {
				err = fmt.Errorf("%w, or %.2f bits per weight", err, 8*float64(least.Bytes)/float64(elements))
			}
		}
		return best, err
	case o.Bytes != nil:
		return problem.LeastError(*o.Bytes)
	}
	return problem.LeastBytes(p.mostError(*o.SQNR))
}

// unmatched returns an error for a pattern that no weight matches.
func (p *Plan) unmatched() error {
	matches := func(pattern string) bool {
		return slices.ContainsFunc(p.Weights, func(x PlanWeight) bool { return option.Match(pattern, x.Name) })
	}
	for _, r := range p.Options.Fixed {
		if !matches(r.Pattern) {
			return optionf("fixed", "no weight matches %q", r.Pattern)
		}
	}
	for _, pattern := range p.Options.Alike {
		if !matches(pattern) {
			return optionf("alike", "no weight matches %q", pattern)
		}
	}
	for _, f := range p.Options.Factors {
		if !matches(f.Pattern) {
			return optionf("factors", "no weight matches %q", f.Pattern)
		}
	}
	return nil
}

// take sets the fields of each weight for a choice.
func (p *Plan) take(choice []int) {
	for i := range p.Weights {
		x := &p.Weights[i]
		x.choice = choice[i]
		way := x.ways[x.choice]
		x.Candidate, x.Scheme, x.Bytes, x.SQNR = way.name, way.scheme, way.bytes, text.Number(ratio(x.signal, way.noise))
		x.WeightedSQNR = x.weightedRatio(way)
		x.Down, x.Up = x.step(-1), x.step(1)
	}
}

// step returns the next candidate with fewer bytes, the one with the least error of several, or
// the next with more bytes and a smaller error.
func (x *PlanWeight) step(sign int64) *PlanStep {
	now, best := x.ways[x.choice], -1
	for k, w := range x.ways {
		better := sign < 0 && w.bytes < now.bytes || sign > 0 && w.bytes > now.bytes && w.noise < now.noise
		if !better {
			continue
		}
		// The nearest in bytes; of several with the same bytes the one with the least error.
		if best < 0 || sign*w.bytes < sign*x.ways[best].bytes || w.bytes == x.ways[best].bytes && w.noise < x.ways[best].noise {
			best = k
		}
	}
	if best < 0 {
		return nil
	}
	s := x.stepTo(x.ways[best])
	return &s
}

// stepTo returns the size and the errors of the weight with a candidate.
func (x *PlanWeight) stepTo(w planWay) PlanStep {
	return PlanStep{w.name, w.bytes, text.Number(ratio(x.signal, w.noise)), x.weightedRatio(w)}
}

// summary adds up the weights as they are planned.
func (p *Plan) summary(elements int64) PlanSummary {
	s := PlanSummary{Weights: len(p.Weights), Elements: elements, MinSQNR: text.Number(math.Inf(1))}
	choice := make([]int, len(p.Weights))
	mean, counted := 0.0, 0
	for i := range p.Weights {
		x := &p.Weights[i]
		choice[i] = x.choice
		s.SourceBytes += x.source
		if v := float64(x.SQNR); !math.IsInf(v, 0) {
			mean, counted = mean+v, counted+1
		}
		if x.SQNR < s.MinSQNR {
			s.MinSQNR, s.Worst = x.SQNR, x.Name
		}
	}
	s.Weighted, s.WeightedSQNR = p.weighted(), p.weightedSQNR()
	all := p.point(choice, elements)
	s.Bytes, s.BitsPerWeight, s.SQNR = all.Bytes, all.BitsPerWeight, all.SQNR
	s.MeanSQNR = text.Number(math.Inf(1))
	if counted > 0 {
		s.MeanSQNR = text.Number(summary.Steady(mean / float64(counted)))
	}
	return s
}
