package report

import (
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/system"
)

// A PlanTarget is the kind of program that runs the model. It determines how many bytes codes
// take, and the default candidates.
type PlanTarget string

// Targets of a plan.
const (
	PlanAny         PlanTarget = ""
	PlanONNXRuntime PlanTarget = "onnxruntime"
	PlanTensorRT    PlanTarget = "tensorrt"
	PlanVLLM        PlanTarget = "vllm"
	PlanLlamaCPP    PlanTarget = "llama.cpp"
)

// Keep is the candidate that leaves a weight as it is.
const Keep = "keep"

// PlanTargets lists the targets that can be named.
var PlanTargets = []string{string(PlanONNXRuntime), string(PlanTensorRT), string(PlanVLLM), string(PlanLlamaCPP)}

// Candidates returns the default candidates of a plan for t. Codes of 16 bits have minmax: the search
// of mse takes a thousand times as long for them as for 12 bits, and gains about 1 dB.
func (t PlanTarget) Candidates() []string {
	switch t {
	case PlanONNXRuntime:
		return []string{"int4:channel", "int4:g128", "int4:g32", "int8:channel", "int16:channel:minmax", Keep}
	case PlanTensorRT:
		return []string{"int4:g128", "int4:g64", "int8:channel", Keep}
	case PlanVLLM:
		return []string{"int4:channel", "int4:g128", "int4:g32", "int8:channel", "int8:g128", "int8:g32", Keep}
	case PlanLlamaCPP:
		return []string{"q4_0", "q4_k", "iq4_nl", "q5_0", "q5_k", "q6_k", "q8_0", Keep}
	}
	return []string{"int2:g32", "int3:channel", "int3:g32", "int4:channel", "int4:g128", "int4:g32", "int5:channel", "int6:channel", "int8:channel", Keep}
}

// bytes returns how many bytes codes of a scheme take in the files of a target, with their scales
// and zero points.
func (t PlanTarget) bytes(s quant.Scheme, elements int64, params int) int64 {
	width := s.Bits
	if t == PlanONNXRuntime || t == PlanTensorRT {
		switch {
		case width <= 4:
			width = 4
		case width <= 8:
			width = 8
		default:
			width = 16
		}
		if s.Format != quant.Integers {
			return (elements*int64(width)+7)/8 + 4*int64(params) // scales are float32, whatever their values
		}
	}
	if s.Format != quant.Integers || s.Scales != quant.Float32Scale {
		return s.Memory(int(elements), params).Total()
	}
	n := (elements*int64(width)+7)/8 + 4*int64(params)
	if s.Mapping == quant.Asymmetric || s.Unsigned {
		n += (int64(params)*int64(width) + 7) / 8
	}
	return n
}

// writes returns "" if quant quantize writes codes of s for t, and otherwise which codes it writes.
func (t PlanTarget) writes(s quant.Scheme) string {
	size, grouped := s.Granularity.GroupSize()
	powers := s.Scales >= quant.E8M0Floor && s.Scales <= quant.E8M0Nearest
	integers := s.Format == quant.Integers && s.Scales == quant.Float32Scale
	_, _, _, _, blocks := s.Granularity.Block()
	switch t {
	case PlanONNXRuntime:
		runs := []quant.Format{quant.E4M3FN, quant.E5M2, quant.E4M3FNUZ, quant.E5M2FNUZ}
		if blocks || !integers && !slices.Contains(runs, s.Format) {
			return "integers with float32 scales, and fp8_e4m3, fp8_e5m2, fp8_e4m3fnuz and fp8_e5m2fnuz with any, but no blocks of two axes"
		}
	case PlanTensorRT:
		switch {
		case blocks, s.Mapping != quant.Symmetric, s.Unsigned:
		case integers && s.Bits == 8 && !grouped, integers && s.Bits == 4 && grouped && (size == 64 || size == 128):
			return ""
		case s.Format == quant.E4M3FN && s.Scales == quant.Float32Scale && s.Granularity == quant.PerTensor:
			return ""
		}
		return "symmetric int8 per tensor and per channel, symmetric int4 in groups of 64 and 128, and fp8_e4m3 per tensor"
	case PlanVLLM:
		switch {
		case integers && !blocks && !s.Unsigned && (s.Bits == 2 || s.Bits == 4 || s.Bits == 8):
		case s.Format == quant.E4M3FN && s.Scales == quant.Float32Scale && !grouped:
		case blocks:
			return "blocks of two axes for fp8_e4m3 with float32 scales"
		case (s.Format == quant.E4M3FN || s.Format == quant.E2M1) && powers && size == 32:
		case s.Format == quant.E2M1 && s.Scales == quant.E4M3Scale && size == 16:
		default:
			return "signed integers of 2, 4 and 8 bits, fp8_e4m3 per tensor, per channel and in blocks of two axes, mxfp8, mxfp4 and nvfp4"
		}
	case PlanLlamaCPP:
		return "the types of GGUF"
	}
	return ""
}

// File returns the kind of file that t reads, as package convert names it; "" for any.
func (t PlanTarget) File() string {
	s, err := system.Parse(string(t))
	if err != nil {
		return ""
	}
	return s.File
}

// holds reports whether a file for t can hold a weight of a shape with codes of s. The layouts for
// vLLM have channels on the first axis, and whole groups along the second. TensorRT has whole
// groups along one of the last two axes.
func (t PlanTarget) holds(s quant.Scheme, shape []int) bool {
	axis, several := s.Granularity.Axis()
	if t != PlanVLLM && t != PlanTensorRT || !several {
		return true
	}
	if axis < 0 {
		axis += len(shape)
	}
	size, grouped := s.Granularity.GroupSize()
	if t == PlanTensorRT {
		return !grouped || axis >= len(shape)-2 && shape[axis]%size == 0
	}
	if grouped {
		return axis == 1 && shape[1]%size == 0
	}
	return axis == 0
}
