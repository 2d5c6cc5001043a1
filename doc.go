// Package quant quantizes float32 tensors to codes of 2 to 16 bits, dequantizes them,
// and measures the errors. Codes are integers, or numbers of a small format such as fp8
// or NF4.
//
//	w := quant.Tensor{Data: weights, Shape: []int{64, 128}} // row-major
//	s := quant.Scheme{Bits: 8, Granularity: quant.PerChannel(0)}
//
//	p, err := quant.Calibrate(w, s) // a scale and a zero point for each of 64 channels
//	q, err := quant.Quantize(w, p)  // packed codes
//	x, err := quant.Dequantize(q)   // the values that the codes stand for
//
//	c, err := quant.Compare(w, quant.Scheme{Bits: 8}, s) // the errors of two schemes
//
// # The numbers
//
// Uniform quantization replaces a real number by the nearest of a set of equally spaced
// values. An integer, the code, numbers each of these values:
//
//   - The scale, or step, is the distance from one value to the next, in the unit of
//     the data. It is a float32, and positive unless [Scheme].SignedScale is set.
//   - A code is the integer of a value. Codes are what is stored.
//   - The zero point is the code of the real value 0. It is an int32.
//   - The grid is the set of codes, from qmin to qmax ([Scheme.Grid]):
//     -2^(b-1) to 2^(b-1)-1 for b signed bits, 0 to 2^b-1 for unsigned ones.
//
// A code q stands for the value (q - zero point) * scale. This is equation (1)
// of [Jacob et al.], r = S(q - Z). For example, let a code have 4 bits, the scale be
// 0.5 and the zero point -5. Then -8, the lowest code, stands for (-8 + 5) * 0.5 =
// -1.5, and 7, the highest code, stands for 6.
//
// # Quantize and dequantize
//
//	q  = clamp(round(x / scale) + zero point, qmin, qmax)
//	x' = (q - zero point) * scale
//
// The first is the formula of the operator [ONNX QuantizeLinear], the second
// that of DequantizeLinear. Both are in float32: the quotient and the product
// are rounded once, to nearest, and subnormal numbers are kept. The subtraction
// is exact.
//
// round takes a tie to the even neighbour: 0.5 becomes 0, and 1.5 becomes 2. The
// quotient is rounded before the zero point is added. Rounding the sum would round
// ties the other way where the zero point is odd.
//
// x / scale is a division. Multiplication by 1/scale is faster in naive code, but
// gives other codes for some inputs: with x = 0.273939937 and scale =
// 0.00214854861 the quotient is 127.49999, which rounds to 127, but the product
// is 127.5, which rounds to 128.
//
// If the code of x is not clamped, x' is within scale/2 of x, apart from the rounding of
// the float32 operations.
//
// # Parameters from a range
//
// [Calibrate] takes the smallest and the largest value of a tensor, channel or group, or
// another range (see Choosing the range), and computes the scale and the zero point
// from them. The asymmetric mapping is that of [ONNX DynamicQuantizeLinear], in float32
// as in ONNX:
//
//	scale      = (max - min) / (qmax - qmin)
//	zero point = round(qmin - min/scale)
//
// The asymmetric mapping maps the ends of the range to the ends of the grid. Rounding
// the zero point moves all values by up to half a step, so that one end of the range
// may lie just outside the grid. Such an end counts as clipped, but is still at most
// half a step from its reconstruction.
//
// The symmetric mapping puts 0 in the middle of the grid:
//
//	zero point = 0 for signed codes, 2^(b-1) for unsigned ones
//	scale      = max(|min|, |max|) / max(|qmin - zero point|, |qmax - zero point|)
//
// The divisor is 2^(b-1), which is 128 for 8 bits. A grid has one more code
// below its middle than above, so a largest magnitude that is positive is
// clipped, to 127 steps out of 128. [Scheme].NarrowRange drops the lowest code
// of a signed grid: the divisor is then 127, and nothing is clipped. [Scheme].Divisor
// has others: [HalfWidth], (2^b - 1)/2, and [EachEnd], which clips nothing either.
// [Scheme].SignedScale makes the scale negative if the largest magnitude is positive:
// that value then has the lowest code, and is exact but for rounding.
//
// By default an asymmetric range need not contain 0. A channel of values from 0.88 to
// 1.44 has all its codes in that interval, and its zero point, -529 for 8 signed bits,
// lies far outside the grid. [Scheme].ZeroInRange first widens the range so that it
// contains 0, and then clamps the zero point to the grid. Most file formats and
// runtimes require that.
//
// # Special values
//
//   - NaN and infinities: Calibrate, [Compare], [CompareParams] and [Ranges] refuse
//     them with a [*NotFiniteError]. [Quantize] accepts them, since new data
//     may meet old parameters: +Inf becomes qmax, -Inf and NaN become qmin.
//   - A -0 counts as 0. With integer codes and a positive scale it comes back as
//     +0, and with a negative scale every 0 comes back as -0.
//   - A range of only zeros gets the scale 1 and, for the asymmetric mapping,
//     the zero point 0. All its codes are the zero point, and it comes back
//     exactly.
//   - A range of one other value c is reconstructed exactly if the mapping is
//     asymmetric, ZeroInRange is not set, and |c| is at least 2^-104. The reason is
//     that an asymmetric scale is never below max(|min|, |max|) * 2^-22. The same
//     bound keeps zero points within ±2^23. The bound matters for a range that is
//     very narrow for its distance from 0. Errors are then about as small as the
//     spacing of float32 numbers near the range.
//   - No scale that calibration yields is below 2^-126, the smallest normal
//     float32. Under that scale, magnitudes up to 2^-127 get the code of 0.
//   - Where max - min overflows float32, each end is divided before the
//     subtraction, so the scale is finite. Values next to the ends of float32
//     may be reconstructed as infinities: with 8 signed bits and the range of
//     all float32 values, the lowest comes back as -Inf. [Metrics] then show
//     infinite errors.
//
// # Granularity
//
// A scheme's [Granularity] says which elements share a scale and a zero point:
//
//   - [PerTensor], the zero value: all of them.
//   - [PerChannel], along an axis: those with the same index on it, which for a
//     weight usually means the same output channel. Channel i has
//     Params.Scale[i].
//   - [PerGroup], of a size along an axis: that many consecutive elements. The
//     last group may be shorter. Parameters are in row-major order of the shape
//     with the axis' length replaced by its number of groups, as in ONNX's
//     blocked quantization.
//   - [PerBlock], of two sizes along two axes, of which one is the last: a block has
//     so many elements each way. The last block of an axis may be shorter. Parameters
//     are in row-major order of the shape with the lengths of both axes replaced by
//     their numbers of blocks.
//
// Axes count from 0, or from the end if negative. They may be any axis of a
// tensor of any rank. Elements are read in one of two orders. If the elements
// that share parameters are neighbours, as for the first axis, the tensor is read as
// a sequence of runs. If the parameters change with every element of a row and
// repeat with the next row, as for the last axis, it is read as a table of columns.
// Codes do not depend on the order. The last bits of error sums may: see below.
//
// # Packed codes and memory
//
// [Quantized].Codes is a little-endian bit stream of the codes in row-major
// order: element i is in bits [i*b, (i+1)*b), bit 0 being the lowest of the
// first byte. So codes of 8 and 16 bits are plain little-endian integers, and
// of two 4-bit codes the first is the low nibble, as in ONNX. Signed codes are
// in two's complement. n codes take [PackedLen] bytes, n*b/8 rounded up. What
// is left of the last byte is zero when this package writes it, and ignored
// when it reads it.
//
// [Memory] estimates what must be stored: the packed codes, and 8 bytes for
// every pair of a float32 scale and an int32 zero point. With 4 bits and groups
// of 32 that is 4 + 64/32 = 6 bits for each element.
//
// # Errors, measured
//
// [Compare] calibrates a tensor to any number of schemes and reports, for the
// whole tensor and for each channel, with e = x' - x rounded to float32:
//
//	MAE      = sum|e| / n                 in the unit of the data
//	RMSE     = sqrt(sum e² / n)           in the unit of the data
//	MaxError = max|e|                     in the unit of the data
//	SQNR     = 10 log10(sum x² / sum e²)  in dB; +Inf if nothing is lost
//	Clipped  = number of elements whose code had to be clamped
//
// RMSE weighs large errors more than MAE does. SQNR compares the error with the
// signal, so it can be compared between tensors. If the values of a range
// spread over many steps, errors are nearly uniform over ±scale/2, and RMSE is
// close to scale/sqrt(12) (Bennett 1948). Hence one bit more halves the RMSE
// and adds 6 dB to the SQNR, and a channel whose own scale is a tenth of the
// tensor's gains 20 dB from having its own.
//
// # The same bits everywhere
//
// One input gives one result: on every machine, with whatever instruction set,
// at any GOMAXPROCS, from Go code or assembly, and wherever slices lie in
// memory. A code that differs by one is a bug. That holds for the logarithm in
// SQNR too, which [math.Log10] would not give alike on all architectures.
//
// Error sums are float64, and their order is fixed by the shape, the schemes
// and the axis of the channels ([Comparison].Axis):
//
//   - Where channels are runs, a run is cut into blocks of 4096 elements.
//     Element i of a block adds to lane i mod 16. Then the upper 8 lanes are
//     added to the lower, of these the upper 4 to the lower, and so on. If the
//     parameters of a scheme change within a block, as with groups, each piece
//     that shares them is summed so.
//   - Where channels are columns, a block is 1024 rows. Each column is summed
//     on its own from top to bottom, and then the columns of a channel from
//     left to right. Narrow rows are joined into wider ones first.
//   - The blocks of a channel are added in order. Those of runs are first added
//     up in segments of 64, and then the segments in order.
//   - The sums of a tensor are those of its channels, added in order.
//
// Transposing a tensor together with its axes therefore moves codes and
// parameters, and changes none. It may change the last bits of MAE, RMSE and
// SQNR.
//
// [Difference] measures the errors between two tensors, such as a tensor and its
// reconstruction. With the granularity of the scheme it gives the same bits as the
// comparison that predicted these errors.
//
// # Memory and goroutines
//
// Calibrate, Quantize, Dequantize and Compare have variants that write to the
// caller's memory and allocate nothing: [CalibrateInto], [QuantizeInto],
// [QuantizeCodes], [DequantizeInto], [DequantizeCodes], [RangesInto],
// [CompareInto], [CompareParamsInto] and [ParamsFromRangesInto]; so do [QuantizeDynamicInto],
// [QuantizePart], [DequantizePart], and the methods of [Stream] that end in Into. (They
// take scratch memory from pools, which the first calls fill.) Data that
// cannot be used are an error, for [errors.Is] and [errors.As]. A destination that is
// too short is a bug in the caller, and panics.
//
// Large tensors are spread over GOMAXPROCS goroutines. All functions are safe
// for concurrent use, also on the same Tensor, Params or Quantized, as long as
// nobody writes to these. Two calls must not share what they write: a
// destination slice, the Params of CalibrateInto, or the Comparison of
// CompareInto. A Quantized shares the slices of the Params that it was made
// with, so CalibrateInto on these Params would change it too.
//
// # At run time
//
// [QuantizeDynamic] calibrates and quantizes a tensor in one call. Products of
// matrices of codes need sums of codes ([SumCodes], [Quantized.Sums]) for the zero
// points, and biases in the unit of the products ([QuantizeBias]). [Requantize],
// [RequantizeFloat32] and [RequantizeFixed] make codes of 8 bits from int32 sums, by the
// rules of common runtimes. Scales have to be positive there.
//
// # Tensors that are not in memory
//
// A [Source] gives the elements of a tensor piece by piece: of a file that is
// mapped or read, or of values that are widened to float32 on the way. A [Stream]
// is a Source with a shape. Its methods have the results of the functions of the
// same names, to the last bit. Compare reads the tensor twice, the others once, and
// more often for methods that choose among the values.
//
// Pieces have at most 65,536 elements, 256 KiB, so that they stay in a cache
// next to the core. A call needs memory for them, and for sums: less than 1 MiB
// for each goroutine if there are no more than 32 schemes, and about 8 MiB for
// all. Methods that choose among the values need more (see Source). This memory does
// not grow with the tensor. The memory of results does: up to 40 bytes for each
// channel, up to 120 for each channel and scheme, and 16 for each group.
//
// With the parameters, [QuantizePart] makes codes of any part of a tensor, and
// [DequantizePart] makes values of any part of the codes.
//
// Several goroutines read from a Source at once. The first error of a Source aborts
// the call and is returned wrapped. A panic of a Source is raised again in the
// caller's goroutine.
//
// # Which scheme
//
// Compare measures which scheme has the least error on a given tensor. These are the
// schemes to try:
//
//   - Per channel helps when the ranges of channels differ: under a shared
//     scale a narrow channel has only a few codes to itself. It costs 8 bytes
//     for each channel. It gains little when ranges are alike, as when every
//     channel has an outlier of the same size. It may even lose a little,
//     mostly at 2 or 3 bits, when a shared scale happens to fit better. It is
//     for weights: most runtimes require one scale for an activation.
//   - Symmetric suits weights, which mostly lie on both sides of 0: a zero
//     point of 0 saves the correction terms in integer matrix products (section
//     2.3 of [Jacob et al.]). Asymmetric suits what lies on one side, such as
//     activations after ReLU: symmetric would leave half the grid unused there.
//   - Narrow range goes with symmetric signed codes if nothing is to be
//     clipped, or if a runtime expects it. At 2 bits it costs one code of four.
//   - Zero in range is for codes that another runtime reads, and for data in which
//     0 must be exact, such as padding. Without it an asymmetric grid has less error
//     where a range does not hold 0.
//   - Groups are for 4 bits and fewer. The axis of the groups is the one that a
//     matrix product sums over: the last of a weight of shape [out, in]. Common sizes
//     are 32 to 128 elements. [Memory] shows the cost: at 8 bits small groups may
//     cost more than they save.
//   - NF4 is for weights with about normally distributed values, in groups of 64.
//     The other formats are for hardware or files that require them.
//   - An outlier widens the whole range. A method that clips it, or a [Range]
//     of your own given to [ParamsFromRanges], makes the step smaller.
//
// [Krishnamoorthi] reports what these choices do to the accuracy of networks.
//
// # Other systems
//
// Parameters of another system may be written as a [Params] literal. These schemes
// compute the same parameters here:
//
//   - ONNX QuantizeLinear gets a scale and a zero point: Quantize gives its
//     codes, for float32 data and scales. PerChannel(a) is its axis a (1 if the
//     model does not say), PerGroup(a, n) its block_size n.
//   - ONNX DynamicQuantizeLinear: Bits 8, Unsigned and ZeroInRange.
//   - ONNX Runtime's quantization tool: for symmetric int8 weights Bits 8,
//     Symmetric and NarrowRange. Asymmetric tensors need ZeroInRange; the tool
//     computes their zero points in float64, so that one next to a tie may
//     differ by one.
//   - TensorFlow Lite (LiteRT): for weights Bits 8, Symmetric, NarrowRange and
//     PerChannel; for activations Bits 8 and ZeroInRange. Its converter rounds
//     ties away from zero, so codes of exact ties may differ by one.
//   - PyTorch's min-max observers: ZeroInRange for affine schemes. Scales agree
//     from 1.2e-7 up, which is the least of PyTorch's. It multiplies by
//     1/scale, so codes next to a tie may differ by one, and so may zero
//     points. Its symmetric schemes divide by 127.5, as Divisor [HalfWidth] does.
//   - The block formats of ggml and the affine groups of MLX have 16-bit scales
//     or real offsets, and round otherwise: no option matches them.
//
// # Choosing the range
//
// [Scheme].Method says how the range is chosen that the grid covers. The default is
// [MinMax]: the smallest and the largest value. Outliers make that range wide, and the
// step large for all other values. The other methods clip outliers:
//
//   - [Percentile](p) leaves out a fraction of (100-p)/100 of the values, half
//     of them at either end. For Calibrate these are exact.
//   - [PercentileMagnitude](p) leaves out that fraction of the largest magnitudes, at
//     whichever end they are.
//   - [LeastSquares] and [LeastAbsolute] look for the range with the least RMSE
//     or MAE. At 8 bits they gain little unless there are outliers; at 4 bits
//     and fewer they gain much. LeastAbsolute clips more.
//   - [Entropy] looks for the range under which the distribution of codes is
//     most like that of values, as TensorRT and ONNX Runtime do. It is for
//     activations of 8 bits. For 11 bits and more it equals MinMax.
//   - [MovingAverage](m) takes averages over batches, in an [Observer].
//
// For weights begin with LeastSquares, for activations with Percentile(99.99) or
// LeastSquares. Compare takes schemes with different methods, and measures the error
// of each.
//
// # Importance
//
// An error matters as much as what it is multiplied with. [CalibrateWeighted] takes an
// [Importance] for the elements of a weight, such as the mean squares of the activations at
// its inputs: feedback.Moments observes them, and an importance matrix of llama.cpp has them.
// LeastSquares then chooses the range with the least sum of w·e². [CompareWeighted] measures
//
//	weighted RMSE = sqrt(sum w·e² / sum w)               in the unit of the data
//	weighted SQNR = 10 log10(sum w·x² / sum w·e²)        in dB
//
// beside the other metrics. An importance belongs to a call and not to a Scheme, since it is
// data of one tensor. Quantize and Dequantize do not need it.
//
// # Calibrating over batches
//
// Activations come in batches. All batches need not be in memory together, or in one
// process. An [Observer] takes the batches one by one:
//
//	scheme := quant.Scheme{Bits: 8, Method: quant.LeastSquares}
//	o, err := quant.NewObserver(scheme, quant.RefuseNotFinite)
//	for batch := range batches {
//		if err := o.Observe(batch); err != nil {
//			return err
//		}
//	}
//	p, err := o.Params(scheme)
//
// An Observer keeps the smallest and the largest value of each tensor, channel or
// group. For methods that need more it also keeps a histogram. The bins of a
// histogram are fixed: a bin is all values with the same upper 16 bits, which are
// sign, exponent and 7 bits of mantissa. So an Observer needs no range beforehand,
// and counts no value a second time when a wider range comes. Any split of the values
// into batches, shapes, goroutines and processes, merged in any order
// ([Observer.Merge], [Observer.MarshalBinary]), gives the same bits. Only moving
// averages depend on the order of batches, and cannot be merged.
//
// The memory of an Observer does not depend on the number of values. A histogram
// takes 2 KiB, and 512 bytes for each power of two among the magnitudes, of either
// sign: usually 10 to 40 KiB. (A single histogram uses four tables, for speed, and
// takes four times that.) Where batches bring few values for each of several
// histograms, a histogram takes 2 KiB more.
//
// Batches may differ in shape as long as they have the same number of channels or
// of groups. [Observer.ObserveStream] reads a batch from a Source.
//
// One state gives the parameters of all methods, widths and mappings
// ([Observer.Params]). Because of the bins they differ from the parameters of the
// values themselves, by at most:
//
//   - Smallest and largest value: exact.
//   - Percentile: 2^-7 of the exact one, or 2^-133 if that is more.
//   - LeastSquares: an RMSE at most 2^-6 of the root mean square of the values
//     above the least of the ranges tried. LeastAbsolute: an MAE at most 2^-6 of
//     the mean magnitude above it. These bounds are for values at the worst places
//     of their bins. The errors of common distributions agree to three digits.
//   - Entropy: the method counts in 2048 bins of equal width. Each has less
//     than the values of a bin of the histogram from 1/16 of the largest
//     magnitude down; above, those of a bin are spread evenly.
//
// Where ranges are enough, [Ranges] and [Range.Union] keep them without an Observer,
// and [ParamsFromRanges] makes parameters of them.
//
// # Formats
//
// The codes of a scheme are integers unless [Scheme].Format names a codebook, which is
// a table with a value for each code:
//
//	format    bits  largest value  source
//	E4M3FN       8            448  OCP 8-bit Floating Point Specification; ONNX FLOAT8E4M3FN
//	E5M2         8          57344  OCP 8-bit Floating Point Specification; ONNX FLOAT8E5M2
//	E4M3FNUZ     8            240  ONNX FLOAT8E4M3FNUZ
//	E5M2FNUZ     8          57344  ONNX FLOAT8E5M2FNUZ
//	E3M2         6             28  OCP Microscaling Formats 1.0
//	E2M3         6            7.5  OCP Microscaling Formats 1.0
//	E2M1         4              6  OCP Microscaling Formats 1.0; ONNX FLOAT4E2M1
//	NF4          4              1  QLoRA, appendix E
//
// The name ExMy says that a code has a sign, x bits of exponent and y bits of
// mantissa. Such a code stands for
//
//	(-1)^sign * 2^(exponent-bias) * 1.mantissa   for an exponent above 0
//	(-1)^sign * 2^(1-bias) * 0.mantissa          for the exponent 0
//
// The bias is 2^(x-1) - 1: 7 for E4M3FN, 15 for E5M2, 3 for E3M2 and 1 for E2M3 and
// E2M1. It is 8 for E4M3FNUZ and 16 for E5M2FNUZ, which have no -0. NF4 is a table of
// 16 values from -1 to 1 that lie closer together near 0, as normally distributed values do.
//
// A codebook has a scale and no zero point, so [Params].ZeroPoint is 0 for all, and
// [Scheme].Mapping has no effect:
//
//	scale = max(|min|, |max|) / largest value
//	code  = that of the value nearest to x / scale
//	x'    = value of the code * scale
//
// The quotient and the product are rounded once to float32. A tie goes to the even
// mantissa, and for NF4 to the smaller value. A quotient beyond the largest value is
// clipped to it: no number becomes an infinity or NaN of the format. NaN becomes the
// format's NaN, or 0 where it has none.
//
// The methods of choosing a range are those of integers, except Entropy, which is
// refused. Without zero points [Memory] has 4 bytes for each scale: NF4 in groups of
// 64 takes 4 + 32/64 = 4.5 bits for each element. Codes are packed as integers are.
//
// # Scales that are stored
//
// Files and hardware keep scales in fewer bits than float32 has. [Scheme].Scales names the
// format of scales: [Float16Scale], [BFloat16Scale], powers of two by several rules such as
// [E8M0Floor], [E4M3Scale], whose scales are products of an 8-bit float and one float32
// for the tensor, and [DynamicScale], whose scales are quantized to 8 bits in blocks of 256.
// Calibration rounds the scale of each range to a number of that format, and
// then makes the zero point and the codes. [Params].Scale has the rounded scale as a
// float32, so that Quantize and Dequantize are those of any scheme. The methods that search
// for the least error try scales that can be stored.
//
// A rounded scale may be too small for its range, which then is clipped, or larger than
// it need be. What was said above of a range of one value, which comes back exactly, holds
// for Float32Scale alone.
//
// Some schemes go by a name: [MXFP4], [NVFP4] and the others of [NamedSchemes], which
// [ParseScheme] reads as "mxfp4" and "nvfp4".
//
// # Text, JSON and gob
//
// [Scheme], [Granularity], [Method], [Mapping], [Divisor], [Format] and [ScaleFormat] have a text
// form, which flag.TextVar, configuration files and keys of maps in JSON use. The text form of a
// scheme is its parts between colons:
//
//	int8
//	uint4:channel@0:mse
//	int4:symmetric:group32@-1:percentile=99.9:narrow
//	nf4:group64@-1
//	fp4_e2m1:group32@-1:scale=e8m0_floor
//
// [ParseScheme] lists the parts and their short forms, such as g32 for group32@-1.
// [ParseSchemes] reads a list with commas. MarshalText returns the canonical form,
// without what is the default. For a scheme with a codebook the canonical form has
// the width of the format and the symmetric mapping: Scheme{Format: NF4} reads back as
// Scheme{Format: NF4, Bits: 4, Mapping: Symmetric}, which gives the same codes.
//
// In JSON a Scheme is an object, as in
//
//	{"bits":8,"unsigned":false,"mapping":"asymmetric","granularity":"per_channel","axis":0,
//	 "group_size":null,"narrow_range":false,"zero_in_range":false,"method":"minmax"}
//
// and a Granularity, Method, Mapping, Divisor, Format or ScaleFormat is a string. [Params], [Metrics],
// [Memory], [Range], [Result], [Differences] and [Comparison] are objects too. Floats
// are the shortest decimals that read back as the same value. JSON has no numbers for
// infinities and NaN: Metrics write the strings "Infinity", "-Infinity" and "NaN".
//
// Every value that is written reads back as the same value. Everything else is an
// error, which names the type and, where there is one, the field: a field that is
// unknown, missing, there twice or in another case; null where a value must be; a
// number out of range; a scale that the scheme does not allow; data after the end. After an
// error the destination is as it was.
//
// Package gob writes the text form of types that have one, and the JSON form of
// Params and Result. An [Observer] is its state: MarshalBinary in gob, and base64 of
// that in JSON.
//
// These methods also come to a struct that embeds one of the types, and its other
// fields are then lost without an error. Use a field with a name instead:
//
//	type Layer struct {
//		Name   string
//		Params quant.Params // not: quant.Params alone
//	}
//
// # Limits
//
//   - Integer codes have 2 to 16 bits, codes of other formats 4, 6 or 8.
//   - Zero points have a magnitude of at most 2^23, so that code minus zero
//     point is exact in float32. Scales are finite, and positive unless
//     [Scheme].SignedScale is set.
//   - Data are float32. [WidenFloat16] and [WidenBFloat16] make it of 16-bit
//     types; both are exact. [NarrowFloat16], [NarrowBFloat16], [NarrowFloat8] and
//     [WidenFloat8] cast without a scale.
//   - A tensor has at most as many elements as an int counts, whether it is in
//     memory or not. One without elements, such as a batch of no rows, is quantized
//     and dequantized to nothing. Calibrating or comparing it is [ErrEmpty].
//
// # Sources
//
//   - The operators [ONNX QuantizeLinear] and [ONNX DynamicQuantizeLinear].
//   - [Jacob et al.], Quantization and Training of Neural Networks for
//     Efficient Integer-Arithmetic-Only Inference, 2018.
//   - OCP 8-bit Floating Point Specification (OFP8), revision 1.0, 2023, and OCP
//     Microscaling Formats (MX) Specification, version 1.0, 2023.
//   - T. Dettmers et al., QLoRA: Efficient Finetuning of Quantized LLMs, 2023.
//   - [Krishnamoorthi], Quantizing deep convolutional networks for efficient
//     inference: A whitepaper, 2018.
//   - W. R. Bennett, Spectra of Quantized Signals, Bell System Technical
//     Journal 27, 1948.
//
// [Jacob et al.]: https://arxiv.org/abs/1712.05877
// [Krishnamoorthi]: https://arxiv.org/abs/1806.08342
// [ONNX QuantizeLinear]: https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html
// [ONNX DynamicQuantizeLinear]: https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html
package quant
