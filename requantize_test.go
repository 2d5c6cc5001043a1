package quant

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// anySum returns a sum of products: any, small, or one of those at the ends.
func anySum(rng *rand.Rand) int32 {
	switch rng.IntN(4) {
	case 0:
		return int32(rng.Uint32())
	case 1:
		return rng.Int32N(2000) - 1000
	case 2:
		return []int32{math.MinInt32, math.MinInt32 + 1, math.MaxInt32, math.MaxInt32 - 1, 0, 1, -1, 1 << 30, -1 << 30}[rng.IntN(9)]
	}
	return int32(rng.Uint32()) >> rng.IntN(32)
}

// anyMultiplier returns a multiplier such that ties are common.
func anyMultiplier(rng *rand.Rand) float64 {
	switch rng.IntN(4) {
	case 0:
		return math.Ldexp(1+rng.Float64(), -rng.IntN(30))
	case 1: // halves
		return (float64(rng.IntN(50)) + 0.5) / float64(int(1)<<rng.IntN(12))
	case 2: // next to a tie for a small sum
		return math.Nextafter(0.5/float64(1+2*rng.IntN(40)), float64(rng.IntN(2)))
	}
	return math.Ldexp(1+float64(rng.IntN(8))/8, -rng.IntN(20))
}

// trials returns n, or a tenth of it when time is short.
func trials(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// nearestRat returns the integer nearest to v, a tie to the even one.
func nearestRat(v *big.Rat) *big.Int {
	twice := new(big.Int).Mul(v.Num(), big.NewInt(2))
	half := new(big.Rat).Add(v, big.NewRat(1, 2))
	floor := new(big.Int).Div(half.Num(), half.Denom()) // Euclidean: rounds down
	if half.IsInt() && floor.Bit(0) == 1 && twice.Sign() != 0 {
		floor.Sub(floor, big.NewInt(1))
	}
	return floor
}

// clamped returns v plus zero limited to [lo, hi].
func clamped(v *big.Int, zero, lo, hi int64) int64 {
	v = new(big.Int).Add(v, big.NewInt(zero))
	switch {
	case v.Cmp(big.NewInt(lo)) < 0:
		return lo
	case v.Cmp(big.NewInt(hi)) > 0:
		return hi
	}
	return v.Int64()
}

func TestRequantize(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 62))
	for range trials(30000) {
		a, m := []int32{anySum(rng), anySum(rng), anySum(rng)}, []float64{anyMultiplier(rng)}
		zero := int8(rng.IntN(256) - 128)
		var got [3]int8
		if err := Requantize(got[:], a, m, zero, -128, 127); err != nil {
			t.Fatal(err)
		}
		for i, v := range a {
			exact := new(big.Rat).SetFloat64(m[0])
			exact.Mul(exact, new(big.Rat).SetInt64(int64(v)))
			if want := clamped(nearestRat(exact), int64(zero), -128, 127); int64(got[i]) != want {
				t.Fatalf("%d times %x, zero point %d: %d, want %d", v, m[0], zero, got[i], want)
			}
		}
	}
}

// TestNearestProduct has products that are a little off a tie, by less than float64 holds.
func TestNearestProduct(t *testing.T) {
	rng := rand.New(rand.NewPCG(63, 64))
	ties := 0
	for range trials(200000) {
		a := int32(rng.Uint32())>>rng.IntN(31) | 1
		half := float64(rng.IntN(300)-150) + 0.5
		m := math.Abs(half / float64(a))
		v := new(big.Rat).SetFloat64(m)
		v.Mul(v, new(big.Rat).SetInt64(int64(a)))
		if p := math.Abs(float64(a) * m); p-math.Floor(p) == 0.5 {
			ties++
		}
		if got, want := nearestProduct(float64(a), m), nearestRat(v); got != float64(want.Int64()) {
			t.Fatalf("%d times %x: %v, want %v", a, m, got, want)
		}
	}
	if ties < trials(100000) {
		t.Errorf("only %d products are a tie in float64", ties)
	}
}

