package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// The ranges that methods choose, against what is computed plainly: from sorted
// values, by trying all ranges, and by the published algorithm.

// searchSchemes are grids of all kinds.
var searchSchemes = []Scheme{
	{Bits: 8}, {Bits: 8, Mapping: Symmetric}, {Bits: 8, Mapping: Symmetric, NarrowRange: true},
	{Bits: 8, Unsigned: true, ZeroInRange: true},
	{Bits: 4}, {Bits: 4, Mapping: Symmetric}, {Bits: 3, ZeroInRange: true}, {Bits: 2, Mapping: Symmetric, Unsigned: true},
}

func observed1(t testing.TB, s Scheme, x []float32) *Observer {
	s.Method = LeastSquares
	o := newObserver(t, s, RefuseNotFinite)
	mustObserve(t, o, Tensor{Data: x})
	return o
}

func rangeBy(t testing.TB, o *Observer, s Scheme, m Method) Range {
	t.Helper()
	s.Method = m
	r, err := o.Ranges(s)
	if err != nil {
		t.Fatal(err)
	}
	return r[0]
}

// calibrated returns the range that Calibrate lays the grid over.
func calibrated(t testing.TB, s Scheme, m Method, x []float32) Range {
	t.Helper()
	s.Method = m
	l, err := newLayout(len(x), nil, s.Granularity)
	if err != nil {
		t.Fatal(err)
	}
	lo, hi := []float32{slices.Min(x)}, []float32{slices.Max(x)}
	lo[0], hi[0] = plusZero(lo[0]), plusZero(hi[0])
	s.choose(x, nil, l, lo, hi)
	p, err := Calibrate(Tensor{Data: x}, s)
	if err != nil {
		t.Fatal(err)
	}
	scale, zero := s.params(Range{lo[0], hi[0]})
	if p.Scale[0] != scale || p.ZeroPoint[0] != zero {
		t.Fatalf("%+v: Calibrate made %v and %d, want %v and %d", s, p.Scale[0], p.ZeroPoint[0], scale, zero)
	}
	return Range{lo[0], hi[0]}
}

func TestPercentiles(t *testing.T) {
	for _, d := range distributions {
		for _, n := range []int{1, 2, 3, 10, 999, 20000} {
			x := valuesOf(uint64(n), n, d.of)
			sorted := slices.Clone(x)
			slices.Sort(sorted)
			o := observed1(t, Scheme{Bits: 8}, x)
			for _, p := range []float64{100, 99.99, 99.9, 99, 90, 50, 10, 1e-9} {
				k := int(float64(n) * (100 - p) / 200)
				k = min(k, (n-1)/2)
				want := Range{plusZero(sorted[k]), plusZero(sorted[n-1-k])}
				if got := calibrated(t, Scheme{Bits: 8}, Percentile(p), x); got != want {
					t.Errorf("%s, %d values, %v: Calibrate chose %v, want %v", d.name, n, p, got, want)
				}
				got := rangeBy(t, o, Scheme{Bits: 8}, Percentile(p))
				for _, v := range [][2]float32{{got.Min, want.Min}, {got.Max, want.Max}} {
					bound := max(math.Abs(float64(v[1]))*0x1p-7, 0x1p-133)
					if math.Abs(float64(v[0])-float64(v[1])) > bound || got.Min > got.Max {
						t.Errorf("%s, %d values, %v: the observer chose %v, want %v within %v", d.name, n, p, got, want, bound)
					}
				}
				if p == 100 && got != want {
					t.Errorf("%s, %d values: all of them are in %v, got %v", d.name, n, want, got)
				}
			}
		}
	}
}

// realErrors returns RMSE and MAE of x under s laid over r.
func realErrors(t testing.TB, s Scheme, r Range, x []float32) (rmse, mae float64) {
	t.Helper()
	s.Method = MinMax
	p, err := ParamsFromRanges(s, []Range{r})
	if err != nil {
		t.Fatal(err)
	}
	c, err := CompareParams(Tensor{Data: x}, p)
	if err != nil {
		t.Fatal(err)
	}
	return c.Results[0].RMSE, c.Results[0].MAE
}

