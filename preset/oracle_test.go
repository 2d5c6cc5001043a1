package preset

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/a01592f9/quant"
)

// The formulas of the systems in exact arithmetic: a rational number is rounded to float32 or
// float64 where the system's type is that. What this file has was written from the sources, and
// shares nothing with the package.

type rat = big.Rat

func num(v float64) *rat { return new(rat).SetFloat64(v) }

// single and double round to the nearest float32 and float64.
func single(r *rat) *rat { f, _ := r.Float32(); return num(float64(f)) }
func double(r *rat) *rat { f, _ := r.Float64(); return num(f) }

func plus(a, b *rat) *rat   { return new(rat).Add(a, b) }
func less(a, b *rat) *rat   { return new(rat).Sub(a, b) }
func times(a, b *rat) *rat  { return new(rat).Mul(a, b) }
func over(a, b *rat) *rat   { return new(rat).Quo(a, b) }
func size(a *rat) *rat      { return new(rat).Abs(a) }
func larger(a, b *rat) *rat { return pick(a.Cmp(b) >= 0, a, b) }

func pick(first bool, a, b *rat) *rat {
	if first {
		return a
	}
	return b
}

// nearest returns the integer nearest to r, a tie to even or away from zero.
func nearest(r *rat, away bool) *rat {
	twice := plus(plus(size(r), size(r)), num(1))
	floor := new(big.Int).Quo(twice.Num(), new(big.Int).Mul(twice.Denom(), big.NewInt(2)))
	tie := twice.IsInt() && new(big.Int).Rem(twice.Num(), big.NewInt(2)).Sign() == 0
	if tie && !away && floor.Bit(0) == 1 {
		floor.Sub(floor, big.NewInt(1))
	}
	n := new(rat).SetInt(floor)
	if r.Sign() < 0 {
		n.Neg(n)
	}
	return n
}

func limited(r *rat, lo, hi int64) *rat {
	switch {
	case r.Cmp(new(rat).SetInt64(lo)) < 0:
		return new(rat).SetInt64(lo)
	case r.Cmp(new(rat).SetInt64(hi)) > 0:
		return new(rat).SetInt64(hi)
	}
	return r
}

// A formula returns the scale, the zero point or the offset, and a function for codes.
type formula func(lo, hi, most *rat) (scale, zero *rat, code func(x *rat) *rat)

var (
	one     = num(1)
	eps     = num(0x1p-23)
	zeroRat = num(0)
)

func withZero(lo, hi *rat) (*rat, *rat) {
	return less(zeroRat, larger(less(zeroRat, lo), zeroRat)), larger(hi, zeroRat)
}

// byEnds is the zero point of FBGEMM and TensorFlow Lite: of the end with the smaller terms.
func byEnds(lo, hi, scale *rat, qmin, qmax int64, away bool) *rat {
	a, b := double(over(lo, scale)), double(over(hi, scale))
	low, high := new(rat).SetInt64(qmin), new(rat).SetInt64(qmax)
	if double(plus(size(low), size(a))).Cmp(double(plus(size(high), size(b)))) < 0 {
		return nearest(limited(double(less(low, a)), qmin, qmax), away)
	}
	return nearest(limited(double(less(high, b)), qmin, qmax), away)
}

