package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
	"github.com/a01592f9/quant/internal/histogram"
)

// The range of values, and ranges made of their ends or of the largest magnitude.

// A Range is the smallest and the largest of some values.
type Range = histogram.Range

// rangeFrom returns the range from lo to hi, limited to finite float32 values.
func rangeFrom(lo, hi float64) Range {
	return Range{
		Min: exact.PlusZero(float32(upper(lo, -math.MaxFloat32))),
		Max: exact.PlusZero(float32(lower(hi, math.MaxFloat32))),
	}
}

// reaching returns a range whose largest magnitude is t: the part of r in [-t, t], or, if t is
// larger than all of r, r with its end of the larger magnitude moved out to t.
func reaching(r Range, t float64) Range {
	m := float32(lower(t, math.MaxFloat32))
	switch {
	case m <= max(-r.Min, r.Max):
		return Cut(r, m)
	case -r.Min > r.Max:
		return Range{Min: -m, Max: r.Max}
	}
	return Range{Min: r.Min, Max: m}
}

// Cut returns the part of r in [-t, t]. If r does not meet [-t, t], both ends of the result are
// t or both are -t, the one that is nearer to r.
func Cut(r Range, t float32) Range {
	switch {
	case r.Min > t:
		return Range{Min: t, Max: t}
	case r.Max < -t:
		return Range{Min: -t, Max: -t}
	}
	return Range{Min: exact.PlusZero(max(r.Min, -t)), Max: exact.PlusZero(min(r.Max, t))}
}
