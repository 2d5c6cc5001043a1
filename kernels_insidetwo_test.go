package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// secondGrid holds the codes of the second scheme of twice.
var secondGrid = codeGrid{qmin: -2000, qmax: 2000, bits: 8}

// twice returns the parameters of a second scheme for a kernel of two: scales that are twice those
// of p and zero points of at most 255 in magnitude, so that no element is clipped in secondGrid.
func twice(p *problem) (scale []float32, zero []int32) {
	for i, s := range p.scale {
		if math.Float32bits(s) >= 250<<23 || s < 0x1p-126 || p.zero[i] < -255 || p.zero[i] > 255 {
			s, p.zero[i] = 0.5, 0 // quotients may be far from 0
			p.scale[i] = 0.5
		}
		scale = append(scale, 2*s)
		zero = append(zero, -p.zero[i])
	}
	return scale, zero
}

// TestErrorsInsideTwoRetries has runs with few or many elements at and next to boundaries between
// codes, wherever they are. A kernel may do a block twice because of them, and must not do so for ever.
func TestErrorsInsideTwoRetries(t *testing.T) {
	problems := 3000
	if testing.Short() {
		problems = 300
	}
	rng := rand.New(rand.NewPCG(131, 132))
	grids := grids(8)
	for i := range problems {
		g := grids[i%len(grids)]
		n := []int{64, 128, 192, 512, 1000, 4096}[rng.IntN(6)]
		k := 1 + rng.IntN(20)
		if n > 1000 {
			k = 1 + rng.IntN(2)
		}
		p := &problem{grid: g, shape: shape{n: n * k, run: n}, src: make([]float32, n*k)}
		for range k {
			p.scale = append(p.scale, math.Float32frombits(uint32(127-90+rng.IntN(181))<<23|rng.Uint32N(1<<23)))
			p.zero = append(p.zero, []int32{0, g.qmin, g.qmax, 255, -255, rng.Int32N(511) - 255}[rng.IntN(6)])
		}
		second, secondZero := twice(p)
		often := []float64{0, 0.001, 0.003, 0.01, 0.1, 1}[rng.IntN(6)]
		for j := range p.src {
			r := p.param(j)
			lo, hi := float32(g.qmin-p.zero[r]), float32(g.qmax-p.zero[r])
			s := p.scale[r]
			if rng.IntN(2) == 0 {
				s, lo, hi = second[r], lo/2, hi/2
			}
			q := lo + float32(rng.Float64())*(hi-lo)
			x := q * s
			if rng.Float64() < often { // q is an integer, and x a boundary or a neighbour of one
				q = float32(math.Trunc(float64(q)))
				x = ulps(float32((float64(q)+0.5)*float64(s)), rng.IntN(5)-2)
			}
			if _, clipped := deviation(x, p.scale[r], float32(g.qmin-p.zero[r]), float32(g.qmax-p.zero[r])); clipped > 0 || !finite(x) {
				x = float32((g.qmin+g.qmax)/2-p.zero[r]) * p.scale[r]
			}
			p.src[j] = x
		}
		want, want2, wantSq := make([]sums, k), make([]sums, k), make([]float64, k)
		errorsRunsGeneric(want, p.src, n, p.scale, p.zero, g.qmin, g.qmax)
		errorsRunsGeneric(want2, p.src, n, second, secondZero, secondGrid.qmin, secondGrid.qmax)
		squaresRunsGeneric(wantSq, p.src, n)
		c := codeGrid{qmin: g.qmin, qmax: g.qmax, bits: 8}
		forEachFast(func() {
			for _, squares := range []bool{false, true} {
				got, got2, gotSq := make([]sums, k), make([]sums, k), []float64(nil)
				if squares {
					gotSq = make([]float64, k)
				}
				errorsInsideBoth(insideRuns{&c, got, p.scale, p.zero}, insideRuns{&secondGrid, got2, second, secondZero}, gotSq, p.src, n)
				if differ(got, want) >= 0 || differ(got2, want2) >= 0 || differ(gotSq, wantSq[:len(gotSq)]) >= 0 {
					t.Fatalf("%v: problem %d with %d runs of %d, boundaries %v, squares %t:\n%x\n%x\n%x\nwant\n%x\n%x\n%x",
						active, i, k, n, often, squares, got, got2, gotSq, want, want2, wantSq)
				}
			}
		})
	}
}

