package report

import (
	"github.com/a01592f9/quant/cmd/internal/text"
)

// The parts of a plan that are about all weights: its sums, the points of its front, the recipes
// beside it, and the choices of every point.

// A PlanSummary adds up all weights.
type PlanSummary struct {
	Weights       int         `json:"weights"`
	Elements      int64       `json:"elements"`
	SourceBytes   int64       `json:"source_bytes"`
	Bytes         int64       `json:"bytes"`
	BitsPerWeight text.Number `json:"bits_per_weight"`
	SQNR          text.Number `json:"sqnr_db"`      // of all values together
	MeanSQNR      text.Number `json:"mean_sqnr_db"` // over the weights that are not exact
	MinSQNR       text.Number `json:"min_sqnr_db"`  // of the worst weight
	Worst         string      `json:"worst"`        // which that is
	Gap           float64     `json:"gap"`          // 0 if the plan is proved to be the best

	// Weighted is how many weights have an importance, and WeightedSQNR the ratio of all of these
	// together; nil if none has.
	Weighted     int          `json:"weighted,omitempty"`
	WeightedSQNR *text.Number `json:"weighted_sqnr_db,omitempty"`
}

// A PlanPoint is a plan of the front.
type PlanPoint struct {
	Bytes         int64       `json:"bytes"`
	BitsPerWeight text.Number `json:"bits_per_weight"`
	SQNR          text.Number `json:"sqnr_db"`

	// WeightedSQNR is that of PlanSummary. Points are the best by SQNR, not by this.
	WeightedSQNR *text.Number `json:"weighted_sqnr_db,omitempty"`
}

// Shown returns the ratio that a figure shows: the weighted one if there is one.
func (x PlanPoint) Shown() float64 {
	if x.WeightedSQNR != nil {
		return float64(*x.WeightedSQNR)
	}
	return float64(x.SQNR)
}

// A PlanRecipe has the size and the error of one candidate for all weights, or of a common
// mixture.
type PlanRecipe struct {
	Name string `json:"name"`
	PlanPoint
	Planned text.Number `json:"planned_sqnr_db"` // of the best plan that takes no more bytes
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
