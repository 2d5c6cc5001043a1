package quant

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
)

// TestStateRoundTrip reads states and writes them again, and goes on with what
// was read.
func TestStateRoundTrip(t *testing.T) {
	for _, d := range distributions {
		for _, s := range []Scheme{
			{Bits: 8}, {Bits: 4, Mapping: Symmetric, NarrowRange: true, Method: Entropy},
			{Bits: 16, Unsigned: true, ZeroInRange: true, Method: Percentile(99.5), Granularity: PerChannel(-1)},
			{Bits: 3, Method: MovingAverage(0.3), Granularity: PerChannel(1)}, {Bits: 4, Method: LeastAbsolute, Granularity: PerGroup(1, 4)},
			{Bits: 4, Method: LeastAbsolute, Granularity: PerBlock(0, 3, -1, 4)},
		} {
			for _, p := range []NotFinitePolicy{RefuseNotFinite, IgnoreNotFinite} {
				x := valuesOf(21, 8*9, d.of)
				if p == IgnoreNotFinite {
					x[3], x[4] = float32(math.NaN()), float32(math.Inf(-1))
				}
				o := newObserver(t, s, p)
				for range 2 {
					b := stateOf(t, o)
					r := new(Observer)
					if err := r.UnmarshalBinary(b); err != nil {
						t.Fatalf("%s, %+v: %v", d.name, s, err)
					}
					if got := stateOf(t, r); !bytes.Equal(got, b) {
						t.Fatalf("%s, %+v: %x became %x", d.name, s, b, got)
					}
					if r.Scheme() != s || r.Counts() != o.Counts() || r.Len() != o.Len() {
						t.Fatalf("%s, %+v: read %+v, %+v, %d", d.name, s, r.Scheme(), r.Counts(), r.Len())
					}
					mustObserve(t, r, Tensor{x, []int{8, 9}})
					mustObserve(t, o, Tensor{x, []int{8, 9}})
					if !bytes.Equal(stateOf(t, r), stateOf(t, o)) {
						t.Fatalf("%s, %+v: what was read does not go on alike", d.name, s)
					}
				}
			}
		}
	}
}

// TestStateGolden is a state as docs/observer-format.md describes it, byte by byte.
func TestStateGolden(t *testing.T) {
	o := newObserver(t, Scheme{Bits: 8, Mapping: Symmetric, Method: Percentile(99.9), Granularity: PerChannel(-1)}, IgnoreNotFinite)
	mustObserve(t, o, Tensor{[]float32{1, -2, 1.001, float32(math.Inf(-1)), 3, -2}, []int{3, 2}})
	want := []byte("QOBS\x01\x08\x12\x01\x01\x01")
	want = append(want, 0x9a, 0x99, 0x99, 0x99, 0x99, 0xf9, 0x58, 0x40) // 99.9
	want = append(want, 2)
	want = append(want, 3, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0x40, 0x40, 0x80, 0x7f, 2, 0xbf, 1, 1) // 3f80 twice, 4040
	want = append(want, 2, 0, 0, 1, 0, 0, 0, 0xc0, 0, 0, 0, 0xc0, 0x80, 0x80, 3, 2)                // c000 twice
	want = binary.LittleEndian.AppendUint32(want, crc32.ChecksumIEEE(want))
	if got := stateOf(t, o); !bytes.Equal(got, want) {
		t.Errorf("got\n%x, want\n%x", got, want)
	}
}

// withChecksum returns b with a checksum that is right.
func withChecksum(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(b), crc32.ChecksumIEEE(b))
}

func TestStateHostile(t *testing.T) {
	o := newObserver(t, Scheme{Bits: 8, Method: Entropy}, RefuseNotFinite)
	mustObserve(t, o, Tensor{Data: []float32{-1, 0, 2, 2}})
	good := stateOf(t, o)
	body := good[:len(good)-4]
	at := func(i int, b ...byte) []byte {
		c := bytes.Clone(body)
		copy(c[i:], b)
		return withChecksum(c)
	}
	for name, bad := range map[string][]byte{
		"nothing":        nil,
		"magic":          at(0, 'q'),
		"version":        at(4, 2),
		"bits":           at(5, 17),
		"flags":          at(6, 0x20),
		"narrow":         at(6, 4),
		"granularity":    at(7, 3),
		"no axis":        at(7, 1),
		"method":         at(8, 0x7f),
		"more scales":    at(9, 2),
		"no scales":      at(9, 0),
		"count":          at(10, 3),
		"count of more":  at(10, 5),
		"NaN refused":    at(11, 1),
		"range":          at(14, 0, 0, 0x80, 0xbf-0x80),
		"minus zero":     at(14, 0, 0, 0, 0x80),
		"max too large":  at(18, 0, 0, 0x80, 0x40),
		"checksum":       append(bytes.Clone(body), 1, 2, 3, 4),
		"left over":      withChecksum(append(bytes.Clone(body), 0)),
		"cut short":      withChecksum(body[:len(body)-1]),
		"long number":    withChecksum(append(bytes.Clone(body[:len(body)-1]), 0x81, 0)),
		"huge number":    withChecksum(append(bytes.Clone(body[:9]), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)),
		"endless number": withChecksum(append(bytes.Clone(body[:9]), bytes.Repeat([]byte{0xff}, 12)...)),
	} {
		r := newObserver(t, Scheme{Bits: 2}, RefuseNotFinite)
		before := stateOf(t, r)
		err := r.UnmarshalBinary(bad)
		if !errors.Is(err, ErrState) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.Equal(stateOf(t, r), before) {
			t.Errorf("%s: an error changed the observer", name)
		}
	}
	for i := range good {
		for _, b := range []byte{0, 0xff, good[i] + 1, good[i] ^ 0x80} {
			if b == good[i] {
				continue
			}
			bad := bytes.Clone(good)
			bad[i] = b
			if err := new(Observer).UnmarshalBinary(bad); !errors.Is(err, ErrState) {
				t.Errorf("byte %d: %v", i, err)
			}
		}
		if err := new(Observer).UnmarshalBinary(good[:i]); !errors.Is(err, ErrState) {
			t.Errorf("%d bytes: %v", i, err)
		}
	}
}

