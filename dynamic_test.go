package quant

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"testing"
)

// dynamicShapes are tensors that are done at once, in several runs, by several
// goroutines, and as a whole.
var dynamicShapes = []struct {
	name  string
	shape []int
	by    Granularity
}{
	{"a few elements", []int{7}, PerTensor},
	{"a tensor of several parts", []int{3, 70001}, PerTensor},
	{"rows that are small", []int{3, 5}, PerChannel(0)},
	{"rows of odd lengths", []int{70, 333}, PerChannel(0)},
	{"rows of a power of two", []int{40, 1024}, PerChannel(0)},
	{"rows that are done one by one", []int{9, 5003}, PerChannel(0)},
	{"rows that are done as a whole", []int{2, longestRow + 1}, PerChannel(0)},
	{"rows of several parts", []int{300, 700}, PerChannel(0)},
	{"columns", []int{90, 100}, PerChannel(-1)},
	{"channels in the middle", []int{5, 30, 40}, PerChannel(1)},
	{"groups of 16", []int{40, 256}, PerGroup(-1, 16)},
	{"groups of 32", []int{300, 512}, PerGroup(-1, 32)},
	{"groups of 128", []int{40, 256}, PerGroup(-1, 128)},
	{"groups that do not fill a row", []int{1, 9001}, PerGroup(-1, 7)},
	{"groups that do not fill their rows", []int{30, 301}, PerGroup(-1, 32)},
	{"groups of rows", []int{90, 70}, PerGroup(0, 32)},
	{"blocks", []int{300, 513}, PerBlock(0, 128, 1, 128)},
	{"blocks of one", []int{4, 60}, PerBlock(0, 1, 1, 1)},
	{"groups of one", []int{6000}, PerGroup(0, 1)},
}

// TestDynamic compares one call with two.
func TestDynamic(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	r := splitmix(5)
	for i, tt := range dynamicShapes {
		x := goldenTensor(&r, i%4, tt.shape...)
		t.Run(tt.name, func(t *testing.T) {
			forEachISA(t, func(t *testing.T) {
				for j, bits := range []int{2, 3, 4, 8, 11, 16} {
					if testing.Short() && j%3 != i%3 {
						continue
					}
					s := Scheme{Bits: bits, Granularity: tt.by, Unsigned: (i+j)%2 > 0, Mapping: Mapping(j / 2 % 2), ZeroInRange: j%3 == 1}
					testDynamic(t, x, s)
				}
				testDynamic(t, x, Scheme{Bits: 8, Mapping: Symmetric, NarrowRange: true, Granularity: tt.by})
				testDynamic(t, x, Scheme{Format: E2M1, Granularity: tt.by})
				testDynamic(t, x, Scheme{Format: E2M1, Scales: E4M3Scale, Granularity: tt.by})
				testDynamic(t, x, Scheme{Bits: 8, Scales: Float16Scale, Granularity: tt.by})
			})
		})
	}
}

func testDynamic(t *testing.T, x Tensor, s Scheme) {
	t.Helper()
	want, err := Calibrate(x, s)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := Quantize(x, want)
	if err != nil {
		t.Fatal(err)
	}
	for _, policy := range []NotFinitePolicy{RefuseNotFinite, MarkNotFinite} {
		q, err := QuantizeDynamic(x, s, policy)
		if err != nil {
			t.Fatal(err)
		}
		if q.Params.Scheme != want.Scheme || q.Params.TensorScale != want.TensorScale || differ(q.Params.Scale, want.Scale) >= 0 || differ(q.Params.ZeroPoint, want.ZeroPoint) >= 0 {
			t.Fatalf("%v, shape %v: other parameters than those of Calibrate", s, x.Shape)
		}
		if i := differ(q.Codes, codes.Codes); i >= 0 || !slices.Equal(q.Shape, x.Shape) {
			t.Fatalf("%v, shape %v: byte %d is %#x, want %#x", s, x.Shape, i, q.Codes[i], codes.Codes[i])
		}
	}
	if s.Unsigned || s.Format != Integers {
		testDynamicCodes[uint16](t, x, s, codes)
	} else {
		testDynamicCodes[int16](t, x, s, codes)
	}
}

// testDynamicCodes compares codes that are not packed with q.
func testDynamicCodes[T Code](t *testing.T, x Tensor, s Scheme, q Quantized) {
	t.Helper()
	if s.Format != Integers {
		return // their codes are bytes
	}
	var p Params
	got, want := make([]T, len(x.Data)+1), make([]T, len(x.Data))
	Unpack(want, q.Codes, s.Bits)
	if err := QuantizeDynamicCodes(got, &p, x, s, RefuseNotFinite); err != nil {
		t.Fatal(err)
	}
	if i := differ(got[:len(want)], want); i >= 0 || got[len(want)] != 0 || differ(p.Scale, q.Params.Scale) >= 0 {
		t.Fatalf("%v, shape %v: code %d is not that of Quantize, or parameters differ", s, x.Shape, i)
	}
}

