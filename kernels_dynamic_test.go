package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// dynamicSchemes are those with a kernel that calibrates and quantizes.
var dynamicSchemes = []Scheme{
	{Bits: 8},
	{Bits: 8, Unsigned: true},
	{Bits: 8, ZeroInRange: true},
	{Bits: 8, ZeroInRange: true, Unsigned: true},
	{Bits: 8, Mapping: Symmetric},
	{Bits: 8, Mapping: Symmetric, Unsigned: true},
	{Bits: 8, Mapping: Symmetric, Divisor: HalfWidth},
}

// dynamicLengths are lengths of runs that have such a kernel: groups, and other runs with and
// without a rest behind their last 64 elements.
var dynamicLengths = []int{32, 64, 128, 129, 144, 160, 191, 192, 255, 256, 500, 1000}

// dynamicGroups reports whether the kernel of groups takes the first of n runs.
func dynamicGroups(run, n int) bool { return n >= 16 && (run == 32 || run == 64 || run == 128) }

// dynamicTogether returns how many of n runs the kernel takes together, or 0 if there is no kernel.
func dynamicTogether(run, n int, stream bool) int {
	switch {
	case active != avx512 || run < 128 && run != 32 && run != 64 || stream && run != 32 && run%64 > 0:
		return 0
	case dynamicGroups(run, n):
		return 16
	}
	return min(n, max(1, min(4096/run, 16)))
}

// servesDynamic reports whether the kernel of groups serves a run, or that of other runs.
func servesDynamic(x []float32, rule *dynamicRule, group bool) bool {
	var lo, hi [1]float32
	if !rangeRunsGeneric(lo[:], hi[:], x, len(x)) {
		return false
	}
	scale, zero := rule.params(lo[0], hi[0])
	far := max(zero, -zero)
	serves := func(bits uint32) bool {
		low := math.Float32bits(scale) & (bits - 1)
		return low == 0 || low > 6 && low < bits-6
	}
	return scale >= 0x1p-100 && scale <= 0x1p100 && (far <= 255 && serves(1<<15) || !group && far <= 32000 && serves(1<<9))
}

type dynamicHarness struct {
	t                     *testing.T
	src, dst, scale, zero *area
	served, left          int // how many runs the kernel served, and how often it left some
}

func newDynamicHarness(t *testing.T) *dynamicHarness {
	return &dynamicHarness{t: t, src: newArea(t, 4*longest), dst: newArea(t, longest), scale: newArea(t, longest), zero: newArea(t, longest)}
}

// check compares the kernel with its definition, for the runs of src that it has handled, and
// with servesDynamic for how many these are.
func (h *dynamicHarness) check(src []float32, run int, s Scheme, at placing, stream bool) {
	h.t.Helper()
	rule, ok := s.dynamicRule()
	if !ok {
		h.t.Fatalf("%v has no rule", s)
	}
	k := (len(src) + run - 1) / run
	x := put(h.src, src, at.src)
	scale, zero := place[float32](h.scale, k, at.params), place[int32](h.zero, k, at.params)
	dst := place[uint8](h.dst, len(src), at.dst)
	n := quantizeDynamicRuns(dst, x, run, scale, zero, &rule, stream)
	fence()
	want, runs := 0, len(src)/run
	for served := true; served && want < runs; {
		end := want + dynamicTogether(run, runs-want, stream)
		group := dynamicGroups(run, runs-want)
		served = end > want
		i := want
		for i < end && served {
			if served = servesDynamic(src[i*run:(i+1)*run], &rule, group); served {
				i++
			}
		}
		if served || !group && rangeRunsGeneric(make([]float32, end-want), make([]float32, end-want), src[want*run:end*run], run) {
			want = i // without a batch that has an element that is not finite
		}
	}
	if n != want {
		h.t.Fatalf("%v, %d elements in runs of %d: the kernel served %d runs, want %d", s, len(src), run, n, want)
	}
	h.served += n
	if n < runs {
		h.left++
	}
	codes, scales, zeros := make([]uint8, n*run), make([]float32, n), make([]int32, n)
	quantizeDynamicRunsGeneric(codes, src[:n*run], run, scales, zeros, &rule)
	if i := differ(scale[:n], scales); i >= 0 {
		h.t.Fatalf("%v, runs of %d: scale %d is %x, want %x, of %v", s, run, i, scale[i], scales[i], src[i*run:(i+1)*run])
	}
	if i := differ(zero[:n], zeros); i >= 0 {
		h.t.Fatalf("%v, runs of %d: zero point %d is %d, want %d, of %v", s, run, i, zero[i], zeros[i], src[i*run:(i+1)*run])
	}
	if i := differ(dst[:n*run], codes); i >= 0 {
		h.t.Fatalf("%v, runs of %d: code %d of %x is %d, want %d (scale %x, zero point %d, placed at %+v)",
			s, run, i, src[i], dst[i], codes[i], scales[i/run], zeros[i/run], at)
	}
	if !h.dst.intact() || !h.scale.intact() || !h.zero.intact() || !isUntouched(dst[n*run:]) {
		h.t.Fatalf("stores outside its slices: %v, %d elements in runs of %d (placed at %+v)", s, len(src), run, at)
	}
	if differ(x, src) >= 0 {
		h.t.Fatalf("stores in its source: %v, %d elements in runs of %d (placed at %+v)", s, len(src), run, at)
	}
}

