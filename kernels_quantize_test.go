package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A quantizer is a kernel of either walk, its source and parameters given.
type quantizer[T uint8 | uint16] func(dst []T, p *problem, stream bool)

func quantizers8() (kernel, definition quantizer[uint8]) {
	kernel = func(dst []uint8, p *problem, stream bool) {
		if p.rows > 0 {
			quantizeInt8Columns(dst, p.src, p.scale, p.zero, p.qmin, p.qmax, stream)
		} else {
			quantizeInt8Runs(dst, p.src, p.run, p.scale, p.zero, p.qmin, p.qmax, stream)
		}
	}
	return kernel, quantizeDefinition[uint8]
}

func quantizers16() (kernel, definition quantizer[uint16]) {
	kernel = func(dst []uint16, p *problem, stream bool) {
		if p.rows > 0 {
			quantizeInt16Columns(dst, p.src, p.scale, p.zero, p.qmin, p.qmax, stream)
		} else {
			quantizeInt16Runs(dst, p.src, p.run, p.scale, p.zero, p.qmin, p.qmax, stream)
		}
	}
	return kernel, quantizeDefinition[uint16]
}

func quantizeDefinition[T uint8 | uint16](dst []T, p *problem, _ bool) {
	if p.rows > 0 {
		quantizeColumnsGeneric(dst, p.src, p.scale, p.zero, p.qmin, p.qmax)
	} else {
		quantizeRunsGeneric(dst, p.src, p.run, p.scale, p.zero, p.qmin, p.qmax)
	}
}

func TestQuantizeKernels(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		kernel8, definition8 := quantizers8()
		t.Run("bits=8", func(t *testing.T) { testQuantizer(t, kernel8, definition8, grids(8)) })
		kernel16, definition16 := quantizers16()
		t.Run("bits=16", func(t *testing.T) { testQuantizer(t, kernel16, definition16, grids(16)) })
	})
}

// TestQuantizeBands has rows that are wider than what is done at a time past the caches.
func TestQuantizeBands(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		kernel, definition := quantizers8()
		h := newQuantizerHarness(t, kernel, definition, longest)
		rng := rand.New(rand.NewPCG(113, 114))
		for i, cols := range []int{1024, 1025, 1088, 1536, 2048 + 63} {
			for _, g := range grids(8) {
				rows := min(9+i, longest/cols)
				p := newProblem(rng, shape{n: rows * cols, run: cols, rows: rows, stride: cols}, g)
				for j := range p.zero { // which the kernel for all columns serves
					p.zero[j] = min(max(p.zero[j], -32000), 32000)
				}
				h.solve(p)
				for _, end := range ends {
					h.check(p, placing{end, end, end, 0}, true)
				}
			}
		}
	})
}

// TestQuantizeFarColumns has columns that the kernel of prepared columns serves, in rows that are
// not in a cache: a few rows, more than are done together, and some with a column that it does not
// serve.
func TestQuantizeFarColumns(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		kernel, definition := quantizers8()
		h := newQuantizerHarness(t, kernel, definition, longest)
		rng := rand.New(rand.NewPCG(115, 116))
		for i, cols := range []int{512, 513, 575, 576, 1000, 1024, 1025, 1088, 1536, 2048 + 63, 4096} {
			for j, g := range grids(8) {
				rows := min(2+(5*j+i)%17, longest/cols)
				rest := []int{0, 1, cols - 1}[j%3]
				p := newGroupProblem(rng, shape{n: min(rows*cols+rest, longest), run: cols, rows: rows + 1, stride: cols}, g, 0)
				if j%4 == 3 {
					p.scale[rng.IntN(cols)] = 0x1p-120
				}
				h.solve(p)
				for _, end := range ends {
					h.check(p, placing{end, end, end, 0}, true)
					h.check(p, placing{end, 0, end, 0}, true)
				}
			}
			p := newGroupProblem(rng, shape{n: 3 * cols / 2, run: cols, rows: 2, stride: cols}, grids(8)[i], 0)
			if 3*cols <= longest {
				p = newGroupProblem(rng, shape{n: 3 * cols, run: cols, rows: 3, stride: cols}, grids(8)[i], 0)
			}
			h.solve(p)
			for at := range 65 {
				h.check(p, placing{at % 17, at, at % 16, 0}, true)
			}
		}
	})
}

