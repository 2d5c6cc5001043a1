package quant

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// Places are counters, and where the bins of octaves are among them.
type places struct {
	counts []uint32
	at     [histogramLanes]*octaveIndex
}

// newPlaces gives some octaves places: all, one, some of them, or those of usual
// values. Lanes have their own or share them; some may lack one that others have.
func newPlaces(rng *rand.Rand) *places {
	p := new(places)
	has := [...]func(octave int) bool{
		func(o int) bool { return true },
		func(o int) bool { return o == 127 },
		func(o int) bool { return rng.IntN(4) == 0 },
		func(o int) bool { return o%256 > 100 && o%256 < 140 },
	}[rng.IntN(4)]
	lanes := 1 + rng.IntN(2)*(histogramLanes-1)
	lacking := rng.IntN(4) == 0
	pages := 0
	for l := range p.at {
		if l >= lanes {
			p.at[l] = p.at[0]
			continue
		}
		p.at[l] = new(octaveIndex)
		for _, o := range rng.Perm(octaves) {
			if has(o) && !(lacking && rng.IntN(100) == 0) {
				p.at[l][o] = uint32(bins + (pages-o)*binsEach)
				pages++
			}
		}
	}
	p.counts = make([]uint32, pages*binsEach)
	for i := range p.counts {
		p.counts[i] = uint32(i%3) - 1 // some wrap around
	}
	return p
}

// values returns n elements, all or most of which have a place.
func (p *places) values(rng *rand.Rand, n int) []float32 {
	var placed []uint32
	for o := range uint32(octaves) {
		if !slices.ContainsFunc(p.at[:], func(at *octaveIndex) bool { return at[o] == 0 }) {
			placed = append(placed, o)
		}
	}
	x := make([]float32, n)
	repeats := rng.IntN(3) == 0
	for i := range x {
		b := rng.Uint32()
		if len(placed) > 0 {
			b = placed[rng.IntN(len(placed))]<<23 | b>>9
		}
		if repeats && i > 0 && rng.IntN(4) > 0 {
			b = math.Float32bits(x[i-1])
		}
		x[i] = math.Float32frombits(b)
	}
	for range rng.IntN(3) * rng.IntN(2) { // so some, or none at all
		if n > 0 {
			x[rng.IntN(n)] = math.Float32frombits(rng.Uint32())
		}
	}
	return x
}

func TestHistogramRuns(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		const most = 3 << 15 // some take the way of long slices
		rng := rand.New(rand.NewPCG(21, 22))
		src, counts := newArea(t, 4*most+100), newArea(t, 4*histogramLanes*bins)
		check := func(p *places, x []float32, srcAt, dstAt int) {
			t.Helper()
			want := slices.Clone(p.counts)
			wantN := histogramRunsGeneric(want, &p.at, x)
			got, mem := put(counts, p.counts, dstAt), put(src, x, srcAt)
			n := histogramRuns(got, &p.at, mem)
			at := fmt.Sprintf("%d elements (placed at %d, %d)", len(x), srcAt, dstAt)
			if n != wantN {
				t.Fatalf("counts %d, want %d, of %s", n, wantN, at)
			}
			if i := differ(got, want); i >= 0 {
				t.Fatalf("counter %d is %d, want %d, after %d of %s", i, got[i], want[i], n, at)
			}
			if !counts.intact() || differ(mem, x) >= 0 {
				t.Fatalf("stores outside its slice: %s", at)
			}
		}
		for range 10 {
			for _, n := range thin(append(lengths(70, 100, 1000), 0)) {
				p := newPlaces(rng)
				x := p.values(rng, n)
				for _, end := range ends {
					check(p, x, end, end)
				}
			}
		}
		for _, n := range thin([]int{1<<15 - 1, 1 << 15, 1<<15 + 1, 1<<15 + 15, 1<<15 + 16, 40001, most - 1, most}) {
			for range 8 {
				p := newPlaces(rng)
				x := p.values(rng, n)
				for _, end := range ends {
					check(p, x, end, end)
				}
			}
		}
		p := newPlaces(rng)
		for _, n := range thin([]int{61, 1<<15 + 5}) {
			x := p.values(rng, n)
			for at := range 16 {
				check(p, x, at, (at+3)%16)
			}
		}
	})
}

// TestHistogramBins has every bin, with the least and the greatest value in
// it, counted on its own.
func TestHistogramBins(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		var p places
		all := new(octaveIndex)
		for o := range all {
			all[o] = bins
		}
		p.at = [...]*octaveIndex{all, all, all, all}
		x := make([]float32, 2*bins)
		for b := range uint32(bins) {
			x[2*b], x[2*b+1] = math.Float32frombits(b<<16), math.Float32frombits(b<<16|0xffff)
		}
		for _, part := range [][]float32{x, x[:2*bins-16], x[:1000]} {
			counts := make([]uint32, bins)
			if n := histogramRuns(counts, &p.at, part); n != len(part) {
				t.Fatalf("counts %d of %d elements", n, len(part))
			}
			for b, c := range counts {
				if want := uint32(2); b < len(part)/2 && c != want || b >= len(part)/2 && c != 0 {
					t.Fatalf("%d values in bin %#04x of %d elements", c, b, len(part))
				}
			}
		}
	})
}

