package plan

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestGap tests that the best plan is at most Gap better than the one that is returned, if
// searches are cut off early.
func TestGap(t *testing.T) {
	defer func(e effort) { thorough = e }(thorough)
	thorough = effort{2, 4}
	r := rand.New(rand.NewPCG(3, 4))
	cut := 0
	for n := range 20000 {
		p := randomProblem(r, 6, 5)
		p.MaxKinds = r.IntN(5)
		limit := r.Int64N(80)
		most := float64(r.IntN(160)) / 8
		leastError, leastBytes := math.Inf(1), int64(math.MaxInt64)
		p.allChoices(func(choice []int) {
			bytes, err := p.Total(choice)
			if bytes <= limit {
				leastError = min(leastError, err)
			}
			if err <= most {
				leastBytes = min(leastBytes, bytes)
			}
		})
		if got, err := p.LeastError(limit); err == nil {
			if got.Gap > 0 {
				cut++
			}
			if got.Error-got.Gap > leastError*(1+1e-12) {
				t.Fatalf("problem %d, %+v with %d bytes: error %v with a gap of %v, and the best has %v", n, p, limit, got.Error, got.Gap, leastError)
			}
		}
		if got, err := p.LeastBytes(most); err == nil {
			if got.Gap > 0 {
				cut++
			}
			if float64(got.Bytes)-got.Gap > float64(leastBytes)*(1+1e-12) {
				t.Fatalf("problem %d, %+v with an error of %v: %d bytes with a gap of %v, and the best has %d", n, p, most, got.Bytes, got.Gap, leastBytes)
			}
		}
	}
	if cut < 100 {
		t.Errorf("only %d searches were cut off", cut)
	}
}
