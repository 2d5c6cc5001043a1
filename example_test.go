package quant_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/a01592f9/quant"
)

// Four channels of very different ranges: with one scale for each of them they
// come back 3.7 times as precisely as with one for all.
func Example() {
	t := quant.Tensor{
		Data: []float32{
			0.12, -0.33, 0.48, -0.05, 0.91,
			1.20, 0.95, 1.44, 1.10, 0.88,
			-1.70, -1.22, -0.94, -1.43, -1.11,
			0.03, 0.08, -0.02, 0.11, -0.06,
		},
		Shape: []int{4, 5},
	}
	c, err := quant.Compare(t,
		quant.Scheme{Bits: 8},
		quant.Scheme{Bits: 8, Granularity: quant.PerChannel(0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range c.Results {
		fmt.Printf("%-20v  RMSE %.6f  max error %.6f  %d bytes\n",
			r.Scheme.Granularity, r.RMSE, r.MaxError, r.Memory.Total())
	}
	best, factor := c.Winner()
	fmt.Printf("best: %v, by a factor of %.2f\n", c.Results[best].Scheme.Granularity, factor)
	// Output:
	// per tensor            RMSE 0.003298  max error 0.006118  28 bytes
	// per channel (axis 0)  RMSE 0.000883  max error 0.001569  52 bytes
	// best: per channel (axis 0), by a factor of 3.73
}

// 4 bits have 16 codes, -8 to 7, and so 15 steps. The first channel reaches
// from -3 to 12: its scale is (12 - -3) / 15 = 1, and its zero point -8 - -3/1
// = -5. The second reaches from 0 to 7.5.
func ExampleCalibrate() {
	t := quant.Tensor{
		Data: []float32{
			-3, 12, 5,
			0, 2, 7.5,
		},
		Shape: []int{2, 3},
	}
	p, err := quant.Calibrate(t, quant.Scheme{Bits: 4, Granularity: quant.PerChannel(0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("scale:     ", p.Scale)
	fmt.Println("zero point:", p.ZeroPoint)
	// Output:
	// scale:      [1 0.5]
	// zero point: [-5 -8]
}

// The symmetric mapping divides the largest magnitude by 128: 6.35 would need
// the code 128, is clipped to 127 and comes back one step too low. In the
// narrow range, without the code -128, it is divided by 127, and nothing is
// clipped.
func ExampleScheme_narrowRange() {
	t := quant.Tensor{Data: []float32{-1, 6.35, 2}}
	wide := quant.Scheme{Bits: 8, Mapping: quant.Symmetric}
	narrow := quant.Scheme{Bits: 8, Mapping: quant.Symmetric, NarrowRange: true}
	c, err := quant.Compare(t, wide, narrow)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range c.Results {
		qmin, qmax := r.Scheme.Grid()
		fmt.Printf("[%d, %d]: scale %.4f, clipped %d, max error %.4f\n",
			qmin, qmax, r.Scale[0], r.Clipped, r.MaxError)
	}
	// Output:
	// [-128, 127]: scale 0.0496, clipped 1, max error 0.0496
	// [-127, 127]: scale 0.0500, clipped 0, max error 0.0000
}

// In units of the scale the values are 0.5, 1.5, 2.4, -18 and 18. Ties go to
// the even integer, and what lies outside the grid [-8, 7] goes to its end. The
// first of two codes is the low half of a byte.
func ExampleQuantize() {
	p := quant.Params{
		Scheme:    quant.Scheme{Bits: 4},
		Scale:     []float32{0.5},
		ZeroPoint: []int32{0},
	}
	q, err := quant.Quantize(quant.Tensor{Data: []float32{0.25, 0.75, 1.2, -9, 9}}, p)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range q.Len() {
		fmt.Print(q.At(i), " ")
	}
	fmt.Printf("packed: % x\n", q.Codes)
	// Output:
	// 0 2 2 -8 7 packed: 20 82 07
}

// A code q stands for (q - zero point) * scale, here (q + 5) * 0.5.
func ExampleDequantize() {
	p := quant.Params{
		Scheme:    quant.Scheme{Bits: 4},
		Scale:     []float32{0.5},
		ZeroPoint: []int32{-5},
	}
	q, err := quant.QuantizedFromCodes([]int8{-8, -5, 0, 7}, []int{4}, p)
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := quant.Dequantize(q)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Data)
	// Output:
	// [-1.5 0 2.5 6]
}

// With one scale, 150/15 = 10, the second channel comes back as 0, 0 and 20:
// its errors are 0, 3.5 and 5. With a scale of its own, 15/15 = 1, only 3.5
// does not come back: the tie goes to 4.
func ExampleCompare() {
	t := quant.Tensor{
		Data: []float32{
			0, 60, 150,
			0, 3.5, 15,
		},
		Shape: []int{2, 3},
	}
	s := quant.Scheme{Bits: 4}
	perChannel := s
	perChannel.Granularity = quant.PerChannel(0)
	c, err := quant.Compare(t, s, perChannel)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range c.Results {
		fmt.Printf("%v: scale %v, %d bytes\n", r.Scheme.Granularity, r.Scale, r.Memory.Total())
		fmt.Printf("  MAE %.3f  RMSE %.3f  max error %v\n", r.MAE, r.RMSE, r.MaxError)
		for i, m := range r.ChannelMetrics {
			fmt.Printf("  channel %d: MAE %.3f\n", i, m.MAE)
		}
	}
	fmt.Printf("gain: %.1f\n", c.Gain(1, 0))
	// Output:
	// per tensor: scale [10], 11 bytes
	//   MAE 1.417  RMSE 2.492  max error 5
	//   channel 0: MAE 0.000
	//   channel 1: MAE 2.833
	// per channel (axis 0): scale [10 1], 19 bytes
	//   MAE 0.083  RMSE 0.204  max error 0.5
	//   channel 0: MAE 0.000
	//   channel 1: MAE 0.167
	// gain: 12.2
}

// A loop that allocates nothing: one buffer serves every batch.
func ExampleQuantizeInto() {
	p := quant.Params{
		Scheme:    quant.Scheme{Bits: 8, Unsigned: true},
		Scale:     []float32{0.5},
		ZeroPoint: []int32{10},
	}
	codes := make([]byte, quant.PackedLen(3, p.Scheme.Bits))
	for _, batch := range [][]float32{{-1, 0, 1}, {20, 40, 200}} {
		if err := quant.QuantizeInto(codes, quant.Tensor{Data: batch}, p); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(codes)
	}
	// Output:
	// [8 10 12]
	// [50 90 255]
}

// Activations are calibrated and quantized in one call. Their range is [-1, 4.1], so the scale is
// 5.1/255 and the code of 0 is 1/0.02.
func ExampleQuantizeDynamic() {
	activations := quant.Tensor{Data: []float32{-1, 0, 2, 4.1}}
	scheme := quant.Scheme{Bits: 8, Unsigned: true, ZeroInRange: true}
	q, err := quant.QuantizeDynamic(activations, scheme, quant.RefuseNotFinite)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(q.Params.Scale, q.Params.ZeroPoint, q.Codes)
	// Output: [0.02] [50] [0 50 150 255]
}

// Sums of products of codes become codes of 8 bits. The multiplier is the scale of the activations
// times that of the weight, divided by that of the result. 3.5 is a tie and becomes 4, and 510
// does not fit.
func ExampleRequantize() {
	sums := []int32{100, -50, 7, 1000}
	multiplier := []float64{0.25 * 0.5 / 0.25}
	codes := make([]int8, len(sums))
	if err := quant.Requantize(codes, sums, multiplier, 10, -128, 127); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(codes)
	// Output: [60 -15 14 127]
}

// Codes of any width fit a wider integer type, one for each element.
func ExampleQuantizeCodes() {
	p := quant.Params{
		Scheme:    quant.Scheme{Bits: 5},
		Scale:     []float32{2},
		ZeroPoint: []int32{1},
	}
	codes := make([]int8, 4)
	err := quant.QuantizeCodes(codes, quant.Tensor{Data: []float32{-6, 0, 4, 100}}, p)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(codes)
	// Output:
	// [-2 1 3 15]
}

// An int4 tensor of an ONNX model: two codes in a byte, the first in the low
// half, and a scale for each index of axis 0. No byte is copied.
func ExampleQuantizedFromPacked() {
	raw := []byte{0x21, 0xf7} // 1, 2, 7, -1
	q, err := quant.QuantizedFromPacked(raw, []int{2, 2}, quant.Params{
		Scheme:    quant.Scheme{Bits: 4, Granularity: quant.PerChannel(0)},
		Scale:     []float32{0.5, 0.25},
		ZeroPoint: []int32{0, 0},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	t, err := quant.Dequantize(q)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(t.Shape, t.Data)
	// Output:
	// [2 2] [0.5 1 1.75 -0.25]
}

// Data that comes in batches: of all together the smallest value is -1 and the
// largest 6.5. So the scale is 7.5/15 = 0.5 and the zero point -8 - -1/0.5 =
// -6.
func ExampleRanges() {
	s := quant.Scheme{Bits: 4}
	var all []quant.Range
	for _, batch := range [][]float32{{-1, 2}, {0, 6.5, 3}} {
		r, err := quant.Ranges(quant.Tensor{Data: batch}, s.Granularity)
		if err != nil {
			fmt.Println(err)
			return
		}
		if all == nil {
			all = r
			continue
		}
		for i := range all {
			all[i] = all[i].Union(r[i])
		}
	}
	p, err := quant.ParamsFromRanges(s, all)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(all[0], p.Scale[0], p.ZeroPoint[0])
	// Output:
	// {-1 6.5} 0.5 -6
}

// Groups of 3 along the last axis. In each row of 5 the second group has 2
// elements. Symmetric 4-bit scales are the largest magnitude divided by 8.
func ExamplePerGroup() {
	t := quant.Tensor{
		Data: []float32{
			-8, 3, 2, 0.5, -0.25,
			16, 1, 1, 0, 4,
		},
		Shape: []int{2, 5},
	}
	s := quant.Scheme{Bits: 4, Mapping: quant.Symmetric, Granularity: quant.PerGroup(-1, 3)}
	p, err := quant.Calibrate(t, s)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Scale)
	m := s.Memory(len(t.Data), len(p.Scale))
	fmt.Println(m.Payload, "bytes of codes,", m.Metadata, "of parameters")
	// Output:
	// [1 0.0625 2 0.5]
	// 5 bytes of codes, 32 of parameters
}

// Blocks of 2 by 2 elements. The matrix has 3 rows, so that its lower blocks are one row high.
func ExamplePerBlock() {
	t := quant.Tensor{
		Data: []float32{
			-8, 3, 2, 0.5,
			16, 1, 1, 4,
			0.25, 0.5, 1, 0,
		},
		Shape: []int{3, 4},
	}
	s := quant.Scheme{Bits: 4, Mapping: quant.Symmetric, Granularity: quant.PerBlock(0, 2, 1, 2)}
	p, err := quant.Calibrate(t, s)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Scale)
	// Output:
	// [2 0.5 0.0625 0.125]
}

// What old parameters do to new data: the scale 0.5 reaches from -4 to 3.5, so
// 6 is clipped to 3.5. 1.2 comes back as 1.
func ExampleCompareParams() {
	p := quant.Params{
		Scheme:    quant.Scheme{Bits: 4},
		Scale:     []float32{0.5},
		ZeroPoint: []int32{0},
	}
	c, err := quant.CompareParams(quant.Tensor{Data: []float32{-4, 0, 1.2, 6}}, p)
	if err != nil {
		fmt.Println(err)
		return
	}
	r := c.Results[0]
	fmt.Printf("clipped %d, max error %v, MAE %.3f\n", r.Clipped, r.MaxError, r.MAE)
	// Output:
	// clipped 1, max error 2.5, MAE 0.675
}

// Four codes of 3 bits take 12 bits. The first code is in the lowest bits: of
// 1, -1, 2 and -4 the bits are 001, 111, 010 and 100, so the stream read as a
// number is 100 010 111 001, or 0x8b9.
func ExamplePack() {
	codes := []int8{1, -1, 2, -4}
	packed := make([]byte, quant.PackedLen(len(codes), 3))
	n := quant.Pack(packed, codes, 3)
	fmt.Printf("%d bytes: % x\n", n, packed)

	back := make([]int8, len(codes))
	quant.Unpack(back, packed, 3)
	fmt.Println(back)
	// Output:
	// 2 bytes: b9 08
	// [1 -1 2 -4]
}

// errors.Is tells what happened, errors.As where.
func ExampleNotFiniteError() {
	nan := float32(math.NaN())
	t := quant.Tensor{Data: []float32{1, 2, 3, nan}, Shape: []int{2, 2}}
	_, err := quant.Calibrate(t, quant.Scheme{Bits: 8, Granularity: quant.PerChannel(0)})
	fmt.Println(err)
	fmt.Println(errors.Is(err, quant.ErrNotFinite))

	var at *quant.NotFiniteError
	if errors.As(err, &at) {
		fmt.Println("index", at.Index, "channel", at.Channel)
	}
	// Output:
	// quant: NaN at index 3 (channel 1)
	// true
	// index 3 channel 1
}

// halves is a tensor of bfloat16 values, which is never widened as a whole.
type halves []uint16

func (h halves) ReadFloats(dst []float32, off int) error {
	quant.WidenBFloat16(dst, h[off:off+len(dst)])
	return nil
}

// A tensor that is not in memory as float32 gives its elements piece by piece.
func ExampleStream_Compare() {
	// Two channels: 0, 7, 15 and 0, 70, 150. Under a common scale of 10 the
	// first becomes 0, 10, 20.
	weights := halves{0, 0x40e0, 0x4170, 0, 0x428c, 0x4316}
	shape := []int{2, 3}

	c, err := quant.Stream{Source: weights, Shape: shape}.Compare(quant.Scheme{Bits: 4}, quant.Scheme{Bits: 4, Granularity: quant.PerChannel(0)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range c.Results {
		fmt.Printf("%v: max error of channel 0 is %v\n", r.Scheme.Granularity, r.ChannelMetrics[0].MaxError)
	}
	// Output:
	// per tensor: max error of channel 0 is 5
	// per channel (axis 0): max error of channel 0 is 0
}

// Elements 2 to 4 of a tensor are quantized without the others.
func ExampleQuantizePart() {
	p := quant.Params{
		Scheme:    quant.Scheme{Bits: 8, Granularity: quant.PerChannel(0)},
		Scale:     []float32{0.5, 2},
		ZeroPoint: []int32{0, 10},
	}
	part := []float32{1, 2, 4} // the end of the first row, and the begin of the second
	codes := make([]int8, len(part))
	err := quant.QuantizePart(codes, part, 2, []int{2, 3}, p)
	fmt.Println(codes, err)
	// Output:
	// [2 11 12] <nil>
}

// What Compare predicts is what comes out.
func ExampleDifference() {
	x := quant.Tensor{Data: []float32{-1, -0.3, 0.2, 0.9, 5, 7, 8, 9.9}, Shape: []int{2, 4}}
	s := quant.Scheme{Bits: 4, Granularity: quant.PerGroup(1, 2)}
	c, err := quant.Compare(x, s)
	if err != nil {
		fmt.Println(err)
		return
	}
	q, err := quant.Quantize(x, c.Results[0].Params)
	if err != nil {
		fmt.Println(err)
		return
	}
	y, err := quant.Dequantize(q)
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := quant.Difference(x, y, c.ChannelGranularity(), s.Granularity)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.RMSE == c.Results[0].RMSE, m.ChannelMetrics[1].SQNR == c.Results[0].ChannelMetrics[1].SQNR)
	// Output:
	// true true
}

// The parts of a scheme's text may come in any order, and have short forms. The text
// that MarshalText returns has one order, and leaves out what is the default.
func ExampleParseScheme() {
	for _, text := range []string{"g32:sym:int4", "mse:uint8:c0", "int8:per-row"} {
		s, err := quant.ParseScheme(text)
		if errors.Is(err, quant.ErrScheme) {
			fmt.Println("refused:", text)
			continue
		}
		canonical, err := s.MarshalText()
		fmt.Printf("%s: %v, %v\n", canonical, s, err)
	}
	// Output:
	// int4:symmetric:group32@-1: int4 symmetric, per group of 32 (axis -1), minmax, <nil>
	// uint8:channel@0:mse: uint8 asymmetric, per channel (axis 0), mse, <nil>
	// refused: int8:per-row
}

// A list of schemes, as a flag of a program could have it.
func ExampleParseSchemes() {
	schemes, err := quant.ParseSchemes("int8, int8:c0, int4:g32:mse")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range schemes {
		fmt.Println(s)
	}
	// Output:
	// int8 asymmetric, per tensor, minmax
	// int8 asymmetric, per channel (axis 0), minmax
	// int4 asymmetric, per group of 32 (axis -1), mse
}

// In JSON a scheme is an object. As the key of a map it has its text form.
func ExampleScheme_MarshalJSON() {
	s := quant.Scheme{Bits: 4, Mapping: quant.Symmetric, Granularity: quant.PerGroup(-1, 32), Method: quant.Percentile(99.9)}
	object, err := json.Marshal(s)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(object))

	var back quant.Scheme
	err = json.Unmarshal(object, &back)
	fmt.Println(back == s, err)

	errs, err := json.Marshal(map[quant.Scheme]float64{s: 0.25})
	fmt.Println(string(errs), err)

	fmt.Println(json.Unmarshal([]byte(`{"bits": 4, "symmetric": true}`), &back))
	// Output:
	// {"bits":4,"unsigned":false,"mapping":"symmetric","granularity":"per_group","axis":-1,"group_size":32,"narrow_range":false,"zero_in_range":false,"method":"percentile=99.9"}
	// true <nil>
	// {"int4:symmetric:group32@-1:percentile=99.9":0.25} <nil>
	// quant: scheme: unknown field "symmetric"
}

// NF4 and integers of 4 bits, in groups of 64 values of a normal distribution. NF4 has
// the least error, and 4 bytes of metadata for each group instead of 8.
func ExampleFormat() {
	data := make([]float32, 4096)
	for i := range data { // quantiles of the normal distribution, in an order that mixes them
		p := (float64(i*2531%len(data)) + 0.5) / float64(len(data))
		data[i] = float32(math.Sqrt2 * math.Erfinv(2*p-1))
	}
	groups := quant.PerGroup(-1, 64)
	c, err := quant.Compare(quant.Tensor{Data: data},
		quant.Scheme{Format: quant.NF4, Granularity: groups},
		quant.Scheme{Bits: 4, Granularity: groups, Mapping: quant.Symmetric},
		quant.Scheme{Bits: 4, Granularity: groups})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range c.Results {
		fmt.Printf("%v: MAE %.3f, RMSE %.3f, %d + %d bytes\n", r.Scheme, r.MAE, r.RMSE, r.Memory.Payload, r.Memory.Metadata)
	}
	// Output:
	// nf4, per group of 64 (axis -1), minmax: MAE 0.074, RMSE 0.093, 2048 + 256 bytes
	// int4 symmetric, per group of 64 (axis -1), minmax: MAE 0.086, RMSE 0.102, 2048 + 512 bytes
	// int4 asymmetric, per group of 64 (axis -1), minmax: MAE 0.082, RMSE 0.095, 2048 + 512 bytes
}
