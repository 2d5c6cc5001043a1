package quant

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestSumCodes compares sums with those of each parameter's codes one by one.
func TestSumCodes(t *testing.T) {
	r := splitmix(15)
	for i, shape := range append(blockShapes, []int{200, 3}, []int{40000, 2}, []int{2, 40000}) {
		x := goldenTensor(&r, i%4, shape...)
		for _, s := range blockSchemes(i) {
			if s.Format != Integers {
				continue
			}
			if s.Granularity.unit == perChannel && s.Granularity.axis >= len(shape) {
				continue
			}
			q := quantized(t, x, s)
			if s.Unsigned {
				testSumCodes[uint16](t, q)
			} else {
				testSumCodes[int16](t, q)
			}
		}
	}
}

func testSumCodes[T Code](t *testing.T, q Quantized) {
	t.Helper()
	g := q.Params.Scheme.Granularity
	l, err := newLayout(q.Len(), q.Shape, g)
	if err != nil {
		t.Fatal(err)
	}
	codes := make([]T, q.Len())
	Unpack(codes, q.Codes, q.Params.Scheme.Bits)
	want := make([]int64, l.params)
	for p := range want {
		b := l.values(p, 1)
		for r := range b.rows {
			for j := range b.run {
				want[p] += int64(codes[b.e+r*b.stride+j])
			}
		}
	}
	first := -1 // of the sums that overflow
	for p := len(want) - 1; p >= 0; p-- {
		if want[p] != int64(int32(want[p])) {
			first = p
		}
	}
	for name, sum := range map[string]func(dst []int32) error{
		"SumCodes": func(dst []int32) error { return SumCodes(dst, codes, q.Shape, g) },
		"Sums":     q.Sums,
	} {
		got := make([]int32, l.params)
		err := sum(got)
		var o *OverflowError
		if first >= 0 {
			if !errors.As(err, &o) || o.Index != first || !errors.Is(err, ErrOverflow) {
				t.Fatalf("%s, %v, shape %v: %v, want an overflow at %d", name, q.Params.Scheme, q.Shape, err, first)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for p, v := range got {
			if int64(v) != want[p] {
				t.Fatalf("%s, %v, shape %v: sum %d is %d, want %d", name, q.Params.Scheme, q.Shape, p, v, want[p])
			}
		}
	}
}

// TestSumOverflow has sums at the ends of int32.
func TestSumOverflow(t *testing.T) {
	codes := make([]uint16, 1<<15+1)
	fill(codes, math.MaxUint16)
	var got [1]int32
	codes[1<<15] = 1 << 15
	if err := SumCodes(got[:], codes, nil, PerTensor); !errors.Is(err, ErrOverflow) { // 2^31
		t.Errorf("%d, %v", got[0], err)
	}
	codes[1<<15] = 1<<15 - 1
	if err := SumCodes(got[:], codes, nil, PerTensor); err != nil || got[0] != math.MaxInt32 {
		t.Errorf("%d, %v", got[0], err)
	}
}

// TestQuantizeBias compares with exact arithmetic, next to ties too.
func TestQuantizeBias(t *testing.T) {
	rng := rand.New(rand.NewPCG(71, 72))
	for range trials(30000) {
		input, weight := math.Float32frombits(0x3c000000+rng.Uint32N(1<<25)), math.Float32frombits(0x3a000000+rng.Uint32N(1<<25))
		bias := float32((float64(rng.IntN(1<<uint(1+rng.IntN(30)))) + 0.5) * float64(input) * float64(weight))
		if rng.IntN(2) == 0 {
			bias = -bias
		}
		if rng.IntN(3) == 0 { // powers of two, for ties
			input, weight = 0.25, 0.5
			bias = (float32(rng.IntN(2000)) - 1000) / 16
		}
		exact := new(big.Rat).SetFloat64(float64(bias))
		exact.Quo(exact, new(big.Rat).SetFloat64(float64(input)*float64(weight)))
		want := nearestRat(exact)
		var got [1]int32
		err := QuantizeBias(got[:], []float32{bias}, input, []float32{weight})
		var o *OverflowError
		if want.IsInt64() && want.Int64() == int64(int32(want.Int64())) {
			if err != nil || int64(got[0]) != want.Int64() {
				t.Fatalf("%x / (%x * %x): %d, want %v (%v)", bias, input, weight, got[0], want, err)
			}
		} else if !errors.As(err, &o) || o.Index != 0 {
			t.Fatalf("%x / (%x * %x): %v, want an overflow", bias, input, weight, err)
		}
	}
	t.Run("channels", func(t *testing.T) {
		var got [3]int32
		if err := QuantizeBias(got[:], []float32{1, -2, 3.3}, 0.5, []float32{0.5, 0.25, 0.125}); err != nil || got != [3]int32{4, -16, 53} {
			t.Errorf("%v, %v", got, err)
		}
		var o *OverflowError
		if err := QuantizeBias(got[:], []float32{1, -2, 3e9}, 0.5, []float32{0.5}); !errors.As(err, &o) || o.Index != 2 || o.Value != 12e9 {
			t.Errorf("%v, want an overflow at index 2", err)
		}
	})
}

// TestIntegerEndsNoAllocations has memory on the stack.
func TestIntegerEndsNoAllocations(t *testing.T) {
	if raceEnabled || !stacksAreKnown() {
		t.Skip("there are some here")
	}
	q := quantized(t, Tensor{make([]float32, 160), []int{4, 40}}, Scheme{Bits: 4, Granularity: PerChannel(0)})
	f := func() error {
		var sums [4]int32
		var codes [160]int8
		var bytes [4]int8
		bias, scale := [4]float32{1}, [1]float32{1}
		m, mf, mx := [1]float64{1}, [1]float32{1}, [1]FixedPoint{{1 << 30, 0}}
		return errors.Join(q.Sums(sums[:]), SumCodes(sums[:], codes[:], []int{4, 40}, PerChannel(0)),
			QuantizeBias(sums[:], bias[:], 1, scale[:]), Requantize(bytes[:], sums[:], m[:], 0, -128, 127),
			RequantizeFloat32(bytes[:], sums[:], mf[:], 0, -128, 127), RequantizeFixed(bytes[:], sums[:], mx[:], SingleRounding, 0, -128, 127))
	}
	g := func() error {
		var s [40]int32
		var codes [160]int8
		return SumCodes(s[:], codes[:], []int{4, 40}, PerChannel(1))
	}
	for _, f := range []func() error{f, g} {
		if n := allocations(t, f); n != 0 {
			t.Errorf("%d allocations, want 0", n)
		}
	}
}