func TestRequantizeFloat32(t *testing.T) {
	rng := rand.New(rand.NewPCG(65, 66))
	round := func(v *big.Rat) float32 { f, _ := new(big.Float).SetPrec(24).SetRat(v).Float32(); return f }
	for range trials(20000) {
		a, m := anySum(rng), float32(anyMultiplier(rng))
		zero := uint8(rng.IntN(256))
		var got [1]uint8
		if err := RequantizeFloat32(got[:], []int32{a}, []float32{m}, zero, 3, 250); err != nil {
			t.Fatal(err)
		}
		sum := round(new(big.Rat).SetInt64(int64(a)))
		p := new(big.Rat).SetFloat64(float64(sum))
		p.Mul(p, new(big.Rat).SetFloat64(float64(m)))
		exact := new(big.Rat).SetFloat64(float64(round(p)))
		if want := clamped(nearestRat(exact), int64(zero), 3, 250); int64(got[0]) != want {
			t.Fatalf("%d times %x, zero point %d: %d, want %d", a, m, zero, got[0], want)
		}
	}
}

// fixedWant is a product by a rule, from what the rule says of integers and their quotients.
func fixedWant(a int32, m FixedPoint, rule FixedPointRule) *big.Int {
	product := func(v *big.Int) *big.Int { return new(big.Int).Mul(v, big.NewInt(int64(m.Multiplier))) }
	power := func(e int32) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(e)) }
	// up returns v/2^e rounded, a tie up.
	up := func(v *big.Int, e int32) *big.Int {
		if e == 0 {
			return v
		}
		return new(big.Int).Div(new(big.Int).Add(v, power(e-1)), power(e))
	}
	v := big.NewInt(int64(a))
	switch rule {
	case DoubleRounding:
		v = big.NewInt(int64(int32(uint32(a) << max(m.Shift, 0)))) // wraps around
		v = up(product(v), 31)                                     // a negative tie goes up, which is towards zero
		e := max(-m.Shift, 0)
		if v.Sign() < 0 { // a tie away from zero
			return new(big.Int).Neg(up(new(big.Int).Neg(v), e))
		}
		return up(v, e)
	case SingleRounding:
		return big.NewInt(int64(int32(up(product(v), 31-m.Shift).Int64())))
	}
	right := max(-m.Shift, 1)
	v.Mul(v, power(right+m.Shift))
	if limit := big.NewInt(math.MaxInt32); v.Cmp(limit) > 0 {
		v = limit
	} else if limit := big.NewInt(math.MinInt32); v.Cmp(limit) < 0 {
		v = limit
	}
	v = new(big.Int).Div(product(v), power(31)) // rounds down
	return up(v, right)
}

func TestRequantizeFixed(t *testing.T) {
	rng := rand.New(rand.NewPCG(67, 68))
	for _, rule := range []FixedPointRule{DoubleRounding, SingleRounding, ArmRounding} {
		t.Run(rule.String(), func(t *testing.T) {
			for range trials(30000) {
				a, real := anySum(rng), anyMultiplier(rng)
				if rng.IntN(3) == 0 {
					real = math.Ldexp(real, rng.IntN(12)-2)
				}
				m, err := rule.FixedPoint(real)
				if err != nil {
					if rule == ArmRounding && (float32(real) >= 256 || float32(real) < 0x1p-32) {
						continue
					}
					t.Fatal(err)
				}
				zero := int8(rng.IntN(256) - 128)
				var got [1]int8
				if err := RequantizeFixed(got[:], []int32{a}, []FixedPoint{m}, rule, zero, -128, 127); err != nil {
					t.Fatal(err)
				}
				product := fixedWant(a, m, rule)
				if v := m.times(a, rule); int64(v) != product.Int64() {
					t.Fatalf("%d times %v: %d, want %v", a, m, v, product)
				}
				if want := clamped(product, int64(zero), -128, 127); int64(got[0]) != want {
					t.Fatalf("%d times %v, zero point %d: %d, want %d", a, m, zero, got[0], want)
				}
			}
		})
	}
}

