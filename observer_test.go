package quant

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/internal/samples"
)

// What the tests of observers share, and the properties that hold whatever the
// values: how they are split and merged means nothing.

// distributions are values that calibration may meet.
var distributions = func() (all []struct {
	name string
	of   func(rng *rand.Rand) float32
}) {
	for _, d := range samples.Distributions {
		all = append(all, struct {
			name string
			of   func(rng *rand.Rand) float32
		}{d.Name, d.Of})
	}
	return all
}()

func valuesOf(seed uint64, n int, of func(*rand.Rand) float32) []float32 {
	return samples.Values(seed, n, of)
}

// methodsOfHistogram are those that an observer with a histogram can stand for.
var methodsOfHistogram = []Method{
	MinMax, Percentile(99.9), Percentile(90), LeastSquares, LeastAbsolute, Entropy,
}

func newObserver(t testing.TB, s Scheme, p NotFinitePolicy) *Observer {
	t.Helper()
	o, err := NewObserver(s, p)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func mustObserve(t testing.TB, o *Observer, x Tensor) {
	t.Helper()
	if err := o.Observe(x); err != nil {
		t.Fatal(err)
	}
}

func stateOf(t testing.TB, o *Observer) []byte {
	t.Helper()
	b, err := o.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// mergeTree merges observers two by two in a random order, some by way of bytes.
func mergeTree(t *testing.T, rng *rand.Rand, all []*Observer) *Observer {
	for len(all) > 1 {
		i := rng.IntN(len(all))
		a := all[i]
		all = slices.Delete(all, i, i+1)
		j := rng.IntN(len(all))
		if rng.IntN(2) == 0 {
			b := new(Observer)
			if err := b.UnmarshalBinary(stateOf(t, a)); err != nil {
				t.Fatal(err)
			}
			a = b
		}
		if err := all[j].Merge(a); err != nil {
			t.Fatal(err)
		}
	}
	return all[0]
}

// TestObserverPartition splits rows of values over batches and observers in
// any way, and merges these in any order: state and parameters are the same.
func TestObserverPartition(t *testing.T) {
	const cols, rows = 6, 400
	for _, d := range distributions {
		x := valuesOf(1, cols*rows, d.of)
		for i := range 20 { // some that are to be ignored
			x[i*97] = []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))}[i%3]
		}
		for _, s := range []Scheme{
			{Bits: 8, Method: LeastSquares},
			{Bits: 4, Mapping: Symmetric, Method: Entropy, Granularity: PerChannel(-1)},
			{Bits: 8, Method: MinMax, Granularity: PerChannel(1)},
			{Bits: 8, Unsigned: true, ZeroInRange: true, Method: Percentile(99), Granularity: PerGroup(-1, 4)},
		} {
			byGroup := s.Granularity.unit == perGroup
			t.Run(fmt.Sprintf("%s/%v/%v", d.name, s.Granularity, s.Method), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(7, 7))
				one := newObserver(t, s, IgnoreNotFinite)
				if byGroup { // each row has groups of its own
					for r := range rows {
						mustObserve(t, one, Tensor{x[r*cols : (r+1)*cols], []int{cols}})
					}
				} else {
					mustObserve(t, one, Tensor{x, []int{rows, cols}})
				}
				want := stateOf(t, one)
				for range 3 {
					all := make([]*Observer, 1+rng.IntN(6))
					for i := range all {
						all[i] = newObserver(t, s, IgnoreNotFinite)
					}
					order := rng.Perm(rows)
					for len(order) > 0 {
						n := min(1+rng.IntN(60), len(order))
						if byGroup {
							n = 1
						}
						batch := make([]float32, 0, n*cols)
						for _, r := range order[:n] {
							batch = append(batch, x[r*cols:(r+1)*cols]...)
						}
						order = order[n:]
						shape := []int{n, cols}
						if n%2 == 0 && !byGroup {
							shape = []int{n / 2, 2, cols}
						}
						if s.Granularity == PerChannel(1) {
							shape = []int{n, cols}
						}
						if byGroup {
							shape = []int{cols}
						}
						mustObserve(t, all[rng.IntN(len(all))], Tensor{batch, shape})
					}
					got := mergeTree(t, rng, all)
					if b := stateOf(t, got); !bytes.Equal(b, want) {
						t.Fatalf("the state differs: %d bytes %x, want %d bytes %x", len(b), b, len(want), want)
					}
					if got.Counts() != one.Counts() {
						t.Fatalf("counted %+v, want %+v", got.Counts(), one.Counts())
					}
					for _, m := range methodsOfHistogram {
						p, err := paramsBy(got, m)
						q, err2 := paramsBy(one, m)
						if fmt.Sprint(p, err) != fmt.Sprint(q, err2) {
							t.Fatalf("%v: %v, %v; want %v, %v", m, p, err, q, err2)
						}
					}
				}
			})
		}
	}
}

