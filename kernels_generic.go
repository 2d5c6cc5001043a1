package quant

import (
	"encoding/binary"
	"math"

	"github.com/a01592f9/quant/internal/exact"
	"github.com/a01592f9/quant/internal/histogram"
)

// The definitions that every assembly kernel matches bit for bit. Products
// that are added to are converted, float32(a*b) + c, so that no compiler fuses
// them; sums of float64 products of float32 values need no such care, since
// those products are exact.

// code returns the integer clamp(round(x/scale), lo, hi), lo and hi being
// integers. NaN becomes lo.
func code(x, scale, lo, hi float32) int32 {
	v := x / scale
	if !(v > lo) { // also catches NaN
		v = lo
	}
	if v > hi {
		v = hi
	}
	return exact.Round(v)
}

// finite reports whether v is neither NaN nor infinite.
func finite(v float32) bool {
	return math.Float32bits(v)&0x7f800000 != 0x7f800000
}

// rangeRunsGeneric stores the minimum and maximum of each run in lo and hi,
// a zero as +0, and reports whether all elements are finite. If they are not,
// lo and hi mean nothing.
func rangeRunsGeneric(lo, hi, src []float32, run int) bool {
	ok := true
	for i := range lo {
		r := src[i*run : min((i+1)*run, len(src))]
		a, b := r[0], r[0]
		for _, x := range r {
			ok = ok && finite(x)
			if x < a {
				a = x
			}
			if x > b {
				b = x
			}
		}
		lo[i], hi[i] = exact.PlusZero(a), exact.PlusZero(b)
	}
	return ok
}

// rangeColumnsGeneric lowers lo and raises hi to the values of each of len(lo)
// columns, and reports whether all elements are finite. Zeros become +0.
func rangeColumnsGeneric(lo, hi, src []float32, rows, stride int) bool {
	ok := true
	hi = hi[:len(lo)]
	for r := range rows {
		for j, x := range src[r*stride:][:len(lo)] {
			ok = ok && finite(x)
			if x < lo[j] {
				lo[j] = exact.PlusZero(x)
			}
			if x > hi[j] {
				hi[j] = exact.PlusZero(x)
			}
		}
	}
	return ok
}

// asymmetricParamsGeneric stores the scale and the zero point of each range.
func asymmetricParamsGeneric(scale []float32, zero []int32, lo, hi []float32, qmin, steps float32) {
	zero, hi = zero[:len(lo)], hi[:len(lo)]
	scale = scale[:len(lo)]
	for i, v := range lo {
		scale[i], zero[i] = asymmetricOf(v, hi[i], qmin, steps)
	}
}

// symmetricParamsGeneric stores the scale of each range.
func symmetricParamsGeneric(scale, lo, hi []float32, steps float32) {
	scale, hi = scale[:len(lo)], hi[:len(lo)]
	for i, v := range lo {
		scale[i] = symmetricScale(v, hi[i], steps)
	}
}

// usableParamsGeneric reports whether all scales are positive and finite, and all zero
// points within maxZeroPoint.
func usableParamsGeneric(scale []float32, zero []int32) bool {
	// A positive finite float32 has bits 1 … 0x7f7fffff. The loop has no
	// branches: groups have as many parameters as an eighth of the data's bytes.
	bad := uint32(0)
	zero = zero[:len(scale)]
	for i, s := range scale {
		b, z := math.Float32bits(s), uint32(zero[i]+maxZeroPoint)
		bad |= (0x7f7fffff - b) | (b - 1) | z | (2*maxZeroPoint - z)
	}
	return bad>>31 == 0
}

// quantizeRunsGeneric stores the low bits of each element's code in dst.
func quantizeRunsGeneric[T uint8 | uint16](dst []T, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	dst = dst[:len(src)]
	for i := 0; len(src) > 0; i++ {
		n := min(run, len(src))
		s, z := scale[i], zero[i]
		lo, hi := float32(qmin-z), float32(qmax-z)
		d := dst[:n]
		for j, x := range src[:n] {
			d[j] = T(code(x, s, lo, hi) + z)
		}
		src, dst = src[n:], dst[n:]
	}
}

// quantizeColumnsGeneric is quantizeRunsGeneric with the parameters of column
// j for element j of each row.
func quantizeColumnsGeneric[T uint8 | uint16](dst []T, src []float32, scale []float32, zero []int32, qmin, qmax int32) {
	dst = dst[:len(src)]
	for len(src) > 0 {
		n := min(len(scale), len(src))
		d, zero := dst[:n], zero[:n]
		for j, s := range scale[:n] {
			z := zero[j]
			d[j] = T(code(src[j], s, float32(qmin-z), float32(qmax-z)) + z)
		}
		src, dst = src[n:], dst[n:]
	}
}

