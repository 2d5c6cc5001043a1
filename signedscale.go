package quant

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// Signed scales: the symmetric mapping with scales of either sign (Scheme.SignedScale).
//
// A scale s < 0 on the grid [lo, hi] stands for the same real values as the scale -s on the
// mirrored grid [-hi, -lo], and the errors are the same:
//
//	clamp(round(x/s), lo, hi) * s = clamp(round(x/-s), -hi, -lo) * -s
//
// All steps are exact or round symmetrically, so that the two sides have the same bits. The grid
// is mirrored by the zero point qmin + qmax - zero, which is -1 for signed codes. Errors and
// searches use this form. A search for the least error looks at one sign at a time.

// A side says which scales a scaler makes for a scheme with a signed scale.
type side uint8

const (
	bothSides    side = iota // the sign that the range decides
	positiveSide             // positive scales
	negativeSide             // the magnitudes of negative scales, with the mirrored zero point
)

// mirrored reports whether a signed scale is negative for the range from lo to hi: whether the
// largest magnitude is that of a positive value alone.
func mirrored(lo, hi float32) bool { return hi > -lo }

// signed returns the scale of the range from lo to hi with its sign. scale is its magnitude.
func (s *Scheme) signed(scale, lo, hi float32) float32 {
	if s.SignedScale && mirrored(lo, hi) {
		return -scale
	}
	return scale
}

// mirror returns the zero point for which the grid is mirrored about 0.
func (s *Scheme) mirror(zero int32) int32 {
	qmin, qmax := s.Grid()
	return int32(qmin+qmax) - zero
}

// withSign returns a range whose largest magnitude is that of r, and which decides for a
// negative scale or for a positive one. If r does so, it is r.
func (r Range) withSign(negative bool) Range {
	switch most := absMax(r.Min, r.Max); {
	case negative == mirrored(r.Min, r.Max):
		return r
	case negative:
		return Range{exact.PlusZero(max(r.Min, -math.Nextafter32(most, 0))), most}
	default:
		return Range{-most, r.Max}
	}
}

// decided returns r, which s.Method chose from the range of all values, whole. If both ends of r
// have the same magnitude, the result decides for the sign for which whole does. Searches that
// look at both sides have decided for a sign.
func (s *Scheme) decided(r, whole Range) Range {
	if s.SignedScale && !s.bySide() && r.Max == -r.Min && mirrored(whole.Min, whole.Max) {
		return r.withSign(true)
	}
	return r
}

// bySide reports whether the search for s looks at both sides.
func (s *Scheme) bySide() bool { return s.SignedScale && s.Method.goal().ByErrors() }

// cheaper returns the better of the ranges that the searches of the two sides found, with the
// sign of its side. whole is the range of all values. If both cost the same, the positive side is
// better.
func cheaper(positive, negative Range, costs [2]float64, whole Range) Range {
	switch {
	case whole.Min == whole.Max:
		return whole
	case costs[1] < costs[0]:
		return negative.withSign(true)
	}
	return positive.withSign(false)
}
