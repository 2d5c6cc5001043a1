package quant

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"
)

func TestParseMethod(t *testing.T) {
	for name, want := range map[string]Method{
		"minmax": MinMax, "mse": LeastSquares, "mae": LeastAbsolute, "entropy": Entropy,
		"percentile=99.99": Percentile(99.99), "percentile=100": Percentile(100), "percentile=0.5": Percentile(0.5),
		"magnitude=99.9": PercentileMagnitude(99.9), "ema=0.01": MovingAverage(0.01), "ema=1": MovingAverage(1),
	} {
		got, err := ParseMethod(name)
		if err != nil || got != want || got.String() != name || !got.Equal(want) {
			t.Errorf("%q: %v, %v", name, got, err)
		}
	}
	for _, name := range []string{
		"", "max", "MinMax", "minmax=1", "mse=", "percentile", "percentile=", "percentile=0", "percentile=100.1", "percentile=-1",
		"percentile=NaN", "percentile=x", "magnitude", "magnitude=0", "magnitude=101", "ema", "ema=0", "ema=1.5", "ema=Inf", "entropy=3", "percentile = 99",
	} {
		if m, err := ParseMethod(name); !errors.Is(err, ErrMethod) {
			t.Errorf("%q: %v, %v", name, m, err)
		}
	}
	var s Scheme
	if s.Method != MinMax || s.Method.String() != "minmax" {
		t.Error("the zero value is not MinMax")
	}
	for _, m := range []Method{Percentile(0), Percentile(101), Percentile(math.NaN()), MovingAverage(0), MovingAverage(1.1), {kind: 9}, {fraction: 1}} {
		s := Scheme{Bits: 8, Method: m}
		if err := s.Validate(); !errors.Is(err, ErrMethod) {
			t.Errorf("%v: %v", m, err)
		}
		if _, err := Calibrate(Tensor{Data: []float32{1}}, s); !errors.Is(err, ErrMethod) {
			t.Errorf("%v: %v", m, err)
		}
	}
}

// TestMethods: every method is described, and parses by its description.
func TestMethods(t *testing.T) {
	all := Methods()
	if len(all) != len(methods) {
		t.Errorf("%d methods are described, want %d", len(all), len(methods))
	}
	want := map[Method]MethodInfo{
		MinMax:              {Name: "minmax"},
		Percentile(99.99):   {Name: "percentile", Value: "P", Example: 99.99, Histogram: true},
		LeastSquares:        {Name: "mse", Histogram: true},
		LeastAbsolute:       {Name: "mae", Histogram: true},
		Entropy:             {Name: "entropy", Histogram: true},
		MovingAverage(0.01): {Name: "ema", Value: "M", Example: 0.01, Batches: true},

		PercentileMagnitude(99.99): {Name: "magnitude", Value: "P", Example: 99.99, Histogram: true},
	}
	for _, info := range all {
		t.Run(info.Name, func(t *testing.T) {
			m := info.Method()
			if parsed, err := ParseMethod(m.String()); err != nil || parsed != m {
				t.Errorf("%q parses to %v (%v), want %v", m, parsed, err, m)
			}
			w, ok := want[m]
			if !ok {
				t.Fatalf("nothing is known of %v", m)
			}
			if w.Purpose = info.Purpose; info != w {
				t.Errorf("it is described as %+v, want %+v", info, w)
			}
			if len(info.Purpose) < 20 || strings.HasSuffix(info.Purpose, ".") {
				t.Errorf("its purpose is %q", info.Purpose)
			}
			_, err := NewObserver(Scheme{Bits: 8, Method: m}, RefuseNotFinite)
			if err != nil {
				t.Errorf("an observer: %v", err)
			}
			_, err = Calibrate(Tensor{Data: []float32{1, 2}}, Scheme{Bits: 8, Method: m})
			if refused := errors.Is(err, ErrMethod); refused != info.Batches {
				t.Errorf("a tensor: %v", err)
			}
		})
	}
	if m := (MethodInfo{Name: "no such method"}).Method(); m != MinMax {
		t.Errorf("a name that there is not is that of %v", m)
	}
}

