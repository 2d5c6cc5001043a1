package quant

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
)

// The positive numbers of the formats of scales, in ascending order.
var storedNumbers = map[ScaleFormat][]float32{
	Float16Scale:  halves(0x7bff, widenFloat16Generic),
	BFloat16Scale: halves(0x7f7f, widenBFloat16Generic),
	E4M3Scale:     slices.Clone(E4M3FN.book().values[1:0x7f]),
}

// halves returns what the bits 1 to last stand for.
func halves(last uint16, widen func([]float32, []uint16)) []float32 {
	bits, values := make([]uint16, last), make([]float32, last)
	for i := range bits {
		bits[i] = uint16(i + 1)
	}
	widen(values, bits)
	return values
}

// nextStored returns the nearest of the numbers, ties to even bits.
func nextStored(numbers []float32, v float32) float32 {
	i, _ := slices.BinarySearchFunc(numbers, v, func(a, b float32) int { return cmp.Compare(a, b) })
	switch {
	case i == 0:
		return numbers[0]
	case i == len(numbers):
		return numbers[i-1]
	}
	below, above := float64(v)-float64(numbers[i-1]), float64(numbers[i])-float64(v)
	if below < above || below == above && i%2 == 0 { // the bits of numbers[i-1] are i
		return numbers[i-1]
	}
	return numbers[i]
}

// power returns the nearest power of two that may be a scale.
func power(e int) float32 { return float32(math.Ldexp(1, min(max(e, -126), 127))) }

// wantStored is the definition of each rule for m/d, in float64.
func wantStored(f ScaleFormat, m, d float32, largest float64, mantissa int, tensor float32) float32 {
	scale := max(m/d, minScale)
	part, e := math.Frexp(float64(m)) // part is in [1/2, 1)
	of := math.Ilogb(largest)
	switch f {
	case Float16Scale, BFloat16Scale:
		return max(nextStored(storedNumbers[f], scale), minScale)
	case DynamicScale: // of the first level
		return scale
	case E4M3Scale:
		return nextStored(storedNumbers[f], scale/tensor) * tensor
	case E8M0Floor:
		return power(e - 1 - of)
	case E8M0Ceil:
		if part == 0.5 {
			return power(e - 1 - of)
		}
		return power(e - of)
	case E8M0Even:
		places := math.Ldexp(part, mantissa+1)
		if math.Floor(places+0.5) >= math.Ldexp(1, mantissa+1) {
			return power(e - of)
		}
		return power(e - 1 - of)
	}
	part, e = math.Frexp(float64(scale))
	if f == E8M0RCeil && part > 0.5 || f == E8M0Nearest && part >= 0.75 {
		return power(e)
	}
	return power(e - 1)
}

