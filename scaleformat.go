package quant

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A ScaleFormat says in which numbers the scales of a scheme are stored. Its zero value is
// Float32Scale. Calibration rounds the scale of a range to such a number before it makes
// the zero point, so that codes are those for the scale that is stored.
//
// Below, m is the largest magnitude of the range for the symmetric mapping and for
// formats, and max - min for the asymmetric mapping. d is the divisor by which m becomes
// a scale: 6 for E2M1, for example, and 255 for 8 bits asymmetric. Each scale is at least
// the smallest positive number of its format, and never below 2^-126. A range of only
// zeros gets the scale 1, or for E4M3Scale that of the tensor.
type ScaleFormat uint8

const (
	// Float32Scale is m/d as it is: scales of 4 bytes.
	Float32Scale ScaleFormat = iota

	// Float16Scale is m/d rounded to IEEE binary16, ties to even, at most 65504: 2 bytes.
	Float16Scale

	// BFloat16Scale is m/d rounded to bfloat16, ties to even: 2 bytes.
	BFloat16Scale

	// E8M0Floor is the power of two 2^(floor(log2 m) - e): 1 byte. Here e is
	// floor(log2 v), v being the largest value of the format, or qmax minus the zero
	// point, or qmax - qmin for the asymmetric mapping. It is the rule of the OCP
	// Microscaling Formats 1.0 (MX), and clips where m/v is not a power of two.
	E8M0Floor

	// E8M0Ceil is the power of two 2^(ceil(log2 m) - e).
	E8M0Ceil

	// E8M0Even is E8M0Floor of m rounded to as many bits of mantissa as codes have, half
	// of a place up. Integers count the bits below the first of v. Formats whose values
	// are no floating-point numbers do not have the rule.
	E8M0Even

	// E8M0RCeil is m/d rounded up to a power of two, so that nothing is clipped.
	E8M0RCeil

	// E8M0Nearest is m/d rounded to the nearest power of two, ties up.
	E8M0Nearest

	// E4M3Scale has two levels. The tensor has a float32 scale t, Params.TensorScale: the
	// largest m of all, divided by 448*d. Each parameter has m/d/t rounded to E4M3FN, 1
	// byte, and its scale is the product of that and t. It is the rule of NVFP4.
	E4M3Scale

	scaleFormats // how many there are
)

// scaleFormatInfo has the name and the bytes of each format of scales.
var scaleFormatInfo = [scaleFormats]struct {
	name  string
	bytes int
}{
	Float32Scale:  {"float32", 4},
	Float16Scale:  {"float16", 2},
	BFloat16Scale: {"bfloat16", 2},
	E8M0Floor:     {"e8m0_floor", 1},
	E8M0Ceil:      {"e8m0_ceil", 1},
	E8M0Even:      {"e8m0_even", 1},
	E8M0RCeil:     {"e8m0_rceil", 1},
	E8M0Nearest:   {"e8m0_nearest", 1},
	E4M3Scale:     {"e4m3", 1},
}

// String returns the name of the format, such as "float16" or "e8m0_floor".
func (f ScaleFormat) String() string {
	if f >= scaleFormats {
		return fmt.Sprintf("ScaleFormat(%d)", uint8(f))
	}
	return scaleFormatInfo[f].name
}

// Bytes returns how many bytes a scale takes. The scale of the tensor, which E4M3Scale
// has, takes 4 more.
func (f ScaleFormat) Bytes() int { return scaleFormatInfo[f].bytes }

// ScaleFormats returns all formats of scales.
func ScaleFormats() []ScaleFormat {
	all := make([]ScaleFormat, scaleFormats)
	for i := range all {
		all[i] = ScaleFormat(i)
	}
	return all
}

// MarshalText returns the name of the format. The error is ErrScheme.
func (f ScaleFormat) MarshalText() ([]byte, error) {
	if f >= scaleFormats {
		return nil, fmt.Errorf("%w: there is no %v", ErrScheme, f)
	}
	return []byte(f.String()), nil
}

// UnmarshalText reads what MarshalText returns. The error is ErrScheme.
func (f *ScaleFormat) UnmarshalText(text []byte) error {
	i := slices.IndexFunc(ScaleFormats(), func(g ScaleFormat) bool { return g.String() == string(text) })
	if i < 0 {
		return fmt.Errorf("%w: there is no format of scales %q; there are %s", ErrScheme, text, scaleFormatList())
	}
	*f = ScaleFormat(i)
	return nil
}