// TestMethodErrors: messages say what there is, and what is missing.
func TestMethodErrors(t *testing.T) {
	for name, want := range map[string]string{
		"max":            `there is no "max"; there are minmax, percentile=P, mse, mae, entropy, ema=M and magnitude=P`,
		"ema":            `"ema" needs a value, as in ema=0.01`,
		"percentile":     `"percentile" needs a value, as in percentile=99.99`,
		"entropy=3":      `"entropy=3": entropy takes no value`,
		"percentile=x":   `"percentile=x": "x" is not a number`,
		"percentile=101": "percentile 101 is not above 0 and at most 100",
		"magnitude=-1":   "magnitude -1 is not above 0 and at most 100",
		"ema=2":          "weight 2 of a moving average is not above 0 and at most 1",
	} {
		if _, err := ParseMethod(name); err == nil || err.Error() != ErrMethod.Error()+": "+want {
			t.Errorf("%q: %v, want %s", name, err, want)
		}
	}
	if got := (Method{kind: 9}).String(); got != "Method(9)" {
		t.Errorf("a method that there is not is %q", got)
	}
}

// allMethods are those that a tensor can be calibrated by.
var allMethods = append([]Method{MinMax, PercentileMagnitude(90)}, methodsOfHistogram...)

// valuesOfParams returns the values that each parameter is for, in row-major order.
func valuesOfParams(t testing.TB, x Tensor, g Granularity) [][]float32 {
	t.Helper()
	l, err := newLayout(len(x.Data), x.Shape, g)
	if err != nil {
		t.Fatal(err)
	}
	all := make([][]float32, l.params)
	for e, v := range x.Data {
		p := paramIndex(x.Shape, g, e)
		all[p] = append(all[p], v)
	}
	return all
}

// TestCalibrateMethods: the parameters of a channel or group are those of its
// values as a tensor, whatever the walk, the cores and the instruction set; and
// Compare makes those of Calibrate.
func TestCalibrateMethods(t *testing.T) {
	shapes := [][]int{{6, 5, 40}, {7, 30}, {4, 3, 3, 3}, {211}, {90, 20}}
	forEachISA(t, func(t *testing.T) {
		for i, d := range distributions {
			if i%3 != 0 && active == generic && len(usable) > 1 || i%6 != 0 && testing.Short() {
				continue
			}
			shape := shapes[i%len(shapes)]
			n, _ := elements(shape)
			x := Tensor{valuesOf(31, n, d.of), shape}
			middle := len(shape) / 2
			for _, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(-1), PerChannel(middle), PerGroup(-1, 32), PerGroup(0, 3), PerGroup(middle, 2), PerBlock(0, 3, -1, 7), PerBlock(-1, 64, middle, 2)} {
				if l, _ := newLayout(n, shape, g); l.params == 0 {
					continue // one axis, and so no blocks of two
				}
				t.Run(d.name+"/"+g.String(), func(t *testing.T) { testMethodsOf(t, x, schemesOfMethods(g)) })
			}
		}
	})
}

// schemesOfMethods returns a scheme for each method, of several widths and both mappings.
func schemesOfMethods(g Granularity) []Scheme {
	schemes := []Scheme{{Bits: 8, Granularity: g, Method: Percentile(95)}}
	for k, m := range allMethods {
		s := Scheme{Bits: 8 - k%5, Granularity: g, Method: m}
		if k%2 == 1 {
			s.Mapping = Symmetric
		}
		schemes = append(schemes, s)
	}
	return schemes
}

// testMethodsOf checks that Compare and Calibrate give x the same parameters, and that
// each of these is what its own values get as a tensor of their own.
func testMethodsOf(t *testing.T, x Tensor, schemes []Scheme) {
	c, err := Compare(x, schemes...)
	if err != nil {
		t.Fatal(err)
	}
	for k, s := range schemes {
		p, err := Calibrate(x, s)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Results[k].Params; fmt.Sprint(got) != fmt.Sprint(p) {
			t.Errorf("%v: Compare made %v, Calibrate %v", s, got, p)
		}
		one := s
		one.Granularity = PerTensor
		for i, v := range valuesOfParams(t, x, s.Granularity) {
			want, err := Calibrate(Tensor{Data: v}, one)
			if err != nil {
				t.Fatal(err)
			}
			if p.Scale[i] != want.Scale[0] || p.ZeroPoint[i] != want.ZeroPoint[0] {
				t.Errorf("%v: parameter %d: %v and %d, want %v and %d", s, i, p.Scale[i], p.ZeroPoint[i], want.Scale[0], want.ZeroPoint[0])
			}
		}
	}
}

