package plan

import (
	"fmt"
)

// LeastError returns the plan with the least error among those that take at most the given
// bytes. Among plans with the same error, it has the fewest bytes.
//
// Errors: ErrProblem, ErrLimit if every plan takes more bytes, and the error of Context.
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

// LeastBytes returns the plan with the fewest bytes among those with an error of at most most,
// up to the rounding of sums. Among plans with the same bytes, it has the least error.
//
// Errors: ErrProblem, ErrLimit if every plan has a larger error, and the error of Context.
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

// Validate returns nil if the problem is valid. Otherwise it returns ErrProblem with the
// reason.
func (p *Problem) Validate() error {
	_, err := p.items()
	return err
}
