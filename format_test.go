package quant

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// toy is a format of 3 bits that exists for tests only: small floating-point numbers with
// a sign, whose values are ±0, ±0.5, ±2 and 7, and a code for NaN.
var toy = newFormat("toy3", 3, []float32{0, 0.5, 2, nan, minusZero, -0.5, -2, 7}, tieToEven, 3)

// lopsided has no zero, and ties go down.
var lopsided = newFormat("lopsided2", 2, []float32{-1, 1, 3, 3.5}, tieDown, 0)

// TestCodebookNearest compares codes with the nearest value by exact arithmetic: at and
// beside every point that is half-way between two values, and for all exponents.
func TestCodebookNearest(t *testing.T) {
	for _, f := range append([]Format{toy, lopsided}, floatFormats...) {
		t.Run(f.String(), func(t *testing.T) {
			b := f.book()
			tryAround := func(v float32) {
				for _, x := range []float32{math.Nextafter32(v, -inf), v, math.Nextafter32(v, inf), -v} {
					if !finite(x) {
						continue
					}
					if got, want := b.code(x), nearestCode(b, x); got != want || b.nearest(x) != want {
						t.Errorf("%v (%#08x): code %d, want %d", x, math.Float32bits(x), got, want)
					}
				}
			}
			for i, c := range b.order {
				v := b.values[c]
				tryAround(v)
				if i > 0 {
					tryAround((b.values[b.order[i-1]] + v) / 2)
				}
			}
			for e := uint32(0); e < 255; e += 3 {
				tryAround(math.Float32frombits(e << 23))
				tryAround(math.Float32frombits(e<<23 | 0x1234))
			}
			tryAround(math.MaxFloat32)
			if b.code(nan) != b.nan || b.code(inf) != b.code(math.MaxFloat32) || b.code(-inf) != b.code(-math.MaxFloat32) {
				t.Errorf("codes of NaN, +Inf and -Inf: %d, %d and %d", b.code(nan), b.code(inf), b.code(-inf))
			}
		})
	}
}

var floatFormats = []Format{E4M3FN, E5M2, E4M3FNUZ, E5M2FNUZ, E3M2, E2M3, E2M1, NF4}

// TestFloatFormats checks what the specifications say of each format, and that each code
// comes back from its value.
func TestFloatFormats(t *testing.T) {
	for _, test := range []struct {
		f                 Format
		bits              int
		largest, smallest float32 // magnitudes
		numbers           int     // codes that are finite numbers
		nan               uint8
	}{
		{E4M3FN, 8, 448, 0x1p-9, 254, 0x7f},
		{E5M2, 8, 57344, 0x1p-16, 248, 0x7f},
		{E4M3FNUZ, 8, 240, 0x1p-10, 255, 0x80},
		{E5M2FNUZ, 8, 57344, 0x1p-17, 255, 0x80},
		{E3M2, 6, 28, 0.0625, 64, 0},
		{E2M3, 6, 7.5, 0.125, 64, 0},
		{E2M1, 4, 6, 0.5, 16, 0},
		{NF4, 4, 1, 0.07958029955625534, 16, 7},
	} {
		t.Run(test.f.String(), func(t *testing.T) {
			b := test.f.book()
			smallest := inf
			for c, v := range b.values {
				if !finite(v) {
					continue
				}
				if v != 0 {
					smallest = min(smallest, absolute(v))
				}
				if got := b.code(v); int(got) != c {
					t.Errorf("the value %v of code %#x becomes %#x", v, c, got)
				}
			}
			if b.bits != test.bits || test.f.Width() != test.bits || b.largest != test.largest || smallest != test.smallest ||
				len(b.order) != test.numbers || b.nan != test.nan {
				t.Errorf("%d bits, largest %v, smallest %v, %d numbers, NaN %#x, want %+v", b.bits, b.largest, smallest, len(b.order), b.nan, test)
			}
			for i, c := range b.order[1:] {
				if compareKeys(b.values[b.order[i]], b.values[c]) >= 0 {
					t.Errorf("%v is not below %v", b.values[b.order[i]], b.values[c])
				}
			}
		})
	}
	e2m1 := E2M1.book()
	for x, want := range map[float32]float32{0.25: 0, 0.75: 1, 1.25: 1, 1.75: 2, 2.5: 2, 3.5: 4, 5: 4} {
		if got := e2m1.values[e2m1.code(x)]; got != want {
			t.Errorf("E2M1: the tie %v becomes %v, want %v", x, got, want)
		}
	}
}