// formulas are of those systems that no judge runs, and of some that one does.
var formulas = map[string]formula{
	"onnxruntime-int8": func(_, _, most *rat) (*rat, *rat, func(*rat) *rat) {
		s := single(double(over(plus(size(most), size(most)), num(254))))
		return s, zeroRat, func(x *rat) *rat { return limited(nearest(single(over(x, s)), false), -128, 127) }
	},
	"onnxruntime-uint8": func(lo, hi, _ *rat) (*rat, *rat, func(*rat) *rat) {
		lo, hi = withZero(lo, hi)
		d := double(over(single(less(hi, lo)), num(255)))
		s, z := single(d), nearest(double(less(zeroRat, double(over(lo, d)))), false)
		return s, z, func(x *rat) *rat { return limited(plus(nearest(single(over(x, s)), false), z), 0, 255) }
	},
	"matmulnbits-4bit": func(lo, hi, _ *rat) (*rat, *rat, func(*rat) *rat) {
		s := single(over(pick(size(hi).Cmp(size(lo)) > 0, hi, lo), num(-8)))
		inverse := single(over(one, s))
		return s, num(8), func(x *rat) *rat {
			return limited(nearest(single(plus(single(times(x, inverse)), num(8))), true), 0, 15)
		}
	},
	"matmulnbits-4bit-asymmetric": func(lo, hi, _ *rat) (*rat, *rat, func(*rat) *rat) {
		lo, hi = withZero(lo, hi)
		s := single(over(single(less(hi, lo)), num(15)))
		z := nearest(limited(single(less(zeroRat, single(over(lo, s)))), 0, 15), true)
		inverse := single(over(one, s))
		return s, z, func(x *rat) *rat {
			return limited(nearest(single(plus(single(times(x, inverse)), z)), true), 0, 15)
		}
	},
	"fbgemm-uint8": func(lo, hi, _ *rat) (*rat, *rat, func(*rat) *rat) {
		lo, hi = withZero(lo, hi)
		d := double(over(single(less(hi, lo)), num(255)))
		z := byEnds(lo, hi, d, 0, 255, false)
		s := single(d)
		inverse := single(over(one, s))
		return s, z, func(x *rat) *rat {
			return limited(nearest(single(plus(times(x, inverse), z)), false), 0, 255)
		}
	},
	"torchao-int8": func(_, _, most *rat) (*rat, *rat, func(*rat) *rat) {
		s := larger(single(over(size(most), num(127.5))), eps)
		inverse := single(over(one, s))
		return s, zeroRat, func(x *rat) *rat { return limited(nearest(single(times(x, inverse)), false), -128, 127) }
	},
	"torchao-int4": func(_, _, most *rat) (*rat, *rat, func(*rat) *rat) {
		s := larger(single(over(size(most), num(7.5))), eps)
		inverse := single(over(one, s))
		return s, zeroRat, func(x *rat) *rat { return limited(nearest(single(times(x, inverse)), false), -8, 7) }
	},
	"tflite-int8": func(_, _, most *rat) (*rat, *rat, func(*rat) *rat) {
		inverse := single(over(num(127), size(most)))
		return single(over(size(most), num(127))), zeroRat, func(x *rat) *rat {
			return limited(nearest(single(times(x, inverse)), true), -127, 127)
		}
	},
	"tflite-int8-asymmetric": func(lo, hi, _ *rat) (*rat, *rat, func(*rat) *rat) {
		lo, hi = withZero(lo, hi)
		d := double(over(double(less(hi, lo)), num(255)))
		z := byEnds(lo, hi, d, -128, 127, true)
		s := single(d)
		return s, z, func(x *rat) *rat { return limited(plus(nearest(single(over(x, s)), true), z), -128, 127) }
	},
	"xnnpack-int8": func(lo, hi, _ *rat) (*rat, *rat, func(*rat) *rat) {
		lo, hi = withZero(lo, hi)
		inverse := single(over(num(255), single(less(hi, lo))))
		a, b := single(times(lo, inverse)), single(times(hi, inverse))
		z := single(less(num(127), b))
		if single(plus(single(plus(num(-128), a)), single(plus(num(127), b)))).Sign() > 0 {
			z = single(less(num(-128), a))
		}
		z = nearest(limited(z, -128, 127), false)
		return single(over(one, inverse)), z, func(x *rat) *rat {
			return limited(plus(nearest(single(times(x, inverse)), false), z), -128, 127)
		}
	},
	"tensorrt-int8": func(_, _, most *rat) (*rat, *rat, func(*rat) *rat) {
		s := single(over(size(most), num(127)))
		return s, zeroRat, func(x *rat) *rat { return limited(nearest(single(over(x, s)), false), -128, 127) }
	},
	"tensorrt-int4": func(_, _, most *rat) (*rat, *rat, func(*rat) *rat) {
		s := larger(single(over(size(most), num(7))), num(float64(float32(1e-5))))
		return s, zeroRat, func(x *rat) *rat { return limited(nearest(single(over(x, s)), false), -8, 7) }
	},
	"compressed-tensors-int8": func(_, _, most *rat) (*rat, *rat, func(*rat) *rat) {
		s := larger(single(over(size(most), num(127.5))), eps)
		return s, zeroRat, func(x *rat) *rat { return nearest(limited(single(over(x, s)), -128, 127), false) }
	},
	"compressed-tensors-int4": func(_, _, most *rat) (*rat, *rat, func(*rat) *rat) {
		s := larger(single(over(size(most), num(7.5))), eps)
		return s, zeroRat, func(x *rat) *rat { return nearest(limited(single(over(x, s)), -8, 7), false) }
	},
	"compressed-tensors-int4-asymmetric": func(lo, hi, _ *rat) (*rat, *rat, func(*rat) *rat) {
		lo, hi = withZero(lo, hi)
		s := larger(single(over(single(less(hi, lo)), num(15))), eps)
		z := nearest(limited(single(less(num(-8), single(over(lo, s)))), -8, 7), false)
		return s, z, func(x *rat) *rat {
			return nearest(limited(single(plus(single(over(x, s)), z)), -8, 7), false)
		}
	},
	"mlx-4bit": mlxFormula(15),
	"mlx-8bit": mlxFormula(255),
}

