package quant

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

// TestBadInput lists every condition that is an error, and what says so. Each group is a
// subtest, and each row of it too.
func TestBadInput(t *testing.T) {
	x := Tensor{Data: []float32{1, 2, 3, 4, 5, 6}, Shape: []int{2, 3}}
	eight := Scheme{Bits: 8}
	good, err := Calibrate(x, eight)
	if err != nil {
		t.Fatal(err)
	}
	channels := Scheme{Bits: 8, Granularity: PerChannel(0)}
	narrow := Scheme{Bits: 8, Mapping: Symmetric, NarrowRange: true}
	calibrate := func(x Tensor, s Scheme) error { _, err := Calibrate(x, s); return err }
	quantize := func(x Tensor, p Params) error { _, err := Quantize(x, p); return err }
	build := func(codes []byte, shape []int, p Params) error {
		_, err := QuantizedFromPacked(codes, shape, p)
		return err
	}
	data := func(v ...float32) Tensor { return Tensor{Data: v} }
	params := func(scale float32, zero int32) Params {
		return Params{Scheme: eight, Scale: []float32{scale}, ZeroPoint: []int32{zero}}
	}
	type row struct {
		name string
		err  error
		is   error
		text string // that the error contains
	}
	for group, rows := range map[string][]row{
		"Shapes": {
			{"no data", calibrate(Tensor{}, eight), ErrEmpty, "quant: tensor has no elements"},
			{"no data, with a shape", calibrate(Tensor{Shape: []int{0, 3}}, eight), ErrEmpty, "no elements"},
			{"axis of length 0", calibrate(Tensor{x.Data, []int{2, 0}}, eight), ErrEmpty, "axis 1 has length 0"},
			{"shape of fewer elements", calibrate(Tensor{x.Data, []int{2, 2}}, eight), ErrShape, "6 elements, but [2 2] makes 4"},
			{"negative axis length", calibrate(Tensor{x.Data, []int{-2, -3}}, eight), ErrShape, "axis 0 has length -2"},
			{"shape that overflows", calibrate(Tensor{x.Data, []int{math.MaxInt, 2}}, eight), ErrShape, "more elements than an int can count"},
			{"another shape", quantize(Tensor{x.Data, []int{7}}, good), ErrShape, "makes 7"},
			{"no data, shape of elements", quantize(Tensor{Shape: []int{2, 3}}, good), ErrShape, "0 elements, but the shape is [2 3]"},
			{"no data, negative axis length", quantize(Tensor{Shape: []int{0, -3}}, good), ErrShape, "axis 1 has length -3"},
		},
		"Granularity": {
			{"channel axis too high", calibrate(x, Scheme{Bits: 8, Granularity: PerChannel(2)}), ErrAxis, "axis 2 of a tensor with 2"},
			{"channel axis too low", calibrate(x, Scheme{Bits: 8, Granularity: PerChannel(-3)}), ErrAxis, "axis -3"},
			{"group axis too high", calibrate(x, Scheme{Bits: 8, Granularity: PerGroup(5, 2)}), ErrAxis, "axis 5"},
			{"group size 0", calibrate(x, Scheme{Bits: 8, Granularity: PerGroup(0, 0)}), ErrGroupSize, "0 is not positive"},
			{"negative group size", calibrate(x, Scheme{Bits: 8, Granularity: PerGroup(0, -4)}), ErrGroupSize, "-4 is not positive"},
			{"group size 0 of ranges", second(Ranges(x, PerGroup(1, 0))), ErrGroupSize, "0 is not positive"},
			{"group axis of a scheme", second(Compare(x, eight, Scheme{Bits: 8, Granularity: PerGroup(4, 1)})), ErrAxis, "axis 4"},
		},
		"Options": {
			{"no bit width", calibrate(x, Scheme{}), ErrBits, "0 is not in [2, 16]"},
			{"1 bit", calibrate(x, Scheme{Bits: 1}), ErrBits, "1 is not"},
			{"17 bits", calibrate(x, Scheme{Bits: 17}), ErrBits, "17 is not"},
			{"negative bits", calibrate(x, Scheme{Bits: -8}), ErrBits, "-8 is not"},
			{"narrow range, asymmetric", calibrate(x, Scheme{Bits: 8, NarrowRange: true}), ErrScheme, "narrow range"},
			{"narrow range, unsigned", calibrate(x, Scheme{Bits: 8, NarrowRange: true, Mapping: Symmetric, Unsigned: true}), ErrScheme, "narrow range"},
			{"unknown mapping", calibrate(x, Scheme{Bits: 8, Mapping: 7}), ErrScheme, "there is no Mapping(7)"},
			{"no scheme", quantize(x, Params{}), ErrBits, "0 is not"},
			{"moving average", calibrate(x, Scheme{Bits: 8, Method: MovingAverage(0.5)}), ErrMethod, "ema=0.5 is of batches"},
			{"moving average, Compare", second(Compare(x, eight, Scheme{Bits: 8, Method: MovingAverage(0.5)})), ErrMethod, "ema=0.5 is of batches"},
			{"moving average, Stream", second(Stream{sliceSource(x.Data), x.Shape}.Calibrate(Scheme{Bits: 8, Method: MovingAverage(0.5)})), ErrMethod, "ema=0.5 is of batches"},
			{"second scheme", second(Compare(x, eight, Scheme{Bits: 20})), ErrBits, "20"},
		},
		"Values": {
			{"NaN before Inf", calibrate(data(1, nan, inf), eight), ErrNotFinite, "quant: NaN at index 1"},
			{"+Inf", calibrate(data(1, 2, inf), eight), ErrNotFinite, "quant: +Inf at index 2"},
			{"-Inf", calibrate(data(1, -inf), eight), ErrNotFinite, "quant: -Inf at index 1"},
			{"NaN in a channel", calibrate(Tensor{[]float32{1, 2, 3, 4, nan, 6}, x.Shape}, channels), ErrNotFinite, "quant: NaN at index 4 (channel 1)"},
			{"NaN in a group", calibrate(Tensor{[]float32{1, 2, 3, 4, nan, 6}, x.Shape}, Scheme{Bits: 4, Granularity: PerGroup(1, 2)}), ErrNotFinite, "quant: NaN at index 4"},
			{"NaN, with its channel", second(Compare(Tensor{[]float32{1, 2, 3, 4, 5, nan}, x.Shape}, eight, channels)), ErrNotFinite, "NaN at index 5 (channel 1)"},
			{"NaN", second(Ranges(data(nan), PerTensor)), ErrNotFinite, "NaN at index 0"},
		},
		"Parameters": {
			{"too few for the channels", quantize(x, Params{Scheme: channels, Scale: good.Scale, ZeroPoint: good.ZeroPoint}), ErrParams, "1 scales and 1 zero points, want 2"},
			{"no zero point", quantize(x, Params{Scheme: eight, Scale: good.Scale, ZeroPoint: nil}), ErrParams, "1 scales and 0 zero points"},
			{"no data, too few for the channels", quantize(Tensor{Shape: []int{0, 3}}, Params{Scheme: Scheme{Bits: 8, Granularity: PerChannel(1)}, Scale: good.Scale, ZeroPoint: good.ZeroPoint}), ErrParams, "want 3"},
			{"parameters for other channels", second(CompareParams(x, Params{Scheme: channels, Scale: good.Scale, ZeroPoint: good.ZeroPoint})), ErrParams, "want 2"},
			{"scale 0", quantize(x, params(0, 0)), ErrScale, "0 at index 0"},
			{"negative scale", quantize(x, params(-1, 0)), ErrScale, "-1 at index 0"},
			{"scale NaN", quantize(x, params(nan, 0)), ErrScale, "NaN at index 0"},
			{"scale -NaN", quantize(x, params(-nan, 0)), ErrScale, "NaN at index 0"},
			{"scale +Inf", quantize(x, params(inf, 0)), ErrScale, "+Inf at index 0"},
			{"scale -Inf", quantize(x, params(-inf, 0)), ErrScale, "-Inf at index 0"},
			{"zero point just too high", quantize(x, params(1, maxZeroPoint+1)), ErrZeroPoint, "8388609 at index 0"},
			{"zero point just too low", quantize(x, params(1, -maxZeroPoint-1)), ErrZeroPoint, "-8388609 at index 0"},
			{"lowest zero point", quantize(x, params(1, math.MinInt32)), ErrZeroPoint, "-2147483648 at index 0"},
			{"highest zero point", quantize(x, params(1, math.MaxInt32)), ErrZeroPoint, "2147483647 at index 0"},
			{"second scale", quantize(x, Params{Scheme: channels, Scale: []float32{1, -2}, ZeroPoint: []int32{0, 0}}), ErrScale, "-2 at index 1"},
		},
		"Codes": {
			{"unsigned type, signed codes", QuantizeCodes(make([]uint8, 6), x, good), ErrScheme, "uint8"},
			{"narrow type", QuantizeCodes(make([]int8, 6), x, Params{Scheme: Scheme{Bits: 9}, Scale: good.Scale, ZeroPoint: good.ZeroPoint}), ErrScheme, "9 bits"},
			{"wide unsigned type", DequantizeCodes(make([]float32, 6), make([]uint16, 6), x.Shape, good), ErrScheme, "uint16"},
			{"too few codes", DequantizeCodes(make([]float32, 6), make([]int8, 5), x.Shape, good), ErrShape, "5 elements"},
			{"too few bytes", DequantizeInto(make([]float32, 6), Quantized{Codes: make([]byte, 5), Shape: x.Shape, Params: good}), ErrCodesLength, "5 bytes for 6 codes of 8 bits, want 6"},
			{"too many bytes", build(make([]byte, 7), x.Shape, good), ErrCodesLength, "7 bytes"},
			{"packed codes without a shape", build(make([]byte, 6), nil, good), ErrShape, "need a shape"},
			{"bytes for no codes", build(make([]byte, 6), []int{0}, good), ErrCodesLength, "6 bytes for 0 codes"},
			{"code below a narrow range", build([]byte{0, 1, 0x81, 0x80}, []int{4}, Params{Scheme: narrow, Scale: good.Scale, ZeroPoint: good.ZeroPoint}), ErrCode, "code -128 at index 3 is outside the grid [-127, 127]"},
			{"code above the grid", second(QuantizedFromCodes([]int8{1, 7, 8}, nil, Params{Scheme: Scheme{Bits: 4}, Scale: good.Scale, ZeroPoint: good.ZeroPoint})), ErrCode, "code 8 at index 2 is outside the grid [-8, 7]"},
			{"negative code, unsigned grid", second(QuantizedFromCodes([]int16{-1}, nil, Params{Scheme: Scheme{Bits: 4, Unsigned: true}, Scale: good.Scale, ZeroPoint: good.ZeroPoint})), ErrCode, "code -1 at index 0"},
			{"zero Quantized", second(Dequantize(Quantized{})), ErrBits, "0 is not"},
		},
		"Compare": {
			{"no scheme to compare", second(Compare(x)), ErrScheme, "no scheme"},
			{"no data to compare", second(Compare(Tensor{}, eight)), ErrEmpty, "no elements"},
		},
		"Ranges": {
			{"no ranges", second(ParamsFromRanges(eight, nil)), ErrEmpty, "no ranges"},
			{"no bit width, no ranges", second(ParamsFromRanges(Scheme{}, nil)), ErrBits, "0 is not"},
			{"range upside down", second(ParamsFromRanges(eight, []Range{{0, 1}, {1, 0}})), ErrRange, "[1, 0] at index 1"},
			{"range to infinity", second(ParamsFromRanges(eight, []Range{{0, inf}})), ErrRange, "[0, +Inf] at index 0"},
			{"range from NaN", second(ParamsFromRanges(eight, []Range{{nan, 0}})), ErrRange, "[NaN, 0] at index 0"},
		},
		"NumParams": {
			{"negative axis length of NumParams", second(eight.NumParams([]int{3, -1})), ErrShape, "axis 1 has length -1"},
			{"no axes", second(eight.NumParams(nil)), ErrShape, "the shape has no axes"},
			{"no bit width of NumParams", second(Scheme{}.NumParams([]int{3})), ErrBits, "0 is not"},
		},
	} {
		for _, test := range rows {
			t.Run(group+"/"+test.name, func(t *testing.T) {
				if !errors.Is(test.err, test.is) || !strings.HasPrefix(test.err.Error(), "quant: ") || !strings.Contains(test.err.Error(), test.text) {
					t.Errorf("%q is not %q with %q in it", test.err, test.is, test.text)
				}
			})
		}
	}
}

