package feedback

import "errors"

// Errors that functions of this package wrap, for errors.Is, in addition to those of package
// quant.
var (
	// ErrDamping is for a damping that is negative, not finite or too small. It is too small
	// if the second moments of dependent inputs are not positive definite even with it, so
	// that they have no Cholesky factor.
	ErrDamping = errors.New("feedback: the damping is invalid or too small")

	// ErrMoments is for second moments that cannot be used for a weight: they are of another
	// number of inputs, have no rows, or are the diagonal where the full matrix is needed.
	ErrMoments = errors.New("feedback: second moments do not go with the weight")
)
