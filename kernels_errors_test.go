package quant

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// shortRuns returns the shapes whose runs an errors kernel takes: blockLen at most.
func shortRuns() []shape {
	return slices.DeleteFunc(runShapes(), func(s shape) bool { return min(s.run, s.n) > blockLen })
}

var strideAlignments = []shape{
	{n: 201, run: 67, rows: 3, stride: 67}, {n: 200, run: 7, rows: 22, stride: 9}, {n: 500, run: 128, rows: 2, stride: 333},
}

var runAlignments = []shape{{n: 300, run: 300}, {n: 100, run: 9}, {n: 163, run: 32}, {n: 40, run: 1}, {n: 340, run: 130}}

func TestErrorsRuns(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		src, acc, scale, zero := newArea(t, 4*longest), newArea(t, 24*longest), newArea(t, 4*longest), newArea(t, 4*longest)
		squares := newArea(t, 8*longest)
		check := func(p *problem, want []sums, at placing) {
			t.Helper()
			x := put(src, p.src, at.src)
			s, z := place[float32](scale, len(p.scale)+at.extra, at.params), place[int32](zero, len(p.zero)+at.extra, at.params)
			copy(s, p.scale)
			copy(z, p.zero)
			got := place[sums](acc, len(want), at.dst)
			errorsRuns(got, x, p.run, s, z, p.qmin, p.qmax)
			if i := differ(got, want); i >= 0 {
				t.Fatalf("sums of run %d are %x, want %x: scale %x, zero point %d of %v (placed at %+v)",
					i, got[i], want[i], p.scale[i], p.zero[i], p, at)
			}
			if !acc.intact() || differ(x, p.src) >= 0 || differ(s[:len(p.scale)], p.scale) >= 0 || differ(z[:len(p.zero)], p.zero) >= 0 {
				t.Fatalf("stores outside its slice: %v (placed at %+v)", p, at)
			}
			wantSquares := make([]float64, len(want))
			squaresRunsGeneric(wantSquares, p.src, p.run)
			got = place[sums](acc, len(want), at.dst)
			sq := place[float64](squares, len(want), at.dst)
			errorsSquaresRuns(got, sq, x, p.run, s, z, p.qmin, p.qmax)
			if i := differ(got, want); i >= 0 {
				t.Fatalf("beside squares, sums of run %d are %x, want %x: %v (placed at %+v)", i, got[i], want[i], p, at)
			}
			if i := differ(sq, wantSquares); i >= 0 {
				t.Fatalf("sum of squares %d is %x, want %x: %v (placed at %+v)", i, sq[i], wantSquares[i], p, at)
			}
			if !acc.intact() || !squares.intact() {
				t.Fatalf("with squares, stores outside its slice: %v (placed at %+v)", p, at)
			}
		}
		rng := rand.New(rand.NewPCG(9, 10))
		grids := grids(16)
		solve := func(s shape, g grid) (p *problem, want []sums) {
			p = newProblem(rng, s, g)
			toFinite(p.src)
			want = make([]sums, s.params())
			errorsRunsGeneric(want, p.src, p.run, p.scale, p.zero, p.qmin, p.qmax)
			return p, want
		}
		for i, s := range shortRuns() {
			p, want := solve(s, grids[i%len(grids)])
			for _, end := range ends {
				check(p, want, placing{end, end, end, 0})
				check(p, want, placing{end, 0, end, 1 + i%67})
			}
		}
		for i, s := range thin(runAlignments) {
			p, want := solve(s, grids[i%len(grids)])
			for src := range 16 {
				for params := range 16 {
					check(p, want, placing{src, (src + params) % 8, params, 0})
				}
			}
		}
	})
}

