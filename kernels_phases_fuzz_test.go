package quant

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/a01592f9/quant/internal/search"
)

// The fuzz targets of the kernels of the search for the least error. Each compares the kernels of every
// usable set with the definition, within what the definition says of its arguments.

// finiteOf is floatsOf without values that are not finite.
func finiteOf(data []byte) []float32 {
	return slices.DeleteFunc(floatsOf(data), func(v float32) bool { return !finite(v) })
}

// sumsOf returns the sums of a call of search.Low: the bytes of data, repeated, as integers below 2^31.
func sumsOf(data []byte) (sums search.PhaseSums, ok bool) {
	if len(data) < 4 {
		return sums, false
	}
	data = data[:len(data)&^3]
	for j := range sums {
		sums[j] = binary.LittleEndian.Uint32(data[4*j%len(data):]) &^ (1 << 31)
	}
	return sums, true
}

// limitsOf returns a limit, and by how much it falls, as search.Low takes them.
func limitsOf(limit, down uint32) (uint32, uint32) {
	limit &= 1<<31 - 1
	return limit, min(down, limit/search.PhasesMost)
}

// uintsOf returns integers as bytes.
func uintsOf(all ...uint32) (data []byte) {
	for _, v := range all {
		data = binary.LittleEndian.AppendUint32(data, v)
	}
	return data
}

func FuzzLow(f *testing.F) {
	step := math.Float64bits(1 << 16)
	f.Add(seeds(), step, uint16(1<<8), uint8(62), uint32(1<<20), uint32(1<<13), true)
	f.Add(seeds(), step, uint16(1<<15), uint8(31), uint32(1<<21), uint32(0), false)
	f.Add(seeds()[8:], math.Float64bits(0x1p-130), uint16(3), uint8(7), uint32(math.MaxUint32), uint32(math.MaxUint32), true)
	f.Add(seeds()[4:], math.Float64bits(math.MaxFloat64), uint16(math.MaxUint16), uint8(15), uint32(1<<18), uint32(1), false)
	f.Add(uintsOf(0x3f000000, 0xbf000000), step, uint16(0), uint8(33), uint32(1<<18), uint32(0), true) // halves: at the limit
	f.Add(uintsOf(0x3f000000, 0x3f000000), step, uint16(0), uint8(63), uint32(1<<16-2), uint32(0), false)
	f.Add(uintsOf(0, 0x80000000), step, uint16(0), uint8(0), uint32(0), uint32(0), true)
	f.Fuzz(func(t *testing.T, data []byte, mid uint64, move uint16, steps uint8, limit, down uint32, squares bool) {
		var values []float64
		most := 0.0
		for _, v := range finiteOf(data) {
			values = append(values, float64(v))
			most = max(most, math.Abs(float64(v)))
		}
		if len(values) == 0 || len(values) > 1<<13 {
			return
		}
		s := search.Steps{Mid: math.Float64frombits(mid &^ (1 << 63)), N: 1 + int(steps)%(search.PhasesMost-1)}
		if !(s.Mid*most < 0x1p50) {
			s.Mid = 0x1p50 / max(most, 1)
		}
		s.Move = -float64(move) / (1 << 20) * s.Mid
		limit, down = limitsOf(limit, down)
		var got, want search.PhaseSums
		wantLow, wantLeast := search.Low(&want, nil, values, s, limit, down, squares)
		forEachUsable(func() {
			kernel := searchKernels().Low
			if kernel == nil {
				return
			}
			low, least := kernel(&got, values, s, limit, down, squares)
			if low != wantLow || least != wantLeast {
				t.Fatalf("%v: %v, %+v, limit %d, down %d, squares %v: %#x, least %d, want %#x, least %d", active, values, s, limit, down, squares, low, least, wantLow, wantLeast)
			}
			if low != 0 && !slices.Equal(got[:s.N+1], want[:s.N+1]) {
				t.Fatalf("%v: %v, %+v, squares %v: sums %v, want %v", active, values, s, squares, got[:s.N+1], want[:s.N+1])
			}
		})
	})
}

func FuzzAtMost(f *testing.F) {
	f.Add(uintsOf(1000, 1001, 999, 0, 1<<31-1), uint64(math.MaxUint64), uint32(1000), uint32(0))
	f.Add(uintsOf(6400, 6300, 6200, 6100, 6001), uint64(0xaaaaaaaaaaaaaaaa), uint32(6400), uint32(100))
	f.Add(uintsOf(1<<31-1, 1<<31-2), uint64(1<<63|1), uint32(1<<31-1), uint32(1<<25))
	f.Add(uintsOf(0), uint64(0), uint32(0), uint32(0))
	f.Fuzz(func(t *testing.T, data []byte, low uint64, limit, down uint32) {
		sums, ok := sumsOf(data)
		if !ok {
			return
		}
		limit, down = limitsOf(limit, down)
		want := search.AtMost(&sums, low, limit, down)
		forEachUsable(func() {
			kernel := searchKernels().AtMost
			if kernel == nil {
				return
			}
			if got := kernel(&sums, low, limit, down); got != want {
				t.Fatalf("%v: sums %v, low %#x, limit %d, down %d: %#x, want %#x", active, sums, low, limit, down, got, want)
			}
		})
	})
}