// nearestCode is the definition: the value with the least distance, which is compared exactly.
// A zero keeps its sign if there are two.
func nearestCode(b *codebook, x float32) uint8 {
	best, least := -1, new(big.Float)
	for _, c := range b.order {
		v := b.values[c]
		d := new(big.Float).SetPrec(400).Sub(new(big.Float).SetFloat64(float64(v)), new(big.Float).SetFloat64(float64(x)))
		d.Abs(d)
		take := best < 0 || d.Cmp(least) < 0
		if !take && d.Cmp(least) == 0 {
			w := b.values[best]
			switch {
			case v == 0 && w == 0:
				take = !math.Signbit(float64(x)) // -0 comes first
			case b.name == "lopsided2" || b.name == "nf4": // ties go down
			default:
				take = c&1 == 0
			}
		}
		if take {
			best, least = int(c), d
		}
	}
	return uint8(best)
}

// codebookTensor returns values over several octaves, of both signs, with zeros.
func codebookTensor(shape ...int) Tensor {
	r := rand.New(rand.NewPCG(7, 8))
	n := 1
	for _, d := range shape {
		n *= d
	}
	x := Tensor{make([]float32, n), shape}
	for i := range x.Data {
		if r.IntN(9) > 0 {
			x.Data[i] = float32(r.NormFloat64() * math.Exp2(float64(r.IntN(5))))
		}
	}
	return x
}