// dynamicValues sets x to values whose magnitude differs from run to run. Some runs have one sign,
// some have one value, some that are not groups are far from 0, and one of odd runs has a range that the kernel does not serve; none has if
// odd is 0.
func dynamicValues(rng *rand.Rand, x []float32, run, odd int) {
	for i := 0; i < len(x); i += run {
		r := x[i:min(i+run, len(x))]
		unit := ulps(0, int(27+20+rng.Uint32N(180))<<23)
		if odd > 0 && rng.IntN(odd) == 0 {
			unit = ulps(0, int(rng.Uint32N(255)<<23))
		}
		kind, offset := rng.IntN(12), float32(int(1)<<rng.IntN(10))
		for j := range r {
			switch v := (rng.Float32()*2 - 1) * unit; kind {
			case 0:
				r[j] = max(v, -v) // zero points are far only for one value or narrow ranges
			case 1:
				r[j] = min(v, -v)
			case 2:
				r[j] = unit * float32(rng.IntN(3)-1)
			case 4:
				if r[j] = v; !dynamicGroups(run, 16) { // far from 0
					r[j] = v/offset + unit
				}
			case 3:
				r[j] = ulps(0, 0)
				if rng.IntN(2) == 0 {
					r[j] = -r[j]
				}
			default:
				r[j] = v
			}
		}
	}
}

// TestDynamicRuns compares the kernel that calibrates and quantizes with its definition, next to
// guard pages, at all alignments, for runs that it serves and some that it does not.
func TestDynamicRuns(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		for _, run := range append([]int{1, 15, 16, 31, 33, 48, 65, 127}, dynamicLengths...) {
			want := active == avx512 && (run == 32 || run == 64 || run >= 128)
			if hasDynamicRuns(run) != want {
				t.Fatalf("a kernel is there for runs of %d: %t, want %t", run, !want, want)
			}
		}
		h := newDynamicHarness(t)
		rng := rand.New(rand.NewPCG(121, 122))
		for i, s := range dynamicSchemes {
			for _, run := range dynamicLengths {
				for j, k := range []int{1, 2, 3, 5, 15, 16, 17, 31, 32, 48, 64, 67} {
					for _, rest := range []int{0, 1, run - 1} {
						src := make([]float32, k*run+rest)
						if len(src) > longest {
							continue
						}
						dynamicValues(rng, src, run, []int{0, 0, 40}[(i+j)%3])
						for _, end := range ends {
							h.check(src, run, s, placing{end, end, end, 0}, false)
							h.check(src, run, s, placing{end, 0, end, 0}, true)
						}
					}
				}
				src := make([]float32, min(33, longest/run)*run)
				dynamicValues(rng, src, run, 0)
				for at := range 65 {
					h.check(src, run, s, placing{at % 17, at, at % 16, 0}, at%2 == 0)
				}
			}
		}
		if active == avx512 && (h.served < 50_000 || h.left < 50) {
			t.Errorf("the kernel served %d runs and left some %d times", h.served, h.left)
		}
	})
}

