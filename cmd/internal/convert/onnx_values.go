package convert

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx"
)

// onnxValues returns a source of the reconstructed values of d, and their scheme.
func onnxValues(d *onnx.Dequantizer) (quant.Source, quant.Scheme, error) {
	s := quant.Scheme{Unsigned: d.Codes.DType[0] == 'U', Mapping: quant.Asymmetric}
	format, floats := onnxFormats[d.Codes.DType]
	switch {
	case floats:
		s.Format, s.Bits = format, format.Width()
		if err := zeroZeros(d); err != nil {
			return nil, s, err
		}
	case d.Packed != nil:
		s.Bits = d.Packed.Bits
	default:
		s.Bits, _ = strconv.Atoi(d.Codes.DType[1:])
	}
	if floats || d.Zeros == nil && !s.Unsigned {
		s.Mapping = quant.Symmetric
	}
	switch {
	case d.Block > 0:
		s.Granularity = quant.PerGroup(d.Axis, d.Block)
	case d.Axis >= 0:
		s.Granularity = quant.PerChannel(d.Axis)
	}
	scales, err := onnxFloats(d.Scales)
	if err != nil {
		return nil, s, err
	}
	r, err := d.Codes.Data()
	if err != nil {
		return nil, s, err
	}
	if d.Packed != nil && d.Packed.Row > 0 {
		src, err := newRows(d, r, scales)
		return src, s, err
	}
	zeros := []int32{0}
	if !floats {
		if zeros, err = onnxZeros(d, s); err != nil {
			return nil, s, err
		}
	}
	s = signedScheme(s, scales)
	if d.Transposed {
		return transposedValues(d, s, scales, zeros)
	}
	p := quant.Params{Scheme: s, Scale: spread(scales, len(zeros)), ZeroPoint: spread(zeros, len(scales))}
	if s.Bits == 32 {
		s.Bits = 16 // the widest in a Scheme; for the report only
		return &int32Source{r: r, shape: d.Shape, axis: d.Axis, scale: p.Scale, zero: p.ZeroPoint}, s, nil
	}
	return &codeSource{r: r, width: s.Bits, shape: d.Shape, params: p}, s, nil
}

// signedScheme returns s for codes with the given scales. If one of these is negative, it is a
// scheme with a signed scale.
func signedScheme(s quant.Scheme, scales []float32) quant.Scheme {
	if s.Format == quant.Integers && slices.ContainsFunc(scales, func(v float32) bool { return v < 0 }) {
		s.Mapping, s.SignedScale = quant.Symmetric, true
	}
	return s
}

// transposedValues returns a source of the values of codes whose last two axes are exchanged. All
// codes of the weight are in memory.
func transposedValues(d *onnx.Dequantizer, s quant.Scheme, scales []float32, zeros []int32) (quant.Source, quant.Scheme, error) {
	codes, err := onnxData(d.Codes)
	if err != nil {
		return nil, s, err
	}
	var b bytes.Buffer
	if err := onnx.TransposedBytes(&b, codes, d.Shape[2], d.Shape[1]); err != nil {
		return nil, s, err
	}
	channels := d.Shape[0] * d.Shape[1]
	p := quant.Params{Scheme: s}
	p.Scheme.Granularity = quant.PerChannel(0)
	for i := range channels {
		p.Scale = append(p.Scale, scales[i*len(scales)/channels])
		p.ZeroPoint = append(p.ZeroPoint, zeros[i*len(zeros)/channels])
	}
	return &codeSource{r: bytes.NewReader(b.Bytes()), width: s.Bits, shape: []int{channels, d.Shape[2]}, params: p}, s, nil
}

// bfloat16 rounds to the nearest bfloat16, with ties to even.
func bfloat16(x float32) uint16 {
	b := math.Float32bits(x)
	if x != x {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// spread repeats a single value n times, and returns other slices unchanged.
func spread[T any](v []T, n int) []T {
	if len(v) != 1 || n <= 1 {
		return v
	}
	return slices.Repeat(v, n)
}

// int32Source is like codeSource, for the 32-bit codes of biases.
type int32Source struct {
	r     io.ReaderAt
	shape []int
	axis  int
	scale []float32
	zero  []int32
}

func (s *int32Source) ReadFloats(dst []float32, off int) error {
	raw := make([]byte, 4*len(dst))
	if n, err := s.r.ReadAt(raw, 4*int64(off)); n < len(raw) {
		return cmpErr(err, io.ErrUnexpectedEOF)
	}
	inner := 1
	if s.axis >= 0 {
		inner = int(elements(s.shape[s.axis+1:]))
	}
	for i := range dst {
		k := 0
		if s.axis >= 0 {
			k = (off + i) / inner % s.shape[s.axis]
		}
		dst[i] = float32(int32(binary.LittleEndian.Uint32(raw[4*i:]))-s.zero[k]) * s.scale[k]
	}
	return nil
}
