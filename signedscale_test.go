package quant

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/a01592f9/quant/internal/samples"
)

// Scales of either sign: Scheme.SignedScale.

// signedSchemes are schemes with a signed scale, of all kinds.
func signedSchemes(m Method) []Scheme {
	var all []Scheme
	for _, s := range []Scheme{
		{Bits: 4}, {Bits: 8}, {Bits: 2}, {Bits: 5, Unsigned: true}, {Bits: 16}, {Bits: 11, Unsigned: true},
		{Bits: 4, Scales: Float16Scale}, {Bits: 4, Unsigned: true, Scales: BFloat16Scale},
	} {
		s.Mapping, s.SignedScale, s.Method = Symmetric, true, m
		all = append(all, s)
	}
	return all
}

func negated(x []float32) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = -v
	}
	return y
}

func TestSignedScaleOfRanges(t *testing.T) {
	for _, c := range []struct {
		bits     int
		unsigned bool
		r        Range
		scale    float32
		zero     int32
	}{
		{4, false, Range{-3, 7}, -7.0 / 8, 0},
		{4, false, Range{-7, 3}, 7.0 / 8, 0},
		{4, false, Range{-7, 7}, 7.0 / 8, 0}, // equal magnitudes: a positive scale
		{4, false, Range{0, 10}, -10.0 / 8, 0},
		{4, false, Range{2, 10}, -10.0 / 8, 0},
		{4, false, Range{-10, -2}, 10.0 / 8, 0},
		{4, true, Range{-3, 7}, -7.0 / 8, 8},
		{8, false, Range{-1, 2}, -2.0 / 128, 0},
		{8, false, Range{0, 0}, 1, 0},
		{16, false, Range{0, 0x1p-140}, -0x1p-126, 0},
	} {
		s := Scheme{Bits: c.bits, Unsigned: c.unsigned, Mapping: Symmetric, SignedScale: true}
		p, err := ParamsFromRanges(s, []Range{c.r})
		if err != nil || p.Scale[0] != c.scale || p.ZeroPoint[0] != c.zero {
			t.Errorf("%v of %v: scale %v, zero point %v (%v), want %v and %d", s, c.r, p.Scale, p.ZeroPoint, err, c.scale, c.zero)
		}
		q, err := Calibrate(Tensor{Data: []float32{c.r.Min, c.r.Max}}, s)
		if err != nil || q.Scale[0] != c.scale || q.ZeroPoint[0] != c.zero {
			t.Errorf("%v of %v: Calibrate has scale %v, zero point %v (%v), want %v and %d", s, c.r, q.Scale, q.ZeroPoint, err, c.scale, c.zero)
		}
	}
}

// TestSignedScaleExamples: the value with the largest magnitude is exact, whatever its sign.
func TestSignedScaleExamples(t *testing.T) {
	for _, c := range []struct {
		x     []float32
		m     Method
		scale float32
		codes []int8
	}{
		{[]float32{7, -3, 2, 1}, MinMax, -0.875, []int8{-8, 3, -2, -1}},
		{[]float32{7, -3, 2, 1}, LeastSquares, 1, []int8{7, -3, 2, 1}},
		{[]float32{8, -3, 2, 1}, LeastSquares, -1, []int8{-8, 3, -2, -1}},
		{[]float32{8, -3, 2, 1}, LeastAbsolute, -1, []int8{-8, 3, -2, -1}},
		{[]float32{0, 1, 2, 10}, MinMax, -1.25, []int8{0, -1, -2, -8}},
	} {
		x := Tensor{Data: c.x}
		s := Scheme{Bits: 4, Mapping: Symmetric, SignedScale: true, Method: c.m}
		p, err := Calibrate(x, s)
		if err != nil {
			t.Fatal(err)
		}
		codes := make([]int8, len(c.x))
		if err := QuantizeCodes(codes, x, p); err != nil || p.Scale[0] != c.scale || !slices.Equal(codes, c.codes) {
			t.Errorf("%v, %v: scale %v, codes %v (%v), want %v and %v", c.x, c.m, p.Scale[0], codes, err, c.scale, c.codes)
		}
		back := make([]float32, len(c.x))
		if err := DequantizeCodes(back, codes, nil, p); err != nil || c.m == MinMax && back[slices.Index(c.x, slices.Max(c.x))] != slices.Max(c.x) {
			t.Errorf("%v, %v: back as %v (%v)", c.x, c.m, back, err)
		}
	}
}

