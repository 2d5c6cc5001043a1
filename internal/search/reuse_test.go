package search

import (
	"math/rand/v2"
	"testing"
)

// TestReusedSearch checks that a search does not depend on the searches for which its memory was
// used before.
func TestReusedSearch(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 4))
	used := new(Search)
	rounds := 1000
	if testing.Short() {
		rounds = 300
	}
	for round := range rounds {
		g := testGrids[rng.IntN(len(testGrids))]
		goal := []Goal{Squares, Absolute}[rng.IntN(2)]
		n := []int{3, 32, 64, 65, 129, 200, 600, 1100, 2000}[rng.IntN(9)]
		x := weighted64(rng, n)
		if rng.IntN(2) == 0 {
			task := g.task(goal)
			if got, want := ofValues(used, task, x.Values), ofValues(new(Search), task, x.Values); got != want {
				t.Errorf("round %d: %v, %d values, %v: %v, and %v with new memory", round, g, n, goal, got, want)
			}
			continue
		}
		task := g.task(Squares)
		cost := weightedCost(task, x)
		if got, want := used.OfWeighted(task, x, cost), new(Search).OfWeighted(task, x, cost); got != want {
			t.Errorf("round %d: %v, %d values with weights: %v, and %v with new memory", round, g, n, got, want)
		}
	}
}