// TestQuantizeFar has elements whose quotients are beyond all integers, at any place of long runs
// whose other elements need no bound.
func TestQuantizeFar(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		kernel, definition := quantizers8()
		h := newQuantizerHarness(t, kernel, definition, longest)
		rng := rand.New(rand.NewPCG(135, 136))
		inf := float32(math.Inf(1))
		for i := range 400 {
			g := grids(8)[i%len(grids(8))]
			run := 256 + rng.IntN(2400)
			p := newGroupProblem(rng, shape{n: longest - rng.IntN(200), run: run}, g, 0)
			for j, x := range p.src {
				if !(x >= -1000*p.scale[j/run] && x <= 1000*p.scale[j/run]) {
					p.src[j] = p.scale[j/run]
				}
			}
			for range rng.IntN(4) {
				j := rng.IntN(p.n)
				s := p.scale[j/run]
				p.src[j] = []float32{inf, -inf, float32(math.NaN()), s * 0x1p31, -s * 0x1p31, s * 0x1p30, s * 32768, -s * 32768, s * 40000, s * -40000, math.MaxFloat32}[rng.IntN(11)]
			}
			h.solve(p)
			h.check(p, placing{i % 17, i % 65, i % 16, 0}, false)
		}
	})
}

func testQuantizer[T uint8 | uint16](t *testing.T, kernel, definition quantizer[T], grids []grid) {
	h := newQuantizerHarness(t, kernel, definition, longest)
	rng := rand.New(rand.NewPCG(1, 2))
	for i, s := range append(runShapes(), columnShapes()...) {
		p := newProblem(rng, s, grids[i%len(grids)])
		h.solve(p)
		for _, end := range ends {
			for _, stream := range []bool{false, true} {
				h.check(p, placing{end, end, end, 0}, stream)
				// A destination and parameters that reach further are usual.
				h.check(p, placing{end, 0, end, 1 + i%67}, stream)
			}
		}
	}
	// Every alignment of source and destination.
	for i, s := range thin([]shape{
		{n: 333, run: 333}, {n: 100, run: 9}, {n: 163, run: 32}, {n: 31, run: 31}, {n: 340, run: 130},
		{n: 201, run: 67, rows: 3, stride: 67}, {n: 99, run: 33, rows: 3, stride: 33}, {n: 150, run: 7, rows: 22, stride: 7},
	}) {
		p := newProblem(rng, s, grids[i%len(grids)])
		h.solve(p)
		for src := range 16 {
			for dst := range 64 {
				h.check(p, placing{src, dst, (src + dst) % 16, 0}, (src^dst)&1 == 0)
			}
		}
	}
	// As much as is stored past the caches for its own sake.
	h = newQuantizerHarness(t, kernel, definition, 1<<18)
	for _, s := range []shape{{n: 1 << 18, run: 1 << 18}, {n: 1<<18 - 5, run: 4096}, {n: 1<<18 - 7, run: 27}, {n: 1<<18 - 9, run: 100, rows: 2622, stride: 100}} {
		p := newProblem(rng, s, grids[len(grids)-1])
		h.solve(p)
		for dst := range 3 {
			h.check(p, placing{atEnd, 13 * dst, atEnd, 0}, true)
			h.check(p, placing{dst, atEnd, dst, 0}, true)
		}
	}
}

// A placing says where in their areas a kernel's slices lie, and by how much
// the destination and the parameters are longer than they have to be.
type placing struct{ src, dst, params, extra int }

type quantizerHarness[T uint8 | uint16] struct {
	t                     *testing.T
	kernel, definition    quantizer[T]
	src, dst, scale, zero *area
	want                  []T
}

func newQuantizerHarness[T uint8 | uint16](t *testing.T, kernel, definition quantizer[T], n int) *quantizerHarness[T] {
	return &quantizerHarness[T]{t: t, kernel: kernel, definition: definition,
		src: newArea(t, 4*n), dst: newArea(t, 2*n), scale: newArea(t, 4*n), zero: newArea(t, 4*n)}
}

// solve finds what the definition makes of p.
func (h *quantizerHarness[T]) solve(p *problem) {
	h.want = make([]T, p.n)
	h.definition(h.want, p, false)
}