// TestSignedScaleMirrors: without ties a tensor and its negative have the same codes, and scales
// of opposite signs. Where the largest magnitude is negative, everything is as without the
// option. All functions agree about the parameters, the codes and the errors.
func TestSignedScaleMirrors(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	for _, shape := range [][]int{{5}, {40}, {6, 64}, {64, 6}, {7, 5, 33}, {3, 9000}, {70000}} {
		if testing.Short() && len(shape) == 3 {
			continue
		}
		x := randomTensor(rng, shape)
		y := Tensor{negated(x.Data), shape}
		last := len(shape) - 1
		for _, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(last), PerGroup(-1, 32), PerGroup(0, 5)} {
			for _, s := range signedSchemes(MinMax) {
				s.Granularity = g
				name := fmt.Sprintf("%v, %v", shape, s)
				p, err := Calibrate(x, s)
				if err != nil {
					t.Fatal(err)
				}
				q, err := Calibrate(y, s)
				if err != nil {
					t.Fatal(err)
				}
				plain := s
				plain.SignedScale = false
				u, err := Calibrate(x, plain)
				if err != nil {
					t.Fatal(err)
				}
				ranges, err := Ranges(x, g)
				if err != nil {
					t.Fatal(err)
				}
				tie := false
				for i, v := range p.Scale {
					mirror := ranges[i].Max > -ranges[i].Min
					if tie = tie || ranges[i].Max == -ranges[i].Min; mirror != (v < 0) || absolute(v) != u.Scale[i] || p.ZeroPoint[i] != u.ZeroPoint[i] {
						t.Fatalf("%s: parameter %d of %v is %v and %d, and %v without the option", name, i, ranges[i], v, p.ZeroPoint[i], u.Scale[i])
					}
					if ranges[i].Max != -ranges[i].Min && q.Scale[i] != -v {
						t.Fatalf("%s: parameter %d is %v, and %v of the negative", name, i, v, q.Scale[i])
					}
				}
				a, err := Quantize(x, p)
				if err != nil {
					t.Fatal(err)
				}
				b, err := Quantize(y, q)
				if err != nil {
					t.Fatal(err)
				}
				if !tie && !bytes.Equal(a.Codes, b.Codes) {
					t.Fatalf("%s: other codes than the negative", name)
				}
				checkSignedCalls(t, name, x, s, a)
			}
		}
	}
}

// checkSignedCalls compares what several functions return for x with the codes want.
func checkSignedCalls(t *testing.T, name string, x Tensor, s Scheme, want Quantized) {
	t.Helper()
	d, err := QuantizeDynamic(x, s, RefuseNotFinite)
	if err != nil || !bytes.Equal(d.Codes, want.Codes) || !slices.Equal(d.Params.Scale, want.Params.Scale) {
		t.Fatalf("%s: QuantizeDynamic has other codes or scales (%v)", name, err)
	}
	p, err := Stream{sliceSource(x.Data), x.Shape}.Calibrate(s)
	if err != nil || !slices.Equal(p.Scale, want.Params.Scale) {
		t.Fatalf("%s: a Stream has scales %v (%v), want %v", name, p.Scale, err, want.Params.Scale)
	}
	o := newObserver(t, s, RefuseNotFinite)
	mustObserve(t, o, x)
	if p, err = o.Params(s); err != nil || s.Method.ranged() && !slices.Equal(p.Scale, want.Params.Scale) {
		t.Fatalf("%s: an Observer has scales %v (%v), want %v", name, p.Scale, err, want.Params.Scale)
	}
	y, err := Dequantize(want)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Compare(x, s)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Difference(x, y, c.ChannelGranularity(), s.Granularity)
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Results[0]; !slices.Equal(r.Scale, want.Params.Scale) || r.RMSE != m.Metrics.RMSE || r.MAE != m.Metrics.MAE || r.MaxError != m.Metrics.MaxError {
		t.Fatalf("%s: Compare has %v, RMSE %v, the codes %v", name, r.Scale, r.RMSE, m.Metrics.RMSE)
	}
}

