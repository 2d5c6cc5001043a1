package quant

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"
)

// halfFormats are the two formats of 16 bits.
var halfFormats = []struct {
	name       string
	narrow     func(dst []uint16, src []float32, saturate bool)
	widen      func(dst []float32, src []uint16)
	quantize   func(dst []byte, src []uint16, shape []int, p Params) error
	dequantize func(dst []uint16, q Quantized) error
	infinity   uint16
}{
	{"bfloat16", NarrowBFloat16, WidenBFloat16, QuantizeBFloat16, DequantizeBFloat16, 0x7f80},
	{"float16", NarrowFloat16, WidenFloat16, QuantizeFloat16, DequantizeFloat16, 0x7c00},
}

// TestNarrowEvery has every number of a format, and the float32 next to it and in the middle
// between it and the next.
func TestNarrowEvery(t *testing.T) {
	for _, f := range halfFormats {
		t.Run(f.name, func(t *testing.T) {
			narrow := func(x float32) uint16 {
				var h [1]uint16
				f.narrow(h[:], []float32{x}, false)
				return h[0]
			}
			for h := uint16(0); h < f.infinity; h++ {
				var v [2]float32
				f.widen(v[:], []uint16{h, h + 1})
				lo, hi := v[0], v[1]
				if h+1 == f.infinity { // where the next number would be
					var below [1]float32
					f.widen(below[:], []uint16{h - 1})
					hi = float32(math.Inf(1))
					if twice := 2*float64(lo) - float64(below[0]); twice <= math.MaxFloat32 {
						hi = float32(twice)
					}
				}
				middle := float32((float64(lo) + float64(hi)) / 2)
				if math.IsInf(float64(middle), 0) {
					middle = math.Float32frombits(0x7f7f8000) // of bfloat16, between the largest and 2^128
				}
				even := h + h&1
				for _, c := range []struct {
					x    float32
					want uint16
				}{{lo, h}, {middle, even}, {math.Nextafter32(middle, 0), h}, {math.Nextafter32(middle, float32(math.Inf(1))), h + 1}} {
					if got := narrow(c.x); got != c.want {
						t.Fatalf("%v: %#04x, want %#04x", c.x, got, c.want)
					}
					if got := narrow(-c.x); got != c.want|0x8000 {
						t.Fatalf("%v: %#04x, want %#04x", -c.x, got, c.want|0x8000)
					}
				}
			}
		})
	}
}

// TestNarrowSpecial has NaN, which stay NaN, and infinities.
func TestNarrowSpecial(t *testing.T) {
	for _, tt := range []struct {
		x              uint32
		bfloat16, half uint16
	}{
		{0x7f800000, 0x7f80, 0x7c00}, {0xff800000, 0xff80, 0xfc00},
		{0x7fc00000, 0x7fc0, 0x7e00}, {0xffc12000, 0xffc1, 0xfe09},
		{0x7f800001, 0x7fc0, 0x7e00}, {0x7fffffff, 0x7fff, 0x7fff},
		{0x7f7fffff, 0x7f80, 0x7c00}, {0x00000001, 0, 0}, {0x80000000, 0x8000, 0x8000},
		{0x33000000, 0x3300, 0x0000}, {0x33000001, 0x3300, 0x0001}, // 2^-25, half a step of float16, and the next
	} {
		t.Run(fmt.Sprintf("%08x", tt.x), func(t *testing.T) {
			var a, b [1]uint16
			NarrowBFloat16(a[:], []float32{math.Float32frombits(tt.x)}, false)
			NarrowFloat16(b[:], []float32{math.Float32frombits(tt.x)}, false)
			if a[0] != tt.bfloat16 || b[0] != tt.half {
				t.Errorf("%#04x and %#04x, want %#04x and %#04x", a[0], b[0], tt.bfloat16, tt.half)
			}
		})
	}
}

// blockSchemes are schemes of every walk, width and form of codes.
func blockSchemes(i int) (s []Scheme) {
	for j, g := range []Granularity{PerTensor, PerChannel(0), PerChannel(1), PerChannel(-1), PerGroup(-1, 8), PerGroup(1, 3), PerGroup(-1, 7), PerBlock(0, 3, -1, 7)} {
		for k, bits := range []int{2, 3, 4, 8, 11, 16} {
			s = append(s, Scheme{Bits: bits, Granularity: g, Unsigned: (i+k)%2 > 0, Mapping: Mapping((i + j) % 2)})
		}
		s = append(s, Scheme{Format: E4M3FN, Granularity: g})
	}
	return thin(s)
}

var blockShapes = [][]int{{1, 1}, {3, 5}, {7, 11, 13}, {40, 100}, {70, 3, 31}, {3, 2000}}

// TestHalf compares the functions of 16-bit floats with those of float32.
func TestHalf(t *testing.T) {
	r := splitmix(8)
	forEachISA(t, func(t *testing.T) {
		for i, shape := range blockShapes {
			x := goldenTensor(&r, i%4, shape...)
			for _, s := range blockSchemes(i) {
				for _, f := range halfFormats {
					t.Run(fmt.Sprintf("shape=%v/%v/%s", shape, s, f.name), func(t *testing.T) {
						n := len(x.Data)
						halves, y := make([]uint16, n), Tensor{make([]float32, n), shape}
						f.narrow(halves, x.Data, false)
						f.widen(y.Data, halves)
						toFinite(y.Data)
						f.narrow(halves, y.Data, false)
						q := quantized(t, y, s)
						got := makeCodes(len(q.Codes))
						if err := f.quantize(got, halves, shape, q.Params); err != nil || !slices.Equal(got, q.Codes) {
							t.Fatalf("codes differ from those of float32 (%v)", err)
						}
						back, want := make([]uint16, n), make([]uint16, n)
						f.narrow(want, dequantized(t, q), false)
						if err := f.dequantize(back, q); err != nil || !slices.Equal(back, want) {
							t.Fatalf("values differ from those of float32 (%v)", err)
						}
					})
				}
			}
		}
	})
}

