package quant

import (
	"fmt"
	"slices"
	"strings"
)

// A ScaleFormat says in which numbers the scales of a scheme are stored. Its zero value is
// Float32Scale. Calibration rounds the scale of a range to the format, and then makes the zero
// point from the rounded scale. So the codes are made with the scale that is stored.
//
// Below, m is the largest magnitude of the range for the symmetric mapping and for codebooks,
// and max - min for the asymmetric mapping. d is the divisor that makes a scale of m: 6 for
// E2M1, for example, and 255 for 8 bits asymmetric. Each scale is at least the smallest
// positive number of its format, and at least 2^-126. A range of only zeros gets the scale 1,
// or for E4M3Scale the scale of the tensor.
type ScaleFormat uint8

const (
	// Float32Scale is m/d, rounded to float32: 4 bytes.
	Float32Scale ScaleFormat = iota

	// Float16Scale is m/d rounded to IEEE binary16, ties to even, at most 65504: 2 bytes.
	Float16Scale

	// BFloat16Scale is m/d rounded to bfloat16, ties to even: 2 bytes.
	BFloat16Scale

	// E8M0Floor is the power of two 2^(floor(log2 m) - e): 1 byte. Here e is floor(log2 v), and
	// v is the largest value of a codebook, qmax minus the zero point for the symmetric
	// mapping, or qmax - qmin for the asymmetric mapping. It is the rule of the OCP
	// Microscaling Formats 1.0 (MX). It can clip where m/v is not a power of two.
	E8M0Floor

	// E8M0Ceil is the power of two 2^(ceil(log2 m) - e): 1 byte.
	E8M0Ceil

	// E8M0Even rounds m, half up, to as many bits of mantissa as the codes have, and then
	// applies E8M0Floor: 1 byte. For integers the number of bits is floor(log2 v). Codebooks
	// that are not floating-point formats, such as NF4, do not have this rule.
	E8M0Even

	// E8M0RCeil is m/d rounded up to a power of two, so that nothing is clipped: 1 byte.
	E8M0RCeil

	// E8M0Nearest is m/d rounded to the nearest power of two, ties up: 1 byte.
	E8M0Nearest

	// E4M3Scale has two levels. The tensor has a float32 scale t, which is Params.TensorScale:
	// the largest m of all ranges, divided by 448*d. For each range m/d/t is rounded to E4M3FN
	// and takes 1 byte. The scale of the range is that number times t. It is the rule of NVFP4.
	E4M3Scale

	// DynamicScale has two levels, as the double quantization of bitsandbytes: 1 byte, 4 bytes
	// more for each 256 scales, and 4 for the tensor. Let s be the scales m/d of all ranges, in
	// the order of Params. Their mean is subtracted, and 256 differences at a time are divided by
	// the largest magnitude of the 256. Each quotient becomes the nearest value of the dynamic
	// map, a table of 256 numbers whose spacing grows with their magnitude. The scale of a range
	// is that value times the largest magnitude, plus the mean. A range of only zeros has the s 0
	// if there are other ranges. The scale depends on all ranges: the methods that search for the
	// least error try m/d. DynamicScale needs the symmetric mapping or a codebook.
	DynamicScale

	scaleFormats // the number of formats
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
	DynamicScale:  {"dynamic8", 1},
}

// String returns the name of the format, such as "float16" or "e8m0_floor".
func (f ScaleFormat) String() string {
	if f >= scaleFormats {
		return fmt.Sprintf("ScaleFormat(%d)", uint8(f))
	}
	return scaleFormatInfo[f].name
}

// Bytes returns the number of bytes of a stored scale. E4M3Scale needs 4 more bytes for the
// scale of the tensor, and DynamicScale 4 more for the mean and for each 256 scales.
func (f ScaleFormat) Bytes() int { return scaleFormatInfo[f].bytes }

// ofTensor reports whether a scale of the format depends on all ranges of the tensor.
func (f ScaleFormat) ofTensor() bool { return f == E4M3Scale || f == DynamicScale }

// ScaleFormats returns all formats of scales.
func ScaleFormats() []ScaleFormat {
	all := make([]ScaleFormat, scaleFormats)
	for i := range all {
		all[i] = ScaleFormat(i)
	}
	return all
}

// MarshalText returns the name of the format. The error is ErrScheme for an unknown format.
func (f ScaleFormat) MarshalText() ([]byte, error) {
	if f >= scaleFormats {
		return nil, fmt.Errorf("%w: there is no %v", ErrScheme, f)
	}
	return []byte(f.String()), nil
}

// UnmarshalText reads a name that MarshalText returns. The error is ErrScheme for any other
// text.
func (f *ScaleFormat) UnmarshalText(text []byte) error {
	i := slices.IndexFunc(ScaleFormats(), func(g ScaleFormat) bool { return g.String() == string(text) })
	if i < 0 {
		return fmt.Errorf("%w: there is no format of scales %q; there are %s", ErrScheme, text, scaleFormatList())
	}
	*f = ScaleFormat(i)
	return nil
}

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
