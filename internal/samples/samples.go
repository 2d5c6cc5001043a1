// Package samples makes values for tests.
package samples

import (
	"math"
	"math/rand/v2"
)

// A Distribution is a function that returns random values, with its name.
type Distribution struct {
	Name string
	Of   func(rng *rand.Rand) float32
}

// Distributions are distributions of values for tests of calibration.
var Distributions = []Distribution{
	{"normal", func(rng *rand.Rand) float32 { return float32(rng.NormFloat64()) }},
	{"shifted", func(rng *rand.Rand) float32 { return float32(5 + 0.3*rng.NormFloat64()) }},
	{"heavy", func(rng *rand.Rand) float32 { return float32(rng.NormFloat64() / (math.Abs(rng.NormFloat64()) + 1e-4)) }},
	{"laplace", func(rng *rand.Rand) float32 { return float32(rng.ExpFloat64() * float64(1-2*rng.IntN(2))) }},
	{"constant", func(*rand.Rand) float32 { return -0.7 }},
	{"zeros", func(rng *rand.Rand) float32 { return float32(math.Copysign(0, rng.Float64()-0.5)) }},
	{"tiny", func(rng *rand.Rand) float32 { return float32(rng.NormFloat64() * 0x1p-120) }},
	{"huge", func(rng *rand.Rand) float32 { return float32(rng.Float64()*2-1) * math.MaxFloat32 }},
	{"subnormal", func(rng *rand.Rand) float32 {
		return math.Float32frombits(rng.Uint32()&0x80000000 | rng.Uint32N(1<<23))
	}},
	{"one-sided", func(rng *rand.Rand) float32 { return max(0, float32(rng.NormFloat64())) }},
	{"negative", func(rng *rand.Rand) float32 { return float32(-1 - rng.ExpFloat64()) }},
	{"sparse", func(rng *rand.Rand) float32 {
		if rng.IntN(50) > 0 {
			return 0
		}
		return float32(rng.NormFloat64())
	}},
	{"outliers", func(rng *rand.Rand) float32 {
		if rng.IntN(1000) == 0 {
			return float32(rng.Float64()*2-1) * 100
		}
		return float32(rng.NormFloat64())
	}},
	{"steps", func(rng *rand.Rand) float32 { return float32(rng.IntN(7)) * 0.25 }},
	{"edges", func(rng *rand.Rand) float32 { // near the edges of histogram bins
		return math.Float32frombits(0x3f000000 + rng.Uint32N(256)<<16 - rng.Uint32N(2) ^ rng.Uint32()&0x80000000)
	}},
	{"octaves", func(rng *rand.Rand) float32 { // of all magnitudes
		return math.Float32frombits(rng.Uint32() & 0xbfffffff)
	}},
}

// Values returns n random values. The same seed gives the same values.
func Values(seed uint64, n int, of func(*rand.Rand) float32) []float32 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = of(rng)
	}
	return x
}

// Named returns the distribution with the given name. It must be one of Distributions.
func Named(name string) (of func(*rand.Rand) float32) {
	for _, d := range Distributions {
		if d.Name == name {
			return d.Of
		}
	}
	panic("there is no distribution " + name)
}
