package quant

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// ascending is a table of 8 values for tests, the largest magnitude of which is negative.
var ascending = newFormat("ascending3", 3, []float32{-9, -4, -1, 0, 0.5, 2, 4.5, 7}, tieToEven, 2)

// crowded has values that lie too close together for bins.
var crowded = newFormat("crowded4", 4, []float32{-1, -0.75, -0.5, -0.25, -0.03, -0.02, -0.01, 0, 0.01, 0.02, 0.03, 0.04, 0.25, 0.5, 0.75, 1}, tieDown, 3)

// even has no zero: the limit in the middle is at 0.
var even = newFormat("even4", 4, []float32{-15, -13, -11, -9, -7, -5, -3, -1, 1, 3, 5, 7, 9, 11, 13, 15}, tieDown, 9)

// kernelBooks are codebooks of all kinds that kernels tell apart.
func kernelBooks() []Format {
	return append([]Format{toy, lopsided, ascending, crowded, even}, floatFormats...)
}

// TestTableBins compares the bins of each table with its limits. For each word it has the quotients
// farthest apart that become it.
func TestTableBins(t *testing.T) {
	for _, f := range kernelBooks() {
		b := f.book()
		k, has := float64(b.tables.factor), b.small && b.tables.factor > 0
		if want := f == lopsided || f == ascending || f == even || f == E2M1 || f == NF4; has != want {
			t.Errorf("%v has bins: %t, want %t", f, has, want)
		}
		if !has {
			continue
		}
		if b.sorted == b.mirrored || math.Abs(k*float64(b.largest)) > farthestWord {
			t.Errorf("%v: sorted %t, mirrored %t, the largest value is at %v", f, b.sorted, b.mirrored, k*float64(b.largest))
		}
		index := make(map[uint8]int) // of each code
		for i, c := range b.order {
			index[c] = i
		}
		near := 0
		for w := -32767; w <= 32767; w++ {
			v := uint16(w) + b.tables.bins[uint16(w)>>binBits]
			if v&(1<<codeBits-1) == 0 {
				near++
				continue
			}
			away := 0.0
			if b.mirrored {
				away = math.Copysign(awayFromZero, float64(w))
			}
			if b.mirrored && w == 0 {
				continue // no product is so near to 0
			}
			for _, e := range []float64{-0.5 - limitSlack/2, 0, 0.5 + limitSlack/2} {
				q := float32((float64(w) + e - away) / k)
				if b.mirrored && (w == 1 && q <= 0 || w == -1 && q >= 0) {
					continue // has the other sign
				}
				if got, want := int(v>>codeBits), index[b.nearest(q)]; got != want {
					t.Fatalf("%v: the index of the word %d is %d, but that of its quotient %v is %d", f, w, got, q, want)
				}
			}
		}
		limits := len(b.order) - 1
		if b.mirrored {
			limits-- // not the one at 0
		}
		if near != limits {
			t.Errorf("%v: %d words are next to a limit, want %d", f, near, limits)
		}
		if v := 1<<15 + b.tables.bins[16]; uint16(v) != 0 {
			t.Errorf("%v: the least word becomes %d, want 0", f, uint16(v))
		}
	}
}

// TestMirrored has tables whose codes are almost a sign and a magnitude of 4 bits.
func TestMirrored(t *testing.T) {
	values := E2M1.book().values
	changed := func(c int, v float32) []float32 {
		all := slices.Clone(values)
		all[c] = v
		return all
	}
	for _, c := range []struct {
		name   string
		bits   int
		values []float32
		ties   tieRule
		want   bool
	}{
		{"E2M1", 4, values, tieToEven, true},
		{"ties down", 4, values, tieDown, false},
		{"another value", 4, changed(11, -1.25), tieToEven, false},
		{"no -0", 4, changed(8, -0.25), tieToEven, false},
		{"NaN", 4, changed(7, nan), tieToEven, false},
		{"not in order", 4, changed(2, 1.75), tieToEven, false},
		{"3 bits", 3, []float32{0, 1, 2, 4, minusZero, -1, -2, -4}, tieToEven, false},
	} {
		if b := newBook(c.name, c.bits, c.values, c.ties, 0); b.mirrored != c.want {
			t.Errorf("%s: mirrored is %t, want %t", c.name, b.mirrored, c.want)
		}
	}
}

// TestQuantizeBookKernels compares the kernels with their definition for every shape, place
// and alignment.
func TestQuantizeBookKernels(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		for _, f := range kernelBooks() {
			b := f.book()
			kernel := func(dst []uint8, p *problem, stream bool) {
				if p.rows > 0 {
					quantizeBookColumns(dst, p.src, p.scale, b)
				} else {
					quantizeBookRuns(dst[:len(p.src)], p.src, p.run, p.scale, b, stream)
				}
			}
			definition := func(dst []uint8, p *problem, _ bool) {
				if p.rows > 0 {
					quantizeBookColumnsGeneric(dst, p.src, p.scale, b)
				} else {
					quantizeBookRunsGeneric(dst, p.src, p.run, p.scale, b)
				}
			}
			t.Run(f.String(), func(t *testing.T) { checkBookQuantizer(t, kernel, definition) })
		}
	})
}

