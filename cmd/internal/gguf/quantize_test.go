package gguf

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/a01592f9/quant"
)

// row is 32 elements that begin with x; the others are 0.
func row(x ...float32) []float32 { return append(x, make([]float32, BlockLen-len(x))...) }

// pad is a block that begins with b and goes on with fill, size bytes long.
func pad(b []byte, fill byte, size int) []byte {
	return append(b, bytes.Repeat([]byte{fill}, size-len(b))...)
}

// TestQuantizeByHand quantizes rows whose blocks were worked out by hand.
func TestQuantizeByHand(t *testing.T) {
	inf := float32(math.Inf(1))
	ramp := make([]float32, 32)
	for j := range ramp {
		ramp[j] = float32(j - 16) // -16 … 15
	}
	// Scale 2, codes (j−16)/2 + 8.5 cut off: 0 1 1 2 2 … 7 8 and 8 9 9 … 15 15, +0.5 up.
	rampQ4 := []byte{0x00, 0x40}
	for j := range 16 {
		low, high := (j+1)/2, (j+16+1)/2
		rampQ4 = append(rampQ4, byte(low|min(high, 15)<<4))
	}
	tests := []struct {
		name  string
		t     Type
		x     []float32
		want  []byte
		index int // of an error, if want is nil
	}{
		// 127/127 = 1 = 0x3c00; ties go away from zero.
		{"ties", Q8_0, row(127, 0.5, -0.5, 1.5, 2.5, -2.5, -127, 0.49999997),
			pad([]byte{0x00, 0x3c, 127, 1, 0xff, 2, 3, 0xfd, 0x81, 0}, 0, 34), 0},
		// 1/127 = 0.007874016, as float16 0x2008 = 1032·2⁻¹⁷; 0.25·127 = 31.75.
		{"one", Q8_0, row(1, 0.25, -1), pad([]byte{0x08, 0x20, 127, 32, 0x81}, 0, 34), 0},
		{"zeros", Q8_0, row(), make([]byte, 34), 0},
		{"negative zeros", Q8_0, row(float32(math.Copysign(0, -1))), make([]byte, 34), 0},
		// The scale is stored as 0, the codes are what its float32 makes of them.
		{"small", Q8_0, row(127e-20, 1e-20), pad([]byte{0, 0, 127, 1}, 0, 34), 0},
		// 1/scale is infinite.
		{"subnormal", Q8_0, row(1e-40, -1e-40), make([]byte, 34), 0},
		{"largest", Q8_0, row(65504 * 127), pad([]byte{0xff, 0x7b, 127}, 0, 34), 0},
		{"too large", Q8_0, append(row(), row(1, 65520*127)...), nil, 32},
		{"NaN", Q8_0, append(row(1), row(2, inf, float32(math.NaN()))...), nil, 33},

		{"ramp", Q4_0, ramp, rampQ4, 0},
		// The largest magnitude is −8 steps whatever its sign: 4 makes the scale −0.5
		// = 0xb800. −4 would be code 16, and is 15. Zeros are code 8.
		{"sign", Q4_0, row(4, -4, 0.25, -0.25), pad([]byte{0x00, 0xb8, 0x80, 0x8f, 0x88, 0x89}, 0x88, 18), 0},
		// Of two of the same magnitude the first counts.
		{"first", Q4_0, row(-4, 4), pad([]byte{0x00, 0x38, 0x80, 0x8f}, 0x88, 18), 0},
		{"zeros", Q4_0, row(), pad([]byte{0x00, 0x80}, 0x88, 18), 0},
		{"negative zeros", Q4_0, row(float32(math.Copysign(0, -1))), pad([]byte{0x00, 0x80}, 0x88, 18), 0},
		{"subnormal", Q4_0, row(1e-40), pad([]byte{0x00, 0x80}, 0, 18), 0},
		{"largest", Q4_0, row(65504 * 8), pad([]byte{0xff, 0xfb, 0x80}, 0x88, 18), 0},
		{"too large", Q4_0, row(0, -65520*8), nil, 0},
		{"infinite", Q4_0, append(row(), row(1, -inf)...), nil, 33},
	}
	for _, test := range tests {
		_, size := test.t.Block()
		got := make([]byte, len(test.x)/BlockLen*size)
		err := test.t.Quantize(got, test.x)
		if test.want == nil {
			var value *quant.NotFiniteError
			var scale *ScaleError
			if !(errors.As(err, &value) && value.Index == test.index || errors.As(err, &scale) && scale.Index == test.index) {
				t.Errorf("%s %s: error is %v", test.t, test.name, err)
			}
			continue
		}
		if err != nil || !bytes.Equal(got, test.want) {
			t.Errorf("%s %s: %x, want %x: %v", test.t, test.name, got, test.want, err)
		}
	}
}

