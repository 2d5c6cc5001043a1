package quant

import "fmt"

// A Scheme says how a tensor is quantized. Only Bits or Format has to be set. By default the
// codes are signed, the mapping is asymmetric, and the whole tensor has one scale and one zero
// point.
//
// Do not embed a Scheme in a struct that is written as JSON, gob or text. The struct would have
// the methods MarshalJSON, GobEncode and MarshalText of Scheme, and its other fields would be
// lost without an error. Give the struct a field instead: Scheme quant.Scheme. The same holds
// for all types of this package.
type Scheme struct {
	// Bits is the width of a code: 2 to 16 for Integers. Every other format has a fixed width;
	// for these Bits is that width, or 0.
	Bits int

	// Format says which values the codes stand for. The default is Integers. The other formats
	// have no zero points, and Mapping has no effect on them.
	Format Format

	// Unsigned makes codes run from 0 to 2^Bits-1 instead of from
	// -2^(Bits-1) to 2^(Bits-1)-1.
	Unsigned bool

	// Mapping is Asymmetric or Symmetric.
	Mapping Mapping

	// Scales is the format in which scales are stored. The default is Float32Scale.
	Scales ScaleFormat

	// Granularity says which elements share a scale and a zero point:
	// PerTensor, PerChannel(axis), PerGroup(axis, size) or PerBlock(axis0, size0, axis1,
	// size1).
	Granularity Granularity

	// NarrowRange leaves out the lowest code, so that the grid is symmetric about zero: [-127,
	// 127] for 8 bits. It requires signed codes and the symmetric mapping. The divisor of the
	// mapping is then 127 and not 128, and nothing is clipped. TFLite, TensorRT and ONNX
	// Runtime quantize weights this way.
	NarrowRange bool

	// Divisor says by what the symmetric mapping divides the range: FarEnd, HalfWidth or
	// EachEnd. HalfWidth and EachEnd require integers and the symmetric mapping.
	Divisor Divisor

	// SignedScale lets the scale of the symmetric mapping be negative. The element with the
	// largest magnitude, whatever its sign, then has the lowest code, which is farther from the
	// zero point than the highest: -8 for 4 bits. The scale is negative if that element is
	// positive. ggml's Q4_0 and ONNX Runtime's MatMulNBits quantize weights this way.
	//
	// SignedScale requires integers, the symmetric mapping, the divisor FarEnd, and scales
	// that are float32, float16 or bfloat16. It excludes NarrowRange, since both ends then have
	// as many codes. The sign follows from the range that Method chooses: the scale is negative
	// if Max is larger than -Min. LeastSquares and LeastAbsolute look for the least error
	// among scales of both signs.
	SignedScale bool

	// Method chooses the range that the grid covers: MinMax, Percentile(p),
	// PercentileMagnitude(p), LeastSquares, LeastAbsolute, Entropy or MovingAverage(m).
	Method Method

	// ZeroInRange widens every range so that it holds 0, and so keeps the zero point in the
	// grid. ONNX, TFLite and PyTorch need that, since they store zero points in the type of the
	// codes. It has no effect on Symmetric.
	ZeroInRange bool
}

// A Mapping says how a range of real values is laid over the grid of codes.
type Mapping uint8

const (
	// Asymmetric maps the ends of the range to the ends of the grid:
	//
	//	scale      = (max - min) / (qmax - qmin)
	//	zero point = round(qmin - min/scale)
	Asymmetric Mapping = iota

	// Symmetric maps 0 to the middle of the grid, and the largest magnitude to the end of the
	// grid that is farther from the middle:
	//
	//	zero point = 0 for signed codes, 2^(Bits-1) for unsigned ones
	//	scale      = max(|min|, |max|) / max(|qmin - zero point|, |qmax - zero point|)
	//
	// Scheme.Divisor can choose another divisor, and Scheme.SignedScale a negative scale.
	Symmetric
)

// String returns "asymmetric" or "symmetric".
func (m Mapping) String() string {
	switch m {
	case Asymmetric:
		return "asymmetric"
	case Symmetric:
		return "symmetric"
	}
	return fmt.Sprintf("Mapping(%d)", uint8(m))
}

// Grid returns the lowest and the highest code. For formats other than Integers codes are bit
// patterns, and the lowest is 0. For a scheme that is not valid the result is undefined, and
// Grid may panic.
func (s Scheme) Grid() (qmin, qmax int) {
	if s.Format.number != 0 {
		return 0, len(s.Format.book().values) - 1
	}
	if s.Unsigned {
		return 0, 1<<s.Bits - 1
	}
	qmin, qmax = -1<<(s.Bits-1), 1<<(s.Bits-1)-1
	if s.NarrowRange {
		qmin++
	}
	return qmin, qmax
}

// symmetricGrid returns the zero point and the divisor. For EachEnd the divisor is the larger
// of the two.
func (s Scheme) symmetricGrid() (zero int32, steps float32) {
	qmin, qmax := s.Grid()
	if s.Unsigned {
		zero = 1 << (s.Bits - 1)
	}
	if s.Divisor == HalfWidth {
		return zero, float32(qmax-qmin) / 2
	}
	return zero, float32(max(zero-int32(qmin), int32(qmax)-zero))
}