// check compares the kernel with it.
func (h *quantizerHarness[T]) check(p *problem, at placing, stream bool) {
	h.t.Helper()
	q := *p
	q.src = put(h.src, p.src, at.src)
	if p.rows > 0 {
		q.scale = put(h.scale, p.scale, at.params) // its length is the number of columns
	} else {
		q.scale = place[float32](h.scale, len(p.scale)+at.extra, at.params)
		copy(q.scale, p.scale)
	}
	q.zero = place[int32](h.zero, len(p.zero)+at.extra, at.params)
	copy(q.zero, p.zero)
	dst := place[T](h.dst, p.n+at.extra, at.dst)
	h.kernel(dst, &q, stream)
	if stream {
		fence()
	}
	if i := differ(dst[:p.n], h.want); i >= 0 {
		h.t.Fatalf("code %d, want %d, of %s (placed at %+v, stream %t)", dst[i], h.want[i], p.at(i), at, stream)
	}
	if !h.dst.intact() || !isUntouched(dst[p.n:]) {
		h.t.Fatalf("stores outside its slice: %v (placed at %+v, stream %t)", p, at, stream)
	}
	if differ(q.src, p.src) >= 0 || differ(q.scale[:len(p.scale)], p.scale) >= 0 || differ(q.zero[:len(p.zero)], p.zero) >= 0 {
		h.t.Fatalf("stores in its source or parameters: %v (placed at %+v, stream %t)", p, at, stream)
	}
}

// TestQuantizeEveryExponent has a tensor of one value at each boundary between
// codes, for scales of every exponent.
func TestQuantizeEveryExponent(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		kernel8, definition8 := quantizers8()
		kernel16, definition16 := quantizers16()
		h8 := newQuantizerHarness(t, kernel8, definition8, 8192)
		h16 := newQuantizerHarness(t, kernel16, definition16, 8192)
		for _, scale := range thin(everyExponent()) {
			for _, zero := range []int32{0, 3, -200} {
				p := boundaries(scale, zero, grid{-128, 127})
				h8.solve(p)
				h8.check(p, placing{}, false)
				h16.solve(p)
				h16.check(p, placing{}, false)
			}
		}
	})
}

// everyExponent returns scales of every exponent and the worst mantissas.
func everyExponent() (s []float32) {
	for e := range uint32(0xff) {
		for _, m := range mantissas {
			if e > 0 || m > 0 {
				s = append(s, ulps(0, int(e<<23|m)))
			}
		}
	}
	for e := range 23 { // subnormal powers of two, and their neighbours
		s = append(s, ulps(0, 1<<e), ulps(0, 1<<e+1))
	}
	return s
}

// boundaries returns as one run the values at and next to each place where the
// code changes, or ought to be clamped, in the grid and somewhat beyond it; of
// a grid of more than 8 bits, most towards its ends. It fits in a block.
func boundaries(scale float32, zero int32, g grid) *problem {
	p := &problem{grid: g, scale: []float32{scale}, zero: []int32{zero}}
	for q := g.qmin - zero - 2; q <= g.qmax-zero+2; q++ {
		x := float32((float64(q) + 0.5) * float64(scale)) // the product is exact
		for k := -2; k <= 2; k++ {
			p.src = append(p.src, ulps(x, k))
		}
		if q > g.qmin-zero+128 && q < g.qmax-zero-128-131 {
			q += 130
		}
	}
	p.n = len(p.src)
	p.run = p.n
	return p
}

// TestQuantizeTwoParts has scales at and next to those for which a reciprocal in
// two parts does not serve, and zero points as far away as one serves.
func TestQuantizeTwoParts(t *testing.T) {
	scales := 400
	if testing.Short() {
		scales = 40
	}
	rng := rand.New(rand.NewPCG(23, 24))
	kernel, definition := quantizers8()
	for _, c := range []struct {
		significand uint32
		boundary    int32 // between this integer and the next, where it fails
	}{{0x693001, 3913}, {0x757001, 4011}, {0x7cf001, 4071}, {0x250fff, 3368}, {0x378fff, 3516}, {0x394fff, 3530}} {
		quantizeAlike(t, boundaries(ulps(1, int(c.significand)), -c.boundary, grid{-128, 127}), kernel, definition)
	}
	grids := grids(8)
	for i := range scales {
		for low := -13; low <= 13; low++ {
			m := rng.Uint32N(1<<23)&^(1<<9-1) + uint32(low)
			if i%2 == 0 {
				m = rng.Uint32N(1<<23)&^(1<<16-1) + uint32(low)
			}
			bits := uint32(127-100+rng.IntN(201))<<23 | m&(1<<23-1)
			g := grids[i%len(grids)]
			zero := []int32{0, g.qmin, 32000, -32000, rng.Int32N(64001) - 32000}[rng.IntN(5)]
			quantizeAlike(t, boundaries(ulps(0, int(bits)), zero, g), kernel, definition)
		}
	}
}
