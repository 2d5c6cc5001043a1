//go:build !purego

package quant

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestQuantizeGroupsHandled calls the kernels of groups without their dispatcher. They must handle
// all groups whose parameters they serve, and stop at the first batch with a group that they do not
// serve.
func TestQuantizeGroupsHandled(t *testing.T) {
	forEachISA(t, func(t *testing.T) {
		kernel8, kernel4 := quantizeGroups8AVX512, quantizeGroups4AVX512
		switch active {
		case generic:
			return
		case avx2:
			kernel8, kernel4 = quantizeGroups8AVX2, quantizeGroups4AVX2
		}
		rng := rand.New(rand.NewPCG(131, 132))
		step := groupStep()
		for i := range 200 {
			run, k := groupLengths[i%4], step*(1+i%3)
			s := shape{n: k * run, run: run}
			p, p4 := newGroupProblem(rng, s, grid{-128, 127}, 0), newGroupProblem(rng, s, grid{0, 15}, 0)
			want := k
			if i%2 == 1 {
				bad := rng.IntN(k)
				want = bad / step * step
				switch i / 2 % 4 {
				case 0:
					p.scale[bad] = math.Float32frombits(math.Float32bits(p.scale[bad])&^(1<<15-1) | 1 + rng.Uint32N(6))
				case 1:
					p.scale[bad] = -p.scale[bad]
				case 2:
					p.zero[bad] = 256
				case 3:
					p.scale[bad] = 0x1.8p101
				}
				p4.scale[bad], p4.zero[bad] = p.scale[bad], p.zero[bad]
			}
			got, packed := make([]uint8, s.n), make([]byte, s.n/2)
			wantCodes, wantPacked := make([]uint8, s.n), make([]byte, s.n/2)
			if n := kernel8(got, p.src, run, p.scale, p.zero, p.qmin, p.qmax); n != want {
				t.Fatalf("%d of %d groups of %d are handled, want %d", n, k, run, want)
			}
			if n := kernel4(packed, p4.src, run, p4.scale, p4.zero, p4.qmin, p4.qmax); n != want {
				t.Fatalf("%d of %d groups of %d are packed, want %d", n, k, run, want)
			}
			quantizeRunsGeneric(wantCodes, p.src, run, p.scale, p.zero, p.qmin, p.qmax)
			quantize4RunsGeneric(wantPacked, p4.src, run, p4.scale, p4.zero, p4.qmin, p4.qmax)
			n := want * run
			if at := differ(got[:n], wantCodes[:n]); at >= 0 {
				t.Fatalf("code %d, want %d, of %v", got[at], wantCodes[at], p.at(at))
			}
			if at := differ(packed[:n/2], wantPacked[:n/2]); at >= 0 {
				t.Fatalf("byte %#x, want %#x, of %v", packed[at], wantPacked[at], p4.at(2*at))
			}
		}
	})
}
