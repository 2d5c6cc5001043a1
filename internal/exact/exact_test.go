package exact

import (
	"hash/fnv"
	"math"
	"math/rand/v2"
	"testing"
)

func TestRound(t *testing.T) {
	for _, v := range []float32{0, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999997, 8388609, -8388609, 1 << 30, -(1 << 31) + 128} {
		if got, want := Round(v), int32(math.RoundToEven(float64(v))); got != want {
			t.Errorf("Round(%v) = %d, want %d", v, got, want)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100000 {
		v := float32((rng.Float64() - 0.5) * math.Ldexp(1, rng.IntN(31)))
		if got, want := Round(v), int32(math.RoundToEven(float64(v))); got != want {
			t.Fatalf("Round(%v) = %d, want %d", v, got, want)
		}
		w := (rng.Float64() - 0.5) * math.Ldexp(1, rng.IntN(51))
		if got, want := Nearest(w), math.RoundToEven(w); got != want {
			t.Fatalf("Nearest(%v) = %v, want %v", w, got, want)
		}
	}
}

func TestPlusZero(t *testing.T) {
	minus := float32(math.Copysign(0, -1))
	for _, v := range []float32{0, minus, 1, -1, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32} {
		got := PlusZero(v)
		if got != v || math.Signbit(float64(got)) != (v < 0) {
			t.Errorf("PlusZero(%v) = %v", v, got)
		}
	}
}

// TestDecibels checks Decibels against the mathematics library.
func TestDecibels(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 20))
	for range 100000 {
		v := math.Exp(rng.NormFloat64() * 100)
		if rng.IntN(2) == 0 {
			v = 1 + rng.NormFloat64()*1e-3
		}
		if got, want := Decibels(v), 10*math.Log10(v); math.Abs(got-want) > 2e-15*max(math.Abs(want), 1e-3) {
			t.Fatalf("Decibels(%v) = %v, want %v", v, got, want)
		}
	}
	for _, v := range []float64{0, math.Inf(1), 1, 1e-300, math.MaxFloat64} {
		if got, want := Decibels(v), 10*math.Log10(v); got != want && math.Abs(got-want) > 1e-12 {
			t.Errorf("Decibels(%v) = %v, want %v", v, got, want)
		}
	}
}

// TestDecibelsOf compares all lengths and numbers of every kind with Decibels.
func TestDecibelsOf(t *testing.T) {
	special := []float64{0, math.Copysign(0, -1), 1, math.Inf(1), math.Inf(-1), math.NaN(), 5e-324, -1, 0x1p-1022, math.MaxFloat64,
		math.Sqrt2 / 2, math.Nextafter(math.Sqrt2/2, 0), math.Sqrt2, math.Nextafter(math.Sqrt2, 0)}
	rng := rand.New(rand.NewPCG(21, 22))
	for i := range 20000 {
		v := make([]float64, i%12)
		for j := range v {
			if v[j] = math.Exp(rng.NormFloat64() * 20); rng.IntN(16) == 0 {
				v[j] = special[rng.IntN(len(special))]
			}
		}
		got := append([]float64(nil), v...)
		DecibelsOf(got)
		for j, x := range v {
			want := Decibels(x)
			if math.Float64bits(got[j]) != math.Float64bits(want) && !(math.IsNaN(got[j]) && math.IsNaN(want)) {
				t.Fatalf("DecibelsOf(%v)[%d] = %v, want %v", v, j, got[j], want)
			}
		}
	}
}

// TestLn checks Ln against the mathematics library.
func TestLn(t *testing.T) {
	for i := range 100000 {
		v := math.Ldexp(1+float64(i)/100000, i%2000-1000)
		if got, want := Ln(v), math.Log(v); math.Abs(got-want) > 1e-15*max(1, math.Abs(want)) {
			t.Fatalf("Ln(%v) = %v, want %v", v, got, want)
		}
	}
}

func TestShrink(t *testing.T) {
	for _, v := range []float64{1, 3.7, 1e-30, 1e38} {
		for k := -3 * OctaveSteps; k < 280*OctaveSteps; k += 37 {
			if got, want := Shrink(v, k), v*math.Pow(2, -float64(k)/OctaveSteps); math.Abs(got/want-1) > 0x1p-48 {
				t.Fatalf("Shrink(%v, %d) = %v, want %v", v, k, got, want)
			}
		}
	}
	if got := Shrink(3, 5*OctaveSteps); got != 3.0/32 {
		t.Errorf("Shrink(3, 5 octaves) = %v, want 3/32", got)
	}
}

// TestSameBits has the bits of many results, which every machine must give.
func TestSameBits(t *testing.T) {
	for _, tt := range []struct {
		name string
		of   func(v float64, i int) float64
		want uint64
	}{
		{"Decibels", func(v float64, _ int) float64 { return Decibels(v) }, 0xae213720511291a5},
		{"DecibelsOf", func(v float64, _ int) float64 {
			all := [5]float64{v, v, v, v, v}
			DecibelsOf(all[:])
			return all[3]
		}, 0xae213720511291a5},
		{"Ln", func(v float64, _ int) float64 { return Ln(v) }, 0x39aeb700067148c8},
		{"Shrink", Shrink, 0x4c50667b01ca49a4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := fnv.New64a()
			rng := rand.New(rand.NewPCG(5, 6))
			for i := range 20000 {
				bits := math.Float64bits(tt.of(math.Ldexp(1+rng.Float64(), rng.IntN(400)-200), i%5000))
				var b [8]byte
				for j := range b {
					b[j] = byte(bits >> (8 * j))
				}
				h.Write(b[:])
			}
			if got := h.Sum64(); got != tt.want {
				t.Errorf("the hash of the results is %#x, want %#x", got, tt.want)
			}
		})
	}
}