// leastOfLattice returns the least error of a dense lattice of ranges.
func leastOfLattice(t testing.TB, s Scheme, squares bool, x []float32, r Range) float64 {
	best := math.Inf(1)
	try := func(r Range) {
		rmse, mae := realErrors(t, s, r, x)
		if !squares {
			rmse = mae
		}
		best = min(best, rmse)
	}
	const steps = 48
	if s.Mapping == Symmetric {
		most := max(-r.Min, r.Max)
		for i := range 4 * steps {
			try(r.within(most * float32(4*steps-i) / (4 * steps)))
			try(r.within(most * float32(math.Pow(2, -float64(i)/12))))
		}
		return best
	}
	width := float64(r.Max) - float64(r.Min)
	for i := range steps {
		for j := i + 1; j <= steps; j++ {
			try(Range{
				plusZero(clampTo(float32(float64(r.Min)+width*float64(i)/steps), r)),
				plusZero(clampTo(float32(float64(r.Min)+width*float64(j)/steps), r)),
			})
		}
	}
	return best
}

// TestLeastErrors compares the searches with all ranges of a lattice. That on a
// histogram is within what its bins leave open; commonly it is as good as the
// other, which knows the values.
func TestLeastErrors(t *testing.T) {
	n := 1500
	if testing.Short() {
		n = 400
	}
	good, all := 0, 0
	for _, d := range distributions {
		x := valuesOf(11, n, d.of)
		whole := Range{plusZero(slices.Min(x)), plusZero(slices.Max(x))}
		var sq, abs float64
		for _, v := range x {
			sq += float64(v) * float64(v)
			abs += math.Abs(float64(v))
		}
		for _, s := range searchSchemes {
			o := observed1(t, s, x)
			for _, m := range []Method{LeastSquares, LeastAbsolute} {
				squares := m == LeastSquares
				pick := func(r Range) float64 {
					rmse, mae := realErrors(t, s, r, x)
					if squares {
						return rmse
					}
					return mae
				}
				bound := abs / float64(n) * 0x1p-6
				if squares {
					bound = math.Sqrt(sq/float64(n)) * 0x1p-6
				}
				least := leastOfLattice(t, s, squares, x, whole)
				widest := pick(whole)
				streamed := pick(rangeBy(t, o, s, m))
				exact := pick(calibrated(t, s, m, x))
				if streamed > least+bound || streamed > widest+bound {
					t.Errorf("%s, %+v, %v: the observer's error is %v, want at most %v+%v", d.name, s, m, streamed, least, bound)
				}
				if exact > widest || exact > streamed {
					t.Errorf("%s, %+v, %v: Calibrate's error is %v, that of the widest range %v, the observer's %v", d.name, s, m, exact, widest, streamed)
				}
				all++
				if exact <= least*1.02 || exact == least {
					good++
				} else {
					t.Logf("%s, %+v, %v: %v, the lattice has %v", d.name, s, m, exact, least)
				}
			}
		}
	}
	if good < all*9/10 {
		t.Errorf("%d of %d exact searches are within 2 %% of the lattice", good, all)
	}
}

