package quant

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestParts checks that parts have the codes, and the values, of the whole.
func TestParts(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	r := splitmix(10)
	shapes := [][]int{{}, {1}, {100}, {7, 11, 13}, {5, 67}, {33, 3, 3, 3}, {200, 3}, {3, 4, 40}, {16, 97}, {4, 6000, 5}, {300, 700}}
	forEachISA(t, func(t *testing.T) {
		for i, shape := range shapes {
			x := goldenTensor(&r, i%4, shape...)
			for j, g := range goldenGranularities(max(1, len(shape))) {
				s := Scheme{Bits: 2 + (i+j)%15, Granularity: g, Unsigned: j%2 > 0, Mapping: Mapping(j % 2)}
				p, err := Calibrate(x, s)
				if err != nil {
					t.Fatal(err)
				}
				x.Data[rng.IntN(len(x.Data))] = nan
				if s.Unsigned {
					testParts[uint8](t, rng, x, p)
					testParts[uint16](t, rng, x, p)
				} else {
					testParts[int8](t, rng, x, p)
					testParts[int16](t, rng, x, p)
				}
				toFinite(x.Data)
			}
		}
	})
}

func testParts[T Code](t *testing.T, rng *rand.Rand, x Tensor, p Params) {
	t.Helper()
	n := len(x.Data)
	whole, real := make([]T, n), make([]float32, n)
	if fits[T](p.Scheme.grid()) != nil {
		return
	}
	if err := errors.Join(QuantizeCodes(whole, x, p), DequantizeCodes(real, whole, x.Shape, p)); err != nil {
		t.Fatal(err)
	}
	codes, back := make([]T, n), make([]float32, n)
	// First some anywhere, then from front to back.
	for k, off := 0, 0; off < n; k++ {
		a, b := off, min(n, off+rng.IntN(1+min(n, 1+off*2)))
		if k < 20 {
			a, b = rng.IntN(n+1), rng.IntN(n+1)
			a, b = min(a, b), max(a, b)
		} else {
			off = b
		}
		err := errors.Join(
			QuantizePart(codes[a:], x.Data[a:b], a, x.Shape, p),
			DequantizePart(back[a:], codes[a:b], a, x.Shape, p),
		)
		if err != nil {
			t.Fatal(err)
		}
		if i := differ(codes[a:b], whole[a:b]); i >= 0 {
			t.Fatalf("%v, shape %v, part from %d to %d: code %d is %d, want %d", p.Scheme, x.Shape, a, b, a+i, codes[a+i], whole[a+i])
		}
		if i := differ(back[a:b], real[a:b]); i >= 0 {
			t.Fatalf("%v, shape %v, part from %d to %d: value %d is %v, want %v", p.Scheme, x.Shape, a, b, a+i, back[a+i], real[a+i])
		}
	}
}

// TestPartParams has one parameter that cannot be used: only the parts that
// need it say so.
func TestPartParams(t *testing.T) {
	for _, shape := range [][]int{{6}, {3, 4}, {4, 3, 2}, {5, 2, 3}} {
		n, _ := elements(shape)
		for _, g := range append(goldenGranularities(len(shape)), blocksOf(shape)...) {
			s := Scheme{Bits: 8, Granularity: g}
			params, err := s.NumParams(shape)
			if err != nil {
				t.Fatal(err)
			}
			for bad := range params {
				p := Params{Scheme: s, Scale: make([]float32, params), ZeroPoint: make([]int32, params)}
				fill(p.Scale, 1)
				p.Scale[bad] = -1
				for a := range n {
					for b := a; b <= n; b++ {
						needs := false
						for e := a; e < b; e++ {
							needs = needs || paramIndex(shape, g, e) == bad
						}
						err := QuantizePart(make([]int8, b-a), make([]float32, b-a), a, shape, p)
						var e *ParamError
						if needs && (!errors.As(err, &e) || e.Index != bad) {
							t.Fatalf("%v, shape %v, part from %d to %d: error %v, want one at index %d", g, shape, a, b, err, bad)
						}
						if a == b && err != nil {
							t.Fatalf("%v, shape %v, no elements: %v", g, shape, err)
						}
					}
				}
			}
		}
	}
}

func TestBadParts(t *testing.T) {
	p := Params{Scheme: Scheme{Bits: 8}, Scale: []float32{1}, ZeroPoint: []int32{0}}
	channels := Params{Scheme: Scheme{Bits: 8, Granularity: PerChannel(0)}, Scale: []float32{1, 1}, ZeroPoint: []int32{0, 0}}
	x, c := make([]float32, 4), make([]int8, 4)
	for _, test := range []struct {
		err  error
		is   error
		text string
	}{
		{QuantizePart(c, x, 3, []int{2, 3}, p), ErrShape, "4 elements from 3 on, but [2 3] has 6"},
		{QuantizePart(c, x, 7, []int{2, 3}, p), ErrShape, "from 7 on"},
		{QuantizePart(c, x, -1, []int{2, 3}, p), ErrShape, "from -1 on"},
		{QuantizePart(c, x, math.MaxInt, []int{2, 3}, p), ErrShape, "but [2 3] has 6"},
		{QuantizePart(c, x[:0], 7, []int{2, 3}, p), ErrShape, "0 elements from 7 on"},
		{QuantizePart(c, x[:2], 0, nil, p), ErrShape, "has 1"},
		{QuantizePart(c, x, 0, []int{math.MaxInt, 2}, p), ErrShape, "more elements than an int can count"},
		{QuantizePart(c, x, 0, []int{2, 0}, p), ErrShape, "4 elements from 0 on, but [2 0] has 0"},
		{QuantizePart(c, x, 0, []int{4}, channels), ErrParams, "2 scales and 2 zero points, want 4"},
		{QuantizePart(c, x, 0, []int{4}, Params{}), ErrBits, "0 is not"},
		{QuantizePart(make([]uint8, 4), x, 0, []int{4}, p), ErrScheme, "uint8"},
		{QuantizePart(c, x, 0, []int{4}, Params{Scheme: Scheme{Bits: 8, Granularity: PerChannel(1)}, Scale: p.Scale, ZeroPoint: p.ZeroPoint}), ErrAxis, "axis 1"},
		{DequantizePart(x, c, 3, []int{2, 3}, p), ErrShape, "4 elements from 3 on, but [2 3] has 6"},
		{DequantizePart(x, make([]uint8, 4), 0, []int{4}, p), ErrScheme, "uint8"},
		{DequantizePart(x, c, 0, []int{4}, Params{Scheme: Scheme{Bits: 8}, Scale: []float32{0}, ZeroPoint: []int32{0}}), ErrScale, "0 at index 0"},
	} {
		if !errors.Is(test.err, test.is) || !strings.HasPrefix(test.err.Error(), "quant: ") || !strings.Contains(test.err.Error(), test.text) {
			t.Errorf("%q is not %q with %q in it", test.err, test.is, test.text)
		}
	}
	for what, f := range map[string]func(){
		"QuantizePart":   func() { _ = QuantizePart(c[:3], x, 0, []int{4}, p) },
		"DequantizePart": func() { _ = DequantizePart(x[:3], c, 0, []int{4}, p) },
	} {
		if v := recovered(func() error { f(); return nil }); fmt.Sprint(v) != "quant: destination has length 3, need 4" {
			t.Errorf("%s into too short a slice: recovered %v", what, v)
		}
	}
}