// someColumnSums returns sums of n columns: 0, or what a block before could have left.
func someColumnSums(rng *rand.Rand, n int) columnSums {
	c := columnSums{make([]float64, n), make([]float64, n), make([]float32, n), make([]uint32, n)}
	for j := range n {
		if rng.IntN(2) == 0 {
			c.abs[j], c.sq[j], c.max[j] = rng.Float64(), rng.Float64(), rng.Float32()
		}
	}
	return c
}

func (c columnSums) clone() columnSums {
	return columnSums{slices.Clone(c.abs), slices.Clone(c.sq), slices.Clone(c.max), slices.Clone(c.clipped)}
}

func (c columnSums) differ(d columnSums) int {
	return max(differ(c.abs, d.abs), differ(c.sq, d.sq), differ(c.max, d.max), differ(c.clipped, d.clipped))
}

// TestErrorsInsideColumnsTwo compares the sums of two schemes and the sums of squares with their
// definitions, at all shapes, next to guard pages and at all alignments.
func TestErrorsInsideColumnsTwo(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		h := newTwoColumnsHarness(t)
		rng := rand.New(rand.NewPCG(121, 122))
		grids := grids(8)
		for i, s := range strideShapes() {
			odd := []int{0, 0, 7, 60}[i%4]
			h.solve(rng, newInsideProblem(rng, s, grids[i%len(grids)], 0), odd)
			for _, end := range ends {
				h.check(placing{end, end, end, 0})
			}
			if p := h.p; slices.Max(h.scale[1]) <= 0x1p100 {
				enough := active != neon && p.rows > 0 && (p.run >= 8 || active == avx512)
				handlesAll(t, h.handled(), enough, errorsInsideColumnsTwo(newColumnSums(p.run), newColumnSums(p.run), nil,
					p.src, p.rows, p.stride, h.scale[0], h.zero[0], h.scale[1], h.zero[1]))
			}
		}
		for i, s := range thin(strideAlignments) {
			h.solve(rng, newInsideProblem(rng, s, grids[i%len(grids)], 0), 0)
			for src := range 16 {
				for dst := range 16 {
					h.check(placing{src, dst, (src + dst) % 16, 0})
				}
			}
		}
	})
}

type twoColumnsHarness struct {
	t           *testing.T
	p           *problem
	grid        [2]codeGrid
	scale       [2][]float32
	zero        [2][]int32
	from, want  [2]columnSums
	fromSq, sq  []float64
	src, sqAt   *area
	scales      [2]*area
	zeros       [2]*area
	sums        [2][3]*area
	clippedSums [2]*area
	served      int // the first column that a kernel does not serve
}

func newTwoColumnsHarness(t *testing.T) *twoColumnsHarness {
	a := func(size int) *area { return newArea(t, size*longest) }
	h := &twoColumnsHarness{t: t, src: a(4), sqAt: a(8)}
	for k := range 2 {
		h.scales[k], h.zeros[k], h.sums[k], h.clippedSums[k] = a(4), a(4), [3]*area{a(8), a(8), a(4)}, a(4)
	}
	return h
}

