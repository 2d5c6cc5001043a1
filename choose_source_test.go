package quant

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant/internal/exact"
)

// smallLimits has parameters of few values done as if they were many.
func smallLimits(t *testing.T, inRows, scattered int) {
	t.Helper()
	a, b := mostInRows, mostScattered
	mostInRows, mostScattered = inRows, scattered
	t.Cleanup(func() { mostInRows, mostScattered = a, b })
}

// TestMethodsFromSources: nothing depends on where a tensor is, whatever the
// layout, the method, the number of values of a parameter and of cores.
func TestMethodsFromSources(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	defer func(n int) { slotBytes = n }(slotBytes)
	shapes := [][]int{
		{40}, {700, 3}, {70001}, {3, 30011}, {30, 2, 5003}, {1, 70001}, // rows
		{130, 70, 40}, {66, 17, 97}, {20000, 3, 7}, {200, 300, 5}, {5, 20, 9, 81}, {70, 1300}, {301, 257}, {2, 300, 200}, // scattered
	}
	names := []string{"normal", "heavy", "outliers", "one-sided", "steps", "sparse", "constant"}
	for k, limits := range [][2]int{{1 << 20, 1 << 16}, {0, 0}, {5000, 300}} {
		t.Run(fmt.Sprint(limits), func(t *testing.T) {
			smallLimits(t, limits[0], limits[1])
			for i, shape := range shapes {
				if (i+k)%9 != 0 && testing.Short() {
					continue
				}
				slotBytes = []int{8 << 20, 600, 9000}[i%3]
				runtime.GOMAXPROCS(1 + i%4)
				n, _ := elements(shape)
				x := Tensor{valuesOf(uint64(40+i), n, byName(names[(i+3*k)%len(names)])), shape}
				testMethodsFromSource(t, x, i+k)
			}
		})
	}
}

