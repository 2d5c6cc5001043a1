package quant

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// TestLeastOfQuantized: values that were quantized before, and dequantized, are found to be so:
// LeastSquares and LeastAbsolute quantize them without error.
func TestLeastOfQuantized(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 1))
	for _, s := range []Scheme{
		{Bits: 8, Mapping: Symmetric}, {Bits: 8}, {Bits: 4, Mapping: Symmetric}, {Bits: 4, Unsigned: true},
		{Bits: 8, Mapping: Symmetric, NarrowRange: true}, {Bits: 8, ZeroInRange: true}, {Bits: 8, Mapping: Symmetric, Divisor: EachEnd},
		{Bits: 5, Mapping: Symmetric, Divisor: HalfWidth}, {Bits: 8, Mapping: Symmetric, Scales: Float16Scale},
	} {
		for _, n := range []int{65, 200, 1500, 5000, 20_000} {
			if testing.Short() && n > 5000 {
				continue
			}
			for _, offset := range []float64{0, 1, 6} {
				if s.Mapping == Symmetric && offset > 1 {
					continue
				}
				t.Run(fmt.Sprintf("bits=%d/mapping=%v/values=%d/offset=%v", s.Bits, s.Mapping, n, offset), func(t *testing.T) {
					x := valuesOf(uint64(n), n, func(rng *rand.Rand) float32 { return float32(rng.NormFloat64() + offset) })
					checkQuantizedBefore(t, x, s, float32(0.7+rng.Float64()))
				})
			}
		}
	}
}

// quantizedBefore returns x quantized and dequantized with the parameters of the values of, which it
// returns too.
func quantizedBefore(t *testing.T, x, of []float32, s Scheme) (p Params, before Tensor) {
	t.Helper()
	p, err := Calibrate(Tensor{Data: of}, s)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Quantize(Tensor{Data: x}, p)
	if err != nil {
		t.Fatal(err)
	}
	if before, err = Dequantize(q); err != nil {
		t.Fatal(err)
	}
	return p, before
}

// checkQuantizedBefore quantizes and dequantizes x with times its range, and wants no error of the
// result.
func checkQuantizedBefore(t *testing.T, x []float32, s Scheme, times float32) {
	t.Helper()
	stretched := make([]float32, len(x))
	for i, v := range x {
		stretched[i] = v * times
	}
	p, before := quantizedBefore(t, x, stretched, s)
	for _, s.Method = range []Method{LeastSquares, LeastAbsolute} {
		c, err := Compare(Tensor{Data: before.Data}, s)
		if err != nil {
			t.Fatal(err)
		}
		if r := &c.Results[0]; r.MaxError != 0 {
			t.Errorf("%v: scale %v, zero point %d; the largest error is %v; want %v, %d, no error", s.Method, r.Scale[0], r.ZeroPoint[0], r.MaxError, p.Scale[0], p.ZeroPoint[0])
		}
	}
}

// TestLeastOfQuantizedLarge is TestLeastOfQuantized for values that are read several times.
func TestLeastOfQuantizedLarge(t *testing.T) {
	smallLimits(t, 100, 100)
	for _, s := range []Scheme{{Bits: 8, Mapping: Symmetric}, {Bits: 8}, {Bits: 4, Mapping: Symmetric}, {Bits: 4}} {
		checkQuantizedBefore(t, valuesOf(3, 3000, distributions[0].of), s, 1.2)
	}
}

// TestLeastOfHalves: values that were quantized before, and are then rounded to float16 or bfloat16,
// get errors that are about those of their scale, or less.
func TestLeastOfHalves(t *testing.T) {
	for _, s := range []Scheme{{Bits: 8, Mapping: Symmetric}, {Bits: 8}, {Bits: 4, Mapping: Symmetric}, {Bits: 4}} {
		for _, n := range []int{300, 1500, 5000, 10_000} {
			for _, half := range []struct {
				name   string
				narrow func(dst []uint16, src []float32, saturate bool)
				widen  func(dst []float32, src []uint16)
			}{{"float16", NarrowFloat16, WidenFloat16}, {"bfloat16", NarrowBFloat16, WidenBFloat16}} {
				x := valuesOf(uint64(n), n, func(rng *rand.Rand) float32 { return float32(max(-3, min(rng.NormFloat64(), 2.5))) })
				p, before := quantizedBefore(t, x, append(x, 3.7), s)
				halves := make([]uint16, n)
				half.narrow(halves, before.Data, false)
				half.widen(before.Data, halves)
				want, err := CompareParams(before, p)
				if err != nil {
					t.Fatal(err)
				}
				s.Method = LeastSquares
				got, err := Compare(before, s)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := got.Results[0].RMSE, want.Results[0].RMSE; got > 1.02*want || want == 0 {
					t.Errorf("%d values of %v, %d bits, %v: the RMSE is %v, that of the scale of the values %v", n, half.name, s.Bits, s.Mapping, got, want)
				}
			}
		}
	}
}

// TestLeastOfFarSteps: multiples of one step that are far from 0 are found to be so, in rows of any length.
func TestLeastOfFarSteps(t *testing.T) {
	for _, n := range []int{100, 700, 5000, 9000, 20_000} {
		for _, steps := range []int{6, 40} {
			x := valuesOf(uint64(n), n, func(rng *rand.Rand) float32 { return float32(0.07 * float64(290+rng.IntN(steps))) })
			for _, m := range []Method{LeastSquares, LeastAbsolute} {
				c, err := Compare(Tensor{Data: x}, Scheme{Bits: 8, Method: m})
				if err != nil {
					t.Fatal(err)
				}
				if r := &c.Results[0]; r.MaxError > 0x1p-21*float64(c.Range.Max) {
					t.Errorf("%d values, %d steps, %v: scale %v, the largest error is %v", n, steps, m, r.Scale[0], r.MaxError)
				}
			}
		}
	}
}
