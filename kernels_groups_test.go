package quant

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// groupLengths are those of runs for which there are kernels of groups.
var groupLengths = []int{16, 32, 64, 128}

// groupShapes returns runs of these lengths: 8 and more of them, the last of which may be shorter.
func groupShapes() (s []shape) {
	for _, run := range groupLengths {
		for _, k := range []int{8, 15, 16, 17, 31, 32, 48, 67} {
			for _, rest := range []int{0, 1, 8, run - 1} {
				if n := k*run + rest; n <= longest {
					s = append(s, shape{n: n, run: run})
				}
			}
		}
	}
	return s
}

// newGroupProblem returns parameters and values that kernels of groups serve, but for a
// share of the groups: one in odd, none if odd is 0.
func newGroupProblem(rng *rand.Rand, s shape, g grid, odd int) *problem {
	p := newProblem(rng, s, g)
	for i := range p.scale {
		if odd > 0 && rng.IntN(odd) == 0 {
			continue
		}
		// A significand whose lowest 15 bits are 0 or far from it.
		low := rng.Uint32N(0x7f00) + 0x80
		if rng.IntN(4) == 0 {
			low = 0
		}
		p.scale[i] = ulps(0, int((27+rng.Uint32N(200))<<23|rng.Uint32N(1<<8)<<15|low))
		if odd > 0 {
			p.scale[i] = anySign(rng, p.scale[i])
		}
		p.zero[i] = rng.Int32N(2*255+1) - 255
	}
	for i := range p.src {
		j := s.param(i)
		p.src[i] = anyValue(rng, p.scale[j], p.zero[j], g)
	}
	return p
}

// TestQuantizeGroups compares codes of 8 bits of groups with the definition: groups that
// the kernels serve, and some among them that they do not.
func TestQuantizeGroups(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		kernel, definition := quantizers8()
		h := newQuantizerHarness(t, kernel, definition, longest)
		rng := rand.New(rand.NewPCG(91, 92))
		grids := grids(8)
		for i, s := range groupShapes() {
			p := newGroupProblem(rng, s, grids[i%len(grids)], []int{0, 0, 5, 40}[i%4])
			h.solve(p)
			for _, end := range ends {
				for _, stream := range []bool{false, true} {
					h.check(p, placing{end, end, end, 0}, stream)
					h.check(p, placing{end, 0, end, 1 + i%67}, stream)
				}
			}
		}
		for i, run := range groupLengths {
			p := newGroupProblem(rng, shape{n: 33 * run, run: run}, grids[i], 0)
			h.solve(p)
			for dst := range 65 {
				h.check(p, placing{dst % 17, dst, dst % 16, 0}, dst%2 == 0)
			}
		}
	})
}

// TestQuantize4Groups is TestQuantizeGroups for packed codes of 4 bits.
func TestQuantize4Groups(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		if want := active != generic; quantize4Runs(make([]byte, 128), make([]float32, 256), 16, make([]float32, 16), make([]int32, 16), 0, 15) != want {
			t.Fatalf("a kernel is there: %t, want %t", !want, want)
		} else if !want {
			return
		}
		h := groups4Harness{t, newArea(t, 4*longest), newArea(t, longest), newArea(t, 4*longest), newArea(t, 4*longest)}
		rng := rand.New(rand.NewPCG(93, 94))
		grids := []grid{{-8, 7}, {0, 15}, {-7, 7}}
		for i, s := range groupShapes() {
			if active == avx512 && s.n < 16*s.run {
				continue
			}
			p := newGroupProblem(rng, s, grids[i%3], []int{0, 0, 5, 40}[i%4])
			for _, end := range ends {
				h.check(p, placing{end, end, end, 0})
				h.check(p, placing{end, 0, end, 1 + i%67})
			}
		}
		for i, run := range groupLengths {
			p := newGroupProblem(rng, shape{n: 33 * run, run: run}, grids[i%3], 0)
			for dst := range 33 {
				h.check(p, placing{dst % 17, dst, dst % 16, 0})
			}
		}
	})
}

