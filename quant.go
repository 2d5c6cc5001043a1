package quant

import (
	"github.com/a01592f9/quant/internal/work"
)

// Calibrate returns the parameters that s gives to t. For the tensor, or for each channel or
// group, s.Method chooses a range, by default from the smallest to the largest value. The
// mapping makes the scale and the zero point from the range. The formulas are at the beginning
// of the package documentation.
//
// Errors: those of Scheme.Validate, ErrEmpty, ErrShape, ErrAxis, a *NotFiniteError for the
// first NaN or infinity, and ErrMethod for MovingAverage, which is for an Observer.
func Calibrate(t Tensor, s Scheme) (Params, error) {
	var p Params
	if err := CalibrateInto(&p, t, s); err != nil {
		return Params{}, err
	}
	return p, nil
}

// CalibrateInto is Calibrate into the memory of p. It stores s in p.Scheme and reuses p.Scale
// and p.ZeroPoint. It allocates nothing if their capacity is large enough (see
// Scheme.NumParams). After an error p is as it was. Errors: those of Calibrate.
func CalibrateInto(p *Params, t Tensor, s Scheme) error {
	if s.Granularity.unit == perTensor && s.calibratePlain(p, t) {
		return nil
	}
	if _, ok := s.calibrateSmall(p, t); ok {
		return nil
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
		by := s.scaler(s.tensorScaleOf(r))
		if !s.Method.ranged() {
			r = s.chooseOne(t.Data, l, r, by.rule.tensor)
		}
		p.set(s, 1)
		p.TensorScale = by.rule.tensor
		p.Scale[0], p.ZeroPoint[0] = by.of(r)
		return nil
	}
	g := walks.Get().(*walk)
	defer walks.Put(g)
	lo, hi, err := g.rangesOf(t.Data, nil, l, s.Granularity)
	if err != nil {
		return err
	}
	tensor := s.tensorScale(lo, hi)
	s.choose(t.Data, nil, l, lo, hi, tensor) // there is no Source, so no error
	p.set(s, l.params)
	s.paramsOf(p, lo, hi, tensor)
	return nil
}

// Quantize returns the codes of t with the parameters p:
//
//	q = clamp(round(x/scale) + zero point, qmin, qmax)
//
// round is to nearest, ties to even, and x/scale is the correctly rounded float32 quotient.
// ±Inf saturates; NaN becomes qmin. The tensor may differ from the one that was calibrated, but
// must have the same number of channels or groups. The result has its own codes and shape, and
// shares the slices of p. A tensor of no elements, such as a batch of no rows, has no codes;
// that is no error.
//
// Errors: those of Scheme.Validate, ErrShape, ErrAxis, ErrParams and a *ParamError.
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

// shapeOf returns a copy of t's shape. A shape of no axes becomes one axis.
func shapeOf(t Tensor) []int {
	if len(t.Shape) == 0 {
		return []int{len(t.Data)}
	}
	return cloneShape(t.Shape)
}