// checkBookQuantizer is testQuantizer for shapes of runs that the kernels tell apart.
func checkBookQuantizer(t *testing.T, kernel, definition quantizer[uint8]) {
	h := newQuantizerHarness(t, kernel, definition, longest)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, s := range append(bookShapes(), bookColumns()...) {
		p := newProblem(rng, s, grids(8)[0])
		h.solve(p)
		for _, end := range ends {
			h.check(p, placing{end, end, end, 0}, false)
			h.check(p, placing{end, 0, end, 1 + s.n%67}, false)
			h.check(p, placing{end, 0, end, 0}, true)
		}
	}
	for _, s := range []shape{{n: 77, run: 77}, {n: 96, run: 32}, {n: 40, run: 9}} {
		p := newProblem(rng, s, grids(8)[0])
		h.solve(p)
		for src := range 16 {
			for dst := range 17 {
				h.check(p, placing{src, dst, (src + dst) % 16, 0}, false)
			}
		}
	}
}

// bookShapes are runs of all lengths up to several steps, whole steps and others.
func bookShapes() (s []shape) {
	for _, n := range lengths(70, 127, 128, 129, 1000, blockLen) {
		s = append(s, shape{n: n, run: n}, shape{n: n, run: n + 1}, shape{n: n, run: 1 << 30})
	}
	for _, run := range []int{1, 3, 7, 8, 9, 15, 16, 17, 24, 31, 32, 40, 48, 64, 100, 128, 256} {
		for _, rest := range []int{0, 1, run - 1, run / 2} {
			s = append(s, shape{n: 3*run + rest, run: run})
		}
	}
	return thin(s)
}

// bookColumns are rows of columns: whole steps and others, and a last row that is shorter.
func bookColumns() (s []shape) {
	for _, cols := range []int{1, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 64, 71, 100, 257} {
		for _, n := range []int{cols - 1, cols, 2*cols + cols/2, 5 * cols} {
			if n > 0 {
				s = append(s, shape{n: n, run: cols, rows: (n + cols - 1) / cols, stride: cols})
			}
		}
	}
	return thin(s)
}

// TestDequantizeBookKernels compares the kernels with their definition, for all codes, also
// those beyond the width of the format and those that are no numbers.
func TestDequantizeBookKernels(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		src, dst, scales := newArea(t, longest), newArea(t, 4*longest), newArea(t, 4*longest)
		for _, f := range kernelBooks() {
			t.Run(f.String(), func(t *testing.T) {
				b := f.book()
				for i, s := range append(bookShapes(), bookColumns()...) {
					codes, scale := make([]uint8, s.n), make([]float32, s.params())
					for i := range codes {
						codes[i] = uint8(rng.Uint32())
						if s.n%3 == 0 { // seldom what is no number
							codes[i] &= 0xbb
						}
					}
					for i := range scale {
						scale[i] = float32(math.Exp2(rng.Float64()*200 - 100))
					}
					want := make([]float32, s.n)
					if s.rows > 0 {
						dequantizeBookColumnsGeneric(want, codes, scale, b)
					} else {
						dequantizeBookRunsGeneric(want, codes, s.run, scale, b)
					}
					for _, at := range []int{0, atEnd, 1 + i%31} {
						x, y := put(src, codes, at), place[float32](dst, s.n, at)
						if s.rows > 0 {
							dequantizeBookColumns(y, x, put(scales, scale, at), b)
						} else {
							dequantizeBookRuns(y, x, s.run, put(scales, scale, at), b, i%2 == 0)
						}
						if k := differ(y, want); k >= 0 || !dst.intact() || !src.intact() {
							t.Fatalf("%v, at %d: code %#x with the scale %v stands for %v, want %v (or memory beside it was changed)", s, at, codes[max(k, 0)], scale[s.param(max(k, 0))], y[max(k, 0)], want[max(k, 0)])
						}
					}
				}
			})
		}
	})
}

// TestErrorsBookKernels compares the sums of errors with their definition.
func TestErrorsBookKernels(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, f := range kernelBooks() {
			t.Run(f.String(), func(t *testing.T) {
				b := f.book()
				for _, s := range bookShapes() {
					x, scale := make([]float32, s.n), make([]float32, s.params())
					for i := range x {
						x[i] = float32(rng.NormFloat64())
					}
					for i := range scale {
						scale[i] = float32(rng.ExpFloat64()+0.01) * 2 / b.largest
					}
					got, want := make([]sums, len(scale)), make([]sums, len(scale))
					errorsBookRuns(got, x, s.run, scale, b)
					errorsBookRunsGeneric(want, x, s.run, scale, b)
					for i := range want {
						if got[i] != want[i] {
							t.Fatalf("%v, run %d: %+v, want %+v", s, i, got[i], want[i])
						}
					}
				}
			})
		}
	})
}

