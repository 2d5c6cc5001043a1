package search

import "math"

// The estimate of errors for codes that stand for values at unequal distances.

// costOfLevels is cost for a codebook.
func (d *distribution) costOfLevels(g *marks, squares bool) float64 {
	if g.overflow(d.r) {
		return math.Inf(1)
	}
	sum := float64(d.zeros * g.errorOf(g.nearestLevel(0), 0, squares))
	for _, part := range [...]struct {
		*side
		sign float64
	}{{&d.pos, 1}, {&d.neg, -1}} {
		for i := range part.a {
			lo, hi := part.sign*part.a[i], part.sign*part.b[i]
			if part.sign < 0 {
				lo, hi = hi, lo
			}
			if lo == hi {
				sum += float64(part.density[i] * g.errorOf(g.nearestLevel(lo), lo, squares))
			} else {
				sum += float64(part.density[i] * g.integral(lo, hi, squares))
			}
		}
	}
	return sum
}

// overflow reports whether float32 cannot hold the level next to an end of r.
func (g *marks) overflow(r Range) bool {
	for _, v := range [...]float64{float64(r.Min), float64(r.Max)} {
		if l := float64(g.levels[g.nearestLevel(v)] * g.step); math.Abs(l) >= 0x1.ffffffp127 {
			return true
		}
	}
	return false
}

// boundary returns the value midway between level i and the next: infinity for
// the last.
func (g *marks) boundary(i int) float64 {
	if i == len(g.levels)-1 {
		return math.Inf(1)
	}
	return float64((g.levels[i]+g.levels[i+1])/2) * g.step
}

// nearestLevel returns the index of the level next to v.
func (g *marks) nearestLevel(v float64) int {
	a, b := 0, len(g.levels)-1
	for a < b {
		if m := (a + b) / 2; g.boundary(m) < v {
			a = m + 1
		} else {
			b = m
		}
	}
	return a
}

// errorOf returns e² or |e| of v, which becomes level i.
func (g *marks) errorOf(i int, v float64, squares bool) float64 {
	e := v - float64(g.levels[i]*g.step)
	if squares {
		return float64(e * e)
	}
	return math.Abs(e)
}

// integral returns the integral of e², which is e³/3, or of |e|, which is e*|e|/2,
// over the values from lo to hi.
func (g *marks) integral(lo, hi float64, squares bool) float64 {
	sum := 0.0
	for i := g.nearestLevel(lo); lo < hi; i++ {
		end := min(hi, g.boundary(i))
		l := float64(g.levels[i] * g.step)
		a, b := lo-l, end-l
		if squares {
			sum += (float64(float64(b*b)*b) - float64(float64(a*a)*a)) / 3
		} else {
			sum += (float64(b*math.Abs(b)) - float64(a*math.Abs(a))) / 2
		}
		lo = end
	}
	return sum
}
