package quant

import (
	"math"
	"testing"
)

// TestCodeIsNearest proves that code, by arithmetic on bits or without branches, gives what
// the search among the values gives, for all float32 values or a sample of them.
func TestCodeIsNearest(t *testing.T) {
	for _, f := range append([]Format{toy, lopsided}, floatFormats...) {
		t.Run(f.String(), func(t *testing.T) {
			b := f.book()
			everyInput(4099, func(src []float32) {
				for _, v := range src {
					if got, want := b.code(v), b.nearest(v); got != want {
						t.Fatalf("%v (%#08x): code %#x, want %#x", v, math.Float32bits(v), got, want)
					}
				}
			})
			for i, k := range b.limits { // the sample may miss where codes change
				for _, k := range []uint32{k - 1, k, k + 1} {
					v := math.Float32frombits(k &^ (1 << 31))
					if k>>31 == 0 {
						v = math.Float32frombits(^k)
					}
					if got, want := b.code(v), b.nearest(v); got != want {
						t.Errorf("%v, at limit %d: code %#x, want %#x", v, i, got, want)
					}
				}
			}
		})
	}
}