// TestObserverIsCalibrate observes a tensor whole: by range the parameters are
// those of Calibrate, whatever the granularity.
func TestObserverIsCalibrate(t *testing.T) {
	for _, d := range distributions {
		x := Tensor{valuesOf(2, 5*6*40, d.of), []int{5, 6, 40}}
		for _, g := range []Granularity{
			PerTensor, PerChannel(0), PerChannel(1), PerChannel(-1), PerGroup(2, 16), PerGroup(2, 7), PerGroup(1, 4), PerGroup(0, 2), PerBlock(0, 2, 2, 16), PerBlock(1, 4, 2, 7),
		} {
			for _, m := range []Method{MinMax, MovingAverage(0.1), LeastSquares} {
				s := Scheme{Bits: 8, Granularity: g, Method: m}
				o := newObserver(t, s, RefuseNotFinite)
				mustObserve(t, o, x)
				s.Method = MinMax
				want, err := Calibrate(x, s)
				if err != nil {
					t.Fatal(err)
				}
				got, err := paramsBy(o, MinMax)
				if m.kind == movingAverage {
					got, err = paramsBy(o, m)
					got.Scheme = s
				}
				if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%s, %v, %v: %v, %v; want %v", d.name, g, m, got, err, want)
				}
				if n := uint64(len(x.Data)); o.Counts() != (Counts{Finite: n}) {
					t.Errorf("%s, %v, %v: counted %+v, want %d", d.name, g, m, o.Counts(), n)
				}
				if m != LeastSquares {
					continue
				}
				// Every value is in the histogram of its parameter.
				n := uint64(0)
				for i := range o.Len() {
					for _, b := range o.Bins(i) {
						n += b.Count
					}
				}
				if n != uint64(len(x.Data)) {
					t.Errorf("%s, %v: %d values in bins, want %d", d.name, g, n, len(x.Data))
				}
			}
		}
	}
}

// TestObserverBins looks for every value of each parameter among its bins.
func TestObserverBins(t *testing.T) {
	shape := []int{3, 9, 35}
	x := Tensor{valuesOf(3, 3*9*35, distributions[15].of), shape}
	for _, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(1), PerChannel(2), PerGroup(2, 16), PerGroup(1, 4), PerGroup(0, 2), PerBlock(1, 4, 2, 16)} {
		o := newObserver(t, Scheme{Bits: 8, Granularity: g, Method: Entropy}, RefuseNotFinite)
		mustObserve(t, o, x)
		want := make([][]float32, o.Len())
		for e, v := range x.Data {
			p := paramIndex(shape, g, e)
			want[p] = append(want[p], v)
		}
		for i, values := range want {
			slices.Sort(values)
			for _, b := range o.Bins(i) {
				for range b.Count {
					if len(values) == 0 || values[0] < b.Min || values[0] > b.Max {
						t.Fatalf("%v, %d: %v is not in %v", g, i, values, b)
					}
					values = values[1:]
				}
			}
			if len(values) > 0 {
				t.Fatalf("%v, %d: %d values are in no bin", g, i, len(values))
			}
		}
	}
}

