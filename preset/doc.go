// Package preset quantizes as other systems do: ONNX Runtime, PyTorch, torchao, TensorFlow Lite,
// XNNPACK, TensorRT, compressed-tensors, ggml and MLX. A [Preset] computes the parameters and the
// codes of its system, bit for bit, from float32 values and a shape:
//
//	p, err := preset.Parse("pytorch-int8:channel@0")
//	if err != nil {
//		return err
//	}
//	params, err := p.Calibrate(t)
//	if err != nil {
//		return err
//	}
//	codes, err := p.Quantize(t, params)
//
// The systems use the same formula and differ in its details: by what a range is divided, whether
// a value is divided by the scale or multiplied by its reciprocal, how ties are rounded, and
// whether the zero point is added before or after the rounding. [Rule] has these details as data,
// so two systems can be compared without running them. [Compare] counts the codes in which two
// results differ.
//
// If [Preset].Exact is true, package quant returns the same bits for ranges of at least
// [Preset].From. Its kernels are faster: this package is portable Go that handles one element at
// a time.
//
// A preset returns an error for NaN and infinities, as quant.Calibrate does. Some systems accept
// them, with codes that depend on the processor.
//
// The document docs/presets.md says how each preset was verified.
package preset