// UnmarshalJSON reads a string as UnmarshalText does. It refuses null, which package json
// would pass over.
func (f *ScaleFormat) UnmarshalJSON(data []byte) error { return readString("scales", data, f) }

// GobEncode returns the text form.
func (f ScaleFormat) GobEncode() ([]byte, error) { return f.MarshalText() }

// GobDecode reads the text form.
func (f *ScaleFormat) GobDecode(data []byte) error { return f.UnmarshalText(data) }

// scaleFormatList returns the names of all formats, separated by commas.
func scaleFormatList() string {
	var names []string
	for _, f := range ScaleFormats() {
		names = append(names, f.String())
	}
	return strings.Join(names, ", ")
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

// The numbers by which scales are rounded.
const (
	leastFloat16    = 0x1p-24 // the smallest of each format
	leastE4M3       = 0x1p-9
	largestE4M3     = 448
	leastOfTensor   = minScale / leastE4M3 // so that no product is below minScale
	largestBFloat16 = 0x7f7f0000           // bits
)

var (
	roundFloat16 = newFloatCode(5, 10, 15, 65504, 0, true)
	roundE4M3    = newFloatCode(4, 3, 7, largestE4M3, 0, true)
)

// A scaleRule makes the scales of a scheme's ranges: the numbers that are stored.
type scaleRule struct {
	format   ScaleFormat
	steps    float32 // divisor of the extent of a range
	exponent int     // of the largest code
	mantissa int     // bits of the codes
	tensor   float32 // scale of the tensor, for E4M3Scale
}

// scaleRule returns that of s in a tensor of a scale.
func (s *Scheme) scaleRule(tensor float32) scaleRule {
	r := scaleRule{format: s.Scales, tensor: tensor}
	switch {
	case s.Format.number != 0:
		b := s.Format.book()
		r.steps, r.exponent, r.mantissa = b.largest, math.Ilogb(float64(b.largest)), b.mantissa
	case s.Mapping == Symmetric:
		_, qmax := s.Grid()
		var zero int32
		zero, r.steps = s.symmetricGrid()
		r.exponent = math.Ilogb(float64(qmax - int(zero)))
		r.mantissa = r.exponent
	default:
		qmin, qmax := s.Grid()
		r.steps = float32(qmax - qmin)
		r.exponent = math.Ilogb(float64(r.steps))
		r.mantissa = r.exponent
	}
	return r
}

// extent returns what of a range the scale is proportional to, m, and the power of two by
// which it is multiplied: 1 where max - min overflows, else 0.
func (s *Scheme) extent(lo, hi float32) (m float32, power int) {
	if s.symmetricScales() {
		return absMax(lo, hi), 0
	}
	if m = hi - lo; m > math.MaxFloat32 {
		return hi/2 - lo/2, 1
	}
	return m, 0
}

// symmetricScales reports whether scales depend on the largest magnitude alone.
func (s *Scheme) symmetricScales() bool { return s.Format.number != 0 || s.Mapping == Symmetric }

// tensorScale returns the scale of a tensor whose parameters have these ranges, all values
// being within them, or 0 if the scheme has none.
func (s *Scheme) tensorScale(lo, hi []float32) float32 {
	if s.Scales != E4M3Scale {
		return 0
	}
	r := s.scaleRule(0)
	t := float32(0)
	for i, v := range lo {
		t = atLeast(t, s.tensorShare(Range{v, hi[i]}, &r))
	}
	return r.tensorOf(t)
}

// tensorShare returns the scale that a tensor needs for a range, 0 for zeros.
func (s *Scheme) tensorShare(v Range, r *scaleRule) float32 {
	lo, hi := s.widened(v.Min, v.Max)
	m, power := s.extent(lo, hi)
	return m / (largestE4M3 * r.steps) * float32(int(1)<<power)
}

// tensorOf returns the scale of a tensor that needs at least t.
func (r *scaleRule) tensorOf(t float32) float32 {
	switch {
	case r.format != E4M3Scale:
		return 0
	case t == 0:
		return 1
	}
	return atLeast(t, leastOfTensor)
}

// tensorScaleOf is tensorScale for one range.
func (s *Scheme) tensorScaleOf(r Range) float32 {
	if s.Scales != E4M3Scale {
		return 0
	}
	rule := s.scaleRule(0)
	return rule.tensorOf(s.tensorShare(r, &rule))
}

// widened returns a range as the mapping takes it.
func (s *Scheme) widened(lo, hi float32) (float32, float32) {
	if s.ZeroInRange {
		return min(lo, 0), max(hi, 0)
	}
	return lo, hi
}

// storedParams returns the parameters of a range, the scale being the one that is stored.
func (s *Scheme) storedParams(r Range, rule *scaleRule) (scale float32, zero int32) {
	lo, hi := s.widened(r.Min, r.Max)
	symmetric := s.symmetricScales()
	if symmetric && s.Format.number == 0 {
		zero, _ = s.symmetricGrid()
	}
	if lo == 0 && hi == 0 {
		if rule.format == E4M3Scale {
			return rule.tensor, zero
		}
		return 1, zero
	}
	least := float32(minScale)
	if !symmetric {
		least = atLeast(absMax(lo, hi)*leastRatio, least)
	}
	m, power := s.extent(lo, hi)
	scale = rule.stored(m, power, least)
	if symmetric {
		return scale, zero
	}
	qmin, qmax := s.Grid()
	v := float32(qmin) - lo/scale
	zero = int32(math.RoundToEven(float64(min(max(v, -maxZeroPoint), maxZeroPoint))))
	if s.ZeroInRange {
		zero = min(max(zero, int32(qmin)), int32(qmax))
	}
	return scale, zero
}

// stored returns the scale that is stored for the extent m * 2^power, m/d being at least
// least.
func (r *scaleRule) stored(m float32, power int, least float32) float32 {
	scale := atLeast(m/r.steps*float32(int(1)<<power), least)
	bits := math.Float32bits(atLeast(m, least*r.steps))
	switch r.format {
	case Float16Scale:
		return atLeast(roundFloat16.round(scale), leastFloat16)
	case BFloat16Scale:
		b := math.Float32bits(scale)
		b += 0x7fff + b>>16&1
		return math.Float32frombits(min(b&^0xffff, largestBFloat16))
	case E8M0Floor:
		return powerOfTwo(int(bits>>23) + power - r.exponent)
	case E8M0Ceil:
		return powerOfTwo(int((bits+0x7fffff)>>23) + power - r.exponent)
	case E8M0Even:
		return powerOfTwo(int((bits+1<<(22-r.mantissa))>>23) + power - r.exponent)
	case E8M0RCeil:
		return powerOfTwo(int((math.Float32bits(scale) + 0x7fffff) >> 23))
	case E8M0Nearest:
		return powerOfTwo(int((math.Float32bits(scale) + 0x400000) >> 23))
	case E4M3Scale:
		return atLeast(roundE4M3.round(scale/r.tensor), leastE4M3) * r.tensor
	}
	return scale
}

// powerOfTwo returns 2^(e-127), or the nearest power of two that a scale may be.
func powerOfTwo(e int) float32 { return math.Float32frombits(uint32(min(max(e, 1), 254)) << 23) }

// stores reports whether a scale is a number of the format, under the scale of the tensor.
func (f ScaleFormat) stores(scale, tensor float32) bool {
	b := math.Float32bits(scale)
	switch f {
	case Float16Scale:
		return roundFloat16.round(scale) == scale
	case BFloat16Scale:
		return b&0xffff == 0
	case E8M0Floor, E8M0Ceil, E8M0Even, E8M0RCeil, E8M0Nearest:
		return b&0x7fffff == 0 || scale == 0x1p-127
	case E4M3Scale:
		code := roundE4M3.round(scale / tensor)
		return code*tensor == scale
	}
	return true
}

// round returns the number of the format next to |v|, ties to the even mantissa.
func (f *floatCode) round(v float32) float32 {
	a := min(math.Float32bits(v)&0x7fffffff, f.largest)
	place := math.Float32frombits(max(a&0x7f800000, f.normal) + f.drop<<23)
	return math.Float32frombits(a) + place - place
}
