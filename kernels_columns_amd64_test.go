//go:build !purego

package quant

import "testing"

// TestPrepareColumns checks how many columns are prepared for the kernel of prepared columns: all
// whole 64, or those before the first 64 with a scale or a zero point that it does not serve.
func TestPrepareColumns(t *testing.T) {
	if tested[len(tested)-1] != avx512 {
		t.Skip("this processor has no AVX-512")
	}
	const cols = 1000
	scale, zero := make([]float32, cols), make([]int32, cols)
	for i := range scale {
		scale[i], zero[i] = 0.01*float32(i+1), int32(i%511-255)
	}
	buf := make([]float32, cols/64*256)
	prepared := func() int { return prepareWideAVX512(&buf[0], scale, zero, -128, 127) }
	if n := prepared(); n != cols&^63 {
		t.Fatalf("%d of %d columns are prepared", n, cols)
	}
	for _, i := range []int{0, 63, 64, 500, 959, 960, 999} {
		want := min(i&^63, cols&^63)
		saved := scale[i]
		for _, s := range []float32{0x1p-101, 0x1p101, 0, -1, nan, 0x1.fffffep0} {
			scale[i] = s
			if n := prepared(); n != want {
				t.Errorf("scale %v of column %d: %d columns are prepared, want %d", s, i, n, want)
			}
		}
		scale[i] = saved
		savedZero := zero[i]
		for _, z := range []int32{32001, -32001, maxZeroPoint} {
			zero[i] = z
			if n := prepared(); n != want {
				t.Errorf("zero point %d of column %d: %d columns are prepared, want %d", z, i, n, want)
			}
		}
		zero[i] = savedZero
	}
}
