package exact

import (
	"math"
	"testing"
)

func TestParts(t *testing.T) {
	for _, tt := range []struct{ n, size, want int }{
		{0, 3, 0}, {1, 3, 1}, {3, 3, 1}, {4, 3, 2}, {6, 3, 2}, {5, math.MaxInt, 1}, {math.MaxInt, 2, math.MaxInt/2 + 1},
	} {
		if got := Parts(tt.n, tt.size); got != tt.want {
			t.Errorf("%d elements in parts of %d: %d, want %d", tt.n, tt.size, got, tt.want)
		}
	}
}
