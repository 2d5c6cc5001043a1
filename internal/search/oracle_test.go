package search

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/a01592f9/quant/internal/samples"
)

// The least error of few values, by brute force: for every place of the marks, every
// step at which some value changes the mark next to it, and the best step between two of
// these, anew from the values each time. Nothing here knows how the search goes.

// An oracle knows the least cost of values over all steps, real numbers that they are.
type oracle struct {
	x       []float64
	squares bool
	ends    []float64 // steps at which some value changes its mark
}

// cost returns what x costs with marks at low*step to high*step.
func (o *oracle) cost(step, low, high float64) float64 {
	sum := 0.0
	for _, v := range o.x {
		k := min(max(math.RoundToEven(v/step), low), high)
		e := math.Abs(v - float64(k*step))
		if o.squares {
			e *= e
		}
		sum += e
	}
	return sum
}

// between returns the least cost of the steps between two at which values change marks.
func (o *oracle) between(a, b, low, high float64) float64 {
	m := (a + b) / 2
	least := min(o.cost(a, low, high), o.cost(b, low, high))
	if o.squares {
		// The sum of (v - k*step)² is least at the sum of k*v over that of k².
		kv, kk := 0.0, 0.0
		for _, v := range o.x {
			k := min(max(math.RoundToEven(v/m), low), high)
			kv += float64(k * v)
			kk += float64(k * k)
		}
		if s := kv / kk; kk > 0 && s > a && s < b {
			least = min(least, o.cost(s, low, high))
		}
		return least
	}
	// The sum of |v - k*step| has its corners where a value is on its mark.
	for _, v := range o.x {
		k := min(max(math.RoundToEven(v/m), low), high)
		if s := v / k; k != 0 && s > a && s < b {
			least = min(least, o.cost(s, low, high))
		}
	}
	return least
}

// least returns the least cost with the marks from low to high, of steps from floor on.
func (o *oracle) least(low, high, floor float64) float64 {
	o.ends = append(o.ends[:0], floor)
	most := 0.0
	for _, v := range o.x {
		most = max(most, math.Abs(v))
		for k := low; k < high; k++ {
			if s := v / (k + 0.5); s > floor {
				o.ends = append(o.ends, s)
			}
		}
	}
	o.ends = append(o.ends, 4*most) // beyond which only the place of one mark matters
	slices.Sort(o.ends)
	least := math.Inf(1)
	for i, s := range o.ends[1:] {
		least = min(least, o.between(o.ends[i], s, low, high))
	}
	return least
}

// leastOf returns the least cost of x on the grids of g: for the asymmetric mapping over
// all places of the marks, down to steps a few times as small as those of min and max.
func leastOf(g integers, squares bool, x []float32, scale float64) float64 {
	o := oracle{squares: squares}
	lowest, highest := g.codes()
	most := 0.0
	for _, v := range x {
		o.x = append(o.x, float64(v))
		most = max(most, math.Abs(float64(v)))
	}
	if g.symmetric {
		_, zero := g.Params(rangeOfAll(x))
		return o.least(float64(lowest-zero), float64(highest-zero), scale/1e3)
	}
	steps := float64(highest - lowest)
	if g.zeroInRange {
		least := math.Inf(1)
		for low := -steps; low <= 0; low++ {
			least = min(least, o.least(low, low+steps, scale/64))
		}
		return least
	}
	floor := scale / 4 // of the tests' tensors: values beyond marks would cost more than all others
	least := math.Inf(1)
	for low := -math.Ceil(most/floor) - steps; low <= math.Ceil(most/floor); low++ {
		least = min(least, o.least(low, low+steps, floor))
	}
	return least
}

// smallTensor returns a few values of one of many kinds: real numbers, multiples of a step
// with or without an outlier, values on one side.
func smallTensor(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	kind := rng.IntN(7)
	step := float32(math.Ldexp(1+rng.Float64(), rng.IntN(40)-20))
	d := samples.Distributions[rng.IntN(4)]
	for i := range x {
		switch kind {
		case 0:
			x[i] = float32(rng.NormFloat64()) * step
		case 1:
			x[i] = float32(rng.IntN(15)-7) * step
		case 2:
			x[i] = float32(rng.IntN(12)) * step
		case 3:
			x[i] = float32(rng.IntN(5)-2)*step + float32(rng.NormFloat64())*step/32
		case 4:
			x[i] = float32(rng.ExpFloat64()) * step
		case 5:
			x[i] = -float32(rng.IntN(100)) * step
		default:
			x[i] = d.Of(rng)
		}
	}
	if rng.IntN(3) == 0 {
		x[0] = float32(rng.IntN(40)-20) * step
	}
	return x
}

// TestLeastOfAllSteps: the range that is chosen for few values costs what brute force
// finds at all steps.
func TestLeastOfAllSteps(t *testing.T) {
	type amount struct {
		grid    integers
		values  int // at most
		tensors int
	}
	var all []amount
	for bits := 2; bits <= 16; bits++ {
		values, tensors := 64, 200
		if bits > 4 {
			values, tensors = min(64, max(2, 1<<13>>bits)), 60
		}
		if bits > 12 {
			tensors = 3
		}
		for _, g := range []integers{
			{bits: bits, symmetric: true}, {bits: bits, symmetric: true, narrow: true}, {bits: bits, symmetric: true, unsigned: true},
		} {
			all = append(all, amount{g, values, tensors})
		}
	}
	for bits := 2; bits <= 6; bits++ {
		for _, g := range []integers{
			{bits: bits}, {bits: bits, unsigned: true}, {bits: bits, zeroInRange: true}, {bits: bits, unsigned: true, zeroInRange: true},
		} {
			all = append(all, amount{g, max(3, 24>>(2*(bits-2))), 400 >> (2 * (bits - 2))})
		}
	}
	total := 0
	for i, a := range all {
		tensors := a.tensors
		if testing.Short() {
			tensors = (tensors + 7) / 8
		}
		t.Run(a.grid.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, uint64(i)))
			var s Search
			for range tensors {
				x := smallTensor(rng, 2+rng.IntN(a.values-1))
				for _, goal := range []Goal{Squares, Absolute} {
					testLeastOfAll(t, &s, a.grid, goal, x)
					total++
				}
			}
		})
	}
	t.Logf("%d searches", total)
}

func testLeastOfAll(t *testing.T, s *Search, g integers, goal Goal, x []float32) {
	t.Helper()
	task := g.task(goal)
	whole := rangeOfAll(x)
	if whole.Min == whole.Max {
		return
	}
	scale, _ := task.Params(whole)
	cost := costOf(task, x)
	got := cost(ofValues(s, task, x), inf)
	want := leastOf(g, goal == Squares, x, float64(scale))
	most := max(-float64(whole.Min), float64(whole.Max))
	slack := roundingOf(most, float64(whole.Max)-float64(whole.Min), want, len(x), goal)
	if got > want*(1+1e-6)+slack {
		t.Errorf("%s: chose %v with %v, but %v is possible (%.3g)", fmt.Sprint(x), ofValues(s, task, x), got, want, got/want-1)
	}
}

// roundingOf returns by how much a cost may differ since errors and ends of ranges are
// rounded.
func roundingOf(most, width, want float64, n int, goal Goal) float64 {
	e := most * 0x1p-23 * (1 + most/width)
	if goal == Squares {
		return 2*math.Sqrt(want*float64(n))*e + float64(n)*e*e
	}
	return e * float64(n)
}