// TestErrorTypes checks what errors tell of the value at fault.
func TestErrorTypes(t *testing.T) {
	x := Tensor{Data: []float32{1, 2, 3, 4, 5, 6}, Shape: []int{2, 3}}
	eight := Scheme{Bits: 8}
	var notFinite *NotFiniteError
	if err := second(Calibrate(Tensor{[]float32{1, 2, 3, 4, nan, 6}, x.Shape}, Scheme{Bits: 8, Granularity: PerChannel(0)})); !errors.As(err, &notFinite) ||
		notFinite.Index != 4 || notFinite.Channel != 1 || finite(notFinite.Value) {
		t.Errorf("%#v", notFinite)
	}
	var param *ParamError
	if err := second(Quantize(x, Params{Scheme: eight, Scale: []float32{-1}, ZeroPoint: []int32{0}})); !errors.As(err, &param) || param.Index != 0 || param.Scale != -1 {
		t.Errorf("%#v", param)
	}
	var code *CodeError
	if _, err := QuantizedFromCodes([]int8{9}, nil, Params{Scheme: Scheme{Bits: 4}, Scale: []float32{1}, ZeroPoint: []int32{0}}); !errors.As(err, &code) || code.Code != 9 {
		t.Errorf("%#v", code)
	}
}

func second[T any](_ T, err error) error { return err }

