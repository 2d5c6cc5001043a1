package main

// The help texts of quant quantize and quant dequantize.

// quantizeLong is the long help of quant quantize.
const quantizeLong = `Quantize the weights of a model, and write a model of the same kind that
runtimes load:

  ONNX         integer weights with DequantizeLinear, for ONNX Runtime and
               others
  safetensors  the layout of compressed-tensors, for vLLM and transformers; OUT
               is a folder unless its name ends in .safetensors
  GGUF         Q8_0 (8 bits), Q4_0 (4 bits) or the --type, for llama.cpp; a
               model in parts becomes one file

The content of MODEL tells its kind. An index is of safetensors, and so is a
folder unless it holds a GGUF model.

Biases, norms, small tensors and what no operator computes with are left as they
are, and listed with the reason, unless --include has their names in full. Such
a name is quantized, or an error says why the format cannot hold it. Ranges are
widened to hold 0, and zero points have the type of the codes: these formats
want it so.

--activations quantizes an ONNX model statically: activations as well as
weights, with the ranges of a --calibration, so that ONNX Runtime computes in
integers. docs/static.md has the steps. --include and --exclude then have names
of nodes.

--dynamic quantizes the activations of an ONNX model while it runs, and needs no
calibration: Conv, MatMul, Gemm and LSTM compute in integers. docs/dynamic.md
has what is written, and what --matmulnbits writes. --include and --exclude then
have names or operators of nodes.

` + forHelp + `

--scheme names a scheme as quant compare --schemes does, instead of the flags
that say parts of it. Floating-point codes of safetensors are fp8_e4m3 per
tensor, fp8_e4m3:channel, fp8_e4m3:128x128 (in blocks of two axes), mxfp8, mxfp4
and nvfp4. Those of ONNX are fp8_e4m3, fp8_e5m2, fp8_e4m3fnuz, fp8_e5m2fnuz and
fp4, per tensor, per channel or in groups, with float32 scales. ONNX Runtime
1.30 runs all of them but fp4.

--method chooses ranges that clip: see quant compare --help. --method hqq needs
no data: it searches for scales and zero points with which few weights have
large errors and most have small ones, as HQQ does. --feedback rounds weights so
that the outputs of their layers change little, as GPTQ does: weights make up
for the errors of those before them. It needs the second moments of the inputs
of layers, from quant calibrate --moments. Weights without them get the nearest
values, and are listed with the reason. docs/planning.md has the steps. With
--calibration weights that the file has a name of get its scales and zero points
and, in ONNX, its scheme; the others are quantized as the flags say. GGUF knows
none of these.

--importance makes mse choose the least error of the outputs of a layer: see
quant compare --help. With --plan it is the file of quant plan --importance.` + convertExit

// quantizeExample has the examples of quant quantize.
const quantizeExample = `  quant quantize model.onnx -o model.int8.onnx
  quant quantize model.onnx -o small.onnx --bits 4 --group-size 32 --method mse
  quant quantize model.safetensors -o quantized/ --for vllm --bits 4
  quant quantize model.safetensors -o quantized/ --scheme nvfp4
  quant quantize model.onnx -o model.fp8.onnx --scheme fp8_e4m3:channel
  quant quantize model.gguf -o model.q8_0.gguf
  quant quantize model.gguf -o small.gguf --type q4_k --tensor-type attn_v=q6_k
  quant quantize model.onnx -o small.onnx --bits 4 --feedback inputs.moments
  quant quantize model/ -o out/ --bits 4 --method mse --importance imatrix.gguf
  quant quantize model.onnx -o int8.onnx --activations --calibration ranges.json
  quant quantize model.onnx -o small.onnx --bits 4 --group-size 32 --matmulnbits
  quant quantize model.onnx -o int8.onnx --dynamic --exclude Conv
  quant quantize model.onnx -o out.onnx --exclude '*.embed*' --dry-run`

// dequantizeLong is the long help of quant dequantize.
const dequantizeLong = `Turn the quantized weights of a model back into float32, in a model of the same
kind: of ONNX what DequantizeLinear is applied to, of safetensors the layouts
of docs/reading.md, such as FP8 with scales, GPTQ and AWQ, of GGUF every type
that ggml has, and 16-bit floats. The rest is copied as it is.` + convertExit

// dequantizeExample has the examples of quant dequantize.
const dequantizeExample = `  quant dequantize model.int8.onnx -o model.float.onnx
  quant dequantize model.q4_0.gguf -o model.f32.gguf`

// convertExit is the end of both long helps.
const convertExit = `

The output is there whole or not at all, whatever happens.
` + overwriting + `

Exit codes: 0 done, 1 failed on the data or a file, 2 wrong usage, 130
interrupted.`