// TestMethodsNoEscape has tensors and parameters on the stack.
func TestMethodsNoEscape(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if !stacksAreKnown() {
		t.Skip("callers' slices escape here")
	}
	testMethodsNoEscape(t)
	smallLimits(t, 0, 0)
	testMethodsNoEscape(t)
}

func testMethodsNoEscape(t *testing.T) {
	for _, g := range matrixGranularities {
		for _, m := range allMethods {
			s := Scheme{Bits: 4, Granularity: g, Method: m}
			o := newObserver(t, s, IgnoreNotFinite)
			var c Comparison
			failed := 0
			call := func() {
				var x [160]float32
				for i := range x {
					x[i] = float32(i*i%97) - 40
				}
				var scale [160]float32
				var zero [160]int32
				p := Params{Scale: scale[:0], ZeroPoint: zero[:0]}
				shape := [...]int{4, 40}
				if CalibrateInto(&p, Tensor{x[:], shape[:]}, s) != nil ||
					CompareInto(&c, Tensor{x[:], shape[:]}, s, Scheme{Bits: 8, Method: LeastAbsolute}) != nil {
					failed++
				}
				if x[7] = float32(math.Inf(1)); o.Observe(Tensor{x[:], shape[:]}) != nil {
					failed++
				}
				if x[7] = 3; o.Observe(Tensor{x[:], shape[:]}) != nil {
					failed++
				}
			}
			if n := testing.AllocsPerRun(20, call); n != 0 || failed > 0 {
				t.Errorf("%v, %v: %v allocations and %d errors, want none", g, m, n, failed)
			}
		}
	}
}

// TestMethodsCores: the number of cores changes nothing.
func TestMethodsCores(t *testing.T) {
	rows := 600
	if testing.Short() {
		rows = 220 // more than a part
	}
	x := Tensor{valuesOf(32, rows*300, distributions[2].of), []int{rows, 300}}
	for _, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(1), PerGroup(1, 100), PerBlock(0, 128, 1, 128)} {
		for _, m := range []Method{Percentile(99), LeastSquares, Entropy} {
			s := Scheme{Bits: 4, Mapping: Symmetric, Granularity: g, Method: m}
			want, state := onCores(t, 1, x, s)
			for _, cores := range []int{2, 5} {
				if got, b := onCores(t, cores, x, s); got != want || b != state {
					t.Errorf("%v, %v: on %d cores not what one makes", g, m, cores)
				}
			}
		}
	}
}

func onCores(t *testing.T, n int, x Tensor, s Scheme) (params, state string) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	p, err := Calibrate(x, s)
	if err != nil {
		t.Fatal(err)
	}
	if s.Granularity.unit == perGroup && s.Method.kind == entropy {
		return fmt.Sprint(p), "" // would take long
	}
	o := newObserver(t, s, RefuseNotFinite)
	mustObserve(t, o, x)
	q, err := paramsBy(o, s.Method)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(p), fmt.Sprint(q, stateOf(t, o))
}

// TestMethodsFromSource: a tensor that is read has the parameters and errors of
// one that is at hand.
func TestMethodsFromSource(t *testing.T) {
	shape := []int{40, 2000} // several pieces
	x := Tensor{valuesOf(33, 40*2000, distributions[3].of), shape}
	for _, m := range allMethods {
		s := Scheme{Bits: 4, Granularity: PerChannel(0), Method: m}
		want, err := Compare(x, s, Scheme{Bits: 8})
		if err != nil {
			t.Fatal(err)
		}
		got, err := Stream{sliceSource(x.Data), shape}.Compare(s, Scheme{Bits: 8})
		if err != nil {
			t.Fatal(err)
		}
		p, err := Stream{sliceSource(x.Data), shape}.Calibrate(s)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := fmt.Sprint(got.Results), fmt.Sprint(want.Results); a != b || fmt.Sprint(p) != fmt.Sprint(want.Results[0].Params) {
			t.Errorf("%v: read %s, at hand %s", m, a, b)
		}
	}
}
