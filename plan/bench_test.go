package plan

import (
	"fmt"
	"testing"
)

// BenchmarkFront measures the fronts of models of many weights, whose candidates are random, or
// are of ascending bytes and descending errors, so that the hull has many corners.
func BenchmarkFront(b *testing.B) {
	for _, n := range []struct{ weights, candidates int }{{2000, 64}, {10_000, 64}} {
		for name, p := range map[string]Problem{
			"random":    manyWeights(n.weights, n.candidates),
			"ascending": model(n.weights, n.candidates, true),
		} {
			b.Run(fmt.Sprintf("%s/weights=%d/candidates=%d", name, n.weights, n.candidates), func(b *testing.B) {
				for b.Loop() {
					f, err := p.Front()
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(float64(len(f.Points)), "points")
				}
			})
		}
	}
}