// TestFixedPoint has multipliers that are worked out by hand.
func TestFixedPoint(t *testing.T) {
	for _, tt := range []struct {
		rule FixedPointRule
		m    float64
		want FixedPoint
		err  error
	}{
		{DoubleRounding, 0.5, FixedPoint{1 << 30, 0}, nil},
		{DoubleRounding, 1, FixedPoint{1 << 30, 1}, nil},
		{DoubleRounding, 0.75, FixedPoint{3 << 29, 0}, nil},
		{DoubleRounding, math.Nextafter(1, 0), FixedPoint{1 << 30, 1}, nil}, // rounds up to the next power of two
		{DoubleRounding, 0x1p-32, FixedPoint{1 << 30, -31}, nil},
		{DoubleRounding, 0x1p-33, FixedPoint{}, nil},
		{DoubleRounding, 0x1p31, FixedPoint{}, ErrScale},
		{SingleRounding, 0x1p31, FixedPoint{math.MaxInt32, 30}, nil},
		{ArmRounding, 0.5, FixedPoint{1 << 30, 0}, nil},
		{ArmRounding, 0x1.8p-4, FixedPoint{3 << 29, -3}, nil},
		{ArmRounding, 0x1.fffffep7, FixedPoint{0x7fffff80, 8}, nil},
		{ArmRounding, 256, FixedPoint{}, ErrScale},
		{ArmRounding, 0x1p-32, FixedPoint{1 << 30, -31}, nil},
		{ArmRounding, 0x1p-33, FixedPoint{}, ErrScale},
		{DoubleRounding, 0, FixedPoint{}, ErrScale},
		{DoubleRounding, math.NaN(), FixedPoint{}, ErrScale},
		{SingleRounding, math.Inf(1), FixedPoint{}, ErrScale},
		{3, 1, FixedPoint{}, ErrScheme},
	} {
		t.Run(fmt.Sprintf("%v/%v", tt.rule, tt.m), func(t *testing.T) {
			got, err := tt.rule.FixedPoint(tt.m)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%v, %v; want %v, %v", got, err, tt.want, tt.err)
			}
		})
	}
}

// TestFixedPointFigures has products that tell the rules apart.
func TestFixedPointFigures(t *testing.T) {
	half := FixedPoint{1 << 30, 0}     // 0.5
	quarter := FixedPoint{1 << 30, -1} // 0.25
	for _, tt := range []struct {
		a                   int32
		m                   FixedPoint
		double, single, arm int32
	}{
		{5, half, 3, 3, 3},        // 2.5
		{-5, half, -2, -2, -2},    // -2.5: a tie of the product goes up
		{6, quarter, 2, 2, 2},     // 1.5
		{-6, quarter, -2, -1, -1}, // -1.5: a tie of the division goes away from zero
		{5, quarter, 2, 1, 1},     // 1.25: 2.5 becomes 3, and 1.5 then 2
		{-7, quarter, -2, -2, -2}, // -1.75
		{7, FixedPoint{1<<30 + 1, -1}, 2, 2, 2},
	} {
		t.Run(fmt.Sprintf("%d times %v", tt.a, tt.m), func(t *testing.T) {
			for i, want := range []int32{tt.double, tt.single, tt.arm} {
				if got := tt.m.times(tt.a, FixedPointRule(i)); got != want {
					t.Errorf("%v: %d, want %d", FixedPointRule(i), got, want)
				}
			}
		})
	}
}

