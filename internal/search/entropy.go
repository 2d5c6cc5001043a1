package search

import "github.com/a01592f9/quant/internal/exact"

// The search for the range of the least divergence. spectrum.go explains the method.

// entropy returns the range of the least divergence for the histogram given to Load.
func (s *Search) entropy() Range {
	r, g := s.d.r, &s.task.Grid
	codes := g.codes()
	lo, hi := float64(r.Min), float64(r.Max)
	u := &s.spectrum
	clear(u.mass[:])
	if g.Symmetric {
		most := max(-lo, hi)
		codes = (codes + 1) / 2
		u.spread(&s.d.pos, 1, 0, most/uniformBins)
		u.spread(&s.d.neg, 1, 0, most/uniformBins)
		u.prepare()
		if _, k := u.best(codes, false); k < uniformBins {
			return Cut(r, float32(most*float64(k)/uniformBins))
		}
		return r
	}
	if g.ZeroInRange {
		lo, hi = min(lo, 0), max(hi, 0)
	}
	u.spread(&s.d.pos, 1, lo, (hi-lo)/uniformBins)
	u.spread(&s.d.neg, -1, lo, (hi-lo)/uniformBins)
	u.prepare()
	i, k := u.best(codes, true)
	c := r
	if i > 0 {
		c.Min = exact.PlusZero(r.Clamp(float32(lo + float64((hi-lo)*float64(i)/uniformBins))))
	}
	if k < uniformBins {
		c.Max = exact.PlusZero(r.Clamp(float32(lo + float64((hi-lo)*float64(k)/uniformBins))))
	}
	return c
}
