package plan

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestExtremeErrors tests that problems with very large and very small errors are solved, and in
// a short time: the bounds of a search must not become NaN.
func TestExtremeErrors(t *testing.T) {
	values := []float64{0, 1, 3, 0.5, 0x1p950, 0x1p955, 1e17, 1e-17, 1e-300, 1e-310, 3e-323, math.SmallestNonzeroFloat64, math.Inf(1)}
	sizes := []int64{0, 1, 2, 3, 5, 100, 1 << 40, 1 << 49}
	r := rand.New(rand.NewPCG(5, 6))
	done := make(chan bool)
	var p Problem
	var bytes int64
	var most float64
	go func() {
		defer close(done)
		for range 10000 {
			p = Problem{Objective: Objective(r.IntN(2)), MaxKinds: r.IntN(3)}
			for range 1 + r.IntN(4) {
				w := Weight{Name: "w"}
				for k := range 1 + r.IntN(4) {
					w.Candidates = append(w.Candidates, Candidate{string(rune('a' + k)), sizes[r.IntN(len(sizes))], values[r.IntN(len(values))]})
				}
				p.Weights = append(p.Weights, w)
			}
			bytes, most = sizes[r.IntN(len(sizes))], values[r.IntN(len(values))]
			a, err := p.LeastError(bytes)
			if err != nil && !errors.Is(err, ErrLimit) && !errors.Is(err, ErrProblem) || err == nil && (a.Bytes > bytes || !(a.Gap >= 0) || math.IsInf(a.Gap, 0)) {
				t.Errorf("%+v with %d bytes: %+v, %v", p, bytes, a, err)
				return
			}
			b, err := p.LeastBytes(most)
			if err != nil && !errors.Is(err, ErrLimit) && !errors.Is(err, ErrProblem) || err == nil && (b.Error > most*(1+1e-11) || !(b.Gap >= 0) || math.IsInf(b.Gap, 0)) {
				t.Errorf("%+v with an error of %v: %+v, %v", p, most, b, err)
				return
			}
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatalf("no plan after a minute: %+v with %d bytes or an error of %v", p, bytes, most)
	}
}