// TestCodebookFormat takes a format that this file alone knows through every call, and
// compares it with the definition, element by element.
func TestCodebookFormat(t *testing.T) {
	x := codebookTensor(6, 5, 40)
	for _, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(1), PerChannel(-1), PerGroup(-1, 16), PerGroup(1, 2), PerBlock(1, 4, 2, 16)} {
		t.Run(g.String(), func(t *testing.T) {
			s := Scheme{Format: toy, Granularity: g}
			p, err := Calibrate(x, s)
			if err != nil {
				t.Fatal(err)
			}
			if p.Scheme.Bits != 3 || p.Scheme.Mapping != Symmetric {
				t.Errorf("Calibrate: %v, want 3 bits and the symmetric mapping", p.Scheme)
			}
			wantCodes, wantValues := make([]uint8, len(x.Data)), make([]float32, len(x.Data))
			for i, values := range valuesOfParams(t, x, g) {
				most := float32(0)
				for _, v := range values {
					most = max(most, absolute(v))
				}
				want := most / toy.book().largest
				if most == 0 {
					want = 1
				}
				if p.Scale[i] != want || p.ZeroPoint[i] != 0 {
					t.Errorf("parameter %d: %v and %d, want %v and 0", i, p.Scale[i], p.ZeroPoint[i], want)
				}
			}
			for e, v := range x.Data {
				i := paramIndex(x.Shape, g, e)
				wantCodes[e] = nearestCode(toy.book(), v/p.Scale[i])
				wantValues[e] = toy.book().values[wantCodes[e]] * p.Scale[i]
			}

			codes := make([]uint8, len(x.Data))
			if err := QuantizeCodes(codes, x, p); err != nil || !slices.Equal(codes, wantCodes) {
				t.Errorf("QuantizeCodes: %v, %d first codes %v, want %v", err, len(codes), codes[:10], wantCodes[:10])
			}
			if err := QuantizeCodes(make([]int8, len(x.Data)), x, p); !errors.Is(err, ErrScheme) {
				t.Errorf("QuantizeCodes of int8: %v, want ErrScheme", err)
			}
			q, err := Quantize(x, p)
			if err != nil || len(q.Codes) != PackedLen(len(x.Data), 3) {
				t.Fatalf("Quantize: %v, %d bytes", err, len(q.Codes))
			}
			unpacked := make([]uint8, len(x.Data))
			Unpack(unpacked, q.Codes, 3)
			if !slices.Equal(unpacked, wantCodes) || q.At(7) != int(wantCodes[7]) {
				t.Error("Quantize: other codes than QuantizeCodes")
			}
			y, err := Dequantize(q)
			if err != nil || !slices.Equal(y.Data, wantValues) {
				t.Errorf("Dequantize: %v", err)
			}
			part := make([]float32, 100)
			if err := DequantizePart(part, codes[333:433], 333, x.Shape, p); err != nil || !slices.Equal(part, wantValues[333:433]) {
				t.Errorf("DequantizePart: %v", err)
			}
			if q2, err := QuantizedFromCodes(codes, x.Shape, p); err != nil || !slices.Equal(q2.Codes, q.Codes) {
				t.Errorf("QuantizedFromCodes: %v", err)
			}

			c, err := Compare(x, Scheme{Bits: 8}, s)
			if err != nil {
				t.Fatal(err)
			}
			d, err := Difference(x, y, c.ChannelGranularity(), g)
			if err != nil {
				t.Fatal(err)
			}
			got := c.Results[1].Metrics
			if got.Clipped == 0 { // negative values reach no further than -2 steps
				t.Error("Compare: nothing is clipped")
			}
			if got.Clipped = 0; got != d.Metrics {
				t.Errorf("Compare: %+v, but the difference is %+v", got, d.Metrics)
			}
			if want := (Memory{int64(len(q.Codes)), 4 * int64(len(p.Scale))}); c.Results[1].Memory != want {
				t.Errorf("Compare: %+v, want %+v", c.Results[1].Memory, want)
			}
			read, err := Stream{sliceSource(x.Data), x.Shape}.Compare(Scheme{Bits: 8}, s)
			if err != nil || read.Results[1].Metrics != c.Results[1].Metrics {
				t.Errorf("Stream.Compare: %v", err)
			}

			o := newObserver(t, s, RefuseNotFinite)
			mustObserve(t, o, x)
			if r, err := o.Params(s); err != nil || !slices.Equal(r.Scale, p.Scale) || r.Scheme != p.Scheme {
				t.Errorf("Observer: %v", err)
			}
		})
	}
}

// TestCodebookCodesAreBytes: codes of a format go into bytes, and into nothing else.
func TestCodebookCodesAreBytes(t *testing.T) {
	x := Tensor{Data: []float32{1, -2, 3}}
	p, err := Calibrate(x, Scheme{Format: E4M3FN})
	if err != nil {
		t.Fatal(err)
	}
	wide, narrow, back := make([]uint16, 3), make([]uint8, 3), make([]float32, 3)
	for name, err := range map[string]error{
		"QuantizeCodes":   QuantizeCodes(wide, x, p),
		"DequantizeCodes": DequantizeCodes(back, wide, x.Shape, p),
	} {
		if !errors.Is(err, ErrScheme) {
			t.Errorf("%s of 16 bits: %v", name, err)
		}
	}
	if err := errors.Join(QuantizeCodes(narrow, x, p), DequantizeCodes(back, narrow, x.Shape, p)); err != nil || back[0] == 0 {
		t.Errorf("%v, %v", back, err)
	}
}

