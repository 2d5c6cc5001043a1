package quant

import (
	"errors"
	"math"
	"testing"
)

// A cast is a format that values are cast to, and its definition.
type cast struct {
	name               string
	mantissa, smallest int     // bits; exponent of the smallest normal number
	largest            float64 // number
	infinities, nans   bool
	minus              bool                                         // -0 is a number
	to                 func(src []float32, saturate bool) []float32 // and back
}

func casts(t *testing.T) []cast {
	halves := func(narrow func([]uint16, []float32, bool), widen func([]float32, []uint16)) func([]float32, bool) []float32 {
		return func(src []float32, saturate bool) []float32 {
			h, back := make([]uint16, len(src)), make([]float32, len(src))
			narrow(h, src, saturate)
			widen(back, h)
			return back
		}
	}
	bytes := func(f Format) func([]float32, bool) []float32 {
		return func(src []float32, saturate bool) []float32 {
			h, back := make([]uint8, len(src)), make([]float32, len(src))
			if err := errors.Join(NarrowFloat8(h, src, f, saturate), WidenFloat8(back, h, f)); err != nil {
				t.Fatal(err)
			}
			return back
		}
	}
	return []cast{
		{"float16", 10, -14, 65504, true, true, true, halves(NarrowFloat16, WidenFloat16)},
		{"bfloat16", 7, -126, 0x1.fep127, true, true, true, halves(NarrowBFloat16, WidenBFloat16)},
		{"fp8_e4m3fn", 3, -6, 448, false, true, true, bytes(E4M3FN)},
		{"fp8_e5m2", 2, -14, 57344, true, true, true, bytes(E5M2)},
		{"fp8_e4m3fnuz", 3, -7, 240, false, true, false, bytes(E4M3FNUZ)},
		{"fp8_e5m2fnuz", 2, -15, 57344, false, true, false, bytes(E5M2FNUZ)},
		{"fp6_e3m2", 2, -2, 28, false, false, true, bytes(E3M2)},
		{"fp6_e2m3", 3, 0, 7.5, false, false, true, bytes(E2M3)},
		{"fp4_e2m1", 1, 0, 6, false, false, true, bytes(E2M1)},
	}
}

// want is the number that v becomes, in float64.
func (c cast) want(v float32, saturate bool) float64 {
	x := float64(v)
	switch {
	case x != x && c.nans:
		return x
	case x != x:
		return 0
	}
	e := c.smallest
	if x != 0 && !math.IsInf(x, 0) {
		e = max(e, math.Ilogb(x))
	}
	y := math.Ldexp(math.RoundToEven(math.Ldexp(x, c.mantissa-e)), e-c.mantissa)
	if math.Abs(y) > c.largest {
		switch {
		case saturate || !c.nans:
			y = math.Copysign(c.largest, x)
		case c.infinities:
			y = math.Inf(int(math.Copysign(1, x)))
		default:
			y = math.NaN()
		}
	}
	if y == 0 && !c.minus {
		y = 0
	}
	return y
}

// TestCasts compares casts with their definition for all float32 values, or a sample.
func TestCasts(t *testing.T) {
	for _, c := range casts(t) {
		t.Run(c.name, func(t *testing.T) {
			special := []float32{0, minusZero, inf, -inf, nan, -nan, math.MaxFloat32, 1e-45}
			for _, k := range []float64{1, 1 - 0x1p-23, 1 + 0x1p-23} { // next to the largest, and to half a place above it
				half := c.largest + math.Ldexp(1, math.Ilogb(c.largest)-c.mantissa-1)
				special = append(special, float32(c.largest*k), float32(half*k), -float32(half*k))
			}
			check := func(src []float32) {
				for _, saturate := range []bool{true, false} {
					for i, got := range c.to(src, saturate) {
						want := c.want(src[i], saturate)
						if float64(got) != want && (want == want || got == got) || want == 0 && math.Signbit(want) != math.Signbit(float64(got)) && c.nans && c.minus {
							t.Fatalf("%v (%#08x), saturating %t: %v, want %v", src[i], math.Float32bits(src[i]), saturate, got, want)
						}
					}
				}
			}
			check(special)
			everyInput(16411, check)
		})
	}
}

// TestCastsRoundTrip: every number of 16 bits, and every code of 8, comes back.
func TestCastsRoundTrip(t *testing.T) {
	all := make([]uint16, 1<<16)
	for i := range all {
		all[i] = uint16(i)
	}
	values, back := make([]float32, 1<<16), make([]uint16, 1<<16)
	for name, f := range map[string]struct {
		narrow   func([]uint16, []float32, bool)
		widen    func([]float32, []uint16)
		infinity uint16
	}{
		"float16":  {NarrowFloat16, WidenFloat16, 0x7c00},
		"bfloat16": {NarrowBFloat16, WidenBFloat16, 0x7f80},
	} {
		f.widen(values, all)
		f.narrow(back, values, false)
		for i, h := range back {
			if h != all[i] && all[i]&f.infinity != f.infinity || all[i]&0x7fff == f.infinity && h != all[i] ||
				all[i]&0x7fff > f.infinity && (h&0x7fff <= f.infinity || h>>15 != all[i]>>15) {
				t.Fatalf("%s: %#04x is %v, and becomes %#04x", name, all[i], values[i], h)
			}
		}
	}
	for _, f := range floatFormats {
		b := f.book()
		if b.float == nil {
			continue
		}
		for c := range b.values {
			x, code := make([]float32, 1), []uint8{uint8(c)}
			if err := errors.Join(WidenFloat8(x, code, f), NarrowFloat8(code, x, f, false)); err != nil {
				t.Fatal(err)
			}
			if int(code[0]) != c && x[0] == x[0] || x[0] != x[0] && b.values[code[0]] == b.values[code[0]] {
				t.Errorf("%v: %#x is %v, and becomes %#x", f, c, x[0], code[0])
			}
		}
	}
}

// TestCastsOfTables: a table that is no floating-point format is refused; what is too short
// panics; and nothing is allocated.
func TestCastsOfTables(t *testing.T) {
	x, c, h := make([]float32, 100), make([]uint8, 100), make([]uint16, 100)
	for _, f := range []Format{NF4, Integers} {
		if err := NarrowFloat8(c, x, f, true); !errors.Is(err, ErrScheme) {
			t.Errorf("NarrowFloat8 to %v: %v", f, err)
		}
		if err := WidenFloat8(x, c, f); !errors.Is(err, ErrScheme) {
			t.Errorf("WidenFloat8 from %v: %v", f, err)
		}
	}
	if err := errors.Join(NarrowFloat8(nil, nil, E5M2, true), WidenFloat8(nil, nil, E5M2)); err != nil {
		t.Errorf("nothing: %v", err)
	}
	for name, f := range map[string]func(){
		"NarrowFloat8":   func() { NarrowFloat8(c[:99], x, E5M2, true) },
		"WidenFloat8":    func() { WidenFloat8(x[:99], c, E5M2) },
		"NarrowFloat16":  func() { NarrowFloat16(h[:99], x, true) },
		"NarrowBFloat16": func() { NarrowBFloat16(h[:99], x, true) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s into a shorter destination does not panic", name)
				}
			}()
			f()
		}()
	}
	if n := testing.AllocsPerRun(10, func() {
		NarrowFloat8(c, x, E4M3FN, false)
		WidenFloat8(x, c, E4M3FN)
		NarrowFloat16(h, x, true)
		NarrowBFloat16(h, x, false)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