// solve makes the sums that the kernel has to return. A share of the columns, one in odd, has a
// second scale that the kernel does not serve.
func (h *twoColumnsHarness) solve(rng *rand.Rand, p *problem, odd int) {
	h.p = p
	scale, zero := twice(p)
	h.served = len(scale)
	for i := range scale {
		if odd > 0 && rng.IntN(odd) == 0 {
			h.served = min(h.served, i)
			if rng.IntN(2) == 0 {
				zero[i] = 256
			} else {
				scale[i] = math.Float32frombits(math.Float32bits(scale[i]) | (1<<23 - 1))
			}
		}
	}
	// Parameters that twice has changed need other elements.
	for i, x := range p.src {
		j := p.param(i)
		if _, clipped := deviation(x, p.scale[j], float32(p.qmin-p.zero[j]), float32(p.qmax-p.zero[j])); clipped > 0 {
			p.src[i] = float32((p.qmin+p.qmax)/2-p.zero[j]) * p.scale[j]
		}
	}
	h.scale, h.zero = [2][]float32{p.scale, scale}, [2][]int32{p.zero, zero}
	h.grid = [2]codeGrid{{qmin: p.qmin, qmax: p.qmax, bits: 8}, secondGrid}
	for k, g := range h.grid {
		h.from[k] = someColumnSums(rng, p.run)
		h.want[k] = h.from[k].clone()
		errorsColumnsGeneric(h.want[k], p.src, p.rows, p.stride, h.scale[k], h.zero[k], g.qmin, g.qmax)
	}
	h.fromSq = someColumnSums(rng, p.run).sq
	h.sq = slices.Clone(h.fromSq)
	squaresColumnsGeneric(h.sq, p.src, p.rows, p.stride)
}

// handled returns the number of columns that a kernel has to handle: it stops before 8 or 16 columns
// one of which it does not serve.
func (h *twoColumnsHarness) handled() int {
	step := 16
	if active == avx2 {
		step = 8
	}
	if h.served == h.p.run {
		return h.served
	}
	return h.served / step * step
}

func (h *twoColumnsHarness) check(at placing) {
	h.t.Helper()
	p := h.p
	x := put(h.src, p.src, at.src)
	for _, squares := range []bool{false, true} {
		var r [2]insideColumns
		for k := range r {
			f, a := h.from[k], h.sums[k]
			r[k] = insideColumns{
				&h.grid[k],
				columnSums{put(a[0], f.abs, at.dst), put(a[1], f.sq, at.dst), put(a[2], f.max, at.dst), put(h.clippedSums[k], f.clipped, at.dst)},
				put(h.scales[k], h.scale[k], at.params), put(h.zeros[k], h.zero[k], at.params),
			}
		}
		var sq []float64
		if squares {
			sq = put(h.sqAt, h.fromSq, at.dst)
		}
		errorsInsideColumnsBoth(r[0], r[1], sq, x, p.rows, p.stride)
		for k := range r {
			if i := r[k].acc.differ(h.want[k]); i >= 0 {
				h.t.Fatalf("sums of column %d under scheme %d are %x %x %x, want %x %x %x: scale %x, zero point %d of %v (placed at %+v, squares %t)",
					i, k, r[k].acc.abs[i], r[k].acc.sq[i], r[k].acc.max[i], h.want[k].abs[i], h.want[k].sq[i], h.want[k].max[i],
					h.scale[k][i], h.zero[k][i], p, at, squares)
			}
			for _, a := range append(h.sums[k][:], h.clippedSums[k], h.scales[k], h.zeros[k]) {
				if !a.intact() {
					h.t.Fatalf("stores outside its slices: %v (placed at %+v)", p, at)
				}
			}
			if differ(r[k].scale, h.scale[k]) >= 0 || differ(r[k].zero, h.zero[k]) >= 0 {
				h.t.Fatalf("stores in its parameters: %v (placed at %+v)", p, at)
			}
		}
		if i := differ(sq, h.sq[:len(sq)]); i >= 0 {
			h.t.Fatalf("sum of squares %d is %x, want %x: %v (placed at %+v)", i, sq[i], h.sq[i], p, at)
		}
		if squares && !h.sqAt.intact() || differ(x, p.src) >= 0 {
			h.t.Fatalf("stores outside its slices: %v (placed at %+v)", p, at)
		}
	}
}

