package quant

import (
	"errors"
	"math"
	"math/big"
	"testing"
)

// TestPhilox has the known answers that the authors of the generator give.
func TestPhilox(t *testing.T) {
	for _, tt := range []struct {
		name    string
		counter [4]uint32
		key     [2]uint32
		want    [4]uint32
	}{
		{"zeros", [4]uint32{}, [2]uint32{}, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{"ones", [4]uint32{math.MaxUint32, math.MaxUint32, math.MaxUint32, math.MaxUint32}, [2]uint32{math.MaxUint32, math.MaxUint32},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{"digits of pi", [4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := philoxWords(tt.counter, tt.key); got != tt.want {
				t.Errorf("%08x, want %08x", got, tt.want)
			}
		})
	}
}

// TestStochastic compares each code with exact arithmetic on the same random word.
func TestStochastic(t *testing.T) {
	r := splitmix(13)
	const seed, first = 0x0123456789abcdef, 6
	for i, shape := range blockShapes {
		x := goldenTensor(&r, i%4, shape...)
		x.Data[len(x.Data)/2] = nan
		for _, s := range blockSchemes(i) {
			if s.Format != Integers {
				continue
			}
			y := Tensor{append([]float32(nil), x.Data...), shape}
			toFinite(y.Data)
			p, err := Calibrate(y, s)
			if err != nil {
				t.Fatal(err)
			}
			if s.Unsigned {
				testStochastic[uint16](t, x, p, seed, first)
			} else {
				testStochastic[int16](t, x, p, seed, first)
			}
		}
	}
}

func testStochastic[T Code](t *testing.T, x Tensor, p Params, seed, first uint64) {
	t.Helper()
	got := make([]T, len(x.Data))
	if err := QuantizeStochastic(got, x, p, seed, first); err != nil {
		t.Fatal(err)
	}
	l, err := newLayout(len(x.Data), x.Shape, p.Scheme.Granularity)
	if err != nil {
		t.Fatal(err)
	}
	qmin, qmax := p.Scheme.Grid()
	for param := range p.Scale {
		b := l.values(param, 1)
		for row := range b.rows {
			for j := range b.run {
				e := b.e + row*b.stride + j
				n := uint64(e) + first
				word := philoxWords([4]uint32{uint32(n / 4), uint32(n / 4 >> 32)}, [2]uint32{uint32(seed), uint32(seed >> 32)})[n%4]
				if want := stochasticWant(x.Data[e], p.Scale[param], int(p.ZeroPoint[param]), qmin, qmax, word); int(got[e]) != want {
					t.Fatalf("%v, shape %v: code %d is %d, want %d (%v, word %#x)", p.Scheme, x.Shape, e, got[e], want, x.Data[e], word)
				}
			}
		}
	}
}

// stochasticWant rounds a quotient up if the random word is below its fraction of 2^32.
func stochasticWant(x, scale float32, zero, qmin, qmax int, word uint32) int {
	v := x / scale
	switch lo, hi := qmin-zero, qmax-zero; {
	case v != v || v <= float32(lo):
		return qmin
	case v >= float32(hi):
		return qmax
	}
	q := new(big.Float).SetPrec(300).SetFloat64(float64(v))
	below, _ := q.Int(nil) // towards zero
	if q.Cmp(new(big.Float).SetInt(below)) < 0 {
		below.Sub(below, big.NewInt(1))
	}
	rest := q.Sub(q, new(big.Float).SetInt(below))
	rest.SetMantExp(rest, 32)
	code := int(below.Int64()) + zero
	if new(big.Float).SetFloat64(float64(word)).Cmp(rest) < 0 {
		code++
	}
	return code
}

// TestStochasticMean rounds one value many times, and integers.
func TestStochasticMean(t *testing.T) {
	const n = 1 << 16
	p := Params{Scheme: Scheme{Bits: 8}, Scale: []float32{1}, ZeroPoint: []int32{3}}
	x, codes := make([]float32, n), make([]int8, n)
	for _, v := range []float32{0, 1, -7, 0.25, -0.25, 2.75, 1e-30, -1e-30, 200, -200} {
		fill(x, v)
		if err := QuantizeStochastic(codes, Tensor{Data: x}, p, 42, 0); err != nil {
			t.Fatal(err)
		}
		sum := 0
		for _, c := range codes {
			sum += int(c) - 3
		}
		want := min(max(float64(v), -131), 124)
		rest := want - math.Floor(want)
		if got := float64(sum) / n; math.Abs(got-want) > 5*math.Sqrt(rest*(1-rest)/n)+1e-12 {
			t.Errorf("%v: the mean is %v", v, got)
		}
	}
}

// TestStochasticPieces has pieces of a tensor, errors, and memory on the stack.
func TestStochasticPieces(t *testing.T) {
	p := Params{Scheme: Scheme{Bits: 8}, Scale: []float32{0.7}, ZeroPoint: []int32{0}}
	r := splitmix(14)
	x := goldenTensor(&r, 0, 1000)
	whole, piece := make([]int8, 1000), make([]int8, 1000)
	err := errors.Join(QuantizeStochastic(whole, x, p, 9, 100),
		QuantizeStochastic(piece, Tensor{Data: x.Data[:333]}, p, 9, 100), QuantizeStochastic(piece[333:], Tensor{Data: x.Data[333:]}, p, 9, 433))
	if err != nil || differ(piece, whole) >= 0 {
		t.Errorf("pieces have other codes than the whole (%v)", err)
	}
	if err := QuantizeStochastic(make([]uint8, 1), Tensor{Data: x.Data[:1]}, Params{Scheme: Scheme{Format: E2M1}, Scale: []float32{1}, ZeroPoint: []int32{0}}, 0, 0); !errors.Is(err, ErrScheme) {
		t.Errorf("a codebook: %v, want %v", err, ErrScheme)
	}
	if raceEnabled || !stacksAreKnown() {
		return
	}
	f := func() error {
		var x [40]float32
		var c [40]int8
		return QuantizeStochastic(c[:], Tensor{x[:], []int{4, 10}}, p, 1, 2)
	}
	if n := allocations(t, f); n != 0 {
		t.Errorf("%d allocations, want 0", n)
	}
}