func TestErrorsColumns(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		h := newColumnsHarness(t)
		rng := rand.New(rand.NewPCG(11, 12))
		grids := grids(16)
		for i, s := range strideShapes() {
			h.solve(rng, s, grids[i%len(grids)])
			for _, end := range ends {
				h.check(placing{end, end, end, 0})
				h.check(placing{end, end, end, 1 + i%67})
			}
		}
		for i, s := range thin(strideAlignments) {
			h.solve(rng, s, grids[i%len(grids)])
			for src := range 16 {
				for dst := range 16 {
					h.check(placing{src, dst, (src + dst) % 16, 0})
				}
			}
		}
	})
}

// A columnsHarness compares errorsColumns with its definition.
type columnsHarness struct {
	t                        *testing.T
	p                        *problem
	from, want               columnSums
	src, scale, zero         *area
	abs, sq, max, clippedSum *area

	inside bool // elements have codes in the grid, and errorsInsideColumns is compared
}

func newColumnsHarness(t *testing.T) *columnsHarness {
	a := func(size int) *area { return newArea(t, size*longest) }
	return &columnsHarness{t: t, src: a(4), scale: a(4), zero: a(4), abs: a(8), sq: a(8), max: a(4), clippedSum: a(4)}
}

// kernel calls what is compared with the definition.
func (h *columnsHarness) kernel(acc columnSums, src, scale []float32, zero []int32) {
	p := h.p
	if h.inside {
		g := codeGrid{qmin: p.qmin, qmax: p.qmax, bits: 8}
		g.errorsInsideColumns(acc, src, p.rows, p.stride, scale, zero)
		return
	}
	errorsColumns(acc, src, p.rows, p.stride, scale, zero, p.qmin, p.qmax)
}

// solve makes a problem in which the sums of some columns are not zero at first.
func (h *columnsHarness) solve(rng *rand.Rand, s shape, g grid) {
	p := newProblem(rng, s, g)
	toFinite(p.src)
	h.solveProblem(rng, p)
}

func (h *columnsHarness) solveProblem(rng *rand.Rand, p *problem) {
	h.p = p
	n := p.run
	h.from = columnSums{make([]float64, n), make([]float64, n), make([]float32, n), make([]uint32, n)}
	for j := range n {
		if rng.IntN(2) == 0 {
			d := float64(ulps(h.p.scale[j], -rng.IntN(2)))
			h.from.abs[j], h.from.sq[j] = d*rng.Float64(), d*d*rng.Float64()
			h.from.max[j], h.from.clipped[j] = h.p.scale[j]*rng.Float32(), rng.Uint32N(blockRows)
		}
	}
	h.want = columnSums{slices.Clone(h.from.abs), slices.Clone(h.from.sq), slices.Clone(h.from.max), slices.Clone(h.from.clipped)}
	errorsColumnsGeneric(h.want, p.src, p.rows, p.stride, p.scale, p.zero, p.qmin, p.qmax)
}

func (h *columnsHarness) check(at placing) {
	h.t.Helper()
	p := h.p
	src, scale := put(h.src, p.src, at.src), put(h.scale, p.scale, at.params)
	zero := place[int32](h.zero, len(p.zero)+at.extra, at.params)
	copy(zero, p.zero)
	got := columnSums{
		put(h.abs, h.from.abs, at.dst), put(h.sq, h.from.sq, at.dst),
		put(h.max, h.from.max, at.dst), put(h.clippedSum, h.from.clipped, at.dst),
	}
	h.kernel(got, src, scale, zero)
	for _, d := range []struct {
		what string
		at   int
	}{
		{"sum |e|", differ(got.abs, h.want.abs)}, {"sum e²", differ(got.sq, h.want.sq)},
		{"max |e|", differ(got.max, h.want.max)}, {"clipped", differ(got.clipped, h.want.clipped)},
	} {
		if j := d.at; j >= 0 {
			h.t.Fatalf("%s of column %d: %x %x %x %d, want %x %x %x %d: scale %x, zero point %d of %v (placed at %+v)",
				d.what, j, got.abs[j], got.sq[j], got.max[j], got.clipped[j],
				h.want.abs[j], h.want.sq[j], h.want.max[j], h.want.clipped[j], p.scale[j], p.zero[j], p, at)
		}
	}
	for _, a := range []*area{h.abs, h.sq, h.max, h.clippedSum} {
		if !a.intact() {
			h.t.Fatalf("stores outside its slices: %v (placed at %+v)", p, at)
		}
	}
	if differ(src, p.src) >= 0 || differ(scale, p.scale) >= 0 || differ(zero[:len(p.zero)], p.zero) >= 0 {
		h.t.Fatalf("stores in its source or parameters: %v (placed at %+v)", p, at)
	}
}

