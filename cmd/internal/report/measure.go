package report

import (
	"math"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/text"
)

// A blockSum has the sums over one block of values.
type blockSum struct {
	min, max        float32 // of the finite values
	sum, squares    float64
	nan, inf, zeros int64
	beyond          int64 // outliers
}

// measure reads a tensor and fills in its statistics. The sums of blocks are added in order,
// whichever goroutine computed them.
func (x *Item) measure(w *work, j job) error {
	src, err := w.open(j, 1)
	if err != nil {
		return err
	}
	defer src.finish()
	blocks := make([]blockSum, (j.elements+blockLen-1)/blockLen)
	err = eachBlock(src, j.elements, func(int) bool { return true }, func(i int, values []float32) {
		blocks[i] = sumOf(values)
	})
	if err != nil {
		return err
	}
	var nan, inf, zeros, beyond int64
	lo, hi := float32(math.Inf(1)), float32(math.Inf(-1))
	sum, squares := 0.0, 0.0
	for _, b := range blocks {
		nan, inf, zeros = nan+b.nan, inf+b.inf, zeros+b.zeros
		lo, hi = min(lo, b.min), max(hi, b.max)
		sum += b.sum
		squares += b.squares
	}
	x.NaN, x.Inf, x.Zeros, x.Outliers = &nan, &inf, &zeros, &beyond
	n := float64(j.elements - nan - inf)
	if n == 0 {
		return nil
	}
	mean := sum / n
	dev := math.Sqrt(max(0, squares/n-mean*mean))
	if lo == hi {
		mean, dev = float64(lo), 0
	}
	// Only blocks whose range goes that far are read again.
	reach := OutlierDevs * max(dev, math.Abs(mean)*1e-7) // sums are too inexact for a smaller distance
	from, to := mean-reach, mean+reach
	err = eachBlock(src, j.elements,
		func(i int) bool { return float64(blocks[i].min) < from || float64(blocks[i].max) > to },
		func(i int, values []float32) {
			for _, v := range values {
				if v := float64(v); (v < from || v > to) && !math.IsInf(v, 0) {
					blocks[i].beyond++
				}
			}
		})
	if err != nil {
		return err
	}
	for _, b := range blocks {
		beyond += b.beyond
	}
	a, b := text.Float(lo), text.Float(hi)
	m, d := text.Number(rounded(mean)), text.Number(rounded(dev))
	x.Min, x.Max, x.Mean, x.StdDev = &a, &b, &m, &d
	return nil
}

// rounded keeps ten digits, so that a fused multiplication does not show.
func rounded(x float64) float64 {
	if x == 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return x
	}
	scale := math.Pow(10, 9-math.Floor(math.Log10(math.Abs(x))))
	if math.IsInf(scale, 0) {
		return x
	}
	return math.Round(x*scale) / scale
}

// sumOf computes the sums of a block. The library's kernels find the range and values that are
// not finite, so that the loop needs neither branches nor comparisons.
func sumOf(values []float32) blockSum {
	var r [1]quant.Range
	if err := quant.RangesInto(r[:], quant.Tensor{Data: values}, quant.PerTensor); err != nil {
		b := blockSum{min: float32(math.Inf(1)), max: float32(math.Inf(-1))}
		for _, v := range values {
			b.add(v)
		}
		return b
	}
	b := blockSum{min: r[0].Min, max: r[0].Max}
	// Four independent sums let the processor add without waiting for the previous addition.
	var s0, s1, s2, s3, q0, q1, q2, q3 float64
	var zeros uint64
	x := values
	for ; len(x) >= 4; x = x[4:] {
		x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
		zeros += isZero(x0) + isZero(x1) + isZero(x2) + isZero(x3)
		v0, v1, v2, v3 := float64(x0), float64(x1), float64(x2), float64(x3)
		s0, s1, s2, s3 = s0+v0, s1+v1, s2+v2, s3+v3
		q0, q1 = q0+float64(v0*v0), q1+float64(v1*v1)
		q2, q3 = q2+float64(v2*v2), q3+float64(v3*v3)
	}
	for _, v := range x {
		zeros += isZero(v)
		v := float64(v)
		s0, q0 = s0+v, q0+float64(v*v)
	}
	b.zeros = int64(zeros)
	b.sum, b.squares = (s0+s1)+(s2+s3), (q0+q1)+(q2+q3)
	return b
}

// isZero returns 1 for a zero of either sign, else 0, without a branch.
func isZero(v float32) uint64 { return (uint64(math.Float32bits(v)<<1) - 1) >> 63 }

// add adds one value.
func (b *blockSum) add(x float32) {
	switch {
	case x != x:
		b.nan++
		return
	case math.IsInf(float64(x), 0):
		b.inf++
		return
	case x == 0:
		b.zeros++
	}
	b.min, b.max = min(b.min, x), max(b.max, x)
	v := float64(x)
	b.sum += v
	b.squares += float64(v * v)
}