// dequantizeRunsGeneric stores float32(code - zero point) * scale. The codes are
// the integers from 0 on or, if signed, two's complement.
func dequantizeRunsGeneric[T uint8 | uint16](dst []float32, src []T, run int, scale []float32, zero []int32, signed bool) {
	flip := signBit[T](signed)
	dst = dst[:len(src)]
	for i := 0; len(src) > 0; i++ {
		n := min(run, len(src))
		s, z := scale[i], zero[i]+flip
		d := dst[:n]
		for j, c := range src[:n] {
			d[j] = float32((int32(c)^flip)-z) * s
		}
		src, dst = src[n:], dst[n:]
	}
}

// dequantizeColumnsGeneric is dequantizeRunsGeneric with the parameters of column
// j for element j of each row.
func dequantizeColumnsGeneric[T uint8 | uint16](dst []float32, src []T, scale []float32, zero []int32, signed bool) {
	flip := signBit[T](signed)
	dst = dst[:len(src)]
	for len(src) > 0 {
		n := min(len(scale), len(src))
		d, zero := dst[:n], zero[:n]
		for j, s := range scale[:n] {
			d[j] = float32((int32(src[j])^flip)-flip-zero[j]) * s
		}
		src, dst = src[n:], dst[n:]
	}
}

// dequantize4RunsGeneric defines dequantize4Runs: dequantizeRunsGeneric of packed codes of 4
// bits, of one run or of runs of an even length. The dispatcher reports whether it has a kernel:
// without one, codes are unpacked first.
func dequantize4RunsGeneric(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed bool) {
	for i := range dst {
		c := int32(packed[i/2]) >> (i % 2 * 4) & 15
		if signed {
			c = c << 28 >> 28
		}
		dst[i] = float32(c-zero[i/run]) * scale[i/run]
	}
}

// dequantize2RunsGeneric is dequantize4RunsGeneric for 2 bits. The length of several runs is a
// multiple of 4.
func dequantize2RunsGeneric(dst []float32, packed []byte, run int, scale []float32, zero []int32, signed bool) {
	for i := range dst {
		c := int32(packed[i/4]) >> (i % 4 * 2) & 3
		if signed {
			c = c << 30 >> 30
		}
		dst[i] = float32(c-zero[i/run]) * scale[i/run]
	}
}

// quantizePackedGeneric defines quantizePacked: quantizeRunsGeneric of one run, packed to 4 or 2
// bits. The dispatcher reports whether it has a kernel for the parameters.
func quantizePackedGeneric(dst []byte, src []float32, scale float32, zero, qmin, qmax int32, bits int) {
	clear(dst[:packedLen(int64(len(src)), bits)])
	for i, x := range src {
		c := byte(code(x, scale, float32(qmin-zero), float32(qmax-zero))+zero) & (1<<bits - 1)
		dst[i*bits/8] |= c << (i * bits % 8)
	}
}

// quantize4RunsGeneric defines quantize4Runs: quantizeRunsGeneric, packed to 4 bits. The
// dispatcher reports whether it has a kernel for the run: without one, codes are packed
// afterwards.
func quantize4RunsGeneric(dst []byte, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	for i, x := range src {
		s, z := scale[i/run], zero[i/run]
		c := byte(code(x, s, float32(qmin-z), float32(qmax-z))+z) & 15
		if i%2 == 0 {
			dst[i/2] = c
		} else {
			dst[i/2] |= c << 4
		}
	}
}

// signBit returns the sign bit of a code, or 0 if codes are not signed: then
// (c ^ signBit) - signBit extends the sign of c.
func signBit[T uint8 | uint16](signed bool) int32 {
	if !signed {
		return 0
	}
	return int32(^T(0)>>1) + 1
}

// deviation returns |e|, e being the reconstruction of x minus x, and 1 if the
// code of x had to be clamped, else 0. The quotient is bounded one step outside
// the grid, where it is still exact, so that it shows whether it was inside.
func deviation(x, scale, lo, hi float32) (abs float32, clipped uint32) {
	q := code(x, scale, lo-1, hi+1)
	if q < int32(lo) {
		q, clipped = int32(lo), 1
	} else if q > int32(hi) {
		q, clipped = int32(hi), 1
	}
	y := float32(float32(q) * scale)
	return float32(math.Abs(float64(y - x))), clipped
}

