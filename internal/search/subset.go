package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// The ranges of narrower codes. Narrower codes are those of fewer bits, of the narrow range, or
// of the symmetric mapping, with the range of all values. For each of these schemes there is a
// range of the grid that has all its marks. A search tries these ranges, so its result is not
// worse than any of those schemes.

// subsets appends the ranges of narrower codes for the histogram given to Load. It leaves out
// those that cost more than the best range for every set of values with that histogram. best is
// the cost of the best range as estimated from the histogram: the RMSE of it is within 2^-7 of
// the root mean square of the values, or the MAE within 2^-7 of their mean magnitude. The costs
// of the candidates are lower bounds.
func (s *Search) subsets(dst []candidate, best float64) []candidate {
	all := s.ranges(dst)
	kept := all[:len(dst)]
	octaves := [...]*side{&s.d.pos, &s.d.neg}
	size := 0.0
	for _, o := range octaves {
		if n := len(o.octaves); n > 0 && s.squares {
			size += o.octaves[n-1].sq
		} else if n > 0 {
			size += o.octaves[n-1].abs
		}
	}
	most := best + float64(size*0x1p-7)
	if s.squares {
		most = math.Sqrt(best) + float64(math.Sqrt(size)*0x1p-7)
		most *= most
	}
	most *= 1 + 0x1p-10
	for _, c := range all[len(dst):] {
		if c.cost = s.d.atLeast(s.task.marksOf(c.Range), s.squares, most) * (1 - 0x1p-10); c.cost <= most {
			kept = append(kept, c)
		}
	}
	return kept
}

// ranges appends all ranges of narrower codes. s.d.r must be the range of the values.
func (s *Search) ranges(dst []candidate) []candidate {
	g, r := &s.task.Grid, s.d.r
	if g.Levels != nil || g.Divisor == 0 {
		return dst
	}
	least := max(g.LeastScale, float64(g.LeastRatio*max(-float64(r.Min), float64(r.Max))))
	add := func(step, low, high float64) {
		if step >= least {
			dst = append(dst, s.placed(rangeFrom(float64(low*step), float64(high*step))))
		}
	}
	lo, hi := float64(r.Min), float64(r.Max)
	most := max(-lo, hi)
	steps := float64(g.Highest - g.Lowest)
	if g.ZeroInRange {
		lo, hi = min(lo, 0), max(hi, 0)
	}
	for n := 2.0; n <= steps+2; n *= 2 { // half the number of narrower codes
		for _, divisor := range [...]float64{n, n - 0.5, n - 1} {
			switch step := most / divisor; {
			case g.Symmetric:
				if step >= least {
					_, zero := g.Params(r)
					dst = append(dst, s.placed(g.rangeOf(r, step, float64(g.Lowest-zero))))
				}
			case n <= (steps+1)/2:
				add(step, -(steps+1)/2, (steps-1)/2)
			}
		}
		if !g.Symmetric && 2*n-1 <= steps {
			step := (hi - lo) / (2*n - 1)
			low := exact.Nearest(lo / step)
			add(step, low, low+steps)
		}
	}
	return dst
}

// placed returns the candidate of a range. Its clip is approximate.
func (s *Search) placed(r Range) candidate {
	c := candidate{Range: r}
	if s.task.Symmetric {
		c.hi = octaves(max(-s.d.r.Min, s.d.r.Max), max(-r.Min, r.Max))
		return c
	}
	c.lo = octaves(float32(s.center)-s.d.r.Min, float32(s.center)-r.Min)
	c.hi = octaves(s.d.r.Max-float32(s.center), r.Max-float32(s.center))
	return c
}

// octaves returns log2(a/b) in the units of a clip, rounded, and limited to the clips of an end.
// It returns 0 if a or b is not a positive finite number.
func octaves(a, b float32) int {
	if !(a > 0) || !(b > 0) || a > math.MaxFloat32 || b > math.MaxFloat32 {
		return 0
	}
	n := (exact.Ln(float64(a)) - exact.Ln(float64(b))) * (clipUnit / math.Ln2)
	return int(exact.Nearest(min(max(n, clipWide), clipMost)))
}