// TestRefused checks the errors of blocks that a type cannot hold.
func TestRefused(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, test := range []struct {
		name string
		t    Type
		x    []float32 // of the second block, which goes on with zeros
		want string
	}{
		{"scale", Q4_1, []float32{-60000, 60000 * 16}, "960000 in the block from index 32 on needs a scale beyond float16"},
		{"minimum", Q5_1, slices.Repeat([]float32{-65520}, 32), "-65520 in the block from index 32 on needs a scale beyond float16"},
		{"difference", Q4_1, []float32{-3e38, 3e38}, "-3e+38 in the block from index 32 on needs a scale beyond float16"},
		{"scale", Q5_0, []float32{1, 65520 * 16}, "1.04832e+06 in the block from index 32 on needs a scale beyond float16"},
		{"scale", Q4_K, []float32{1, 65520 * 63 * 15}, "6.19164e+07 in the block from index 256 on needs a scale beyond float16"},
		{"minimum", Q5_K, slices.Repeat([]float32{-65520 * 63}, 256), "-4.12776e+06 in the block from index 256 on needs a scale beyond float16"},
		{"scale", Q6_K, []float32{3e8}, "3e+08 in the block from index 256 on needs a scale beyond float16"},
		// Squares are infinite, and of their quotient ggml makes zeros.
		{"sums", Q6_K, append(make([]float32, 16), 1e20), "1e+20 in the block from index 256 on needs a scale beyond float16"},
		{"scale", IQ4_NL, []float32{65520 * 127}, "8.32104e+06 in the block from index 32 on needs a scale beyond float16"},
		{"sums", IQ4_NL, []float32{1e20}, "1e+20 in the block from index 32 on needs a scale beyond float16"},
		{"infinite", Q4_K, []float32{1, inf}, "+Inf at index 257"},
		{"infinite", MXFP4, []float32{1, 2, -inf}, "-Inf at index 34"},
		{"NaN", IQ4_NL, []float32{float32(math.NaN())}, "NaN at index 32"},
		{"NaN", Q6_K, append(make([]float32, 255), float32(math.NaN())), "NaN at index 511"},
		{"large", F16, []float32{65520}, "65520 at index 1 is beyond F16"},
		{"large", BF16, []float32{-3.4e38}, "-3.4e+38 at index 1 is beyond BF16"},
		{"infinite", F16, []float32{inf}, "+Inf at index 1"},
	} {
		t.Run(test.t.String()+" "+test.name, func(t *testing.T) {
			block, size := test.t.Block()
			x := make([]float32, 2*block)
			copy(x[block:], test.x)
			err := test.t.Encode(make([]byte, 2*size), x)
			if err == nil || !strings.HasSuffix(err.Error(), test.want) {
				t.Errorf("error is %v, want %s", err, test.want)
			}
		})
	}
}

