package quant

import "fmt"

// A Scheme says how a tensor is turned into codes. Only Bits has to be set, or
// Format: the zero value of everything else is signed codes, the asymmetric mapping and
// one scale and zero point for the whole tensor.
//
// Do not embed a Scheme in a struct that is written as JSON, gob or text. The struct
// would have the methods MarshalJSON, GobEncode and MarshalText of Scheme, and its
// other fields would be lost without an error. Give the struct a field instead:
// Scheme quant.Scheme. The same holds for all types of this package.
type Scheme struct {
	// Bits is the width of a code, 2 to 16 for Integers. Other formats have a width of
	// their own: for them Bits is that, or 0.
	Bits int

	// Format says which values the codes stand for: by default the integers. The other
	// formats have no zero point. The mapping means nothing for them.
	Format Format

	// Unsigned makes codes run from 0 to 2^Bits-1 instead of from
	// -2^(Bits-1) to 2^(Bits-1)-1.
	Unsigned bool

	// Mapping is Asymmetric or Symmetric.
	Mapping Mapping

	// Scales says in which numbers scales are stored: by default float32.
	Scales ScaleFormat

	// Granularity says which elements share a scale and a zero point:
	// PerTensor, PerChannel(axis) or PerGroup(axis, size).
	Granularity Granularity

	// NarrowRange drops the lowest code, so that the grid is symmetric about
	// zero: [-127, 127] for 8 bits. It goes only with signed codes and the
	// symmetric mapping, which divides by 127 then, not 128, and clips nothing.
	// TFLite, TensorRT and ONNX Runtime quantize weights so.
	NarrowRange bool

	// Divisor says what the symmetric mapping divides a range by: FarEnd, HalfWidth or
	// EachEnd. It goes only with integers and the symmetric mapping.
	Divisor Divisor

	// Method is the method that chooses the range to lay the grid over: MinMax,
	// Percentile(p), PercentileMagnitude(p), LeastSquares, LeastAbsolute, Entropy or MovingAverage(m).
	Method Method

	// ZeroInRange widens every range so that it holds 0, and keeps the zero
	// point inside the grid. ONNX, TFLite and PyTorch need that: their zero
	// points have the type of a code. It changes nothing for Symmetric.
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

	// Symmetric maps 0 to the middle of the grid and the largest magnitude to
	// its far end:
	//
	//	zero point = 0 for signed codes, 2^(Bits-1) for unsigned ones
	//	scale      = max(|min|, |max|) / max(|qmin - zero point|, |qmax - zero point|)
	//
	// Scheme.Divisor has other divisors.
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

// Grid returns the lowest and the highest code. It is for schemes whose options
// are valid; for others it means nothing, and may panic. Codes of formats other
// than Integers are patterns of bits, from 0 on.
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

// symmetricGrid returns the zero point and the divisor: for EachEnd the larger of two.
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

// Validate returns nil if the options of s are valid and go together: it wraps
// ErrBits, ErrGroupSize, ErrMethod or ErrScheme otherwise. Whether the axis exists is for
// a shape to say: see NumParams.
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
	if s.Granularity.unit == perGroup && s.Granularity.size <= 0 {
		return fmt.Errorf("%w: %d is not positive", ErrGroupSize, s.Granularity.size)
	}
	if err := s.validateDivisor(); err != nil {
		return err
	}
	if err := s.validateScales(); err != nil {
		return err
	}
	return s.Method.validate()
}

// validateForTensor is Validate for a scheme that a tensor is calibrated to. A
// tensor is no sequence of batches, which a moving average is of.
func (s Scheme) validateForTensor() error {
	if err := s.Validate(); err != nil {
		return err
	}
	if s.Method.kind == movingAverage {
		return fmt.Errorf("%w: %v is of batches, which an Observer sees; a tensor has its min and max", ErrMethod, s.Method)
	}
	return nil
}

// NumParams returns how many scales, and as many zero points, a tensor of the
// given shape has under s: the length that CalibrateInto needs in its slices.
// A Tensor without a shape has one axis, of len(Data), and a single value has
// the shape []int{1}: a shape of no axes is the error ErrShape. Other errors:
// those of Validate, ErrShape, ErrEmpty and ErrAxis.
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

// validateFormat checks the options of a scheme whose codes are no integers.
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

// validateScales checks that there are scales of s.
func (s Scheme) validateScales() error {
	if s.Scales >= scaleFormats {
		return fmt.Errorf("%w: there is no %v", ErrScheme, s.Scales)
	}
	if s.Scales == E8M0Even && s.Format.number != 0 && s.Format.book().float == nil {
		return fmt.Errorf("%w: %v is for integers and floating-point numbers, not for %v", ErrScheme, s.Scales, s.Format)
	}
	return nil
}

// normal returns s with what follows from its format: the width in Bits, and the
// symmetric mapping, since there is no zero point.
func (s Scheme) normal() Scheme {
	if s.Format.number != 0 {
		s.Bits, s.Mapping = s.Format.book().bits, Symmetric
	}
	return s
}

// validateDivisor checks that the divisor is one, and that the scheme divides by it.
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