func FuzzBounds(f *testing.F) {
	all := uint64(1<<63 - 1)
	f.Add(uintsOf(1<<20, 1<<19, 12345, 0, 77), all, 3.0, uint16(1<<15), 0.01, 0.5, uint8(0), 0.2)
	f.Add(uintsOf(1<<31-1, 0), all, 0x1p-100, uint16(math.MaxUint16), 0.0, 0.0, uint8(7), 0x1p190) // no curve
	f.Add(uintsOf(1<<19, 1<<19), uint64(0x5555555555555555), 0x1p120, uint16(1), 0.0, 1e-300, uint8(255), 0x1p-240)
	f.Add(uintsOf(1<<19, 1<<20), uint64(1<<62|1), 1.0, uint16(0), 0.0, 1.0, uint8(0), math.Inf(1)) // the difference is the curve
	f.Add(uintsOf(1, 2, 3), all, 1.0, uint16(1<<10), 2.0, 4.0, uint8(0), 0.0)                      // all sums are below the error
	f.Fuzz(func(t *testing.T, data []byte, between uint64, u float64, apart uint16, most, curve float64, share uint8, limit float64) {
		sums, ok := sumsOf(data)
		u, most, curve, limit = math.Abs(u), math.Abs(most), math.Abs(curve), math.Abs(limit)
		if !ok || !(u >= 0x1p-140 && u <= 0x1p140 && most <= 0x1p20 && curve <= 0x1p20) || math.IsNaN(limit) {
			return
		}
		b := search.Bounding{U: u, H: u * float64(apart) / (search.PhasesMost << 16), Error: most, Curve: curve, Share: 1 - float64(share)/256, Most: limit}
		between &^= 1 << 63
		var got, want search.StepBounds
		wantBelow := search.Bounds(&want, &sums, between, b)
		forEachUsable(func() {
			kernel := searchKernels().Bounds
			if kernel == nil {
				return
			}
			if below := kernel(&got, &sums, between, b); below != wantBelow {
				t.Fatalf("%v: sums %v, between %#x, %+v: %#x, want %#x", active, sums, between, b, below, wantBelow)
			}
			for j := range got {
				if between>>j&1 != 0 && math.Float64bits(got[j]) != math.Float64bits(want[j]) {
					t.Fatalf("%v: sums %v, between %#x, %+v: bound %d is %v, want %v", active, sums, between, b, j, got[j], want[j])
				}
			}
		})
	})
}

func FuzzSortFew(f *testing.F) {
	f.Add(seeds(), uint8(0))
	f.Add(seeds()[80:], uint8(32))
	f.Add(uintsOf(0, 0x80000000, 0x7f7fffff, 0xff7fffff, 1, 0x80000001, 0x7f7fffff), uint8(15))
	f.Add(uintsOf(0x80000000, 0), uint8(17))
	f.Fuzz(func(t *testing.T, data []byte, n uint8) {
		x := finiteOf(data)
		x = x[:min(len(x), int(n)%33)]
		got, want := make([]float64, len(x)), make([]float64, len(x))
		search.SortFew(want, x)
		forEachUsable(func() {
			kernel := searchKernels().SortFew
			if kernel == nil {
				return
			}
			clear(got)
			kernel(got, x)
			if differ(got, want) >= 0 {
				t.Fatalf("%v: %v: %v, want %v", active, x, got, want)
			}
		})
	})
}

func FuzzErrorsFew(f *testing.F) {
	f.Add(seeds(), uint32(0x3e3d70a4), int32(11), uint8(18))
	f.Add(seeds(), uint32(0x00000123), int32(-1<<23), uint8(7))
	f.Add(seeds()[:64], uint32(0x7f7fffff), int32(1<<22), uint8(42))
	f.Add(uintsOf(0x3f000000, 0x3fc00000, 0xc0200000, 0x80000000), uint32(0x3f800000), int32(0), uint8(0)) // between two codes
	f.Fuzz(func(t *testing.T, data []byte, scale uint32, zero int32, option uint8) {
		x := finiteOf(data)
		x = x[:min(len(x), 260)] // up to a few more than kernels take
		if len(x) == 0 {
			return
		}
		p := fuzzProblem(len(x), scale, zero, option, uint16(len(x)-1), 0)
		for _, n := range [...]int{len(x), len(x) &^ 15} { // some kernels take multiples of 16
			if n == 0 {
				continue
			}
			var want [1]sums
			errorsRunsGeneric(want[:], x[:n], n, p.scale[:1], p.zero[:1], p.qmin, p.qmax)
			forEachUsable(func() {
				abs, sq, ok := errorsFew(x[:n], p.scale[0], p.zero[0], p.qmin, p.qmax)
				if ok && (math.Float64bits(abs) != math.Float64bits(want[0].abs) || math.Float64bits(sq) != math.Float64bits(want[0].sq)) {
					t.Fatalf("%v: %v, scale %v, zero point %d, codes %d to %d: %v and %v, want %v and %v", active, x[:n], p.scale[0], p.zero[0], p.qmin, p.qmax, abs, sq, want[0].abs, want[0].sq)
				}
			})
		}
	})
}
