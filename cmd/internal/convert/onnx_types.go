package convert

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx"
)

// This file has the types of codes in ONNX models, integers and floating-point numbers.

// onnxFormats are the formats of the floating-point types, by the names that package onnx has for
// the types.
var onnxFormats = map[string]quant.Format{
	"F8_E4M3": quant.E4M3FN, "F8_E5M2": quant.E5M2, "F8_E4M3FNUZ": quant.E4M3FNUZ, "F8_E5M2FNUZ": quant.E5M2FNUZ,
	"F4": quant.E2M1,
}

// onnxType returns the type for the codes of a scheme, the name of that type in reports, and the
// bits of a code in the file.
func onnxType(s quant.Scheme) (dtype, name string, width int, err error) {
	if s.Format != quant.Integers {
		dtype, err = onnxFloatType(s.Format)
		return dtype, s.Format.String(), s.Format.Width(), err
	}
	width = 16
	switch {
	case s.Bits <= 4:
		width = 4
	case s.Bits <= 8:
		width = 8
	}
	if s.Unsigned {
		return fmt.Sprintf("U%d", width), fmt.Sprintf("uint%d", width), width, nil
	}
	return fmt.Sprintf("I%d", width), fmt.Sprintf("int%d", width), width, nil
}

// onnxFloatType returns the type for codes of a floating-point format.
func onnxFloatType(f quant.Format) (string, error) {
	var names []string
	for dtype, format := range onnxFormats {
		if format == f {
			return dtype, nil
		}
		names = append(names, format.String())
	}
	slices.Sort(names)
	return "", fmt.Errorf("ONNX has no type for codes of %v: its floating-point types are %s", f, strings.Join(names, ", "))
}

// Errors for a weight whose operator takes the other operand from a DequantizeLinear. ONNX Runtime
// makes one operator of both DequantizeLinear nodes and of this operator. The new operator
// supports neither groups nor floating-point codes.
var (
	errGroupsBesideCodes = errors.New("groups of codes of 5 to 8 bits do not run in ONNX Runtime where the other operand " +
		"of the operator comes from DequantizeLinear: take per_channel, or exclude the tensor")
	errFloatsBesideCodes = errors.New("floating-point codes do not run in ONNX Runtime where the other operand " +
		"of the operator comes from DequantizeLinear: take integers, or exclude the tensor")
)

// besideCodes returns an error if ONNX Runtime would not run the operator of t with codes of s.
func besideCodes(t *onnx.Tensor, s quant.Scheme) error {
	_, grouped := s.Granularity.GroupSize()
	switch {
	case !t.BesideCodes:
	case s.Format != quant.Integers:
		return errFloatsBesideCodes
	case grouped && s.Bits > 4 && s.Bits <= 8:
		return errGroupsBesideCodes
	}
	return nil
}

// zeroZeros returns an error unless the zero points of floating-point codes are 0, as ONNX
// requires.
func zeroZeros(d *onnx.Dequantizer) error {
	if d.Zeros == nil {
		return nil
	}
	data, err := onnxData(d.Zeros)
	if err == nil && len(bytes.Trim(data, "\x00")) > 0 {
		err = fmt.Errorf("zero points of %s are not 0", d.Zeros.DType)
	}
	return err
}

// typeName returns the name in reports for a type of package onnx.
func typeName(dtype string) string {
	if dtype[0] == 'U' {
		return "uint" + dtype[1:]
	}
	return "int" + dtype[1:]
}
