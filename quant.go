package quant

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/a01592f9/quant/internal/exact"
	"github.com/a01592f9/quant/internal/work"
)

// A Tensor is float32 data with a shape. Data is in row-major order (the last
// axis is contiguous) and is never copied or changed. A Shape of no axes means
// one axis of len(Data) elements.
type Tensor struct {
	Data  []float32
	Shape []int // lengths of the axes; their product is len(Data)
}

// Params are the scale and the zero point of every tensor, channel or group
// that Scheme.Granularity tells apart: a real value x has the code
// round(x/scale) + zero point, and a code q stands for (q - zero point) * scale.
//
// Both slices have one element for PerTensor, one for each index of the axis
// for PerChannel, and one for each group, in row-major order, for PerGroup:
// Scheme.NumParams elements in any case.
//
// Params that came from elsewhere are written as a literal; everything that
// takes Params checks them.
//
// Do not embed Params in a struct that is written as JSON or gob. The struct would
// have the methods MarshalJSON and GobEncode of Params, and its other fields would
// be lost without an error. Give the struct a field instead: Params quant.Params.
type Params struct {
	Scheme    Scheme
	Scale     []float32 // real units per integer step: positive and finite
	ZeroPoint []int32   // code of the real value 0; it may lie outside the grid, but within ±2^23
}

// Quantized is a tensor of packed codes with what is needed to read them.
type Quantized struct {
	// Codes holds element i, in row-major order, in bits [i*b, (i+1)*b) of a
	// little-endian bit stream, b being Params.Scheme.Bits. So codes of 8 and
	// 16 bits are plain little-endian integers, and of two 4-bit codes the
	// first is the low nibble. Signed codes are in two's complement.
	Codes  []byte
	Shape  []int  // of the tensor that the codes are of
	Params Params // that the codes were made with
}

// Calibrate returns the parameters that s gives to t: for every tensor,
// channel or group those that the Symmetric or Asymmetric mapping derives from
// the range that s.Method chooses, by default from its minimum and maximum. The
// formulas are at the head of the package documentation.
//
// Errors: those of Scheme.Validate, ErrEmpty, ErrShape, ErrAxis, a
// *NotFiniteError for the first NaN or infinity, and ErrMethod for MovingAverage,
// which is for an Observer.
func Calibrate(t Tensor, s Scheme) (Params, error) {
	var p Params
	if err := CalibrateInto(&p, t, s); err != nil {
		return Params{}, err
	}
	return p, nil
}

// CalibrateInto is Calibrate into memory that p brings: it stores s in
// p.Scheme, reuses p.Scale and p.ZeroPoint where their capacity suffices (see
// Scheme.NumParams), and then allocates nothing. After an error p is as it was.
// Errors: those of Calibrate.
func CalibrateInto(p *Params, t Tensor, s Scheme) error {
	if s.plain() && s.Method.kind == minMax && few(len(t.Data), t.Shape) {
		var lo, hi [1]float32
		if rangeRuns(lo[:], hi[:], t.Data, len(t.Data)) {
			p.set(s, 1)
			p.Scale[0], p.ZeroPoint[0] = s.params(Range{lo[0], hi[0]})
			return nil
		}
	}
	if err := s.validateForTensor(); err != nil {
		return err
	}
	l, err := newLayout(len(t.Data), t.Shape, s.Granularity)
	if err != nil {
		return err
	}
	if l.params == 1 && !work.Several(len(t.Data)/partLen) {
		var lo, hi [1]float32
		if !rangeRuns(lo[:], hi[:], t.Data, len(t.Data)) {
			return notFinite(t.Data, &l, s.Granularity)
		}
		r := Range{lo[0], hi[0]}
		if !s.Method.ranged() {
			r = s.chooseOne(t.Data, l, r)
		}
		p.set(s, 1)
		p.Scale[0], p.ZeroPoint[0] = s.params(r)
		return nil
	}
	g := rangers.Get().(*survey)
	defer rangers.Put(g)
	lo, hi, err := g.ranges(t.Data, l, s.Granularity)
	if err != nil {
		return err
	}
	s.choose(t.Data, l, lo, hi)
	p.set(s, l.params)
	s.paramsOf(p, lo, hi)
	return nil
}

