package convert

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// Reasons of what DequantizeONNX leaves.
const reasonNoCodes = "no codes of a DequantizeLinear node"

// DequantizeONNX computes the constants of the ONNX model in that
// DequantizeLinear nodes make of codes: they become float32 initializers, and
// the nodes go. Of o only Include and Exclude matter.
func DequantizeONNX(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	c, err := newONNXCopy(ctx, in, out, o, p)
	if err != nil {
		return nil, err
	}
	defer c.model.Close()
	found, others := c.model.Dequantizers()
	var names []string
	used := map[*onnx.Tensor]bool{}
	for _, d := range found {
		names = append(names, d.Name)
		why, err := o.dequantize(c, d)
		if err != nil {
			return nil, err
		}
		if why == "" {
			used[d.Codes], used[d.Scales], used[d.Zeros] = true, true, true
		} else if _, ok := others[d.Codes.Name]; !ok {
			others[d.Codes.Name] = why
		}
	}
	if err := o.selection().Check(names); err != nil {
		return nil, err
	}
	for _, t := range c.model.Tensors {
		switch why, ok := others[t.Name]; {
		case used[t]:
		case ok:
			c.keep(t, why)
		case t.Coded != "" && t.Coded != "DequantizeLinear":
			c.keep(t, "codes of "+t.Coded+" are not dequantized")
		case t.Floating:
			c.keep(t, reasonFloat)
		default:
			c.keep(t, reasonNoCodes)
		}
	}
	if err := c.write(); err != nil {
		return nil, err
	}
	return &c.result, nil
}

// dequantize plans the values of d, or returns why it is left.
func (o *Options) dequantize(c *onnxCopy, d *onnx.Dequantizer) (why string, err error) {
	if why := o.reasonByName(d.Name); why != "" {
		return why, nil
	}
	info := tensorfile.InfoONNX(d.Codes)
	n := elements(info.Shape)
	src, scheme, err := onnxValues(d)
	if err != nil {
		return "", inTensor(d.Name, err)
	}
	if n > 0 {
		if err := src.ReadFloats(make([]float32, 1), 0); err != nil {
			return strings.TrimPrefix(err.Error(), "quant: "), nil
		}
	}
	size, kind := 4*n, "float32"
	if d.Scales.DType == "F16" {
		size, kind = 2*n, "float16"
	}
	c.rewriter.Dequantize(d, onnx.Payload{Size: size, Write: func(w io.Writer) error {
		src, _, err := onnxValues(d)
		if kind == "float16" {
			w = float16Writer{w}
		}
		if err == nil {
			err = writeFloats(c.ctx, w, src, info.Shape, func(k int) { c.tick(int64(k) * d.Codes.Bytes / n) })
		}
		return inTensor(d.Name, err)
	}})
	w := Weight{Name: d.Name, Use: d.Use, Shape: info.Shape, Axis: d.Axis, Type: kind, Scheme: scheme, Before: d.Codes.Bytes + d.Scales.Bytes, After: size}
	if d.Zeros != nil {
		w.Before += d.Zeros.Bytes
	}
	c.result.Weights = append(c.result.Weights, w)
	return "", nil
}

// float16Writer writes float32 numbers, which each Write has whole, as float16.
type float16Writer struct{ w io.Writer }

func (f float16Writer) Write(b []byte) (int, error) {
	out := make([]byte, 0, len(b)/2)
	for i := 0; i+4 <= len(b); i += 4 {
		x := math.Float32frombits(binary.LittleEndian.Uint32(b[i:]))
		out = binary.LittleEndian.AppendUint16(out, gguf.Float16(x))
	}
	if _, err := f.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}

// onnxValues returns the values that d makes.
func onnxValues(d *onnx.Dequantizer) (quant.Source, quant.Scheme, error) {
	scales, err := onnxData(d.Scales)
	if err != nil {
		return nil, quant.Scheme{}, err
	}
	p := quant.Params{Scale: make([]float32, elements(d.Scales.Shape)), ZeroPoint: make([]int32, elements(d.Scales.Shape))}
	if d.Scales.DType == "F16" {
		halves := make([]uint16, len(p.Scale))
		_, err = binary.Decode(scales, binary.LittleEndian, halves)
		quant.WidenFloat16(p.Scale, halves)
	} else {
		_, err = binary.Decode(scales, binary.LittleEndian, p.Scale)
	}
	if err != nil {
		return nil, p.Scheme, err
	}
	s := quant.Scheme{Unsigned: d.Codes.DType[0] == 'U', Mapping: quant.Symmetric}
	fmt.Sscan(d.Codes.DType[1:], &s.Bits)
	if d.Zeros != nil {
		s.Mapping = quant.Asymmetric
		zeros, err := onnxData(d.Zeros)
		if err != nil {
			return nil, s, err
		}
		unpackZeros(p.ZeroPoint, zeros, s)
	} else if s.Unsigned {
		s.Mapping = quant.Asymmetric // its zero point would not be 0
	}
	switch {
	case d.Block > 0:
		s.Granularity = quant.PerGroup(d.Axis, d.Block)
	case d.Axis >= 0:
		s.Granularity = quant.PerChannel(d.Axis)
	}
	p.Scheme = s
	r, err := d.Codes.Data()
	if err != nil {
		return nil, s, err
	}
	shape := tensorfile.InfoONNX(d.Codes).Shape
	if s.Bits == 32 {
		p.Scheme.Bits = 16 // which there is, for Result
		return &int32Source{r: r, shape: shape, axis: d.Axis, scale: p.Scale, zero: p.ZeroPoint}, p.Scheme, nil
	}
	return &codeSource{r: r, width: s.Bits, shape: shape, params: p}, s, nil
}

func onnxData(t *onnx.Tensor) ([]byte, error) {
	r, err := t.Data()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	_, err = io.Copy(&b, io.NewSectionReader(r, 0, t.Bytes))
	if err == nil && int64(b.Len()) < t.Bytes {
		err = io.ErrUnexpectedEOF
	}
	return b.Bytes(), err
}

// unpackZeros decodes zero points of the type of codes.
func unpackZeros(dst []int32, zeros []byte, s quant.Scheme) {
	switch {
	case s.Bits == 32:
		binary.Decode(zeros, binary.LittleEndian, dst)
	case s.Unsigned:
		wide := make([]uint16, len(dst))
		quant.Unpack(wide, zeros, s.Bits)
		for i, z := range wide {
			dst[i] = int32(z)
		}
	default:
		wide := make([]int16, len(dst))
		quant.Unpack(wide, zeros, s.Bits)
		for i, z := range wide {
			dst[i] = int32(z)
		}
	}
}

// int32Source is codeSource for codes of 32 bits, which biases have.
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

func cmpErr(err, instead error) error {
	if err == nil || err == io.EOF {
		return instead
	}
	return err
}