// TestQuantize4Runs has runs of all lengths that there are kernels for.
func TestQuantize4Runs(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		h := groups4Harness{t, newArea(t, 4*longest), newArea(t, longest), newArea(t, 4*longest), newArea(t, 4*longest)}
		rng := rand.New(rand.NewPCG(101, 102))
		for i, s := range append(dequantizePackedShapes(4), shape{n: 51, run: 17}, shape{n: 1000, run: 33}) {
			p := newProblem(rng, s, []grid{{-8, 7}, {0, 15}, {-7, 7}}[i%3])
			want := active == avx512 && s.n >= 16*s.run && slices.Contains(groupLengths, s.run) ||
				active == avx2 && s.n >= 8*s.run && slices.Contains(groupLengths, s.run) ||
				active == neon && min(s.run, s.n) >= 16 && (s.run%2 == 0 || s.run >= s.n)
			if got := quantize4Runs(make([]byte, (s.n+1)/2), p.src, s.run, p.scale, p.zero, p.qmin, p.qmax); got != want {
				t.Fatalf("a kernel is there for %v: %t, want %t", s, got, want)
			}
			if !want {
				continue // its callers pack codes
			}
			for _, end := range ends {
				h.check(p, placing{end, end, end, 0})
				h.check(p, placing{end, 0, end, 1 + i%67})
			}
			for src := range 16 {
				h.check(p, placing{src, (5*src + 3) % 17, src, 0})
			}
		}
	})
}

type groups4Harness struct {
	t                     *testing.T
	src, dst, scale, zero *area
}

func (h *groups4Harness) check(p *problem, at placing) {
	h.t.Helper()
	want := make([]byte, (p.n+1)/2)
	quantize4RunsGeneric(want, p.src, p.run, p.scale, p.zero, p.qmin, p.qmax)
	src := put(h.src, p.src, at.src)
	scale, zero := place[float32](h.scale, len(p.scale)+at.extra, at.params), place[int32](h.zero, len(p.zero)+at.extra, at.params)
	copy(scale, p.scale)
	copy(zero, p.zero)
	dst := place[byte](h.dst, len(want)+at.extra, at.dst)
	if !quantize4Runs(dst, src, p.run, scale, zero, p.qmin, p.qmax) {
		h.t.Fatalf("no kernel for %v", p)
	}
	if i := differ(dst[:len(want)], want); i >= 0 {
		h.t.Fatalf("byte %d is %#x, want %#x, of %v (placed at %+v)", i, dst[i], want[i], p.at(2*i), at)
	}
	if !h.dst.intact() || !isUntouched(dst[len(want):]) {
		h.t.Fatalf("stores outside its slice: %v (placed at %+v)", p, at)
	}
	if differ(src, p.src) >= 0 || differ(scale[:len(p.scale)], p.scale) >= 0 || differ(zero[:len(p.zero)], p.zero) >= 0 {
		h.t.Fatalf("stores in its source or parameters: %v (placed at %+v)", p, at)
	}
}

// TestQuantizeGroupsDefinition compares the definition of packed codes with quantizing and
// packing.
func TestQuantizeGroupsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(95, 96))
	for i, s := range groupShapes() {
		p := newProblem(rng, s, []grid{{-8, 7}, {0, 15}, {-7, 7}}[i%3])
		codes, got, want := make([]uint8, s.n), make([]byte, (s.n+1)/2), make([]byte, (s.n+1)/2)
		quantizeRunsGeneric(codes, p.src, s.run, p.scale, p.zero, p.qmin, p.qmax)
		pack8Generic(want, codes, 4)
		quantize4RunsGeneric(got, p.src, s.run, p.scale, p.zero, p.qmin, p.qmax)
		if i := differ(got, want); i >= 0 {
			t.Fatalf("byte %d is %#x, want %#x, of %v", i, got[i], want[i], p)
		}
	}
}

// TestGroupBoundaries has scales at and next to those that the kernels of groups do not
// serve, zero points as far away as they serve, and the values where codes change.
func TestGroupBoundaries(t *testing.T) {
	scales := 600
	if *exhaustive {
		scales = 1 << 18
	} else if testing.Short() {
		scales = 60
	}
	rng := rand.New(rand.NewPCG(97, 98))
	kernel, definition := quantizers8()
	grids := grids(8)
	for i := range scales {
		g := grids[i%len(grids)]
		m := rng.Uint32N(1<<8)<<15 + uint32(rng.IntN(27)-13)
		if i%3 == 0 {
			m = rng.Uint32N(1 << 23)
		}
		bits := uint32(127-100+rng.IntN(201))<<23 | m&(1<<23-1)
		zero := []int32{0, g.qmin, g.qmax, 255, -255, 256, rng.Int32N(511) - 255}[rng.IntN(7)]
		p := boundaries(ulps(0, int(bits)), zero, g)
		run := groupLengths[i%len(groupLengths)]
		p.n = (p.n + 16*run - 1) / (16 * run) * (16 * run)
		for j := len(p.src); j < p.n; j++ {
			p.src = append(p.src, p.src[j-len(p.src)/2])
		}
		p.run = run
		for len(p.scale) < p.n/run {
			p.scale, p.zero = append(p.scale, p.scale[0]), append(p.zero, p.zero[0])
		}
		quantizeAlike(t, p, kernel, definition)
	}
}

