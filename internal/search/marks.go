package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// The marks of a grid, and the errors of values that become the nearest of them.

// marks are the values that a grid represents exactly under given parameters: the multiples of
// step from lo*step to hi*step, or, for a codebook, its levels times step.
type marks struct {
	step, lo, hi float64
	levels       []float64
}

// widestStep returns the largest distance between two adjacent marks.
func (g *marks) widestStep() float64 {
	if g.levels == nil {
		return g.step
	}
	widest := 0.0
	for i, v := range g.levels[1:] {
		widest = max(widest, v-g.levels[i])
	}
	return float64(widest * g.step)
}

// overflows reports whether the highest mark is the nearest to most and overflows float32.
func (g *marks) overflows(most float64) bool {
	return float64(g.hi*g.step) >= 0x1.ffffffp127 && most > float64((g.hi-0.5)*g.step)
}

// nearest returns the mark nearest to v. Both are divided by the step.
func (g *marks) nearest(v float64) float64 {
	if v < g.lo {
		return g.lo
	}
	if v > g.hi {
		return g.hi
	}
	return exact.Nearest(v)
}

// overflow reports whether the mark nearest to an end of r overflows float32.
func (g *marks) overflow(r Range) bool {
	for _, v := range [...]float64{float64(r.Min), float64(r.Max)} {
		if l := float64(g.levels[g.nearestLevel(v)] * g.step); math.Abs(l) >= 0x1.ffffffp127 {
			return true
		}
	}
	return false
}

// boundary returns the value midway between the marks of level i and the next level, or infinity
// for the last level.
func (g *marks) boundary(i int) float64 {
	if i == len(g.levels)-1 {
		return math.Inf(1)
	}
	return float64((g.levels[i]+g.levels[i+1])/2) * g.step
}

// nearestLevel returns the index of the level whose mark is nearest to v. Of two equally near
// ones it returns the lower.
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

// errorOf returns e² or |e| if v is replaced by the mark of level i.
func (g *marks) errorOf(i int, v float64, squares bool) float64 {
	e := v - float64(g.levels[i]*g.step)
	if squares {
		return float64(e * e)
	}
	return math.Abs(e)
}

// integral returns the integral of e², or of |e|, over the values from lo to hi. Between two
// boundaries these have the antiderivatives e³/3 and e*|e|/2.
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
