package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// newInsideProblem returns parameters that the kernel serves, but for a share of the runs (one
// in odd, none if odd is 0), and elements that all have codes in the grid.
func newInsideProblem(rng *rand.Rand, s shape, g grid, odd int) *problem {
	p := newGroupProblem(rng, s, g, odd)
	for i, x := range p.src {
		j := s.param(i)
		lo, hi := float32(g.qmin-p.zero[j]), float32(g.qmax-p.zero[j])
		if _, clipped := deviation(x, p.scale[j], lo, hi); clipped > 0 || !finite(x) {
			p.src[i] = float32((g.qmin+g.qmax)/2-p.zero[j]) * p.scale[j]
		}
	}
	return p
}

// TestErrorsInside compares sums of errors with the definition where no code is clamped: all
// lengths, next to guard pages and at all alignments, with and without sums of squares.
func TestErrorsInside(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		h := insideHarness{t, newArea(t, 4*longest), newArea(t, 24*longest), newArea(t, 8*longest), newArea(t, 4*longest), newArea(t, 4*longest)}
		rng := rand.New(rand.NewPCG(101, 102))
		grids := grids(8)
		for i, s := range shortRuns() {
			odd := []int{0, 0, 7, 60}[i%4]
			p := newInsideProblem(rng, s, grids[i%len(grids)], odd)
			for _, end := range ends {
				h.check(p, placing{end, end, end, 0})
				h.check(p, placing{end, 0, end, 1 + i%67})
			}
			if odd == 0 {
				handlesAll(t, p.params(), true, errorsInsideRuns(make([]sums, p.params()), nil, p.src, p.run, p.scale, p.zero))
			}
		}
		for i, s := range thin(runAlignments) {
			p := newInsideProblem(rng, s, grids[i%len(grids)], 0)
			for src := range 16 {
				for params := range 16 {
					h.check(p, placing{src, (src + params) % 8, params, 0})
				}
			}
		}
	})
}

// handlesAll fails unless a kernel of errors inside handled all n runs or columns, or none where there
// is no kernel. enough reports whether there are enough of them for a kernel.
func handlesAll(t *testing.T, n int, enough bool, handled int) {
	t.Helper()
	want := 0
	if enough && active != generic {
		want = n
	}
	if handled != want {
		t.Fatalf("a kernel handled %d of %d, want %d", handled, n, want)
	}
}

// TestErrorsInsideTwo is TestErrorsInside for two schemes. The second has scales that are about
// twice those of the first, and a grid that holds all codes.
func TestErrorsInsideTwo(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		h := newTwoHarness(t)
		rng := rand.New(rand.NewPCG(111, 112))
		grids := grids(8)
		for i, s := range shortRuns() {
			h.solve(rng, newInsideProblem(rng, s, grids[i%len(grids)], []int{0, 0, 7, 60}[i%4]), []int{0, 9, 0, 60}[i%4])
			for _, end := range ends {
				h.check(placing{end, end, end, 0})
				h.check(placing{end, 0, end, 1 + i%67})
			}
		}
		for i, s := range thin(runAlignments) {
			h.solve(rng, newInsideProblem(rng, s, grids[i%len(grids)], 0), 0)
			for src := range 16 {
				for params := range 16 {
					h.check(placing{src, (src + params) % 8, params, 0})
				}
			}
		}
	})
}

// A twoHarness compares errorsInsideBoth with the definition.
type twoHarness struct {
	t         *testing.T
	p         *problem
	scale     [2][]float32
	zero      [2][]int32
	grid      [2]codeGrid
	want      [2][]sums
	squares   []float64
	src, sqAt *area
	acc       [2]*area
	scales    [2]*area
	zeros     [2]*area
}

func newTwoHarness(t *testing.T) *twoHarness {
	h := &twoHarness{t: t, src: newArea(t, 4*longest), sqAt: newArea(t, 8*longest)}
	for k := range 2 {
		h.acc[k], h.scales[k], h.zeros[k] = newArea(t, 24*longest), newArea(t, 4*longest), newArea(t, 4*longest)
	}
	return h
}

// solve adds a second scheme to p. A share of its scales, one in odd, may be such that the kernel
// does not serve them.
func (h *twoHarness) solve(rng *rand.Rand, p *problem, odd int) {
	h.p = p
	other := newGroupProblem(rng, shape{n: p.params(), run: 1}, p.grid, odd)
	for i, s := range p.scale {
		const significand = 1<<23 - 1
		exponent := math.Float32bits(s)>>23 + 2 // codes are in a grid of 8 bits whatever the zero point
		other.zero[i] = min(max(other.zero[i], -255), 255)
		if p.zero[i] < -255 || p.zero[i] > 255 { // quotients may be far from 0: a kernel serves neither scheme
			exponent += 24
			other.zero[i] = 256
		}
		other.scale[i] = math.Float32frombits(min(exponent, 250)<<23 | math.Float32bits(other.scale[i])&significand)
	}
	h.scale, h.zero = [2][]float32{p.scale, other.scale}, [2][]int32{p.zero, other.zero}
	h.grid = [2]codeGrid{{qmin: p.qmin, qmax: p.qmax, bits: 8}, {qmin: -2000, qmax: 2000, bits: 8}}
	for k, g := range h.grid {
		h.want[k] = make([]sums, p.params())
		errorsRunsGeneric(h.want[k], p.src, p.run, h.scale[k], h.zero[k], g.qmin, g.qmax)
	}
	h.squares = make([]float64, p.params())
	squaresRunsGeneric(h.squares, p.src, p.run)
}

