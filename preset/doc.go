// Package preset quantizes as other systems do: ONNX Runtime, PyTorch, torchao, TensorFlow Lite,
// XNNPACK, TensorRT, compressed-tensors, ggml and MLX. A [Preset] makes the parameters and the codes
// of its system, bit for bit, from float32 values and a shape:
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
// The systems agree in the formula and differ in its details: what a range is divided by, whether
// a value is divided by the scale or multiplied by its reciprocal, which way a tie goes, and whether
// the zero point is added before the rounding or after it. [Rule] has these details as data, so
// that two systems can be compared without running them. [Compare] counts the codes in which
// two of them differ.
//
// Where the library's own scheme has the same bits, [Preset].Exact says from which range on. Its
// kernels are faster: this package is portable Go, an element at a time.
//
// A preset refuses NaN and infinities, as Calibrate of the library does. Some systems accept
// them, with codes that depend on the processor.
//
// The document docs/presets.md says by what each preset was judged.
package preset