// errorsRunsGeneric sets acc[i] to the sums of run i, whose length is at most
// blockLen. Elements are finite.
func errorsRunsGeneric(acc []sums, src []float32, run int, scale []float32, zero []int32, qmin, qmax int32) {
	for i := range acc {
		var abs, sq [lanes]float64
		a := sums{}
		s, lo, hi := scale[i], float32(qmin-zero[i]), float32(qmax-zero[i])
		for j, x := range src[i*run : min((i+1)*run, len(src))] {
			d, clipped := deviation(x, s, lo, hi)
			abs[j%lanes] += float64(d)
			sq[j%lanes] += float64(d) * float64(d)
			if d > a.max {
				a.max = d
			}
			a.clipped += clipped
		}
		a.abs, a.sq = fold(&abs), fold(&sq)
		acc[i] = a
	}
}

// errorsColumnsGeneric adds the errors of each column, row by row, to acc.
func errorsColumnsGeneric(acc columnSums, src []float32, rows, stride int, scale []float32, zero []int32, qmin, qmax int32) {
	n := len(scale)
	acc = acc.sub(n)
	zero = zero[:n]
	for r := range rows {
		for j, x := range src[r*stride:][:n] {
			d, clipped := deviation(x, scale[j], float32(qmin-zero[j]), float32(qmax-zero[j]))
			acc.abs[j] += float64(d)
			acc.sq[j] += float64(d) * float64(d)
			if d > acc.max[j] {
				acc.max[j] = d
			}
			acc.clipped[j] += clipped
		}
	}
}

// squaresRunsGeneric sets acc[i] to the sum of x² over run i, whose length is
// at most blockLen.
func squaresRunsGeneric(acc []float64, src []float32, run int) {
	for i := range acc {
		var sq [lanes]float64
		for j, x := range src[i*run : min((i+1)*run, len(src))] {
			sq[j%lanes] += float64(x) * float64(x)
		}
		acc[i] = fold(&sq)
	}
}

// squaresColumnsGeneric adds the sum of x² of each column, row by row, to acc.
func squaresColumnsGeneric(acc []float64, src []float32, rows, stride int) {
	for r := range rows {
		for j, x := range src[r*stride:][:len(acc)] {
			acc[j] += float64(x) * float64(x)
		}
	}
}

// differencesColumnsGeneric adds the differences of each column, row by row, to acc.
func differencesColumnsGeneric(acc columnSums, x, y []float32, rows, stride int) {
	n := len(acc.abs)
	for r := range rows {
		y := y[r*stride:][:n]
		for j, v := range x[r*stride:][:n] {
			d := float32(math.Abs(float64(y[j] - v)))
			acc.abs[j] += float64(d)
			acc.sq[j] += float64(d) * float64(d)
			if d > acc.max[j] {
				acc.max[j] = d
			}
		}
	}
}

// differencesRunsGeneric sets acc[i] to the sums of the differences between x and y
// over run i, whose length is at most blockLen, in the order of errorsRuns.
func differencesRunsGeneric(acc []sums, x, y []float32, run int) {
	for i := range acc {
		var abs, sq [lanes]float64
		a := sums{}
		b, end := i*run, min((i+1)*run, len(x))
		y := y[b:end]
		for j, v := range x[b:end] {
			d := float32(math.Abs(float64(y[j] - v)))
			abs[j%lanes] += float64(d)
			sq[j%lanes] += float64(d) * float64(d)
			if d > a.max {
				a.max = d
			}
		}
		a.abs, a.sq = fold(&abs), fold(&sq)
		acc[i] = a
	}
}

// fold adds the lanes: the upper half to the lower, until one is left.
func fold(a *[lanes]float64) float64 {
	for n := lanes / 2; n > 0; n /= 2 {
		for i := range n {
			a[i] += a[i+n]
		}
	}
	return a[0]
}

// widenBFloat16Generic moves the bits of each bfloat16 to the top of a float32.
func widenBFloat16Generic(dst []float32, src []uint16) {
	dst = dst[:len(src)]
	for i, b := range src {
		dst[i] = math.Float32frombits(uint32(b) << 16)
	}
}

// widenFloat16Generic stores the float32 of each binary16. Except for
// infinities and NaN, the exponent is rebiased by an exact multiplication,
// which normalizes subnormals on the way.
func widenFloat16Generic(dst []float32, src []uint16) {
	dst = dst[:len(src)]
	for i, h := range src {
		sign, rest := uint32(h&0x8000)<<16, uint32(h&0x7fff)<<13
		if h&0x7c00 == 0x7c00 {
			if rest &= 0x7fffff; rest != 0 {
				rest |= 0x400000 // quiet
			}
			dst[i] = math.Float32frombits(sign | 0x7f800000 | rest)
			continue
		}
		v := math.Float32frombits(rest) * 0x1p112
		dst[i] = math.Float32frombits(sign | math.Float32bits(v))
	}
}