// TestScaleRules compares each rule with its definition, for many magnitudes.
func TestScaleRules(t *testing.T) {
	type grid struct {
		s        Scheme
		d        float32
		largest  float64
		mantissa int
	}
	for _, g := range []grid{
		{Scheme{Format: E2M1}, 6, 6, 1},
		{Scheme{Format: E4M3FN}, 448, 448, 3},
		{Scheme{Format: E5M2}, 57344, 57344, 2},
		{Scheme{Format: NF4}, 1, 1, 0},
		{Scheme{Bits: 8, Mapping: Symmetric}, 128, 127, 6},
		{Scheme{Bits: 8, Mapping: Symmetric, NarrowRange: true}, 127, 127, 6},
		{Scheme{Bits: 4, Mapping: Symmetric, Unsigned: true}, 8, 7, 2},
		{Scheme{Bits: 4}, 15, 15, 3},
	} {
		for _, f := range ScaleFormats()[1:] {
			s := g.s
			if s.Scales = f; s.Validate() != nil {
				continue
			}
			t.Run(s.String(), func(t *testing.T) {
				rule := s.scaleRule(0.37)
				for e := -120; e < 128; e++ {
					for _, mantissa := range []float64{1, 1 + 0x1p-23, 1.2, 1.25, 1.4375, 1.5, 1.5 + 0x1p-23, 1.7, 1.75, 1.875, 1.9375, 1.96875, 1.984375, 1.9921875, 2 - 0x1p-23} {
						m := float32(math.Ldexp(mantissa, e))
						if m/g.d < 0x1p-125 {
							continue // bounded from below: see TestScaleBounds
						}
						if got, want := rule.stored(m, 0, minScale), wantStored(f, m, g.d, g.largest, g.mantissa, 0.37); got != want {
							t.Fatalf("m = %v: scale %v, want %v", m, got, want)
						}
					}
				}
			})
		}
	}
	for name, test := range map[string]struct {
		f    ScaleFormat
		s    Scheme
		r    Range
		want float32
	}{
		"MX floor of 7.9 clips":  {E8M0Floor, Scheme{Format: E2M1}, Range{-7.9, 1}, 1},
		"even takes the next":    {E8M0Even, Scheme{Format: E2M1}, Range{-7.9, 1}, 2},
		"even at 7":              {E8M0Even, Scheme{Format: E2M1}, Range{0, 7}, 2},
		"even below 7":           {E8M0Even, Scheme{Format: E2M1}, Range{0, 6.999}, 1},
		"ceil of a power of two": {E8M0Ceil, Scheme{Format: E2M1}, Range{0, 4}, 1},
		"ceil above it":          {E8M0Ceil, Scheme{Format: E2M1}, Range{0, 4.001}, 2},
		"rceil covers 6":         {E8M0RCeil, Scheme{Format: E2M1}, Range{0, 6}, 1},
		"rceil above 6":          {E8M0RCeil, Scheme{Format: E2M1}, Range{0, 6.001}, 2},
		"a tie is rounded up":    {E8M0Nearest, Scheme{Format: E2M1}, Range{0, 9}, 2},
		"float16 of a third":     {Float16Scale, Scheme{Format: NF4}, Range{0, 1. / 3}, 0x1.554p-2},
		"bfloat16 of a third":    {BFloat16Scale, Scheme{Format: NF4}, Range{0, 1. / 3}, 0x1.56p-2},
		"zeros":                  {E8M0Floor, Scheme{Format: E2M1}, Range{}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := test.s
			s.Scales = test.f
			if got, _ := s.params(test.r); got != test.want {
				t.Errorf("%v of %v: scale %v, want %v", s, test.r, got, test.want)
			}
		})
	}
}

// TestScaleBounds: scales of the smallest and largest ranges are positive, finite and
// stored, and zero points within their bounds.
func TestScaleBounds(t *testing.T) {
	const most = math.MaxFloat32
	for _, r := range []Range{
		{0, 1e-45}, {-1e-45, 0}, {0, minScale}, {-1e-30, 1e-30}, {1e-20, 1e-20}, {5, 5}, {-3e38, -3e38},
		{-most, most}, {0, most}, {1e30, 1e30}, {1e20, 1.00001e20}, {-1e-7, 3},
	} {
		for _, s := range []Scheme{{Bits: 8}, {Bits: 2}, {Bits: 16, ZeroInRange: true}, {Bits: 4, Mapping: Symmetric}, {Format: E2M1}, {Format: NF4}, {Format: E5M2}} {
			for _, s.Scales = range ScaleFormats() {
				if s.Validate() != nil {
					continue
				}
				t.Run(fmt.Sprint(r, s), func(t *testing.T) {
					p, err := ParamsFromRanges(s, []Range{r, {}})
					if err != nil {
						t.Fatal(err)
					}
					if err := p.check(2); err != nil || p.Scale[0] < leastFloat16 && p.Scale[0] < minScale {
						t.Errorf("scale %v, zero point %v: %v", p.Scale[0], p.ZeroPoint[0], err)
					}
				})
			}
		}
	}
}

// storedSchemes are schemes whose scales are to be stored.
var storedSchemes = []Scheme{
	{Bits: 4, Granularity: PerGroup(-1, 32)},
	{Bits: 4, Mapping: Symmetric, Granularity: PerGroup(-1, 16), Method: LeastSquares},
	{Bits: 8, ZeroInRange: true, Granularity: PerChannel(0), Method: LeastAbsolute},
	{Bits: 5, Granularity: PerChannel(-1), Method: Percentile(99)},
	{Format: E2M1, Granularity: PerGroup(-1, 16)},
	{Format: E2M1, Granularity: PerGroup(-1, 32), Method: LeastSquares},
	{Format: NF4, Granularity: PerGroup(0, 4), Method: LeastSquares},
	{Format: E2M3, Method: LeastSquares},
	{Format: E4M3FN, Granularity: PerBlock(0, 4, -1, 16), Method: LeastSquares},
	{Format: E5M2, Granularity: PerChannel(1)},
}

