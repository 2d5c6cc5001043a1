package search

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/a01592f9/quant/internal/samples"
)

// plainDescent is the search of a Descent, written as loops: it tries all
// neighbours anew, and knows no limit.
func plainDescent(s *Search, t *Task, cost Cost) Range {
	s.begin(t)
	best, widest := s.least(), s.widest
	s.others = s.lattices(s.others)
	best.cost, widest.cost = cost(best.Range, inf), cost(widest.Range, inf)
	if !best.better(&widest, 0) {
		best = widest
	}
	for _, c := range s.others {
		if c.cost = cost(c.Range, inf); c.better(&best, 0) {
			best = c
		}
	}
	for step := firstStep; step > 0; step /= 2 {
		for range mostMoves {
			next := best
			for _, to := range t.directions() {
				if c, ok := best.beside(to, step, clipWide); ok {
					r := t.drawn(s.d.r, s.center, c)
					if n := (candidate{c, r, cost(r, inf)}); n.better(&next, 0) {
						next = n
					}
				}
			}
			if next.clip == best.clip {
				break
			}
			best = next
		}
	}
	return best.Range
}

// TestDescent: whoever finds the costs, at once or several trials together, the
// range is that of the plain search.
func TestDescent(t *testing.T) {
	for i, d := range samples.Distributions {
		t.Run(d.Name, func(t *testing.T) {
			x := samples.Values(uint64(i), 700, d.Of)
			whole := rangeOfAll(x)
			if whole.Min == whole.Max {
				return
			}
			h := histogramOf(x)
			for _, g := range testGrids {
				for _, goal := range []Goal{Squares, Absolute} {
					task := g.task(goal)
					cost := costOf(task, x)
					var s Search
					s.Load(h, uint64(len(x)), whole)
					want := plainDescent(&s, task, cost)

					var at Descent
					s.StartDescent(&at, task)
					tries := 0
					got := at.run(&task.Grid, func(r Range, limit float64) float64 {
						tries++
						if c := cost(r, inf); c <= limit {
							return c
						}
						return inf
					}).Range
					if got != want {
						t.Errorf("%v, goal %d: at once %v, want %v", g, goal, got, want)
					}
					for _, about := range []int{1, 3, 12, 100} {
						var d Descent
						s.StartDescent(&d, task)
						passes, trials := 0, 0
						for d.Next(&task.Grid, about); len(d.Wants) > 0; d.Next(&task.Grid, about) {
							for i := range d.Wants {
								d.Wants[i].Cost = cost(d.Wants[i].Range, inf)
							}
							passes++
							trials += len(d.Wants)
						}
						got, ok := d.Result()
						if !ok || got != want {
							t.Errorf("%v, goal %d: in passes for %d trials %v (%t), want %v", g, goal, about, got, ok, want)
						}
						if trials < tries {
							t.Errorf("%v, goal %d: %d trials in passes, %d at once", g, goal, trials, tries)
						}
						if about == 100 && passes > tries {
							t.Errorf("%v, goal %d: %d passes for %d trials", g, goal, passes, tries)
						}
					}
				}
			}
		})
	}
}

// TestDescentEnds: a search on costs that mean nothing ends, and early.
func TestDescentEnds(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range 200 {
		g := integers{bits: 8, symmetric: i%2 == 1}
		task := g.task(Squares)
		var s Search
		s.d.r = Range{Min: -3, Max: 5}
		c := clip{i % 2 * 40, 40}
		var d Descent
		d.begin(s.d.r, s.center, candidate{clip: c, Range: task.drawn(s.d.r, 0, c)}, firstStep)
		d.widest = candidate{Range: s.d.r}
		passes := 0
		for d.Next(&task.Grid, 12); len(d.Wants) > 0; d.Next(&task.Grid, 12) {
			for i := range d.Wants {
				d.Wants[i].Cost = float64(rng.IntN(1000)) + math.Abs(float64(d.Wants[i].Scale))
			}
			passes++
		}
		if _, ok := d.Result(); !ok || passes > 5*mostMoves+1 {
			t.Errorf("case %d ends (%t) after %d passes", i, ok, passes)
		}
	}
}

// TestDescentStopped: after Stop nothing is wanted and nothing was found.
func TestDescentStopped(t *testing.T) {
	var d Descent
	task := testGrids[0].task(Squares)
	var s Search
	x := samples.Values(3, 500, samples.Distributions[0].Of)
	s.Load(histogramOf(x), 500, rangeOfAll(x))
	s.StartDescent(&d, task)
	d.Next(&task.Grid, 5)
	d.Stop()
	d.Next(&task.Grid, 5)
	if r, ok := d.Result(); ok || len(d.Wants) > 0 {
		t.Errorf("found %v (%t), wants %d trials", r, ok, len(d.Wants))
	}
}
