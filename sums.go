package quant

import (
	"fmt"
	"math"
	"unsafe"
)

// Sums of codes, and biases as integers: what a matrix product of integers needs besides its
// operands.
//
// With x = sx·(qx - zx) and w = sw·(qw - zw) a dot product of n elements is
//
//	Σ x·w = sx·sw·(Σ qx·qw - zw·Σ qx - zx·Σ qw + n·zx·zw)
//
// Σ qx is a sum of the codes of each row of activations. Σ qw is a sum of the codes of each
// channel of a weight, which can be computed once.

// SumCodes stores the sum of the codes of each tensor, channel or group in dst, in the order of
// Params. The codes have the given shape; a shape of no axes means one axis. SumCodes allocates
// nothing, and panics if dst is too short. Errors: ErrShape, ErrAxis, ErrGroupSize, ErrEmpty,
// and an *OverflowError for the first sum that int32 cannot hold.
func SumCodes[T Code](dst []int32, codes []T, shape []int, g Granularity) error {
	l, err := newLayout(len(codes), shape, g)
	if err != nil {
		return err
	}
	mustHold(len(dst), l.params)
	if l.spread() {
		l.cols = 0
	}
	dst = dst[:l.params]
	if l.largest() > math.MaxInt32>>16 {
		return sumEach(dst, codes, &l)
	}
	clear(dst)
	addCodes(dst, codes, 0, &l)
	return nil
}

// largest returns the largest number of elements of a parameter.
func (l *layout) largest() int {
	if l.group > 0 {
		return l.group * max(1, l.tall)
	}
	return l.n() / l.params
}

// addCodes adds codes to the sums of their parameters in dst. The first code is that of element
// e. The sums must not overflow.
func addCodes[T Code](dst []int32, codes []T, e int, l *layout) {
	for len(codes) > 0 {
		s := l.span(e, e+len(codes))
		c := codes[:s.n]
		if s.columns {
			for len(c) > 0 {
				n := min(s.run, len(c))
				d := dst[s.p : s.p+n]
				for j, v := range c[:n] {
					d[j] += int32(v)
				}
				c = c[n:]
			}
		} else {
			for p := s.p; len(c) > 0; p++ {
				n := min(s.run, len(c))
				dst[p] += int32(sumRun(c[:n]))
				c = c[n:]
			}
		}
		codes = codes[s.n:]
		e += s.n
	}
}

// sumRun returns the sum of codes.
func sumRun[T Code](codes []T) int64 {
	var a, b, c, d int64
	for len(codes) >= 4 {
		a, b, c, d = a+int64(codes[0]), b+int64(codes[1]), c+int64(codes[2]), d+int64(codes[3])
		codes = codes[4:]
	}
	for _, v := range codes {
		a += int64(v)
	}
	return a + b + c + d
}

// sumEach sums the codes of one parameter after the other, and checks the sums for overflow.
func sumEach[T Code](dst []int32, codes []T, l *layout) error {
	for p := range dst {
		sum := int64(0)
		b := l.values(p, 1)
		for r := range b.rows {
			sum += sumRun(codes[b.e+r*b.stride:][:b.run])
		}
		if sum != int64(int32(sum)) {
			return &OverflowError{Index: p, Value: float64(sum)}
		}
		dst[p] = int32(sum)
	}
	return nil
}

// Sums is SumCodes for the packed codes of q: it stores one sum for each parameter of q in dst.
// Errors: those of Dequantize and of SumCodes, and ErrScheme for a format other than Integers.
func (q Quantized) Sums(dst []int32) error {
	f, err := q.transform()
	if err != nil {
		return err
	}
	if f.book != nil {
		return fmt.Errorf("%w: sums of codes are of integers, not of %v", ErrScheme, q.Params.Scheme.Format)
	}
	l, n := f.layout, q.Len()
	if n == 0 {
		return ErrEmpty
	}
	mustHold(len(dst), l.params)
	if l.spread() {
		l.cols = 0
	}
	dst = dst[:l.params]
	clear(dst)
	safe := l.largest() <= math.MaxInt32>>16
	if !safe {
		return q.sumEach(dst, &l)
	}
	var buf [bufLen]uint16
	for e := 0; e < n; e += bufLen {
		b := buf[:min(bufLen, n-e)]
		packed := q.Codes[e/8*f.bits:]
		if f.signed {
			signed := unsafe.Slice((*int16)(unsafe.Pointer(&b[0])), len(b))
			Unpack(signed, packed, f.bits)
			addCodes(dst, signed, e, &l)
		} else {
			Unpack(b, packed, f.bits)
			addCodes(dst, b, e, &l)
		}
	}
	return nil
}

// sumEach sums the codes of one parameter after the other, and checks the sums for overflow.
func (q *Quantized) sumEach(dst []int32, l *layout) error {
	for p := range dst {
		sum := int64(0)
		b := l.values(p, 1)
		for r := range b.rows {
			for j := range b.run {
				sum += int64(q.At(b.e + r*b.stride + j))
			}
		}
		if sum != int64(int32(sum)) {
			return &OverflowError{Index: p, Value: float64(sum)}
		}
		dst[p] = int32(sum)
	}
	return nil
}

// QuantizeBias stores the bias of each channel in dst, as the int32 nearest to
//
//	bias / (input · weight)
//
// Here input is the scale of the activations, and weight has the scale of each channel of the
// weight, or one scale for all channels. So biases have the unit of the sums of the integer
// product. The quotient is exact before it is rounded, ties to even. QuantizeBias panics if dst
// is shorter than bias.
//
// Errors: ErrParams if len(weight) is neither 1 nor len(bias), a *ParamError for a scale that
// is not positive and finite (with index -1 for input), a *NotFiniteError, and an
// *OverflowError for the first bias that int32 cannot hold.
func QuantizeBias(dst []int32, bias []float32, input float32, weight []float32) error {
	mustHold(len(dst), len(bias))
	if len(weight) != 1 && len(weight) != len(bias) {
		return fmt.Errorf("%w: %d scales of a weight for %d biases", ErrParams, len(weight), len(bias))
	}
	if !(input > 0) || !finite(input) {
		return &ParamError{Index: -1, Scale: input, Err: ErrScale}
	}
	for i, b := range bias {
		s := weight[i%len(weight)]
		if !(s > 0) || !finite(s) {
			return &ParamError{Index: i % len(weight), Scale: s, Err: ErrScale}
		}
		if !finite(b) {
			return &NotFiniteError{Index: i, Channel: i, Value: b}
		}
		v := nearestQuotient(float64(b), float64(input)*float64(s))
		if v < math.MinInt32 || v > math.MaxInt32 {
			return &OverflowError{Index: i, Value: v}
		}
		dst[i] = int32(v)
	}
	return nil
}

// nearestQuotient returns the integer nearest to x/d, where x is a float32 and d a positive
// product of two float32. The quotient in float64 rounds to the same integer, unless it is
// halfway between two integers. Then the remainder decides. If the quotient is above 2^40, it
// is returned as it is.
func nearestQuotient(x, d float64) float64 {
	q := x / d
	if math.Abs(q) >= 1<<40 {
		return q
	}
	r := math.RoundToEven(q)
	if math.Abs(q-r) != 0.5 {
		return r
	}
	switch rest := math.FMA(-q, d, x); { // the sign of the remainder is exact
	case rest > 0:
		return math.Floor(q) + 1
	case rest < 0:
		return math.Floor(q)
	}
	return r
}
