package quant

import (
	"errors"
	"runtime"
	"testing"
)

// fuzzTensor returns values of a shape of up to three axes, of any walk.
func fuzzTensor(seed uint64, a, b, c uint16) Tensor {
	const most = 300000
	shape := []int{max(1, int(a)), max(1, int(b)), max(1, int(c))}
	for i := range shape {
		rest := most
		for _, d := range shape[:i] {
			rest /= d
		}
		shape[i] = max(1, min(shape[i], rest))
	}
	r := splitmix(seed)
	return goldenTensor(&r, int(seed%4), shape...)
}

func fuzzScheme(options uint32) Scheme {
	s := Scheme{Bits: 2 + int(options%15), Unsigned: options>>4&1 != 0, Mapping: Mapping(options >> 5 & 1), ZeroInRange: options>>6&1 != 0}
	axis := int(options>>8) % 3
	switch options >> 12 & 3 {
	case 1:
		s.Granularity = PerChannel(axis)
	case 2:
		s.Granularity = PerGroup(axis, 1+int(options>>16&0x7ff))
	case 3:
		s.Granularity = PerBlock(axis%2, 1+int(options>>16&0x3f), 2, 1+int(options>>22&0x1ff))
	}
	return s
}

// FuzzSource checks that nothing depends on whether a tensor is in memory, and
// that what Compare predicts is what Measure finds.
func FuzzSource(f *testing.F) {
	f.Add(uint64(0), uint16(300), uint16(300), uint16(1), uint32(0x1006), uint32(0x2016), uint16(1000), uint32(1))
	f.Add(uint64(1), uint16(70), uint16(1), uint16(4200), uint32(0x1206), uint32(0x1010), uint16(10), uint32(0))
	f.Add(uint64(2), uint16(200), uint16(3), uint16(40), uint32(0x1100), uint32(0x1f2007), uint16(5000), uint32(70000))
	f.Add(uint64(3), uint16(4000), uint16(20), uint16(3), uint32(0x0000), uint32(0x1112), uint16(1), uint32(0))
	f.Fuzz(func(t *testing.T, seed uint64, a, b, c uint16, first, other uint32, wave uint16, bad uint32) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1 + int(seed%3)))
		defer func(n int) { slotBytes = n }(slotBytes)
		slotBytes = int(wave)
		x := fuzzTensor(seed, a, b, c)
		if int(bad) < len(x.Data) && bad > 0 {
			x.Data[bad] = inf
		}
		src := sliceSource(x.Data)
		s := []Scheme{fuzzScheme(first), fuzzScheme(other)}
		want, err := Compare(x, s...)
		got, errFrom := Stream{src, x.Shape}.Compare(s...)
		if err != nil {
			if errFrom == nil || err.Error() != errFrom.Error() {
				t.Fatalf("%v, shape %v: error %v, want %v", s, x.Shape, errFrom, err)
			}
			return
		}
		if errFrom != nil {
			t.Fatal(errFrom)
		}
		if diff := difference(want, got); diff != "" {
			t.Fatalf("%v, shape %v (-in memory +read)\n%s", s, x.Shape, diff)
		}
		got, err = Stream{src, x.Shape}.CompareParams(want.Results[0].Params, want.Results[1].Params)
		if err != nil {
			t.Fatal(err)
		}
		if diff := difference(want, got); diff != "" {
			t.Fatalf("evaluated: %v, shape %v (-in memory +read)\n%s", s, x.Shape, diff)
		}
		for i := range want.Results {
			testMeasure(t, x, want, &want.Results[i])
		}
	})
}

