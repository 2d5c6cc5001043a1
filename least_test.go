package quant

import (
	"fmt"
	"testing"
)

// LeastSquares and LeastAbsolute against the ranges that people know: whole numbers that
// the codes can hold, and the minimum and maximum of every scheme whose codes are among
// those of the scheme at hand.

func TestLeastOfWholeNumbers(t *testing.T) {
	for _, c := range []struct {
		name   string
		scheme Scheme
		x      []float32
		scale  float32
		zero   int32
	}{
		{"symmetric", Scheme{Bits: 4, Mapping: Symmetric}, []float32{7, -3, 2, 1}, 1, 0},
		{"unsigned", Scheme{Bits: 4, Unsigned: true}, []float32{0, 1, 2, 10}, 1, 0},
		{"zero in range", Scheme{Bits: 4, Unsigned: true, ZeroInRange: true}, []float32{0, 1, 2, 10}, 1, 0},
		{"negative", Scheme{Bits: 4, Unsigned: true}, []float32{0, -1, -2, -10}, 1, 15},
		{"narrow", Scheme{Bits: 8, Mapping: Symmetric, NarrowRange: true}, []float32{3, -90, 21, 64}, 1, 0},
		{"fractions", Scheme{Bits: 4, Mapping: Symmetric}, []float32{0.75, -0.25, 1.5, 0.5}, 0.25, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, m := range []Method{LeastSquares, LeastAbsolute} {
				s := c.scheme
				s.Method = m
				got, err := Compare(Tensor{Data: c.x}, s)
				if err != nil {
					t.Fatal(err)
				}
				r := &got.Results[0]
				if r.MaxError != 0 || r.Scale[0] != c.scale || r.ZeroPoint[0] != c.zero {
					t.Errorf("%v: scale %v, zero point %d, error %v; want %v, %d, 0", m, r.Scale[0], r.ZeroPoint[0], r.MaxError, c.scale, c.zero)
				}
			}
		})
	}
}

// schemesWithin returns the schemes of MinMax whose codes are among those of s.
func schemesWithin(s Scheme) []Scheme {
	var all []Scheme
	s.Method = MinMax
	for bits := 2; bits <= s.Bits; bits++ {
		s := s
		s.Bits = bits
		all = append(all, s)
		if s.Mapping == Asymmetric {
			s.ZeroInRange = true
			all = append(all, s)
			s.Mapping, s.ZeroInRange = Symmetric, false
			all = append(all, s)
		}
		if !s.Unsigned {
			s.NarrowRange = true
			all = append(all, s)
		}
	}
	return all
}

// TestLeastOfSubsets: with more values, too, the chosen range is never worse than the
// minimum and maximum of a scheme whose codes are a subset, in memory and when read.
func TestLeastOfSubsets(t *testing.T) {
	schemes := []Scheme{
		{Bits: 8, Mapping: Symmetric}, {Bits: 8}, {Bits: 4, Mapping: Symmetric}, {Bits: 8, Unsigned: true, Mapping: Symmetric},
		{Bits: 8, ZeroInRange: true}, {Bits: 3}, {Bits: 4, Unsigned: true},
	}
	sizes := []int{20, 70, 300, 2000, 9000}
	check := func(t *testing.T, x []float32) {
		for _, s := range schemes {
			for _, m := range []Method{LeastSquares, LeastAbsolute} {
				s.Method = m
				p, err := Stream{sliceSource(x), []int{len(x)}}.Calibrate(s)
				if err != nil {
					t.Fatal(err)
				}
				if q, err := Calibrate(Tensor{Data: x}, s); err != nil || fmt.Sprint(p) != fmt.Sprint(q) {
					t.Fatalf("%+v: %v when read, %v at hand, %v", s, p, q, err)
				}
				got, err := CompareParams(Tensor{Data: x}, p)
				if err != nil {
					t.Fatal(err)
				}
				others, err := Compare(Tensor{Data: x}, schemesWithin(s)...)
				if err != nil {
					t.Fatal(err)
				}
				error := func(r *Result) float64 {
					if m == LeastSquares {
						return r.RMSE
					}
					return r.MAE
				}
				for i := range others.Results {
					slack := 0.0 // a range of two ends has not every scale
					if s.Mapping == Asymmetric {
						slack = 0x1p-23 * float64(max(others.Range.Max, -others.Range.Min))
					}
					if a, b := error(&got.Results[0]), error(&others.Results[i]); a > b*(1+1e-9)+slack {
						t.Errorf("%d values, %v: %v, but %v of %v", len(x), s, a, b, others.Results[i].Scheme)
					}
				}
			}
		}
	}
	for i, d := range distributions {
		if d.name == "constant" || d.name == "zeros" || d.name == "subnormal" || d.name == "huge" {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			for k, n := range sizes {
				if testing.Short() && (i+k)%3 > 0 {
					continue
				}
				check(t, valuesOf(uint64(n), n, d.of))
			}
		})
	}
	t.Run("narrow multiples", func(t *testing.T) { // of which the 4-bit codes of a narrow range are exact
		for _, n := range sizes {
			x := valuesOf(5, n, distributions[0].of)
			for i := range x {
				x[i] = float32(int(max(-7, min(7, 3*x[i])))) * 0.3
			}
			x[0] = 7 * 0.3
			check(t, x)
		}
	})
}