func testMethodsFromSource(t *testing.T, x Tensor, i int) {
	t.Helper()
	last := len(x.Shape) - 1
	for j, g := range append(blocksOf(x.Shape), PerTensor, PerChannel(0), PerChannel(last/2), PerChannel(last), PerGroup(last, 4001), PerGroup(0, 43), PerGroup(last/2, 110)) {
		s := Scheme{Bits: 3 + (i+j)%6, Granularity: g, Mapping: Mapping(i % 2), Method: allMethods[(i+j)%len(allMethods)]}
		l, err := newLayout(len(x.Data), x.Shape, g)
		if err != nil {
			t.Fatal(err)
		}
		if l.params > 400 {
			continue // takes long
		}
		more := s
		more.Bits, more.Method = 4, allMethods[(i+j+3)%len(allMethods)]
		schemes := []Scheme{s, {Bits: 8}, more}
		if l.params < 20 {
			schemes = append(schemes, Scheme{Bits: 3, Mapping: Symmetric, Method: LeastAbsolute}, Scheme{Bits: 4, Granularity: g, Method: Percentile(80)}, Scheme{Bits: 4, Granularity: g, Method: LeastSquares})
		}
		want, err := Compare(x, schemes...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Stream{sliceSource(x.Data), x.Shape}.Compare(schemes...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := difference(want, got); diff != "" {
			t.Fatalf("%+v, shape %v, %d goroutines, waves of %d bytes (-in memory +read)\n%.2000s", s, x.Shape, runtime.GOMAXPROCS(0), slotBytes, diff)
		}
		k := (i + j) % len(schemes)
		p, err := Stream{sliceSource(x.Data), x.Shape}.Calibrate(schemes[k])
		if err != nil {
			t.Fatal(err)
		}
		if diff := difference(want.Results[k].Params, p); diff != "" {
			t.Fatalf("%+v, shape %v: Stream.Calibrate (-Compare +Calibrate)\n%.2000s", schemes[k], x.Shape, diff)
		}
	}
}

// byErrors is the search for the least error of values that are at hand, without
// passes: what TestLarge compares with.
func byErrors(s Scheme, x []float32, r Range) Range {
	if r.Min == r.Max {
		return r
	}
	q := new(chooser)
	q.use(s.scaler(0))
	q.task.Proportional = false // leaves out the other search among few values
	return q.ofValues(x, r)
}

// TestLarge: the ranges of parameters that are not brought together are those
// of values that are: percentiles and entropy's to the bit, and of least errors
// what costs the same, since sums differ in their last bits.
func TestLarge(t *testing.T) {
	rng := splitmix(3)
	for i, d := range distributions {
		for j, shape := range [][]int{{5000}, {3, 1000}, {40, 3, 35}, {200, 7}, {100, 4, 3}} {
			if (i+j)%3 != 0 || testing.Short() && (i+j)%4 != 0 {
				continue
			}
			n, _ := elements(shape)
			x := Tensor{valuesOf(rng.next(), n, d.of), shape}
			for k, g := range append([]Granularity{PerTensor, PerChannel(0), PerChannel(-1), PerGroup(-1, 1700), PerGroup(0, 77)}, blocksOf(shape)...) {
				if l, _ := newLayout(n, shape, g); l.params > 120 {
					continue // takes long
				}
				for _, m := range methodsOfHistogram {
					s := Scheme{Bits: 3 + (i+j+k)%6, Mapping: Mapping((i + k) % 2), Granularity: g, Method: m, ZeroInRange: (j+k)%3 == 0}
					chosen := func() []Range {
						l, err := newLayout(n, shape, g)
						if err != nil {
							t.Fatal(err)
						}
						all, err := Ranges(x, g)
						if err != nil {
							t.Fatal(err)
						}
						lo, hi := make([]float32, len(all)), make([]float32, len(all))
						for i, r := range all {
							lo[i], hi[i] = r.Min, r.Max
						}
						s.choose(x.Data, nil, l, lo, hi, 0)
						for i := range all {
							all[i] = Range{lo[i], hi[i]}
						}
						return all
					}
					want, least := chosen(), m == LeastSquares || m == LeastAbsolute
					a, b := mostInRows, mostScattered
					mostInRows, mostScattered = 0, 0
					got := chosen()
					mostInRows, mostScattered = a, b
					for p, v := range valuesOfParams(t, x, g) {
						one := s
						one.Granularity = PerTensor
						if least {
							want[p] = byErrors(one, v, Range{exact.PlusZero(slices.Min(v)), exact.PlusZero(slices.Max(v))})
						}
						if got[p] == want[p] {
							continue
						}
						rmse, mae := realErrors(t, one, want[p], v)
						rmse2, mae2 := realErrors(t, one, got[p], v)
						if m != LeastSquares {
							rmse, rmse2 = mae, mae2
						}
						if !least || rmse2 > rmse*(1+1e-9) {
							t.Errorf("%s, shape %v, %+v: parameter %d has %v with error %v, want %v with %v", d.name, shape, s, p, got[p], rmse2, want[p], rmse)
						}
					}
				}
			}
		}
	}
}

// TestLargeConstant: what an earlier call has left does not show in a channel of
// equal values, for which there is nothing to look for.
func TestLargeConstant(t *testing.T) {
	smallLimits(t, 0, 0)
	for range 5 {
		for _, m := range methodsOfHistogram {
			s := Scheme{Bits: 4, Granularity: PerChannel(0), Method: m}
			x := Tensor{valuesOf(1, 300, distributions[0].of), []int{3, 100}}
			if _, err := Calibrate(x, s); err != nil {
				t.Fatal(err)
			}
			for i := range x.Data[100:] {
				x.Data[100+i] = 7
			}
			p, err := Calibrate(x, s)
			if err != nil {
				t.Fatal(err)
			}
			scale, zero := s.params(Range{7, 7})
			if p.Scale[1] != scale || p.ZeroPoint[1] != zero || p.Scale[2] != scale {
				t.Errorf("%v: %v, %v, want %v and %d for the last two", m, p.Scale, p.ZeroPoint, scale, zero)
			}
		}
	}
}

// TestMethodsPasses bounds how often a tensor is read, and how many elements a
// read has.
func TestMethodsPasses(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	for _, large := range []bool{false, true} {
		if large {
			smallLimits(t, 1000, 100)
		}
		most := map[Method]int64{}
		for i, d := range distributions {
			for j, shape := range [][]int{{80000}, {3, 30000}, {1000, 80}, {20, 1500, 3}, {10, 2, 5000}} {
				if (i+j)%4 != 0 || !large && i%3 != 0 || testing.Short() && i%6 != 0 {
					continue
				}
				n, _ := elements(shape)
				x := valuesOf(uint64(50+i), n, d.of)
				for k, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(1 % len(shape)), PerChannel(-1), PerGroup(-1, 2000)} {
					if l, _ := newLayout(n, shape, g); l.params > 200 || testing.Short() && k%2 != 0 {
						continue
					}
					for _, m := range methodsOfHistogram {
						s := Scheme{Bits: 8 - k, Mapping: Mapping(k % 2), Granularity: g, Method: m}
						src := countedSource{src: sliceSource(x)}
						if _, err := (Stream{&src, shape}).Calibrate(s); err != nil {
							t.Fatal(err)
						}
						passes := (src.read.Load() + int64(n) - 1) / int64(n)
						most[m] = max(most[m], passes)
						if reads := src.calls.Load(); reads > src.read.Load()/200+10 {
							t.Errorf("shape %v, %+v: %d reads of %d elements", shape, s, reads, src.read.Load())
						}
					}
				}
			}
		}
		t.Logf("large parameters: %v; read at most so often: %v", large, most)
		bound := map[Method]int64{MinMax: 1, Percentile(99.9): 2, Percentile(90): 2, LeastSquares: 2, LeastAbsolute: 2, Entropy: 2}
		if large {
			bound = map[Method]int64{MinMax: 1, Percentile(99.9): 4, Percentile(90): 4, LeastSquares: 24, LeastAbsolute: 24, Entropy: 2}
		}
		for m, n := range most {
			if n > bound[m] {
				t.Errorf("large parameters: %v, %v: read %d times, want %d", large, m, n, bound[m])
			}
		}
	}
}

// TestMethodsSourceErrors has every call fail, in every pass.
func TestMethodsSourceErrors(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	broken := errors.New("the disk is gone")
	for _, limit := range []int{1 << 16, 100} {
		smallLimits(t, limit, limit)
		shapes := [][]int{{70000}, {1100, 60}, {30, 40, 60}, {5, 3, 5000}}
		if testing.Short() {
			shapes = shapes[1:3]
		}
		for i, shape := range shapes {
			n, _ := elements(shape)
			x := valuesOf(60, n, distributions[2].of)
			src := &failingSource{src: sliceSource(x), err: broken}
			for _, g := range append(blocksOf(shape), PerTensor, PerChannel(min(1, len(shape)-1)), PerGroup(0, 1000)) {
				if l, _ := newLayout(n, shape, g); l.params > 100 {
					continue
				}
				for j, m := range []Method{Percentile(99), LeastSquares} {
					if testing.Short() && (i+j)%2 != 0 {
						continue
					}
					s := Scheme{Bits: 4, Granularity: g, Method: m}
					for _, procs := range []int{1, 3} {
						runtime.GOMAXPROCS(procs)
						if err := second(Stream{src.failing(0, nil), shape}.Compare(s)); err != nil {
							t.Fatal(err)
						}
						for n := src.calls.Load() - 2; n > 0; n = n/2 - 1 { // goroutines may have to wait for one another
							err := second(Stream{src.failing(n, nil), shape}.Compare(s))
							if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "quant: reading elements ") || strings.Count(err.Error(), "reading") != 1 {
								t.Fatalf("shape %v, %+v: call %d fails, but the error is %v", shape, s, n, err)
							}
							if procs == 1 && src.calls.Load() != n {
								t.Errorf("shape %v, %+v: %d more calls after one that failed", shape, s, src.calls.Load()-n)
							}
							src.failing(n, "no such element")
							if v := recovered(func() error { return second(Stream{src, shape}.Calibrate(s)) }); v != src.value && src.calls.Load() >= n {
								t.Fatalf("shape %v, %+v: recovered %v", shape, s, v)
							}
						}
					}
				}
			}
		}
	}
}

