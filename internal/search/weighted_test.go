package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/a01592f9/quant/internal/samples"
)

// Tests of the search for the least weighted error, against brute force. For every lowest mark,
// brute force tries every step at which some value becomes another mark, and the best step
// between any two of these. It shares no code with the search.

// A weightedOracle finds the least weighted cost of values over all steps by brute force.
type weightedOracle struct{ x, w []float64 }

// cost returns the weighted cost of x for the marks from low*step to high*step.
func (o *weightedOracle) cost(step, low, high float64) float64 {
	sum := 0.0
	for i, v := range o.x {
		e := v - float64(min(max(math.RoundToEven(v/step), low), high)*step)
		sum += float64(o.w[i] * float64(e*e))
	}
	return sum
}

// least returns the least cost for the marks from low to high, over all steps of at least floor.
func (o *weightedOracle) least(low, high, floor float64) float64 {
	ends := []float64{floor}
	most := 0.0
	for _, v := range o.x {
		most = max(most, math.Abs(v))
		for k := low; k < high; k++ {
			if s := v / (k + 0.5); s > floor {
				ends = append(ends, s)
			}
		}
	}
	ends = append(ends, 4*most)
	slices.Sort(ends)
	least := math.Inf(1)
	for i, b := range ends[1:] {
		a := ends[i]
		least = min(least, o.cost(a, low, high), o.cost(b, low, high))
		kv, kk := 0.0, 0.0 // the sum of w*(v - k*step)² is least at the sum of w*k*v over that of w*k²
		for i, v := range o.x {
			k := min(max(math.RoundToEven(v/((a+b)/2)), low), high)
			kv += float64(o.w[i] * float64(k*v))
			kk += float64(o.w[i] * float64(k*k))
		}
		if s := kv / kk; kk > 0 && s > a && s < b {
			least = min(least, o.cost(s, low, high))
		}
	}
	return least
}

// leastWeighted returns the least weighted cost of x with the integers g, over all lowest marks.
// scale is the scale for x.Whole.
func leastWeighted(g integers, x *Weighted, scale float64) float64 {
	o := weightedOracle{w: x.Weights}
	most := 0.0
	for _, v := range x.Values {
		o.x = append(o.x, float64(v))
		most = max(most, math.Abs(float64(v)))
	}
	lowest, highest := g.codes()
	if g.symmetric {
		_, zero := g.Params(x.Whole)
		return o.least(float64(lowest-zero), float64(highest-zero), scale/1e3)
	}
	steps := float64(highest - lowest)
	first, last, floor := -steps, 0.0, scale/64
	if !g.zeroInRange {
		floor = scale / 16
		first, last = -math.Ceil(most/floor)-steps, math.Ceil(most/floor)
	}
	least := math.Inf(1)
	for low := first; low <= last; low++ {
		least = min(least, o.least(low, low+steps, floor))
	}
	return least
}

// weightsOf returns n random weights of one of four distributions.
func weightsOf(rng *rand.Rand, n int) []float64 {
	w := make([]float64, n)
	kind := rng.IntN(4)
	for i := range w {
		switch kind {
		case 0:
			w[i] = 1 - rng.Float64()
		case 1:
			w[i] = math.Exp(3 * rng.NormFloat64())
		case 2:
			w[i] = float64(1 + rng.IntN(3))
		default:
			w[i] = 1
			if rng.IntN(4) > 0 {
				w[i] = 0x1p-40
			}
		}
	}
	most := slices.Max(w)
	for i := range w {
		w[i] /= most
	}
	return w
}

// weightedCost returns a function that measures the weighted cost of x under a range.
func weightedCost(t *Task, x *Weighted) Cost {
	return func(r Range, _ float64) float64 {
		scale, zero := t.Params(r)
		sum := 0.0
		for i, v := range x.Values {
			q := math.RoundToEven(float64(v / scale))
			q = min(max(q, float64(t.Lowest-zero)), float64(t.Highest-zero))
			e := float64(float32(q)*scale - v)
			sum += float64(x.Weights[i] * float64(e*e))
		}
		return sum
	}
}