// leastSigned returns the least error of x over all real scales of both signs, with the codes
// from low to high: brute force, without the code of a search. It looks at every interval of
// scales in which no value changes its code.
func leastSigned(x []float32, low, high float64, squares bool, floor float64) float64 {
	least := math.Inf(1)
	for _, sign := range []float64{1, -1} {
		cost := func(step float64) (sum, better float64) {
			kv, kk := 0.0, 0.0
			for _, v := range x {
				k := min(max(math.RoundToEven(float64(v)/(sign*step)), low), high)
				e := math.Abs(float64(v) - float64(k*sign*step))
				if squares {
					e *= e
				}
				sum += e
				kv += float64(k * sign * float64(v))
				kk += float64(k * k)
			}
			return sum, kv / kk
		}
		most, ends := 0.0, []float64{floor}
		for _, v := range x {
			most = max(most, math.Abs(float64(v)))
			for k := low; k < high; k++ {
				if s := sign * float64(v) / (k + 0.5); s > floor {
					ends = append(ends, s)
				}
			}
		}
		ends = append(ends, 4*most)
		slices.Sort(ends)
		for i, end := range ends {
			sum, _ := cost(end)
			least = min(least, sum)
			if i == 0 {
				continue
			}
			begin := ends[i-1]
			middle := (begin + end) / 2
			if squares {
				if _, s := cost(middle); s > begin && s < end {
					sum, _ := cost(s)
					least = min(least, sum)
				}
				continue
			}
			for _, v := range x { // the sum of |e| has its corners where a value is exact
				k := min(max(math.RoundToEven(float64(v)/(sign*middle)), low), high)
				if s := float64(v) / (sign * k); k != 0 && s > begin && s < end {
					sum, _ := cost(s)
					least = min(least, sum)
				}
			}
		}
	}
	return least
}

// signedValues returns a few values of one of many kinds: of one sign or both, multiples of a step,
// with or without an outlier.
func signedValues(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	kind, step := rng.IntN(6), float32(math.Ldexp(1+rng.Float64(), rng.IntN(20)-10))
	d := samples.Distributions[rng.IntN(4)]
	for i := range x {
		switch kind {
		case 0:
			x[i] = float32(rng.NormFloat64()) * step
		case 1:
			x[i] = float32(rng.IntN(17)-8) * step
		case 2:
			x[i] = float32(rng.IntN(12)) * step
		case 3:
			x[i] = float32(rng.ExpFloat64()) * step
		case 4:
			x[i] = float32(rng.IntN(5)-2)*step + float32(rng.NormFloat64())*step/32
		default:
			x[i] = d.Of(rng)
		}
	}
	if rng.IntN(3) == 0 {
		x[0] = float32(rng.IntN(40)-20) * step
	}
	return x
}

