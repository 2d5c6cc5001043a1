package report

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/internal/summary"
	"github.com/a01592f9/quant/plan"
)

// A plan: how it is chosen from what is known of each weight, and its front.

// A Plan says how each weight of a model is quantized, so that the error is the
// least under a budget. Marshalled, it is the file of `quant plan`, which
// docs/planning.md describes.
type Plan struct {
	Version int         `json:"quant_plan"` // PlanVersion
	Source  string      `json:"source"`
	Options PlanOptions `json:"options"`
	Summary PlanSummary `json:"summary"`

	Weights []PlanWeight `json:"weights"` // in the order of the source
	Front   []PlanPoint  `json:"front"`   // by ascending bytes, of any number of kinds
	Recipes []PlanRecipe `json:"recipes"` // one candidate for all weights each, and what llama.cpp mixes
	Skipped []Skipped    `json:"skipped"`
	FileNotes

	base  Report
	front *plan.Front
	at    []int // indices in front of the points of Front
}

// PlanVersion is the version of the file.
const PlanVersion = 1

// Err is like Report.Err.
func (p *Plan) Err() error { return p.base.Err() }

// sameUnit makes errors of weights comparable with errors of outputs. A weight whose inputs are
// not known gets inputs with the mean of the mean squares of the others. Outputs are larger than
// uncorrelated inputs of that mean square would make them, while errors are not: so the weight
// also gets the median of that gain of the others, for the objectives that divide by the signal.
func (p *Plan) sameUnit() error {
	if p.Options.Inputs == nil {
		return nil
	}
	sum, known := 0.0, 0
	var gains []float64
	for i := range p.Weights {
		x := &p.Weights[i]
		if x.Error == PlanOfWeights {
			continue
		}
		sum, known = sum+x.square, known+1
		if alone := float64(x.energy * x.square); alone > 0 && x.signal > 0 {
			gains = append(gains, x.signal/alone)
		}
	}
	switch {
	case known == 0 && len(p.Weights) > 0 && p.base.Summary.Failed == 0:
		return errNoInputs
	case known == 0:
		return nil
	}
	gain := median(gains)
	for i := range p.Weights {
		x := &p.Weights[i]
		if x.Error != PlanOfWeights {
			continue
		}
		mean := sum / float64(known)
		x.signal, x.gain = float64(x.signal*mean), gain
		for k := range x.ways {
			x.ways[k].noise = float64(x.ways[k].noise * mean)
		}
	}
	return nil
}

// errNoInputs is the error for a file of sensitivities that has no weight of the model.
var errNoInputs = errors.New("the sensitivities are of no weight of the model: no name is the same")