// TestQuantizeBookExhaustive compares the kernels with the definition for all float32
// values, or a sample of them, under scales whose quotients are inexact.
func TestQuantizeBookExhaustive(t *testing.T) {
	for _, f := range kernelBooks() {
		for _, s := range []float32{1, 0.37, 0x1.fffffep-7, 0x1p-126, 0x1.6a09e6p-140, 0x1.0624dep120} {
			t.Run(fmt.Sprintf("%v/scale=%x", f, s), func(t *testing.T) {
				b, scale := f.book(), []float32{s}
				got, want := make([]uint8, blockLen), make([]uint8, blockLen)
				everyInput(65537, func(src []float32) {
					n := len(src)
					quantizeBookRunsGeneric(want, src, n, scale, b)
					forEachFast(func() {
						quantizeBookRuns(got[:n], src, n, scale, b, false)
						if i := differ(got[:n], want[:n]); i >= 0 {
							t.Fatalf("%v: the code of %x (%#08x) is %#x, want %#x", active, src[i], math.Float32bits(src[i]), got[i], want[i])
						}
					})
				})
			})
		}
	}
}

// TestQuantizeBookBoundaries has the values where codes change, and those next to them, for
// scales of every exponent and those next to the ends of what kernels serve without a division.
func TestQuantizeBookBoundaries(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	scales := append(thin(everyExponent()), 0x1p-80, ulps(0x1p-80, -1), ulps(0x1p-80, 1), 0x1p100, ulps(0x1p100, -1), ulps(0x1p100, 1))
	for range 200 {
		scales = append(scales, anyScale(rng))
	}
	for _, f := range kernelBooks() {
		b := f.book()
		var src []float32
		got, want := make([]uint8, 5*(len(b.limits)+len(b.values)+16)), make([]uint8, 5*(len(b.limits)+len(b.values)+16))
		for _, s := range scales {
			src = src[:0]
			for i := range 5 {
				for _, k := range b.limits {
					src = append(src, ulps(ofKey(k)*s, i-2))
				}
				for _, v := range b.values {
					src = append(src, ulps(v*s, i-2))
				}
			}
			for len(src)%16 != 0 {
				src = append(src, specials[rng.IntN(len(specials))])
			}
			n := len(src)
			quantizeBookRunsGeneric(want, src, n, []float32{s}, b)
			forEachFast(func() {
				quantizeBookRuns(got[:n], src, n, []float32{s}, b, false)
				if i := differ(got[:n], want[:n]); i >= 0 {
					t.Fatalf("%v of %v: the code of %x (%#08x) under the scale %x is %#x, want %#x", active, f, src[i], math.Float32bits(src[i]), s, got[i], want[i])
				}
			})
		}
	}
}

// TestDequantizeBookExponents has all codes, and scales of every exponent and with all lengths of
// subnormal numbers.
func TestDequantizeBookExponents(t *testing.T) {
	var codes [272]uint8
	for i := range codes {
		codes[i] = uint8(i)
	}
	for _, f := range kernelBooks() {
		b := f.book()
		for _, s := range everyExponent() {
			for _, s := range []float32{s, -s, inf, nan, 0} {
				var got, want [len(codes)]float32
				dequantizeBookRunsGeneric(want[:], codes[:], len(codes), []float32{s}, b)
				forEachFast(func() {
					dequantizeBookRuns(got[:], codes[:], len(codes), []float32{s}, b, false)
					for i := range want {
						if got[i] != want[i] && (got[i] == got[i] || want[i] == want[i]) {
							t.Fatalf("%v of %v: code %#x under the scale %x stands for %x, want %x", active, f, codes[i], s, got[i], want[i])
						}
					}
				})
			}
		}
	}
}

// FuzzBook quantizes to a codebook and back, in runs.
func FuzzBook(f *testing.F) {
	f.Add(seeds(), uint32(0x3dcccccd), uint16(16), uint8(1))
	f.Add(seeds()[40:], uint32(0x17800000), uint16(33), uint8(7))
	f.Fuzz(func(t *testing.T, data []byte, scale uint32, run uint16, format uint8) {
		src := floatsOf(data)
		if len(src) == 0 {
			return
		}
		books := kernelBooks()
		b := books[int(format)%len(books)].book()
		p := fuzzProblem(len(src), scale, 0, 0, run, 0)
		got, want := make([]uint8, len(src)), make([]uint8, len(src))
		back, wantBack := make([]float32, len(src)), make([]float32, len(src))
		quantizeBookRunsGeneric(want, src, p.run, p.scale, b)
		dequantizeBookRunsGeneric(wantBack, data[:len(src)], p.run, p.scale, b)
		forEachUsable(func() {
			quantizeBookRuns(got, src, p.run, p.scale, b, false)
			if i := differ(got, want); i >= 0 {
				t.Fatalf("the code of %x is %#x, want %#x (%s, runs of %d, scale %x)", src[i], got[i], want[i], b.name, p.run, p.scale[i/p.run])
			}
			dequantizeBookRuns(back, data[:len(src)], p.run, p.scale, b, false)
			if i := differ(back, wantBack); i >= 0 {
				t.Fatalf("the value of %#x is %x, want %x (%s, runs of %d, scale %x)", data[i], back[i], wantBack[i], b.name, p.run, p.scale[i/p.run])
			}
		})
	})
}
