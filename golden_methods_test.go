package quant

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// goldenMethods is the hash of what all methods make of a fixed workload, of
// observers and of tensors at hand: see goldenSmall.
const goldenMethods = "9f746202409b9718c3d26609f7bd3151a3dcc02cb1f8f0fabe36036f48187e73"

// goldenMethodsFew is that of the first two granularities, which have few
// parameters, for emulators with time for one kernel set.
const goldenMethodsFew = "a73cd8b12132873c10ba54a0cc87d3a1921132bc06c20220f46683dadc520d94"

func TestGoldenMethods(t *testing.T) {
	granularities := []Granularity{PerTensor, PerChannel(0), PerChannel(-1), PerGroup(-1, 16), PerGroup(1, 4)}
	want := goldenMethods
	if len(tested) < len(usable) {
		granularities, want = granularities[:2], goldenMethodsFew
	}
	var first []section
	forEachISA(t, func(t *testing.T) {
		if testing.Short() && active == generic && len(usable) > 1 {
			t.Skip("the definition is slow, and there are others")
		}
		checkGolden(t, methodsWorkload(t, granularities), want, &first)
	})
}

func methodsWorkload(t *testing.T, granularities []Granularity) (sections []section) {
	d := digest{Hash: sha256.New()}
	r := splitmix(9)
	for kind := range 4 {
		x := goldenTensor(&r, kind, 12, 9, 25)
		for _, g := range granularities {
			o := newObserver(t, Scheme{Bits: 8, Granularity: g, Method: Entropy}, RefuseNotFinite)
			mustObserve(t, o, x)
			mustObserve(t, o, x)
			d.Write(stateOf(t, o))
			a := newObserver(t, Scheme{Bits: 8, Granularity: g, Method: MovingAverage(0.3)}, RefuseNotFinite)
			mustObserve(t, a, x)
			mustObserve(t, a, Tensor{goldenTensor(&r, kind, len(x.Data)).Data, x.Shape})
			d.Write(stateOf(t, a))
			for i, s := range append(goldenSchemes(8), goldenSchemes(3)...) {
				s.Granularity, s.Method = g, methodsOfHistogram[(i+kind)%len(methodsOfHistogram)]
				p, err := o.Params(s)
				if err != nil {
					t.Fatal(err)
				}
				q, err := Calibrate(x, s)
				if err != nil {
					t.Fatal(err)
				}
				d.floats(append(p.Scale, q.Scale...)...)
				writeInts(&d, append(p.ZeroPoint, q.ZeroPoint...)...)
			}
			sections = append(sections, d.seal(fmt.Sprintf("kind %d, %v", kind, g)))
		}
	}
	return sections
}
