package convert

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"slices"

	"github.com/a01592f9/quant"
	"github.com/a01592f9/quant/cmd/internal/atomicfile"
	"github.com/a01592f9/quant/cmd/internal/onnx"
	"github.com/a01592f9/quant/cmd/internal/option"
	"github.com/a01592f9/quant/cmd/internal/tensorfile"
	"github.com/a01592f9/quant/internal/summary"
)

// A dynamicCopy copies an ONNX model and quantizes its products dynamically.
type dynamicCopy struct {
	*onnxCopy
	o     *Options
	nodes []onnx.DynamicNode
	codes []*onnx.DynamicCodes
	jobs  []*onnxJob // those of codes
}

// onnxDynamic quantizes the weights of products of the model in, and inserts DynamicQuantizeLinear
// nodes for their other operands. The products then compute with integers, and no calibration is
// needed. The patterns in o.Include and o.Exclude are for names and operators of nodes.
func onnxDynamic(ctx context.Context, in string, out *atomicfile.Set, o Options, p Progress) (*Result, error) {
	c, err := newONNXCopy(ctx, in, out, o, p)
	if err != nil {
		return nil, err
	}
	defer c.model.Close()
	if by := c.model.QuantizedBy(); by != nil {
		return nil, fmt.Errorf("the model is quantized already: node %q is a %s", by.Name, by.Op)
	}
	d := &dynamicCopy{onnxCopy: c, o: &o}
	match := func(patterns []string, name, op string) bool {
		return slices.ContainsFunc(patterns, func(p string) bool { return option.Match(p, name) || option.Match(p, op) })
	}
	d.nodes = c.model.DynamicNodes(onnx.ActivationChoice{Operators: o.Dynamic.Operators, Skip: func(name, op string) bool {
		return match(o.Exclude, name, op) || len(o.Include) > 0 && !match(o.Include, name, op)
	}})
	for _, p := range slices.Concat(o.Include, o.Exclude) {
		if !slices.ContainsFunc(d.nodes, func(x onnx.DynamicNode) bool { return match([]string{p}, x.Name, x.Op) }) {
			var names, operators []string
			for _, x := range d.nodes {
				names, operators = append(names, x.Name), append(operators, x.Op)
			}
			return nil, unmatchedNode(p, names, operators)
		}
	}
	if err := d.quantize(); err != nil {
		return nil, err
	}
	d.report()
	if len(d.jobs) == 0 {
		return &c.result, nil
	}
	if err := c.write(); err != nil {
		return nil, err
	}
	for _, j := range d.jobs {
		c.result.Weights = append(c.result.Weights, j.weight)
	}
	return &c.result, nil
}

// quantize plans the new nodes and weights.
func (d *dynamicCopy) quantize() error {
	w := d.rewriter.Dynamic()
	for i := range d.nodes {
		x := &d.nodes[i]
		if x.Integer == "" {
			continue
		}
		var codes []*onnx.DynamicCodes
		for k := range x.Weights {
			c, err := d.weight(&x.Weights[k])
			if err != nil {
				return inTensor(x.Weights[k].Tensor.Name, err)
			}
			codes = append(codes, c)
		}
		if err := w.Quantize(x, codes...); err != nil {
			return err
		}
	}
	d.result.Dynamic = w.Activations()
	return nil
}