// TestRangeGroups has runs of one sign, of zeros of either sign, and values that are not
// finite at each place of a group.
func TestRangeGroups(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		src := newArea(t, 4*longest)
		los, his := newArea(t, 4*longest), newArea(t, 4*longest)
		rng := rand.New(rand.NewPCG(99, 100))
		check := func(s shape, x []float32, at int) bool {
			t.Helper()
			n := s.params()
			lo, hi := place[float32](los, n, at), place[float32](his, n, at)
			wantLo, wantHi := make([]float32, n), make([]float32, n)
			want := rangeRunsGeneric(wantLo, wantHi, x, s.run)
			y := put(src, x, at)
			for _, far := range []bool{false, true} {
				clear(lo)
				clear(hi)
				got := rangeRunsOf(far, lo, hi, y, s.run)
				if got != want {
					t.Fatalf("%v: finite %t, want %t (far %t)", s, got, want, far)
				}
				if want && (differ(lo, wantLo) >= 0 || differ(hi, wantHi) >= 0) {
					i := max(differ(lo, wantLo), differ(hi, wantHi))
					t.Fatalf("%v: range of run %d is [%x, %x], want [%x, %x] (far %t)", s, i, lo[i], hi[i], wantLo[i], wantHi[i], far)
				}
				if !los.intact() || !his.intact() {
					t.Fatalf("stores outside its slices: %v (far %t)", s, far)
				}
			}
			return want
		}
		for i, s := range groupShapes() {
			x := finiteValues(rng, s.n)
			for j := range x {
				switch (j / s.run) * (i%3 + 1) % 5 { // groups of one sign
				case 1:
					x[j] = max(x[j], -x[j])
				case 2:
					x[j] = min(x[j], -x[j])
				case 3:
					x[j] = ulps(0, 0)
					if j%2 == 0 {
						x[j] = -x[j]
					}
				}
			}
			for _, at := range []int{0, atEnd, i % 17} {
				check(s, x, at)
			}
		}
		for _, run := range groupLengths {
			s := shape{n: 16 * run, run: run}
			x := finiteValues(rng, s.n)
			for j := 0; j < s.n; j += 1 + rng.IntN(7) {
				saved := x[j]
				for _, v := range specials {
					x[j] = v
					if check(s, x, j%16) != finite(v) {
						t.Fatalf("%v at %d of %v is not told", v, j, s)
					}
				}
				x[j] = saved
			}
		}
	})
}

func FuzzGroups(f *testing.F) {
	f.Add(seeds(), uint32(0x3dcccccd), int32(3), uint8(1))
	f.Add(seeds()[40:], uint32(0x3dcc8003), int32(-128), uint8(0))
	f.Fuzz(func(t *testing.T, data []byte, scale uint32, zero int32, length uint8) {
		x := floatsOf(data)
		if len(x) == 0 {
			return
		}
		run := groupLengths[length%4]
		src := make([]float32, 16*run+int(length)%run)
		for i := range src {
			src[i] = x[i%len(x)]
		}
		p := fuzzProblem(len(src), scale, zero, 0, uint16(run-1), 0)
		p.src = src
		for i := range p.zero {
			p.zero[i] = (zero + int32(i)*17) % 256
		}
		got, want := make([]byte, p.n), make([]byte, p.n)
		got4, want4 := make([]byte, (p.n+1)/2), make([]byte, (p.n+1)/2)
		quantizeRunsGeneric(want, p.src, run, p.scale, p.zero, -128, 127)
		quantize4RunsGeneric(want4, p.src, run, p.scale, p.zero, -8, 7)
		forEachUsable(func() {
			quantizeInt8Runs(got, p.src, run, p.scale, p.zero, -128, 127, false)
			if i := differ(got, want); i >= 0 {
				t.Fatalf("code %d, want %d, of %v", got[i], want[i], p.at(i))
			}
			if quantize4Runs(got4, p.src, run, p.scale, p.zero, -8, 7) && differ(got4, want4) >= 0 {
				t.Fatalf("packed %x, want %x, of %v", got4, want4, p)
			}
		})
	})
}