// QuantizeInto is Quantize into the first PackedLen(len(t.Data), Bits) bytes of dst. It
// allocates nothing, and panics if dst is shorter. Errors: those of Quantize.
func QuantizeInto(dst []byte, t Tensor, p Params) error {
	if n := len(t.Data); p.ofOne8() && n <= len(dst) && p.plain8(n, t.Shape) {
		p.quantizePlain(dst[:n], t.Data)
		return nil
	}
	if e, ok := p.small(len(t.Data), t.Shape); ok && p.quantizeSmall(dst, t.Data, e) || !ok && p.quantizeSmallTable(dst, t) {
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

// QuantizeCodes is QuantizeInto for codes that are not packed: it stores one element in dst for
// each element of t. T must be at least as wide as a code, and signed if and only if the codes
// are signed. Codes of formats other than Integers are uint8. For another T the error is
// ErrScheme. QuantizeCodes panics if dst is shorter than t.Data. Other errors: those of
// Quantize.
func QuantizeCodes[T Code](dst []T, t Tensor, p Params) error {
	if n := len(t.Data); n <= len(dst) && fitsSmall[T](&p.Scheme) {
		if c := plainCodes(dst[:n]); c.code8 != nil && p.ofOne8() && p.plain8(n, t.Shape) {
			p.quantizePlain(c.code8, t.Data)
			return nil
		}
		if e, ok := p.small(n, t.Shape); ok {
			p.quantizeElements(plainCodes(dst[:n]), t.Data, e)
			return nil
		}
	} else if n <= len(dst) {
		if e, b := smallFormat[T](&p, n, t.Shape); b != nil {
			p.quantizeBook(plainCodes(dst[:n]).code8, t.Data, e, b)
			return nil
		}
	}
	f, err := newTransform(len(t.Data), t.Shape, p)
	if err != nil {
		return err
	}
	mustHold(len(dst), len(t.Data))
	if err := fits[T](f.codeGrid); err != nil {
		return err
	}
	f.codes = plainCodes(dst[:len(t.Data)])
	f.real = t.Data
	f.quantize()
	return nil
}

// Dequantize returns the real values of the codes of q: float32(code - zero point) * scale,
// rounded once.
//
// Errors: those of Quantize, and ErrCodesLength.
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

// DequantizeInto is Dequantize into dst. It allocates nothing, and panics if dst has fewer
// elements than q. Errors: those of Dequantize.
func DequantizeInto(dst []float32, q Quantized) error {
	if n := len(q.Codes); q.Params.ofOne8() && n <= len(dst) && (n == 1 || len(q.Shape) > 0) && q.Params.plain8(n, q.Shape) {
		q.Params.dequantizePlain(dst[:n], q.Codes)
		return nil
	}
	if n := smallElements(q.Shape); n > 0 && n <= len(dst) {
		if e, ok := q.Params.small(n, q.Shape); ok && q.Params.dequantizeSmall(dst[:n], q.Codes, e) {
			return nil
		}
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

// DequantizeCodes is DequantizeInto for codes that are not packed, as from QuantizeCodes. The
// tensor has the given shape; a shape of no axes means one axis. A code outside the grid, which
// is possible with narrow range or with a T wider than Bits, is dequantized like any other
// integer. Errors: those of Quantize, and ErrScheme for a T that QuantizeCodes refuses.
func DequantizeCodes[T Code](dst []float32, codes []T, shape []int, p Params) error {
	if n := len(codes); n <= len(dst) && fitsSmall[T](&p.Scheme) {
		if c := plainCodes(codes); c.code8 != nil && p.ofOne8() && p.plain8(n, shape) {
			p.dequantizePlain(dst[:n], c.code8)
			return nil
		}
		if e, ok := p.small(n, shape); ok {
			p.dequantizeElements(dst[:n], plainCodes(codes), e)
			return nil
		}
	} else if n <= len(dst) {
		if e, b := smallFormat[T](&p, n, shape); b != nil {
			p.dequantizeBook(dst[:n], plainCodes(codes).code8, e, b)
			return nil
		}
	}
	f, err := newTransform(len(codes), shape, p)
	if err != nil {
		return err
	}
	if err := fits[T](f.codeGrid); err != nil {
		return err
	}
	f.codes = plainCodes(codes)
	mustHold(len(dst), len(codes))
	f.real = dst[:len(codes)]
	f.dequantize()
	return nil
}

// Ranges returns the range of the tensor, or of every channel or group, in the order of Params.
// Together with Range.Union and ParamsFromRanges it calibrates over data that is not in memory
// all at once.
//
// Errors: ErrEmpty, ErrShape, ErrAxis, ErrGroupSize, and a *NotFiniteError for the first NaN or
// infinity.
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

// RangesInto is Ranges into dst. It allocates nothing, and panics if dst has fewer elements
// than there are parameters (see Scheme.NumParams). Errors: those of Ranges.
func RangesInto(dst []Range, t Tensor, g Granularity) error {
	l, err := newLayout(len(t.Data), t.Shape, g)
	if err != nil {
		return err
	}
	mustHold(len(dst), l.params)
	return rangesInto(dst[:l.params], t.Data, l, g)
}

func rangesInto(dst []Range, src []float32, l layout, g Granularity) error {
	s := walks.Get().(*walk)
	defer walks.Put(s)
	lo, hi, err := s.rangesOf(src, nil, l, g)
	if err != nil {
		return err
	}
	for i := range dst {
		dst[i] = Range{lo[i], hi[i]}
	}
	return nil
}
