package quant

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

func asymmetricOf(lo, hi, qmin, steps float32) (scale float32, zero int32) {
	if lo == 0 && hi == 0 {
		// The code of 0 is 0 in every grid without narrow range.
		return 1, 0
	}
	scale = (hi - lo) / steps
	if scale > math.MaxFloat32 {
		scale = hi/steps - lo/steps
	}
	scale = atLeast(atLeast(scale, absMax(lo, hi)*leastRatio), minScale)
	return scale, exact.Round(qmin - lo/scale)
}
