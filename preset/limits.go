package preset

import "math"

// What the parameters of one group of values are computed from, and what they are.

// limits are the values at the ends of a tensor, channel or group.
type limits struct {
	lo, hi float32
	most   float32 // the first of the largest magnitude
}

// made are the parameters that a system makes of limits.
type made struct {
	scale, multiplier, offset, subtrahend float32
	zero                                  int32
}

func (r *limits) add(v float32) {
	if v < r.lo {
		r.lo = v
	}
	if v > r.hi {
		r.hi = v
	}
	if abs(v) > abs(r.most) {
		r.most = v
	}
}

// notFinite returns the index of the first NaN or infinity, or -1.
func notFinite(x []float32) int {
	for i, v := range x {
		if !finite(v) {
			return i
		}
	}
	return -1
}

func finite(v float32) bool { return v-v == 0 }

func abs(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }
