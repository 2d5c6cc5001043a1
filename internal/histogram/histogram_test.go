package histogram

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/a01592f9/quant/internal/samples"
)

// counted returns a histogram of x, which a kernel would make.
func counted(lanes int, x []float32) *Histogram {
	h := new(Histogram)
	h.Reset(lanes)
	for i, v := range x {
		b := BinOf(v)
		if h.at[0][b/PerOctave] == 0 {
			h.Place(b)
		}
		var at [Lanes]*OctaveIndex
		counters, most := h.Counters(&at, 1)
		if most != 1 {
			panic("no room for a value")
		}
		counters[int(at[i%Lanes][b/PerOctave])+b-Bins]++
		h.Counted(1)
	}
	return h
}

// check compares all that can be read of a histogram with the values.
func check(t *testing.T, h *Histogram, x []float32, times uint64) {
	t.Helper()
	want := map[int]uint64{}
	for _, v := range x {
		want[BinOf(v)] += times
	}
	for b := range Bins {
		if got := h.Count(b); got != want[b] {
			t.Fatalf("bin %#x has %d values, want %d", b, got, want[b])
		}
	}
	seen, last := 0, float32(math.Inf(-1))
	for i, b, n := h.NextAscending(0); i < Bins; i, b, n = h.NextAscending(i + 1) {
		least, greatest := Edges(b)
		if b >= Negative {
			least = -greatest
		}
		if n != want[b] || float32(least) < last {
			t.Fatalf("bin %#x comes after %v with %d values, want %d", b, last, n, want[b])
		}
		last = float32(least)
		seen++
	}
	bins := 0
	for b := h.Next(0); b < Bins; b = h.Next(b + 1) {
		bins++
	}
	if seen != len(want) || bins != len(want) {
		t.Fatalf("%d and %d bins hold values, want %d", seen, bins, len(want))
	}
}

func TestCounts(t *testing.T) {
	for _, d := range samples.Distributions {
		for _, lanes := range []int{1, Lanes} {
			t.Run(fmt.Sprintf("%s, %d lanes", d.Name, lanes), func(t *testing.T) {
				x := samples.Values(3, 2000, d.Of)
				h := counted(lanes, x)
				check(t, h, x, 1)
				other := counted(1, x)
				other.Merge(h)
				check(t, other, x, 2)
				h.Reset(lanes)
				check(t, h, nil, 0)
				h.Merge(other)
				check(t, h, x, 2)
			})
		}
	}
}

// TestLargeCounts has counts that 32 bits do not hold.
func TestLargeCounts(t *testing.T) {
	x := []float32{1, 1.001, -3, 0, 2e-40, 1e30}
	const times = 3 << 31
	var h, o Histogram
	h.Reset(1)
	o.Reset(Lanes)
	for _, v := range x {
		h.AddCount(BinOf(v), times-1)
		h.AddCount(BinOf(v), 1)
		o.AddCount(BinOf(v), math.MaxUint32)
	}
	check(t, &h, x, times)
	if _, most := o.Counters(new([Lanes]*OctaveIndex), 7); most < 1 {
		t.Errorf("%d values may be counted, want at least 1", most)
	}
	h.Merge(&o)
	check(t, &h, x, times+math.MaxUint32)
}

func TestZeroHistogram(t *testing.T) {
	var h Histogram
	if i, _, _ := h.NextAscending(0); !h.Empty() || h.Next(0) != Bins || i != Bins || h.Count(5) != 0 {
		t.Error("it is not empty")
	}
	o := counted(1, []float32{1})
	o.Merge(&h)
	check(t, o, []float32{1}, 1)
}

func TestRank(t *testing.T) {
	for _, d := range samples.Distributions {
		t.Run(d.Name, func(t *testing.T) {
			x := samples.Values(5, 1001, d.Of)
			h := counted(1, x)
			slices.Sort(x)
			n := uint64(len(x))
			r := Range{x[0], x[n-1]}
			for k := range n {
				got, want := h.Rank(k, n, r), x[k]
				if bound := max(math.Abs(float64(want))*0x1p-7, 0x1p-133); math.Abs(float64(got)-float64(want)) > bound || got < r.Min || got > r.Max {
					t.Errorf("value %d is about %v, want %v", k, got, want)
				}
				bin, smaller := h.Locate(k)
				if w := BinOf(want); bin != w && want != 0 {
					t.Errorf("value %d is in bin %#x, want %#x", k, bin, w)
				}
				if smaller >= h.Count(bin) {
					t.Errorf("value %d: %d in its bin are smaller, of %d", k, smaller, h.Count(bin))
				}
			}
			if got := h.Percentile(0, n, r); got != r {
				t.Errorf("all values are in %v, got %v", r, got)
			}
		})
	}
}

func TestTails(t *testing.T) {
	for _, tt := range []struct {
		p    float64
		n, k uint64
	}{{100, 1000, 0}, {99, 1000, 5}, {99.9, 1000, 0}, {99.75, 2000, 2}, {50, 7, 1}, {1e-9, 7, 3}, {1e-9, 8, 3}, {1e-9, 1, 0}} {
		t.Run(fmt.Sprintf("%v of %d", tt.p, tt.n), func(t *testing.T) {
			if got := Tails(tt.p, tt.n); got != tt.k {
				t.Errorf("%d values are left out at either end, want %d", got, tt.k)
			}
		})
	}
}