func TestSquares(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		src, acc := newArea(t, 4*longest), newArea(t, 8*longest)
		rng := rand.New(rand.NewPCG(13, 14))
		check := func(s shape, x []float32, srcAt, dstAt int) {
			t.Helper()
			from, want := make([]float64, s.params()), make([]float64, s.params())
			for j := range from {
				from[j] = float64(x[j])*float64(x[j]) + 0x1p-300*float64(j%3)
			}
			copy(want, from)
			mem, got := put(src, x, srcAt), put(acc, from, dstAt)
			if s.rows > 0 {
				squaresColumnsGeneric(want, x, s.rows, s.stride)
				squaresColumns(got, mem, s.rows, s.stride)
			} else {
				squaresRunsGeneric(want, x, s.run)
				squaresRuns(got, mem, s.run)
			}
			if i := differ(got, want); i >= 0 {
				t.Fatalf("sum %d is %x, want %x: %v (placed at %d, %d)", i, got[i], want[i], s, srcAt, dstAt)
			}
			if !acc.intact() || differ(mem, x) >= 0 {
				t.Fatalf("stores outside its slice: %v (placed at %d, %d)", s, srcAt, dstAt)
			}
		}
		for _, s := range append(shortRuns(), strideShapes()...) {
			x := finiteValues(rng, s.n)
			for _, end := range ends {
				check(s, x, end, end)
			}
		}
		for _, s := range thin(append(strideAlignments, runAlignments...)) {
			x := finiteValues(rng, s.n)
			for src := range 16 {
				for dst := range 8 {
					check(s, x, src, dst)
				}
			}
		}
	})
}

// TestErrorsEveryExponent has values at each boundary between codes, for
// scales of every exponent, in both walks.
func TestErrorsEveryExponent(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		for _, scale := range thin(everyExponent()) {
			for _, zero := range []int32{0, 3, -200} {
				p := boundaries(scale, zero, grid{-128, 127})
				p.src, p.run = append(p.src, p.src[:11]...), 1000
				toFinite(p.src)
				p.n = len(p.src)
				compareErrors(t, p)
			}
		}
	})
}

// compareErrors compares the errors of a problem with one scale and zero point
// in both walks with their definitions.
func compareErrors(t *testing.T, p *problem) {
	t.Helper()
	const cols = 64
	scale, zero := make([]float32, max(cols, p.params())), make([]int32, max(cols, p.params()))
	fill(scale, p.scale[0])
	fill(zero, p.zero[0])
	got, want := make([]sums, p.params()), make([]sums, p.params())
	errorsRuns(got, p.src, p.run, scale, zero, p.qmin, p.qmax)
	errorsRunsGeneric(want, p.src, p.run, scale, zero, p.qmin, p.qmax)
	if i := differ(got, want); i >= 0 {
		t.Fatalf("sums of run %d are %x, want %x: %v, scale %x, zero point %d", i, got[i], want[i], p, scale[0], zero[0])
	}
	if p.n < cols {
		return
	}
	var a, b errorWork
	gotc, wantc := a.columns(cols), b.columns(cols)
	errorsColumns(gotc, p.src, p.n/cols, cols, scale[:cols], zero[:cols], p.qmin, p.qmax)
	errorsColumnsGeneric(wantc, p.src, p.n/cols, cols, scale[:cols], zero[:cols], p.qmin, p.qmax)
	if a != b {
		t.Fatalf("sums of columns differ: %v, scale %x, zero point %d", p, scale[0], zero[0])
	}
}