// TestDynamicEveryInput has rows of all values, in groups and in rows.
func TestDynamicEveryInput(t *testing.T) {
	const stride = 1999 * 16
	forEachFast(func() {
		everyInput(stride, func(src []float32) {
			toFinite(src)
			for i, g := range []Granularity{PerGroup(0, 32), PerGroup(0, 16), PerGroup(0, 100), PerTensor} {
				testDynamic(t, Tensor{Data: src, Shape: []int{len(src)}}, Scheme{Bits: 4 << (i % 2), Granularity: g, Mapping: Mapping(i / 2)})
			}
		})
	})
}

// TestDynamicNotFinite has values that are not finite, under each policy.
func TestDynamicNotFinite(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4))
	r := splitmix(6)
	inf := float32(math.Inf(1))
	for i, tt := range dynamicShapes {
		x := goldenTensor(&r, 0, tt.shape...)
		n := len(x.Data)
		t.Run(tt.name, func(t *testing.T) {
			forEachISA(t, func(t *testing.T) {
				s := Scheme{Bits: []int{4, 8, 16}[i%3], Granularity: tt.by, Mapping: Mapping(i % 2)}
				for _, bad := range thin([][]int{{n / 3, n - 1}, {n - 1}, {0}}) {
					y := Tensor{slices.Clone(x.Data), x.Shape}
					for j, e := range bad {
						y.Data[e] = []float32{nan, inf, -inf}[(i+j)%3]
					}
					testDynamicRefused(t, y, s, bad[0])
					testDynamicMarked(t, y, s)
				}
			})
		})
	}
}

func testDynamicRefused(t *testing.T, x Tensor, s Scheme, first int) {
	t.Helper()
	_, want := Calibrate(x, s)
	_, err := QuantizeDynamic(x, s, RefuseNotFinite)
	var e *NotFiniteError
	if !errors.As(err, &e) || e.Index != first || err.Error() != want.Error() {
		t.Errorf("%v, want %v", err, want)
	}
}

// testDynamicMarked compares with the tensor in which parameters that are to be marked have
// zeros.
func testDynamicMarked(t *testing.T, x Tensor, s Scheme) {
	t.Helper()
	l, err := newLayout(len(x.Data), x.Shape, s.Granularity)
	if err != nil {
		t.Fatal(err)
	}
	y, marked := Tensor{slices.Clone(x.Data), x.Shape}, make([]bool, l.params)
	elements := func(p int, f func(v *float32)) {
		b := l.values(p, 1)
		for r := range b.rows {
			for j := range b.run {
				f(&y.Data[b.e+r*b.stride+j])
			}
		}
	}
	for p := range marked {
		elements(p, func(v *float32) { marked[p] = marked[p] || !finite(*v) })
		if marked[p] {
			elements(p, func(v *float32) { *v = 0 })
		}
	}
	want, err := Calibrate(y, s)
	if err != nil {
		t.Fatal(err)
	}
	q, err := QuantizeDynamic(x, s, MarkNotFinite)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := Quantize(y, want)
	if err != nil {
		t.Fatal(err)
	}
	qmin, _ := s.Grid()
	for p, m := range marked {
		scale, zero := q.Params.Scale[p], q.Params.ZeroPoint[p]
		if m && (scale == scale || zero != 0) || !m && (scale != want.Scale[p] || zero != want.ZeroPoint[p]) {
			t.Fatalf("%v, shape %v: parameter %d is %v, %d; want %v, %d, marked %t", s, x.Shape, p, scale, zero, want.Scale[p], want.ZeroPoint[p], m)
		}
		b := l.values(p, 1)
		for r := range b.rows {
			e := b.e + r*b.stride
			wanted := codes.At(e)
			if m {
				wanted = qmin
			}
			if c := q.At(e); c != wanted {
				t.Fatalf("%v, shape %v: code %d is %d, want %d", s, x.Shape, e, c, wanted)
			}
		}
	}
}

