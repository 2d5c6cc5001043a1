package quant

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// TestExtent has tensors that are small, and some that are not.
func TestExtent(t *testing.T) {
	for _, tt := range []struct {
		name  string
		n     int
		shape []int
		by    Granularity
		want  extent
	}{
		{"tensor", 32, nil, PerTensor, extent{run: 32, params: 1}},
		{"tensor with a shape", 32, []int{4, 8}, PerTensor, extent{run: 32, params: 1}},
		{"rows", 32, []int{4, 8}, PerChannel(0), extent{run: 8, params: 4}},
		{"rows behind axes of length 1", 32, []int{1, 1, 4, 8}, PerChannel(-2), extent{run: 8, params: 4}},
		{"columns", 32, []int{4, 8}, PerChannel(1), extent{run: 8, params: 8, columns: true}},
		{"elements of one axis", 8, nil, PerChannel(0), extent{run: 8, params: 8, columns: true}},
		{"one channel", 8, []int{8, 1}, PerChannel(1), extent{run: 8, params: 1}},
		{"groups", 32, []int{2, 16}, PerGroup(-1, 8), extent{run: 8, params: 4}},
		{"groups of one row, the last short", 20, []int{1, 20}, PerGroup(-1, 8), extent{run: 8, params: 3}},
		{"a group longer than its axis", 20, []int{2, 10}, PerGroup(1, 16), extent{run: 10, params: 2}},
		{"wide columns", 64 * 100, []int{100, 64}, PerChannel(1), extent{run: 64, params: 64, columns: true}},
		{"narrow columns of many rows", 8 * 100, []int{100, 8}, PerChannel(1), extent{}},
		{"groups that do not fill their rows", 20, []int{2, 10}, PerGroup(1, 4), extent{}},
		{"groups of rows", 20, []int{10, 2}, PerGroup(0, 5), extent{}},
		{"channels in the middle", 24, []int{2, 3, 4}, PerChannel(1), extent{}},
		{"no elements", 0, nil, PerTensor, extent{}},
		{"more than a part", partLen + 1, nil, PerTensor, extent{}},
		{"another number of elements", 32, []int{4, 9}, PerTensor, extent{}},
		{"no such axis", 32, []int{4, 8}, PerChannel(2), extent{}},
		{"a group of none", 32, []int{4, 8}, PerGroup(1, 0), extent{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.by.extent(tt.n, tt.shape); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestSmallCalls compares small calls with the transform and the walk, which know
// all tensors.
func TestSmallCalls(t *testing.T) {
	r := splitmix(77)
	shapes := [][]int{{1}, {7}, {32}, {129}, {4, 8}, {16, 33}, {3, 64}, {40, 70}, {8, 512}, {9, 1024}, {1, 3, 1000}, {1, 300}, {300, 16}}
	forEachISA(t, func(t *testing.T) {
		for i, shape := range shapes {
			x := goldenTensor(&r, i%4, shape...)
			for _, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(-1), PerGroup(-1, 8), PerGroup(-1, 32), PerGroup(-1, 7)} {
				for j, bits := range []int{2, 3, 4, 7, 8, 12, 16} {
					if testing.Short() && j%3 != i%3 {
						continue
					}
					s := Scheme{Bits: bits, Granularity: g, Unsigned: i%2 > 0, Mapping: Mapping(i / 2 % 2), ZeroInRange: i%3 == 0}
					t.Run(fmt.Sprintf("shape=%v/%v/bits=%d", shape, g, bits), func(t *testing.T) { testSmallCalls(t, x, s) })
					if s.Mapping == Symmetric {
						s.SignedScale = true
						t.Run(fmt.Sprintf("shape=%v/%v/bits=%d/signed", shape, g, bits), func(t *testing.T) { testSmallCalls(t, x, s) })
					}
				}
			}
		}
	})
}

func testSmallCalls(t *testing.T, x Tensor, s Scheme) {
	l, err := newLayout(len(x.Data), x.Shape, s.Granularity)
	if err != nil {
		t.Fatal(err)
	}
	w := new(walk)
	lo, hi, err := w.rangesOf(x.Data, nil, l, s.Granularity)
	if err != nil {
		t.Fatal(err)
	}
	var want Params
	want.set(s, l.params)
	s.paramsOf(&want, lo, hi, s.tensorScale(lo, hi))
	p, err := Calibrate(x, s)
	if err != nil {
		t.Fatal(err)
	}
	if p.Scheme != s || differ(p.Scale, want.Scale) >= 0 || differ(p.ZeroPoint, want.ZeroPoint) >= 0 {
		t.Fatalf("Calibrate: %v, want %v", p, want)
	}
	f, err := newTransform(len(x.Data), x.Shape, want)
	if err != nil {
		t.Fatal(err)
	}
	n := PackedLen(len(x.Data), s.Bits)
	packed, got := makeCodes(n), makeCodes(n+3)
	f.real, f.codes = x.Data, packedCodes(packed, len(x.Data), s.Bits)
	f.quantize()
	for _, shift := range []int{0, 1} { // codes of 16 bits that are not aligned too
		got := got[shift:]
		fill(got, 0xa5)
		if err := QuantizeInto(got, x, p); err != nil {
			t.Fatal(err)
		}
		if i := differ(got[:n], packed); i >= 0 {
			t.Fatalf("QuantizeInto: byte %d is %#x, want %#x", i, got[i], packed[i])
		}
		if got[n] != 0xa5 {
			t.Fatal("QuantizeInto stores behind the codes")
		}
		testSmallDequantize(t, x, Quantized{got[:n], x.Shape, p}, f)
	}
}

// testSmallDequantize compares the values of q with those of f.
func testSmallDequantize(t *testing.T, x Tensor, q Quantized, f transform) {
	real, back := make([]float32, len(x.Data)), make([]float32, len(x.Data)+1)
	f.real = real
	f.dequantize()
	if err := DequantizeInto(back, q); err != nil {
		t.Fatal(err)
	}
	if i := differ(back[:len(real)], real); i >= 0 || back[len(real)] != 0 {
		t.Fatalf("DequantizeInto: element %d is %v, want %v", i, back[i], real[i])
	}
}

// TestSmallCallErrors has small calls with one mistake each, which must be an error.
func TestSmallCallErrors(t *testing.T) {
	good := func() Params {
		return Params{Scheme: Scheme{Bits: 8, Granularity: PerChannel(0)}, Scale: []float32{1, 2}, ZeroPoint: []int32{0, 3}}
	}
	for _, tt := range []struct {
		name  string
		spoil func(p *Params)
	}{
		{"a scale of 0", func(p *Params) { p.Scale[1] = 0 }},
		{"a scale that is NaN", func(p *Params) { p.Scale[1] = nan }},
		{"a zero point that is too far", func(p *Params) { p.ZeroPoint[1] = maxZeroPoint + 1 }},
		{"too few parameters", func(p *Params) { p.Scale = p.Scale[:1] }},
		{"17 bits", func(p *Params) { p.Scheme.Bits = 17 }},
		{"no such mapping", func(p *Params) { p.Scheme.Mapping = 2 }},
		{"no such granularity", func(p *Params) { p.Scheme.Granularity.axis = 2 }},
		{"narrow range of the asymmetric mapping", func(p *Params) { p.Scheme.NarrowRange = true }},
		{"a divisor of the asymmetric mapping", func(p *Params) { p.Scheme.Divisor = HalfWidth }},
		{"no such divisor", func(p *Params) { p.Scheme.Mapping, p.Scheme.Divisor = Symmetric, divisors }},
		{"an invalid method", func(p *Params) { p.Scheme.Method = Percentile(101) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := good()
			tt.spoil(&p)
			x, b := Tensor{make([]float32, 8), []int{2, 4}}, make([]byte, 8)
			if QuantizeInto(b, x, p) == nil || QuantizeCodes(make([]int8, 8), x, p) == nil {
				t.Error("quantizing has no error")
			}
			if DequantizeInto(x.Data, Quantized{b, x.Shape, p}) == nil || DequantizeCodes(x.Data, make([]int8, 8), x.Shape, p) == nil {
				t.Error("dequantizing has no error")
			}
			if p.Scheme.Validate() != nil && CalibrateInto(new(Params), x, p.Scheme) == nil {
				t.Error("calibrating has no error")
			}
		})
	}
}

// TestSmallFormats compares small calls of formats other than integers with the transform.
func TestSmallFormats(t *testing.T) {
	r := splitmix(78)
	forEachISA(t, func(t *testing.T) {
		for i, shape := range [][]int{{1}, {7}, {129}, {4, 8}, {16, 33}, {3, 64}, {40, 70}, {8, 512}, {300, 16}} {
			x := goldenTensor(&r, i%4, shape...)
			for _, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(-1), PerGroup(-1, 8), PerGroup(-1, 32), PerGroup(-1, 7)} {
				for _, f := range []Format{E4M3FN, E5M2FNUZ, NF4, toy} {
					p, err := Calibrate(x, Scheme{Format: f, Granularity: g})
					must(err)
					n := len(x.Data)
					want, got := make([]uint8, n), make([]uint8, n)
					q, err := newTransform(n, shape, p)
					must(err)
					q.codes, q.real = plainCodes(want), x.Data
					q.quantize()
					must(QuantizeCodes(got, x, p))
					if k := differ(got, want); k >= 0 {
						t.Fatalf("%v, %v, %v: code %d is %#x, want %#x", f, shape, g, k, got[k], want[k])
					}
					values, wantValues := make([]float32, n), make([]float32, n)
					q.real = wantValues
					q.dequantize()
					must(DequantizeCodes(values, got, shape, p))
					if k := differ(values, wantValues); k >= 0 {
						t.Fatalf("%v, %v, %v: value %d is %v, want %v", f, shape, g, k, values[k], wantValues[k])
					}
				}
			}
		}
	})
}

// TestSmallFormatErrors has small calls of a format with one mistake each.
func TestSmallFormatErrors(t *testing.T) {
	x := Tensor{[]float32{1, 2, 3, 4}, nil}
	p, err := Calibrate(x, Scheme{Format: E4M3FN})
	must(err)
	codes := make([]uint8, 4)
	for name, change := range map[string]func(p *Params){
		"a scale of 0":       func(p *Params) { p.Scale = []float32{0} },
		"an infinite scale":  func(p *Params) { p.Scale = []float32{inf} },
		"two scales":         func(p *Params) { p.Scale = []float32{1, 1} },
		"no zero point":      func(p *Params) { p.ZeroPoint = nil },
		"a far zero point":   func(p *Params) { p.ZeroPoint = []int32{maxZeroPoint + 1} },
		"other bits":         func(p *Params) { p.Scheme.Bits = 3 },
		"an unusual divisor": func(p *Params) { p.Scheme.Divisor = 99 },
	} {
		bad := p
		change(&bad)
		if QuantizeCodes(codes, x, bad) == nil {
			t.Errorf("QuantizeCodes with %s: no error", name)
		}
		if DequantizeCodes(make([]float32, 4), codes, nil, bad) == nil {
			t.Errorf("DequantizeCodes with %s: no error", name)
		}
	}
	if QuantizeCodes(make([]int8, 4), x, p) == nil || QuantizeCodes(make([]uint16, 4), x, p) == nil {
		t.Error("QuantizeCodes into int8 or uint16: no error")
	}
}

// TestSmallSignedScale: a small call takes scales of either sign, and leaves to the general way what is
// an error: a negative scale without SignedScale, a scale of 0, and options that exclude SignedScale.
func TestSmallSignedScale(t *testing.T) {
	signed := Scheme{Bits: 4, Mapping: Symmetric, SignedScale: true}
	narrow, half, asymmetric := signed, signed, signed
	narrow.NarrowRange, half.Divisor, asymmetric.Mapping = true, HalfWidth, Asymmetric
	for _, tt := range []struct {
		s     Scheme
		scale float32
		zero  int32
		ok    bool
	}{
		{signed, -0.5, 0, true}, {signed, 0.5, 0, true}, {signed, -0x1p-149, 0, true}, {signed, 0, 0, false}, {signed, minusZero, 0, false},
		{signed, nan, 0, false}, {signed, -inf, 0, false}, {signed, -0.5, maxZeroPoint + 1, false}, {signed, -0.5, -maxZeroPoint - 1, false},
		{Scheme{Bits: 4, Mapping: Symmetric}, -0.5, 0, false},
		{narrow, 0.5, 0, false}, {half, 0.5, 0, false}, {asymmetric, 0.5, 0, false},
	} {
		p := Params{Scheme: tt.s, Scale: []float32{tt.scale}, ZeroPoint: []int32{tt.zero}}
		if _, ok := p.small(32, nil); ok != tt.ok {
			t.Errorf("%v with the scale %v and zero point %d: a small call %t", tt.s, tt.scale, tt.zero, ok)
		}
		err := QuantizeInto(make([]byte, 16), Tensor{Data: make([]float32, 32)}, p)
		if (err == nil) != tt.ok {
			t.Errorf("%v with the scale %v and zero point %d: %v", tt.s, tt.scale, tt.zero, err)
		}
	}
	// A whole group has a negative scale, and another a positive one.
	p := Params{Scheme: signed, Scale: []float32{0.5, -2}, ZeroPoint: []int32{0, 0}}
	p.Scheme.Granularity = PerGroup(-1, 2)
	codes := make([]byte, 2)
	if err := QuantizeInto(codes, Tensor{Data: []float32{1, -4, 16, -2}, Shape: []int{4}}, p); err != nil || codes[0] != 0x82 || codes[1] != 0x18 {
		t.Errorf("codes %#x, %v", codes, err)
	}
}

// TestPlain: which parameters calls of one scale and 8 bits take, and which they leave to the
// general way.
func TestPlain(t *testing.T) {
	eight := Scheme{Bits: 8}
	narrow := Scheme{Bits: 8, Mapping: Symmetric, NarrowRange: true}
	narrowUnsigned, narrowAsymmetric, half, signed, noMapping := narrow, narrow, narrow, narrow, eight
	narrowUnsigned.Unsigned, narrowAsymmetric.Mapping = true, Asymmetric
	half.NarrowRange, half.Divisor = false, HalfWidth
	signed.NarrowRange, signed.SignedScale = false, true
	noMapping.Mapping = Symmetric + 1
	badMethod := Scheme{Bits: 8, Method: Percentile(200)}
	for _, tt := range []struct {
		s     Scheme
		scale float32
		zero  int32
		shape []int
		ok    bool
	}{
		{eight, 1, 0, nil, true}, {eight, 1, 0, []int{4, 8}, true}, {eight, 0x1p-149, maxZeroPoint, []int{32}, true},
		{narrow, 1, 0, nil, true}, {Scheme{Bits: 8, Unsigned: true, Mapping: Symmetric}, 1, 128, nil, true},
		{Scheme{Bits: 8, Method: LeastSquares}, 1, 0, nil, true}, {Scheme{Bits: 8, Method: Percentile(99)}, 1, 0, nil, true},
		{Scheme{Bits: 8, ZeroInRange: true}, 1, 0, nil, true},
		{eight, 0, 0, nil, false}, {eight, -1, 0, nil, false}, {eight, nan, 0, nil, false}, {eight, inf, 0, nil, false}, {eight, minusZero, 0, nil, false},
		{eight, 1, maxZeroPoint + 1, nil, false}, {eight, 1, -maxZeroPoint - 1, nil, false},
		{eight, 1, 0, []int{33}, false}, {eight, 1, 0, []int{4, 9}, false}, {eight, 1, 0, []int{-4, -8}, false}, {eight, 1, 0, []int{32, 0}, false},
		{narrowUnsigned, 1, 0, nil, false}, {narrowAsymmetric, 1, 0, nil, false}, {half, 1, 0, nil, false}, {signed, 1, 0, nil, false},
		{noMapping, 1, 0, nil, false}, {badMethod, 1, 0, nil, false},
		{Scheme{Bits: 4}, 1, 0, nil, false}, {Scheme{}, 1, 0, nil, false}, {Scheme{Format: E4M3FN}, 1, 0, nil, false},
		{Scheme{Bits: 8, Granularity: PerChannel(0)}, 1, 0, []int{1, 32}, false}, {Scheme{Bits: 8, Scales: Float16Scale}, 1, 0, nil, false},
	} {
		p := Params{Scheme: tt.s, Scale: []float32{tt.scale}, ZeroPoint: []int32{tt.zero}}
		if ok := p.ofOne8() && p.plain8(32, tt.shape); ok != tt.ok {
			t.Errorf("%v with the scale %v, the zero point %d and the shape %v: plain %t", tt.s, tt.scale, tt.zero, tt.shape, ok)
		}
	}
	for _, p := range []Params{
		{Scheme: eight}, {Scheme: eight, Scale: []float32{1, 1}, ZeroPoint: []int32{0, 0}},
		{Scheme: eight, Scale: []float32{1}}, {Scheme: eight, ZeroPoint: []int32{0}},
	} {
		if p.plain8(32, nil) {
			t.Errorf("%v is plain", p)
		}
	}
	one := Params{Scheme: eight, Scale: []float32{1}, ZeroPoint: []int32{0}}
	if one.plain8(0, nil) || one.plain8(partLen+1, nil) || !one.plain8(partLen, nil) {
		t.Error("calls of no elements, or of more than a part, are plain")
	}
	// No shape is a number, not five of them.
	if err := DequantizeInto(make([]float32, 5), Quantized{Codes: make([]byte, 5), Params: one}); !errors.Is(err, ErrCodesLength) {
		t.Errorf("five codes for a number: %v", err)
	}
}

// TestPlainCalibration: a calibration of one range sets all fields of the parameters.
func TestPlainCalibration(t *testing.T) {
	x := Tensor{Data: []float32{-1, 2, 0.5}}
	for _, s := range []Scheme{{Bits: 8}, {Bits: 4, Mapping: Symmetric}} {
		want, err := Calibrate(x, s)
		if err != nil {
			t.Fatal(err)
		}
		p := Params{Scheme: Scheme{Format: E2M1, Scales: E4M3Scale}, Scale: []float32{8, 9}, ZeroPoint: []int32{8, 9}, TensorScale: 3}
		if err := CalibrateInto(&p, x, s); err != nil || !reflect.DeepEqual(p, want) {
			t.Errorf("%v: %+v, %v, want %+v", s, p, err, want)
		}
	}
}