func TestObserverRefuses(t *testing.T) {
	s := Scheme{Bits: 8, Granularity: PerChannel(-1), Method: LeastSquares}
	o := newObserver(t, s, RefuseNotFinite)
	mustObserve(t, o, Tensor{make([]float32, 12), []int{3, 4}})
	before := stateOf(t, o)
	bad := make([]float32, 20)
	bad[14] = float32(math.Inf(-1))
	err := o.Observe(Tensor{bad, []int{5, 4}})
	var at *BatchError
	var value *NotFiniteError
	if !errors.As(err, &at) || !errors.As(err, &value) || at.Batch != 1 || value.Index != 14 || value.Channel != 2 ||
		err.Error() != "quant: batch 1: -Inf at index 14 (channel 2)" {
		t.Errorf("got %v", err)
	}
	for _, x := range []Tensor{{make([]float32, 15), []int{3, 5}}, {nil, []int{0, -4}}, {make([]float32, 4), []int{5}}} {
		if err := o.Observe(x); !errors.As(err, &at) {
			t.Errorf("shape %v: %v", x.Shape, err)
		}
	}
	if !bytes.Equal(stateOf(t, o), before) {
		t.Error("an error changed the state")
	}
	mustObserve(t, o, Tensor{make([]float32, 8), []int{1, 2, 4}})

	if _, err := NewObserver(Scheme{Bits: 1}, RefuseNotFinite); !errors.Is(err, ErrBits) {
		t.Error(err)
	}
	if _, err := NewObserver(Scheme{Bits: 8, Method: Percentile(0)}, RefuseNotFinite); !errors.Is(err, ErrMethod) {
		t.Error(err)
	}
	if _, err := NewObserver(Scheme{Bits: 8}, 2); !errors.Is(err, ErrScheme) {
		t.Error(err)
	}
	empty := newObserver(t, s, RefuseNotFinite)
	if _, err := paramsBy(empty, MinMax); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
	if _, err := paramsBy(o, MovingAverage(0.5)); !errors.Is(err, ErrMethod) {
		t.Error(err)
	}
	if _, err := o.Params(Scheme{Bits: 8}); !errors.Is(err, ErrScheme) {
		t.Error(err)
	}
	if _, err := o.Estimate(Params{Scheme: s, Scale: []float32{1}, ZeroPoint: []int32{0}}); !errors.Is(err, ErrParams) {
		t.Error(err)
	}
	if _, err := o.Estimate(Params{Scheme: Scheme{Bits: 8}}); !errors.Is(err, ErrScheme) {
		t.Error(err)
	}
	if _, err := paramsBy(newObserver(t, Scheme{Bits: 8}, 0), Entropy); !errors.Is(err, ErrMethod) {
		t.Error(err)
	}
}

// TestObserverIgnores has a channel that holds nothing but values to ignore.
func TestObserverIgnores(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	o := newObserver(t, Scheme{Bits: 8, Granularity: PerChannel(-1), Method: LeastSquares}, IgnoreNotFinite)
	mustObserve(t, o, Tensor{[]float32{1, -inf, 2, inf, 3, nan}, []int{3, 2}})
	if c := o.Counts(); c != (Counts{3, 1, 1, 1}) {
		t.Errorf("counted %+v", c)
	}
	if _, err := paramsBy(o, MinMax); !errors.Is(err, ErrEmpty) || !strings.Contains(err.Error(), "index 1") {
		t.Error(err)
	}
	mustObserve(t, o, Tensor{[]float32{0, 7}, []int{1, 2}})
	r, err := o.Ranges(Scheme{Bits: 4, Granularity: PerChannel(-1)})
	if err != nil || !slices.Equal(r, []Range{{0, 3}, {7, 7}}) {
		t.Error(r, err)
	}
}

func TestObserverMergeRefuses(t *testing.T) {
	s := Scheme{Bits: 8, Granularity: PerChannel(0), Method: Entropy}
	of := func(s Scheme, p NotFinitePolicy, n int) *Observer {
		o := newObserver(t, s, p)
		mustObserve(t, o, Tensor{make([]float32, n), []int{n}})
		return o
	}
	four := s
	four.Bits = 4
	average := s
	average.Method = MovingAverage(0.5)
	o := of(s, RefuseNotFinite, 3)
	for name, pair := range map[string][2]*Observer{
		"itself":  {o, o},
		"scheme":  {o, of(four, RefuseNotFinite, 3)},
		"policy":  {o, of(s, IgnoreNotFinite, 3)},
		"length":  {o, of(s, RefuseNotFinite, 4)},
		"average": {of(average, 0, 3), of(average, 0, 3)},
	} {
		if err := pair[0].Merge(pair[1]); !errors.Is(err, ErrMerge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMovingAverage follows the definition by hand.
func TestMovingAverage(t *testing.T) {
	m := MovingAverage(0.25)
	o := newObserver(t, Scheme{Bits: 8, Method: m}, RefuseNotFinite)
	for _, x := range [][]float32{{-1, 3}, {0, 5, 1}, {2}} {
		mustObserve(t, o, Tensor{Data: x})
	}
	// -1, then -0.75, then -0.0625; 3, then 3.5, then 3.125.
	r, err := o.Ranges(o.Scheme())
	if err != nil || r[0] != (Range{-0.0625, 3.125}) {
		t.Error(r, err)
	}
	r, err = o.Ranges(Scheme{Bits: 8})
	if err != nil || r[0] != (Range{-1, 5}) {
		t.Error(r, err)
	}
}

// paramsBy returns the parameters of o by another method.
func paramsBy(o *Observer, m Method) (Params, error) {
	s := o.Scheme()
	s.Method = m
	return o.Params(s)
}