// TestDynamicErrors has calls that cannot be done.
func TestDynamicErrors(t *testing.T) {
	x := Tensor{make([]float32, 12), []int{3, 4}}
	for _, tt := range []struct {
		name   string
		x      Tensor
		s      Scheme
		policy NotFinitePolicy
		want   error
	}{
		{"17 bits", x, Scheme{Bits: 17}, RefuseNotFinite, ErrBits},
		{"no bits", x, Scheme{}, RefuseNotFinite, ErrBits},
		{"a method that chooses", x, Scheme{Bits: 8, Method: LeastSquares}, RefuseNotFinite, ErrMethod},
		{"a moving average", x, Scheme{Bits: 8, Method: MovingAverage(0.1)}, RefuseNotFinite, ErrMethod},
		{"a policy of observers", x, Scheme{Bits: 8}, IgnoreNotFinite, ErrScheme},
		{"no such policy", x, Scheme{Bits: 8}, 3, ErrScheme},
		{"no such axis", x, Scheme{Bits: 8, Granularity: PerChannel(2)}, RefuseNotFinite, ErrAxis},
		{"another shape", Tensor{x.Data, []int{3, 5}}, Scheme{Bits: 8}, RefuseNotFinite, ErrShape},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := QuantizeDynamic(tt.x, tt.s, tt.policy); !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
	t.Run("codes that do not go into bytes", func(t *testing.T) {
		var p Params
		if err := QuantizeDynamicCodes(make([]int8, 12), &p, x, Scheme{Bits: 9}, RefuseNotFinite); !errors.Is(err, ErrScheme) {
			t.Errorf("%v, want %v", err, ErrScheme)
		}
	})
	t.Run("no elements", func(t *testing.T) {
		q, err := QuantizeDynamic(Tensor{nil, []int{0, 4}}, Scheme{Bits: 8, Unsigned: true, Mapping: Symmetric}, RefuseNotFinite)
		if err != nil || len(q.Codes) != 0 || !slices.Equal(q.Params.Scale, []float32{1}) || !slices.Equal(q.Params.ZeroPoint, []int32{128}) {
			t.Errorf("%v, %v", q, err)
		}
	})
	t.Run("a short destination", func(t *testing.T) {
		defer func() {
			if recover() == nil {
				t.Error("no panic")
			}
		}()
		var p Params
		t.Error(QuantizeDynamicInto(make([]byte, 11), &p, x, Scheme{Bits: 8}, RefuseNotFinite))
	})
}

// TestDynamicNoAllocations has memory on the stack, and memory that several goroutines share.
func TestDynamicNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	defer noCollections()()
	raise(200)
	large := Tensor{make([]float32, 675*400), []int{675, 400}}
	for i := range large.Data {
		large.Data[i] = float32(i*i%9973) - 4000
	}
	for _, g := range thin(matrixGranularities) {
		for _, bits := range []int{4, 8} {
			s := Scheme{Bits: bits, Granularity: g}
			t.Run(fmt.Sprintf("%v/bits=%d", g, bits), func(t *testing.T) {
				small := func() error {
					var x [160]float32
					x[3], x[150] = 1, nan
					var scale [160]float32
					var zero [160]int32
					var codes [160]int8
					p := Params{Scale: scale[:0], ZeroPoint: zero[:0]}
					return errors.Join(
						QuantizeDynamicCodes(codes[:], &p, Tensor{x[:], []int{4, 40}}, s, MarkNotFinite),
						QuantizeDynamicCodes(codes[:], &p, Tensor{x[:144], []int{4, 36}}, s, RefuseNotFinite))
				}
				if stacksAreKnown() {
					if n := allocations(t, small); n != 0 {
						t.Errorf("on the stack: %d allocations, want 0", n)
					}
				}
				var p Params
				packed := make([]byte, PackedLen(len(large.Data), bits))
				shared := func() error { return QuantizeDynamicInto(packed, &p, large, s, RefuseNotFinite) }
				n := allocations(t, shared)
				for try := 0; try < 5 && n != 0; try++ { // until pools hold what several goroutines need
					n = allocations(t, shared)
				}
				if n != 0 {
					t.Errorf("shared: %d allocations, want 0", n)
				}
			})
		}
	}
}

func FuzzDynamic(f *testing.F) {
	f.Add(seeds(), uint8(8), uint8(0), uint16(7))
	f.Add(seeds(), uint8(4), uint8(3), uint16(32))
	f.Fuzz(func(t *testing.T, data []byte, bits, option uint8, size uint16) {
		x := Tensor{Data: floatsOf(data)}
		if len(x.Data) == 0 {
			return
		}
		x.Shape = []int{len(x.Data)}
		s := Scheme{Bits: 2 + int(bits)%15, Granularity: PerGroup(0, 1+int(size)), Mapping: Mapping(option & 1), Unsigned: option&2 > 0, ZeroInRange: option&4 > 0}
		if option&8 > 0 {
			s.Granularity = PerTensor
		}
		forEachUsable(func() { testDynamicMarked(t, x, s) })
		toFinite(x.Data)
		forEachUsable(func() { testDynamic(t, x, s) })
	})
}

// TestDynamicFigures has parameters and codes that are worked out by hand.
func TestDynamicFigures(t *testing.T) {
	x := Tensor{[]float32{0, 1, 2, 3, -8, 0, 4, 7}, []int{2, 4}}
	q, err := QuantizeDynamic(x, Scheme{Bits: 4, Granularity: PerChannel(0)}, RefuseNotFinite)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{0.2, 1}; !slices.Equal(q.Params.Scale, want) {
		t.Errorf("scales %v, want %v", q.Params.Scale, want)
	}
	if want := []int32{-8, 0}; !slices.Equal(q.Params.ZeroPoint, want) {
		t.Errorf("zero points %v, want %v", q.Params.ZeroPoint, want)
	}
	// Codes -8 -3 2 7, and -8 0 4 7, the first of two in the low nibble.
	if got := binary.BigEndian.Uint32(q.Codes); got != 0xd8720874 {
		t.Errorf("codes %08x, want d8720874", got)
	}
}