// TestEncodeHalves rounds numbers to 16 bits.
func TestEncodeHalves(t *testing.T) {
	x := []float32{1, -2, 65504, 1.0009765, 0x1.01p0, 0x1.03p0, float32(math.Copysign(0, -1)), 1e-45}
	for typ, want := range map[Type][]float32{
		F16:  {1, -2, 65504, 1.0009766, 0x1.01p0, 0x1.03p0, 0, 0},
		BF16: {1, -2, 65536, 1, 1, 0x1.04p0, 0, 0},
	} {
		b := make([]byte, 2*len(x))
		if err := typ.Encode(b, x); err != nil {
			t.Fatal(err)
		}
		got := make([]float32, len(x))
		typ.Dequantize(got, b)
		if !slices.Equal(got, want) || !math.Signbit(float64(got[6])) {
			t.Errorf("%s makes %v of %v, want %v", typ, got, x, want)
		}
	}
}

// TestDequantizeByHand reads blocks of each type whose values were worked out
// by hand, from any element on.
func TestDequantizeByHand(t *testing.T) {
	// Codes of 4 bits: element j is j, element 16+j is 15−j.
	var nibbles []byte
	for j := range 16 {
		nibbles = append(nibbles, byte(j|(15-j)<<4))
	}
	code := func(i int) float32 {
		if i < 16 {
			return float32(i)
		}
		return float32(31 - i)
	}
	// The fifth bit is set of elements 0 to 7 and 31.
	fifth := []byte{0xff, 0, 0, 0x80}
	five := func(i int) float32 {
		if i < 8 || i == 31 {
			return code(i) + 16
		}
		return code(i)
	}
	half, three := []byte{0x00, 0x38}, []byte{0x00, 0x42} // 0.5 and 3
	var bytes8 []byte
	for i := range 32 {
		bytes8 = append(bytes8, byte(i*8-128))
	}
	for typ, test := range map[Type]struct {
		block []byte
		value func(i int) float32
	}{
		Q8_0: {cat(half, bytes8), func(i int) float32 { return float32(i*8-128) / 2 }},
		Q4_0: {cat(half, nibbles), func(i int) float32 { return (code(i) - 8) / 2 }},
		Q4_1: {cat(half, three, nibbles), func(i int) float32 { return code(i)/2 + 3 }},
		Q5_0: {cat(half, fifth, nibbles), func(i int) float32 { return (five(i) - 16) / 2 }},
		Q5_1: {cat(half, three, fifth, nibbles), func(i int) float32 { return five(i)/2 + 3 }},
	} {
		const blocks = 5000 // more than a buffer
		n := blocks * BlockLen
		f := mustParse(t, newBuilder().tensor("w", typ, bytes.Repeat(test.block, blocks), BlockLen, blocks).Bytes())
		want := make([]float32, n)
		for i := range want {
			want[i] = test.value(i % 32)
		}
		for _, part := range [][2]int{{0, n}, {0, 1}, {31, 33}, {5, 9}, {1, n}, {0, n - 1}, {63, n - 31}, {64, 64}, {n, n}, {96, 128}} {
			got := make([]float32, part[1]-part[0])
			if err := f.ReadFloats(0, got, part[0]); err != nil || !slices.Equal(got, want[part[0]:part[1]]) {
				t.Errorf("%s: elements %v differ, or %v", typ, part, err)
			}
		}
	}
}

// TestRoundTrip checks how far values come back from where they were.
func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 1<<12)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for typ, steps := range map[Type]float64{Q8_0: 127, Q4_0: 8} {
		_, size := typ.Block()
		b := make([]byte, len(x)/BlockLen*size)
		if err := typ.Quantize(b, x); err != nil {
			t.Fatal(err)
		}
		y := make([]float32, len(x))
		typ.Dequantize(y, b)
		for off := 0; off < len(x); off += BlockLen {
			_, most := largest(x[off:][:BlockLen])
			step := math.Abs(float64(most)) / steps
			for i := off; i < off+BlockLen; i++ {
				// Half a step, and what is lost of the scale; a whole one at the
				// end that Q4_0 lacks.
				limit := step * (0.5 + steps/2048)
				if typ == Q4_0 && float64(x[i])*float64(most) < 0 {
					limit = step * (1 + steps/2048)
				}
				if e := math.Abs(float64(y[i] - x[i])); e > limit {
					t.Errorf("%s: %v comes back as %v, with steps of %v", typ, x[i], y[i], step)
				}
			}
		}
	}
}

