package convert

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/gguf"
	"github.com/a01592f9/quant/cmd/internal/onnx"
)

// reasonNoCodes is a reason why DequantizeONNX leaves a tensor.
const reasonNoCodes = "no codes of a DequantizeLinear node"

// DequantizeONNX converts the quantized weights of the ONNX model in to floating point. Codes for
// DequantizeLinear nodes become initializers of float32, or of the 16-bit type of their scales,
// and the nodes are removed. Operators that compute with codes, such as MatMulNBits and
// MatMulInteger, become floating-point operators. Their inputs stay rounded only if the model has
// scales for them, as for QLinearConv. Only Include and Exclude of o matter.
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
			if d.Packed != nil {
				used[d.Packed.Groups] = true
			}
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

// dequantize plans to reconstruct d, or returns why d is left.
func (o *Options) dequantize(c *onnxCopy, d *onnx.Dequantizer) (why string, err error) {
	if why := o.reasonByName(d.Name); why != "" {
		return why, nil
	}
	if d.With != nil && o.reasonByName(d.With.Name) != "" {
		return fmt.Sprintf("its %s takes codes of %q, which stay", d.Op, d.With.Name), nil
	}
	n := elements(d.Shape)
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
	narrow := map[string]string{"F16": "float16", "BF16": "bfloat16"}[d.Scales.DType]
	if narrow != "" {
		size, kind = 2*n, narrow
	}
	c.rewriter.Dequantize(d, onnx.Payload{Size: size, Write: func(w io.Writer) error {
		src, _, err := onnxValues(d)
		switch narrow {
		case "float16":
			w = narrowWriter{w, gguf.Float16}
		case "bfloat16":
			w = narrowWriter{w, bfloat16}
		}
		if err == nil {
			err = writeFloats(c.ctx, w, src, d.Shape, func(k int) { c.tick(int64(k) * d.Codes.Bytes / n) })
		}
		return inTensor(d.Name, err)
	}})
	w := Weight{Name: d.Name, Use: d.Use, Shape: d.Shape, Axis: d.Axis, Type: kind, Scheme: scheme, Before: d.Codes.Bytes + d.Scales.Bytes, After: size}
	if d.Zeros != nil {
		w.Before += d.Zeros.Bytes
	}
	c.result.Weights = append(c.result.Weights, w)
	return "", nil
}

// narrowWriter converts float32 numbers to 16 bits. Each Write must have whole numbers.
type narrowWriter struct {
	w      io.Writer
	narrow func(float32) uint16
}

func (f narrowWriter) Write(b []byte) (int, error) {
	out := make([]byte, 0, len(b)/2)
	for i := 0; i+4 <= len(b); i += 4 {
		x := math.Float32frombits(binary.LittleEndian.Uint32(b[i:]))
		out = binary.LittleEndian.AppendUint16(out, f.narrow(x))
	}
	if _, err := f.w.Write(out); err != nil {
		return 0, err
	}
	return len(b), nil
}