// TestSignedScaleLeast: up to 64 values, the error is the least over all real scales of both
// signs. The slack is the rounding of the scale, of reconstructed values and of errors.
func TestSignedScaleLeast(t *testing.T) {
	total, gained := 0, 0
	for bits := 2; bits <= 10; bits++ {
		tensors, most := 400, 64
		if bits > 4 {
			tensors, most = 120, max(2, 1<<13>>bits)
		}
		if testing.Short() {
			tensors /= 10
		}
		t.Run(fmt.Sprint("bits=", bits), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(41, uint64(bits)))
			for k := range tensors {
				x := signedValues(rng, 1+rng.IntN(min(64, most)))
				for _, m := range []Method{LeastSquares, LeastAbsolute} {
					s := Scheme{Bits: bits, Mapping: Symmetric, SignedScale: true, Unsigned: k%2 == 0, Method: m}
					if testSignedLeast(t, x, s) {
						gained++
					}
					total++
				}
			}
		})
	}
	t.Logf("%d of %d searches have less error than with positive scales", gained, total)
	if gained == 0 {
		t.Error("no negative scale is better than all positive scales")
	}
}

// testSignedLeast checks the scale of x by brute force. It reports whether the error is below
// that without the option.
func testSignedLeast(t *testing.T, x []float32, s Scheme) (less bool) {
	t.Helper()
	plain := s
	plain.SignedScale = false
	c, err := Compare(Tensor{Data: x}, s, plain)
	if err != nil {
		t.Fatal(err)
	}
	most := float64(max(c.Range.Max, -c.Range.Min))
	if most == 0 {
		return false
	}
	half, n := math.Ldexp(1, s.Bits-1), float64(len(x))
	squares := s.Method == LeastSquares
	want := leastSigned(x, -half, half-1, squares, most/half/1e3)
	error := func(i int) float64 {
		if r := c.Results[i]; !squares {
			return r.MAE
		}
		return c.Results[i].RMSE
	}
	if want /= n; squares {
		want = math.Sqrt(want)
	}
	if got := error(0); got > want*(1+1e-6)+most*0x1p-22 {
		t.Errorf("%v: %v has the scale %v and the error %v, but %v is possible", s, x, c.Results[0].Scale[0], got, want)
	}
	if error(0) > error(1) {
		t.Errorf("%v: %v has the error %v, and %v without the option", s, x, error(0), error(1))
	}
	return error(0) < error(1)*(1-1e-6)
}

// TestSignedScaleOfMany: the error of LeastSquares and LeastAbsolute is never above that of MinMax
// with either sign, nor above that without the option. Tensors that are read have the same
// parameters, also where there are too many values for memory.
func TestSignedScaleOfMany(t *testing.T) {
	sizes := []int{20, 65, 700, 5000, 20000}
	for i, d := range distributions {
		if d.name == "huge" {
			continue
		}
		for k, n := range sizes {
			if testing.Short() && (i+k)%4 > 0 {
				continue
			}
			x := valuesOf(uint64(7*n), n, d.of)
			t.Run(fmt.Sprintf("%s/%d", d.name, n), func(t *testing.T) {
				for _, x := range [][]float32{x, negated(x)} {
					for _, m := range []Method{LeastSquares, LeastAbsolute} {
						for _, s := range signedSchemes(m)[:3] {
							testSignedOfMany(t, x, s)
						}
					}
				}
			})
		}
	}
}

func testSignedOfMany(t *testing.T, x []float32, s Scheme) {
	t.Helper()
	plain, widest := s, s
	plain.SignedScale, widest.Method = false, MinMax
	tensor := Tensor{Data: x}
	c, err := Compare(tensor, s, plain, widest)
	if err != nil {
		t.Fatal(err)
	}
	other := c.Results[2].Params // MinMax with the other sign
	other.Scale = []float32{-other.Scale[0]}
	o, err := CompareParams(tensor, other)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range []Result{c.Results[1], c.Results[2], o.Results[0]} {
		a, b := c.Results[0].RMSE, r.RMSE
		if s.Method == LeastAbsolute {
			a, b = c.Results[0].MAE, r.MAE
		}
		if a > b*(1+1e-9) {
			t.Errorf("%d values, %v: error %v with %v, but %v with %v (%d)", len(x), s, a, c.Results[0].Scale, b, r.Scale, i)
		}
	}
	p, err := Stream{sliceSource(x), []int{len(x)}}.Calibrate(s)
	if err != nil || p.Scale[0] != c.Results[0].Scale[0] {
		t.Fatalf("%d values, %v: %v when read (%v), %v at hand", len(x), s, p.Scale, err, c.Results[0].Scale)
	}
	ranges, err := observed1(t, s, x).Ranges(s)
	if err != nil {
		t.Fatal(err)
	}
	ob, err := observed1(t, s, x).Params(s)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = ParamsFromRanges(s, ranges); err != nil || p.Scale[0] != ob.Scale[0] {
		t.Fatalf("%d values, %v: %v of the ranges of an Observer (%v), which has %v", len(x), s, p.Scale, err, ob.Scale)
	}
}

