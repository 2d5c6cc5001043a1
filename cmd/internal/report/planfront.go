package report

import (
	"math"
	"slices"

	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/plan"
)

// The front of a plan: the best plan of each size, the recipes beside it, and the choices of
// every point.

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

// PlanChoices are the choices of all plans of a front, for the slider of the page.
type PlanChoices struct {
	Weights [][]PlanStep       `json:"weights"` // for each weight, its candidates
	Points  []PlanPointChoices `json:"points"`  // in the order of Plan.Front
}

// A PlanPointChoices is what one plan of a front chooses.
type PlanPointChoices struct {
	// Changes are pairs: the index of a weight and the index of its candidate. They are the
	// changes from the previous point. The first point has a pair for every weight.
	Changes [][2]int    `json:"changes"`
	MinSQNR text.Number `json:"min_sqnr_db"` // of the worst weight
	Worst   string      `json:"worst"`       // which that is
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
