package preset

import "math"

// The limits of the values that share parameters, and the parameters that follow from them.

// limits are the limits of the values of a tensor, channel or group.
type limits struct {
	lo, hi float32 // the minimum and the maximum
	most   float32 // the first value with the largest magnitude
}

// made are the parameters that a system computes from limits. Params describes the fields.
type made struct {
	scale, multiplier, offset, subtrahend float32
	zero                                  int32
}

// add adds a value.
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

// finite reports whether v is neither NaN nor infinite.
func finite(v float32) bool { return v-v == 0 }

// abs returns the magnitude of v.
func abs(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }
