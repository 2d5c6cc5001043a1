package quant

import (
	"fmt"
	"math"
)

// A Tensor is float32 data with a shape. Data is in row-major order (the last
// axis is contiguous) and is never copied or changed. A Shape of no axes means
// one axis of len(Data) elements.
type Tensor struct {
	Data  []float32
	Shape []int
}

// Params are the scale and the zero point of every tensor, channel or group
// that Scheme.Granularity tells apart: a real value x has the code
// round(x/scale) + zero point, and a code q stands for (q - zero point) * scale.
//
// Params that came from elsewhere are written as a literal; everything that
// takes Params checks them.
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
	Shape  []int
	Params Params
}

// Calibrate returns the parameters that s gives to t: for every tensor,
// channel or group those that the Symmetric or Asymmetric mapping derives from
// its minimum and maximum.
//
// Errors: those of Scheme.Validate, ErrEmpty, ErrShape, ErrAxis, and a
// *NotFiniteError for the first NaN or infinity.
func Calibrate(t Tensor, s Scheme) (Params, error) {
	var p Params
	if err := CalibrateInto(&p, t, s); err != nil {
		return Params{}, err
	}
	return p, nil
}

// CalibrateInto is Calibrate into memory that p brings: it stores s in
// p.Scheme, reuses p.Scale and p.ZeroPoint where their capacity suffices, and
// then allocates nothing.
func CalibrateInto(p *Params, t Tensor, s Scheme) error {
	panic("not yet")
}

// Quantize returns the codes of t under p:
//
//	q = clamp(round(x/scale) + zero point, qmin, qmax)
//
// where round is to nearest, ties to even, and x/scale is the correctly
// rounded float32 quotient. ±Inf saturates; NaN becomes qmin. The tensor need
// not be the one that p was made from: it needs as many channels or groups.
//
// Errors: those of Scheme.Validate, ErrEmpty, ErrShape, ErrAxis, ErrParams
// and a *ParamError.
func Quantize(t Tensor, p Params) (Quantized, error) {
	panic("not yet")
}

// QuantizeInto is Quantize into the first PackedLen(len(t.Data), Bits) bytes
// of dst; it allocates nothing. It panics if dst is shorter.
func QuantizeInto(dst []byte, t Tensor, p Params) error { panic("not yet") }

// An Integer is a type that holds unpacked codes.
type Integer interface {
	int8 | uint8 | int16 | uint16
}

// QuantizeCodes is QuantizeInto for codes that are not packed: one element of
// dst for each of t. It needs a type that is as wide as a code at least, and
// signed if and only if the codes are; dst must be as long as t.Data or it panics.
func QuantizeCodes[T Integer](dst []T, t Tensor, p Params) error { panic("not yet") }

// Dequantize returns the real values that the codes of q stand for:
// float32(code - zero point) * scale, rounded once.
//
// Errors: as for Quantize, and ErrCodesLength.
func Dequantize(q Quantized) (Tensor, error) { panic("not yet") }

// DequantizeInto is Dequantize into dst, which must have room for every
// element or it panics; it allocates nothing.
func DequantizeInto(dst []float32, q Quantized) error { panic("not yet") }

// DequantizeCodes is DequantizeInto for codes that are not packed, as
// QuantizeCodes yields them.
func DequantizeCodes[T Integer](dst []float32, codes []T, shape []int, p Params) error {
	panic("not yet")
}

// NewQuantized returns packed codes and parameters that came from elsewhere as
// a Quantized, without copying them.
//
// Errors: those of Quantize, ErrCodesLength if len(codes) is not exactly
// PackedLen, and a *CodeError for a code that narrow range leaves out.
func NewQuantized(codes []byte, shape []int, p Params) (Quantized, error) { panic("not yet") }

// Len returns the number of elements.
func (q Quantized) Len() int { panic("not yet") }

// At returns the code of element i.
func (q Quantized) At(i int) int { panic("not yet") }

// Int8 returns the codes as they are in memory, if they are signed and of 8 bits.
func (q Quantized) Int8() (codes []int8, ok bool) { panic("not yet") }

// Uint8 returns the codes as they are in memory, if they are unsigned and of 8 bits.
func (q Quantized) Uint8() (codes []uint8, ok bool) { panic("not yet") }

// Int16 returns the codes as they are in memory, if they are signed and of 16
// bits, the machine is little-endian and the memory is aligned (as what
// Quantize returns always is).
func (q Quantized) Int16() (codes []int16, ok bool) { panic("not yet") }

// Uint16 is Int16 for unsigned codes.
func (q Quantized) Uint16() (codes []uint16, ok bool) { panic("not yet") }

// A Range is the smallest and the largest of some values. Both are finite, Min
// is not above Max, and a zero is +0.
type Range struct{ Min, Max float32 }

func (r Range) absMax() float32 {
	return max(float32(math.Abs(float64(r.Min))), float32(math.Abs(float64(r.Max))))
}

// Union returns the range that holds both: what to calibrate from when data
// comes in batches, or from several workers.
func (r Range) Union(o Range) Range { return Range{min(r.Min, o.Min), max(r.Max, o.Max)} }

// Ranges returns the range of every tensor, channel or group of t, in the
// order of Params. With Range.Union and ParamsFromRanges it calibrates over
// data that is never in memory all at once.
func Ranges(t Tensor, g Granularity) ([]Range, error) { panic("not yet") }

// ParamsFromRanges returns the parameters that s derives from ranges. Errors:
// those of Scheme.Validate, and ErrRange for a range that is not finite or is upside down.
func ParamsFromRanges(s Scheme, ranges []Range) (Params, error) { panic("not yet") }

func elements(shape []int) (int, error) { return 0, fmt.Errorf("not yet") }

type layout struct{ params int }

func newLayout(n int, shape []int, g Granularity) (layout, error) { return layout{}, nil }
