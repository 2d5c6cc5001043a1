package quant

import (
	"math"
	"testing"
)

// TestWiden compares every 16-bit pattern with what its fields mean.
func TestWiden(t *testing.T) {
	src := make([]uint16, 1<<16)
	for i := range src {
		src[i] = uint16(i)
	}
	half, brain := make([]float32, len(src)), make([]float32, len(src))
	WidenFloat16(half, src)
	WidenBFloat16(brain, src)
	for i, h := range src {
		checkWide(t, "float16", h, half[i], 5, 10)
		checkWide(t, "bfloat16", h, brain[i], 8, 7)
	}
}

func checkWide(t *testing.T, name string, h uint16, got float32, expBits, fracBits int) {
	t.Helper()
	exp := int(h>>fracBits) & (1<<expBits - 1)
	frac := float64(int(h) & (1<<fracBits - 1))
	bias := 1<<(expBits-1) - 1
	var want float64
	switch {
	case exp == 1<<expBits-1 && frac != 0:
		if got == got {
			t.Errorf("%s %#04x is %v, want NaN", name, h, got)
		}
		return
	case exp == 1<<expBits-1:
		want = math.Inf(1)
	case exp == 0:
		want = math.Ldexp(frac, 1-bias-fracBits)
	default:
		want = math.Ldexp(frac+math.Ldexp(1, fracBits), exp-bias-fracBits)
	}
	if h&0x8000 != 0 {
		want = math.Copysign(want, -1)
	}
	if math.Float64bits(float64(got)) != math.Float64bits(want) {
		t.Errorf("%s %#04x is %v, want %v", name, h, got, want)
	}
}