// TestShortDestination checks that a caller's bug panics with one clear message.
func TestShortDestination(t *testing.T) {
	x := Tensor{Data: make([]float32, 10)}
	p := Params{Scheme: Scheme{Bits: 4}, Scale: []float32{1}, ZeroPoint: []int32{0}}
	q, err := Quantize(x, p)
	if err != nil {
		t.Fatal(err)
	}
	for want, f := range map[string]func(){
		"quant: destination has length 4, need 5":   func() { QuantizeInto(make([]byte, 4), x, p) },
		"quant: destination has length 9, need 10":  func() { QuantizeCodes(make([]int8, 9), x, p) },
		"quant: destination has length 8, need 10":  func() { DequantizeInto(make([]float32, 8), q) },
		"quant: destination has length 7, need 10":  func() { DequantizeCodes(make([]float32, 7), make([]int8, 10), nil, p) },
		"quant: destination has length 0, need 1":   func() { RangesInto(nil, x, PerTensor) },
		"quant: destination has length 1, need 2":   func() { Pack(make([]byte, 1), make([]int8, 3), 4) },
		"quant: 1 packed bytes, need 2":             func() { Unpack(make([]int8, 3), make([]byte, 1), 4) },
		"quant: bit width 9 is not in [2, 8]":       func() { Pack(make([]byte, 9), make([]int8, 3), 9) },
		"quant: bit width 1 is not in [2, 16]":      func() { Unpack(make([]int16, 3), make([]byte, 9), 1) },
		"quant: destination has length 2, need 3":   func() { WidenFloat16(make([]float32, 2), make([]uint16, 3)) },
		"quant: destination has length 0, need 300": func() { WidenBFloat16(nil, make([]uint16, 300)) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("panic %v, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

// TestSpecialRanges checks the parameters at the ends of float32.
func TestSpecialRanges(t *testing.T) {
	const big, tiny = math.MaxFloat32, math.SmallestNonzeroFloat32
	negZero := float32(math.Copysign(0, -1))
	asym, sym := Scheme{Bits: 8}, Scheme{Bits: 8, Mapping: Symmetric}
	for _, test := range []struct {
		s     Scheme
		r     Range
		scale float32
		zero  int32
	}{
		{asym, Range{0, 0}, 1, 0},
		{asym, Range{negZero, negZero}, 1, 0},
		{Scheme{Bits: 8, Unsigned: true}, Range{0, 0}, 1, 0},
		{sym, Range{0, 0}, 1, 0},
		{Scheme{Bits: 8, Unsigned: true, Mapping: Symmetric}, Range{0, 0}, 1, 128},
		{asym, Range{-big, big}, float32(big/255.0) - float32(-big/255.0), 0},
		{sym, Range{-big, big}, float32(big / 128.0), 0},
		{asym, Range{0, tiny}, 0x1p-126, -128},
		{sym, Range{-tiny, tiny}, 0x1p-126, 0},
		{asym, Range{1, 1}, 0x1p-22, -128 - 1<<22},
		{asym, Range{-3, -3}, 3 * 0x1p-22, -128 + 1<<22},
		{Scheme{Bits: 8, ZeroInRange: true}, Range{1, 1}, float32(1) / 255, -128},
		{Scheme{Bits: 8, ZeroInRange: true}, Range{-2, -1}, float32(2) / 255, 127},
		{Scheme{Bits: 8, Mapping: Symmetric, NarrowRange: true}, Range{-1, 2}, float32(2) / 127, 0},
		{Scheme{Bits: 8, Mapping: Symmetric, Unsigned: true}, Range{-1, 2}, float32(2) / 128, 128},
	} {
		p, err := ParamsFromRanges(test.s, []Range{test.r})
		if err != nil {
			t.Fatal(err)
		}
		if p.Scale[0] != test.scale || p.ZeroPoint[0] != test.zero {
			t.Errorf("%+v of %v: scale %v, zero point %d, want %v, %d", test.s, test.r, p.Scale[0], p.ZeroPoint[0], test.scale, test.zero)
		}
	}
}

// TestConstantChannels checks that a constant comes back as it was.
func TestConstantChannels(t *testing.T) {
	for _, s := range []Scheme{{Bits: 2}, {Bits: 8}, {Bits: 8, Unsigned: true}, {Bits: 16}} {
		for _, c := range []float32{0, 1, -1, 0.1, -7e-20, 0x1p-104, 3e38, math.MaxFloat32, -math.MaxFloat32, 0x1.fffffep-104} {
			got, err := Compare(Tensor{Data: []float32{c, c, c}}, s)
			if err != nil {
				t.Fatal(err)
			}
			if r := got.Results[0]; r.MaxError != 0 || r.RMSE != 0 || !math.IsInf(r.SQNR, 1) || r.Clipped != 0 {
				t.Errorf("%d bits of constant %v: %+v with %+v", s.Bits, c, r.Metrics, r.Params)
			}
		}
	}
}

// TestOverflowingReconstruction checks what Metrics says of values next to the
// ends of float32, whose reconstruction may lie beyond.
func TestOverflowingReconstruction(t *testing.T) {
	p := Params{Scheme: Scheme{Bits: 8}, Scale: []float32{0x1p127}, ZeroPoint: []int32{0}}
	c, err := CompareParams(Tensor{Data: []float32{math.MaxFloat32, 1}}, p)
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Results[0].Metrics; !math.IsInf(m.MAE, 1) || !math.IsInf(m.MaxError, 1) || !math.IsInf(m.SQNR, -1) {
		t.Errorf("%+v", m)
	}
}

// TestQuantizeAnything checks the codes of what Calibrate refuses.
func TestQuantizeAnything(t *testing.T) {
	x := Tensor{Data: []float32{nan, inf, -inf, math.MaxFloat32, -math.MaxFloat32, float32(math.Copysign(0, -1))}}
	for _, s := range []Scheme{{Bits: 8}, {Bits: 3, Unsigned: true}, {Bits: 16}, {Bits: 12, Mapping: Symmetric, NarrowRange: true}} {
		for _, scale := range []float32{1, math.SmallestNonzeroFloat32, math.MaxFloat32} {
			q, err := Quantize(x, Params{Scheme: s, Scale: []float32{scale}, ZeroPoint: []int32{1}})
			if err != nil {
				t.Fatal(err)
			}
			qmin, qmax := s.Grid()
			want := []int{qmin, qmax, qmin, qmax, qmin, 1}
			if scale == math.MaxFloat32 {
				want[3], want[4] = 2, 0
				if s.Bits == 3 {
					want[4] = 0
				}
			}
			for i, w := range want {
				if got := q.At(i); got != w {
					t.Errorf("%d bits, scale %v: code of %v is %d, want %d", s.Bits, scale, x.Data[i], got, w)
				}
			}
		}
	}
}

// TestRecalibrate checks that Calibrate of several batches by way of ranges is
// Calibrate of all at once.
func TestRecalibrate(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	s := Scheme{Bits: 8, Granularity: PerChannel(1)}
	all := randomTensor(rng, []int{6, 4, 10})
	first := Tensor{all.Data[:80], []int{2, 4, 10}}
	rest := Tensor{all.Data[80:], []int{4, 4, 10}}
	a, err := Ranges(first, s.Granularity)
	b, err2 := Ranges(rest, s.Granularity)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	for i := range a {
		a[i] = a[i].Union(b[i])
	}
	got, err := ParamsFromRanges(s, a)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Calibrate(all, s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-at once +in batches)\n%s", diff)
	}
	into := make([]Range, 4)
	whole, err := Ranges(all, s.Granularity)
	if err2 := RangesInto(into, all, s.Granularity); err != nil || err2 != nil || !slices.Equal(into, whole) || !slices.Equal(a, whole) {
		t.Errorf("ranges %v, %v and %v, %v, %v", a, into, whole, err, err2)
	}
}

// TestOneChannel checks that a single channel is the whole tensor.
func TestOneChannel(t *testing.T) {
	x := randomTensor(rand.New(rand.NewPCG(7, 8)), []int{9, 1, 500})
	c, err := Compare(x, Scheme{Bits: 4}, Scheme{Bits: 4, Granularity: PerChannel(1)})
	if err != nil {
		t.Fatal(err)
	}
	a, b := c.Results[0], c.Results[1]
	if a.Metrics != b.Metrics || a.Scale[0] != b.Scale[0] || a.ZeroPoint[0] != b.ZeroPoint[0] {
		t.Errorf("%+v, %+v", a, b)
	}
}

// TestUnsignedShift checks that unsigned codes are the signed ones moved by
// half the grid, and lose the same.
func TestUnsignedShift(t *testing.T) {
	x := randomTensor(rand.New(rand.NewPCG(9, 10)), []int{8, 100})
	for bits := 2; bits <= 16; bits++ {
		for _, m := range []Mapping{Asymmetric, Symmetric} {
			s := Scheme{Bits: bits, Mapping: m, Granularity: PerChannel(0)}
			u := s
			u.Unsigned = true
			c, err := Compare(x, s, u)
			if err != nil {
				t.Fatal(err)
			}
			a, _ := Quantize(x, c.Results[0].Params)
			b, _ := Quantize(x, c.Results[1].Params)
			shift := 1 << (bits - 1)
			for i := range x.Data {
				// The zero point is rounded after the shift: its ties may fall
				// to the other side, and all codes of the channel with it.
				ch := i / 100
				d := int(c.Results[1].ZeroPoint[ch]-c.Results[0].ZeroPoint[ch]) - shift
				if d < -1 || d > 1 || d == 0 && a.At(i)+shift != b.At(i) {
					t.Fatalf("%d bits %v: element %d has code %d signed, %d unsigned", bits, m, i, a.At(i), b.At(i))
				}
			}
		}
	}
}

// TestPermute checks that permuting a tensor's axes permutes its codes and
// keeps its parameters, and its metrics to 1e-12.
func TestPermute(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 20 {
		shape := []int{1 + rng.IntN(40), 1 + rng.IntN(40), 1 + rng.IntN(40)}
		x := randomTensor(rng, shape)
		perm := rng.Perm(3)
		y, to := permute(x, perm)
		axis := rng.IntN(3)
		moved := slices.Index(perm, axis)
		s := Scheme{Bits: 6, Granularity: PerChannel(axis)}
		r := s
		r.Granularity = PerChannel(moved)
		a, err := Compare(x, Scheme{Bits: 6}, s)
		b, err2 := Compare(y, Scheme{Bits: 6}, r)
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		for i := range a.Results {
			ra, rb := a.Results[i], b.Results[i]
			if !slices.Equal(ra.Scale, rb.Scale) || !slices.Equal(ra.ZeroPoint, rb.ZeroPoint) {
				t.Fatalf("%v %v: other parameters", shape, perm)
			}
			qa, _ := Quantize(x, ra.Params)
			qb, _ := Quantize(y, rb.Params)
			for e, f := range to {
				if qa.At(e) != qb.At(f) {
					t.Fatalf("%v %v: code %d differs", shape, perm, e)
				}
			}
			if !near(ra.MAE, rb.MAE) || !near(ra.RMSE, rb.RMSE) || !near(ra.SQNR, rb.SQNR) || ra.MaxError != rb.MaxError || ra.Clipped != rb.Clipped {
				t.Fatalf("%v %v: metrics %+v, %+v", shape, perm, ra.Metrics, rb.Metrics)
			}
		}
	}
}

// permute returns x with axis i being its axis perm[i], and where each element went.
func permute(x Tensor, perm []int) (y Tensor, to []int) {
	s := x.Shape
	y = Tensor{Data: make([]float32, len(x.Data)), Shape: []int{s[perm[0]], s[perm[1]], s[perm[2]]}}
	to = make([]int, len(x.Data))
	for e, v := range x.Data {
		c := []int{e / (s[1] * s[2]), e / s[2] % s[1], e % s[2]}
		f := (c[perm[0]]*y.Shape[1]+c[perm[1]])*y.Shape[2] + c[perm[2]]
		y.Data[f], to[e] = v, f
	}
	return y, to
}

// TestCodes checks the ways to and from codes for every width.
func TestCodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	for bits := 2; bits <= 16; bits++ {
		for _, n := range []int{1, 2, 3, 7, 8, 9, 63, 1000, 1024, 2051, 5000} {
			x := randomTensor(rng, []int{1, n})
			s := Scheme{Bits: bits}
			if bits%2 == 0 {
				testCodes[int16](t, x, s)
			} else {
				s.Unsigned = true
				testCodes[uint16](t, x, s)
			}
			if s.Unsigned = !s.Unsigned; bits > 8 {
				continue
			}
			if s.Unsigned {
				testCodes[uint8](t, x, s)
			} else {
				testCodes[int8](t, x, s)
			}
		}
	}
}

func testCodes[T Code](t *testing.T, x Tensor, s Scheme) {
	t.Helper()
	p, err := Calibrate(x, s)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Quantize(x, p)
	if err != nil {
		t.Fatal(err)
	}
	n := len(x.Data)
	codes := make([]T, n)
	if err := QuantizeCodes(codes, x, p); err != nil {
		t.Fatal(err)
	}
	for i, c := range codes {
		if int(c) != q.At(i) {
			t.Fatalf("%+v: code %d is %d in a slice, %d packed", s, i, c, q.At(i))
		}
	}
	packed := make([]byte, PackedLen(n, s.Bits))
	if got := Pack(packed, codes, s.Bits); got != len(packed) || !slices.Equal(packed, q.Codes) {
		t.Fatalf("%+v: Pack and Quantize disagree", s)
	}
	clear(packed)
	if err := QuantizeInto(packed, x, p); err != nil || !slices.Equal(packed, q.Codes) {
		t.Fatalf("%+v: QuantizeInto and Quantize disagree, %v", s, err)
	}
	odd := append(make([]byte, 1, n*2+1), packed...)[1:] // not aligned
	clear(odd)
	if err := QuantizeInto(odd, x, p); err != nil || !slices.Equal(odd, q.Codes) {
		t.Fatalf("%+v: QuantizeInto depends on alignment, %v", s, err)
	}
	back := make([]T, n)
	Unpack(back, odd, s.Bits)
	if !slices.Equal(back, codes) {
		t.Fatalf("%+v: Unpack(Pack) is not the identity", s)
	}
	from, err := QuantizedFromCodes(codes, x.Shape, p)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(q, from); diff != "" {
		t.Fatalf("%+v: (-Quantize +QuantizedFromCodes)\n%s", s, diff)
	}
	again, err := QuantizedFromPacked(odd, x.Shape, p)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Dequantize(q)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(dst []float32) error{
		"DequantizeInto":      func(dst []float32) error { return DequantizeInto(dst, again) },
		"DequantizeCodes":     func(dst []float32) error { return DequantizeCodes(dst, codes, x.Shape, p) },
		"DequantizeInto more": func(dst []float32) error { return DequantizeInto(dst, from) },
	} {
		got := make([]float32, n)
		if err := f(got); err != nil || !slices.Equal(got, want.Data) {
			t.Fatalf("%+v: %s and Dequantize disagree, %v", s, name, err)
		}
	}
}

// TestFromNarrowCodes checks codes whose type is narrower than their scheme.
func TestFromNarrowCodes(t *testing.T) {
	for bits := 8; bits <= 16; bits++ {
		q, err := QuantizedFromCodes([]int8{-1, -3, 5, -128}, nil, Params{Scheme: Scheme{Bits: bits}, Scale: []float32{1}, ZeroPoint: []int32{0}})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := []int{q.At(0), q.At(1), q.At(2), q.At(3)}, []int{-1, -3, 5, -128}; !slices.Equal(got, want) {
			t.Errorf("%d bits: %v, want %v", bits, got, want)
		}
	}
}

// TestViews checks the slices that share memory with the codes.
func TestViews(t *testing.T) {
	x := Tensor{Data: []float32{-1, 0, 1}}
	for _, s := range []Scheme{{Bits: 8}, {Bits: 8, Unsigned: true}, {Bits: 16}, {Bits: 16, Unsigned: true}, {Bits: 4}} {
		p, _ := Calibrate(x, s)
		q, err := Quantize(x, p)
		if err != nil {
			t.Fatal(err)
		}
		var got [][]int
		add := func(codes []int, ok bool) {
			if ok {
				got = append(got, codes)
			}
		}
		add(ints(q.Int8()))
		add(ints(q.Uint8()))
		if littleEndian {
			add(ints(q.Int16()))
			add(ints(q.Uint16()))
		} else if s.Bits == 16 {
			add([]int{q.At(0), q.At(1), q.At(2)}, true)
		}
		want := [][]int{{q.At(0), q.At(1), q.At(2)}}
		if s.Bits == 4 {
			want = nil
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v: (-want +got)\n%s", s, diff)
		}
	}
	codes := make([]byte, 6)
	if aligned16(codes) {
		codes = codes[1:]
	}
	q := Quantized{Codes: codes[:4], Shape: []int{2}, Params: Params{Scheme: Scheme{Bits: 16}, Scale: []float32{1}, ZeroPoint: []int32{0}}}
	if _, ok := q.Int16(); ok {
		t.Error("a view of memory that is not aligned")
	}
}

func ints[T Code](codes []T, ok bool) ([]int, bool) {
	var r []int
	for _, c := range codes {
		r = append(r, int(c))
	}
	return r, ok
}

// TestWinner checks who wins, and by what factor.
func TestWinner(t *testing.T) {
	result := func(rmse, channel float64, bytes int64) Result {
		return Result{Metrics: Metrics{RMSE: rmse}, Memory: Memory{Payload: bytes}, ChannelMetrics: []Metrics{{RMSE: channel}}}
	}
	c := &Comparison{Results: []Result{result(4, 1, 5), result(2, 0, 9), result(2, 0, 8), result(1, 3, 10)}}
	if best, factor := c.Winner(); best != 3 || factor != 2 {
		t.Errorf("winner %d by %v", best, factor)
	}
	if best, factor := c.ChannelWinner(0); best != 2 || factor != 1 {
		t.Errorf("channel's winner %d by %v", best, factor)
	}
	if g := c.Gain(3, 0); g != 4 {
		t.Errorf("gain %v", g)
	}
	c = &Comparison{Results: []Result{result(0, 0, 1)}}
	if best, factor := c.Winner(); best != 0 || factor != 1 {
		t.Errorf("winner %d by %v", best, factor)
	}
	c = &Comparison{Results: []Result{result(1, 0, 1), result(0, 0, 2)}}
	if best, factor := c.Winner(); best != 1 || !math.IsInf(factor, 1) {
		t.Errorf("winner %d by %v", best, factor)
	}
}

// TestCompareParams checks that parameters from elsewhere are measured as Compare's
// own are, and are left alone.
func TestCompareParams(t *testing.T) {
	x := randomTensor(rand.New(rand.NewPCG(15, 16)), []int{6, 70})
	schemes := []Scheme{{Bits: 4}, {Bits: 4, Granularity: PerChannel(0)}, {Bits: 4, Granularity: PerGroup(1, 16)}}
	want, err := Compare(x, schemes...)
	if err != nil {
		t.Fatal(err)
	}
	var params []Params
	for _, r := range want.Results {
		params = append(params, r.Params)
	}
	got, err := CompareParams(x, params...)
	if err != nil {
		t.Fatal(err)
	}
	compareResults(t, "CompareParams", got, want)
	scale := params[0].Scale[0]
	if err := CompareInto(got, Tensor{Data: []float32{5}}, schemes[0]); err != nil || params[0].Scale[0] != scale {
		t.Errorf("a later comparison wrote into the caller's parameters, %v", err)
	}
}

// TestCompareInto checks that memory of one comparison serves another of any shape.
func TestCompareInto(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	c := new(Comparison)
	for range 200 {
		shape := randomShape(rng)
		x := randomTensor(rng, shape)
		schemes := make([]Scheme, 1+rng.IntN(4))
		for i := range schemes {
			schemes[i] = randomScheme(rng, len(shape))
		}
		if err := CompareInto(c, x, schemes...); err != nil {
			t.Fatal(err)
		}
		want, err := Compare(x, schemes...)
		if err != nil {
			t.Fatal(err)
		}
		compareResults(t, fmt.Sprint(shape), c, want)
		if diff := cmp.Diff(want.Shape, c.Shape); diff != "" || c.Axis != want.Axis {
			t.Fatal(diff)
		}
	}
}

// TestPackedLen checks sizes that n*bits would overflow on the way to.
func TestPackedLen(t *testing.T) {
	if got := packedLen(math.MaxInt64, 2); got != math.MaxInt64/4+1 {
		t.Errorf("%d", got)
	}
	for n := range 100 {
		for bits := 2; bits <= 16; bits++ {
			if got, want := PackedLen(n, bits), (n*bits+7)/8; got != want {
				t.Errorf("PackedLen(%d, %d) = %d, want %d", n, bits, got, want)
			}
		}
	}
}

func TestStrings(t *testing.T) {
	for want, got := range map[string]string{
		"per tensor":               PerTensor.String(),
		"per channel (axis -1)":    PerChannel(-1).String(),
		"per group of 32 (axis 1)": PerGroup(1, 32).String(),
		"asymmetric":               Asymmetric.String(),
		"symmetric":                Symmetric.String(),
		"Mapping(9)":               Mapping(9).String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if !PerChannel(1).Equal(PerChannel(1)) || PerChannel(1).Equal(PerChannel(0)) {
		t.Error("Equal")
	}
	if size, ok := PerGroup(0, 7).GroupSize(); size != 7 || !ok {
		t.Error("GroupSize")
	}
	if InstructionSet() == "" {
		t.Error("InstructionSet")
	}
}

// TestEmptyTensors: a loop over batches may meet one of no rows. Quantizing,
// dequantizing and observing do nothing then; there is nothing to calibrate.
func TestEmptyTensors(t *testing.T) {
	for name, p := range map[string]Params{
		"per tensor":              {Scheme: Scheme{Bits: 8}, Scale: []float32{1}, ZeroPoint: []int32{0}},
		"4 bits":                  {Scheme: Scheme{Bits: 4}, Scale: []float32{1}, ZeroPoint: []int32{0}},
		"16 bits":                 {Scheme: Scheme{Bits: 16}, Scale: []float32{1}, ZeroPoint: []int32{0}},
		"per channel, last axis":  {Scheme: Scheme{Bits: 8, Granularity: PerChannel(-1)}, Scale: []float32{1, 2, 3}, ZeroPoint: []int32{0, 1, 2}},
		"per channel, empty axis": {Scheme: Scheme{Bits: 8, Granularity: PerChannel(0)}, Scale: nil, ZeroPoint: nil},
		"per group":               {Scheme: Scheme{Bits: 8, Granularity: PerGroup(-1, 32)}, Scale: nil, ZeroPoint: nil},
	} {
		t.Run(name, func(t *testing.T) {
			x := Tensor{Shape: []int{0, 3}}
			q, err := Quantize(x, p)
			if err != nil || len(q.Codes) != 0 || q.Len() != 0 || !slices.Equal(q.Shape, x.Shape) {
				t.Errorf("Quantize: %+v, %v", q, err)
			}
			y, err := Dequantize(q)
			if err != nil || len(y.Data) != 0 || !slices.Equal(y.Shape, x.Shape) {
				t.Errorf("Dequantize: %+v, %v", y, err)
			}
			for call, err := range map[string]error{
				"QuantizeInto":        QuantizeInto(nil, x, p),
				"DequantizeInto":      DequantizeInto(nil, q),
				"QuantizedFromPacked": second(QuantizedFromPacked(nil, x.Shape, p)),
				"QuantizePart":        QuantizePart([]int16{}, nil, 0, x.Shape, Params{Scheme: Scheme{Bits: 16, Granularity: p.Scheme.Granularity}, Scale: p.Scale, ZeroPoint: p.ZeroPoint}),
				"Observe":             newObserver(t, p.Scheme, RefuseNotFinite).Observe(x),
				"ObserveStream":       newObserver(t, p.Scheme, RefuseNotFinite).ObserveStream(Stream{sliceSource(nil), x.Shape}),
			} {
				if err != nil {
					t.Errorf("%s: %v", call, err)
				}
			}
			if err := second(Calibrate(x, p.Scheme)); !errors.Is(err, ErrEmpty) {
				t.Errorf("Calibrate: %v, want ErrEmpty", err)
			}
			if err := second(Compare(x, p.Scheme)); !errors.Is(err, ErrEmpty) {
				t.Errorf("Compare: %v, want ErrEmpty", err)
			}
		})
	}
}