func quantized(t *testing.T, x Tensor, s Scheme) Quantized {
	t.Helper()
	p, err := Calibrate(x, s)
	if err != nil {
		t.Fatal(err)
	}
	q, err := Quantize(x, p)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func dequantized(t *testing.T, q Quantized) []float32 {
	t.Helper()
	y, err := Dequantize(q)
	if err != nil {
		t.Fatal(err)
	}
	return y.Data
}

// TestDequantizeFrom has elements from anywhere on, and sums.
func TestDequantizeFrom(t *testing.T) {
	r := splitmix(9)
	forEachISA(t, func(t *testing.T) {
		for i, shape := range blockShapes {
			x := goldenTensor(&r, i%4, shape...)
			for _, s := range blockSchemes(i) {
				q := quantized(t, x, s)
				want := dequantized(t, q)
				n := len(want)
				for range 20 {
					a, b := int(r.next()%uint64(n+1)), int(r.next()%uint64(n+1))
					a, b = min(a, b), max(a, b)
					got := make([]float32, b-a)
					if err := DequantizeFrom(got, q, a); err != nil || differ(got, want[a:b]) >= 0 {
						t.Fatalf("%v, shape %v, from %d to %d: values differ (%v)", s, shape, a, b, err)
					}
				}
				sum := slices.Clone(x.Data)
				if err := DequantizeAdd(sum, q); err != nil {
					t.Fatal(err)
				}
				for j := 0; j < n; j += 1 + n/50 {
					v := sum[j]
					exact, _ := new(big.Float).Add(big.NewFloat(float64(x.Data[j])), big.NewFloat(float64(want[j]))).Float32()
					if v != exact {
						t.Fatalf("%v, shape %v: sum %d is %v, want %v", s, shape, j, v, exact)
					}
				}
			}
		}
	})
	t.Run("beyond the end", func(t *testing.T) {
		q := quantized(t, Tensor{make([]float32, 5), nil}, Scheme{Bits: 4})
		for _, c := range []struct{ n, first int }{{1, 5}, {6, 0}, {1, -1}, {0, 6}} {
			if err := DequantizeFrom(make([]float32, c.n), q, c.first); !errors.Is(err, ErrShape) {
				t.Errorf("%d elements from %d: %v, want %v", c.n, c.first, err, ErrShape)
			}
		}
	})
}

// TestUnpackFrom has codes of every width from anywhere on.
func TestUnpackFrom(t *testing.T) {
	r := splitmix(11)
	for bits := 2; bits <= 16; bits++ {
		t.Run(fmt.Sprintf("bits=%d", bits), func(t *testing.T) {
			packed := make([]byte, PackedLen(67, bits))
			for i := range packed {
				packed[i] = byte(r.next())
			}
			testUnpackFrom[int16](t, packed, 67, bits)
			testUnpackFrom[uint16](t, packed, 67, bits)
			if bits <= 8 {
				testUnpackFrom[int8](t, packed, 67, bits)
				testUnpackFrom[uint8](t, packed, 67, bits)
			}
		})
	}
	for _, c := range []struct{ n, first int }{{1, 8}, {9, 0}, {1, -1}} {
		t.Run(fmt.Sprintf("%d from %d", c.n, c.first), func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			UnpackFrom(make([]int8, c.n), make([]byte, 4), c.first, 4)
		})
	}
}

func testUnpackFrom[T Code](t *testing.T, packed []byte, n, bits int) {
	want := make([]T, n)
	Unpack(want, packed, bits)
	for a := range n + 1 {
		for b := a; b <= n; b += 1 + (b-a)/9 {
			got := make([]T, b-a)
			UnpackFrom(got, packed, a, bits)
			if differ(got, want[a:b]) >= 0 {
				t.Fatalf("codes %d to %d differ", a, b)
			}
		}
	}
}

// TestHalfNoAllocations has memory on the stack.
func TestHalfNoAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	if !stacksAreKnown() {
		t.Skip("callers' slices escape here")
	}
	for _, g := range matrixGranularities {
		s := Scheme{Bits: 4, Granularity: g}
		q := quantized(t, Tensor{make([]float32, 160), []int{4, 40}}, s)
		f := func() error {
			var codes [80]byte
			var halves [160]uint16
			var x [160]float32
			var bytes [150]int8
			r := Quantized{codes[:], []int{4, 40}, q.Params}
			UnpackFrom(bytes[:], codes[:], 3, 4)
			return errors.Join(
				QuantizeFloat16(codes[:], halves[:], []int{4, 40}, q.Params), QuantizeBFloat16(codes[:], halves[:], []int{4, 40}, q.Params),
				DequantizeFloat16(halves[:], r), DequantizeBFloat16(halves[:], r), DequantizeAdd(x[:], r), DequantizeFrom(x[:151], r, 5))
		}
		if n := allocations(t, f); n != 0 {
			t.Errorf("%v: %d allocations, want 0", g, n)
		}
	}
}