// TestStoredScalesAgree: all ways to parameters give those with scales that can be stored,
// and the same bits.
func TestStoredScalesAgree(t *testing.T) {
	x := codebookTensor(4, 6, 50)
	large := codebookTensor(2, 70_000)
	for _, s := range storedSchemes {
		for _, s.Scales = range ScaleFormats() {
			if s.Validate() != nil {
				continue
			}
			t.Run(s.String(), func(t *testing.T) {
				checkWaysAgree(t, x, s)
				if s.Granularity == PerChannel(0) && s.Scales >= E8M0Nearest {
					checkWaysAgree(t, large, s)
				}
			})
		}
	}
}

// checkWaysAgree compares the parameters of x by Calibrate with those by other ways.
func checkWaysAgree(t *testing.T, x Tensor, s Scheme) {
	t.Helper()
	want, err := Calibrate(x, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := want.check(len(want.Scale)); err != nil {
		t.Fatalf("Calibrate: %v", err)
	}
	same := func(way string, p Params, err error) {
		t.Helper()
		if err != nil || p.TensorScale != want.TensorScale || !slices.Equal(p.Scale, want.Scale) || !slices.Equal(p.ZeroPoint, want.ZeroPoint) {
			t.Errorf("%s: %v; scales %v…, of the tensor %v, want %v… and %v", way, err, p.Scale[0], p.TensorScale, want.Scale[0], want.TensorScale)
		}
	}
	src := Stream{sliceSource(x.Data), x.Shape}
	p, err := src.Calibrate(s)
	same("Stream.Calibrate", p, err)
	c, err := Compare(x, Scheme{Bits: 8}, s, s)
	if err != nil {
		t.Fatal(err)
	}
	same("Compare", c.Results[2].Params, nil)
	if c, err = src.Compare(s, Scheme{Bits: 8, Granularity: PerChannel(0)}); err != nil {
		t.Fatal(err)
	}
	same("Stream.Compare", c.Results[0].Params, nil)
	if s.Method.ranged() {
		ranges, err := Ranges(x, s.Granularity)
		if err != nil {
			t.Fatal(err)
		}
		p, err = ParamsFromRanges(s, ranges)
		same("ParamsFromRanges", p, err)
		o := newObserver(t, s, RefuseNotFinite)
		mustObserve(t, o, x)
		p, err = o.Params(s)
		same("Observer.Params", p, err)
		var back Observer
		if err := back.UnmarshalBinary(stateOf(t, o)); err != nil || back.Scheme() != s.normal() {
			t.Errorf("the state of an Observer: %v, %v", back.Scheme(), err)
		}
	}
	q, err := Quantize(x, want)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Dequantize(q)
	if err != nil {
		t.Fatal(err)
	}
	for e, v := range back.Data {
		if i := paramIndex(x.Shape, want.Scheme.Granularity, e); absolute(v) > 65536*want.Scale[i] || v != v {
			t.Fatalf("element %d comes back as %v, with the scale %v", e, v, want.Scale[i])
		}
	}
}

// TestStoredScalesLeastError: the search tries scales that can be stored. No such scale
// below that of the whole range is much better.
func TestStoredScalesLeastError(t *testing.T) {
	x := Tensor{Data: codebookTensor(2048).Data}
	x.Data[5] *= 6
	for _, f := range []Format{E2M1, NF4} {
		for _, scales := range ScaleFormats()[1:] {
			s := Scheme{Format: f, Scales: scales, Method: LeastSquares}
			if s.Validate() != nil {
				continue
			}
			t.Run(s.String(), func(t *testing.T) {
				p, err := Calibrate(x, s)
				if err != nil {
					t.Fatal(err)
				}
				widest, err := Calibrate(x, Scheme{Format: f, Scales: scales})
				if err != nil {
					t.Fatal(err)
				}
				rmse := func(p Params) float64 {
					c, err := CompareParams(x, p)
					if err != nil {
						t.Fatal(err)
					}
					return c.Results[0].RMSE
				}
				least := math.Inf(1)
				rule := s.scaleRule(widest.TensorScale)
				try := Params{Scheme: widest.Scheme, Scale: []float32{0}, ZeroPoint: []int32{0}, TensorScale: widest.TensorScale}
				for k := range 600 {
					m := 24 * float32(math.Exp2(-float64(k)/100))
					if try.Scale[0] = rule.stored(m*rule.steps, 0, minScale); try.Scale[0] <= widest.Scale[0] {
						least = min(least, rmse(try))
					}
				}
				if got := rmse(p); got > least*1.01 || got > rmse(widest) {
					t.Errorf("RMSE %v, the least of many scales is %v, that of the widest %v", got, least, rmse(widest))
				}
			})
		}
	}
}

// TestNVFP4 computes the two levels of NVFP4 as its description has them.
func TestNVFP4(t *testing.T) {
	x := codebookTensor(4, 64)
	clear(x.Data[16:32]) // a block of zeros
	for i := range 16 {
		x.Data[32+i] *= 1e-6 // a block whose scale is below all others
	}
	p, err := Calibrate(x, Scheme{Format: E2M1, Granularity: PerGroup(-1, 16), Scales: E4M3Scale})
	if err != nil {
		t.Fatal(err)
	}
	most := func(x []float32) (m float32) {
		for _, v := range x {
			m = max(m, absolute(v))
		}
		return m
	}
	tensor := most(x.Data) / (448 * 6)
	if p.TensorScale != tensor {
		t.Errorf("the scale of the tensor is %v, want %v", p.TensorScale, tensor)
	}
	for i := range p.Scale {
		m := most(x.Data[16*i : 16*i+16])
		want := nextStored(storedNumbers[E4M3Scale], m/6/tensor) * tensor
		if m == 0 {
			want = tensor
		}
		if p.Scale[i] != want {
			t.Errorf("block %d, of values up to %v: scale %v, want %v", i, m, p.Scale[i], want)
		}
	}
}

// TestStoredScalesRefused: scales that are no numbers of their format.
func TestStoredScalesRefused(t *testing.T) {
	x := Tensor{Data: []float32{1, 2}}
	for name, test := range map[string]struct {
		scales        ScaleFormat
		scale, tensor float32
		is            error
	}{
		"float16":             {Float16Scale, 0.1, 0, ErrScaleFormat},
		"float16, too large":  {Float16Scale, 1e5, 0, ErrScaleFormat},
		"bfloat16":            {BFloat16Scale, 0x1.01p0, 0, ErrScaleFormat},
		"no power of two":     {E8M0Floor, 3, 0, ErrScaleFormat},
		"2^-128":              {E8M0RCeil, 0x1p-128, 0, ErrScaleFormat},
		"not E4M3":            {E4M3Scale, 1.3, 1, ErrScaleFormat},
		"E4M3, tensor of 0":   {E4M3Scale, 1, 0, ErrScale},
		"E4M3, tensor of NaN": {E4M3Scale, 1, nan, ErrScale},
	} {
		t.Run(name, func(t *testing.T) {
			p := Params{Scheme: Scheme{Format: E2M1, Scales: test.scales}, Scale: []float32{test.scale}, ZeroPoint: []int32{0}, TensorScale: test.tensor}
			if _, err := Quantize(x, p); !errors.Is(err, test.is) {
				t.Errorf("Quantize: %v, want %v", err, test.is)
			}
			if _, err := p.MarshalJSON(); err == nil {
				t.Error("MarshalJSON: no error")
			}
		})
	}
	for name, s := range map[string]Scheme{
		"unknown":     {Bits: 8, Scales: scaleFormats},
		"even of NF4": {Format: NF4, Scales: E8M0Even},

		"dynamic with zero points": {Bits: 4, Scales: DynamicScale},
	} {
		if err := s.Validate(); !errors.Is(err, ErrScheme) {
			t.Errorf("%s: %v, want ErrScheme", name, err)
		}
	}
}

// TestStoredScalesMemory counts the bytes of scales and zero points.
func TestStoredScalesMemory(t *testing.T) {
	for text, want := range map[string]Memory{
		"int4:g32":                      {500, 8 * 32},
		"int4:g32:scale=float16":        {500, 6 * 32},
		"int8:scale=e8m0_rceil":         {1000, 5 * 32},
		"int8:sym:scale=e8m0_rceil":     {1000, 32},
		"mxint8":                        {1000, 32},
		"nf4:g64:scale=bfloat16":        {500, 2 * 32},
		"fp4_e2m1:g32:scale=e8m0_floor": {500, 32},
		"fp4_e2m1:g16:scale=e4m3":       {500, 32 + 4},
		"nf4:g64:scale=dynamic8":        {500, 32 + 4 + 4},
	} {
		s, err := ParseScheme(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Memory(1000, 32); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}
