package search

import "github.com/a01592f9/quant/internal/exact"

// The grid of a format, and the ranges and marks that it gives.

// A Scaler computes the parameters of a range.
type Scaler interface {
	// Params returns the scale and the zero point for a range. The code q then stands for the
	// value (q - zero) * scale.
	Params(r Range) (scale float32, zero int32)
}

// A Grid describes a format and a mapping: which values are represented exactly under each
// range. These values are called marks. A new format, or a new rule for scales, needs only
// another Grid, and no change of this package:
//
//   - Another divisor or rounding of the scale needs another Scaler. Set Proportional to false
//     if the scale is no longer proportional to the range, as with scales that are powers of
//     two. Set Rounded to true if the rounding may make a scale larger.
//   - A codebook, whose codes stand for values at unequal distances, needs Levels. Set
//     Proportional to false. The Scaler returns the factor of the levels, and 0.
//
// A Grid decides which ranges a search tries, and which cost is estimated for a range from a
// histogram alone. Where the values are known, the caller's Cost decides between the ranges. A
// search assumes that the lowest and the highest mark are outside the range by at most the
// largest distance between two adjacent marks. Divergence ignores Levels: it assumes that all
// marks are equally far apart.
type Grid struct {
	Scaler

	// Lowest and Highest are the first and the last code.
	Lowest, Highest int32

	// Levels are the values of the codes of a codebook at the scale 1, in ascending order:
	// Highest-Lowest+1 of them. Levels is nil if the codes are integers.
	Levels []float64

	// Symmetric is set if the scale depends only on the largest magnitude of the range. Both
	// ends are then moved together. Otherwise each end is moved separately.
	Symmetric bool

	// ZeroInRange is set if the mapping widens every range so that it holds 0.
	ZeroInRange bool

	// Proportional is set if the scale, before it is rounded to float32, is proportional to
	// the range: the largest magnitude divided by Divisor for a symmetric grid, and otherwise
	// the width divided by Highest-Lowest. The scale is at least LeastScale, and at least
	// LeastRatio times the largest magnitude of the values. The exact search for few values
	// requires a proportional grid.
	//
	// EachEnd is set for a symmetric grid that divides each end of the range by the code of
	// that end, and takes the larger scale.
	//
	// Rounded is set if scales are rounded to numbers that can be stored. The marks may then
	// extend to twice the range.
	Proportional, EachEnd  bool
	Rounded                bool
	Divisor                float64
	LeastScale, LeastRatio float64
}

// codes returns the number of codes.
func (g *Grid) codes() int { return int(g.Highest-g.Lowest) + 1 }

// drawn returns r with its ends moved towards the center, or outwards, as c says.
func (g *Grid) drawn(r Range, center float64, c clip) Range {
	if c.lo == 0 && c.hi == 0 {
		return r
	}
	lo, hi := float64(r.Min), float64(r.Max)
	if g.Symmetric {
		return reaching(r, exact.Shrink(max(-lo, hi), c.hi))
	}
	if c.lo != 0 {
		lo = center - exact.Shrink(center-lo, c.lo)
	}
	if c.hi != 0 {
		hi = center + exact.Shrink(hi-center, c.hi)
	}
	return rangeFrom(lo, hi)
}

// rangeOf returns the range from which a symmetric grid computes the scale step. low is the
// lowest mark divided by the scale, and r is the range of all values.
func (g *Grid) rangeOf(r Range, step, low float64) Range {
	if g.EachEnd {
		return rangeFrom(float64(low*step), float64((low+float64(g.Highest-g.Lowest))*step))
	}
	return reaching(r, float64(step*g.Divisor))
}

// directions returns the directions in which a search looks for a better clip.
func (g *Grid) directions() []clip {
	if g.Symmetric {
		return allDirections[:2]
	}
	return allDirections[:]
}

// marks returns the marks of g for a scale and a zero point.
func (g *Grid) marks(scale float32, zero int32) marks {
	m := marks{step: float64(scale), lo: float64(g.Lowest - zero), hi: float64(g.Highest - zero), levels: g.Levels}
	if m.levels != nil {
		m.lo, m.hi = m.levels[0], m.levels[len(m.levels)-1]
	}
	return m
}

// marksOf returns the marks of g for a range.
func (g *Grid) marksOf(r Range) marks { return g.marks(g.Params(r)) }