// FuzzObserverState reads anything, with its checksum put right: what is
// accepted is written again as it was, and all its methods work.
func FuzzObserverState(f *testing.F) {
	for _, s := range []Scheme{
		{Bits: 8}, {Bits: 4, Mapping: Symmetric, Method: Entropy}, {Bits: 8, Method: Percentile(99), Granularity: PerChannel(-1)},
		{Bits: 3, Method: MovingAverage(0.3)}, {Bits: 4, Method: LeastAbsolute, Granularity: PerGroup(0, 2)},
	} {
		o := newObserver(f, s, IgnoreNotFinite)
		b := stateOf(f, o)
		f.Add(b[:len(b)-4])
		mustObserve(f, o, Tensor{Data: []float32{1, 2, -3, 1e-40, 7, float32(math.Inf(1))}})
		b = stateOf(f, o)
		f.Add(b[:len(b)-4])
	}
	for _, g := range []Granularity{PerTensor, PerChannel(-1)} {
		o := newObserver(f, Scheme{Bits: 8, Method: Entropy, Granularity: g}, RefuseNotFinite)
		for i := range 255 { // all octaves
			mustObserve(f, o, Tensor{Data: []float32{math.Float32frombits(uint32(i) << 23), -math.Float32frombits(uint32(i) << 23)}})
		}
		b := stateOf(f, o)
		f.Add(b[:len(b)-4])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = withChecksum(b)
		o := new(Observer)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := o.UnmarshalBinary(b)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 3<<19+300*uint64(len(b)) && !raceEnabled { // which allocates too
			t.Fatalf("%d bytes for %d", n, len(b))
		}
		if err != nil {
			if !errors.Is(err, ErrState) {
				t.Fatal(err)
			}
			return
		}
		if got := stateOf(t, o); !bytes.Equal(got, b) {
			t.Fatalf("%x became %x", b, got)
		}
		if len(b) > 1000 {
			return
		}
		for _, m := range methodsOfHistogram {
			if p, err := paramsBy(o, m); err == nil {
				if err := p.check(o.Len()); err != nil {
					t.Fatalf("%v: %v", m, err)
				}
			}
		}
	})
}

// FuzzObserve splits data and observes it whole: the states are the same.
func FuzzObserve(f *testing.F) {
	f.Add([]byte{0, 0, 0x80, 0x3f, 0, 0, 0x80, 0x7f, 1, 0, 0, 0x80, 0, 0, 0xc0, 0x7f}, uint8(2), uint8(1), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, cols, cut, kind uint8) {
		x := make([]float32, len(b)/4)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		n := max(1, int(cols))
		x = x[:len(x)/n*n]
		if len(x) == 0 {
			return
		}
		s := Scheme{Bits: 2 + int(kind)%15, Granularity: PerChannel(-1), Method: methodsOfHistogram[int(kind)%len(methodsOfHistogram)]}
		if kind&1 != 0 {
			s.Mapping = Symmetric
		}
		a, c := newObserver(t, s, IgnoreNotFinite), newObserver(t, s, IgnoreNotFinite)
		mustObserve(t, a, Tensor{x, []int{len(x) / n, n}})
		k := int(cut) % (len(x)/n + 1) * n
		if k > 0 {
			mustObserve(t, c, Tensor{x[:k], []int{k / n, n}})
		}
		if k < len(x) {
			mustObserve(t, c, Tensor{x[k:], []int{(len(x) - k) / n, 1, n}})
		}
		want := stateOf(t, a)
		if got := stateOf(t, c); !bytes.Equal(got, want) {
			t.Fatalf("%x, in two batches %x", want, got)
		}
		p, err := paramsBy(a, s.Method)
		if err != nil {
			if !errors.Is(err, ErrEmpty) {
				t.Fatal(err)
			}
			return
		}
		if err := p.check(n); err != nil {
			t.Fatal(err)
		}
	})
}

// TestStateSize: the state of many values is small.
func TestStateSize(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	o := newObserver(t, Scheme{Bits: 8, Method: Entropy}, RefuseNotFinite)
	x := make([]float32, 100000)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	mustObserve(t, o, Tensor{Data: x})
	if n, bins := len(stateOf(t, o)), len(o.Bins(0)); n > 3*bins {
		t.Errorf("%d bytes for %d bins", n, bins)
	}
}

// TestStateMemory reads many channels of few values: memory is in proportion to
// the bytes, whatever the next channel's look like.
func TestStateMemory(t *testing.T) {
	o := newObserver(t, Scheme{Bits: 8, Method: Entropy, Granularity: PerChannel(-1)}, RefuseNotFinite)
	x := make([]float32, 5000)
	for i := range x {
		x[i] = math.Float32frombits(uint32(i) << 18)
	}
	mustObserve(t, o, Tensor{Data: x})
	b := stateOf(t, o)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := new(Observer).UnmarshalBinary(b); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 300*uint64(len(b)) {
		t.Errorf("%d bytes for %d", n, len(b))
	}
}