// set gives p the scheme s and room for n parameters.
func (p *Params) set(s Scheme, n int) {
	p.Scheme = s.normal()
	if cap(p.Scale) < n {
		p.Scale = make([]float32, n)
	}
	if cap(p.ZeroPoint) < n {
		p.ZeroPoint = make([]int32, n)
	}
	// Only a slice of itself is known to the compiler not to escape.
	p.Scale = p.Scale[:n]
	p.ZeroPoint = p.ZeroPoint[:n]
}

// paramsOf stores in p what s derives from each range. What does not change is
// out of the loops: groups have many parameters.
func (s Scheme) paramsOf(p *Params, lo, hi []float32) {
	scale := p.Scale[:len(lo)]
	zero, hi := p.ZeroPoint[:len(lo)], hi[:len(lo)]
	switch {
	case s.Format.number != 0:
		symmetricParams(scale, lo, hi, s.Format.book().largest)
		fill(zero, 0)
	case s.Mapping == Symmetric:
		z, steps := s.symmetricGrid()
		symmetricParams(scale, lo, hi, steps)
		fill(zero, z)
	case s.ZeroInRange:
		for i := range lo {
			scale[i], zero[i] = s.asymmetric(Range{lo[i], hi[i]})
		}
	default:
		qmin, qmax := s.Grid()
		asymmetricParams(scale, zero, lo, hi, float32(qmin), float32(qmax-qmin))
	}
}

// check returns an error unless p has n scales and zero points that can be used.
func (p *Params) check(n int) error {
	if err := p.checkLen(n); err != nil {
		return err
	}
	return p.checkValues(0, n)
}

func (p *Params) checkLen(n int) error {
	if len(p.Scale) != n || len(p.ZeroPoint) != n {
		return fmt.Errorf("%w: %d scales and %d zero points, want %d of each", ErrParams, len(p.Scale), len(p.ZeroPoint), n)
	}
	return nil
}

// checkValues checks parameters from up to end.
func (p *Params) checkValues(from, end int) error {
	// A positive finite float32 has bits 1 … 0x7f7fffff. The loop has no
	// branches: groups have as many parameters as an eighth of the data's bytes.
	bad := uint32(0)
	scale := p.Scale[from:end]
	zero := p.ZeroPoint[from:end][:len(scale)]
	for i, s := range scale {
		b, z := math.Float32bits(s), uint32(zero[i]+maxZeroPoint)
		bad |= (0x7f7fffff - b) | (b - 1) | z | (2*maxZeroPoint - z)
	}
	if bad>>31 == 0 {
		return nil
	}
	for i, s := range scale {
		if !(s > 0) || !finite(s) {
			return &ParamError{Index: from + i, Scale: s, ZeroPoint: zero[i], Err: ErrScale}
		}
		if zero[i] < -maxZeroPoint || zero[i] > maxZeroPoint {
			return &ParamError{Index: from + i, Scale: s, ZeroPoint: zero[i], Err: ErrZeroPoint}
		}
	}
	return nil
}

// Quantize returns the codes of t under p:
//
//	q = clamp(round(x/scale) + zero point, qmin, qmax)
//
// where round is to nearest, ties to even, and x/scale is the correctly
// rounded float32 quotient. ±Inf saturates; NaN becomes qmin. The tensor need
// not be the one that p was made from: it needs as many channels or groups.
// The result has its own codes and shape, and shares the slices of p. A tensor
// of no elements, such as a batch of no rows, has no codes, which is no error.
//
// Errors: those of Scheme.Validate, ErrShape, ErrAxis, ErrParams and a
// *ParamError.
func Quantize(t Tensor, p Params) (Quantized, error) {
	f, err := newTransform(len(t.Data), t.Shape, p)
	if err != nil {
		return Quantized{}, err
	}
	codes := makeCodes(PackedLen(len(t.Data), f.bits))
	f.real = t.Data
	f.codes = packedCodes(codes, len(t.Data), f.bits)
	f.quantize()
	return Quantized{Codes: codes, Shape: shapeOf(t), Params: p}, nil
}

