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
	floatQuantized = "float-quantized"      // E4M3FN with a float32 scale of the tensor or of each row
	mxfp8Quantized = "mxfp8-quantized"      // E4M3FN in groups of 32 with powers of two
	mxfp4Packed    = "mxfp4-pack-quantized" // E2M1 in groups of 32 with powers of two
	nvfp4Packed    = "nvfp4-pack-quantized" // E2M1 in groups of 16 with E4M3FN, and a scale of the tensor
	mixedPrecision = "mixed-precision"      // each group of the configuration names its own
)

// errNoLayout is that of a scheme without a layout.
var errNoLayout = errors.New("compressed-tensors has no layout for it; for floats it has " +
	"fp8_e4m3 per tensor and fp8_e4m3:channel, mxfp8, mxfp4 and nvfp4")

// isMX reports whether scales are powers of two.
func isMX(f quant.ScaleFormat) bool { return f >= quant.E8M0Floor && f <= quant.E8M0Nearest }

// floatLayout returns the layout that holds floating-point codes of a scheme.
func floatLayout(s quant.Scheme) (string, error) {
	size, _ := s.Granularity.GroupSize()
	switch {
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

// fusedLayers are the layers that loaders join into one matrix, which has one scale of the
// tensor, by the last parts of their names.
var fusedLayers = [][]string{
	{"q_proj", "k_proj", "v_proj"},
	{"gate_proj", "up_proj"},
	{"w1", "w3"},
	{"q_a_proj", "kv_a_proj_with_mqa"},
}

// fusedName returns the name of the layer that a loader makes of a layer and of its
// partners: that of a layer without partners is its own.
func fusedName(module string) string {
	at := strings.LastIndexByte(module, '.') + 1
	for _, parts := range fusedLayers {
		if slices.Contains(parts, module[at:]) {
			return module[:at] + strings.Join(parts, "+")
		}
	}
	return module
}

// largestGlobal bounds the scale of a tensor, so that its quotients with values of
// E4M3FN are scales that the library has: at least 2^-126.
const largestGlobal = 0x1p117

// globalOf returns the scale of a tensor in the layout: by what the scales of its groups
// were multiplied. The largest magnitude gets the largest scale that E4M3FN has.
func globalOf(largest float32) float32 {
	if largest == 0 {
		return 1
	}
	return min(448*6/largest, largestGlobal)
}

// localScale returns the code of a group's scale under the scale of its tensor.
func localScale(scale, global float32) uint8 {
	var code [1]uint8
	// The error is that of a format without floating-point numbers.
	_ = quant.NarrowFloat8(code[:], []float32{float32(scale * global)}, quant.E4M3FN, true)
	return max(code[0], 1) // 0 is no scale
}

// typeOf returns the name of the codes of a scheme: int4, or that of a format.
func typeOf(s quant.Scheme) string {
	if s.Format != quant.Integers {
		return s.Format.String()
	}
	return fmt.Sprintf("int%d", s.Bits)
}
