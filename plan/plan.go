// Package plan chooses how each weight of a model is quantized. It finds the plan with the
// least total error for a given number of bytes, or the plan with the fewest bytes for a given
// error.
//
//	problem := plan.Problem{Weights: []plan.Weight{
//		{Name: "encoder", Candidates: []plan.Candidate{{"int4", 512, 0.9}, {"int8", 1024, 0.01}}},
//		{Name: "decoder", Candidates: []plan.Candidate{{"int4", 2048, 0.1}, {"int8", 4096, 0.001}}},
//	}}
//	best, err := problem.LeastError(3100) // encoder int8, decoder int4
//
// A [Candidate] is one way to quantize a weight: its size in bytes and its error. Both come
// from a measurement, usually by [quant.Compare]: the bytes of Result.Memory, and RMSE squared
// times the number of elements. The error of a plan is the sum of the errors of its weights,
// like a sum of squared errors, or the largest of them ([Worst]).
//
// Choosing one candidate for each weight under a limit is the multiple-choice knapsack
// problem. The solution is exact. A Lagrange multiplier gives a bound for all choices (Dyer
// 1984, Zemel 1984). Candidates that no better choice can use are left out. Dynamic programming
// over the states that no other state dominates finds the best choice, as in Pisinger, A
// minimal algorithm for the multiple-choice knapsack problem, 1995. [Problem.Front] returns the
// whole Pareto front. A front of few points is exact; a larger one says how far from exact it
// is.
//
// All results are deterministic: the same problem gives the same plan on every machine.
//
// [quant.Compare]: https://pkg.go.dev/github.com/a01592f9/quant#Compare
package plan

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// The kinds of errors of this package, for errors.Is. An error that a function returns wraps
// one of these, and names the weight and the candidate.
var (
	// ErrProblem is for a problem that is not valid. It has no weights or no candidates, a
	// negative or NaN error, a negative size, finite errors whose sum is more than 2^960, or a
	// group of weights (see Weight.Alike) without a common candidate.
	ErrProblem = errors.New("plan: invalid problem")

	// ErrLimit is for a limit that no choice keeps. The error gives the limit that the smallest
	// choice needs.
	ErrLimit = errors.New("plan: the limit is too low")
)

// A Candidate is one way to quantize a weight.
type Candidate struct {
	Name  string  // tells candidates of a weight apart, such as the text form of a scheme
	Bytes int64   // of codes, scales and zero points; not negative
	Error float64 // what the weight loses, in any unit that adds up; not negative, may be +Inf, see ErrProblem
}

// A Weight is a tensor to be quantized.
type Weight struct {
	Name       string
	Candidates []Candidate

	// Alike is the name of a group of weights that must have candidates with the same name,
	// such as tied weights or all layers of a kind. "" is for a weight by itself. The weights
	// of a group can have only names that all of them have.
	Alike string

	// Fixed is the name of the candidate that the weight must have, "" for any.
	Fixed string
}

// An Objective says how the errors of weights make the error of a model.
type Objective uint8

const (
	// Sum adds the errors of all weights.
	Sum Objective = iota

	// Worst takes the largest error of all weights. Among plans with the same largest error,
	// the one with the least sum is chosen.
	Worst
)

// A Problem has the weights and the conditions of a plan.
type Problem struct {
	Weights   []Weight
	Objective Objective

	// MaxKinds is the largest number of different candidate names in a plan, for file formats
	// and runtimes that support few. 0 means any number.
	MaxKinds int

	// Context ends a search early: a function that takes long returns its error when it is done.
	// nil is for no end.
	Context context.Context
}

// ended returns the error of the context of p.
func (p *Problem) ended() error {
	if p.Context == nil {
		return nil
	}
	return p.Context.Err()
}

// A Plan is a choice of one candidate for each weight.
type Plan struct {
	Choice []int   // the index of the candidate of each weight
	Bytes  int64   // of all weights
	Error  float64 // of all weights, under the problem's objective

	// Gap is an upper limit of how much smaller the minimized number could be: the bytes for
	// LeastBytes, the error otherwise. It is 0 if the plan is proved to be the best. It is
	// above 0 if a search was too large to be finished, or if there were too many kinds to try
	// all subsets.
	Gap float64
}

// Names returns the names of the chosen candidates, in the order of the weights.
func (p *Problem) Names(choice []int) []string {
	names := make([]string, len(choice))
	for i, c := range choice {
		names[i] = p.Weights[i].Candidates[c].Name
	}
	return names
}

// Total returns the bytes and the error of a choice. Errors are added in the order of
// the weights.
func (p *Problem) Total(choice []int) (bytes int64, err float64) {
	for i, c := range choice {
		q := &p.Weights[i].Candidates[c]
		bytes += q.Bytes
		if p.Objective == Worst {
			err = math.Max(err, q.Error)
		} else {
			err += q.Error
		}
	}
	return bytes, err
}

func (p *Problem) check() error {
	if len(p.Weights) == 0 {
		return fmt.Errorf("%w: there are no weights", ErrProblem)
	}
	if p.Objective > Worst {
		return fmt.Errorf("%w: there is no objective %d", ErrProblem, p.Objective)
	}
	if p.MaxKinds < 0 {
		return fmt.Errorf("%w: at most %d kinds", ErrProblem, p.MaxKinds)
	}
	total, errors := int64(0), 0.0
	for i := range p.Weights {
		w := &p.Weights[i]
		if len(w.Candidates) == 0 {
			return fmt.Errorf("%w: weight %q has no candidates", ErrProblem, w.Name)
		}
		seen := make(map[string]bool, len(w.Candidates))
		most, worst := int64(0), 0.0
		for _, c := range w.Candidates {
			switch {
			case c.Bytes < 0:
				return fmt.Errorf("%w: candidate %q of weight %q has %d bytes", ErrProblem, c.Name, w.Name, c.Bytes)
			case !(c.Error >= 0):
				return fmt.Errorf("%w: candidate %q of weight %q has the error %v", ErrProblem, c.Name, w.Name, c.Error)
			case seen[c.Name]:
				return fmt.Errorf("%w: weight %q has two candidates named %q", ErrProblem, w.Name, c.Name)
			}
			seen[c.Name] = true
			most = max(most, c.Bytes)
			if !math.IsInf(c.Error, 1) {
				worst = max(worst, c.Error)
			}
		}
		if w.Fixed != "" && !seen[w.Fixed] {
			return fmt.Errorf("%w: weight %q is fixed to %q, which is not among its candidates", ErrProblem, w.Name, w.Fixed)
		}
		if total += most; total < 0 || total > maxBytes {
			return fmt.Errorf("%w: the weights have more than 2^53 bytes", ErrProblem)
		}
		if errors += worst; errors > maxError {
			return fmt.Errorf("%w: the finite errors of the weights up to %q have a sum of more than 2^960", ErrProblem, w.Name)
		}
	}
	return nil
}

// maxBytes is the largest total that a float64 counts exactly.
const maxBytes = 1 << 53

// maxError is the largest total of errors. The products of errors and bytes are then finite.
const maxError = 0x1p960
