package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/a01592f9/quant/internal/exact"
	"github.com/a01592f9/quant/internal/samples"
)

// Tests of the sweep: its results against very many other ranges, and against the search by a
// histogram.

// leastOfMany returns the least cost of a dense lattice of ranges within whole and of many
// ranges around near, and the range that has it.
func leastOfMany(t *Task, cost Cost, whole, near Range, rng *rand.Rand) (float64, Range) {
	least, at := math.Inf(1), whole
	try := func(r Range) {
		r = Range{Min: exact.PlusZero(whole.Clamp(r.Min)), Max: exact.PlusZero(whole.Clamp(r.Max))}
		if r.Min > r.Max {
			return
		}
		if c := cost(r, least); c < least {
			least, at = c, r
		}
	}
	lo, hi := float64(whole.Min), float64(whole.Max)
	if t.Symmetric {
		most := max(-lo, hi)
		for i := range 3000 {
			try(Cut(whole, float32(most*float64(3000-i)/3000)))
		}
		most = max(-float64(near.Min), float64(near.Max))
		for range 500 {
			try(Cut(whole, float32(most*(1+0.02*rng.NormFloat64()*rng.Float64()))))
		}
		return least, at
	}
	const steps = 48
	for i := range steps {
		for j := i + 1; j <= steps; j++ {
			try(Range{Min: float32(lo + (hi-lo)*float64(i)/steps), Max: float32(lo + (hi-lo)*float64(j)/steps)})
		}
	}
	for range 1500 {
		width := (float64(near.Max) - float64(near.Min)) * 0.1 * rng.Float64() * rng.Float64()
		try(Range{Min: float32(float64(near.Min) + width*rng.NormFloat64()), Max: float32(float64(near.Max) + width*rng.NormFloat64())})
	}
	return least, at
}

// TestSweepOfGroups checks that no range is better than the one chosen for values so few that
// all events are taken one by one.
func TestSweepOfGroups(t *testing.T) {
	grids := slices.Concat(testGrids, []integers{{bits: 2}, {bits: 5, zeroInRange: true}, {bits: 12}})
	for i, d := range samples.Distributions {
		t.Run(d.Name, func(t *testing.T) {
			for _, n := range []int{1, 2, 3, 5, 8, 16, 31, 32, 33, 47, 48, 49, 64} {
				if testing.Short() && (i+n)%5 != 0 {
					continue
				}
				x := samples.Values(uint64(100*n), n, d.Of)
				rng := rand.New(rand.NewPCG(1, uint64(n)))
				for _, g := range grids {
					for _, goal := range []Goal{Squares, Absolute} {
						testSweepOfGroup(t, g, g.task(goal), x, d.Name != "huge", rng)
					}
				}
			}
		})
	}
}

// testSweepOfGroup checks the range chosen for x: it is not worse than the range of all values,
// and with least no range of leastOfMany is better.
func testSweepOfGroup(t *testing.T, g integers, task *Task, x []float32, least bool, rng *rand.Rand) {
	t.Helper()
	n := len(x)
	var s Search
	whole, cost := rangeOfAll(x), costOf(task, x)
	r := ofValues(&s, task, x)
	if c := (candidate{Range: r}); !c.valid() {
		t.Fatalf("%d values, %v: chose %v, all are in %v", n, g, r, whole)
	}
	got := cost(r, inf)
	if widest := cost(whole, inf); got > widest {
		t.Errorf("%d values, %v: chose %v with %v, the widest has %v", n, g, r, got, widest)
	}
	if !least {
		return
	}
	want, at := leastOfMany(task, cost, whole, r, rng)
	// Errors are rounded, and so are the ends of ranges. Far from 0, a rounded end moves all
	// marks.
	most := max(-float64(whole.Min), float64(whole.Max))
	slack := most * 0x1p-24 * (1 + most/(float64(whole.Max)-float64(whole.Min)))
	if task.Goal == Squares {
		slack = 2*math.Sqrt(want*float64(n))*slack + float64(n)*slack*slack
	} else {
		slack *= float64(n)
	}
	if got > want*(1+1e-6)+slack {
		t.Errorf("%d values, %v, goal %d: chose %v with %v, but %v has %v (%.3g)", n, g, task.Goal, r, got, at, want, got/want-1)
	}
}

// scanWorse is the largest part of the cost by which a scan may be worse than the search by a histogram:
// both go down to a local minimum, and rarely do not reach the same end of it.
const scanWorse = 0x1p-12

// TestSweepOfRows checks that for more values the range chosen is never worse than that of the
// search by a histogram, except for the last bits of a scan.
func TestSweepOfRows(t *testing.T) {
	var swept, counted Search
	worst, mean, n := 0.0, 0.0, 0
	for i, d := range samples.Distributions {
		t.Run(d.Name, func(t *testing.T) {
			for k, size := range []int{65, 100, 128, 255, 256, 257, 500, 1000, 1023, 1024, 1025, 2000, 4096, 5000} {
				if testing.Short() && (i+k)%4 != 0 {
					continue
				}
				x := samples.Values(uint64(size), size, d.Of)
				for _, g := range testGrids {
					for _, goal := range []Goal{Squares, Absolute} {
						task := g.task(goal)
						cost := costOf(task, x)
						got := cost(ofValues(&swept, task, x), inf)
						other := *task
						other.Proportional = false
						want := cost(ofValues(&counted, &other, x), inf)
						more := 0x1p-20 // for the rounding of errors
						if size > sweepMany && task.Symmetric {
							more = scanWorse
						}
						if got > want*(1+more) {
							t.Errorf("%d values, %v, goal %d: %v, but %v by the other search: %.2g", size, g, goal, got, want, got/want-1)
						}
						if want > 0 && !math.IsInf(want, 0) {
							worst, mean, n = max(worst, 1-got/want), mean+1-got/want, n+1
						}
					}
				}
			}
		})
	}
	t.Logf("better by %.2f %%, at most %.0f %%", 100*mean/float64(n), 100*worst)
}

// TestWideWork: for codes of 16 bits, distances are computed at few more steps than the first
// intervals have. If bounds left out little, intervals would be divided.
func TestWideWork(t *testing.T) {
	x := samples.Values(7, 300, samples.Named("normal"))
	task := integers{bits: 16, symmetric: true}.task(Squares)
	calls := 0
	task.Low = func(sums *PhaseSums, values []float64, s Steps, limit, down uint32, squares bool) (uint64, int) {
		calls++
		return Low(sums, nil, values, s, limit, down, squares)
	}
	var s Search
	ofValues(&s, task, x)
	if calls == 0 || calls > 3000 {
		t.Errorf("distances are computed %d times", calls)
	}
	t.Logf("distances are computed %d times", calls)
}

// TestSort: the network and the other ways to sort give the values in ascending order.
func TestSort(t *testing.T) {
	var w sweep
	for n := 1; n < 60; n++ {
		for _, d := range samples.Distributions {
			x := samples.Values(uint64(n), n, d.Of)
			w.sort(x)
			slices.Sort(x)
			for i, v := range x {
				if w.v[i] != float64(v) {
					t.Fatalf("%d values of %s: value %d is %v, want %v", n, d.Name, i, w.v[i], v)
				}
			}
		}
	}
}