// makeCodes returns n bytes, aligned for codes of 16 bits.
func makeCodes(n int) []byte {
	c := make([]uint16, (n+1)/2)
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(c))), n)
}

// shapeOf returns a copy of t's shape, with one axis if it has none.
func shapeOf(t Tensor) []int {
	if len(t.Shape) == 0 {
		return []int{len(t.Data)}
	}
	return cloneShape(t.Shape)
}

// QuantizeInto is Quantize into the first PackedLen(len(t.Data), Bits) bytes
// of dst; it allocates nothing. It panics if dst is shorter. Errors: those of
// Quantize.
func QuantizeInto(dst []byte, t Tensor, p Params) error {
	if p.plain(len(t.Data), t.Shape) && PackedLen(len(t.Data), p.Scheme.Bits) <= len(dst) {
		p.quantizePlain(dst, t.Data)
		return nil
	}
	f, err := newTransform(len(t.Data), t.Shape, p)
	if err != nil {
		return err
	}
	n := PackedLen(len(t.Data), f.bits)
	mustHold(len(dst), n)
	f.real = t.Data
	f.codes = packedCodes(dst[:n], len(t.Data), f.bits)
	f.quantize()
	return nil
}

func mustHold(have, need int) {
	if have < need {
		panic(fmt.Sprintf("quant: destination has length %d, need %d", have, need))
	}
}

// Code is a type that holds a code that is not packed.
type Code interface {
	int8 | uint8 | int16 | uint16
}

// QuantizeCodes is QuantizeInto for codes that are not packed: one element of
// dst for each of t. T must be as wide as a code at least, and signed if and
// only if the codes are, or the error is ErrScheme. It panics if dst is
// shorter than t.Data. Other errors: those of Quantize.
func QuantizeCodes[T Code](dst []T, t Tensor, p Params) error {
	if n := len(t.Data); n <= len(dst) && unsafe.Sizeof(T(0)) == 1 && p.Scheme.Unsigned == (^T(0) > 0) && p.plain(n, t.Shape) {
		p.quantizeBytes(plainCodes(dst[:n]).code8, t.Data)
		return nil
	}
	f, err := newTransform(len(t.Data), t.Shape, p)
	if err != nil {
		return err
	}
	mustHold(len(dst), len(t.Data))
	if err := fits[T](f.bits, f.signed); err != nil {
		return err
	}
	f.codes = plainCodes(dst[:len(t.Data)])
	f.real = t.Data
	f.quantize()
	return nil
}

// Dequantize returns the real values that the codes of q stand for:
// float32(code - zero point) * scale, rounded once.
//
// Errors: as for Quantize, and ErrCodesLength.
func Dequantize(q Quantized) (Tensor, error) {
	f, err := q.transform()
	if err != nil {
		return Tensor{}, err
	}
	t := Tensor{Data: make([]float32, q.Len()), Shape: cloneShape(q.Shape)}
	f.real = t.Data
	f.dequantize()
	return t, nil
}

// DequantizeInto is Dequantize into dst, which must have room for every
// element or it panics; it allocates nothing. Errors: those of Dequantize.
func DequantizeInto(dst []float32, q Quantized) error {
	if n := fewElements(q.Shape); n <= len(dst) && q.Params.plain(n, q.Shape) && PackedLen(n, q.Params.Scheme.Bits) == len(q.Codes) {
		q.Params.dequantizePlain(dst[:n], q.Codes)
		return nil
	}
	f, err := q.transform()
	if err != nil {
		return err
	}
	n := q.Len()
	mustHold(len(dst), n)
	f.real = dst[:n]
	f.dequantize()
	return nil
}