// weighted64 returns n random values with weights.
func weighted64(rng *rand.Rand, n int) *Weighted {
	x := smallTensor(rng, n)
	whole := rangeOfAll(x)
	return &Weighted{Values: x, Weights: weightsOf(rng, n), Whole: whole, Start: whole}
}

// TestLeastWeightedOfAllSteps checks that the range chosen for few values has the least weighted
// cost that brute force finds over all steps.
func TestLeastWeightedOfAllSteps(t *testing.T) {
	type amount struct {
		grid            integers
		values, tensors int
	}
	var all []amount
	for bits := 2; bits <= 16; bits++ {
		values, tensors := 64, 120
		if bits > 4 {
			values, tensors = min(64, max(2, 1<<12>>bits)), 30
		}
		if bits > 11 {
			tensors = 3
		}
		for _, g := range []integers{{bits: bits, symmetric: true}, {bits: bits, symmetric: true, narrow: true}, {bits: bits, symmetric: true, unsigned: true}} {
			all = append(all, amount{g, values, tensors})
		}
	}
	for bits := 2; bits <= 5; bits++ {
		for _, g := range []integers{{bits: bits}, {bits: bits, unsigned: true}, {bits: bits, zeroInRange: true}, {bits: bits, unsigned: true, zeroInRange: true}} {
			all = append(all, amount{g, max(3, 20>>(2*(bits-2))), 160 >> (2 * (bits - 2))})
		}
	}
	var s Search
	total := 0
	for i, a := range all {
		tensors := a.tensors
		if testing.Short() {
			tensors = (tensors + 7) / 8
		}
		t.Run(a.grid.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(6, uint64(i)))
			for range tensors {
				x := weighted64(rng, 2+rng.IntN(a.values-1))
				if x.Whole.Min == x.Whole.Max {
					continue
				}
				task := a.grid.task(Squares)
				cost := weightedCost(task, x)
				scale, _ := task.Params(x.Whole)
				r := s.OfWeighted(task, x, cost)
				got, want := cost(r, inf), leastWeighted(a.grid, x, float64(scale))
				most := max(-float64(x.Whole.Min), float64(x.Whole.Max))
				slack := roundingOf(most, float64(x.Whole.Max)-float64(x.Whole.Min), want, len(x.Values), Squares)
				if total++; got > want*(1+1e-6)+slack {
					t.Errorf("%v, weights %v: chose %v with %v, but %v is possible (%.3g)", x.Values, x.Weights, r, got, want, got/want-1)
				}
			}
		})
	}
	t.Logf("%d searches", total)
}

// TestLeastWeightedOfMany checks ranges chosen for many values. Their weighted cost is at most
// 1 % above that of any of many other ranges, and not above that of the start.
func TestLeastWeightedOfMany(t *testing.T) {
	for _, name := range []string{"normal", "heavy", "laplace", "one-sided", "outliers"} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(9, 1))
			for _, g := range []integers{{bits: 4}, {bits: 4, symmetric: true}, {bits: 8, symmetric: true}, {bits: 3, zeroInRange: true}} {
				v := samples.Values(15, 700, samples.Named(name))
				whole := rangeOfAll(v)
				x := &Weighted{Values: v, Weights: weightsOf(rng, len(v)), Whole: whole, Start: whole}
				task := g.task(Squares)
				var s Search
				x.Start = ofValues(&s, task, v)
				cost := weightedCost(task, x)
				got := cost(s.OfWeighted(task, x, cost), inf)
				if start := cost(x.Start, inf); got > start {
					t.Errorf("%v: %v, but the start costs %v", g, got, start)
				}
				for i := range 24 {
					for j := range 24 {
						f, h := float32(24-i)/24, float32(24-j)/24
						if g.symmetric {
							f = float32(576-24*i-j) / 576
							h = f
						}
						if c := cost(Range{Min: whole.Min * f, Max: whole.Max * h}, inf); c < got/1.01 {
							t.Fatalf("%v: %v, but %v is possible with %v and %v", g, got, c, f, h)
						}
					}
				}
			}
		})
	}
}
