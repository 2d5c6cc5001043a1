package preset

import "github.com/a01592f9/quant"

// Schemes of more than one preset.
var (
	int8Narrow = quant.Scheme{Bits: 8, Mapping: quant.Symmetric, NarrowRange: true}
	int8Half   = quant.Scheme{Bits: 8, Mapping: quant.Symmetric, Divisor: quant.HalfWidth}
	int4Narrow = quant.Scheme{Bits: 4, Mapping: quant.Symmetric, NarrowRange: true}
	int4Half   = quant.Scheme{Bits: 4, Mapping: quant.Symmetric, Divisor: quant.HalfWidth}
	int8Zero   = quant.Scheme{Bits: 8, ZeroInRange: true}
	uint8Zero  = quant.Scheme{Bits: 8, Unsigned: true, ZeroInRange: true}
	uint8Mid   = quant.Scheme{Bits: 8, Unsigned: true, Mapping: quant.Symmetric}
)

// inGroups returns s with groups along the last axis.
func inGroups(s quant.Scheme, size int) quant.Scheme {
	s.Granularity = quant.PerGroup(-1, size)
	return s
}

// unsignedGroups returns the scheme with unsigned codes of the given bit width, the given
// mapping, and groups of size along the last axis.
func unsignedGroups(bits, size int, mapping quant.Mapping) quant.Scheme {
	return quant.Scheme{Bits: bits, Unsigned: true, Mapping: mapping, Granularity: quant.PerGroup(-1, size)}
}

// halfScales returns s with scales that are stored as float16.
func halfScales(s quant.Scheme) quant.Scheme {
	s.Scales = quant.Float16Scale
	return s
}

// signedScales returns s with scales of either sign.
func signedScales(s quant.Scheme) quant.Scheme {
	s.SignedScale = true
	return s
}

// zeroInRange returns s with ranges that are widened to hold 0.
func zeroInRange(s quant.Scheme) quant.Scheme {
	s.ZeroInRange = true
	return s
}

// The sizes of groups that systems have.
var (
	mlasSizes = []int{16, 32, 64, 128, 256}
	ggmlSizes = []int{32}
	mlxSizes  = []int{32, 64, 128}
	trtSizes  = []int{64, 128} // of codes of 4 bits
)

// The rules of several presets.
var (
	mlasRule    = Rule{Multiply: true, Zero: BeforeRounding, Rounding: AwayFromZero}
	torchRule   = Rule{Multiply: true, Epsilon: torchEps}
	minimumRule = Rule{Multiply: true, Subtract: true, Rounding: AddHalf}
)

// Sources of several presets.
const (
	ortTool      = "microsoft/onnxruntime at f2c39fe2 (v1.30.0), python/tools/quantization/quant_utils.py: compute_scale_zp and quantize_nparray"
	mlasSource   = "microsoft/onnxruntime at 04000081, core/mlas/lib/q4_dq.cpp: BlockwiseQuantizer"
	torchSource  = "pytorch/pytorch at 004ebd57, torch/ao/quantization/observer.py: _calculate_qparams; FBGEMM's Quantize without LEGACY"
	torchaoFile  = "pytorch/ao at 000a0fdc, torchao/quantization/quant_primitives.py: choose_qparams_affine and quantize_affine"
	vllmSource   = "neuralmagic/compressed-tensors at 024cea3e, quantization/utils/helpers.py: calculate_qparams; lifecycle/forward.py: _quantize"
	ggmlSource   = "ggml-org/llama.cpp at 36491e40, ggml/src/ggml-quants.c: quantize_row_*_ref"
	mlxSource    = "ml-explore/mlx at 0e18bb05, mlx/backend/cpu/quantized.cpp: quantize"
	tfliteSource = "tensorflow/tensorflow, lite/tools/optimize/quantization_utils.cc at 0004ac98: SymmetricPerChannelQuantization"
)