// DequantizeCodes is DequantizeInto for codes that are not packed, as
// QuantizeCodes yields them, of a tensor with the given shape (none means one
// axis). Codes outside the grid, which narrow range or a T wider than Bits
// makes possible, are taken as the integers that they are. Errors: those of
// Quantize, and ErrScheme for a T that QuantizeCodes would not take.
func DequantizeCodes[T Code](dst []float32, codes []T, shape []int, p Params) error {
	if n := len(codes); n <= len(dst) && unsafe.Sizeof(T(0)) == 1 && p.Scheme.Unsigned == (^T(0) > 0) && p.plain(n, shape) {
		p.dequantizeBytes(dst[:n], plainCodes(codes).code8)
		return nil
	}
	f, err := newTransform(len(codes), shape, p)
	if err != nil {
		return err
	}
	if err := fits[T](f.bits, f.signed); err != nil {
		return err
	}
	f.codes = plainCodes(codes)
	mustHold(len(dst), len(codes))
	f.real = dst[:len(codes)]
	f.dequantize()
	return nil
}

// Ranges returns the range of the tensor, or of every channel or group of it,
// in the order of Params. With Range.Union and ParamsFromRanges it calibrates
// over data that is never in memory all at once.
//
// Errors: ErrEmpty, ErrShape, ErrAxis, ErrGroupSize, and a *NotFiniteError for
// the first NaN or infinity.
func Ranges(t Tensor, g Granularity) ([]Range, error) {
	l, err := newLayout(len(t.Data), t.Shape, g)
	if err != nil {
		return nil, err
	}
	r := make([]Range, l.params)
	if err := rangesInto(r, t.Data, l, g); err != nil {
		return nil, err
	}
	return r, nil
}

// RangesInto is Ranges into dst, which must have room for as many ranges as
// there are parameters (see Scheme.NumParams) or it panics; it allocates nothing.
func RangesInto(dst []Range, t Tensor, g Granularity) error {
	l, err := newLayout(len(t.Data), t.Shape, g)
	if err != nil {
		return err
	}
	mustHold(len(dst), l.params)
	return rangesInto(dst[:l.params], t.Data, l, g)
}

func rangesInto(dst []Range, src []float32, l layout, g Granularity) error {
	s := rangers.Get().(*survey)
	defer rangers.Put(s)
	lo, hi, err := s.ranges(src, l, g)
	if err != nil {
		return err
	}
	for i := range dst {
		dst[i] = Range{lo[i], hi[i]}
	}
	return nil
}

// ParamsFromRanges returns the parameters that s derives from ranges, one for
// each tensor, channel or group. How the ranges were chosen is the caller's
// business, and s.Method means nothing here. The shape is not known: whether the
// number of ranges is right, Quantize will say.
//
// Errors: those of Scheme.Validate, ErrEmpty for no ranges, and ErrRange for
// one that is not finite or is upside down.
func ParamsFromRanges(s Scheme, ranges []Range) (Params, error) {
	var p Params
	if err := ParamsFromRangesInto(&p, s, ranges); err != nil {
		return Params{}, err
	}
	return p, nil
}

// ParamsFromRangesInto is ParamsFromRanges into memory that p brings, as
// CalibrateInto is Calibrate. After an error p is as it was.
func ParamsFromRangesInto(p *Params, s Scheme, ranges []Range) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if len(ranges) == 0 {
		return fmt.Errorf("%w: no ranges", ErrEmpty)
	}
	for i, r := range ranges {
		if !finite(r.Min) || !finite(r.Max) || r.Min > r.Max {
			return fmt.Errorf("%w: [%v, %v] at index %d", ErrRange, r.Min, r.Max, i)
		}
	}
	p.set(s, len(ranges))
	for i, r := range ranges {
		p.Scale[i], p.ZeroPoint[i] = s.params(Range{exact.PlusZero(r.Min), exact.PlusZero(r.Max)})
	}
	return nil
}