// TestDynamicRunsSpecial has special values at each place of a group, and scales at and next to
// those that the kernel does not serve.
func TestDynamicRunsSpecial(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		h := newDynamicHarness(t)
		rng := rand.New(rand.NewPCG(123, 124))
		tries, apart := 300, 40 // the test is for a kernel; without one, a few tries are enough
		if !hasDynamicRuns(32) {
			tries, apart = 5, 400
		}
		for i, s := range dynamicSchemes {
			rule, _ := s.dynamicRule()
			for k, run := range dynamicLengths {
				tries, apart := tries, apart
				if k >= 3 { // the same code makes the parameters of all runs
					tries, apart = tries/15, run
				}
				runs := min(32, longest/run)
				src := make([]float32, runs*run)
				for j := 0; j < len(src); j += 1 + rng.IntN(apart) {
					dynamicValues(rng, src, run, 0)
					src[j] = specials[rng.IntN(len(specials))]
					h.check(src, run, s, placing{j % 16, j % 64, j % 16, 0}, false)
				}
				for j := range tries {
					dynamicValues(rng, src, run, 0)
					// Runs from 0 to steps times a scale near or at those that are not served, so that many
					// elements are next to where codes change.
					for g := range runs {
						m := rng.Uint32N(1<<8)<<15 + uint32(rng.IntN(27)-13)
						if rng.IntN(3) > 0 {
							m = rng.Uint32N(1 << 23)
						}
						scale := math.Float32frombits((27+rng.Uint32N(200))<<23 | m&(1<<23-1))
						low := float32(rng.IntN(256))
						if !dynamicGroups(run, 16) && rng.IntN(2) == 0 { // zero points beyond 255
							low = float32(rng.IntN(60_000) - 30_000)
							scale = math.Float32frombits((27+rng.Uint32N(200))<<23 | (rng.Uint32N(1<<14)<<9+uint32(rng.IntN(512)))&(1<<23-1))
							if rng.IntN(8) == 0 {
								scale = math.Float32frombits(math.Float32bits(scale)&^511 + uint32(rng.IntN(20)))
							}
						}
						for e := range run {
							c := float32(rng.IntN(512))/2 - low
							src[g*run+e] = ulps(c*scale, rng.IntN(5)-2)
						}
						if rng.IntN(2) == 0 {
							src[g*run] = -low * scale
							src[g*run+1] = (rule.steps - low) * scale
						}
					}
					h.check(src, run, s, placing{j % 16, i, j % 16, 0}, false)
				}
			}
		}
		if active == avx512 && h.served < 20_000 {
			t.Errorf("the kernel served %d runs", h.served)
		}
	})
}

// TestDynamicRule compares the rule with the parameters of the scheme, and has schemes without one.
func TestDynamicRule(t *testing.T) {
	rng := rand.New(rand.NewPCG(125, 126))
	for _, s := range dynamicSchemes {
		rule, ok := s.dynamicRule()
		if !ok {
			t.Fatalf("%v has no rule", s)
		}
		for range 10_000 {
			lo, hi := anyRange(rng)
			scale, zero := rule.params(lo, hi)
			if wantScale, wantZero := s.params(Range{lo, hi}); math.Float32bits(scale) != math.Float32bits(wantScale) || zero != wantZero {
				t.Fatalf("%v: [%x, %x] gives %x and %d, want %x and %d", s, lo, hi, scale, zero, wantScale, wantZero)
			}
		}
	}
	for _, s := range []Scheme{
		{Bits: 4}, {Bits: 7, Unsigned: true}, {Bits: 16},
		{Bits: 8, Mapping: Symmetric, NarrowRange: true},
		{Bits: 8, Mapping: Symmetric, SignedScale: true},
		{Bits: 8, Mapping: Symmetric, Divisor: EachEnd},
		{Bits: 8, Mapping: Symmetric, Scales: Float16Scale},
		{Format: E2M1},
	} {
		if _, ok := s.dynamicRule(); ok {
			t.Errorf("%v has a rule", s)
		}
	}
}

// TestDynamicOffsets has groups that the kernel serves and, between them, few or many that it does
// not: their values are far from 0.
func TestDynamicOffsets(t *testing.T) {
	rng := rand.New(rand.NewPCG(127, 128))
	forEachISA(t, func(t *testing.T) {
		for _, far := range []int{1, 2, 30, 1000} { // the share of groups that are far from 0
			x := make([]float32, 1<<17)
			for g := 0; g < len(x); g += 32 {
				offset := float32(0)
				if rng.IntN(far) == 0 {
					offset = 10
				}
				for i := range 32 {
					x[g+i] = offset + rng.Float32()*2 - 1
				}
			}
			for _, s := range dynamicSchemes {
				s.Granularity = PerGroup(-1, 32)
				testDynamic(t, Tensor{Data: x[:len(x)-5], Shape: []int{len(x) - 5}}, s)
			}
		}
	})
}

func FuzzDynamicRuns(f *testing.F) {
	f.Add(seeds(), uint8(0), uint8(0))
	f.Add(seeds()[40:], uint8(1), uint8(4))
	f.Fuzz(func(t *testing.T, data []byte, length, scheme uint8) {
		x := floatsOf(data)
		if len(x) == 0 {
			return
		}
		run, s := dynamicLengths[int(length)%len(dynamicLengths)], dynamicSchemes[int(scheme)%len(dynamicSchemes)]
		runs := 32
		if !dynamicGroups(run, runs) {
			runs = 5
		}
		src := make([]float32, runs*run)
		for i := range src {
			src[i] = x[i%len(x)]
		}
		forEachUsable(func() {
			newDynamicHarness(t).check(src, run, s, placing{}, false)
		})
	})
}