// TestSignedScaleLarge: parameters with too many values for memory, one and several, beside other
// schemes.
func TestSignedScaleLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("reads millions of values")
	}
	x := valuesOf(9, 3<<20, distributions[0].of)
	x[17] = 30
	tensor := Tensor{x, []int{2, len(x) / 2}}
	var all []Scheme
	for _, g := range []Granularity{PerTensor, PerChannel(0)} {
		for _, m := range []Method{LeastSquares, Percentile(99.9), LeastAbsolute} {
			s := Scheme{Bits: 4, Mapping: Symmetric, Granularity: g, Method: m}
			signed := s
			signed.SignedScale = true
			all = append(all, signed, s)
		}
	}
	c, err := Compare(tensor, all...)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range all {
		p, err := Calibrate(tensor, s)
		if err != nil || !slices.Equal(p.Scale, c.Results[i].Scale) {
			t.Errorf("%v: Calibrate has %v (%v), Compare %v", s, p.Scale, err, c.Results[i].Scale)
		}
		if s.SignedScale && s.Method == LeastSquares && c.Results[i].RMSE > c.Results[i+1].RMSE {
			t.Errorf("%v: RMSE %v, but %v without the option", s, c.Results[i].RMSE, c.Results[i+1].RMSE)
		}
	}
}

// TestSignedScaleOfMethods: the sign follows from the range that the method chose, and from all
// values if that range has two ends of the same magnitude.
func TestSignedScaleOfMethods(t *testing.T) {
	x := valuesOf(5, 3000, distributions[0].of)
	x[3], x[4] = 50, -20
	y := negated(x)
	for _, m := range []Method{MinMax, PercentileMagnitude(99.9), Entropy} {
		s := Scheme{Bits: 8, Mapping: Symmetric, SignedScale: true, Method: m}
		for _, v := range [][]float32{x, y} {
			p, err := Calibrate(Tensor{Data: v}, s)
			if err != nil || p.Scale[0] < 0 != (v[3] > 0) {
				t.Errorf("%v, largest magnitude %v: scale %v (%v)", s, v[3], p.Scale, err)
			}
			o, err := observed1(t, s, v).Params(s)
			if err != nil || o.Scale[0] < 0 != (v[3] > 0) {
				t.Errorf("%v, largest magnitude %v: scale %v of an Observer (%v)", s, v[3], o.Scale, err)
			}
		}
	}
	s := Scheme{Bits: 8, Mapping: Symmetric, SignedScale: true, Method: Percentile(50)}
	z := []float32{-9, -3, -3, -2, 0, 1, 4, 5, 5, 6} // of which -3 to 5 remain
	if p, err := Calibrate(Tensor{Data: z}, s); err != nil || p.Scale[0] != -5.0/128 {
		t.Errorf("%v of %v: %v (%v), want %v", s, z, p.Scale, err, -5.0/128)
	}
}

