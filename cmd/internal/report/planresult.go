package report

import (
	"math"

	"github.com/a01592f9/quant/cmd/internal/importance"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/text"
	"github.com/a01592f9/quant/internal/summary"
	"github.com/a01592f9/quant/plan"
)

// A plan and its options: the JSON of quant plan.

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

// PlanOptions are the candidates and the budget of a plan. Exactly one of BitsPerWeight, Bytes
// and SQNR is given.
type PlanOptions struct {
	BitsPerWeight *float64 `json:"bits_per_weight"`
	Bytes         *int64   `json:"bytes"`
	SQNR          *float64 `json:"sqnr_db"` // to reach with the fewest bytes

	Candidates []string   `json:"candidates"`
	Target     PlanTarget `json:"for"`
	Conforms   bool       `json:"-"`       // symmetric candidates have the divisor and the narrow range of the target
	Mapping    string     `json:"mapping"` // of candidates that name none
	Method     string     `json:"method"`
	Objective  string     `json:"objective"` // one of PlanObjectives
	MaxKinds   int        `json:"max_kinds"`

	Fixed   []PlanRule   `json:"fixed"`   // of weights whose name matches
	Alike   []string     `json:"alike"`   // patterns; weights that match the same pattern get the same candidate
	Factors []PlanFactor `json:"factors"` // of the errors of weights

	// Sensitivity names the file that Inputs come from; "" without one. Errors of weights whose
	// inputs are known are errors of the outputs of their layers.
	Sensitivity string     `json:"sensitivity"`
	Inputs      PlanInputs `json:"-"` // may be nil

	// Importance names the file with the importance of the inputs of weights, by which the method
	// mse chooses scales; "" for none. See SetImportance.
	Importance string `json:"importance,omitempty"`
	importance *importance.File

	Names []string  `json:"-"` // the weights to plan; nil for all of two dimensions or more
	Left  []Skipped `json:"-"` // with Names, the others
}

// A PlanInputs returns what is known of the inputs of a weight: nil if nothing is known.
type PlanInputs func(name string, shape []int) (*moments.Inputs, error)

// A PlanRule fixes a candidate.
type PlanRule struct {
	Pattern   string `json:"pattern"`
	Candidate string `json:"candidate"`
}

// A PlanFactor says how much the error of weights counts.
type PlanFactor struct {
	Pattern string  `json:"pattern"`
	Factor  float64 `json:"factor"`
}

// How the error of a model is computed from the errors of its weights.
const (
	PlanSum      = "sum"      // of squared errors, so that large weights count most
	PlanRelative = "relative" // each to the energy of its weight, so that weights count alike
	PlanWorst    = "worst"    // the lowest ratio of all
)

// PlanObjectives lists all objectives.
var PlanObjectives = []string{PlanSum, PlanRelative, PlanWorst}

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

// A PlanWeight is what a plan has for one weight.
type PlanWeight struct {
	Name      string      `json:"name"`
	Scheme    string      `json:"scheme"` // as quant quantize takes it: "keep", a type of GGUF, or the text of a quant.Scheme
	Candidate string      `json:"candidate"`
	Shape     []int       `json:"shape"`
	Elements  int64       `json:"elements"`
	Bytes     int64       `json:"bytes"`
	SQNR      text.Number `json:"sqnr_db"`
	Error     string      `json:"error"` // of what SQNR is: PlanOfWeights or another

	// WeightedSQNR has errors that count with the importance of their inputs; nil without one.
	WeightedSQNR *text.Number `json:"weighted_sqnr_db,omitempty"`

	Down *PlanStep `json:"down"` // to fewer bytes; nil if there is no such candidate
	Up   *PlanStep `json:"up"`   // to more bytes and a smaller error

	ways   []planWay
	choice int
	signal float64 // the sum of squares, or the mean square of the outputs; 0 if no candidate loses anything
	square float64 // the mean square of the inputs; 0 if they are not known
	energy float64 // the sum of the squares of the values; 0 if the inputs are not known
	gain   float64 // what errorOf multiplies the signal with; 0 means 1
	source int64   // bytes in the file

	weighted *weightedSignal // nil without an importance
}

// A PlanStep has the size and the error with another candidate.
type PlanStep struct {
	Candidate string      `json:"candidate"`
	Bytes     int64       `json:"bytes"`
	SQNR      text.Number `json:"sqnr_db"`

	// WeightedSQNR has errors that count with the importance of their inputs; nil without one.
	WeightedSQNR *text.Number `json:"weighted_sqnr_db,omitempty"`
}

// A PlanPoint is a plan of the front.
type PlanPoint struct {
	Bytes         int64       `json:"bytes"`
	BitsPerWeight text.Number `json:"bits_per_weight"`
	SQNR          text.Number `json:"sqnr_db"`
}

// A PlanRecipe has the size and the error of one candidate for all weights, or of a common
// mixture.
type PlanRecipe struct {
	Name string `json:"name"`
	PlanPoint
	Planned text.Number `json:"planned_sqnr_db"` // of the best plan that takes no more bytes
}

// A planWay is a candidate for one weight, measured.
type planWay struct {
	name, scheme string
	bytes        int64
	noise        float64 // the sum of squared errors, or the mean squared error of the outputs
	weighted     float64 // the sum of squared errors that count with the importance of their inputs
}

// Err is like Report.Err.
func (p *Plan) Err() error { return p.base.Err() }

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
	return PlanPoint{bytes, text.Number(8 * float64(bytes) / float64(elements)), text.Number(ratio(p.signal(), noise))}
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

// ratio is a signal to noise ratio in decibels.
func ratio(signal, noise float64) float64 {
	switch {
	case noise == 0:
		return math.Inf(1)
	case signal == 0:
		return math.Inf(-1)
	}
	return summary.Steady(10 * math.Log10(signal/noise))
}

// A weightedSignal has weighted sums of a weight that do not depend on a candidate.
type weightedSignal struct {
	total  float64 // of the importances of all elements
	signal float64 // of squares; 0 if no candidate loses anything
}

// signalOf returns the sum of squares of values whose signal to noise ratio is known.
func signalOf(noise, sqnr float64) float64 {
	if noise == 0 || math.IsInf(sqnr, 0) || math.IsNaN(sqnr) {
		return 0
	}
	return noise * math.Pow(10, sqnr/10)
}