func TestCodebookSchemesRefused(t *testing.T) {
	for name, test := range map[string]struct {
		s  Scheme
		is error
	}{
		"other width":   {Scheme{Format: toy, Bits: 4, Mapping: Symmetric}, ErrBits},
		"unsigned":      {Scheme{Format: toy, Mapping: Symmetric, Unsigned: true}, ErrScheme},
		"narrow range":  {Scheme{Format: toy, Mapping: Symmetric, NarrowRange: true}, ErrScheme},
		"zero in range": {Scheme{Format: toy, Mapping: Symmetric, ZeroInRange: true}, ErrScheme},
		"entropy":       {Scheme{Format: toy, Mapping: Symmetric, Method: Entropy}, ErrMethod},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Calibrate(codebookTensor(8), test.s); !errors.Is(err, test.is) {
				t.Errorf("%v, want %v", err, test.is)
			}
		})
	}
	for text, want := range map[string]Scheme{
		"nf4:g64":               {Format: NF4, Bits: 4, Mapping: Symmetric, Granularity: PerGroup(-1, 64)},
		"fp8_e4m3fn:c0:sym:mse": {Format: E4M3FN, Bits: 8, Mapping: Symmetric, Granularity: PerChannel(0), Method: LeastSquares},
	} {
		s, err := ParseScheme(text)
		if err != nil || s != want {
			t.Errorf("%s: %+v, %v", text, s, err)
		}
		for name, f := range map[string]func() ([]byte, error){"text": s.MarshalText, "JSON": s.MarshalJSON} {
			data, err := f()
			var back Scheme
			if name == "text" {
				err = errors.Join(err, back.UnmarshalText(data))
			} else {
				err = errors.Join(err, back.UnmarshalJSON(data))
			}
			if err != nil || back != want {
				t.Errorf("%s: %s %s: %+v, %v", text, name, data, back, err)
			}
		}
	}
	if _, err := ParseScheme("nf4:asym"); !errors.Is(err, ErrScheme) {
		t.Errorf("nf4:asym: %v", err)
	}
	if err := (Scheme{Format: toy, Bits: 3, Mapping: Symmetric}).Validate(); err != nil {
		t.Errorf("the width of the format is refused: %v", err)
	}
}

// TestCodebookLeastError compares the ranges that the methods choose with those of many
// scales tried one by one, in Calibrate and in an Observer.
func TestCodebookLeastError(t *testing.T) {
	for _, f := range []Format{toy, E2M1, NF4, E4M3FN} {
		t.Run(f.String(), func(t *testing.T) {
			x := Tensor{Data: codebookTensor(2048).Data}
			x.Data[5] *= 6
			rmse := func(p Params) float64 {
				c, err := CompareParams(x, p)
				if err != nil {
					t.Fatal(err)
				}
				return c.Results[0].RMSE
			}
			s := Scheme{Format: f, Method: LeastSquares}
			p, err := Calibrate(x, s)
			if err != nil {
				t.Fatal(err)
			}
			widest, err := Calibrate(x, Scheme{Format: f})
			if err != nil {
				t.Fatal(err)
			}
			least := math.Inf(1)
			try := Params{Scheme: widest.Scheme, Scale: []float32{0}, ZeroPoint: []int32{0}}
			for k := range 600 {
				try.Scale[0] = widest.Scale[0] * float32(math.Exp2(-float64(k)/100))
				least = min(least, rmse(try))
			}
			if got := rmse(p); got > least*1.01 || got > rmse(widest) {
				t.Errorf("Calibrate: RMSE %v, the least of many scales is %v, that of the widest %v", got, least, rmse(widest))
			}
			o := newObserver(t, s, RefuseNotFinite)
			mustObserve(t, o, x)
			q, err := o.Params(s)
			if err != nil {
				t.Fatal(err)
			}
			if got := rmse(q); got > least*1.05 {
				t.Errorf("Observer: RMSE %v, the least of many scales is %v", got, least)
			}
			var back Observer
			if err := back.UnmarshalBinary(stateOf(t, o)); err != nil || back.Scheme() != o.Scheme() {
				t.Errorf("Observer's state: %v, %v, want %v", err, back.Scheme(), o.Scheme())
			}
			e, err := o.Estimate(q)
			if err != nil || math.Abs(e[0].RMSE/rmse(q)-1) > 0.05 {
				t.Errorf("Observer.Estimate: %v, %v, where the RMSE is %v", e, err, rmse(q))
			}
		})
	}
}