// Validate returns nil if the options of s are valid and allowed together. Otherwise the error
// wraps ErrBits, ErrGroupSize, ErrMethod or ErrScheme. Validate does not know a shape;
// NumParams checks that the axis exists.
func (s Scheme) Validate() error {
	if s.Format.number != 0 {
		if err := s.validateFormat(); err != nil {
			return err
		}
	} else if s.Bits < 2 || s.Bits > 16 {
		return fmt.Errorf("%w: %d is not in [2, 16]", ErrBits, s.Bits)
	}
	if s.Mapping > Symmetric {
		return fmt.Errorf("%w: there is no %v", ErrScheme, s.Mapping)
	}
	if s.NarrowRange && (s.Unsigned || s.Mapping != Symmetric) {
		return fmt.Errorf("%w: narrow range is for signed codes and the symmetric mapping", ErrScheme)
	}
	if err := s.Granularity.validate(); err != nil {
		return err
	}
	if err := s.validateDivisor(); err != nil {
		return err
	}
	if err := s.validateScales(); err != nil {
		return err
	}
	if err := s.validateSignedScale(); err != nil {
		return err
	}
	return s.Method.validate()
}

// validateForTensor is Validate for a scheme that a single tensor is calibrated to. It refuses
// MovingAverage, which needs a sequence of batches.
func (s Scheme) validateForTensor() error {
	if err := s.Validate(); err != nil {
		return err
	}
	return s.Method.ofTensor()
}

// NumParams returns the number of scales, which is also the number of zero points, of a tensor
// with the given shape: the length that CalibrateInto needs in its slices. For a Tensor without
// a shape pass []int{len(Data)}, and for a single value []int{1}: a shape of no axes is the
// error ErrShape. Other errors: those of Validate, ErrShape, ErrEmpty and ErrAxis.
func (s Scheme) NumParams(shape []int) (int, error) {
	if err := s.Validate(); err != nil {
		return 0, err
	}
	if len(shape) == 0 {
		return 0, fmt.Errorf("%w: the shape has no axes", ErrShape)
	}
	n, err := elements(shape)
	if err != nil {
		return 0, err
	}
	l, err := newLayout(n, shape, s.Granularity)
	return l.params, err
}

// validateFormat checks the options of a scheme whose format is a codebook.
func (s Scheme) validateFormat() error {
	b := s.Format.book()
	switch {
	case s.Bits != 0 && s.Bits != b.bits:
		return fmt.Errorf("%w: %d, but codes of %s have %d", ErrBits, s.Bits, b.name, b.bits)
	case s.Unsigned || s.NarrowRange || s.ZeroInRange:
		return fmt.Errorf("%w: unsigned codes, narrow range and zero in range are for integers, not for %s", ErrScheme, b.name)
	case s.Method.kind == entropy:
		return fmt.Errorf("%w: %v is for integers, not for %s", ErrMethod, s.Method, b.name)
	}
	return nil
}

// validateScales checks that the format of scales exists and is allowed for s.
func (s Scheme) validateScales() error {
	if s.Scales >= scaleFormats {
		return fmt.Errorf("%w: there is no %v", ErrScheme, s.Scales)
	}
	if s.Scales == DynamicScale && !s.symmetricScales() {
		return fmt.Errorf("%w: %v is for codebooks and the symmetric mapping", ErrScheme, s.Scales)
	}
	if s.Scales == E8M0Even && s.Format.number != 0 && s.Format.book().float == nil {
		return fmt.Errorf("%w: %v is for integers and floating-point numbers, not for %v", ErrScheme, s.Scales, s.Format)
	}
	return nil
}

// symmetricScales reports whether scales depend only on the largest magnitude of a range.
func (s *Scheme) symmetricScales() bool { return s.Format.number != 0 || s.Mapping == Symmetric }

// normal returns s with what its format implies: the width in Bits, and the symmetric mapping,
// since there is no zero point.
func (s Scheme) normal() Scheme {
	if s.Format.number != 0 {
		s.Bits, s.Mapping = s.Format.book().bits, Symmetric
	}
	return s
}

// validateDivisor checks that the divisor exists and is allowed for s.
func (s Scheme) validateDivisor() error {
	switch {
	case s.Divisor >= divisors:
		return fmt.Errorf("%w: there is no %v", ErrScheme, s.Divisor)
	case s.Divisor == FarEnd:
		return nil
	case s.Mapping != Symmetric || s.Format.number != 0:
		return fmt.Errorf("%w: the divisor %v is for integers and the symmetric mapping", ErrScheme, s.Divisor)
	case s.Divisor == EachEnd && s.Scales != Float32Scale:
		return fmt.Errorf("%w: the divisor %v is for scales that are float32, not %v", ErrScheme, s.Divisor, s.Scales)
	}
	return nil
}

// validateSignedScale checks the options that SignedScale requires.
func (s *Scheme) validateSignedScale() error {
	switch {
	case !s.SignedScale:
		return nil
	case s.Format.number != 0 || s.Mapping != Symmetric:
		return fmt.Errorf("%w: a signed scale is for integers and the symmetric mapping", ErrScheme)
	case s.NarrowRange:
		return fmt.Errorf("%w: a signed scale is not for the narrow range, which has as many codes below 0 as above", ErrScheme)
	case s.Divisor != FarEnd:
		return fmt.Errorf("%w: a signed scale is for the divisor %v, not for %v", ErrScheme, FarEnd, s.Divisor)
	case s.Scales > BFloat16Scale:
		return fmt.Errorf("%w: a signed scale is for scales that are float32, float16 or bfloat16, not %v", ErrScheme, s.Scales)
	}
	return nil
}