func TestSignedScaleWeighted(t *testing.T) {
	for _, negative := range []bool{false, true} {
		x := importantTensor(4, 6, 12, 5)
		if negative {
			x.Data = negated(x.Data)
		}
		w := Importance{1, importantValues(3, 12)}
		for _, g := range []Granularity{PerTensor, PerChannel(0), PerGroup(-1, 8), PerGroup(1, 4)} {
			for _, s := range signedSchemes(LeastSquares) {
				s.Granularity = g
				plain, p := s, Params{}
				plain.SignedScale = false
				var errs [3]float64
				for i, s := range []Scheme{s, plain} {
					c, err := CompareWeighted(x, w, s)
					if err != nil {
						t.Fatal(err)
					}
					errs[i] = c.Weighted[0].RMSE
					if i == 0 {
						p = c.Comparison.Results[0].Params
					}
				}
				got, err := CalibrateWeighted(x, s, w)
				if err != nil || !sameParams(got, p) {
					t.Fatalf("%v: %v (%v), Compare has %v", s, got.Scale, err, p.Scale)
				}
				if errs[0] > errs[1]*(1+1e-9) {
					t.Errorf("%v: weighted RMSE %v, but %v without the option", s, errs[0], errs[1])
				}
			}
		}
	}
}

func TestSignedScaleRefused(t *testing.T) {
	base := Scheme{Bits: 4, Mapping: Symmetric, SignedScale: true}
	change := func(f func(*Scheme)) Scheme {
		s := base
		f(&s)
		return s
	}
	if err := base.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]Scheme{
		"asymmetric":   change(func(s *Scheme) { s.Mapping = Asymmetric }),
		"narrow range": change(func(s *Scheme) { s.NarrowRange = true }),
		"half width":   change(func(s *Scheme) { s.Divisor = HalfWidth }),
		"each end":     change(func(s *Scheme) { s.Divisor = EachEnd }),
		"power of two": change(func(s *Scheme) { s.Scales = E8M0Ceil }),
		"e4m3":         change(func(s *Scheme) { s.Scales = E4M3Scale }),
		"dynamic8":     change(func(s *Scheme) { s.Scales = DynamicScale }),
		"codebook":     {Format: NF4, SignedScale: true},
	} {
		if err := s.Validate(); !errors.Is(err, ErrScheme) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Calibrate(Tensor{Data: []float32{1, 2}}, s); !errors.Is(err, ErrScheme) {
			t.Errorf("%s: Calibrate returns %v", name, err)
		}
	}
	x := Tensor{Data: []float32{1, 2}}
	for name, c := range map[string]struct {
		signed bool
		scale  float32
	}{
		"negative, not signed": {false, -1}, "zero": {true, 0}, "-0": {true, float32(math.Copysign(0, -1))},
		"-Inf": {true, float32(math.Inf(-1))}, "NaN": {true, float32(math.NaN())},
	} {
		s := base
		s.SignedScale = c.signed
		for _, count := range []int{1, 40} {
			p := Params{Scheme: s, Scale: slices.Repeat([]float32{1}, count), ZeroPoint: make([]int32, count)}
			p.Scale[count-1] = c.scale
			if count > 1 {
				p.Scheme.Granularity = PerChannel(0)
				x = Tensor{Data: make([]float32, count)}
			}
			var at *ParamError
			if _, err := Quantize(x, p); !errors.Is(err, ErrScale) || !errors.As(err, &at) || at.Index != count-1 {
				t.Errorf("%s: Quantize returns %v", name, err)
			}
			if _, err := CompareParams(x, p); !errors.Is(err, ErrScale) {
				t.Errorf("%s: CompareParams returns %v", name, err)
			}
			if _, err := json.Marshal(p); !errors.Is(err, ErrScale) {
				t.Errorf("%s: MarshalJSON returns %v", name, err)
			}
		}
		x = Tensor{Data: []float32{1, 2}}
	}
}