// What counts values in bins has the names of the histogram that it fills.
const (
	bins           = histogram.Bins
	octaves        = histogram.Octaves
	binsEach       = histogram.PerOctave
	histogramLanes = histogram.Lanes
)

type octaveIndex = histogram.OctaveIndex

// histogramRunsGeneric counts the bin of each element, element i by
// at[i%histogramLanes]. It stops before the first element whose octave has no
// place, and returns how many elements it counted. Counts wrap around.
func histogramRunsGeneric(counts []uint32, at *[histogramLanes]*octaveIndex, src []float32) int {
	a, b, c, d := at[0], at[1], at[2], at[3]
	n := 0
	for ; len(src)-n >= histogramLanes; n += histogramLanes {
		x := src[n : n+histogramLanes : n+histogramLanes]
		switch {
		case !countBin(counts, a, x[0]):
			return n
		case !countBin(counts, b, x[1]):
			return n + 1
		case !countBin(counts, c, x[2]):
			return n + 2
		case !countBin(counts, d, x[3]):
			return n + 3
		}
	}
	for n < len(src) && countBin(counts, at[n%histogramLanes], src[n]) {
		n++
	}
	return n
}

// countBin counts the bin of x if its octave has a place, which it reports.
func countBin(counts []uint32, index *octaveIndex, x float32) bool {
	b := math.Float32bits(x)
	first := index[b>>23]
	if first == 0 {
		return false
	}
	counts[first+b>>16-bins]++
	return true
}

// transposeGeneric stores columns one after the other: element r of column j,
// at src[r*stride+j], in dst[j*rows+r].
func transposeGeneric(dst, src []float32, rows, cols, stride int) {
	for r := range rows {
		for j, x := range src[r*stride:][:cols] {
			dst[j*rows+r] = x
		}
	}
}

func pack16(dst []byte, codes []uint16, bits int) { packGeneric(dst, codes, bits) }

func unpack16(dst []uint16, packed []byte, bits int, signed bool) {
	unpackGeneric(dst, packed, bits, signed)
}

// pack8Generic defines pack8: the low bits of each code, bits at most 8.
func pack8Generic(dst []byte, codes []uint8, bits int) { packGeneric(dst, codes, bits) }

// unpack8Generic defines unpack8, the inverse of pack8 with sign extension to 8 bits.
func unpack8Generic(dst []uint8, packed []byte, bits int, signed bool) {
	unpackGeneric(dst, packed, bits, signed)
}

// packGeneric collects 64 bits at a time.
func packGeneric[T uint8 | uint16](dst []byte, codes []T, bits int) {
	var acc uint64
	used, at := 0, 0
	mask := uint64(1)<<bits - 1
	for _, c := range codes {
		v := uint64(c) & mask
		acc |= v << used
		if used += bits; used >= 64 {
			binary.LittleEndian.PutUint64(dst[at:], acc)
			at += 8
			used -= 64
			acc = v >> (bits - used)
		}
	}
	for ; used > 0; used -= 8 {
		dst[at] = byte(acc)
		acc >>= 8
		at++
	}
}

// unpackGeneric reads 32 bits at a time while there are so many.
func unpackGeneric[T uint8 | uint16](dst []T, packed []byte, bits int, signed bool) {
	var acc uint64
	have := 0
	mask := uint32(1)<<bits - 1
	flip := uint32(0) // (v ^ flip) - flip extends the sign
	if signed {
		flip = 1 << (bits - 1)
	}
	for i := range dst {
		if have < bits {
			if len(packed) >= 4 {
				acc |= uint64(binary.LittleEndian.Uint32(packed)) << have
				packed = packed[4:]
				have += 32
			} else {
				for ; have < bits; have += 8 {
					acc |= uint64(packed[0]) << have
					packed = packed[1:]
				}
			}
		}
		dst[i] = T((uint32(acc)&mask ^ flip) - flip)
		acc >>= bits
		have -= bits
	}
}

// packedLen returns ⌈n·bits/8⌉ without overflow for any n of a slice.
func packedLen(n int64, bits int) int64 {
	return n/8*int64(bits) + (n%8*int64(bits)+7)/8
}