// weight returns the codes of a weight, which are created at the first call.
func (d *dynamicCopy) weight(w *onnx.DynamicWeight) (*onnx.DynamicCodes, error) {
	for _, c := range d.codes {
		if c.Weight.Same(w) {
			return c, nil
		}
	}
	symmetric := d.o.Mapping == quant.Symmetric
	channels := w.Axis != onnx.NoAxis && d.o.Granularity == option.PerChannel && (symmetric || !w.SameZero)
	scheme := quant.Scheme{Bits: 8, Unsigned: d.o.Unsigned, ZeroInRange: true, Method: d.o.Range}
	if scheme.Mapping = d.o.Mapping; symmetric && !d.o.Unsigned {
		scheme.NarrowRange = true
	}
	if channels {
		scheme.Granularity = quant.PerChannel(w.Axis)
	}
	dtype := "I8"
	if d.o.Unsigned {
		dtype = "U8"
	}
	j, err := newOperatorJob(d.onnxCopy, w.Tensor, w.Shape, scheme, dtype)
	if err != nil {
		return nil, err
	}
	j.measure = d.o.Measure
	if err := d.calibrate(j, symmetric); err != nil {
		return nil, inChannel(err, j.shape, j.channels)
	}
	c := &onnx.DynamicCodes{Weight: w, DType: dtype, Channels: channels}
	scales, zeros := w.ParamShapes(channels)
	c.Codes = onnx.Payload{Size: elements(w.Shape), Write: j.writeCodes}
	if w.Transposed {
		c.Codes.Write = transposing(j.writeCodes, w.Tensor.Shape)
	}
	c.Scales = onnx.Payload{Size: 4 * elements(scales), Write: func(out io.Writer) error {
		return binary.Write(out, binary.LittleEndian, repeated(j.known.Scale, elements(scales)))
	}}
	c.Zeros = onnx.Payload{Size: elements(zeros), Write: func(out io.Writer) error {
		z := make([]byte, 0, elements(zeros))
		for _, v := range repeated(j.known.ZeroPoint, elements(zeros)) {
			z = append(z, byte(v))
		}
		_, err := out.Write(z)
		return err
	}}
	j.weight.Shape, j.weight.Use = w.Tensor.Shape, w.Tensor.Use
	j.weight.After = c.Codes.Size + c.Scales.Size + c.Zeros.Size
	d.codes, d.jobs = append(d.codes, c), append(d.jobs, j)
	return c, nil
}

// calibrate sets the scales and zero points of a weight, by the formulas of ONNX Runtime's tool
// unless o.Range is another method than min and max.
func (d *dynamicCopy) calibrate(j *onnxJob, symmetric bool) error {
	stream := quant.Stream{Source: tensorfile.Interruptible(d.ctx, j.src), Shape: j.shape}
	if j.scheme.Method != quant.MinMax {
		p, err := stream.Calibrate(j.scheme)
		if err == nil {
			*j.known = p
		}
		return err
	}
	ranges, err := stream.Ranges(j.scheme.Granularity)
	if err != nil {
		return err
	}
	if symmetric && !j.scheme.Unsigned {
		for i, r := range ranges {
			j.known.Scale[i] = weightScale(max(-r.Min, r.Max), d.o.Dynamic.Reduced)
		}
		return nil
	}
	// The zero points of the formulas are not those of a symmetric quant.Scheme.
	j.scheme.Mapping = quant.Asymmetric
	j.known.Scheme, j.weight.Scheme = j.scheme, j.scheme
	kind := activationTypes["int8"]
	if j.scheme.Unsigned {
		kind = activationTypes["uint8"]
	}
	for i, r := range ranges {
		p, err := kind.params(r.Min, r.Max, symmetric)
		if err != nil {
			return err
		}
		if symmetric { // a channel of zeros has the zero point of the others
			p.Zero = int32(kind.even / 2)
		}
		j.known.Scale[i], j.known.ZeroPoint[i] = p.Scale, p.Zero
	}
	return nil
}

// repeated returns the first n values of v, or its one value n times.
func repeated[T any](v []T, n int64) []T {
	if int64(len(v)) >= n {
		return v[:n]
	}
	return spread(v[:1], int(n))
}

// transposing returns a function that writes codes of matrices with their two axes exchanged. The
// codes of the whole weight are in memory meanwhile.
func transposing(write func(io.Writer) error, shape []int) func(io.Writer) error {
	return func(w io.Writer) error {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
		k := len(shape)
		return onnx.TransposedBytes(w, b.Bytes(), shape[k-2], shape[k-1])
	}
}

// report adds the nodes and the tensors that stay to the result.
func (d *dynamicCopy) report() {
	for _, x := range d.nodes {
		d.result.Operators = append(d.result.Operators, Operator{Name: x.Name, Op: x.Op, Integer: x.Integer, Reason: x.Reason})
	}
	coded := map[*onnx.Tensor]bool{}
	for _, c := range d.codes {
		coded[c.Weight.Tensor] = true
	}
	for _, t := range d.model.Tensors {
		switch {
		case coded[t]:
		case t.Floating:
			d.keep(t, reasonNoOperator)
		default:
			d.keep(t, summary.NotFloating(t.DType))
		}
	}
}
