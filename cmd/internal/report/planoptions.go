package report

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/importance"
	"github.com/a01592f9/quant/cmd/internal/moments"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/system"
)

// mostBits is the largest budget in bits per weight. Float64 has 64.
const mostBits = 1 << 10

// mostFactor is the largest factor of an error. Products with it are finite, and their sums are far
// below the limit of package plan.
const mostFactor = 1e100

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

// SetImportance makes the method mse choose the least error weighted by the importances in f.
func (o *PlanOptions) SetImportance(f *importance.File) {
	o.importance, o.Importance = f, filepath.Base(f.Path)
}

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
	case o.BitsPerWeight != nil && *o.BitsPerWeight > mostBits:
		return optionf("bits_per_weight", "%v bits per weight are more than %d", *o.BitsPerWeight, mostBits)
	case o.Bytes != nil && *o.Bytes <= 0:
		return optionf("bytes", "%d bytes are not positive", *o.Bytes)
	case o.SQNR != nil && (math.IsNaN(*o.SQNR) || math.IsInf(*o.SQNR, 0)):
		return optionf("sqnr_db", "the ratio %v is not a finite number", *o.SQNR)
	case !slices.Contains(PlanObjectives, o.Objective):
		return optionf("objective", "objective %q is none of %s", o.Objective, strings.Join(PlanObjectives, ", "))
	case o.Target != PlanAny && !slices.Contains(PlanTargets, string(o.Target)):
		return optionf("for", "%q is none of %s", o.Target, strings.Join(PlanTargets, ", "))
	case o.MaxKinds < 0:
		return optionf("max_kinds", "%d kinds are not positive", o.MaxKinds)
	}
	for _, f := range o.Factors {
		if !(f.Factor >= 0 && f.Factor <= mostFactor) {
			return optionf("factors", "the factor %v of %q is no number from 0 to %v", f.Factor, f.Pattern, float64(mostFactor))
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

// planCandidate reads the name of a candidate: "keep"; a type of GGUF that is written, such
// as q4_k; or a scheme as --schemes has it. Without a granularity codes of integers are per
// channel. A mapping and a method that the name does not have are those of o.
func (o *PlanOptions) planCandidate(name string, mapping quant.Mapping, method quant.Method) (planCandidate, error) {
	if name == Keep {
		return planCandidate{candidate: candidate{name: name}, keep: true}, nil
	}
	if t, err := gguf.ParseType(name); err == nil && (o.Target == PlanLlamaCPP || slices.Contains(blockFormats(), strings.ToLower(name))) {
		c := planCandidate{candidate: candidate{name: name, block: t, blocks: true}}
		if o.Target != PlanAny && o.Target != PlanLlamaCPP {
			return c, fmt.Errorf("candidate %q: a type of GGUF, and files for %s do not hold those", name, o.Target)
		}
		if !t.Writable() {
			return c, fmt.Errorf("candidate %q: the type is read but not written; types that are written are %s", name, gguf.Written())
		}
		return c, nil
	}
	parsed, err := parseCandidate(name)
	c := planCandidate{candidate: parsed}
	if err != nil {
		return c, fmt.Errorf("candidate %q: %w; a candidate is keep, a type of GGUF, or a scheme such as int4:g32", name, err)
	}
	s, parts := &c.scheme, strings.Split(name, ":")[1:]
	has := func(reads func(part string) error) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return reads(part) == nil })
	}
	if s.Format == quant.Integers && s.Scales == quant.Float32Scale {
		if s.Granularity == quant.PerTensor && !slices.Contains(parts, "tensor") {
			c.channel = true
		}
		if !has(func(part string) error { return new(quant.Mapping).UnmarshalText([]byte(part)) }) {
			s.Mapping = mapping
		}
		s.ZeroInRange = true // files keep zero points in the type of codes
		if target, err := system.Parse(string(o.Target)); err == nil && o.Conforms && s.Divisor == quant.FarEnd && !s.NarrowRange {
			*s = target.Conform(*s)
		}
	}
	if !has(func(part string) error { return new(quant.Method).UnmarshalText([]byte(part)) }) {
		s.Method = method
	}
	if what := o.Target.writes(*s); what != "" {
		return c, fmt.Errorf("candidate %q: quant quantize writes no such codes for %s: it has %s", name, o.Target, what)
	}
	return c, s.Validate()
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
