package convert

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/a01592f9/quant"
)

// The layouts of compressed-tensors for floating-point codes.
const (
	floatQuantized = "float-quantized"      // E4M3FN with a float32 scale for the tensor, for each row or for each block
	mxfp8Quantized = "mxfp8-quantized"      // E4M3FN in groups of 32, with powers of two as scales
	mxfp4Packed    = "mxfp4-pack-quantized" // E2M1 in groups of 32, with powers of two as scales
	nvfp4Packed    = "nvfp4-pack-quantized" // E2M1 in groups of 16, with E4M3FN scales and a scale of the tensor
	mixedPrecision = "mixed-precision"      // each group of the configuration has its layout
)

// errNoLayout is the error for a scheme without a layout.
var errNoLayout = errors.New("compressed-tensors has no layout for it; for floats it has " +
	"fp8_e4m3 per tensor, fp8_e4m3:channel and fp8_e4m3:128x128, mxfp8, mxfp4 and nvfp4")

// isMX reports whether scales of a format are powers of two.
func isMX(f quant.ScaleFormat) bool { return f >= quant.E8M0Floor && f <= quant.E8M0Nearest }

// floatLayout returns the layout for the floating-point codes of a scheme.
func floatLayout(s quant.Scheme) (string, error) {
	size, _ := s.Granularity.GroupSize()
	_, _, _, _, block := s.Granularity.Block()
	switch {
	case block && (s.Format != quant.E4M3FN || s.Scales != quant.Float32Scale):
	case s.Format == quant.E4M3FN && s.Scales == quant.Float32Scale && size == 0:
		return floatQuantized, nil
	case s.Format == quant.E4M3FN && isMX(s.Scales) && size == 32:
		return mxfp8Quantized, nil
	case s.Format == quant.E2M1 && isMX(s.Scales) && size == 32:
		return mxfp4Packed, nil
	case s.Format == quant.E2M1 && s.Scales == quant.E4M3Scale && size == 16:
		return nvfp4Packed, nil
	}
	return "", errNoLayout
}

// fusedLayers are the layers that loaders join into one matrix, by the last parts of their names.
// They share the scale of the tensor.
var fusedLayers = [][]string{
	{"q_proj", "k_proj", "v_proj"},
	{"gate_proj", "up_proj"},
	{"w1", "w3"},
	{"q_a_proj", "kv_a_proj_with_mqa"},
}

// fusedName returns the name of the joined layer that a layer belongs to, or the name of the
// layer if it is not joined.
func fusedName(module string) string {
	at := strings.LastIndexByte(module, '.') + 1
	for _, parts := range fusedLayers {
		if slices.Contains(parts, module[at:]) {
			return module[:at] + strings.Join(parts, "+")
		}
	}
	return module
}

// largestGlobal limits the scale of a tensor. A value of E4M3FN divided by it must be at least
// 2^-126, the least scale of the library.
const largestGlobal = 0x1p117

// globalOf returns the scale of a tensor: the factor that the scales of its groups are multiplied
// by. It maps the scale of the largest magnitude to the largest value of E4M3FN.
func globalOf(largest float32) float32 {
	if largest == 0 {
		return 1
	}
	return min(448*6/largest, largestGlobal)
}

// localScale returns the code of a group's scale, given the scale of its tensor.
func localScale(scale, global float32) uint8 {
	var code [1]uint8
	// NarrowFloat8 only fails for formats that are not floating-point.
	_ = quant.NarrowFloat8(code[:], []float32{float32(scale * global)}, quant.E4M3FN, true)
	return max(code[0], 1) // a scale must not be 0
}

// typeOf returns the name of the codes of a scheme: int4, or the name of a floating-point format.
func typeOf(s quant.Scheme) string {
	if s.Format != quant.Integers {
		return s.Format.String()
	}
	return fmt.Sprintf("int%d", s.Bits)
}
