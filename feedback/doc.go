// Package feedback quantizes the weights of a layer so that the outputs of the layer change
// little. Package quant, in contrast, keeps the errors of the weights small, without regard to
// the inputs of the layer.
//
// A layer computes y = W·x. W has the shape [out, in], and x is a vector of in numbers.
// With the quantized weights Ŵ the layer computes Ŵ·x. The mean squared error of its
// outputs is
//
//	E‖(W-Ŵ)x‖² = Σ over outputs of d·H·dᵀ    with d a row of W-Ŵ and H = E[x·xᵀ]
//
// H is the matrix of second moments of the inputs, of the shape [in, in]. Its unit is the
// square of the unit of the inputs. The error depends on the inputs only through H.
//
//   - [Moments] observes batches of inputs and computes H, or only the diagonal of H. Its
//     state does not depend on the order of the batches or on how states were merged.
//   - [OutputError] returns the error of the outputs for any quantized weights.
//   - [Quantize] rounds the weights of one input after the other. After each it corrects the
//     weights that are not rounded yet, to compensate for the error.
//   - [HalfQuadratic] needs no inputs: it searches for scales and zero points under which
//     most weights have small errors, and few have large ones.
//
// A convolution is such a layer too: its weights have the shape [out, in·kernel], and its
// inputs are the patches under the kernel. A weight of the shape [in, out], as in a MatMul of
// ONNX, must be transposed first.
//
// All results have the same bits on every architecture and with any number of cores.
//
// # Sources
//
//   - Frantar, Ashkboos, Hoefler, Alistarh: GPTQ: Accurate Post-Training Quantization for
//     Generative Pre-trained Transformers, 2022.
//   - Badri, Shaji: Half-Quadratic Quantization of Large Machine Learning Models (HQQ), 2023.
//   - Hassibi, Stork: Second order derivatives for network pruning: Optimal Brain
//     Surgeon, 1993.
//   - Demmel, Nguyen: Parallel Reproducible Summation, 2015.
package feedback