func (h *twoHarness) check(at placing) {
	h.t.Helper()
	p, n := h.p, h.p.params()
	x := put(h.src, p.src, at.src)
	for _, squares := range []bool{false, true} {
		var r [2]insideRuns
		for k := range r {
			s, z := place[float32](h.scales[k], n+at.extra, at.params), place[int32](h.zeros[k], n+at.extra, at.params)
			copy(s, h.scale[k])
			copy(z, h.zero[k])
			r[k] = insideRuns{&h.grid[k], place[sums](h.acc[k], n, at.dst), s, z}
		}
		var sq []float64
		if squares {
			sq = place[float64](h.sqAt, n, at.dst)
		}
		errorsInsideBoth(r[0], r[1], sq, x, p.run)
		for k := range r {
			if i := differ(r[k].acc, h.want[k]); i >= 0 {
				h.t.Fatalf("sums of run %d under scheme %d are %x, want %x: scale %x, zero point %d of %v (placed at %+v, squares %t)",
					i, k, r[k].acc[i], h.want[k][i], h.scale[k][i], h.zero[k][i], p, at, squares)
			}
			if !h.acc[k].intact() || !h.scales[k].intact() || !h.zeros[k].intact() ||
				differ(r[k].scale[:n], h.scale[k]) >= 0 || differ(r[k].zero[:n], h.zero[k]) >= 0 {
				h.t.Fatalf("stores outside its slices: %v (placed at %+v)", p, at)
			}
		}
		if i := differ(sq, h.squares[:len(sq)]); i >= 0 {
			h.t.Fatalf("sum of squares %d is %x, want %x: %v (placed at %+v)", i, sq[i], h.squares[i], p, at)
		}
		if squares && !h.sqAt.intact() || differ(x, p.src) >= 0 {
			h.t.Fatalf("stores outside its slices: %v (placed at %+v)", p, at)
		}
	}
}

// TestErrorsInsideColumns is TestErrorsInside for columns.
func TestErrorsInsideColumns(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		h := newColumnsHarness(t)
		h.inside = true
		rng := rand.New(rand.NewPCG(109, 110))
		grids := grids(8)
		for i, s := range strideShapes() {
			odd := []int{0, 0, 7, 60}[i%4]
			p := newInsideProblem(rng, s, grids[i%len(grids)], odd)
			h.solveProblem(rng, p)
			for _, end := range ends {
				h.check(placing{end, end, end, 0})
				h.check(placing{end, end, end, 1 + i%67})
			}
			if odd == 0 {
				enough := p.rows > 0 && (p.run >= 8 || active == avx512)
				handlesAll(t, p.run, enough, errorsInsideColumns(newColumnSums(p.run), p.src, p.rows, p.stride, p.scale, p.zero))
			}
		}
		for i, s := range thin(strideAlignments) {
			h.solveProblem(rng, newInsideProblem(rng, s, grids[i%len(grids)], 0))
			for src := range 16 {
				for dst := range 16 {
					h.check(placing{src, dst, (src + dst) % 16, 0})
				}
			}
		}
	})
}

type insideHarness struct {
	t                          *testing.T
	src, acc, sq, scale, zeros *area
}

func (h *insideHarness) check(p *problem, at placing) {
	h.t.Helper()
	g := codeGrid{qmin: p.qmin, qmax: p.qmax, bits: 8}
	want, wantSquares := make([]sums, p.params()), make([]float64, p.params())
	errorsRunsGeneric(want, p.src, p.run, p.scale, p.zero, p.qmin, p.qmax)
	squaresRunsGeneric(wantSquares, p.src, p.run)
	x := put(h.src, p.src, at.src)
	s, z := place[float32](h.scale, len(p.scale)+at.extra, at.params), place[int32](h.zeros, len(p.zero)+at.extra, at.params)
	copy(s, p.scale)
	copy(z, p.zero)
	for _, squares := range []bool{false, true} {
		got, sq := place[sums](h.acc, len(want), at.dst), []float64(nil)
		if squares {
			sq = place[float64](h.sq, len(want), at.dst)
		}
		g.errorsInside(got, sq, x, p.run, s, z)
		if i := differ(got, want); i >= 0 {
			h.t.Fatalf("sums of run %d are %x, want %x: scale %x, zero point %d of %v (placed at %+v, squares %t)",
				i, got[i], want[i], p.scale[i], p.zero[i], p, at, squares)
		}
		if i := differ(sq, wantSquares[:len(sq)]); i >= 0 {
			h.t.Fatalf("sum of squares %d is %x, want %x: %v (placed at %+v)", i, sq[i], wantSquares[i], p, at)
		}
		if !h.acc.intact() || squares && !h.sq.intact() || differ(x, p.src) >= 0 ||
			differ(s[:len(p.scale)], p.scale) >= 0 || differ(z[:len(p.zero)], p.zero) >= 0 {
			h.t.Fatalf("stores outside its slice: %v (placed at %+v)", p, at)
		}
	}
}