func mlxFormula(steps float64) formula {
	return func(lo, hi, _ *rat) (*rat, *rat, func(*rat) *rat) {
		s := larger(single(over(single(less(hi, lo)), num(steps))), num(float64(float32(1e-7))))
		edge := lo
		if size(lo).Cmp(size(hi)) <= 0 {
			edge, s = hi, new(rat).Neg(s)
		}
		q := nearest(single(over(edge, s)), false)
		bias := zeroRat
		if q.Sign() != 0 {
			s, bias = single(over(edge, q)), edge
		}
		return s, bias, func(x *rat) *rat {
			return limited(nearest(single(over(single(less(x, bias)), s)), false), 0, int64(steps))
		}
	}
}

// TestPresetFormulas compares presets with the formulas of their sources in exact arithmetic.
func TestPresetFormulas(t *testing.T) {
	const groups, length = 24, 128
	for name, f := range formulas {
		t.Run(name, func(t *testing.T) {
			p := must(Parse(name))
			if p.sizes != nil || p.whole {
				p = must(p.With(quant.PerGroup(-1, length)))
			} else {
				p = must(p.With(quant.PerChannel(0)))
			}
			x := quant.Tensor{Data: oracleValues(groups, length), Shape: []int{groups, length}}
			params, err := p.Calibrate(x)
			if err != nil {
				t.Fatal(err)
			}
			codes, err := p.Quantize(x, params)
			if err != nil {
				t.Fatal(err)
			}
			for g := range groups {
				row := x.Data[g*length:][:length]
				lo, hi, most := oracleLimits(row)
				scale, zero, code := f(lo, hi, most)
				m := params.at(g)
				have := num(float64(m.zero))
				if p.Rule.Subtract {
					have = num(float64(m.offset))
				}
				if num(float64(m.scale)).Cmp(scale) != 0 || have.Cmp(zero) != 0 {
					t.Fatalf("group %d: scale %v and zero %v, want %v and %v", g, m.scale, have.FloatString(9), scale.FloatString(20), zero.FloatString(9))
				}
				for i, v := range row {
					if want := code(num(float64(v))); num(float64(codes[g*length+i])).Cmp(want) != 0 {
						t.Fatalf("%v with the scale %v and zero %v has the code %d, want %v", v, m.scale, have.FloatString(9), codes[g*length+i], want)
					}
				}
			}
		})
	}
}

// oracleValues returns rows of values of many kinds, none of zeros alone.
func oracleValues(rows, length int) []float32 {
	rng := rand.New(rand.NewPCG(5, 6))
	x := make([]float32, rows*length)
	for r := range rows {
		row := x[r*length:][:length]
		unit := float32(math.Ldexp(1, rng.IntN(20)-10))
		for i := range row {
			switch r % 6 {
			case 0:
				row[i] = float32(rng.NormFloat64()) * unit
			case 1: // ties
				row[i] = float32(rng.IntN(511)-255) / 2 * unit
			case 2: // one-sided
				row[i] = float32(rng.ExpFloat64()) * unit
			case 3: // bfloat16
				row[i] = math.Float32frombits(math.Float32bits(float32(rng.NormFloat64())*unit) &^ 0xffff)
			case 4: // next to ties
				row[i] = math.Float32frombits(math.Float32bits(float32(rng.IntN(255)-127)+0.5) + uint32(rng.IntN(3)) - 1)
			case 5: // far from zero
				row[i] = -(3 + rng.Float32()) * unit
			}
		}
		switch r % 6 {
		case 1:
			row[3] = 127.5 * unit
		case 4:
			row[3], row[4] = 127.5, -128
		}
	}
	return x
}

func oracleLimits(x []float32) (lo, hi, most *rat) {
	l, h, m := x[0], x[0], x[0]
	for _, v := range x {
		l, h = min(l, v), max(h, v)
		if math.Abs(float64(v)) > math.Abs(float64(m)) {
			m = v
		}
	}
	return num(float64(l)), num(float64(h)), num(float64(m))
}
