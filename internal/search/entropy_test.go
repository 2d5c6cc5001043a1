package search

import (
	"math"
	"slices"
	"testing"

	"github.com/a01592f9/quant/internal/samples"
)

// divergencePlainly is the published algorithm for one candidate, step by step:
// counts are those of all bins, of which from up to to are kept.
func divergencePlainly(counts []float64, from, to, codes int) float64 {
	p := slices.Clone(counts[from:to])
	left, right := 0.0, 0.0
	for _, c := range counts[:from] {
		left += c
	}
	for _, c := range counts[to:] {
		right += c
	}
	p[0] += left
	p[len(p)-1] += right

	q := make([]float64, to-from)
	sum, occupied := make([]float64, codes), make([]float64, codes)
	for j, c := range counts[from:to] {
		if code := j * codes / len(q); c > 0 {
			sum[code] += c
			occupied[code]++
		}
	}
	for j, c := range counts[from:to] {
		if code := j * codes / len(q); c > 0 {
			q[j] = sum[code] / occupied[code]
		}
	}
	sumP, sumQ := 0.0, 0.0
	for j := range p {
		sumP += p[j]
		sumQ += q[j]
	}
	if sumQ < 0.75*sumP {
		return math.Inf(1)
	}
	d := 0.0
	for j := range p {
		switch {
		case p[j] == 0:
		case q[j] == 0:
			return math.Inf(1)
		default:
			d += p[j] / sumP * math.Log(p[j]/sumP/(q[j]/sumQ))
		}
	}
	return d
}

// TestEntropy counts the values themselves in bins of equal width, and searches
// plainly for the threshold. The histogram's choice has the least divergence
// there too, but for what spreading its bins changes.
func TestEntropy(t *testing.T) {
	for _, name := range []string{"normal", "laplace", "one-sided", "outliers", "heavy", "negative"} {
		for _, bits := range []int{4, 8} {
			x := samples.Values(13, 50000, samples.Named(name))
			var s Search
			r := s.OfHistogram(integers{bits: bits, symmetric: true}.task(Divergence), histogramOf(x), uint64(len(x)), rangeOfAll(x))
			most := max(-slices.Min(x), slices.Max(x))
			counts := make([]float64, 2048)
			for _, v := range x {
				if v != 0 {
					counts[min(2047, int(math.Abs(float64(v))/float64(most)*2048))]++
				}
			}
			codes := 1 << (bits - 1)
			step := 1
			if testing.Short() {
				step = 16
			}
			least, at := math.Inf(1), 0
			for k := 2048; k >= codes; k -= step {
				if d := divergencePlainly(counts, 0, k, codes); d < least {
					least, at = d, k
				}
			}
			k := int(math.Round(float64(max(-r.Min, r.Max)) / float64(most) * 2048))
			got := math.Inf(1)
			for k := max(k-16, codes); k <= min(k+16, 2048); k++ { // a bin of the float format is up to 16 wide
				got = min(got, divergencePlainly(counts, 0, k, codes))
			}
			all := divergencePlainly(counts, 0, 2048, codes)
			t.Logf("%s, %d bits: %d bins with divergence %.4g; plainly %d with %.4g; all with %.4g", name, bits, k, got, at, least, all)
			if got > least+0.1*(all-least)+0.004 {
				t.Errorf("%s, %d bits: kept %d bins with a divergence of %v, want %d with %v", name, bits, k, got, at, least)
			}
		}
	}
}

// TestDivergence compares each divergence with the plain algorithm's on the
// same bins, and the choice among them.
func TestDivergence(t *testing.T) {
	for _, d := range samples.Distributions {
		t.Run(d.Name, func(t *testing.T) {
			x := samples.Values(14, 5000, d.Of)
			whole := rangeOfAll(x)
			if whole.Min == whole.Max {
				return
			}
			for _, g := range []integers{{bits: 4, symmetric: true}, {bits: 8, symmetric: true}, {bits: 4}, {bits: 3, zeroInRange: true}, {bits: 12}} {
				var s Search
				s.OfHistogram(g.task(Divergence), histogramOf(x), uint64(len(x)), whole)
				u := &s.spectrum
				if u.occupied[2048] == 0 {
					continue
				}
				codes := 1 << g.bits
				if g.symmetric {
					codes /= 2
				}
				if codes > 2048 {
					if lo, hi := u.best(codes, true); lo != 0 || hi != 2048 {
						t.Errorf("%v: kept bins [%d, %d)", g, lo, hi)
					}
					continue
				}
				for _, c := range [][2]int{{0, 2048}, {0, 1024}, {0, 300}, {0, codes}, {17, 1999}, {1000, 1000 + codes}, {2048 - codes, 2048}, {40, 41 + codes}} {
					got, want := u.divergence(c[0], c[1], codes), divergencePlainly(u.mass[:], c[0], c[1], codes)
					if math.IsInf(want, 1) != math.IsInf(got, 1) || math.Abs(got-want) > 1e-8 {
						t.Errorf("%v: bins %v: %v, want %v", g, c, got, want)
					}
				}
			}
		})
	}
}
