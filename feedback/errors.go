package feedback

import "errors"

// Conditions that functions of this package report, for errors.Is, beside those of
// package quant.
var (
	// ErrDamping is for a damping that is not a finite number of at least 0, or too small:
	// the inputs depend on each other so much that their second moments have no factor.
	ErrDamping = errors.New("feedback: the damping is invalid or too small")

	// ErrMoments is for second moments that do not go with a weight: of another number of
	// inputs, without rows, or of the diagonal alone where the full matrix is needed.
	ErrMoments = errors.New("feedback: second moments do not go with the weight")
)