// TestErrorsInsideBoundaries has the values at and next to each boundary between codes, for
// scales at and next to those that the kernel does not serve.
func TestErrorsInsideBoundaries(t *testing.T) {
	scales := 2000
	if *exhaustive {
		scales = 1 << 20
	} else if testing.Short() {
		scales = 200
	}
	rng := rand.New(rand.NewPCG(103, 104))
	grids := grids(8)
	for i := range scales {
		g := grids[i%len(grids)]
		m := rng.Uint32N(1 << 23)
		if i%2 == 0 {
			m = (rng.Uint32N(1<<8)<<15 + uint32(rng.IntN(27)-13)) & (1<<23 - 1)
		}
		if i%16 == 1 {
			m = 1<<23 - 1 // the significand whose quotients are nearest to a boundary
		}
		scale := ulps(0, int(uint32(127-100+rng.IntN(201))<<23|m))
		zero := []int32{0, g.qmin, g.qmax, 255, -255, 256, rng.Int32N(511) - 255}[rng.IntN(7)]
		p := boundaries(scale, zero, g)
		lo, hi := float32(g.qmin-zero), float32(g.qmax-zero)
		n := 0
		for _, x := range p.src {
			if _, clipped := deviation(x, scale, lo, hi); clipped == 0 && finite(x) {
				p.src[n] = x
				n++
			}
		}
		p.src = p.src[:n]
		var got, want [1]sums
		errorsRunsGeneric(want[:], p.src, n, p.scale, p.zero, g.qmin, g.qmax)
		c := codeGrid{qmin: g.qmin, qmax: g.qmax, bits: 8}
		forEachFast(func() {
			if c.errorsInside(got[:], nil, p.src, n, p.scale, p.zero); got != want {
				t.Fatalf("%v: sums are %x, want %x: scale %x, zero point %d, grid %v", active, got, want, scale, zero, g)
			}
			var first, second [1]sums
			r := insideRuns{&c, first[:], p.scale, p.zero}
			errorsInsideBoth(r, insideRuns{&c, second[:], p.scale, p.zero}, nil, p.src, n)
			if first != want || second != want {
				t.Fatalf("%v: sums of two schemes are %x and %x, want %x: scale %x, zero point %d, grid %v", active, first, second, want, scale, zero, g)
			}
			var one [2]sums // of a single column, and by its definition
			for k, f := range []func(columnSums, []float32, int, int, []float32, []int32){c.errorsInsideColumns, c.errorsColumns} {
				var abs, sq [1]float64
				var greatest [1]float32
				var clipped [1]uint32
				f(columnSums{abs[:], sq[:], greatest[:], clipped[:]}, p.src, n, 1, p.scale, p.zero)
				one[k] = sums{abs[0], sq[0], greatest[0], clipped[0]}
			}
			if one[0] != one[1] {
				t.Fatalf("%v: sums of a column are %x, want %x: scale %x, zero point %d, grid %v", active, one[0], one[1], scale, zero, g)
			}
		})
	}
}

// TestHolds compares what is said of a range with the codes of its ends.
func TestHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(105, 106))
	grids := grids(8)
	seen := map[bool]int{}
	for i := range 20000 {
		g := grids[i%len(grids)]
		s, z := []float32{anyScale(rng)}, []int32{anyZero(rng, g)}
		x := []float32{anyValue(rng, s[0], z[0], g), anyValue(rng, s[0], z[0], g)}
		toFinite(x)
		lo, hi := []float32{min(x[0], x[1])}, []float32{max(x[0], x[1])}
		want := true
		for _, v := range x {
			_, clipped := deviation(v, s[0], float32(g.qmin-z[0]), float32(g.qmax-z[0]))
			want = want && clipped == 0
		}
		c := codeGrid{qmin: g.qmin, qmax: g.qmax, bits: 8}
		if got := c.holds(lo, hi, s, z); got != want {
			t.Fatalf("[%x, %x] with scale %x and zero point %d in %v: %t, want %t", lo[0], hi[0], s[0], z[0], g, got, want)
		}
		seen[want]++
	}
	if seen[true] < 1000 || seen[false] < 1000 {
		t.Errorf("outcomes %v: too few of one", seen)
	}
}
