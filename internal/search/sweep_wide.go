package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// The steps that are wider than the one at which the marks just hold all values. Such
// marks can hold all values too, wherever they end, so that a step costs what the values'
// distances from its multiples do. There is no end of the steps that clipping gives: a
// step that is many times as wide may be the one of whose multiples all values are.
//
// Steps are left out by intervals. A value whose distance from the next multiple is r
// steps in the middle of an interval has one of r - d steps at least anywhere in it, where
// d is by how many steps the value moves. When these distances alone cost more than the
// best range so far, there is nothing better in the interval. Else it is divided. What is
// left at last is swept.
//
// Of more than sweepExact values some, evenly spread over their order, stand for all:
// steps are looked at one by one, and where these values are clearly nearer to multiples
// than they would be by chance, what is around is swept.

const (
	wideBegin  = 1.0 / 16 // part of the steps that is swept without being asked
	wideMoves  = 0.04     // by how many steps the mean magnitude moves in the shortest interval
	wideFactor = 1.5      // of the lengths of intervals that follow each other
	wideProbes = 0.3      // by how many steps the mean magnitude moves from one step to the next
	wideFirst  = 8        // values that are looked at first
	wideEvents = 8        // of a value, of which all are swept before the first probe

	// Mean distances, in steps, and their squares, that are clearly less than by chance,
	// which gives 1/4 and 1/12, and more than what half the way to the next probe makes.
	wideNear, wideNear2 = 0.17, 0.045
)

// widen returns the best places among the steps from first on, of those that cost less
// than the best range so far.
func (w *sweep) widen(first, best float64) []spot {
	w.ready(best)
	w.magnitudes()
	end := 1 / first
	w.begun = min(w.coarsest(best), end)
	if len(w.v) > sweepExact {
		w.limit, w.wanted = best, 2
		w.probe(end, best)
	} else {
		w.divide(end, best)
	}
	return w.closely(best)
}

// divide sweeps the steps up to 1/end, but for what is left out.
func (w *sweep) divide(end, best float64) {
	least := wideMoves * float64(len(w.v)) / w.total // half of an interval
	swept := end                                     // from where on all is swept, or left out
	u := end - float64(end*wideBegin)
	for h := least; u > w.begun; {
		from := max(u-2*h, w.begun)
		switch {
		case w.leftOut(from, u, w.best(best)):
			if swept > u {
				w.sweepBetween(u, swept, best)
			}
			u, swept = from, from
			h *= wideFactor
		case h > least:
			h /= wideFactor * wideFactor
		default:
			u = from
			if w.total*(swept-u) > sweepEvents {
				w.sweepBetween(u, swept, best)
				swept = u
			}
		}
	}
	if swept > w.begun {
		w.sweepBetween(w.begun, swept, best)
	}
}

// probe sweeps the steps up to 1/end around those that seem to suit the values.
func (w *sweep) probe(end, best float64) {
	h := wideProbes * float64(len(w.v)) / w.total
	events := float64(wideEvents)
	if len(w.v) > sweepMany {
		events = wideEvents / 2
	}
	swept := max(end-float64(events*h/wideProbes), w.begun)
	w.sweepBetween(swept, end, best)
	most := wideNear
	if w.squares {
		most = wideNear2
	}
	for u := swept - h/2; u > w.begun; u -= h {
		if w.meanDistance(u, sweepExact/wideFirst) > most || w.meanDistance(u, 1) > most {
			continue
		}
		from, to := max(u-h*0.75, w.begun), min(u+h*0.75, swept)
		w.sweepBetween(from, to, best)
		swept = from
	}
}

// meanDistance returns the mean distance of every so many magnitudes from the next
// multiple of 1/u, in steps, or that of the squares.
func (w *sweep) meanDistance(u float64, every int) float64 {
	sum, n := 0.0, 0
	for i := every - 1; i < len(w.mags); i += every {
		y := float64(w.mags[i] * u)
		r := math.Abs(y - exact.Nearest(y))
		if w.squares {
			r = float64(r * r)
		}
		sum += r
		n++
	}
	return sum / float64(n)
}

// sweepBetween sweeps the steps from 1/u on to 1/end.
func (w *sweep) sweepBetween(u, end, best float64) {
	for u < end {
		next := min(u+sweepUnits/w.most, u*sweepWidest, end)
		if !(next > u) || !w.bound(u, best, false) {
			return
		}
		w.pass(u, next)
		u = next
	}
}

// magnitudes sorts those of the values, or of some of very many.
func (w *sweep) magnitudes() {
	w.mags = w.mags[:0]
	n := len(w.v)
	m := min(n, sweepExact)
	w.share = 1
	if m < n {
		w.share = 2 * float64(m) / float64(n) // some may cost more than their share
	}
	at := func(i int) float64 { return w.v[i*(n-1)/max(m-1, 1)] }
	i := 0
	for i < m && at(i) < 0 {
		i++
	}
	for j := i - 1; len(w.mags) < m; {
		if j < 0 || i < m && at(i) <= -at(j) {
			w.mags = append(w.mags, at(i))
			i++
		} else {
			w.mags = append(w.mags, -at(j))
			j--
		}
	}
}

// coarsest returns 1/step for the widest step that may cost at most that. Magnitudes up
// to half a step are their own errors, or less than their errors.
func (w *sweep) coarsest(most float64) float64 {
	most *= w.share * (1 + 0x1p-30)
	sum := 0.0
	for _, m := range w.mags {
		if w.squares {
			sum += float64(m * m)
		} else {
			sum += m
		}
		if sum > most {
			return 0.5 / m
		}
	}
	return 0.25 / w.most
}

// leftOut reports whether all steps from 1/u to 1/end cost more than most.
func (w *sweep) leftOut(u, end, most float64) bool {
	mid, h := (u+end)/2, (end-u)/2
	limit := most * w.share * end * (1 + 0x1p-20) * 2 // in steps of 1/end, the smallest
	if w.squares {
		limit *= end * 2
	}
	m := w.mags
	sum := 0.0
	for len(m) >= 8 {
		if sum += w.distances8((*[8]float64)(m), mid, h); sum > limit {
			return true
		}
		m = m[8:]
	}
	for _, m := range m {
		d := distance2(m, mid, h)
		if w.squares {
			d = float64(d * d)
		}
		sum += d
	}
	return sum > limit
}

// distances8 returns the sum of the distances, or of their squares, of eight magnitudes.
func (w *sweep) distances8(m *[8]float64, mid, h float64) float64 {
	a, b, c, d := distance2(m[0], mid, h), distance2(m[1], mid, h), distance2(m[2], mid, h), distance2(m[3], mid, h)
	e, f, g, i := distance2(m[4], mid, h), distance2(m[5], mid, h), distance2(m[6], mid, h), distance2(m[7], mid, h)
	if w.squares {
		a, b, c, d = float64(a*a), float64(b*b), float64(c*c), float64(d*d)
		e, f, g, i = float64(e*e), float64(f*f), float64(g*g), float64(i*i)
	}
	return ((a + b) + (c + d)) + ((e + f) + (g + i))
}

// distance2 returns twice the least distance, in steps, of a magnitude from a multiple of a
// step. There is no branch, since it could not be foreseen.
func distance2(m, mid, h float64) float64 {
	y := float64(m * mid)
	r := math.Abs(y-exact.Nearest(y)) - float64(m*h)
	return r + math.Abs(r)
}

// valid reports whether a range is one.
func (c *candidate) valid() bool {
	return c.Min <= c.Max && c.Min >= -math.MaxFloat32 && c.Max <= math.MaxFloat32
}