func TestSignedScaleForms(t *testing.T) {
	for _, s := range signedSchemes(MinMax) {
		s.Granularity = PerGroup(-1, 32)
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseScheme(string(text)); err != nil || got != s || !bytes.HasSuffix(text, []byte(":signed-scale")) {
			t.Errorf("%s reads as %v, %v", text, got, err)
		}
		p, err := Calibrate(Tensor{[]float32{1, -2, 3, 4, -9, 1}, []int{2, 3}}, s)
		if err != nil || p.Scale[0] > 0 == (p.Scale[1] > 0) {
			t.Fatalf("%v (%v)", p.Scale, err)
		}
		b, err := json.Marshal(p)
		var fromJSON, fromGob Params
		if err != nil || json.Unmarshal(b, &fromJSON) != nil || fromJSON.Scheme != s || !sameParams(fromJSON, p) || !bytes.Contains(b, []byte(`"signed_scale":true`)) {
			t.Errorf("%s reads as %v (%v)", b, fromJSON, err)
		}
		var buffer bytes.Buffer
		if err := gob.NewEncoder(&buffer).Encode(p); err != nil || gob.NewDecoder(&buffer).Decode(&fromGob) != nil || fromGob.Scheme != s || !sameParams(fromGob, p) {
			t.Errorf("gob makes %v of %v (%v)", fromGob, p, err)
		}
		o := newObserver(t, s, RefuseNotFinite)
		mustObserve(t, o, Tensor{valuesOf(1, 64, distributions[0].of), []int{64}})
		var read Observer
		if err := read.UnmarshalBinary(stateOf(t, o)); err != nil || read.Scheme() != s {
			t.Errorf("an observer's state has %v, want %v (%v)", read.Scheme(), s, err)
		}
	}
	for _, text := range []string{"int4:signed-scale", "int4:sym:narrow:signed-scale", "nf4:signed-scale", "int4:sym:signed-scale:signed-scale", "int4:sym:signed-scale=1"} {
		if s, err := ParseScheme(text); !errors.Is(err, ErrScheme) {
			t.Errorf("%q: %v, %v", text, s, err)
		}
	}
}

// TestSignedScaleEstimate: an Observer estimates the errors of negative scales.
func TestSignedScaleEstimate(t *testing.T) {
	x := valuesOf(6, 4000, distributions[0].of)
	for i := range x {
		x[i] = absolute(x[i])
	}
	for _, bits := range []int{3, 4, 8} {
		s := Scheme{Bits: bits, Mapping: Symmetric, SignedScale: true, Method: LeastSquares}
		o := observed1(t, s, x)
		p, err := o.Params(s)
		if err != nil || p.Scale[0] > 0 {
			t.Fatalf("%v: scale %v of values that are not negative (%v)", s, p.Scale, err)
		}
		e, err := o.Estimate(p)
		if err != nil {
			t.Fatal(err)
		}
		c, err := CompareParams(Tensor{Data: x}, p)
		if err != nil {
			t.Fatal(err)
		}
		if r := c.Results[0]; math.Abs(e[0].RMSE-r.RMSE) > 0.02*r.RMSE {
			t.Errorf("%v: estimate %v, RMSE %v", s, e[0].RMSE, r.RMSE)
		}
	}
}

// TestSignedScaleNoAllocations: the siblings that end in Into allocate nothing.
func TestSignedScaleNoAllocations(t *testing.T) {
	x := Tensor{valuesOf(8, 8*96, distributions[0].of), []int{8, 96}}
	for _, m := range []Method{MinMax, LeastSquares, Percentile(99)} {
		for _, s := range signedSchemes(m) {
			s.Granularity = PerGroup(-1, 32)
			var p Params
			var c Comparison
			codes := make([]byte, PackedLen(len(x.Data), s.Bits))
			back := make([]float32, len(x.Data))
			failed := 0
			call := func() {
				q := Quantized{Codes: codes, Shape: x.Shape}
				if CalibrateInto(&p, x, s) != nil || QuantizeInto(codes, x, p) != nil {
					failed++
				}
				q.Params = p
				if DequantizeInto(back, q) != nil || CompareInto(&c, x, s) != nil {
					failed++
				}
			}
			call()
			if n := testing.AllocsPerRun(10, call); n > 0.5 && !raceEnabled || failed > 0 {
				t.Errorf("%v: %v allocations, %d errors", s, n, failed)
			}
		}
	}
}
