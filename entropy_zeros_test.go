package quant

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestEntropyZeros adds exact zeros to values. They change neither the range of Entropy nor that of
// NVIDIA's open calibrator, and they change that of the published description of TensorRT.
func TestEntropyZeros(t *testing.T) {
	r := rand.New(rand.NewPCG(12, 8))
	x := make([]float32, 20_000)
	for i := range x {
		x[i] = float32(r.NormFloat64() * math.Exp(r.NormFloat64()))
	}
	many := slices.Concat(x, make([]float32, 10*len(x)))
	s := Scheme{Bits: 8, Mapping: Symmetric, NarrowRange: true, Method: Entropy}
	a, err := Calibrate(Tensor{Data: x}, s)
	b, err2 := Calibrate(Tensor{Data: many}, s)
	if err != nil || err2 != nil || a.Scale[0] != b.Scale[0] {
		t.Errorf("with zeros the scale is %v, without %v (%v, %v)", b.Scale, a.Scale, err, err2)
	}
	if wide := absMax(slices.Min(x), slices.Max(x)); a.Scale[0]*127 > 0.9*wide {
		t.Errorf("the range is %v of %v: it does not clip, so the test shows nothing", a.Scale[0]*127, wide)
	}
	if without, with := klRange(x, false), klRange(many, false); with >= 0.9*without {
		t.Errorf("published description: with zeros the range is %v, without %v", with, without)
	}
	if without, with := klRange(x, true), klRange(many, true); with != without {
		t.Errorf("open calibrator: with zeros the range is %v, without %v", with, without)
	}
}

// klRange returns the largest magnitude that TensorRT's entropy calibration keeps, as its published
// description has it (Migacz, 8-bit Inference with TensorRT, GTC 2017): of 2048 bins of magnitudes
// it keeps the first i, from 128 on, whose distribution differs least from that of 128 levels.
//
// If open is true, the first bin has the count of the second, as in NVIDIA/TensorRT,
// tools/pytorch-quantization, calib/histogram.py at 1637a26e: _compute_amax_entropy.
func klRange(x []float32, open bool) float64 {
	const bins, levels = 2048, 128
	most := float64(absMax(slices.Min(x), slices.Max(x)))
	count := make([]float64, bins)
	for _, v := range x {
		count[min(int(math.Abs(float64(v))/most*bins), bins-1)]++
	}
	if open {
		count[0] = count[1]
	}
	best, least := 0, math.Inf(1)
	for kept := levels; kept <= bins; kept++ {
		if d := divergence(count, kept, levels); d < least {
			best, least = kept, d
		}
	}
	return float64(best) * most / bins
}

// divergence returns the Kullback-Leibler divergence between the first bins, with all others added
// to the last of them, and the same bins merged to levels.
func divergence(count []float64, kept, levels int) float64 {
	p := slices.Clone(count[:kept])
	for _, c := range count[kept:] {
		p[kept-1] += c
	}
	q := make([]float64, kept)
	sumP, sumQ := 0.0, 0.0
	for level := range levels {
		from, to := level*kept/levels, (level+1)*kept/levels
		sum, filled := 0.0, 0.0
		for _, c := range count[from:to] {
			sum += c
			if c > 0 {
				filled++
			}
		}
		for i := from; i < to; i++ {
			if count[i] > 0 {
				q[i] = sum / filled
			}
			sumP, sumQ = sumP+p[i], sumQ+q[i]
		}
	}
	d := 0.0
	for i := range p {
		switch {
		case p[i] == 0:
		case q[i] == 0:
			d += p[i] / sumP * 20 // outliers in a bin that was empty
		default:
			d += p[i] / sumP * math.Log(p[i]/sumP/(q[i]/sumQ))
		}
	}
	return d
}