// TestMethodsSourceMemory has a tensor that is computed while it is read: what
// is allocated must not grow with it.
func TestMethodsSourceMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector drops what is pooled")
	}
	n, bound := 1<<25, uint64(64<<20) // half of the tensor
	if testing.Short() {
		n, bound = 1<<22, 12<<20
	}
	src := sourceFunc(func(dst []float32, off int) error {
		if len(dst) > bufferLen {
			t.Errorf("%d elements are read at once", len(dst))
		}
		for i := range dst {
			u := uint32(off+i) * 2654435761
			dst[i] = float32(int32(u&0xffff+u>>16) - 0xffff)
		}
		return nil
	})
	shapes := [][]int{{n}, {4, n / 4}, {n / 4, 4}, {n >> 8, 1 << 8}, {1 << 8, n >> 8}}
	if testing.Short() {
		shapes = shapes[1:3]
	}
	most := uint64(0)
	defer func() { t.Logf("%d KiB are allocated at most", most>>10) }()
	for _, shape := range shapes {
		for _, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(-1)} {
			l, err := newLayout(n, shape, g)
			if err != nil {
				t.Fatal(err)
			}
			if l.params > 1<<8 {
				continue
			}
			for _, m := range []Method{Percentile(99.9), LeastSquares} {
				if m == LeastSquares && l.params > 4 && active == generic {
					continue // takes long
				}
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				s := Scheme{Bits: 4, Mapping: Symmetric, Granularity: g, Method: m}
				if _, err := (Stream{src, shape}).Calibrate(s); err != nil {
					t.Fatal(err)
				}
				runtime.ReadMemStats(&after)
				got := after.TotalAlloc - before.TotalAlloc
				if most = max(most, got); got > bound {
					t.Errorf("shape %v, %v, %v: %d MiB are allocated", shape, g, m, got>>20)
				}
			}
		}
	}
}

