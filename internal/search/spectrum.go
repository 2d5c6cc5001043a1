package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// The search for the range of the least Kullback-Leibler divergence, after NVIDIA's TensorRT
// (S. Migacz, 8-bit Inference with TensorRT, 2017).
//
// The values are counted in uniformBins bins of equal width. A candidate is a range of
// consecutive bins. It has two distributions over these bins:
//
//   - P has the counts of the bins. The counts of all bins outside the candidate are added to
//     the bin at that end.
//   - Q has the counts of the bins without those outside, as the codes represent them: the
//     counts of all bins with the same code are divided evenly among the bins with that code
//     that are not empty.
//
// P and Q are divided by their sums. The candidate with the least sum of P ln(P/Q) is chosen.
//
// Zeros are not counted, since every grid here represents 0 exactly. Bin j of the w bins of a
// candidate has the code j*codes/w, rounded down. The divergence is infinite if counts from
// outside are added to a bin that is itself empty. Candidates that leave out more than a quarter
// of the values are not tried: a candidate of a single bin, for example, would have the
// divergence 0.
//
// For a symmetric grid the bins are those of magnitudes, and there are half as many codes. Every
// number of bins from the number of codes on is a candidate. For an asymmetric grid the upper
// and the lower end are moved in turn, in steps of uniformStep bins.

const (
	uniformBins = 2048
	uniformStep = 8
	leastKept   = 0.75 // the least fraction of the values in a candidate
)

// A spectrum counts values in bins of equal width. Element i of the arrays sum, entropy and
// occupied is a sum over the bins before i.
type spectrum struct {
	mass     [uniformBins]float64     // number of values in the bin; not an integer in general
	sum      [uniformBins + 1]float64 // sums of mass
	entropy  [uniformBins + 1]float64 // sums of mass * ln(mass)
	occupied [uniformBins + 1]int     // numbers of bins that are not empty
}

// spread adds the values of s to the bins. The first bin begins at lo, and each is width wide.
// The values are the magnitudes of s times sign, which is 1 or -1.
func (u *spectrum) spread(s *side, sign, lo, width float64) {
	for i, n := range s.n {
		a, b := (float64(sign*s.a[i])-lo)/width, (float64(sign*s.b[i])-lo)/width
		if a > b {
			a, b = b, a
		}
		first := min(max(int(a), 0), uniformBins-1)
		last := min(max(int(b), first), uniformBins-1)
		if first == last {
			u.mass[first] += n
			continue
		}
		density := n / (b - a)
		u.mass[first] += float64(density * (float64(first+1) - a))
		for j := first + 1; j < last; j++ {
			u.mass[j] += density
		}
		if rest := b - float64(last); rest > 0 {
			u.mass[last] += float64(density * rest)
		}
	}
}

// prepare computes sum, entropy and occupied from mass.
func (u *spectrum) prepare() {
	for i, m := range u.mass {
		k, e := 0, 0.0
		if m > 0 {
			k, e = 1, float64(m*exact.Ln(m))
		}
		u.sum[i+1] = u.sum[i] + m
		u.entropy[i+1] = u.entropy[i] + e
		u.occupied[i+1] = u.occupied[i] + k
	}
}

// divergence returns the divergence of the candidate of the bins from lo to hi-1. It is infinite
// if the candidate must not be chosen.
func (u *spectrum) divergence(lo, hi, codes int) float64 {
	const all = uniformBins
	kept, total := u.sum[hi]-u.sum[lo], u.sum[all]
	if kept < float64(leastKept*total) {
		return math.Inf(1)
	}
	left, right := u.sum[lo], total-u.sum[hi]
	p := u.entropy[hi] - u.entropy[lo]
	for _, end := range [...]struct {
		bin     int
		outside float64
		any     bool
	}{{lo, left, u.occupied[lo] > 0}, {hi - 1, right, u.occupied[all] > u.occupied[hi]}} {
		if !end.any {
			continue
		}
		m := u.mass[end.bin]
		if m == 0 {
			return math.Inf(1)
		}
		p += float64((m+end.outside)*exact.Ln(m+end.outside)) - float64(m*exact.Ln(m))
	}
	q := 0.0
	w := hi - lo
	from := lo
	for c := range codes {
		to := lo + ((c+1)*w+codes-1)/codes
		k := u.occupied[to] - u.occupied[from]
		if k > 0 {
			m := u.sum[to] - u.sum[from]
			all := m
			if c == 0 {
				all += left
			}
			if c == codes-1 {
				all += right
			}
			q += float64(all * exact.Ln(max(m, 0x1p-100)/float64(k))) // cancellation may make m 0
		}
		from = to
	}
	return (p-q)/total - exact.Ln(total) + exact.Ln(kept)
}

// best returns the candidate with the least divergence: the bins from lo to hi-1. If both is
// false, only the upper end is moved, and lo is 0.
func (u *spectrum) best(codes int, both bool) (lo, hi int) {
	hi = uniformBins
	if u.occupied[uniformBins] == 0 || codes >= uniformBins {
		return lo, hi
	}
	step := 1
	if both {
		step = uniformStep
	}
	least := u.divergence(lo, hi, codes)
	for range 8 {
		changed := false
		for k := uniformBins; k-lo >= codes; k -= step {
			if d := u.divergence(lo, k, codes); d < least-0x1p-32 {
				least, hi, changed = d, k, true
			}
		}
		for k := 0; both && hi-k >= codes; k += step {
			if d := u.divergence(k, hi, codes); d < least-0x1p-32 {
				least, lo, changed = d, k, true
			}
		}
		if !changed || !both {
			break
		}
	}
	return lo, hi
}
