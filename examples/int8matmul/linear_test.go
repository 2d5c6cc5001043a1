package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/a01592f9/quant"
)

// values returns n numbers from -1 to 1, some of them larger.
func values(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = rng.Float32()*2 - 1
		if rng.IntN(50) == 0 {
			x[i] *= 20
		}
	}
	return x
}

// TestLinear compares with exact arithmetic on the dequantized operands.
func TestLinear(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ tokens, out, in, group int }{{1, 1, 8, 8}, {3, 5, 32, 32}, {4, 7, 96, 32}, {5, 3, 21, 7}, {2, 16, 512, 128}} {
		t.Run(fmt.Sprintf("tokens=%d/out=%d/in=%d/group=%d", c.tokens, c.out, c.in, c.group), func(t *testing.T) {
			l, err := NewLinear(values(rng, c.out*c.in), c.out, c.in, c.group)
			if err != nil {
				t.Fatal(err)
			}
			x, y := values(rng, c.tokens*c.in), make([]float32, c.tokens*c.out)
			if err := l.Apply(y, x, c.tokens); err != nil {
				t.Fatal(err)
			}
			xs, err := quant.QuantizeDynamic(quant.Tensor{Data: x, Shape: []int{c.tokens, c.in}},
				quant.Scheme{Bits: 8, Granularity: quant.PerChannel(0), ZeroInRange: true}, quant.RefuseNotFinite)
			if err != nil {
				t.Fatal(err)
			}
			a, b := dequantized(t, xs), dequantized(t, l.weight)
			for i, got := range y {
				// Products of two float32 are exact in float64, and its sums nearly so.
				exact, magnitude := 0.0, 0.0
				for j := range c.in {
					p := float64(float64(a[i/c.out*c.in+j]) * float64(b[i%c.out*c.in+j]))
					exact += p
					magnitude += math.Abs(p)
				}
				if diff := math.Abs(float64(got) - exact); diff > magnitude*0x1p-22 {
					t.Errorf("output %d is %v, want %v within %v", i, got, exact, magnitude*0x1p-22)
				}
			}
		})
	}
}

func dequantized(t *testing.T, q quant.Quantized) []float32 {
	t.Helper()
	x, err := quant.Dequantize(q)
	if err != nil {
		t.Fatal(err)
	}
	return x.Data
}

// TestLinearNotFinite has one token of NaN: the others are as without it.
func TestLinearNotFinite(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	l, err := NewLinear(values(rng, 4*32), 4, 32, 16)
	if err != nil {
		t.Fatal(err)
	}
	x := values(rng, 3*32)
	var want, got [12]float32
	if err := l.Apply(want[:], x, 3); err != nil {
		t.Fatal(err)
	}
	x[40] = float32(math.NaN())
	if err := l.Apply(got[:], x, 3); err != nil {
		t.Fatal(err)
	}
	for i, v := range got {
		if nan := v != v; nan != (i/4 == 1) || !nan && v != want[i] {
			t.Errorf("output %d is %v, without NaN it is %v", i, v, want[i])
		}
	}
}

func TestLinearAllocations(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	l, err := NewLinear(values(rng, 16*64), 16, 64, 32)
	if err != nil {
		t.Fatal(err)
	}
	x, y := values(rng, 4*64), make([]float32, 4*16)
	if n := testing.AllocsPerRun(50, func() {
		if err := l.Apply(y, x, 4); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestNewLinearErrors(t *testing.T) {
	if _, err := NewLinear(make([]float32, 30), 2, 15, 4); err == nil {
		t.Error("groups that do not divide the inputs: no error")
	}
}