// presets are all presets, in the order of All.
var presets = []Preset{
	{
		Name: "onnxruntime-int8", System: "ONNX Runtime", Purpose: "makes int8 weights of the static tool (symmetric)", Source: ortTool,
		Scheme: int8Narrow, Exact: true, From: 127 * tiny, made: ortStatic,
	},
	{
		Name: "onnxruntime-uint8", System: "ONNX Runtime", Purpose: "makes uint8 activations and weights of the static tool", Source: ortTool,
		Scheme: uint8Zero, made: ortStatic,
	},
	{
		Name: "onnxruntime-uint8-symmetric", System: "ONNX Runtime", Purpose: "makes symmetric uint8 of the static tool, with codes from 0 to 254 around 127", Source: ortTool,
		Scheme: uint8Mid, made: ortStatic,
	},
	{
		Name: "onnxruntime-int4", System: "ONNX Runtime", Purpose: "makes int4 weights of the static tool (symmetric)", Source: ortTool,
		Scheme: int4Half, Exact: true, From: 7.5 * tiny, made: ortStatic,
	},
	{
		Name: "onnxruntime-dynamic", System: "ONNX Runtime", Purpose: "makes codes as the operator DynamicQuantizeLinear does",
		Source: "microsoft/onnxruntime at 5f0515bb, core/util/qmath.h: GetQuantizationParameter; ONNX operator DynamicQuantizeLinear-11",
		Scheme: uint8Zero, Exact: true, From: 255 * tiny, made: ortDynamic,
	},
	{
		Name: "matmulnbits-4bit", System: "ONNX Runtime", Purpose: "makes 4-bit weights of MatMulNBits without zero points", Source: mlasSource,
		Scheme: signedScales(unsignedGroups(4, 32, quant.Symmetric)), Rule: signed(mlasRule), sizes: mlasSizes, made: mlasSymmetric,
	},
	{
		Name: "matmulnbits-4bit-asymmetric", System: "ONNX Runtime", Purpose: "makes 4-bit weights of MatMulNBits with zero points", Source: mlasSource,
		Scheme: zeroInRange(unsignedGroups(4, 32, quant.Asymmetric)), Rule: mlasRule, sizes: mlasSizes, made: mlasAsymmetric,
	},
	{
		Name: "matmulnbits-8bit", System: "ONNX Runtime", Purpose: "makes 8-bit weights of MatMulNBits without zero points", Source: mlasSource,
		Scheme: signedScales(unsignedGroups(8, 32, quant.Symmetric)), Rule: signed(mlasRule), sizes: mlasSizes, made: mlasSymmetric,
	},
	{
		Name: "pytorch-int8", System: "PyTorch", Purpose: "makes qint8 as a symmetric observer and quantize_per_tensor do", Source: torchSource,
		Scheme: int8Half, Rule: torchRule, made: torchObserver,
	},
	{
		Name: "pytorch-uint8", System: "PyTorch", Purpose: "makes quint8 as an affine observer and quantize_per_tensor do", Source: torchSource,
		Scheme: uint8Zero, Rule: torchRule, made: torchObserver,
	},
	{
		Name: "pytorch-uint8-symmetric", System: "PyTorch", Purpose: "makes quint8 around 128 as a symmetric observer and quantize_per_tensor do", Source: torchSource,
		Scheme: withDivisor(uint8Mid, quant.HalfWidth), Rule: torchRule, made: torchObserver,
	},
	{
		Name: "pytorch-fake-quantize", System: "PyTorch", Purpose: "makes int8 as an affine observer and fake_quantize_per_tensor_affine do",
		Source: "pytorch/pytorch at 8fb65f49, aten/src/ATen/native/quantized/cpu/kernels/QuantizedOpKernels.cpp: fake_quantize_tensor_cachemask_kernel",
		Scheme: int8Zero, Rule: torchRule, made: torchObserver,
	},
	{
		Name: "pytorch-dynamic", System: "PyTorch", Purpose: "makes activations of dynamic quantization as quantize_per_tensor_dynamic does",
		Source: "pytorch/pytorch at 046eb1c3, aten/src/ATen/native/quantized/cpu/QuantUtils.h: ChooseQuantizationParams",
		Scheme: uint8Zero, Rule: Rule{Multiply: true, Epsilon: fp16Cutoff}, made: torchDynamic,
	},
	{
		Name: "fbgemm-uint8", System: "FBGEMM", Purpose: "makes uint8 as fbgemm::Quantize does by default on a processor with AVX2 and FMA",
		Source: "pytorch/FBGEMM, src/QuantUtils.cc at 05c77a1e: ChooseQuantizationParams; src/QuantUtilsAvx2.cc at 00559689: QuantizeAvx2 with LEGACY",
		Scheme: uint8Zero, Rule: Rule{Multiply: true, Zero: BeforeRoundingFused}, made: fbgemm,
	},
	{
		Name: "torchao-int8", System: "torchao", Purpose: "makes int8 weights, a scale for each row", Source: torchaoFile,
		Scheme: withGranularity(int8Half, quant.PerChannel(0)), Rule: torchRule, made: torchao,
	},
	{
		Name: "torchao-int4", System: "torchao", Purpose: "makes symmetric int4 weights in groups of 32", Source: torchaoFile,
		Scheme: inGroups(int4Half, 32), Rule: torchRule, whole: true, made: torchao,
	},
	{
		Name: "tflite-int8", System: "TensorFlow Lite", Purpose: "makes int8 weights of TensorFlow Lite and LiteRT", Source: tfliteSource,
		Scheme: int8Narrow, Rule: Rule{Multiply: true, Rounding: AwayFromZero}, made: tfliteWeights,
	},
	{
		Name: "tflite-int8-asymmetric", System: "TensorFlow Lite", Purpose: "makes int8 activations of TensorFlow Lite and LiteRT",
		Source: "tensorflow/tensorflow, lite/kernels/internal/quantization_util.h at 0c45f4f0: ChooseQuantizationParams; reference/quantize.h at 07466c75: AffineQuantize",
		Scheme: int8Zero, Rule: Rule{Rounding: AwayFromZero}, made: tfliteActivations,
	},
	{
		Name: "xnnpack-int8", System: "XNNPACK", Purpose: "makes activations that are quantized dynamically (qd8)",
		Source: "google/XNNPACK at 1bbe3261, src/xnnpack/quantization.h; src/f32-qs8-vcvt",
		Scheme: int8Zero, Rule: Rule{Multiply: true}, made: xnnpack,
	},
	{
		Name: "tensorrt-int8", System: "TensorRT", Purpose: "makes int8 of TensorRT",
		Source: "NVIDIA TensorRT 11.0.0 documentation, Working with Quantized Types: s = amax/127, clamp(roundWithTiesToEven(x/s), -128, 127)",
		Scheme: int8Narrow, Exact: true, From: 127 * tiny, made: tensorrt,
	},
	{
		Name: "tensorrt-int4", System: "TensorRT", Purpose: "makes int4 weights for TensorRT in groups of 128, as NVIDIA's Model Optimizer does",
		Source: "NVIDIA TensorRT at a892d222 (11.1.0), include/NvInfer.h: IQuantizeLayer and IDequantizeLayer (codes from -8 to 7, block quantization, positive scales); " +
			"NVIDIA Model-Optimizer at a2fbac7b, modelopt/onnx/quantization/quant_utils.py: find_scales and rtn",
		Scheme: inGroups(int4Narrow, 128), Exact: true, From: 7 * modeloptEps,
		Rule: Rule{Epsilon: modeloptEps}, sizes: trtSizes, whole: true, made: modelopt,
	},
	{
		Name: "compressed-tensors-int8", System: "compressed-tensors", Purpose: "makes int8 weights for vLLM, a scale for each row", Source: vllmSource,
		Scheme: withGranularity(int8Half, quant.PerChannel(0)), Exact: true, From: 127.5 * torchEps,
		Rule: Rule{Zero: BeforeRounding, Epsilon: torchEps}, made: compressedTensors,
	},
	{
		Name: "compressed-tensors-int4", System: "compressed-tensors", Purpose: "makes int4 weights for vLLM in groups of 128", Source: vllmSource,
		Scheme: inGroups(int4Half, 128), Exact: true, From: 7.5 * torchEps,
		Rule: Rule{Zero: BeforeRounding, Epsilon: torchEps}, whole: true, made: compressedTensors,
	},
	{
		Name: "compressed-tensors-int4-asymmetric", System: "compressed-tensors", Purpose: "makes int4 weights for vLLM with zero points, in groups of 128", Source: vllmSource,
		Scheme: inGroups(quant.Scheme{Bits: 4, ZeroInRange: true}, 128),
		Rule:   Rule{Zero: BeforeRounding, Epsilon: torchEps}, whole: true, made: compressedTensors,
	},
	{
		Name: "ggml-q8_0", System: "ggml", Purpose: "makes blocks of llama.cpp's Q8_0", Source: ggmlSource,
		Scheme: halfScales(inGroups(int8Narrow, 32)), Rule: Rule{Multiply: true, Rounding: AwayFromZero}, sizes: ggmlSizes, whole: true, made: ggmlQ8,
	},
	{
		Name: "ggml-q4_0", System: "ggml", Purpose: "makes blocks of llama.cpp's Q4_0", Source: ggmlSource,
		Scheme: halfScales(signedScales(unsignedGroups(4, 32, quant.Symmetric))), Rule: signed(Rule{Multiply: true, Rounding: AddHalf}), sizes: ggmlSizes, whole: true, made: ggmlSymmetric,
	},
	{
		Name: "ggml-q4_1", System: "ggml", Purpose: "makes blocks of llama.cpp's Q4_1", Source: ggmlSource,
		Scheme: halfScales(unsignedGroups(4, 32, quant.Asymmetric)), Rule: minimumRule, sizes: ggmlSizes, whole: true, made: ggmlMinimum,
	},
	{
		Name: "ggml-q5_0", System: "ggml", Purpose: "makes blocks of llama.cpp's Q5_0", Source: ggmlSource,
		Scheme: halfScales(signedScales(unsignedGroups(5, 32, quant.Symmetric))), Rule: signed(Rule{Multiply: true, Rounding: AddHalf}), sizes: ggmlSizes, whole: true, made: ggmlSymmetric,
	},
	{
		Name: "ggml-q5_1", System: "ggml", Purpose: "makes blocks of llama.cpp's Q5_1", Source: ggmlSource,
		Scheme: halfScales(unsignedGroups(5, 32, quant.Asymmetric)), Rule: minimumRule, sizes: ggmlSizes, whole: true, made: ggmlMinimum,
	},
	{
		Name: "mlx-4bit", System: "MLX", Purpose: "makes 4-bit weights in groups of 64 as mlx.core.quantize does on a CPU", Source: mlxSource,
		Scheme: unsignedGroups(4, 64, quant.Asymmetric), Rule: signed(Rule{Subtract: true, Epsilon: mlxEps}), sizes: mlxSizes, whole: true, made: mlx,
	},
	{
		Name: "mlx-8bit", System: "MLX", Purpose: "makes 8-bit weights in groups of 64 as mlx.core.quantize does on a CPU", Source: mlxSource,
		Scheme: unsignedGroups(8, 64, quant.Asymmetric), Rule: signed(Rule{Subtract: true, Epsilon: mlxEps}), sizes: mlxSizes, whole: true, made: mlx,
	},
}

// signed returns r with scales of either sign.
func signed(r Rule) Rule {
	r.SignedScale = true
	return r
}

// withGranularity returns s with another granularity.
func withGranularity(s quant.Scheme, g quant.Granularity) quant.Scheme {
	s.Granularity = g
	return s
}

// withDivisor returns s with another divisor.
func withDivisor(s quant.Scheme, d quant.Divisor) quant.Scheme {
	s.Divisor = d
	return s
}