// TestRequantizeColumns has a multiplier for each column, and errors.
func TestRequantizeColumns(t *testing.T) {
	sums := []int32{10, 10, 10, -20, -20, -20}
	var got [6]int8
	if err := Requantize(got[:], sums, []float64{1, 0.5, 0.25}, 1, -128, 127); err != nil || got != [6]int8{11, 6, 3, -19, -9, -4} {
		t.Errorf("%v (%v)", got, err)
	}
	if err := RequantizeFloat32(got[:], sums, []float32{1, 0.5, 0.25}, 1, -10, 10); err != nil || got != [6]int8{10, 6, 3, -10, -9, -4} {
		t.Errorf("%v (%v)", got, err)
	}
	one, _ := DoubleRounding.FixedPoint(1)
	half, _ := DoubleRounding.FixedPoint(0.5)
	if err := RequantizeFixed(got[:], sums, []FixedPoint{one, half}, DoubleRounding, 1, -128, 127); err != nil || got != [6]int8{11, 6, 11, -9, -19, -9} {
		t.Errorf("%v (%v)", got, err)
	}
	for name, err := range map[string]error{
		"no multiplier":               Requantize(got[:], sums, nil, 0, -128, 127),
		"no fixed-point multiplier":   RequantizeFixed(got[:], sums, nil, DoubleRounding, 0, -128, 127),
		"a multiplier of 0":           Requantize(got[:], sums, []float64{1, 0}, 0, -128, 127),
		"a multiplier that is NaN":    RequantizeFloat32(got[:], sums, []float32{nan}, 0, -128, 127),
		"a shift that is too far":     RequantizeFixed(got[:], sums, []FixedPoint{{1 << 30, 9}}, ArmRounding, 0, -128, 127),
		"a multiplier below 0":        RequantizeFixed(got[:], sums, []FixedPoint{{-1, 0}}, SingleRounding, 0, -128, 127),
		"a rule that there is not":    RequantizeFixed(got[:], sums, []FixedPoint{{1, 0}}, 3, 0, -128, 127),
		"a sum of no codes":           SumCodes(make([]int32, 1), make([]uint16, 0), nil, PerTensor),
		"scales of another number":    QuantizeBias(make([]int32, 3), make([]float32, 3), 1, make([]float32, 2)),
		"a scale of the input of 0":   QuantizeBias(make([]int32, 3), make([]float32, 3), 0, []float32{1}),
		"a scale of the weight of 0":  QuantizeBias(make([]int32, 3), make([]float32, 3), 1, []float32{0}),
		"a bias that is not finite":   QuantizeBias(make([]int32, 1), []float32{nan}, 1, []float32{1}),
		"a bias that does not fit":    QuantizeBias(make([]int32, 1), []float32{3e9}, 1, []float32{1}),
		"a bias far beyond all codes": QuantizeBias(make([]int32, 1), []float32{-3e38}, 1e-30, []float32{1e-30}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Limits in the wrong order would give all sums one code.
func TestRequantizeLimits(t *testing.T) {
	dst, sums := make([]int8, 1), []int32{3}
	fixed, err := SingleRounding.FixedPoint(0.5)
	if err != nil {
		t.Fatal(err)
	}
	for name, requantize := range map[string]func(lo, hi int8) error{
		"Requantize":        func(lo, hi int8) error { return Requantize(dst, sums, []float64{0.5}, 0, lo, hi) },
		"RequantizeFloat32": func(lo, hi int8) error { return RequantizeFloat32(dst, sums, []float32{0.5}, 0, lo, hi) },
		"RequantizeFixed": func(lo, hi int8) error {
			return RequantizeFixed(dst, sums, []FixedPoint{fixed}, SingleRounding, 0, lo, hi)
		},
	} {
		dst[0] = 99
		if err := requantize(127, -128); !errors.Is(err, ErrRange) || !strings.Contains(err.Error(), "from 127 to -128") {
			t.Errorf("%s from 127 to -128: %v", name, err)
		}
		if dst[0] != 99 {
			t.Errorf("%s: an error changes the destination", name)
		}
		if err := requantize(1, 1); err != nil || dst[0] != 1 {
			t.Errorf("%s from 1 to 1: %d, %v", name, dst[0], err)
		}
	}
}

// The scale of the input is no scale of a channel, so that its error names no index.
func TestQuantizeBiasInputError(t *testing.T) {
	err := QuantizeBias(make([]int32, 1), []float32{1}, 0, []float32{1})
	if e := new(ParamError); !errors.As(err, &e) || e.Index != -1 {
		t.Errorf("%#v", err)
	}
	if want := "quant: scale is not positive and finite: 0 of the input"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}
