package quant

import (
	"crypto/sha256"
	"fmt"
	"testing"
)

// goldenMethods is the hash of what all methods make of a fixed workload, of
// observers and of tensors at hand: see goldenSmall.
const goldenMethods = "21a6a43d72f8e0bc6dae5567ca7ae7b5b485b88487ab8465b30dce2cad37d28a"

// goldenMethodsFew is that of the first two granularities, which have few
// parameters, for emulators with time for one kernel set.
const goldenMethodsFew = "6d256b74669fe82d1455f3fbef1e317fdbf259b5048757eec75eb89a24e89f67"

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
