package plan

import (
	"fmt"
)

// LeastError returns the plan with the least error among those that take at most so many
// bytes. Of plans with the same error it is one with the fewest bytes.
//
// Errors: ErrProblem, and ErrLimit if no plan is so small.
func (p *Problem) LeastError(bytes int64) (Plan, error) {
	items, err := p.items()
	if err != nil {
		return Plan{}, err
	}
	if p.MaxKinds > 0 {
		return p.fewKinds(items, float64(bytes), false)
	}
	return p.leastError(items, float64(bytes), thorough)
}

// LeastBytes returns the plan with the fewest bytes among those whose error is at most
// so much, but for the rounding of sums. Of plans with the same bytes it is one with the least error.
//
// Errors: ErrProblem, and ErrLimit if every plan loses more.
func (p *Problem) LeastBytes(most float64) (Plan, error) {
	items, err := p.items()
	if err != nil {
		return Plan{}, err
	}
	if !(most >= 0) {
		return Plan{}, fmt.Errorf("%w: an error of at most %v", ErrLimit, most)
	}
	if p.MaxKinds > 0 {
		return p.fewKinds(items, most, true)
	}
	return p.leastBytes(items, most)
}

// Validate returns nil if the problem can be solved for some limit, else ErrProblem
// with the reason.
func (p *Problem) Validate() error {
	_, err := p.items()
	return err
}