// TestMethodsSourceNoAllocations is TestSourceNoAllocations for methods.
func TestMethodsSourceNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	defer noCollections()()
	for _, limit := range []int{1 << 16, 100} {
		smallLimits(t, limit, limit)
		for i, shape := range [][]int{{675, 120}, {100, 30, 28}} {
			runtime.GOMAXPROCS(1 + i)
			n, _ := elements(shape)
			x := Tensor{valuesOf(70, n, distributions[0].of), shape}
			var src Source = sliceSource(x.Data)
			for j, g := range thin([]Granularity{PerTensor, PerChannel(0), PerChannel(-1), PerGroup(1, 1000), PerBlock(0, 100, -1, 16)}) {
				for _, m := range []Method{Percentile(99), LeastSquares, Entropy}[j%2 : 2+j%2] {
					if l, _ := newLayout(n, shape, g); l.params > 200 {
						continue
					}
					s := Scheme{Bits: 4, Granularity: g, Mapping: Symmetric, Method: m}
					var p Params
					var c Comparison
					for name, call := range map[string]func() error{
						"CalibrateInto": func() error {
							if !stacksAreKnown() {
								return nil // a range of its own escapes there
							}
							return CalibrateInto(&p, x, s)
						},
						"Stream.CalibrateInto": func() error { return Stream{src, shape}.CalibrateInto(&p, s) },
						"Stream.CompareInto":   func() error { return Stream{src, shape}.CompareInto(&c, Scheme{Bits: 8}, s) },
					} {
						neverAllocates(t, fmt.Sprintf("%s, %+v, shape %v", name, s, shape), call)
					}
				}
			}
		}
	}
}
