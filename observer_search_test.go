package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/a01592f9/quant/internal/exact"
	"github.com/a01592f9/quant/internal/histogram"
	"github.com/a01592f9/quant/internal/samples"
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
	lo[0], hi[0] = exact.PlusZero(lo[0]), exact.PlusZero(hi[0])
	s.choose(x, nil, l, lo, hi, 0)
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
				want := Range{exact.PlusZero(sorted[k]), exact.PlusZero(sorted[n-1-k])}
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

// cutTo returns r without what lies beyond ±t, or if that is all of it, the end that is nearer.
func cutTo(r Range, t float32) Range {
	c := Range{exact.PlusZero(max(r.Min, -t)), exact.PlusZero(min(r.Max, t))}
	switch {
	case r.Min > t:
		c = Range{t, t}
	case r.Max < -t:
		c = Range{-t, -t}
	}
	return c
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
			try(cutTo(r, most*float32(4*steps-i)/(4*steps)))
			try(cutTo(r, most*float32(math.Pow(2, -float64(i)/12))))
		}
		return best
	}
	width := float64(r.Max) - float64(r.Min)
	for i := range steps {
		for j := i + 1; j <= steps; j++ {
			try(Range{
				exact.PlusZero(histogram.Range(r).Clamp(float32(float64(r.Min) + width*float64(i)/steps))),
				exact.PlusZero(histogram.Range(r).Clamp(float32(float64(r.Min) + width*float64(j)/steps))),
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
		whole := Range{exact.PlusZero(slices.Min(x)), exact.PlusZero(slices.Max(x))}
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

// expected returns the sum of errors that o estimates for s laid over r.
func expected(t testing.TB, o *Observer, s Scheme, m Method, r Range) float64 {
	t.Helper()
	var c chooser
	c.use(s.scaler(0))
	scale, zero := s.params(r)
	p := &o.params[0]
	squares, absolute := c.search.Estimate(&c.task.Grid, scale, zero, &p.hist, p.n, histogram.Range{Min: p.lo, Max: p.hi})
	if m == LeastSquares {
		return squares
	}
	return absolute
}

// TestEstimates checks what searches go by: the estimated error of any range is
// within the bound of the real one, and no choice has a larger estimate than
// the widest range.
func TestEstimates(t *testing.T) {
	for _, d := range distributions {
		x := valuesOf(12, 3000, d.of)
		whole := Range{exact.PlusZero(slices.Min(x)), exact.PlusZero(slices.Max(x))}
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
				got, widest := expected(t, o, s, m, rangeBy(t, o, s, m)), expected(t, o, s, m, whole)
				if got > widest {
					t.Errorf("%s, %+v, %v: estimated at %v, the widest range at %v", d.name, s, m, got, widest)
				}
			}
		}
	}
}

// TestEntropy: the histogram is all that the search for the least divergence goes
// by, so an observer and Calibrate choose the same range.
func TestEntropy(t *testing.T) {
	for _, d := range distributions {
		for _, s := range searchSchemes {
			x := valuesOf(13, 5000, d.of)
			r := rangeBy(t, observed1(t, s, x), s, Entropy)
			if exact := calibrated(t, s, Entropy, x); exact != r {
				t.Errorf("%s, %+v: Calibrate chose %v, an observer %v", d.name, s, exact, r)
			}
		}
	}
}

func byName(name string) (of func(*rand.Rand) float32) { return samples.Named(name) }

// TestPercentileMagnitudes compares with sorted magnitudes, for few values, for many, and
// for parameters whose values are read in passes.
func TestPercentileMagnitudes(t *testing.T) {
	check := func(t *testing.T) {
		for _, d := range distributions {
			for _, n := range []int{1, 2, 3, 10, 999, 5000} {
				x := valuesOf(uint64(n), n, d.of)
				whole := Range{exact.PlusZero(slices.Min(x)), exact.PlusZero(slices.Max(x))}
				sorted := slices.Clone(x)
				for i, v := range sorted {
					sorted[i] = max(v, -v)
				}
				slices.Sort(sorted)
				o := observed1(t, Scheme{Bits: 8}, x)
				for _, p := range []float64{100, 99.9, 99, 50, 1e-9} {
					m := PercentileMagnitude(p)
					k := min(int(float64(n)*(100-p)/100), n-1)
					want := cutTo(whole, sorted[n-1-k])
					if got := calibrated(t, Scheme{Bits: 8}, m, x); got != want {
						t.Errorf("%s, %d values, %v: Calibrate chose %v, want %v", d.name, n, m, got, want)
					}
					read, err := Stream{sliceSource(x), []int{n}}.Calibrate(Scheme{Bits: 8, Method: m})
					if err != nil {
						t.Fatal(err)
					}
					if scale, zero := (Scheme{Bits: 8}).params(want); read.Scale[0] != scale || read.ZeroPoint[0] != zero {
						t.Errorf("%s, %d values, %v: read %v, want %v and %d", d.name, n, m, read, scale, zero)
					}
					got := rangeBy(t, o, Scheme{Bits: 8}, m)
					for _, v := range [][2]float32{{got.Min, want.Min}, {got.Max, want.Max}} {
						bound := max(math.Abs(float64(v[1]))*0x1p-7, 0x1p-133)
						if math.Abs(float64(v[0])-float64(v[1])) > bound || got.Min > got.Max {
							t.Errorf("%s, %d values, %v: the observer chose %v, want %v within %v", d.name, n, m, got, want, bound)
						}
					}
				}
			}
		}
	}
	t.Run("together", check)
	t.Run("in passes", func(t *testing.T) {
		smallLimits(t, 0, 0)
		check(t)
	})
}

// TestPercentilesOfOneSide: of values on one side of 0, percentiles of magnitudes leave out
// what is at the far end, and the others half as much.
func TestPercentilesOfOneSide(t *testing.T) {
	x := make([]float32, 10000) // as after a ReLU, with 8 outliers
	for i := range x {
		x[i] = float32(i%500) / 500
	}
	for i := range 8 {
		x[i*1000] = 50
	}
	for m, want := range map[Method]Range{Percentile(99.9): {0, 50}, PercentileMagnitude(99.9): {0, 0.998}} {
		if got := calibrated(t, Scheme{Bits: 8}, m, x); got != want {
			t.Errorf("%v chose %v, want %v", m, got, want)
		}
	}
}
