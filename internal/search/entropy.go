package search

import (
	"math"

	"github.com/a01592f9/quant/internal/exact"
)

// The search for the range of the least Kullback-Leibler divergence, as
// NVIDIA's TensorRT introduced it (S. Migacz, 8-bit Inference with TensorRT,
// 2017). The values are counted in uniformBins bins of equal width. A candidate
// keeps some consecutive bins. Its P are these, with all that lies outside
// added to the bin at that end. Its Q are the same bins without that, after the
// counts of those that fall to the same code have been shared out evenly among
// those of them that are not empty. Chosen is the candidate with the least
// sum of P ln(P/Q), P and Q having been divided by their sums.
//
// Zeros are left out, since all grids here have one. Bin j of w belongs to code
// j*codes/w, rounded down. Where an end gets what lies outside and has nothing
// itself, the divergence is infinite. A candidate that keeps a single bin would
// have a divergence of 0: so those that leave out more than a quarter of the
// values are not tried.
//
// Symmetric ranges are those of magnitudes, in half as many codes as there are:
// each number of bins, down to that of the codes, is a candidate. Of asymmetric
// ranges each end is moved in turn, by uniformStep bins.

const (
	uniformBins = 2048
	uniformStep = 8
	leastKept   = 0.75
)

// A spectrum is values counted in bins of equal width. Its slices hold sums
// over all bins before an index.
type spectrum struct {
	mass     [uniformBins]float64
	sum      [uniformBins + 1]float64 // of masses
	entropy  [uniformBins + 1]float64 // of mass * ln(mass)
	occupied [uniformBins + 1]int     // of bins with a mass
}

// spread adds the values of s, in bins from lo on that are width wide; sign
// is -1 if magnitudes are of negative values, or else 1.
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

// prepare makes the sums.
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

// divergence returns that of the candidate that keeps the bins from lo up to hi.
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
			q += float64(all * exact.Ln(max(m, 0x1p-100)/float64(k))) // sums of very different masses may cancel
		}
		from = to
	}
	return (p-q)/total - exact.Ln(total) + exact.Ln(kept)
}

// best returns the bins from lo up to hi that are to be kept. Unless both ends
// can be moved, lo is 0.
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
