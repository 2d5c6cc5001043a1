package convert

import (
	"bytes"
	"encoding/binary"
	"io"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
)

// This file reads data, numbers and zero points from the tensors of an ONNX model.

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

// onnxFloats returns the values of a tensor.
func onnxFloats(t *onnx.Tensor) ([]float32, error) {
	data, err := t.Data()
	if err != nil {
		return nil, err
	}
	v := make([]float32, elements(t.Shape))
	return v, tensorfile.Elements(data, 0, len(v), t.DType).ReadFloats(v, 0)
}

// onnxZeros returns the zero points of d: one for each scale, or one for all.
func onnxZeros(d *onnx.Dequantizer, s quant.Scheme) ([]int32, error) {
	if d.Zeros == nil {
		return []int32{int32(d.Zero)}, nil
	}
	packed, err := onnxData(d.Zeros)
	if err != nil {
		return nil, err
	}
	if d.Packed == nil || d.Packed.Blocks == 0 {
		zeros := make([]int32, elements(d.Zeros.Shape))
		unpackZeros(zeros, packed, s)
		return zeros, nil
	}
	var zeros []int32
	for rows := packed; len(rows) > 0; {
		row := make([]int32, d.Packed.Blocks)
		n := min(quant.PackedLen(len(row), s.Bits), len(rows))
		unpackZeros(row, rows[:n], s)
		zeros, rows = append(zeros, row...), rows[n:]
	}
	return zeros, nil
}

// unpackZeros decodes zero points of the same type as the codes.
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

func cmpErr(err, instead error) error {
	if err == nil || err == io.EOF {
		return instead
	}
	return err
}
