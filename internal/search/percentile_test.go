package search

import (
	"fmt"
	"testing"

	"github.com/a01592f9/quant/internal/samples"
)

// TestKthValue: passes of 8 and of 16 bits, also over parts of the values, find
// the value that sorting finds.
func TestKthValue(t *testing.T) {
	for i, d := range samples.Distributions {
		x := samples.Values(uint64(i), 3000, d.Of)
		h := histogramOf(x)
		var s Search
		s.begin(testGrids[0].task(Tails))
		s.sweep.sort(x)
		for _, width := range []int{8, 16} {
			t.Run(fmt.Sprintf("%s, %d bits", d.Name, width), func(t *testing.T) {
				for _, k := range []uint64{0, 1, 17, 1499, 2990, 2999} {
					var all, part KthValue
					all.Begin(h, k, width)
					passes := 0
					for done := false; !done; passes++ {
						part.Copy(&all)
						all.Add(x[:1000])
						part.Add(x[1000:])
						all.Join(&part)
						done = all.Next()
					}
					if got, want := all.Value(), float32(s.sweep.v[k]); got != want {
						t.Errorf("value %d is %v, want %v", k, got, want)
					}
					if passes != 16/width || all.Open() {
						t.Errorf("value %d took %d passes (open: %t)", k, passes, all.Open())
					}
				}
			})
		}
	}
}
