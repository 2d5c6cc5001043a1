package quant

import (
	"math"
	"math/big"
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
	for _, f := range []Format{toy, lopsided} {
		t.Run(f.String(), func(t *testing.T) {
			b := f.book
			tryAround := func(v float32) {
				for _, x := range []float32{math.Nextafter32(v, -inf), v, math.Nextafter32(v, inf), -v} {
					if got, want := b.code(x), nearestCode(b, x); got != want {
						t.Errorf("%v (%#08x): code %d, want %d", x, math.Float32bits(x), got, want)
					}
				}
			}
			for _, v := range b.values {
				for _, w := range b.values {
					if v == v && w == w {
						tryAround((v + w) / 2)
						tryAround(v)
					}
				}
			}
			for e := range uint32(255) {
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
			case b.name == "lopsided2": // ties go down
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
