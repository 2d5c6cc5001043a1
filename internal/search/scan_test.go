package search

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/a01592f9/quant/internal/samples"
)

// TestScanKeep: the best spots are kept in order, and of spots that are close together only the best.
func TestScanKeep(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	for range 200 {
		var c scan
		var all []spot
		for range 40 {
			at := spot{step: 1 + float64(rng.IntN(100)), cost: rng.Float64()}
			if slices.ContainsFunc(all, func(q spot) bool { return q.step == at.step }) {
				continue
			}
			all = append(all, at)
			c.keep(at, 1e-6, scanBest)
			c.keep(spot{step: at.step * (1 + 1e-7), cost: at.cost + 1e-9}, 1e-6, scanBest) // the same, and worse
		}
		slices.SortFunc(all, func(a, b spot) int {
			if a.cost < b.cost {
				return -1
			}
			return 1
		})
		if want := all[:scanBest]; !slices.Equal(c.spots, want) {
			t.Fatalf("kept %v, want %v", c.spots, want)
		}
	}
}

// TestScanDifferent: the estimate of the number of different magnitudes is near enough.
func TestScanDifferent(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 6))
	for _, n := range []int{8, 50, 200, 1000} {
		x := make([]float32, 5000)
		for i := range x {
			x[i] = float32(1+rng.IntN(n)) * float32(1-2*rng.IntN(2))
		}
		var c scan
		if got := c.different(x); got < float64(n)/2 || got > 2*float64(n) {
			t.Errorf("about %v different magnitudes, want %d", got, n)
		}
	}
	var c scan
	if got := c.different(samples.Values(1, 5000, samples.Named("normal"))); got < 5000 {
		t.Errorf("about %v different magnitudes of normal values", got)
	}
	if got := c.different(samples.Values(1, 5000, samples.Named("zeros"))); !math.IsInf(got, 1) {
		t.Errorf("about %v different magnitudes of zeros, which do not count", got)
	}
}

// TestScanWork: a scan measures few ranges.
func TestScanWork(t *testing.T) {
	for _, name := range []string{"normal", "laplace", "shifted"} {
		x := samples.Values(7, 4096, samples.Named(name))
		for _, bits := range []int{4, 8, 16} {
			for _, goal := range []Goal{Squares, Absolute} {
				task := integers{bits: bits, symmetric: true}.task(goal)
				cost, calls := costOf(task, x), 0
				r := Range{Min: slices.Min(x), Max: slices.Max(x)}
				var s Search
				s.begin(task)
				if _, ok := s.scanned(x, r, func(r Range, limit float64) float64 { calls++; return cost(r, limit) }); !ok {
					t.Fatal("there was no scan")
				}
				t.Logf("%s, %d bits, goal %d: %d ranges", name, bits, goal, calls)
				if most := 256; calls > most && bits < 16 || calls > 4*most {
					t.Errorf("%s, %d bits, goal %d: %d ranges", name, bits, goal, calls)
				}
			}
		}
	}
}
