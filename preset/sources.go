package preset

import "strings"

// Links to the sources of presets.

// The addresses of the files of repositories.
const (
	ortFiles   = "https://github.com/microsoft/onnxruntime/blob/"
	torchFiles = "https://github.com/pytorch/pytorch/blob/"
	tfFiles    = "https://github.com/tensorflow/tensorflow/blob/"
)

// links has the address of the first file of each source, at the commit that the source names.
var links = map[string]string{
	ortTool:      ortFiles + "f2c39fe2/onnxruntime/python/tools/quantization/quant_utils.py",
	mlasSource:   ortFiles + "04000081/onnxruntime/core/mlas/lib/q4_dq.cpp",
	torchSource:  torchFiles + "004ebd57/torch/ao/quantization/observer.py",
	torchaoFile:  "https://github.com/pytorch/ao/blob/000a0fdc/torchao/quantization/quant_primitives.py",
	vllmSource:   "https://github.com/neuralmagic/compressed-tensors/blob/024cea3e/src/compressed_tensors/quantization/utils/helpers.py",
	ggmlSource:   "https://github.com/ggml-org/llama.cpp/blob/36491e40/ggml/src/ggml-quants.c",
	mlxSource:    "https://github.com/ml-explore/mlx/blob/0e18bb05/mlx/backend/cpu/quantized.cpp",
	tfliteSource: tfFiles + "0004ac98/tensorflow/lite/tools/optimize/quantization_utils.cc",
}

// linksByName has the addresses of the sources of single presets, by the name of the preset.
var linksByName = map[string]string{
	"onnxruntime-dynamic":    ortFiles + "5f0515bb/onnxruntime/core/util/qmath.h",
	"pytorch-fake-quantize":  torchFiles + "8fb65f49/aten/src/ATen/native/quantized/cpu/kernels/QuantizedOpKernels.cpp",
	"pytorch-dynamic":        torchFiles + "046eb1c3/aten/src/ATen/native/quantized/cpu/QuantUtils.h",
	"fbgemm-uint8":           "https://github.com/pytorch/FBGEMM/blob/05c77a1e/src/QuantUtils.cc",
	"tflite-int8-asymmetric": tfFiles + "0c45f4f0/tensorflow/lite/kernels/internal/quantization_util.h",
	"xnnpack-int8":           "https://github.com/google/XNNPACK/blob/1bbe3261/src/xnnpack/quantization.h",
	"tensorrt-int8":          "https://docs.nvidia.com/deeplearning/tensorrt/11.0.0/inference-library/work-quantized-types.html",
	"tensorrt-int4":          "https://github.com/NVIDIA/TensorRT/blob/a892d222/include/NvInfer.h",
}

// Link returns the address of the first file or document of Source.
func (p Preset) Link() string {
	if link, ok := linksByName[p.Name]; ok {
		return link
	}
	return links[p.Source]
}

// Says returns a sentence that describes the rule. It begins with the name of the system.
func (p Preset) Says() string {
	r := p.Rule
	var parts []string
	add := func(text string) { parts = append(parts, text) }
	if r.Subtract {
		add("subtracts an edge from each value")
	}
	if r.Multiply {
		add("multiplies by the reciprocal of the scale")
	} else {
		add("divides by the scale")
	}
	switch {
	case r.Rounding == AddHalf:
		add("adds a half and cuts off the fraction")
	case r.Zero == BeforeRounding && r.Rounding == AwayFromZero:
		add("adds the zero point and then rounds ties away from zero")
	case r.Zero == BeforeRoundingFused:
		add("adds the zero point in the same operation and then rounds ties to even")
	case r.Zero == BeforeRounding:
		add("adds the zero point and then rounds ties to even")
	case r.Rounding == AwayFromZero:
		add("rounds ties away from zero")
	default:
		add("rounds ties to even")
	}
	says := p.System + " " + strings.Join(parts, ", then ")
	if r.SignedScale {
		says += "; its scales may be negative"
	}
	return says + "."
}