// FuzzSourceMethods is FuzzSource for methods that choose among the values, with
// any number of values that are brought together, and for observers.
func FuzzSourceMethods(f *testing.F) {
	f.Add(uint64(0), uint16(300), uint16(300), uint16(1), uint32(0x1006), uint8(3), uint16(1000), uint16(100), uint32(0))
	f.Add(uint64(1), uint16(70), uint16(1), uint16(4200), uint32(0x0206), uint8(4), uint16(10), uint16(0), uint32(0))
	f.Add(uint64(2), uint16(2000), uint16(3), uint16(17), uint32(0x1125), uint8(2), uint16(5000), uint16(60000), uint32(70000))
	f.Add(uint64(3), uint16(4000), uint16(20), uint16(1), uint32(0x700212a), uint8(5), uint16(1), uint16(20), uint32(0))
	f.Fuzz(func(t *testing.T, seed uint64, a, b, c uint16, options uint32, method uint8, wave, limit uint16, bad uint32) {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1 + int(seed%3)))
		defer func(n int) { slotBytes = n }(slotBytes)
		slotBytes = int(wave)
		smallLimits(t, int(limit), int(limit)/7)
		x := fuzzTensor(seed, a, b, c)
		if int(bad) < len(x.Data) && bad > 0 {
			x.Data[bad] = inf
		}
		s := fuzzScheme(options)
		s.Method = allMethods[int(method)%len(allMethods)]
		if l, err := newLayout(len(x.Data), x.Shape, s.Granularity); err != nil || l.params > 100 {
			return // takes long
		}
		src := sliceSource(x.Data)
		more := s
		more.Method = Percentile(99)
		want, err := Compare(x, s, Scheme{Bits: 8}, more)
		got, errFrom := Stream{src, x.Shape}.Compare(s, Scheme{Bits: 8}, more)
		if (err == nil) != (errFrom == nil) || err != nil && err.Error() != errFrom.Error() {
			t.Fatalf("%+v, shape %v: error %v, want %v", s, x.Shape, errFrom, err)
		}
		if err == nil {
			if diff := difference(want, got); diff != "" {
				t.Fatalf("%+v, shape %v (-in memory +read)\n%s", s, x.Shape, diff)
			}
		}
		at, read := newObserver(t, s, NotFinitePolicy(seed%2)), newObserver(t, s, NotFinitePolicy(seed%2))
		err, errFrom = at.Observe(x), read.ObserveStream(Stream{src, x.Shape})
		if (err == nil) != (errFrom == nil) || err != nil && err.Error() != errFrom.Error() {
			t.Fatalf("%+v, shape %v: observed with error %v, want %v", s, x.Shape, errFrom, err)
		}
		if string(stateOf(t, at)) != string(stateOf(t, read)) {
			t.Fatalf("%+v, shape %v: observed another state", s, x.Shape)
		}
	})
}

// FuzzPart checks that a part has the codes and values of the whole.
func FuzzPart(f *testing.F) {
	f.Add(uint64(0), uint16(30), uint16(30), uint16(3), uint32(0x1006), uint32(17), uint32(600))
	f.Add(uint64(1), uint16(30), uint16(300), uint16(1), uint32(0x32100), uint32(1), uint32(8999))
	f.Add(uint64(2), uint16(9), uint16(70), uint16(11), uint32(0x1107), uint32(770), uint32(771))
	f.Add(uint64(3), uint16(20), uint16(3), uint16(200), uint32(0x52200), uint32(199), uint32(401))
	f.Fuzz(func(t *testing.T, seed uint64, a, b, c uint16, options, from, to uint32) {
		x := fuzzTensor(seed, a, b, c)
		s := fuzzScheme(options)
		p, err := Calibrate(x, s)
		if err != nil {
			t.Fatal(err)
		}
		i, j := int(from)%(len(x.Data)+1), int(to)%(len(x.Data)+1)
		i, j = min(i, j), max(i, j)
		if s.Unsigned {
			fuzzPart[uint16](t, x, p, i, j)
		} else {
			fuzzPart[int16](t, x, p, i, j)
		}
	})
}

func fuzzPart[T Code](t *testing.T, x Tensor, p Params, i, j int) {
	whole, part := make([]T, len(x.Data)), make([]T, j-i)
	real, back := make([]float32, len(x.Data)), make([]float32, j-i)
	if err := errors.Join(
		QuantizeCodes(whole, x, p), QuantizePart(part, x.Data[i:j], i, x.Shape, p),
		DequantizeCodes(real, whole, x.Shape, p), DequantizePart(back, whole[i:j], i, x.Shape, p),
	); err != nil {
		t.Fatal(err)
	}
	if k := differ(part, whole[i:j]); k >= 0 {
		t.Fatalf("%v, shape %v, part from %d to %d: code %d differs", p.Scheme, x.Shape, i, j, i+k)
	}
	if k := differ(back, real[i:j]); k >= 0 {
		t.Fatalf("%v, shape %v, part from %d to %d: value %d differs", p.Scheme, x.Shape, i, j, i+k)
	}
}