// TestHistogramStops has an octave without a place at each element in turn.
func TestHistogramStops(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		at := new(octaveIndex)
		for _, o := range []int{127, 128, 256 + 127} {
			at[o] = uint32(bins - 127*binsEach) // all in one page
			if o != 127 {
				at[o] = uint32(bins - o*binsEach)
			}
		}
		p := places{at: [...]*octaveIndex{at, at, at, at}, counts: make([]uint32, binsEach)}
		for _, n := range []int{100, 1<<15 + 40} {
			x := make([]float32, n)
			for i := range x {
				x[i] = []float32{1, -1, 2, 1.5}[i*i%4]
			}
			for i := range 50 {
				for _, i := range []int{i, n - 1 - i} {
					v := x[i]
					x[i] = []float32{0, 0.5, -2, math.MaxFloat32, float32(math.Inf(1))}[i%5]
					clear(p.counts)
					if got := histogramRuns(p.counts, &p.at, x); got != i {
						t.Fatalf("counts %d of %d elements, the one at %d of which has no place", got, n, i)
					}
					sum := uint32(0)
					for _, c := range p.counts {
						sum += c
					}
					if sum != uint32(i) {
						t.Fatalf("counts come to %d, want %d of %d", sum, i, n)
					}
					x[i] = v
				}
			}
		}
	})
}

func TestTranspose(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		src, dst := newArea(t, 4*longest), newArea(t, 4*longest)
		rng := rand.New(rand.NewPCG(23, 24))
		check := func(s shape, x []float32, srcAt, dstAt int) {
			t.Helper()
			want := make([]float32, s.rows*s.run)
			transposeGeneric(want, x, s.rows, s.run, s.stride)
			mem, got := put(src, x, srcAt), place[float32](dst, len(want), dstAt)
			transpose(got, mem, s.rows, s.run, s.stride)
			if i := differ(got, want); i >= 0 {
				t.Fatalf("element %d is %x, want %x: %v (placed at %d, %d)", i, got[i], want[i], s, srcAt, dstAt)
			}
			if !dst.intact() || differ(mem, x) >= 0 {
				t.Fatalf("stores outside its slice: %v (placed at %d, %d)", s, srcAt, dstAt)
			}
		}
		shapes := strideShapes()
		for cols := range 40 {
			for rows := range 40 {
				shapes = append(shapes, shape{n: (rows+1)*(cols+1) + rows*(cols%3), run: cols + 1, rows: rows + 1, stride: cols + 1 + cols%3})
			}
		}
		for _, s := range shapes {
			x := make([]float32, s.n)
			for i := range x {
				x[i] = math.Float32frombits(rng.Uint32())
			}
			for _, end := range ends {
				check(s, x, end, end)
			}
		}
		for _, s := range thin([]shape{
			{n: 11 * 13, run: 11, rows: 13, stride: 11}, {n: 9 * 20, run: 17, rows: 9, stride: 20}, {n: 64 * 24, run: 64, rows: 24, stride: 64},
		}) {
			x := make([]float32, s.n)
			for i := range x {
				x[i] = math.Float32frombits(rng.Uint32())
			}
			for src := range 16 {
				for dst := range 16 {
					check(s, x, src, dst)
				}
			}
		}
	})
}

func FuzzHistogram(f *testing.F) {
	f.Add(seeds(), uint64(1), uint16(1))
	f.Add(seeds()[:68], uint64(2), uint16(200))
	f.Add([]byte{}, uint64(3), uint16(9))
	f.Fuzz(func(t *testing.T, data []byte, places uint64, repeat uint16) {
		x := floatsOf(data)
		if n := len(x) * (1 + int(repeat)); n <= 1<<16 { // some as long as it takes
			x = slices.Repeat(x, 1+int(repeat))
		}
		p := newPlaces(rand.New(rand.NewPCG(places, 0)))
		want := slices.Clone(p.counts)
		wantN := histogramRunsGeneric(want, &p.at, x)
		forEachUsable(func() {
			got := slices.Clone(p.counts)
			n := histogramRuns(got, &p.at, x)
			if i := differ(got, want); n != wantN || i >= 0 {
				t.Fatalf("%v: counts %d of %d elements, want %d, and counter %d differs", active, n, len(x), wantN, i)
			}
		})
	})
}