// TestEstimates checks what searches go by: the estimated error of any range is
// within the bound of the real one, and no choice has a larger estimate than
// the widest range.
func TestEstimates(t *testing.T) {
	for _, d := range distributions {
		x := valuesOf(12, 3000, d.of)
		whole := Range{plusZero(slices.Min(x)), plusZero(slices.Max(x))}
		if whole.Min == whole.Max {
			continue
		}
		var sq, abs float64
		for _, v := range x {
			sq += float64(v) * float64(v)
			abs += math.Abs(float64(v))
		}
		n := float64(len(x))
		for _, s := range searchSchemes {
			o := observed1(t, s, x)
			var f search
			f.d.load(&o.params[0].hist, o.params[0].n, whole)
			for _, m := range []Method{MinMax, Percentile(99), Percentile(80), LeastSquares, LeastAbsolute} {
				r := rangeBy(t, o, s, m)
				rmse, mae := realErrors(t, s, r, x)
				p, err := ParamsFromRanges(s, []Range{r})
				if err != nil {
					t.Fatal(err)
				}
				estimates, err := o.Estimate(p)
				if err != nil {
					t.Fatal(err)
				}
				gotSq, gotAbs := estimates[0].RMSE, estimates[0].MAE
				if math.IsInf(rmse, 1) && math.IsInf(gotSq, 1) {
					continue
				}
				// e is rounded to float32.
				if math.Abs(gotSq-rmse) > math.Sqrt(sq/n)*(0x1p-7+0x1p-20)+0x1p-133 ||
					math.Abs(gotAbs-mae) > abs/n*(0x1p-7+0x1p-20)+0x1p-133 {
					t.Errorf("%s, %+v, %v: RMSE %v, estimated %v; MAE %v, estimated %v", d.name, s, m, rmse, gotSq, mae, gotAbs)
				}
			}
			for _, m := range []Method{LeastSquares, LeastAbsolute} {
				got, widest := f.d.cost(s.ruler(rangeBy(t, o, s, m)), m == LeastSquares), f.d.cost(s.ruler(whole), m == LeastSquares)
				if got > widest {
					t.Errorf("%s, %+v, %v: estimated at %v, the widest range at %v", d.name, s, m, got, widest)
				}
			}
		}
	}
}

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
			x := valuesOf(13, 50000, byName(name))
			s := Scheme{Bits: bits, Mapping: Symmetric, Method: Entropy}
			r := rangeBy(t, observed1(t, s, x), s, Entropy)
			if exact := calibrated(t, s, Entropy, x); exact != r {
				t.Errorf("%s, %d bits: Calibrate chose %v, an observer %v", name, bits, exact, r)
			}
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
	for _, d := range distributions {
		x := valuesOf(14, 5000, d.of)
		whole := Range{plusZero(slices.Min(x)), plusZero(slices.Max(x))}
		if whole.Min == whole.Max {
			continue
		}
		for _, s := range []Scheme{{Bits: 4, Mapping: Symmetric}, {Bits: 8, Mapping: Symmetric}, {Bits: 4}, {Bits: 3, ZeroInRange: true}, {Bits: 12}} {
			o := observed1(t, s, x)
			var f search
			f.d.load(&o.params[0].hist, o.params[0].n, whole)
			f.entropy(s)
			u := &f.spectrum
			if u.occupied[2048] == 0 {
				continue
			}
			codes := 1 << s.Bits
			if s.Mapping == Symmetric {
				codes /= 2
			}
			if codes > 2048 {
				if lo, hi := u.best(codes, true); lo != 0 || hi != 2048 {
					t.Errorf("%s, %d bits: kept bins [%d, %d)", d.name, s.Bits, lo, hi)
				}
				continue
			}
			for _, c := range [][2]int{{0, 2048}, {0, 1024}, {0, 300}, {0, codes}, {17, 1999}, {1000, 1000 + codes}, {2048 - codes, 2048}, {40, 41 + codes}} {
				got, want := u.divergence(c[0], c[1], codes), divergencePlainly(u.mass[:], c[0], c[1], codes)
				if math.IsInf(want, 1) != math.IsInf(got, 1) || math.Abs(got-want) > 1e-8 {
					t.Errorf("%s, %+v: bins %v: %v, want %v", d.name, s, c, got, want)
				}
			}
		}
	}
}

func byName(name string) (of func(*rand.Rand) float32) {
	for _, d := range distributions {
		if d.name == name {
			return d.of
		}
	}
	panic(name)
}

// TestLogarithms holds ln against math.Log.
func TestLogarithms(t *testing.T) {
	for i := range 100000 {
		v := math.Ldexp(1+float64(i)/100000, i%2000-1000)
		if got, want := ln(v), math.Log(v); math.Abs(got-want) > 1e-15*max(1, math.Abs(want)) {
			t.Fatalf("ln(%v) = %v, want %v", v, got, want)
		}
	}
}