func TestClipped(t *testing.T) {
	for _, test := range []struct {
		t    Type
		x    []float32
		want int
	}{
		{Q4_0, row(8, -8, -7.5, -7.4, 7.9), 2},
		{Q4_0, append(row(), row(-4, 4, 3.8)...), 2},
		{Q4_0, row(1e-40, -1e-40), 0},
		{Q8_0, row(8, -8), 0},
		// The codes end at 15 steps of 1: 15.5 is clipped, 15.4 is not.
		{Q5_0, row(-16, 16, 15.5, 15.4), 2},
		{Q4_1, row(8, -8), 0},
		// 113 is the last value but the first is -127; the scale is little more than 1.
		{IQ4_NL, append(slices.Repeat([]float32{-127}, 31), 127), 1},
		// In units of 1/2: 8 needs more than 6 and a half of the last step.
		{MXFP4, row(7.99, -7.5, 6.9), 2},
		{MXFP4, row(), 0},
	} {
		_, size := test.t.Block()
		blocks := make([]byte, len(test.x)/BlockLen*size)
		if err := test.t.Encode(blocks, test.x); err != nil {
			t.Fatal(err)
		}
		if got := test.t.Clipped(test.x, blocks); got != test.want {
			t.Errorf("%s: %d of %v, want %d", test.t, got, test.x, test.want)
		}
	}
}

// TestHalf converts every float16 and what lies around the middle of it and the
// next.
func TestHalf(t *testing.T) {
	for h := range uint32(0x7c00) {
		x := halves[h]
		next := float64(halves[h+1])
		if h+1 == 0x7c00 {
			next = 65536
		}
		middle := float32((float64(x) + next) / 2) // exact
		even := h + h&1
		for _, test := range []struct {
			x    float32
			want uint32
		}{
			{x, h}, {middle, even}, {math.Nextafter32(middle, 0), h}, {math.Nextafter32(middle, 1e9), h + 1},
		} {
			if got := toHalf(test.x); uint32(got) != test.want {
				t.Fatalf("%v is %04x, want %04x", test.x, got, test.want)
			}
			if got := toHalf(-test.x); uint32(got) != test.want|0x8000 {
				t.Fatalf("%v is %04x, want %04x", -test.x, got, test.want|0x8000)
			}
		}
	}
	for bits, want := range map[uint32]uint16{
		0x7f800000: 0x7c00, 0xff800000: 0xfc00, 0x7f7fffff: 0x7c00, 0x00000001: 0, 0x80000001: 0x8000, 0x7f800001: 0x7e00, 0xffc12345: 0xfe00,
	} {
		if got := toHalf(math.Float32frombits(bits)); got != want {
			t.Errorf("%08x is %04x, want %04x", bits, got, want)
		}
	}
}

func BenchmarkQuantize(b *testing.B) {
	x := make([]float32, 1<<16)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for _, typ := range []Type{Q8_0, Q4_0} {
		_, size := typ.Block()
		dst := make([]byte, len(x)/BlockLen*size)
		b.Run(typ.String(), func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				if err := typ.Quantize(dst, x); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDequantize(b *testing.B) {
	x := make([]float32, 1<<16)
	for _, typ := range []Type{Q8_0, Q4_0, Q4_1, Q5_0, Q5_1} {
		_, size := typ.Block()
		src := make([]byte, len(x)/BlockLen*size)
		b.Run(typ.String(), func(b *testing.B) {
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				typ.Dequantize(x, src)
			}
		})
	}
}
