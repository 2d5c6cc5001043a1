package quant

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The fuzz targets hand arbitrary bytes as values to the kernels of every
// usable set, and to Compare.

func floatsOf(data []byte) []float32 {
	x := make([]float32, len(data)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return x
}

// fuzzProblem makes what the fuzzer yields into a problem that callers could
// have: scales are positive and finite, zero points bounded, and the parameters
// after the first vary. A width of 0 is the runs walk.
func fuzzProblem(n int, scale uint32, zero int32, option uint8, run, cols uint16) *problem {
	p := &problem{}
	p.n, p.run = n, 1+int(run)
	if cols > 0 {
		p.run = min(int(cols), n)
		p.stride = p.run + int(run)%100
		p.rows = 1 + (n-p.run)/p.stride
	}
	grids := grids(16)
	p.grid = grids[int(option)%len(grids)]
	for i := range p.params() {
		s := (scale + uint32(i)*0x01357ace) & 0x7fffffff
		if s == 0 || s >= 0x7f800000 {
			s = 0x3dcccccd
		}
		p.scale = append(p.scale, math.Float32frombits(s))
		p.zero = append(p.zero, (zero+int32(i)*12345)%(maxZeroPoint+1))
	}
	return p
}

// forEachUsable is forEachISA without subtests, which fuzzing has no time for.
func forEachUsable(f func()) {
	saved := active
	defer func() { active = saved }()
	for _, active = range tested {
		f()
	}
}

// seeds are the special values in the midst of usual ones, as bytes.
func seeds() []byte {
	var b []byte
	for i := range 3 * len(specials) {
		v := float32(i-40) * 0.37
		if i%3 == 1 {
			v = specials[i/3]
		}
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func FuzzQuantize(f *testing.F) {
	f.Add(seeds(), uint32(0x3e3d70a4), int32(11), uint8(18), uint16(31), uint16(0))
	f.Add(seeds(), uint32(0x00000123), int32(-1<<23), uint8(7), uint16(8), uint16(9))
	f.Add(seeds(), uint32(0x7f7fffff), int32(1<<22), uint8(42), uint16(999), uint16(130))
	f.Fuzz(func(t *testing.T, data []byte, scale uint32, zero int32, option uint8, run, cols uint16) {
		src := floatsOf(data)
		if len(src) == 0 {
			return
		}
		p := fuzzProblem(len(src), scale, zero, option, run, cols)
		p.src = src
		if p.qmax-p.qmin < 1<<8 {
			fuzzQuantizer(t, p, quantizers8)
		}
		fuzzQuantizer(t, p, quantizers16)
	})
}

func fuzzQuantizer[T uint8 | uint16](t *testing.T, p *problem, f func() (kernel, definition quantizer[T])) {
	kernel, definition := f()
	got, want := make([]T, p.n), make([]T, p.n)
	definition(want, p, false)
	forEachUsable(func() {
		for _, stream := range []bool{false, true} {
			clear(got)
			kernel(got, p, stream)
			fence()
			if i := differ(got, want); i >= 0 {
				t.Fatalf("%v: code %d, want %d, of %s (stream %t)", active, got[i], want[i], p.at(i), stream)
			}
		}
	})
}

func FuzzDequantize(f *testing.F) {
	f.Add(seeds(), uint32(0x3e3d70a4), int32(11), true, uint16(31), uint16(0))
	f.Add(seeds(), uint32(0x00000123), int32(-1<<23), false, uint16(8), uint16(9))
	f.Add(seeds(), uint32(0x7f7fffff), int32(1<<22), true, uint16(999), uint16(130))
	f.Fuzz(func(t *testing.T, data []byte, scale uint32, zero int32, signed bool, run, cols uint16) {
		if len(data) == 0 {
			return
		}
		fuzzDequantizer(t, fuzzProblem(len(data), scale, zero, 0, run, cols), data, signed, dequantize8, dequantize8Definition)
		codes := make([]uint16, len(data))
		for i := range codes {
			codes[i] = uint16(data[i]) | uint16(data[len(data)-1-i])<<8
		}
		fuzzDequantizer(t, fuzzProblem(len(data), scale, zero, 0, run, cols), codes, signed, dequantize16, dequantize16Definition)
	})
}

func fuzzDequantizer[T uint8 | uint16](t *testing.T, p *problem, codes []T, signed bool, kernel, definition dequantizer[T]) {
	got, want := make([]float32, p.n), make([]float32, p.n)
	definition(want, codes, p, signed, false)
	forEachUsable(func() {
		for _, stream := range []bool{false, true} {
			clear(got)
			kernel(got, codes, p, signed, stream)
			fence()
			if i := differ(got, want); i >= 0 {
				t.Fatalf("%v: element %d, code %#x, is %x, want %x: %v", active, i, codes[i], got[i], want[i], p)
			}
		}
	})
}

func FuzzErrors(f *testing.F) {
	f.Add(seeds(), uint32(0x3e3d70a4), int32(11), uint8(18), uint16(31), uint16(0))
	f.Add(seeds(), uint32(0x00000123), int32(-1<<23), uint8(7), uint16(8), uint16(9))
	f.Add(seeds(), uint32(0x7f7fffff), int32(1<<22), uint8(42), uint16(999), uint16(130))
	f.Fuzz(func(t *testing.T, data []byte, scale uint32, zero int32, option uint8, run, cols uint16) {
		src := floatsOf(data)
		if len(src) == 0 {
			return
		}
		toFinite(src)
		p := fuzzProblem(len(src), scale, zero, option, run%blockLen, cols)
		p.src = src
		k := p.params()
		if p.rows > 0 {
			sums := func() columnSums {
				return columnSums{make([]float64, k), make([]float64, k), make([]float32, k), make([]uint32, k)}
			}
			want, wantSq := sums(), make([]float64, k)
			errorsColumnsGeneric(want, src, p.rows, p.stride, p.scale, p.zero, p.qmin, p.qmax)
			squaresColumnsGeneric(wantSq, src, p.rows, p.stride)
			forEachUsable(func() {
				got, gotSq := sums(), make([]float64, k)
				errorsColumns(got, src, p.rows, p.stride, p.scale, p.zero, p.qmin, p.qmax)
				squaresColumns(gotSq, src, p.rows, p.stride)
				if differ(got.abs, want.abs) >= 0 || differ(got.sq, want.sq) >= 0 || differ(got.max, want.max) >= 0 ||
					differ(got.clipped, want.clipped) >= 0 || differ(gotSq, wantSq) >= 0 {
					t.Fatalf("%v: %v:\n%x %x\nwant\n%x %x", active, p, got, gotSq, want, wantSq)
				}
			})
			return
		}
		want, wantSq := make([]sums, k), make([]float64, k)
		errorsRunsGeneric(want, src, p.run, p.scale, p.zero, p.qmin, p.qmax)
		squaresRunsGeneric(wantSq, src, p.run)
		forEachUsable(func() {
			got, gotSq := make([]sums, k), make([]float64, k)
			errorsRuns(got, src, p.run, p.scale, p.zero, p.qmin, p.qmax)
			squaresRuns(gotSq, src, p.run)
			if differ(got, want) >= 0 || differ(gotSq, wantSq) >= 0 {
				t.Fatalf("%v: %v:\n%x %x\nwant\n%x %x", active, p, got, gotSq, want, wantSq)
			}
		})
	})
}

func FuzzRange(f *testing.F) {
	f.Add(seeds(), uint16(31), uint16(0))
	f.Add(seeds()[:160], uint16(8), uint16(9))
	f.Add(make([]byte, 1000), uint16(999), uint16(130))
	f.Fuzz(func(t *testing.T, data []byte, run, cols uint16) {
		src := floatsOf(data)
		if len(src) == 0 {
			return
		}
		p := fuzzProblem(len(src), 1, 0, 0, run, cols)
		k := p.params()
		find := func(runs func(lo, hi, src []float32, run int) bool, columns func(lo, hi, src []float32, rows, stride int) bool) (lo, hi []float32, ok bool) {
			lo, hi = make([]float32, k), make([]float32, k)
			resetRanges(lo, hi)
			if p.rows > 0 {
				return lo, hi, columns(lo, hi, src, p.rows, p.stride)
			}
			return lo, hi, runs(lo, hi, src, p.run)
		}
		wantLo, wantHi, want := find(rangeRunsGeneric, rangeColumnsGeneric)
		forEachUsable(func() {
			lo, hi, ok := find(rangeRuns, rangeColumns)
			if ok != want || ok && (differ(lo, wantLo) >= 0 || differ(hi, wantHi) >= 0) {
				t.Fatalf("%v: %v: %x %x %t, want %x %x %t", active, p, lo, hi, ok, wantLo, wantHi, want)
			}
		})
	})
}

func FuzzPack(f *testing.F) {
	f.Add(seeds(), uint8(4))
	f.Add(seeds()[:3], uint8(7))
	f.Add([]byte{}, uint8(2))
	f.Fuzz(func(t *testing.T, data []byte, bits uint8) {
		width := 2 + int(bits)%7
		want := make([]byte, PackedLen(len(data), width))
		pack8Generic(want, data, width)
		n := len(data) * 8 / width // data as packed codes
		forEachUsable(func() {
			got := make([]byte, len(want))
			pack8(got, data, width, bits >= 128)
			fence()
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%v: %d bits (-want +got)\n%s", active, width, diff)
			}
			for _, signed := range []bool{false, true} {
				want, got := make([]uint8, n), make([]uint8, n)
				unpack8Generic(want, data, width, signed)
				unpack8(got, data, width, signed)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%v: %d bits, signed %t (-want +got)\n%s", active, width, signed, diff)
				}
			}
		})
		// All widths, the long way round.
		width = 2 + int(bits)%15
		codes, back := make([]uint16, len(data)), make([]uint16, len(data))
		for i, b := range data {
			codes[i] = uint16(b) * 0x0133 & (1<<width - 1)
		}
		packed := make([]byte, PackedLen(len(codes), width))
		if Pack(packed, codes, width) != len(packed) {
			t.Fatal("Pack does not take PackedLen bytes")
		}
		if Unpack(back, packed, width); !slices.Equal(back, codes) {
			t.Fatalf("%d bits (-want +got)\n%s", width, cmp.Diff(codes, back))
		}
	})
}

func FuzzCompare(f *testing.F) {
	f.Add(seeds()[:640], []byte{4, 5}, uint32(0x12345678))
	f.Add(seeds()[:120], []byte{2, 3, 5}, uint32(0xfedcba98))
	f.Add(seeds()[:8], []byte{}, uint32(0))
	f.Add([]byte("\x00\x00\x80\x7f\x00\x00\x80\xff"), []byte{2, 1}, uint32(8))
	f.Fuzz(func(t *testing.T, data, dims []byte, options uint32) {
		x := Tensor{Data: floatsOf(data)}
		for _, d := range dims[:min(len(dims), 4)] {
			x.Shape = append(x.Shape, int(int8(d)))
		}
		if options&1 != 0 && len(dims) > 0 { // make the shape fit
			x = fit(x)
		}
		if options&2 != 0 {
			toFinite(x.Data)
		}
		s := Scheme{
			Bits: int(options >> 2 & 0x1f), Unsigned: options>>7&1 != 0, Mapping: Mapping(options >> 8 & 3),
			NarrowRange: options>>10&1 != 0, ZeroInRange: options>>11&1 != 0, SignedScale: options>>27&1 != 0,
		}
		axis := int(options>>12&7) - 3
		switch options >> 15 & 3 {
		case 1:
			s.Granularity = PerChannel(axis)
		case 2:
			s.Granularity = PerGroup(axis, int(options>>17&0x3f)-1)
		case 3:
			s.Granularity = PerBlock(axis, int(options>>17&0xf)-1, -1, int(options>>21&0x3f)-1)
		}
		reference := s
		reference.Granularity = PerTensor
		var first *Comparison
		forEachUsable(func() {
			c, err := Compare(x, reference, s)
			if err != nil {
				checkRefusal(t, x, s, err)
				return
			}
			if first == nil {
				first = c
				checkSums(t, c, len(x.Data))
			} else if diff := cmp.Diff(first, c, cmpopts.IgnoreUnexported(Comparison{}), cmp.Comparer(func(a, b Granularity) bool { return a == b })); diff != "" {
				t.Fatalf("%v (-generic +%[1]v)\n%s", active, diff)
			}
			checkRoundTrip(t, x, c.Results[1].Params)
		})
	})
}

// fit makes the last axis of a shape as long as the data needs, and drops what
// is left over.
func fit(x Tensor) Tensor {
	n := 1
	for i, d := range x.Shape {
		x.Shape[i] = max(1, d&15)
		n *= x.Shape[i]
	}
	last := len(x.Shape) - 1
	n /= x.Shape[last]
	x.Shape[last] = max(1, len(x.Data)/n)
	x.Data = append(x.Data, make([]float32, n)...)[:n*x.Shape[last]]
	return x
}

// checkRefusal wants an error that says which condition it is, and for data
// the right place.
func checkRefusal(t *testing.T, x Tensor, s Scheme, err error) {
	t.Helper()
	var bad *NotFiniteError
	if errors.As(err, &bad) {
		if i := slices.IndexFunc(x.Data, func(v float32) bool { return !finite(v) }); i != bad.Index {
			t.Fatalf("%v, but the first is at index %d", err, i)
		}
		return
	}
	for _, e := range []error{ErrEmpty, ErrShape, ErrAxis, ErrBits, ErrGroupSize, ErrScheme} {
		if errors.Is(err, e) {
			return
		}
	}
	t.Fatalf("%v of shape %v: unexpected error %v", s, x.Shape, err)
}

// checkSums checks what holds between the figures of any comparison.
func checkSums(t *testing.T, c *Comparison, n int) {
	t.Helper()
	const eps = 1e-12
	for _, r := range c.Results {
		count, clipped, most := 0, 0, 0.0
		for _, m := range append([]Metrics{r.Metrics}, r.ChannelMetrics...) {
			if !(m.MAE <= m.RMSE*(1+eps) && m.RMSE <= m.MaxError*(1+eps)) {
				t.Fatalf("%v: not MAE <= RMSE <= max error: %+v", r.Scheme, m)
			}
			if m.Clipped < 0 || m.Clipped > m.N || math.IsNaN(m.SQNR) {
				t.Fatalf("%v: %+v", r.Scheme, m)
			}
		}
		for _, m := range r.ChannelMetrics {
			count += m.N
			clipped += m.Clipped
			most = max(most, m.MaxError)
		}
		if r.N != n || count != n || clipped != r.Clipped || most != r.MaxError {
			t.Fatalf("%v: channels come to %d elements, %d clipped, max error %g, but the tensor to %+v of %d",
				r.Scheme, count, clipped, most, r.Metrics, n)
		}
	}
	for _, r := range c.ChannelRanges {
		if u := c.Range.Union(r); u != c.Range {
			t.Fatalf("range %v of a channel is not within %v", r, c.Range)
		}
	}
}

// checkRoundTrip checks that codes survive packing, and that quantizing what
// they stand for gives them again.
func checkRoundTrip(t *testing.T, x Tensor, p Params) {
	t.Helper()
	q, err := Quantize(x, p)
	if err != nil {
		t.Fatal(err)
	}
	y, err := Dequantize(q)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Quantize(y, p)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(q.Codes, again.Codes) {
		t.Fatalf("%v, shape %v: codes change when they are dequantized and quantized again (-first +second)\n%s",
			p.Scheme, x.Shape, cmp.Diff(q.Codes, again.Codes))
	}
}