// choose computes the plan, its front, and the recipes. It fails when ctx ends.
func (p *Plan) choose(ctx context.Context) error {
	o := &p.Options
	problem := plan.Problem{MaxKinds: o.MaxKinds, Context: ctx}
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

// mostError returns the greatest error, by the objective, with which a ratio is reached.
func (p *Plan) mostError(sqnr float64) float64 {
	share := math.Pow(10, -sqnr/10)
	switch p.Options.Objective {
	case PlanWorst:
		return share
	case PlanRelative:
		return share * float64(len(p.Weights)) // the mean of the shares
	}
	return share * p.signal()
}

// unmatched returns an error for a pattern that no weight matches.
func (p *Plan) unmatched() error {
	names := make([]string, len(p.Weights))
	for i, x := range p.Weights {
		names[i] = x.Name
	}
	check := func(field, pattern string) error {
		if slices.ContainsFunc(names, func(name string) bool { return option.Match(pattern, name) }) {
			return nil
		}
		return optionf(field, "%v", option.Unmatched("weight", []string{pattern}, names))
	}
	for _, r := range p.Options.Fixed {
		if err := check("fixed", r.Pattern); err != nil {
			return err
		}
	}
	for _, pattern := range p.Options.Alike {
		if err := check("alike", pattern); err != nil {
			return err
		}
	}
	for _, f := range p.Options.Factors {
		if err := check("factors", f.Pattern); err != nil {
			return err
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
	all := p.point(choice, elements)
	s.Weighted, s.WeightedSQNR = p.weighted(), all.WeightedSQNR
	s.Bytes, s.BitsPerWeight, s.SQNR = all.Bytes, all.BitsPerWeight, all.SQNR
	s.MeanSQNR = text.Number(math.Inf(1))
	if counted > 0 {
		s.MeanSQNR = text.Number(summary.Steady(mean / float64(counted)))
	}
	return s
}

// weighted counts the weights that have an importance.
func (p *Plan) weighted() int {
	n := 0
	for i := range p.Weights {
		if p.Weights[i].weighted != nil {
			n++
		}
	}
	return n
}

// weightedSQNR is the weighted ratio of a choice, over all weights together that have an importance;
// nil if none has.
func (p *Plan) weightedSQNR(choice []int) *text.Number {
	signal, noise, none := 0.0, 0.0, true
	for i, k := range choice {
		if x := &p.Weights[i]; x.weighted != nil {
			signal, noise, none = signal+x.weighted.signal, noise+x.ways[k].weighted, false
		}
	}
	if none {
		return nil
	}
	n := text.Number(ratio(signal, noise))
	return &n
}

// signal is the sum of squares of all weights.
func (p *Plan) signal() float64 {
	sum := 0.0
	for i := range p.Weights {
		sum += p.Weights[i].signal
	}
	return sum
}

// point returns the size and the error of a choice over all weights.
func (p *Plan) point(choice []int, elements int64) PlanPoint {
	var bytes int64
	noise := 0.0
	for i, k := range choice {
		way := p.Weights[i].ways[k]
		bytes, noise = bytes+way.bytes, noise+way.noise
	}
	return PlanPoint{bytes, text.Number(8 * float64(bytes) / float64(elements)), text.Number(ratio(p.signal(), noise)), p.weightedSQNR(choice)}
}

// mostPoints is the approximate limit of the points of a front in a report.
const mostPoints = 256

// drawFront sets Front and Recipes.
func (p *Plan) drawFront(problem *plan.Problem, elements int64) error {
	any := *problem
	any.MaxKinds = 0 // a front has plans of any number of kinds
	front, err := any.Front()
	if err != nil {
		return err
	}
	of := func(choice []int) PlanPoint { return p.point(choice, elements) }
	p.Recipes = []PlanRecipe{}
	add := func(name string, choice []int) {
		r := PlanRecipe{Name: name, PlanPoint: of(choice), Planned: text.Number(math.Inf(-1))}
		if k := front.At(r.Bytes); k >= 0 { // no plan is this small if fixed weights take more bytes
			r.Planned = of(front.Plan(k).Choice).SQNR
		}
		p.Recipes = append(p.Recipes, r)
	}
	for _, name := range p.Options.Candidates {
		choice := p.uniform(name)
		if choice == nil || name == Keep {
			continue
		}
		add(name, choice)
	}
	if choice := p.mixed(); choice != nil {
		add("Q4_K_M", choice)
	}
	p.front, p.at = front, p.pointsOf(front)
	for _, k := range p.at {
		p.Front = append(p.Front, of(front.Plan(k).Choice))
	}
	return nil
}

// pointsOf returns the points of a front that a report has. If there are very many, it picks
// points at evenly growing sizes, and at the sizes of the plan and of the recipes.
func (p *Plan) pointsOf(front *plan.Front) []int {
	n := len(front.Points)
	if n <= mostPoints {
		return upTo(n)
	}
	points := []int{0, n - 1}
	at := func(bytes int64) {
		if k := front.At(bytes); k >= 0 {
			points = append(points, k)
		}
	}
	least, most := float64(max(1, front.Points[0].Bytes)), float64(front.Points[n-1].Bytes)
	for i := range mostPoints {
		at(int64(least * math.Pow(most/least, float64(i)/(mostPoints-1))))
	}
	at(p.Summary.Bytes)
	for _, r := range p.Recipes {
		at(r.Bytes)
	}
	slices.Sort(points)
	return slices.Compact(points)
}

// uniform chooses one candidate for all weights; nil if one lacks it.
func (p *Plan) uniform(name string) []int {
	choice := make([]int, len(p.Weights))
	for i := range p.Weights {
		choice[i] = slices.IndexFunc(p.Weights[i].ways, func(w planWay) bool { return w.name == name })
		if choice[i] < 0 {
			return nil
		}
	}
	return choice
}

// mixed chooses as llama.cpp's Q4_K_M does: Q4_K, but Q6_K for the output head and for
// attn_v and ffn_down of some layers, and Q5_K for attn_qkv. It returns nil if the
// candidates of the weights do not have these types, or if no weight has a layer.
// Embeddings of tokens get Q4_K, as in llama.cpp.
func (p *Plan) mixed() []int {
	layers := 0
	for i := range p.Weights {
		if n, _, ok := blockOf(p.Weights[i].Name); ok {
			layers = max(layers, n+1)
		}
	}
	if layers == 0 {
		return nil
	}
	choice := make([]int, len(p.Weights))
	for i := range p.Weights {
		x := &p.Weights[i]
		name := "q4_k"
		n, part, _ := blockOf(x.Name)
		switch {
		case x.Name == "output.weight":
			name = "q6_k"
		case part == "attn_qkv.weight":
			name = "q5_k"
		case (part == "attn_v.weight" || part == "ffn_down.weight") && moreBits(n, layers):
			name = "q6_k"
		}
		choice[i] = slices.IndexFunc(x.ways, func(w planWay) bool { return w.name == name })
		if choice[i] < 0 {
			return nil
		}
	}
	return choice
}

// Choices returns what the points of p.Front choose.
func (p *Plan) Choices() *PlanChoices {
	c := &PlanChoices{Weights: [][]PlanStep{}, Points: []PlanPointChoices{}}
	before := make([]int, len(p.Weights))
	for i := range p.Weights {
		x := &p.Weights[i]
		before[i] = -1
		steps := make([]PlanStep, len(x.ways))
		for k, w := range x.ways {
			steps[k] = x.stepTo(w)
		}
		c.Weights = append(c.Weights, steps)
	}
	for _, at := range p.at {
		choice := p.front.Plan(at).Choice
		point := PlanPointChoices{Changes: [][2]int{}, MinSQNR: text.Number(math.Inf(1))}
		for i, k := range choice {
			if k != before[i] {
				point.Changes = append(point.Changes, [2]int{i, k})
			}
			if v := c.Weights[i][k].SQNR; v < point.MinSQNR {
				point.MinSQNR, point.Worst = v, p.Weights[i].Name
			}
		}
		before = choice
		c.Points = append(c.Points, point)
	}
	return c
}

// TakeUpTo makes p the largest plan of the front with at most the given bytes, or else the
// smallest plan. Its budget becomes the bytes of that plan.
func (p *Plan) TakeUpTo(bytes int64) {
	best := p.front.Plan(max(0, p.front.At(bytes)))
	p.take(best.Choice)
	p.Summary = p.summary(p.Summary.Elements)
	p.Options.BitsPerWeight, p.Options.Bytes, p.Options.SQNR = nil, &p.Summary.Bytes, nil
}