// fuzzInside returns a problem whose elements have codes in the grid, and a second scheme that
// clips none of them either. It returns nil without elements.
func fuzzInside(data []byte, scale uint32, zero int32, option uint8, run, cols uint16) (p *problem, g codeGrid, second []float32, secondZero []int32) {
	src := floatsOf(data)
	if len(src) == 0 {
		return nil, g, nil, nil
	}
	toFinite(src)
	p = fuzzProblem(len(src), scale, zero, 0, run%blockLen, cols)
	grids := grids(8)
	p.grid, p.src = grids[int(option)%len(grids)], src
	for i := range p.zero {
		p.zero[i] %= 256
	}
	second, secondZero = twice(p)
	for i, x := range src {
		j := p.param(i)
		if _, clipped := deviation(x, p.scale[j], float32(p.qmin-p.zero[j]), float32(p.qmax-p.zero[j])); clipped > 0 {
			src[i] = float32((p.qmin+p.qmax)/2-p.zero[j]) * p.scale[j]
		}
	}
	return p, codeGrid{qmin: p.qmin, qmax: p.qmax, bits: 8}, second, secondZero
}

func FuzzErrorsInsideTwo(f *testing.F) {
	f.Add(seeds(), uint32(0x3e3d70a4), int32(11), uint8(18), uint16(31))
	f.Add(seeds(), uint32(0x3dcc8003), int32(-255), uint8(7), uint16(8))
	f.Fuzz(func(t *testing.T, data []byte, scale uint32, zero int32, option uint8, run uint16) {
		p, g, second, secondZero := fuzzInside(data, scale, zero, option, run, 0)
		if p == nil {
			return
		}
		k := p.params()
		want, want2, wantSq := make([]sums, k), make([]sums, k), make([]float64, k)
		errorsRunsGeneric(want, p.src, p.run, p.scale, p.zero, g.qmin, g.qmax)
		errorsRunsGeneric(want2, p.src, p.run, second, secondZero, secondGrid.qmin, secondGrid.qmax)
		squaresRunsGeneric(wantSq, p.src, p.run)
		forEachUsable(func() {
			got, got2, gotSq := make([]sums, k), make([]sums, k), make([]float64, k)
			errorsInsideBoth(insideRuns{&g, got, p.scale, p.zero}, insideRuns{&secondGrid, got2, second, secondZero}, gotSq, p.src, p.run)
			if differ(got, want) >= 0 || differ(got2, want2) >= 0 || differ(gotSq, wantSq) >= 0 {
				t.Fatalf("%v: %v:\n%x %x %x\nwant\n%x %x %x", active, p, got, got2, gotSq, want, want2, wantSq)
			}
		})
	})
}

func FuzzErrorsInsideColumns(f *testing.F) {
	f.Add(seeds(), uint32(0x3e3d70a4), int32(11), uint8(18), uint16(31), uint16(16))
	f.Add(seeds(), uint32(0x3dcc8003), int32(-255), uint8(7), uint16(8), uint16(9))
	f.Fuzz(func(t *testing.T, data []byte, scale uint32, zero int32, option uint8, run, cols uint16) {
		p, g, second, secondZero := fuzzInside(data, scale, zero, option, run, cols|1)
		if p == nil {
			return
		}
		n := p.run
		want, want2, wantSq := newColumnSums(n), newColumnSums(n), make([]float64, n)
		errorsColumnsGeneric(want, p.src, p.rows, p.stride, p.scale, p.zero, g.qmin, g.qmax)
		errorsColumnsGeneric(want2, p.src, p.rows, p.stride, second, secondZero, secondGrid.qmin, secondGrid.qmax)
		squaresColumnsGeneric(wantSq, p.src, p.rows, p.stride)
		forEachUsable(func() {
			one, got, got2, gotSq := newColumnSums(n), newColumnSums(n), newColumnSums(n), make([]float64, n)
			g.errorsInsideColumns(one, p.src, p.rows, p.stride, p.scale, p.zero)
			errorsInsideColumnsBoth(insideColumns{&g, got, p.scale, p.zero}, insideColumns{&secondGrid, got2, second, secondZero}, gotSq, p.src, p.rows, p.stride)
			if one.differ(want) >= 0 || got.differ(want) >= 0 || got2.differ(want2) >= 0 || differ(gotSq, wantSq) >= 0 {
				t.Fatalf("%v: %v:\n%x %x %x\nwant\n%x %x %x", active, p, got, got2, gotSq, want, want2, wantSq)
			}
		})
	})
}
